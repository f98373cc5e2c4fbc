//! Tags, policy, replicas, key and description: in step, and only what the PushSecret says.

use serde_json::{Value as Json, json};

use super::{PATIENCE, Team, entry_with, site};
use crate::support::aws::secret::Secret;
use crate::support::kubectl::wait_until;

const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[]}"#;

fn team(metadata: &Json) -> Team<'static> {
    let team = Team::new();
    team.source("app", &json!({"a": "1"}));
    team.apply(&[json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "policies", "namespace": team.namespace}, "data": {"p": POLICY}})]);
    push(&team, metadata);
    team
}

fn push(team: &Team<'_>, metadata: &Json) {
    team.push("p", &json!({"data": [entry_with("a", "s", "", metadata)]}));
    team.wait_reason("p", "Synced");
}

#[track_caller]
fn wait_secret(team: &Team<'_>, what: &str, is_so: impl Fn(&Secret) -> bool) -> Secret {
    wait_until(PATIENCE, what, || {
        let secret = team.account.look("s").ok_or("no secret")?;
        if is_so(&secret) { Ok(secret) } else { Err(format!("{secret:?}")) }
    })
}

fn policy_source() -> Json {
    json!({"resourcePolicy": {"blockPublicPolicy": true,
        "policySourceRef": {"kind": "ConfigMap", "name": "policies", "key": "p"}}})
}

#[test]
fn tags_are_those_that_are_given_and_a_tag_by_hand_goes() {
    let team = team(&json!({"tags": {"team": "a", "env": "prod"}}));
    let secret = team.account.look("s").unwrap();
    assert_eq!(secret.tags.len(), 3);
    team.account.tag("s", "by-hand", "1");
    push(&team, &json!({"tags": {"team": "b"}}));
    let secret = wait_secret(&team, "tags", |secret| secret.tags.len() == 2);
    assert_eq!(secret.tags.get("team").map(String::as_str), Some("b"));
    assert_eq!(secret.versions.len(), 1, "the value did not change");
    // Not given: not managed.
    team.account.tag("s", "by-hand", "1");
    push(&team, &json!({}));
    assert_eq!(team.account.look("s").unwrap().tags.len(), 3);
}

#[test]
fn a_policy_comes_follows_its_source_and_goes_only_if_it_was_ours() {
    let team = team(&policy_source());
    wait_secret(&team, "policy", |secret| secret.policy.as_deref() == Some(POLICY));
    let other = r#"{"Version":"2012-10-17","Id":"other","Statement":[]}"#;
    team.apply(&[json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "policies", "namespace": team.namespace}, "data": {"p": other}})]);
    wait_secret(&team, "the new policy", |secret| secret.policy.as_deref() == Some(other));
    push(&team, &json!({}));
    wait_secret(&team, "no policy", |secret| secret.policy.is_none());
    // One that somebody else set is never looked at.
    team.account.change_secret("s", |secret| secret.policy = Some(POLICY.into()));
    push(&team, &json!({"description": "d"}));
    let secret = wait_secret(&team, "description", |secret| secret.description.as_deref() == Some("d"));
    assert_eq!(secret.policy.as_deref(), Some(POLICY));
    let calls = site().aws.calls();
    let of_account = calls.0.iter().filter(|call| call.account == team.account.id);
    let deletions = of_account.filter(|call| call.operation.name() == "DeleteResourcePolicy").count();
    assert_eq!(deletions, 1);
}

#[test]
fn a_policy_may_be_in_a_secret_which_is_followed_and_never_shown() {
    let policy = |id: &str| format!(r#"{{"Version":"2012-10-17","Id":"{id}","Statement":[]}}"#);
    let source =
        json!({"resourcePolicy": {"policySourceRef": {"kind": "Secret", "name": "policies", "key": "p"}}});
    let team = Team::new();
    team.source("app", &json!({"a": "1"}));
    team.source("policies", &json!({"p": policy("one")}));
    push(&team, &source);
    wait_secret(&team, "policy", |secret| secret.policy.as_ref() == Some(&policy("one")));
    team.source("policies", &json!({"p": policy("two")}));
    wait_secret(&team, "the new policy", |secret| secret.policy.as_ref() == Some(&policy("two")));
    // What is no policy is told without its text; the value follows all the same.
    team.source("policies", &json!({"p": r#"{"hunter2": "hunter2"}"#}));
    team.source("app", &json!({"a": "2"}));
    team.wait_value("s", "2");
    let object = team.wait_ready("p", "Errored", "PutResourcePolicy");
    assert!(!object["status"].to_string().contains("hunter2"), "{}", object["status"]);
    team.source("policies", &json!({"other": "key"}));
    team.delete("secret", "policies");
    team.wait_ready("p", "Errored", "policies");
}

#[test]
fn replicas_come_and_go() {
    let regions = |secret: &Secret| {
        let mut regions: Vec<_> = secret.replicas.iter().map(|replica| replica.region.clone()).collect();
        regions.sort();
        regions
    };
    let team = team(&json!({"replicationLocations": ["us-east-1", "us-west-2"]}));
    assert_eq!(regions(&team.account.look("s").unwrap()), ["us-east-1", "us-west-2"]);
    push(&team, &json!({"replicationLocations": ["eu-west-1", "us-west-2"]}));
    wait_secret(&team, "other replicas", |secret| regions(secret) == ["eu-west-1", "us-west-2"]);
    push(&team, &json!({"description": "not managed any more"}));
    assert_eq!(regions(&team.account.look("s").unwrap()).len(), 2);
    push(&team, &json!({"replicationLocations": []}));
    wait_secret(&team, "no replicas", |secret| secret.replicas.is_empty());
}

#[test]
fn description_key_and_format_are_applied_where_that_is_allowed() {
    let team = team(&json!({}));
    push(&team, &json!({"description": "d", "kmsKeyId": "alias/team", "secretPushFormat": "string"}));
    let secret = wait_secret(&team, "an update", |secret| secret.kms_key_id.as_deref() == Some("alias/team"));
    assert_eq!(secret.description.as_deref(), Some("d"));
    let current = &secret.staged("AWSCURRENT").unwrap().content;
    assert!(matches!(current, crate::support::aws::secret::Content::Text(_)));
    // The documented policy has no UpdateSecret: the value follows all the same, and the condition names the action.
    let policy = json!({"Statement": {"Effect": "Allow", "Resource": "*", "Action": [
        "secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret", "secretsmanager:CreateSecret",
        "secretsmanager:PutSecretValue", "secretsmanager:TagResource", "secretsmanager:DeleteSecret"]}});
    team.account.user("admin", &[policy]);
    team.source("app", &json!({"a": "2"}));
    team.push("p", &json!({"data": [entry_with("a", "s", "", &json!({"description": "new"}))]}));
    team.wait_value("s", "2");
    team.wait_ready("p", "Errored", "secretsmanager:UpdateSecret");
}

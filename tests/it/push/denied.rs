//! Rights at AWS: those of the documented policy are enough, and each that is missing is told with action and ARN while
//! all else goes on.

use std::thread;

use serde_json::{Value as Json, json};

use super::{PATIENCE, Team, entry, entry_with, site};
use crate::support::kubectl::wait_until;

/// What the documented policy allows, and what changes of existing secrets need beside it.
const ACTIONS: [&str; 14] = [
    "GetSecretValue",
    "DescribeSecret",
    "CreateSecret",
    "PutSecretValue",
    "TagResource",
    "DeleteSecret",
    "GetResourcePolicy",
    "PutResourcePolicy",
    "DeleteResourcePolicy",
    "ReplicateSecretToRegions",
    "RemoveRegionsFromReplication",
    "UntagResource",
    "UpdateSecret",
    "RestoreSecret",
];

const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[]}"#;

/// How a PushSecret is changed so that it needs an action.
struct Case {
    action: &'static str,
    /// The entries of secret `s` while everything is allowed, and then.
    before: Vec<Json>,
    after: Vec<Json>,
    /// What else happens before the change.
    meanwhile: fn(&Team<'_>),
}

fn actions(names: impl IntoIterator<Item = &'static str>) -> Vec<String> {
    names.into_iter().map(|name| format!("secretsmanager:{name}")).collect()
}

/// Everything, but the action only for secret `other`.
fn policy_without(action: &'static str) -> Json {
    let rest = actions(ACTIONS.into_iter().filter(|one| *one != action));
    json!({"Statement": [
        {"Effect": "Allow", "Resource": "*", "Action": rest},
        {"Effect": "Allow", "Resource": "arn:aws:secretsmanager:*:*:secret:other*", "Action": actions([action])},
    ]})
}

fn cases() -> Vec<Case> {
    let plain = || vec![entry("a", "s", "")];
    let with = |metadata: Json| vec![entry_with("a", "s", "", &metadata)];
    let policy = || json!({"resourcePolicy": {"policySourceRef": {"kind": "ConfigMap", "name": "policies", "key": "p"}}});
    let case = |action, before, after| Case { action, before, after, meanwhile: |_| {} };
    vec![
        case("GetSecretValue", vec![entry("a", "s", "p")], vec![entry("a", "s", "p")]),
        case("DescribeSecret", plain(), plain()),
        case("CreateSecret", Vec::new(), plain()),
        case("PutSecretValue", plain(), plain()),
        case("TagResource", plain(), with(json!({"tags": {"team": "a"}}))),
        // A secret that is made has tags, too.
        case("TagResource", Vec::new(), plain()),
        case("DeleteSecret", plain(), Vec::new()),
        case("GetResourcePolicy", plain(), with(policy())),
        case("PutResourcePolicy", plain(), with(policy())),
        case("DeleteResourcePolicy", with(policy()), plain()),
        case("ReplicateSecretToRegions", plain(), with(json!({"replicationLocations": ["us-east-1"]}))),
        case(
            "RemoveRegionsFromReplication",
            with(json!({"replicationLocations": ["us-east-1"]})),
            with(json!({"replicationLocations": []})),
        ),
        case("UntagResource", with(json!({"tags": {"team": "a"}})), with(json!({"tags": {"env": "b"}}))),
        case("UpdateSecret", plain(), with(json!({"description": "d"}))),
        Case {
            meanwhile: |team| {
                team.account.change_secret("s", |secret| {
                    secret.deletion = Some("2099-01-01T00:00:00Z".parse().unwrap());
                });
            },
            ..case("RestoreSecret", plain(), plain())
        },
    ]
}

fn objects(team: &Team<'_>, value: &str, entries: &[Json]) -> [Json; 2] {
    let entries = [entries, &[entry("a", "other", "")]].concat();
    let spec = json!({"deletionPolicy": "Delete", "data": entries, "refreshInterval": format!("{value}h")});
    [team.source_object("app", &json!({"a": value})), team.push_object("p", &spec)]
}

fn is_told_and_the_rest_goes_on(case: &Case) {
    let Case { action, before, after, meanwhile } = case;
    let team = Team::new();
    team.apply(&[json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "policies", "namespace": team.namespace}, "data": {"p": POLICY}})]);
    team.apply(&objects(&team, "1", before));
    team.wait_reason("p", "Synced");
    meanwhile(&team);
    team.account.user("admin", &[policy_without(action)]);
    team.apply(&objects(&team, "2", after));
    let told = team.wait_ready("p", "Errored", &format!("secretsmanager:{action}"));
    let message = told["status"]["conditions"][0]["message"].as_str().unwrap();
    let arn = format!("arn:aws:secretsmanager:eu-central-1:{}:secret:s", team.account.id);
    assert!(message.contains(&arn), "{action}: no {arn} in {message}");
    team.wait_value("other", "2");
    // It is made good as soon as it is allowed, without anybody's doing.
    team.account.user(
        "admin",
        &[json!({"Statement": {"Effect": "Allow", "Resource": "*", "Action": actions(ACTIONS)}})],
    );
    team.wait_reason("p", "Synced");
}

#[test]
fn a_right_that_is_missing_is_told_with_action_and_arn_and_the_rest_goes_on() {
    let cases = cases();
    for action in ACTIONS {
        assert!(cases.iter().any(|case| case.action == action), "no case for {action}");
    }
    // Each waits most of the time.
    for some in cases.chunks(4) {
        thread::scope(|scope| {
            some.iter().for_each(|case| _ = scope.spawn(|| is_told_and_the_rest_goes_on(case)))
        });
    }
}

#[test]
fn the_documented_policy_that_deletes_only_what_is_tagged_is_enough() {
    let team = Team::new();
    let rest = actions(ACTIONS.into_iter().filter(|one| *one != "DeleteSecret"));
    let tagged = json!({"StringEquals": {"secretsmanager:ResourceTag/managed-by": "external-secrets"}});
    let policy = json!({"Statement": [
        {"Effect": "Allow", "Resource": "*", "Action": rest},
        {"Effect": "Allow", "Resource": "*", "Action": "secretsmanager:DeleteSecret", "Condition": tagged},
    ]});
    team.account.user("admin", &[policy]);
    team.account.secret("foreign", "theirs");
    let replicated = entry_with("a", "s", "", &json!({"replicationLocations": ["us-east-1"]}));
    team.apply(&objects(&team, "1", &[replicated, entry("a", "doc", "x")]));
    team.wait_reason("p", "Synced");
    // One entry goes, and then all of it.
    team.apply(&objects(&team, "2", &[entry("a", "doc", "x")]));
    team.wait_reason("p", "Synced");
    assert!(team.account.look("s").unwrap().deletion.is_some());
    team.delete("pushsecret", "p");
    wait_until(PATIENCE, "p to be gone", || match team.get("pushsecret", "p") {
        None => Ok(()),
        Some(object) => Err(object["status"].to_string()),
    });
    for name in ["doc", "other"] {
        assert!(team.account.look(name).unwrap().deletion.is_some(), "{name}");
    }
    assert!(team.account.look("foreign").unwrap().deletion.is_none());
    let refused = team.calls(&site().aws).0.into_iter().filter(|call| call.refused.is_some());
    let denied: Vec<_> =
        refused.filter(|call| call.refused.as_deref() == Some("AccessDeniedException")).collect();
    assert!(denied.is_empty(), "{denied:?}");
}

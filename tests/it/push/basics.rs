//! What is pushed: values, documents, properties; when, and with how many calls.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{PATIENCE, Team, entry, entry_with, site, text};
use crate::support::aws::calls::{Call, Calls};
use crate::support::kubectl::wait_until;

/// Those of the push; the store's own proof is another's.
fn calls(team: &Team<'_>) -> Calls {
    let is_of_push = |call: &Call| call.operation.name() != "GetCallerIdentity";
    Calls(team.calls(&site().aws).0.into_iter().filter(is_of_push).collect())
}

#[test]
fn keys_become_secrets_and_changes_follow_within_a_second() {
    let team = Team::new();
    team.source("app", &json!({"user": "u1", "password": "p1"}));
    team.push("all", &json!({"data": [entry("user", "app/user", ""), entry("", "app/all", "")]}));
    let object = team.wait_reason("all", "Synced");
    let secret = team.wait_value("app/user", "u1");
    team.wait_value("app/all", r#"{"password":"p1","user":"u1"}"#);
    assert_eq!(secret.description.as_deref(), Some("secret 'managed-by:external-secrets'"));
    assert_eq!(secret.kms_key_id.as_deref(), Some("alias/aws/secretsmanager"));
    assert_eq!(secret.tags.get("managed-by").map(String::as_str), Some("external-secrets"));
    assert!(matches!(secret.versions[0].content, crate::support::aws::secret::Content::Binary(_)));
    let status = &object["status"];
    assert_eq!(status["conditions"][0]["message"], "PushSecret synced successfully");
    let recorded = &status["syncedPushSecrets"]["SecretStore/aws"];
    assert_eq!(recorded["app/user"]["match"]["secretKey"], "user", "{recorded}");
    assert_eq!(recorded["app/all"]["match"]["remoteRef"]["remoteKey"], "app/all", "{recorded}");

    let changed = Instant::now();
    team.source("app", &json!({"user": "u2", "password": "p1"}));
    team.wait_value("app/user", "u2");
    println!("a change was pushed after {:?}", changed.elapsed());
    team.source("app", &json!({"user": "u1", "password": "p1"}));
    let secret = team.wait_value("app/user", "u1");
    assert_eq!(secret.versions.len(), 3, "there and back is three versions");
    let ids: std::collections::BTreeSet<_> = secret.versions.iter().map(|version| &version.id).collect();
    assert_eq!(ids.len(), 3);
}

#[test]
fn equal_values_in_two_secrets_have_different_versions() {
    let team = Team::new();
    team.source("app", &json!({"a": "same", "b": "same"}));
    team.push("two", &json!({"data": [entry("a", "one", ""), entry("b", "two", "")]}));
    let (one, two) = (team.wait_value("one", "same"), team.wait_value("two", "same"));
    assert_ne!(one.versions[0].id, two.versions[0].id);
}

#[test]
fn properties_of_one_secret_are_one_version_and_at_most_four_calls() {
    let team = Team::new();
    let string = json!({"secretPushFormat": "string"});
    team.account.secret("doc", r#"{ "kept" : 1.10 }"#);
    team.account.tag("doc", "managed-by", "external-secrets");
    team.source("app", &json!({"a": "1", "b": "2", "c": "3", "d": "4", "e": "5"}));
    let entries: Vec<_> =
        ["a", "b", "c", "d", "e"].iter().map(|key| entry_with(key, "doc", key, &string)).collect();
    team.push("doc", &json!({"data": entries}));
    team.wait_reason("doc", "Synced");
    let secret = team.wait_value("doc", r#"{ "kept" : 1.10 ,"a":"1","b":"2","c":"3","d":"4","e":"5"}"#);
    assert_eq!(secret.versions.len(), 2);
    let made = calls(&team);
    assert!(made.count() <= 4, "{:?}", made.by_operation());
    assert_eq!(made.writes().count(), 1, "{:?}", made.by_operation());
}

#[test]
fn what_has_not_changed_costs_one_call_an_interval_and_never_a_write() {
    let team = Team::new();
    team.source("app", &json!({"a": "1", "b": "2"}));
    let entries = [entry("a", "one", ""), entry("b", "two", "p"), entry("a", "two", "q")];
    team.push("steady", &json!({"data": entries, "refreshInterval": "1s"}));
    team.wait_reason("steady", "Synced");
    let before = calls(&team);
    let refreshed = |count: usize| {
        wait_until(PATIENCE, "refreshes", || match calls(&team) {
            now if now.of("DescribeSecret").count() >= before.of("DescribeSecret").count() + count => Ok(now),
            now => Err(format!("{:?}", now.by_operation())),
        })
    };
    let after = refreshed(6);
    for operation in [
        "GetSecretValue",
        "PutSecretValue",
        "CreateSecret",
        "TagResource",
        "DeleteResourcePolicy",
        "GetResourcePolicy",
    ] {
        assert_eq!(
            after.of(operation).count(),
            before.of(operation).count(),
            "{operation}: {:?}",
            after.by_operation()
        );
    }
    assert_eq!(after.writes().count(), 2);
}

#[test]
fn a_rule_pushes_many_keys_of_selected_secrets() {
    let team = Team::new();
    team.source("one", &json!({"db-user": "u", "other": "x"}));
    team.source("two", &json!({"db-password": "p"}));
    let rule = json!({"storeRef": {"name": "aws"}, "match": {"regexp": "^db-"},
        "rewrite": [{"regexp": {"source": "^db-", "target": "prod/"}}]});
    team.push(
        "many",
        &json!({"selector": {"secret": {"selector": {"matchLabels": {"pushed": "yes"}}}}, "dataTo": [rule]}),
    );
    team.wait_value("prod/user", "u");
    team.wait_value("prod/password", "p");
    assert!(team.account.look("other").is_none());
    // A Secret more, and it is pushed, too.
    team.source("three", &json!({"db-host": "h"}));
    team.wait_value("prod/host", "h");
}

#[test]
fn existing_secrets_stay_with_if_not_exists() {
    let team = Team::new();
    team.account.secret("there", "theirs");
    team.source("app", &json!({"a": "ours"}));
    team.push(
        "new",
        &json!({"updatePolicy": "IfNotExists", "data": [entry("a", "there", ""), entry("a", "new", "")]}),
    );
    team.wait_ready("new", "Synced", "Existing secrets in providers unchanged.");
    team.wait_value("new", "ours");
    let there = team.account.look("there").unwrap();
    assert_eq!(text(&there.staged("AWSCURRENT").unwrap().content), "theirs");
    assert!(there.tags.is_empty());
}

#[test]
fn stores_of_others_are_left_alone_until_they_are_handed_over() {
    let team = Team::at(site().plane, &site().aws, "");
    let ours = Team::new();
    for one in [&team, &ours] {
        one.source("app", &json!({"a": "1"}));
        one.push("p", &json!({"data": [entry("a", "s", "")], "deletionPolicy": "Delete"}));
    }
    ours.wait_reason("p", "Synced");
    let object = team.get("pushsecret", "p").unwrap();
    assert!(object.get("status").is_none() && object["metadata"].get("finalizers").is_none(), "{object}");
    team.apply(&[team.store("aws", "keyhatch", &json!({}))]);
    team.wait_reason("p", "Synced");
    // And back: it is the operator's again, with all that it needs to know.
    team.apply(&[team.store("aws", "", &json!({}))]);
    team.source("app", &json!({"a": "2"}));
    ours.source("app", &json!({"a": "2"}));
    ours.wait_value("s", "2");
    std::thread::sleep(Duration::ZERO);
    assert_eq!(text(&team.account.look("s").unwrap().staged("AWSCURRENT").unwrap().content), "1");
}

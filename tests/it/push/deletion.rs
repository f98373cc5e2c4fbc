//! What goes, and what does not: with `deletionPolicy: Delete`, and without.

use serde_json::json;

use super::{PATIENCE, Team, entry, entry_with, text};
use crate::support::kubectl::wait_until;

const DELETE: &str = "Delete";

#[track_caller]
fn wait_deleted(team: &Team<'_>, name: &str) {
    wait_until(PATIENCE, &format!("{name} to be marked for deletion"), || match team.account.look(name) {
        Some(secret) if secret.deletion.is_none() => Err("it is there".to_owned()),
        _ => Ok(()),
    });
}

#[track_caller]
fn wait_gone(team: &Team<'_>, name: &str) {
    wait_until(PATIENCE, &format!("{name} to be gone"), || match team.get("pushsecret", name) {
        None => Ok(()),
        Some(object) => Err(object["status"].to_string()),
    });
}

fn is_there(team: &Team<'_>, name: &str) -> bool {
    team.account.look(name).is_some_and(|secret| secret.deletion.is_none())
}

#[test]
fn a_push_secret_takes_its_secrets_with_it_only_if_it_says_so() {
    let team = Team::new();
    team.source("app", &json!({"a": "1"}));
    team.push("kept", &json!({"data": [entry("a", "kept", "")]}));
    let replicated = entry_with("a", "gone", "", &json!({"replicationLocations": ["us-east-1"]}));
    team.push("gone", &json!({"deletionPolicy": DELETE, "data": [replicated]}));
    team.wait_reason("kept", "Synced");
    team.wait_reason("gone", "Synced");
    team.account.secret("foreign", "x");
    team.delete("pushsecret", "kept");
    team.delete("pushsecret", "gone");
    wait_gone(&team, "kept");
    wait_gone(&team, "gone");
    assert!(is_there(&team, "kept") && !is_there(&team, "gone") && is_there(&team, "foreign"));
}

#[test]
fn a_store_says_how_long_its_secrets_can_be_restored() {
    let team = Team::new();
    team.source("app", &json!({"a": "1"}));
    let store = |name: &str, settings: serde_json::Value| {
        team.store(name, "keyhatch", &json!({"prefix": format!("{name}/"), "secretsManager": settings}))
    };
    team.apply(&[
        store("week", json!({"recoveryWindowInDays": 7})),
        store("force", json!({"forceDeleteWithoutRecovery": true})),
        store("default", json!({})),
    ]);
    let stores = json!([{"name": "week"}, {"name": "force"}, {"name": "default"}]);
    let replicated = entry_with("a", "s", "", &json!({"replicationLocations": ["us-east-1"]}));
    team.push("p", &json!({"deletionPolicy": DELETE, "secretStoreRefs": stores, "data": [replicated]}));
    team.wait_reason("p", "Synced");
    team.delete("pushsecret", "p");
    wait_gone(&team, "p");
    let days = |name: &str| {
        let secret = team.account.look(name).unwrap();
        secret.deletion.unwrap().duration_since(k8s_openapi::jiff::Timestamp::now()).as_hours() / 24
    };
    assert!((6..=7).contains(&days("week/s")), "{}", days("week/s"));
    assert!((29..=30).contains(&days("default/s")), "{}", days("default/s"));
    assert!(team.account.look("force/s").is_none(), "it is gone at once");
}

#[test]
fn entries_go_singly_and_a_document_only_when_nothing_is_left() {
    let team = Team::new();
    let string = json!({"secretPushFormat": "string"});
    team.source("app", &json!({"a": "1", "b": "2", "c": "3"}));
    let push = |entries: &[serde_json::Value]| {
        team.push("p", &json!({"deletionPolicy": DELETE, "data": entries}));
        team.wait_reason("p", "Synced");
    };
    let doc = |key: &str| entry_with(key, "doc", key, &string);
    push(&[doc("a"), doc("b"), entry("c", "whole", "")]);
    team.wait_value("doc", r#"{"a":"1","b":"2"}"#);
    push(&[doc("b"), entry("c", "whole", "")]);
    team.wait_value("doc", r#"{"b":"2"}"#);
    push(&[entry("c", "whole", "")]);
    wait_deleted(&team, "doc");
    push(&[entry("a", "other", "")]);
    wait_deleted(&team, "whole");
    let status = team.get("pushsecret", "p").unwrap();
    let recorded = status["status"]["syncedPushSecrets"]["SecretStore/aws"].as_object().unwrap().clone();
    assert_eq!(recorded.keys().collect::<Vec<_>>(), ["other"]);
}

#[test]
fn the_rest_of_a_document_that_somebody_else_writes_stays() {
    let team = Team::new();
    team.account.secret("doc", r#"{"theirs":"x"}"#);
    team.account.tag("doc", "managed-by", "external-secrets");
    team.source("app", &json!({"a": "1"}));
    let string = json!({"secretPushFormat": "string"});
    team.push("p", &json!({"deletionPolicy": DELETE, "data": [entry_with("a", "doc", "a", &string)]}));
    team.wait_value("doc", r#"{"theirs":"x","a":"1"}"#);
    team.wait_reason("p", "Synced");
    team.delete("pushsecret", "p");
    wait_gone(&team, "p");
    team.wait_value("doc", r#"{"theirs":"x"}"#);
}

#[test]
fn secrets_follow_their_source_out_and_back_in() {
    let team = Team::new();
    team.source("app", &json!({"a": "1"}));
    team.push("p", &json!({"deletionPolicy": DELETE, "data": [entry("a", "s", "")]}));
    team.wait_reason("p", "Synced");
    team.delete("secret", "app");
    wait_deleted(&team, "s");
    let object = team.wait_reason("p", "SourceDeleted");
    assert_eq!(object["status"]["conditions"][0]["status"], "False");
    // We deleted it, so it comes back.
    team.source("app", &json!({"a": "2"}));
    let secret = team.wait_value("s", "2");
    assert!(secret.deletion.is_none());
    team.wait_reason("p", "Synced");
}

#[test]
fn what_somebody_deleted_stays_deleted_until_the_push_secret_changes() {
    let team = Team::new();
    team.source("app", &json!({"a": "1"}));
    team.push("p", &json!({"data": [entry("a", "s", "")], "refreshInterval": "1s"}));
    team.wait_reason("p", "Synced");
    team.account.change_secret("s", |secret| {
        secret.deletion = Some("2099-01-01T00:00:00Z".parse().unwrap());
    });
    team.wait_ready("p", "Errored", "somebody deleted the secret");
    assert!(!is_there(&team, "s"));
    team.push("p", &json!({"data": [entry("a", "s", "")], "refreshInterval": "2s"}));
    team.wait_reason("p", "Synced");
    assert!(is_there(&team, "s"));
}

#[test]
fn a_store_that_is_named_no_more_loses_what_was_pushed_there_unless_it_moved() {
    let team = Team::new();
    let other = team.account.keys();
    team.apply(&[
        team.store("same", "keyhatch", &json!({})),
        team.store("elsewhere", "keyhatch", &json!({"prefix": "x/"})),
    ]);
    drop(other);
    team.source("app", &json!({"a": "1"}));
    let push = |stores: serde_json::Value| {
        team.push(
            "p",
            &json!({"deletionPolicy": DELETE, "secretStoreRefs": stores, "data": [entry("a", "s", "")]}),
        );
        team.wait_reason("p", "Synced");
    };
    push(json!([{"name": "aws"}]));
    push(json!([{"name": "same"}]));
    let secret = team.account.look("s").unwrap();
    assert!(secret.deletion.is_none(), "it moved to another store, and AWS has it in the same place");
    assert_eq!(secret.versions.len(), 1);
    push(json!([{"name": "elsewhere"}]));
    wait_deleted(&team, "s");
    assert_eq!(text(&team.account.look("x/s").unwrap().staged("AWSCURRENT").unwrap().content), "1");
}

#[test]
fn a_store_waits_for_push_secrets_that_have_something_to_delete_there() {
    let team = Team::new();
    team.source("app", &json!({"a": "1"}));
    team.push("p", &json!({"deletionPolicy": DELETE, "data": [entry("a", "s", "")]}));
    team.wait_reason("p", "Synced");
    wait_until(PATIENCE, "the store's finalizer", || {
        let store = team.get("secretstore", "aws").unwrap();
        match store["metadata"]["finalizers"].to_string() {
            text if text.contains("secretstore.externalsecrets.io/finalizer") => Ok(()),
            text => Err(text),
        }
    });
    // Everything at once: the store goes last.
    team.delete("secretstore", "aws");
    team.delete("pushsecret", "p");
    wait_gone(&team, "p");
    wait_deleted(&team, "s");
    wait_until(PATIENCE, "the store to go", || {
        team.get("secretstore", "aws").map_or(Ok(()), |store| Err(store["metadata"].to_string()))
    });
}

#[test]
fn what_was_given_up_while_nothing_was_deleted_is_forgotten() {
    let team = Team::new();
    team.source("app", &json!({"a": "1"}));
    let push = |policy: &str, remote: &str| {
        team.push("p", &json!({"deletionPolicy": policy, "data": [entry("a", remote, "")]}));
        team.wait_reason("p", "Synced")
    };
    push("None", "old");
    let object = push("None", "new");
    let recorded = object["status"]["syncedPushSecrets"]["SecretStore/aws"].as_object().unwrap();
    assert_eq!(recorded.keys().collect::<Vec<_>>(), ["new"]);
    push(DELETE, "new");
    team.delete("pushsecret", "p");
    wait_gone(&team, "p");
    assert!(is_there(&team, "old") && !is_there(&team, "new"));
}

#[test]
fn a_store_that_leaves_goes_when_its_push_secret_has_moved() {
    let team = Team::new();
    team.apply(&[team.store("other", "keyhatch", &json!({"prefix": "x/"}))]);
    team.source("app", &json!({"a": "1"}));
    let push = |store: &str| {
        team.push("p", &json!({"deletionPolicy": DELETE, "secretStoreRefs": [{"name": store}], "data": [entry("a", "s", "")]}));
        team.wait_reason("p", "Synced");
    };
    push("aws");
    team.delete("secretstore", "aws");
    push("other");
    wait_deleted(&team, "s");
    wait_until(PATIENCE, "the store to go", || {
        team.get("secretstore", "aws").map_or(Ok(()), |store| Err(store["metadata"].to_string()))
    });
}

#[test]
fn a_push_secret_whose_store_is_gone_says_so_and_goes_when_nothing_is_to_be_deleted() {
    let team = Team::new();
    team.source("app", &json!({"a": "1"}));
    team.push("p", &json!({"deletionPolicy": DELETE, "data": [entry("a", "s", "")]}));
    team.wait_reason("p", "Synced");
    let held = json!(["secretstore.externalsecrets.io/finalizer"]);
    assert_eq!(
        team.get("secretstore", "aws").unwrap()["metadata"]["finalizers"],
        held,
        "before anything is made"
    );
    // Somebody is stronger than a finalizer.
    team.delete("secretstore", "aws");
    team.patch("secretstore", "aws", &json!({"metadata": {"finalizers": null}}));
    team.wait_ready("p", "Errored", "SecretStore aws: there is no such store");
    team.delete("pushsecret", "p");
    team.wait_ready("p", "Errored", "the store is gone, so what was pushed there cannot be deleted");
    team.patch("pushsecret", "p", &json!({"spec": {"deletionPolicy": "None"}}));
    wait_gone(&team, "p");
    assert!(is_there(&team, "s"));
}

#[test]
fn what_is_not_to_be_deleted_after_all_stays() {
    let team = Team::new();
    team.source("app", &json!({"a": "1"}));
    team.push("p", &json!({"deletionPolicy": DELETE, "data": [entry("a", "s", "")]}));
    team.wait_reason("p", "Synced");
    // The keys do not work any more, so that there is time to think.
    team.account.revoke(&team.keys);
    team.delete("pushsecret", "p");
    team.wait_ready("p", "Errored", "DescribeSecret");
    team.patch("pushsecret", "p", &json!({"spec": {"deletionPolicy": "None"}}));
    wait_gone(&team, "p");
    assert!(is_there(&team, "s"));
}

//! What cannot be kept is told, with the entry, the cause and the fix; and the rest goes on.

use serde_json::{Value as Json, json};

use super::data;
use crate::push::{Team, site};
use crate::support::aws::account::Keys;

#[test]
fn a_condition_names_the_entry_and_the_cause() {
    let team = Team::new();
    team.account.secret("app", r#"{"a": "hunter2"}"#);
    team.account.secret("plain", "hunter2");
    let one = |key: &str, property: &str| json!({"data": [data("k", key, property)]});
    let extract = json!({"dataFrom": [{"extract": {"key": "plain"}}]});
    let both = json!({"data": [data("k", "nothing", ""), data("l", "app", "b")]});
    for (name, spec, words) in [
        ("gone", one("nothing", ""), "could not get secret data from provider: spec.data[0]: "),
        ("no-property", one("app", "b"), "spec.data[0]: aws::app#b: the secret has no such property"),
        ("no-json", extract, "spec.dataFrom[0]: aws::plain: keys cannot be extracted: not JSON"),
        ("both", both, "spec.data[1]: aws::app#b"),
    ] {
        refused(&team, name, &spec, words);
    }
    team.external("good", &one("app", "a"));
    team.wait_secret("good", &json!({"k": "hunter2"}));
}

#[test]
fn keys_that_no_secret_can_have_and_what_only_the_operator_does_are_told() {
    let team = Team::new();
    team.account.secret("keys", r#"{"a/b": "1", "a_b": "2"}"#);
    team.account.secret("letters", r#"{"\u00e9": "1"}"#);
    let extract = |key: &str| json!({"dataFrom": [{"extract": {"key": key}}]});
    let template = json!({"data": [data("k", "keys", "")], "target": {"template": {"data": {"k": "x"}}}});
    for (name, spec, words) in [
        ("collide", extract("keys"), "keys that become \"a_b\" by conversion collide; rewrite them"),
        ("refused", extract("letters"), "could not update secret: Secret"),
        ("template", template, "spec.target.template is not supported by Keyhatch"),
    ] {
        refused(&team, name, &spec, words);
    }
    let find = json!({"dataFrom": [{"find": {"name": {"regexp": "^none$"}}}]});
    team.external("nothing-found", &find);
    team.wait_kept("nothing-found", "SecretSynced", "secret retained due to DeletionPolicy=Retain");
    assert!(team.get("secret", "nothing-found").is_none());
}

/// Its condition has these words, and no value; and there is no Secret.
#[track_caller]
pub(super) fn refused(team: &Team<'_>, name: &str, spec: &Json, words: &str) {
    team.external(name, spec);
    let object = team.wait_kept(name, "SecretSyncedError", words);
    assert!(!object["status"].to_string().contains("hunter2"), "{object}");
    assert!(team.get("secret", name).is_none(), "{name}");
}

#[test]
fn a_secret_that_is_anothers_is_left_alone() {
    let team = Team::new();
    team.account.secret("app", "v");
    team.account.secret("other", "w");
    team.external("first", &json!({"data": [data("k", "app", "")]}));
    team.wait_secret("first", &json!({"k": "v"}));
    team.external("second", &json!({"data": [data("k", "other", "")], "target": {"name": "first"}}));
    team.wait_kept(
        "second",
        "SecretSyncedError",
        "target is owned by another ExternalSecret: Secret first is first's",
    );
    team.wait_secret("first", &json!({"k": "v"}));
}

#[test]
fn a_store_that_changes_or_goes_is_noticed() {
    let team = Team::new();
    team.account.secret("app", "v");
    team.account.secret("dev/app", "w");
    team.external("app", &json!({"data": [data("k", "app", "")]}));
    team.wait_secret("app", &json!({"k": "v"}));
    team.apply(&[team.store("aws", "keyhatch", &json!({"prefix": "dev/"}))]);
    team.wait_secret("app", &json!({"k": "w"}));
    team.delete("secretstore", "aws");
    team.wait_kept("app", "SecretSyncedError", "spec.data[0]: ");
    team.wait_secret("app", &json!({"k": "w"}));
    team.apply(&[team.store("aws", "keyhatch", &json!({}))]);
    team.wait_secret("app", &json!({"k": "v"}));
}

/// Who asks for it does not mean the answer that it failed by.
#[test]
fn what_failed_from_the_beginning_is_fetched_anew_when_somebody_asks_for_it() {
    let team = Team::new();
    team.account.secret("app", r#"{"a": "1"}"#);
    team.external("app", &json!({"data": [data("k", "app", "b")]}));
    team.wait_kept("app", "SecretSyncedError", "no such property");
    team.account.secret("app", r#"{"b": "2"}"#);
    team.force("app", "1");
    team.wait_secret("app", &json!({"k": "2"}));
}

/// Whoever reads a namespace's conditions may not know where the platform has its keys.
#[test]
fn credentials_of_a_cluster_store_are_not_named_in_a_namespace() {
    let team = Team::new();
    let mut store = team.store("aws", "keyhatch", &json!({}));
    let name = format!("hidden-{}", team.namespace);
    store["kind"] = "ClusterSecretStore".into();
    store["metadata"] = json!({"name": name});
    let keys = &mut store["spec"]["provider"]["aws"]["auth"]["secretRef"];
    for at in ["accessKeyIDSecretRef", "secretAccessKeySecretRef"] {
        keys[at]["name"] = "platform-keys".into();
        keys[at]["namespace"] = "kube-public".into();
    }
    team.apply(&[store]);
    let reference = json!({"name": name, "kind": "ClusterSecretStore"});
    team.external("app", &json!({"secretStoreRef": reference, "data": [data("k", "app", "")]}));
    team.source("app", &json!({"a": "1"}));
    team.push("app", &json!({"secretStoreRefs": [reference], "data": [crate::push::entry("a", "s", "")]}));
    let kept = team.wait_kept("app", "SecretSyncedError", "ClusterSecretStore");
    let pushed = team.wait_reason("app", "Errored");
    for status in [&kept["status"], &pushed["status"]] {
        let status = status.to_string();
        assert!(!status.contains("platform-keys") && !status.contains("kube-public"), "{status}");
    }
    team.plane.kubectl(&["delete", "clustersecretstore", &name]).success().unwrap();
}

#[test]
fn while_a_store_is_broken_nothing_is_asked_and_soon_after_it_heals_all_goes_on() {
    let team = Team::new();
    team.account.secret("app", "v");
    team.external("app", &json!({"data": [data("k", "app", "")], "refreshInterval": "1s"}));
    team.wait_secret("app", &json!({"k": "v"}));
    let wrong = Keys { secret: "wrong".into(), ..team.keys.clone() };
    team.set_keys(&wrong);
    let object = team.wait_kept("app", "SecretSyncedError", "/aws is not ready: ");
    team.external("new", &json!({"data": [data("k", "app", "")]}));
    team.wait_kept("new", "SecretSyncedError", "/aws is not ready: ");
    let asked = || {
        team.calls(&site().aws).of("GetSecretValue").count()
            + team.calls(&site().aws).of("BatchGetSecretValue").count()
    };
    let before = asked();
    team.account.secret("app", "w");
    team.external("app", &json!({"data": [data("l", "app", "")], "refreshInterval": "1s"}));
    team.wait_secret("app", &json!({"k": "v"}));
    let since = object["status"]["conditions"][0]["lastTransitionTime"].clone();
    let now =
        team.get("externalsecret", "app").unwrap()["status"]["conditions"][0]["lastTransitionTime"].clone();
    // Looked at after the change: it is not asked for.
    team.external("later", &json!({"data": [data("k", "app", "")]}));
    team.wait_kept("later", "SecretSyncedError", "/aws is not ready: ");
    assert_eq!((now, asked()), (since, before));
    team.set_keys(&team.keys);
    team.wait_secret("app", &json!({"l": "w"}));
    team.wait_secret("new", &json!({"k": "w"}));
}

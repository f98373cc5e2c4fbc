//! What cannot be kept is told, with the entry, the cause and the fix; and the rest goes on.

use serde_json::json;

use super::data;
use crate::push::{Team, site};

#[test]
fn a_condition_names_the_entry_and_the_cause() {
    let team = Team::new();
    team.account.secret("app", r#"{"a": "hunter2"}"#);
    team.account.secret("plain", "hunter2");
    team.account.secret("keys", r#"{"a/b": "1", "a_b": "2"}"#);
    team.account.secret("letters", r#"{"é": "1"}"#);
    for (name, spec, words) in [
        (
            "gone",
            json!({"data": [data("k", "nothing", "")]}),
            "could not get secret data from provider: spec.data[0]: ",
        ),
        (
            "no-property",
            json!({"data": [data("k", "app", "b")]}),
            "spec.data[0]: aws::app#b: the secret has no such property",
        ),
        (
            "no-json",
            json!({"dataFrom": [{"extract": {"key": "plain"}}]}),
            "spec.dataFrom[0]: aws::plain: keys cannot be extracted: not JSON",
        ),
        (
            "collide",
            json!({"dataFrom": [{"extract": {"key": "keys"}}]}),
            "keys that become \"a_b\" by conversion collide; rewrite them",
        ),
        (
            "refused",
            json!({"dataFrom": [{"extract": {"key": "letters"}}]}),
            "could not update secret: Secret",
        ),
        (
            "template",
            json!({"data": [data("k", "app", "")], "target": {"template": {"data": {"k": "x"}}}}),
            "spec.target.template is not supported by Keyhatch",
        ),
        (
            "both",
            json!({"data": [data("k", "nothing", ""), data("l", "app", "b")]}),
            "spec.data[1]: aws::app#b",
        ),
        (
            "nothing-found",
            json!({"dataFrom": [{"find": {"name": {"regexp": "^none$"}}}]}),
            "secret retained due to DeletionPolicy=Retain",
        ),
    ] {
        team.external(name, &spec);
        let reason = if name == "nothing-found" { "SecretSynced" } else { "SecretSyncedError" };
        let object = team.wait_kept(name, reason, words);
        assert!(!object["status"].to_string().contains("hunter2"), "{object}");
        assert!(team.get("secret", name).is_none(), "{name}");
    }
    team.external("good", &json!({"data": [data("k", "app", "a")]}));
    team.wait_secret("good", &json!({"k": "hunter2"}));
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
    assert!(site().aws.calls().count() > 0);
}

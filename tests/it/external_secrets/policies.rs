//! Creation and deletion policies; what becomes of a Secret when its ExternalSecret goes, is renamed, or finds nothing.

use serde_json::json;

use super::data;
use crate::push::{PATIENCE, Team};
use crate::support::kubectl::wait_until;

#[track_caller]
fn wait_gone(team: &Team<'_>, kind: &str, name: &str) {
    wait_until(PATIENCE, &format!("{kind} {name} to go"), || match team.get(kind, name) {
        None => Ok(()),
        Some(object) => Err(object["metadata"].to_string()),
    });
}

#[test]
fn a_secret_is_filled_made_or_left_alone_as_the_policy_says() {
    let team = Team::new();
    team.account.secret("app", "v");
    team.apply(&[json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "merged", "namespace": team.namespace},
        "stringData": {"theirs": "t"}})]);
    for (name, policy) in [
        ("merged", "Merge"),
        ("filled", "CreateOrMerge"),
        ("orphan", "Orphan"),
        ("none", "None"),
        ("absent", "Merge"),
    ] {
        team.external(name, &json!({"data": [data("k", "app", "")], "target": {"creationPolicy": policy}}));
    }
    team.wait_secret("merged", &json!({"theirs": "t", "k": "v"}));
    for name in ["filled", "orphan"] {
        let secret = team.wait_secret(name, &json!({"k": "v"}));
        assert!(secret["metadata"].get("ownerReferences").is_none(), "{name}");
    }
    team.wait_kept("none", "SecretSynced", "");
    let absent = team.wait_kept("absent", "SecretMissing", "will not be created due to CreationPolicy=Merge");
    assert_eq!(absent["status"]["conditions"][0]["status"], "True");
    assert!(team.get("secret", "none").is_none() && team.get("secret", "absent").is_none());
    // What was merged in is taken out again, and what was there stays.
    team.external("merged", &json!({"data": [data("l", "app", "")], "target": {"creationPolicy": "Merge"}}));
    team.wait_secret("merged", &json!({"theirs": "t", "l": "v"}));
    team.delete("externalsecret", "orphan");
    wait_gone(&team, "externalsecret", "orphan");
    team.wait_secret("orphan", &json!({"k": "v"}));
}

#[test]
fn a_secret_goes_with_its_owner_and_with_its_source_if_that_is_asked_for() {
    let team = Team::new();
    team.account.secret("app", "v");
    team.account.secret("other", "w");
    let every = |deletion: &str| {
        json!({"refreshInterval": "1s", "target": {"deletionPolicy": deletion},
            "data": [data("k", "app", ""), data("l", "other", "")]})
    };
    for (name, deletion) in [("retain", "Retain"), ("delete", "Delete"), ("merge", "Merge")] {
        team.external(name, &every(deletion));
        team.wait_secret(name, &json!({"k": "v", "l": "w"}));
    }
    team.account.remove_secret("other");
    team.wait_secret("delete", &json!({"k": "v"}));
    team.wait_secret("merge", &json!({"k": "v"}));
    team.wait_kept("retain", "SecretSyncedError", "spec.data[1]");
    team.account.remove_secret("app");
    team.wait_kept("delete", "SecretDeleted", "secret deleted due to DeletionPolicy=Delete");
    wait_gone(&team, "secret", "delete");
    team.wait_secret("merge", &json!({}));
    team.wait_secret("retain", &json!({"k": "v", "l": "w"}));
    // It comes back with its source.
    team.account.secret("app", "again");
    team.wait_secret("delete", &json!({"k": "again"}));
    for name in ["delete", "merge", "retain"] {
        team.delete("externalsecret", name);
        wait_gone(&team, "externalsecret", name);
        wait_gone(&team, "secret", name);
    }
}

#[test]
fn a_secret_of_another_name_is_deleted_and_a_copy_of_it_is_not() {
    let team = Team::new();
    team.account.secret("app", "v");
    let named = |name: &str| json!({"data": [data("k", "app", "")], "target": {"name": name}});
    team.external("app", &named("old"));
    let old = team.wait_secret("old", &json!({"k": "v"}));
    let mut copy = json!({"apiVersion": "v1", "kind": "Secret", "data": old["data"],
        "metadata": {"name": "copy", "namespace": team.namespace, "labels": old["metadata"]["labels"]}});
    copy["metadata"]["annotations"] = old["metadata"]["annotations"].clone();
    team.apply(&[copy]);
    team.external("app", &named("new"));
    team.wait_secret("new", &json!({"k": "v"}));
    wait_gone(&team, "secret", "old");
    team.wait_secret("copy", &json!({"k": "v"}));
}

/// Only what AWS says is not there counts as gone; everything else is a failure, and the Secret stays.
#[test]
fn what_cannot_be_read_is_not_taken_for_gone() {
    let team = Team::new();
    team.account.secret("app", r#"{"a": "1"}"#);
    team.account.secret("other", "w");
    for policy in ["Delete", "Merge"] {
        let name = policy.to_lowercase();
        let entries = json!([data("k", "app", "a"), data("l", "other", "")]);
        team.external(&name, &json!({"data": entries, "target": {"deletionPolicy": policy}}));
        team.wait_secret(&name, &json!({"k": "1", "l": "w"}));
    }
    team.account.secret("app", r#"{"b": "1"}"#);
    for name in ["delete", "merge"] {
        team.force(name, "1");
        team.wait_kept(
            name,
            "SecretSyncedError",
            "spec.data[0]: aws::app#a: the secret has no such property",
        );
        team.wait_secret(name, &json!({"k": "1", "l": "w"}));
    }
}

/// Whoever wrote the new one may have died before the old one was deleted.
#[test]
fn a_secret_of_a_former_name_goes_though_the_new_one_is_there() {
    let team = Team::new();
    team.account.secret("app", "v");
    let named = |name: &str| json!({"data": [data("k", "app", "")], "target": {"name": name}, "refreshInterval": "1s"});
    team.external("app", &named("old"));
    let mut old = team.wait_secret("old", &json!({"k": "v"}));
    team.external("app", &named("new"));
    team.wait_secret("new", &json!({"k": "v"}));
    wait_gone(&team, "secret", "old");
    team.wait_kept("app", "SecretSynced", "");
    for field in ["resourceVersion", "uid", "creationTimestamp"] {
        old["metadata"].as_object_mut().unwrap().remove(field);
    }
    team.apply(&[old]);
    team.patch_status("externalsecret", "app", &json!({"binding": {"name": "old"}}));
    wait_gone(&team, "secret", "old");
    team.wait_secret("new", &json!({"k": "v"}));
}

/// What AWS said to another ExternalSecret a moment before would be believed for an interval.
#[test]
fn what_was_made_after_another_found_nothing_is_found() {
    let team = Team::new();
    let spec = json!({"data": [data("k", "app", "")], "target": {"deletionPolicy": "Delete"}});
    team.external("early", &spec);
    team.wait_kept("early", "SecretDeleted", "");
    team.account.secret("app", "v");
    team.external("late", &spec);
    team.wait_secret("late", &json!({"k": "v"}));
}

/// Also when a Secret is repaired, and when the time of a refresh has come.
#[test]
fn what_another_did_not_find_is_asked_for_again_before_anything_is_deleted() {
    let team = Team::new();
    let spec = |every: &str| {
        let target = json!({"deletionPolicy": "Delete"});
        json!({"data": [data("k", "app", "")], "refreshInterval": every, "target": target})
    };
    team.account.secret("app", "v");
    for (name, every) in [("early", "1h"), ("touched", "1h"), ("due", "6s")] {
        team.external(name, &spec(every));
        team.wait_secret(name, &json!({"k": "v"}));
    }
    let uid = |name: &str| team.get("secret", name).map(|secret| secret["metadata"]["uid"].clone());
    let before = ["touched", "due"].map(uid);
    let refreshed = || team.get("externalsecret", "due").unwrap()["status"]["refreshTime"].clone();
    let since = refreshed();
    team.account.remove_secret("app");
    team.force("early", "1");
    team.wait_kept("early", "SecretDeleted", "");
    team.account.secret("app", "v");
    team.patch("secret", "touched", &json!({"stringData": {"k": "bad"}}));
    team.wait_secret("touched", &json!({"k": "v"}));
    wait_until(PATIENCE, "a refresh", || if refreshed() == since { Err("none".to_owned()) } else { Ok(()) });
    assert_eq!(["touched", "due"].map(uid), before, "nothing was deleted and made anew");
}

/// What AWS lists is there, whatever somebody was told before it was made.
#[test]
fn a_search_leaves_nothing_out_that_another_did_not_find() {
    let team = Team::new();
    let target = json!({"deletionPolicy": "Delete"});
    team.external("early", &json!({"data": [data("k", "found/x", "")], "target": target}));
    team.wait_kept("early", "SecretDeleted", "");
    team.account.secret("found/x", "v");
    team.external("late", &json!({"dataFrom": [{"find": {"name": {"regexp": "^found/"}}}]}));
    team.wait_kept("late", "SecretSynced", "secret synced");
    team.wait_secret("late", &json!({"found_x": "v"}));
}

/// Whoever makes the Secret may make it anew, and then nothing says that it was filled.
#[test]
fn a_secret_that_another_makes_anew_is_filled_again() {
    let team = Team::new();
    team.account.secret("app", "v");
    let theirs = |value: &str| {
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "merged", "namespace": team.namespace},
            "stringData": {"theirs": value}})
    };
    team.apply(&[theirs("t")]);
    team.external("merged", &json!({"data": [data("k", "app", "")], "target": {"creationPolicy": "Merge"}}));
    team.wait_secret("merged", &json!({"theirs": "t", "k": "v"}));
    team.plane.kubectl_in(&theirs("u").to_string(), &["replace", "-f", "-"]).success().unwrap();
    team.wait_secret("merged", &json!({"theirs": "u", "k": "v"}));
    team.delete("secret", "merged");
    team.wait_kept("merged", "SecretMissing", "");
    team.apply(&[theirs("w")]);
    team.wait_secret("merged", &json!({"theirs": "w", "k": "v"}));
    team.wait_kept("merged", "SecretSynced", "");
}

#[test]
fn a_secret_that_is_not_its_own_stays_when_it_goes() {
    let team = Team::new();
    team.account.secret("app", "v");
    for policy in ["Orphan", "Merge"] {
        let name = policy.to_lowercase();
        team.source(&name, &json!({"k": "theirs"}));
        let target = json!({"creationPolicy": policy, "deletionPolicy": "Delete"});
        team.external(&name, &json!({"data": [data("k", "app", "")], "target": target}));
        team.wait_secret(&name, &json!({"k": "v"}));
        team.delete("externalsecret", &name);
        wait_gone(&team, "externalsecret", &name);
        team.wait_secret(&name, &json!({"k": "v"}));
    }
}

#[test]
fn an_immutable_secret_is_told_and_kept() {
    let team = Team::new();
    team.account.secret("app", "v");
    let spec =
        json!({"data": [data("k", "app", "")], "target": {"immutable": true}, "refreshInterval": "1s"});
    team.external("fixed", &spec);
    let secret = team.wait_secret("fixed", &json!({"k": "v"}));
    assert_eq!(secret["immutable"], true);
    team.account.remove_secret("app");
    team.account.secret("app", "w");
    team.wait_kept("fixed", "SecretSyncedError", "target is immutable");
    team.wait_secret("fixed", &json!({"k": "v"}));
    team.delete("secret", "fixed");
    team.wait_secret("fixed", &json!({"k": "w"}));
}

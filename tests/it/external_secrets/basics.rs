//! What appears, as the operator would have it; when it changes, and with how many calls.

use std::time::{Duration, Instant};

use keyhatch::external_secret::names::field_manager;
use keyhatch::object_hash::object_hash;
use serde_json::{Value as Json, json};

use super::{data, plain};
use crate::push::{PATIENCE, Team, site};
use crate::support::aws::calls::{Call, Calls};
use crate::support::kubectl::wait_until;

/// Those of the team; the store's own proof is another's.
fn calls(team: &Team<'_>) -> Calls {
    let is_of_team = |call: &Call| call.operation.name() != "GetCallerIdentity";
    Calls(team.calls(&site().aws).0.into_iter().filter(is_of_team).collect())
}

#[test]
fn a_secret_appears_as_the_operator_would_have_made_it() {
    let team = Team::new();
    team.account.secret(
        "app",
        r#"{"user": "u", "name": {"first": "Tom"}, "friends": [{"first": "A"}, {"first": "B"}]}"#,
    );
    team.account.secret("whole", r#"{"x/y": "1", "z": 1.10}"#);
    team.account.tag("app", "owner", "team-a");
    let tags = json!({"secretKey": "tags", "remoteRef": {"key": "app", "metadataPolicy": "Fetch", "property": "owner"}});
    team.external(
        "app",
        &json!({"data": [data("user", "app", "user"), data("first", "app", "name.first"),
            data("friend", "app", "friends.1.first"), tags], "dataFrom": [{"extract": {"key": "whole"}}]}),
    );
    let object = team.wait_kept("app", "SecretSynced", "secret synced");
    let secret = team.wait_secret(
        "app",
        &json!({"user": "u", "first": "Tom", "friend": "B", "tags": "team-a", "x_y": "1", "z": "1.10"}),
    );
    let metadata = &secret["metadata"];
    assert_eq!(secret["type"], "Opaque");
    assert_eq!(
        metadata["labels"],
        json!({"team": "a", "reconcile.external-secrets.io/managed": "true",
            "reconcile.external-secrets.io/created-by": object_hash(format!("{}/app", team.namespace).as_bytes())})
    );
    assert_eq!(metadata["annotations"]["note"], "n");
    assert_eq!(metadata["ownerReferences"][0]["uid"], object["metadata"]["uid"]);
    let whole = team.whole("secret", "app");
    let managers = whole["metadata"]["managedFields"].as_array().unwrap();
    assert_eq!(managers.len(), 1, "{managers:?}");
    assert_eq!(managers[0]["manager"], field_manager("app"));
    assert_eq!(managers[0]["operation"], "Update");
    let status = &object["status"];
    assert_eq!(status["binding"]["name"], "app");
    assert_eq!(status["conditions"][0]["status"], "True");
    assert!(status["refreshTime"].is_string() && status["syncedResourceVersion"].is_string(), "{status}");
    assert_eq!(
        object["metadata"]["finalizers"],
        json!(["externalsecrets.external-secrets.io/externalsecret-cleanup"])
    );
}

#[test]
fn versions_are_read_as_they_are_named() {
    let team = Team::new();
    team.account.secret("app", "first");
    let first = team.account.look("app").unwrap().versions[0].id.clone();
    team.account.secret("app", "second");
    let version =
        |key: &str, version: &str| json!({"secretKey": key, "remoteRef": {"key": "app", "version": version}});
    team.external(
        "versions",
        &json!({"data": [version("now", "AWSCURRENT"), version("before", "AWSPREVIOUS"), version("id", &format!("uuid/{first}"))]}),
    );
    team.wait_secret("versions", &json!({"now": "second", "before": "first", "id": "first"}));
}

#[test]
fn keys_are_renamed_by_templates() {
    let team = Team::new();
    team.account.secret("app", r#"{"db/user": "u", "db/password": "p"}"#);
    let whole = |template: &str| json!({"dataFrom": [{"extract": {"key": "app"}, "rewrite": [{"transform": {"template": template}}]}]});
    team.external("env", &whole(r#"{{ .value | upper | replace "/" "_" }}"#));
    team.wait_secret("env", &json!({"DB_USER": "u", "DB_PASSWORD": "p"}));
    team.external("env", &whole(r#"{{ trimPrefix "db/" .value }}"#));
    team.wait_secret("env", &json!({"user": "u", "password": "p"}));
    team.external("env", &whole(r#"{{ .value | atoi | div 1 }}"#));
    let told = team.wait_kept("env", "SecretSyncedError", "division by zero");
    assert!(!told.to_string().contains("\"p\""), "{told}");
    team.wait_secret("env", &json!({"user": "u", "password": "p"}));
}

#[test]
fn what_is_edited_by_hand_is_repaired_within_a_second_and_without_a_call() {
    let team = Team::new();
    team.account.secret("app", "good");
    team.external("app", &json!({"data": [data("k", "app", "")]}));
    let object = team.wait_kept("app", "SecretSynced", "");
    let made = calls(&team).count();
    let edits: [&dyn Fn(); 4] = [
        &|| team.patch("secret", "app", &json!({"stringData": {"k": "bad"}})),
        &|| team.patch("secret", "app", &json!({"stringData": {"more": "x"}})),
        &|| {
            let label = "reconcile.external-secrets.io/managed";
            team.patch(
                "secret",
                "app",
                &json!({"metadata": {"labels": {label: null}}, "data": {"k": "YmFk"}}),
            );
        },
        &|| team.delete("secret", "app"),
    ];
    for (index, edit) in edits.iter().enumerate() {
        edit();
        let since = Instant::now();
        team.wait_secret("app", &json!({"k": "good"}));
        wait_until(PATIENCE, "the label", || {
            let secret = team.get("secret", "app").ok_or("gone")?;
            let label = &secret["metadata"]["labels"]["reconcile.external-secrets.io/managed"];
            if label == "true" { Ok(()) } else { Err(secret["metadata"].to_string()) }
        });
        println!("edit {index} was repaired after {:?}", since.elapsed());
        assert!(since.elapsed() < Duration::from_secs(3), "{index}: {:?}", since.elapsed());
    }
    assert_eq!(calls(&team).count(), made, "{:?}", calls(&team).by_operation());
    let after = team.get("externalsecret", "app").unwrap();
    assert_eq!(after["status"]["conditions"], object["status"]["conditions"]);
}

#[test]
fn changes_of_the_object_and_of_aws_arrive() {
    let team = Team::new();
    team.account.secret("app", r#"{"a": "1", "b": "2"}"#);
    team.external(
        "app",
        &json!({"data": [data("a", "app", "a"), data("b", "app", "b")], "refreshInterval": "1h"}),
    );
    team.wait_secret("app", &json!({"a": "1", "b": "2"}));
    // A key less.
    team.external("app", &json!({"data": [data("b", "app", "b")], "refreshInterval": "1h"}));
    team.wait_secret("app", &json!({"b": "2"}));
    // Not looked at before its time, but when somebody asks.
    team.account.secret("app", r#"{"b": "3"}"#);
    team.patch(
        "externalsecret",
        "app",
        &json!({"metadata": {"annotations": {"external-secrets.io/force-sync": "1"}}}),
    );
    team.wait_secret("app", &json!({"b": "3"}));
    // And when its time comes.
    team.external("app", &json!({"data": [data("b", "app", "b")], "refreshInterval": "1s"}));
    team.wait_kept("app", "SecretSynced", "");
    team.account.secret("app", r#"{"b": "4"}"#);
    team.wait_secret("app", &json!({"b": "4"}));
}

/// An ExternalSecret, its status and its Secret, as the operator leaves them behind. Answers the version of the status.
fn left_by_the_operator(team: &Team<'_>) -> String {
    team.account.secret("app", "v");
    team.external("app", &json!({"data": [data("k", "app", "")]}));
    let object = team.get("externalsecret", "app").unwrap();
    let printed = |map: &Json| {
        let members = map.as_object().into_iter().flatten();
        members.map(|(key, value)| format!("{key}:{}", value.as_str().unwrap())).collect::<Vec<_>>().join(" ")
    };
    let (labels, annotations) = (&object["metadata"]["labels"], &object["metadata"]["annotations"]);
    let version = format!("{{annotations:map[{}] labels:map[{}]}}", printed(annotations), printed(labels));
    let version = format!("{}-{}", object["metadata"]["generation"], object_hash(version.as_bytes()));
    let now = k8s_openapi::jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    team.patch_status(
        "externalsecret",
        "app",
        &json!({"refreshTime": now, "syncedResourceVersion": version, "binding": {"name": "app"},
            "conditions": [{"type": "Ready", "status": "True", "reason": "SecretSynced", "message": "secret synced",
                "lastTransitionTime": now}]}),
    );
    let finalizer = "externalsecrets.external-secrets.io/externalsecret-cleanup";
    team.patch("externalsecret", "app", &json!({"metadata": {"finalizers": [finalizer]}}));
    let owner = object_hash(format!("{}/app", team.namespace).as_bytes());
    team.create_as(
        &field_manager("app"),
        &json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "app", "namespace": team.namespace,
            "labels": {"team": "a", "reconcile.external-secrets.io/managed": "true",
                "reconcile.external-secrets.io/created-by": owner},
            "annotations": {"note": "n", "reconcile.external-secrets.io/data-hash": object_hash(b"map[k:[118]]")},
            "ownerReferences": [{"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "name": "app",
                "uid": object["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true}]},
            "data": {"k": "dg=="}}),
    );
    version
}

#[test]
fn what_the_operator_kept_changes_hands_without_a_write_or_a_call() {
    let team = Team::at(site().plane, &site().aws, "");
    let version = left_by_the_operator(&team);
    let versions = || {
        let of = |kind| team.get(kind, "app").unwrap()["metadata"]["resourceVersion"].clone();
        (of("secret"), of("externalsecret"))
    };
    let before = versions();
    team.apply(&[team.store("aws", "keyhatch", &json!({}))]);
    // Another one, after it: when that is there, this was looked at.
    team.external("later", &json!({"data": [data("k", "app", "")]}));
    team.wait_secret("later", &json!({"k": "v"}));
    assert_eq!(versions(), before);
    // A refresh that finds the same leaves the operator's field manager the only one.
    let asked = json!({"metadata": {"annotations": {"external-secrets.io/force-sync": "1"}}});
    team.patch("externalsecret", "app", &asked);
    wait_until(PATIENCE, "a refresh", || {
        let status = team.get("externalsecret", "app").unwrap()["status"].clone();
        if status["syncedResourceVersion"] == *version { Err(status.to_string()) } else { Ok(()) }
    });
    let secret = team.whole("secret", "app");
    assert_eq!(plain(&secret), json!({"k": "v"}));
    let managers = secret["metadata"]["managedFields"].as_array().unwrap().iter();
    let managers: Vec<_> = managers.map(|entry| entry["manager"].clone()).collect();
    assert_eq!(managers, [json!(field_manager("app"))], "no second manager");
}

#[test]
fn a_store_that_goes_is_told_also_where_nothing_was_written_yet() {
    let team = Team::at(site().plane, &site().aws, "");
    left_by_the_operator(&team);
    team.apply(&[team.store("aws", "keyhatch", &json!({}))]);
    team.external("later", &json!({"data": [data("k", "app", "")]}));
    team.wait_secret("later", &json!({"k": "v"}));
    team.delete("secretstore", "aws");
    team.wait_kept("app", "SecretSyncedError", "spec.data[0]: ");
    team.wait_secret("app", &json!({"k": "v"}));
}

#[test]
fn what_is_anothers_is_not_touched() {
    let team = Team::at(site().plane, &site().aws, "");
    team.account.secret("app", "v");
    team.account.secret("other", "w");
    let theirs = json!({"data": [data("k", "other", "")]});
    team.external("theirs", &theirs);
    // One that goes, held by the operator.
    team.external("going", &theirs);
    // One that names no store.
    let generator =
        json!({"apiVersion": "generators.external-secrets.io/v1alpha1", "kind": "Password", "name": "p"});
    let generated = json!({"dataFrom": [{"sourceRef": {"generatorRef": generator}}], "target": {"deletionPolicy": "Delete"}});
    let mut generated = team.external_object("generated", &generated);
    generated["spec"].as_object_mut().unwrap().remove("secretStoreRef");
    team.apply(&[generated]);
    let finalizer = "externalsecrets.external-secrets.io/externalsecret-cleanup";
    for name in ["going", "generated"] {
        team.patch("externalsecret", name, &json!({"metadata": {"finalizers": [finalizer]}}));
        team.delete("externalsecret", name);
    }
    team.apply(&[team.store("ours", "keyhatch", &json!({}))]);
    let both = json!({"data": [data("k", "app", ""),
        {"secretKey": "l", "remoteRef": {"key": "app"}, "sourceRef": {"storeRef": {"name": "ours"}}}]});
    team.external("both", &both);
    team.wait_kept("both", "SecretSyncedError", "belongs to another controller");
    team.external("ours", &json!({"secretStoreRef": {"name": "ours"}, "data": [data("k", "app", "")]}));
    team.wait_secret("ours", &json!({"k": "v"}));
    let theirs = team.get("externalsecret", "theirs").unwrap();
    assert!(theirs.get("status").is_none() && theirs["metadata"].get("finalizers").is_none(), "{theirs}");
    assert!(team.get("secret", "theirs").is_none() && team.get("secret", "both").is_none());
    for name in ["going", "generated"] {
        assert!(team.get("externalsecret", name).is_some(), "{name} is the operator's to see off");
    }
    assert_eq!(calls(&team).about("other").count(), 0, "nothing is fetched for them");
}

#[test]
fn a_finalizer_that_somebody_takes_off_is_put_back() {
    let team = Team::new();
    team.account.secret("app", "v");
    team.external("app", &json!({"data": [data("k", "app", "")]}));
    team.wait_kept("app", "SecretSynced", "");
    // Twice: the first time it may be looked at for another reason, such as its store's first proof.
    for _ in 0..2 {
        team.patch("externalsecret", "app", &json!({"metadata": {"finalizers": null}}));
        wait_until(PATIENCE, "the finalizer", || {
            let metadata = team.get("externalsecret", "app").ok_or("gone")?["metadata"].clone();
            if metadata["finalizers"].is_array() { Ok(()) } else { Err(metadata.to_string()) }
        });
    }
}

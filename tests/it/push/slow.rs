//! An AWS that takes its time, a loop that lets few versions through, and a definition that takes any spec: what is edited
//! while it is pushed, what changes all the time, and what cannot be read.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{PATIENCE, Site, Team, entry, install};
use crate::command::plane_with_crds;
use crate::external_secrets::data;
use crate::support::aws::Aws;
use crate::support::aws::fault::Fault;
use crate::support::aws::operation::Operation;
use crate::support::control_plane::ControlPlane;
use crate::support::kubectl::wait_until;

/// What a look at a secret takes.
const LATENCY: Duration = Duration::from_millis(300);
/// Between two versions, once the burst is over.
const INTERVAL: Duration = Duration::from_secs(6);
/// Versions at once.
const BURST: usize = 20;

fn slow() -> &'static Site {
    static SITE: OnceLock<Site> = OnceLock::new();
    static PLANE: OnceLock<ControlPlane> = OnceLock::new();
    SITE.get_or_init(|| {
        let (plane, aws) = (PLANE.get_or_init(plane_with_crds), Aws::start());
        let spec = "/spec/versions/0/schema/openAPIV3Schema/properties/spec";
        let any = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        let policy = format!("{spec}/properties/refreshPolicy/enum");
        for (definition, patch) in [
            ("pushsecrets.external-secrets.io", json!([{"op": "replace", "path": spec, "value": any}])),
            ("externalsecrets.external-secrets.io", json!([{"op": "remove", "path": policy}])),
        ] {
            let args =
                ["patch", "customresourcedefinition", definition, "--type=json", "-p", &patch.to_string()];
            plane.kubectl(&args).success().unwrap();
        }
        aws.fault(Operation::DescribeSecret, Fault::Latency(LATENCY));
        let flag = format!("--min-push-interval={}s", INTERVAL.as_secs());
        let installation = install(plane, &aws, &[&flag]);
        Site { plane, aws, _looper: installation.start().unwrap() }
    })
}

fn team() -> Team<'static> {
    Team::at(slow().plane, &slow().aws, "keyhatch")
}

#[test]
fn what_cannot_be_read_is_told_and_the_others_go_on() {
    let team = team();
    let foreign = Team::at(slow().plane, &slow().aws, "");
    for one in [&team, &foreign] {
        one.source("app", &json!({"a": "1"}));
        one.push("bad", &json!({"updatePolicy": "Sometimes", "data": [entry("a", "bad", "")]}));
    }
    team.push("good", &json!({"data": [entry("a", "good", "")]}));
    team.wait_value("good", "1");
    let object = team.wait_ready("bad", "Errored", "spec.updatePolicy");
    assert_eq!(object["status"]["conditions"][0]["status"], "False");
    assert!(object["status"].get("syncedPushSecrets").is_none() && team.account.look("bad").is_none());
    // Said once, and not again with every look.
    let version = object["metadata"]["resourceVersion"].clone();
    team.source("app", &json!({"a": "2"}));
    team.wait_value("good", "2");
    assert_eq!(team.get("pushsecret", "bad").unwrap()["metadata"]["resourceVersion"], version);
    assert!(foreign.get("pushsecret", "bad").unwrap().get("status").is_none(), "it is somebody else's");
    // Mended, and it is pushed.
    team.push("bad", &json!({"updatePolicy": "Replace", "data": [entry("a", "bad", "")]}));
    team.wait_reason("bad", "Synced");
    team.wait_value("bad", "2");
}

#[test]
fn an_external_secret_that_cannot_be_read_is_told_and_the_others_go_on() {
    let team = team();
    let foreign = Team::at(slow().plane, &slow().aws, "");
    team.account.secret("app", "v");
    let spec = |policy: &str| json!({"refreshPolicy": policy, "data": [data("k", "app", "")]});
    for one in [&team, &foreign] {
        one.external("bad", &spec("Sometimes"));
    }
    team.external("good", &spec("Periodic"));
    team.wait_secret("good", &json!({"k": "v"}));
    let told = "it cannot be read, so its Secret is not kept: spec.refreshPolicy: ";
    let object = team.wait_kept("bad", "SecretSyncedError", told);
    assert_eq!(object["status"]["conditions"][0]["status"], "False");
    assert!(team.get("secret", "bad").is_none());
    assert!(foreign.get("externalsecret", "bad").unwrap().get("status").is_none(), "it is somebody else's");
    // Mended, and it is kept.
    team.external("bad", &spec("Periodic"));
    team.wait_secret("bad", &json!({"k": "v"}));
    team.wait_kept("bad", "SecretSynced", "");
    // Damaged again: the Secret stays as it is.
    team.external("bad", &spec("Sometimes"));
    team.wait_kept("bad", "SecretSyncedError", told);
    team.wait_secret("bad", &json!({"k": "v"}));
}

#[test]
fn a_store_waits_for_what_cannot_be_read() {
    let team = team();
    team.source("app", &json!({"a": "1"}));
    let push = |policy: &str| {
        let more = json!({"updatePolicy": policy, "deletionPolicy": "Delete", "data": [entry("a", "s", "")]});
        team.push("p", &more);
    };
    push("Replace");
    team.wait_reason("p", "Synced");
    wait_until(PATIENCE, "the store's finalizer", || {
        let store = team.get("secretstore", "aws").unwrap();
        store["metadata"].get("finalizers").map(|_| ()).ok_or_else(|| store["metadata"].to_string())
    });
    push("Sometimes");
    team.wait_ready("p", "Errored", "spec.updatePolicy");
    team.delete("secretstore", "aws");
    // The loop has seen that the store is going when it has pushed what came after.
    let other = self::team();
    other.source("app", &json!({"a": "1"}));
    other.push("q", &json!({"data": [entry("a", "q", "")]}));
    other.wait_reason("q", "Synced");
    assert!(team.get("secretstore", "aws").is_some(), "nobody could delete s without it");
    push("Replace");
    team.delete("pushsecret", "p");
    wait_until(PATIENCE, "the store to go", || match team.get("secretstore", "aws") {
        None => Ok(()),
        Some(store) => Err(store["metadata"].to_string()),
    });
    assert!(team.account.look("s").unwrap().deletion.is_some());
}

#[test]
fn what_is_edited_while_it_is_pushed_ends_as_it_was_edited() {
    let team = team();
    team.source("app", &json!({"a": "1"}));
    team.push(
        "p",
        &json!({"deletionPolicy": "Delete", "data": [entry("a", "first", ""), entry("a", "both", "")]}),
    );
    wait_until(PATIENCE, "it is looked at", || match team.calls(&slow().aws).of("DescribeSecret").count() {
        0 => Err("no call".to_owned()),
        _ => Ok(()),
    });
    team.push(
        "p",
        &json!({"deletionPolicy": "Delete", "data": [entry("a", "second", ""), entry("a", "both", "")]}),
    );
    let object = team.wait_reason("p", "Synced");
    let recorded = object["status"]["syncedPushSecrets"]["SecretStore/aws"].as_object().unwrap();
    assert_eq!(recorded.keys().collect::<Vec<_>>(), ["both", "second"]);
    for name in ["both", "second"] {
        assert_eq!(team.wait_value(name, "1").versions.len(), 1, "{name}");
    }
    // What the first push made is not left behind.
    assert!(team.account.look("first").is_none_or(|secret| secret.deletion.is_some()));
}

#[test]
fn what_changes_all_the_time_is_pushed_in_a_burst_and_then_the_latest_value_once_in_a_while() {
    let team = team();
    team.source("app", &json!({"a": "0"}));
    team.push("p", &json!({"data": [entry("a", "s", "")]}));
    team.wait_value("s", "0");
    let started = Instant::now();
    let is_held_up = |number: usize| {
        team.source("app", &json!({"a": number.to_string()}));
        wait_until(PATIENCE, "a push or a refusal", || {
            let object = team.get("pushsecret", "p").ok_or("gone")?;
            let message =
                object["status"]["conditions"][0]["message"].as_str().unwrap_or_default().to_owned();
            let secret = team.account.look("s").ok_or("no secret")?;
            let is_there = super::text(&secret.staged("AWSCURRENT").unwrap().content) == number.to_string();
            match (is_there, message.contains("was pushed so often")) {
                (true, _) => Ok(false),
                (false, true) => Ok(true),
                (false, false) => Err(message),
            }
        })
    };
    let held_up = (1..=100).find(|number| is_held_up(*number)).expect("an end of the burst");
    assert!(held_up >= BURST, "{held_up}");
    for value in ["x", "y", "last"] {
        team.source("app", &json!({"a": value}));
    }
    team.wait_value("s", "last");
    team.wait_reason("p", "Synced");
    let versions = team.account.look("s").unwrap().versions.len();
    let more = usize::try_from(started.elapsed().as_secs() / INTERVAL.as_secs()).unwrap();
    assert!(versions <= BURST + more + 1, "{versions} versions in {:?}", started.elapsed());
}

#[test]
fn two_push_secrets_write_one_secret_by_turns() {
    let team = team();
    team.source("app", &json!({"a": "1", "b": "2"}));
    let push = |name: &str, key: &str| team.push_object(name, &json!({"data": [entry(key, "doc", key)]}));
    team.apply(&[push("one", "a"), push("two", "b")]);
    team.wait_reason("one", "Synced");
    team.wait_reason("two", "Synced");
    let document = |team: &Team<'_>| {
        let secret = team.account.look("doc").unwrap();
        let text = super::text(&secret.staged("AWSCURRENT").unwrap().content);
        (serde_json::from_str::<serde_json::Value>(&text).unwrap(), secret.versions.len())
    };
    assert_eq!(document(&team), (json!({"a": "1", "b": "2"}), 2), "nobody's property is lost");
    // Both change with their one source.
    team.source("app", &json!({"a": "3", "b": "4"}));
    wait_until(PATIENCE, "both changes", || match document(&team) {
        (document, versions) if document == json!({"a": "3", "b": "4"}) => Ok(versions),
        other => Err(format!("{other:?}")),
    });
    assert_eq!(document(&team).1, 4, "neither undoes what the other did");
}

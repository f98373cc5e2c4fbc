//! Ends at any moment, leaders that were stopped, AWS that is away: Secrets stay whole, and go on where they were.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use super::data;
use crate::command::install_crds;
use crate::push::{PATIENCE, Team, install};
use crate::support::aws::Aws;
use crate::support::aws::fault::Fault;
use crate::support::aws::operation::Operation;
use crate::support::control_plane::{ControlPlane, Options};
use crate::support::kubectl::wait_until;
use crate::support::looper::Looper;

const OBJECTS: usize = 20;
const ROUNDS: usize = 8;

fn plane() -> ControlPlane {
    let plane = ControlPlane::start(&Options::default()).unwrap();
    install_crds(&plane);
    plane
}

fn signal(looper: &Looper, name: &str) {
    let id = looper.process.id().to_string();
    assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success());
}

fn wait_led(looper: &Looper, words: &str) {
    wait_until(PATIENCE, words, || {
        let log = looper.log();
        if log.contains(words) { Ok(()) } else { Err(log) }
    });
}

/// Two keys, of which a Secret has both or none of the same round.
fn document(round: usize) -> String {
    json!({"a": format!("a-{round}"), "b": format!("b-{round}")}).to_string()
}

#[test]
fn killed_at_any_moment_no_secret_is_lost_or_half_written() {
    let (plane, aws) = (plane(), Aws::start());
    let installation = install(&plane, &aws, &["--lease-duration=1s"]);
    let team = Team::at(&plane, &aws, "keyhatch");
    team.account.secret("doc", &document(0));
    let names: Vec<String> = (0..OBJECTS).map(|index| format!("e{index}")).collect();
    let object = |name: &String| {
        let data = json!([data("a", "doc", "a"), data("b", "doc", "b")]);
        team.external_object(name, &json!({"data": data, "refreshInterval": "1s"}))
    };
    team.apply(&names.iter().map(object).collect::<Vec<_>>());
    for round in 1..=ROUNDS {
        let looper = installation.start().unwrap();
        let began = aws.calls().count();
        wait_until(PATIENCE, "work to begin", || {
            if aws.calls().count() > began { Ok(()) } else { Err("none".to_owned()) }
        });
        let (led, pause) =
            (Instant::now(), Duration::from_millis(u64::try_from(41 * round * round % 500).unwrap()));
        wait_until(PATIENCE, "a moment", || if led.elapsed() > pause { Ok(()) } else { Err(String::new()) });
        signal(&looper, "KILL");
        drop(looper);
        for secret in all(&team, "secret").iter().filter(|secret| secret["metadata"]["name"] != "aws") {
            check_whole(secret);
        }
        team.account.secret("doc", &document(round));
    }
    let _last = installation.start().unwrap();
    for name in &names {
        team.wait_secret(name, &json!({"a": format!("a-{ROUNDS}"), "b": format!("b-{ROUNDS}")}));
        team.wait_kept(name, "SecretSynced", "");
    }
}

fn all(team: &Team<'_>, kind: &str) -> Vec<Json> {
    let listed = team.plane.kubectl(&["get", kind, "-n", &team.namespace, "-o", "json"]).success().unwrap();
    serde_json::from_str::<Json>(&listed).unwrap()["items"].as_array().unwrap().clone()
}

#[track_caller]
fn check_whole(secret: &Json) {
    let plain = super::plain(secret);
    let (a, b) = (plain["a"].as_str().unwrap(), plain["b"].as_str().unwrap());
    assert_eq!(a.trim_start_matches("a-"), b.trim_start_matches("b-"), "{plain}");
    assert!(
        secret["metadata"]["ownerReferences"].is_array() && secret["metadata"]["annotations"].is_object()
    );
}

/// Calls for values; a store's own proof is another's.
fn read(aws: &Aws) -> usize {
    let calls = aws.calls();
    calls.of("GetSecretValue").count() + calls.of("BatchGetSecretValue").count()
}

#[test]
fn a_restart_asks_aws_for_nothing_that_is_not_due() {
    let (plane, aws) = (plane(), Aws::start());
    let installation = install(&plane, &aws, &["--lease-duration=2s"]);
    let team = Team::at(&plane, &aws, "keyhatch");
    team.account.secret("app", "v");
    let names: Vec<String> = (0..30).map(|index| format!("e{index}")).collect();
    let object = |name: &String| team.external_object(name, &json!({"data": [data("k", "app", "")]}));
    team.apply(&names.iter().map(object).collect::<Vec<_>>());
    let first = installation.start().unwrap();
    names.iter().for_each(|name| drop(team.wait_kept(name, "SecretSynced", "")));
    assert_eq!(read(&aws), 1, "{:?}", aws.calls().by_operation());
    drop(first);
    let versions = |kind| -> Vec<Json> {
        all(&team, kind).iter().map(|object| object["metadata"]["resourceVersion"].clone()).collect()
    };
    let before = (versions("secret"), versions("externalsecret"));
    aws.forget_calls();
    let _second = installation.start().unwrap();
    // One that was touched while nobody led is repaired; when that is done, all were looked at or soon are.
    team.patch("secret", "e29", &json!({"stringData": {"k": "bad"}}));
    team.wait_secret("e29", &json!({"k": "v"}));
    team.external("last", &json!({"data": [data("k", "app", "")]}));
    team.wait_kept("last", "SecretSynced", "");
    assert!(read(&aws) <= 1, "{:?}", aws.calls().by_operation());
    let after = (versions("secret"), versions("externalsecret"));
    let changed =
        |before: &[Json], after: &[Json]| after.iter().filter(|version| !before.contains(version)).count();
    assert_eq!((changed(&before.0, &after.0), changed(&before.1, &after.1)), (2, 2), "e29 and last");
}

#[test]
fn while_aws_is_away_secrets_stay_and_conditions_say_so() {
    let (plane, aws) = (plane(), Aws::start());
    let installation = install(&plane, &aws, &["--lease-duration=2s"]);
    let _looper = installation.start().unwrap();
    let team = Team::at(&plane, &aws, "keyhatch");
    team.account.secret("app", "v");
    team.external("app", &json!({"data": [data("k", "app", "")], "refreshInterval": "1s"}));
    team.wait_secret("app", &json!({"k": "v"}));
    aws.fault_everything(&Fault::ServerError);
    let object = team.wait_kept("app", "SecretSyncedError", "AWS cannot be reached; the Secret stays");
    let since = object["status"]["conditions"][0]["lastTransitionTime"].clone();
    // A new one has nothing to show.
    team.external("new", &json!({"data": [data("k", "other", "")]}));
    team.wait_kept("new", "SecretSyncedError", "could not get secret data from provider: spec.data[0]");
    team.wait_secret("app", &json!({"k": "v"}));
    assert_eq!(
        team.get("externalsecret", "app").unwrap()["status"]["conditions"][0]["lastTransitionTime"],
        since
    );
    team.account.secret("app", "w");
    team.account.secret("other", "o");
    aws.heal();
    team.wait_secret("app", &json!({"k": "w"}));
    team.wait_secret("new", &json!({"k": "o"}));
    team.wait_kept("app", "SecretSynced", "");
}

#[test]
fn a_leader_that_was_stopped_past_its_lease_writes_nothing() {
    let (plane, aws) = (plane(), Aws::start());
    let installation = install(&plane, &aws, &["--lease-duration=2s"]);
    let first = installation.start().unwrap();
    let team = Team::at(&plane, &aws, "keyhatch");
    team.account.secret("app", "1");
    team.external("app", &json!({"data": [data("k", "app", "")]}));
    team.wait_secret("app", &json!({"k": "1"}));
    // Stopped between fetching and writing.
    team.account.secret("app", "2");
    aws.fault_times(Operation::GetSecretValue, Fault::Latency(Duration::from_secs(1)), 1);
    aws.forget_calls();
    team.patch(
        "externalsecret",
        "app",
        &json!({"metadata": {"annotations": {"external-secrets.io/force-sync": "1"}}}),
    );
    wait_until(PATIENCE, "it fetches", || if read(&aws) > 0 { Ok(()) } else { Err("no call".to_owned()) });
    signal(&first, "STOP");
    team.account.secret("app", "3");
    let _second = installation.start().unwrap();
    team.wait_secret("app", &json!({"k": "3"}));
    let version = team.wait_kept("app", "SecretSynced", "")["metadata"]["resourceVersion"].clone();
    signal(&first, "CONT");
    wait_led(&first, "another replica leads");
    let secret = team.wait_secret("app", &json!({"k": "3"}));
    assert_eq!(team.get("externalsecret", "app").unwrap()["metadata"]["resourceVersion"], version);
    assert_eq!(super::plain(&secret), json!({"k": "3"}));
}

#[test]
fn a_namespace_that_is_deleted_while_nobody_leads_goes_when_somebody_does() {
    let (plane, aws) = (plane(), Aws::start());
    let installation = install(&plane, &aws, &["--lease-duration=2s"]);
    let first = installation.start().unwrap();
    let team = Team::at(&plane, &aws, "keyhatch");
    team.account.secret("app", "v");
    for (name, deletion) in [("kept", "Retain"), ("deleted", "Delete")] {
        team.external(name, &json!({"data": [data("k", "app", "")], "target": {"deletionPolicy": deletion}}));
        team.wait_secret(name, &json!({"k": "v"}));
    }
    drop(first);
    plane.kubectl(&["delete", "namespace", &team.namespace, "--wait=false"]).success().unwrap();
    wait_until(PATIENCE, "the store to go", || {
        if team.get("secretstore", "aws").is_none() { Ok(()) } else { Err("there".to_owned()) }
    });
    assert!(team.get("externalsecret", "kept").is_some(), "its finalizer holds it");
    let _second = installation.start().unwrap();
    wait_until(PATIENCE, "the namespace to go", || {
        let found = plane.kubectl(&["get", "namespace", &team.namespace, "-o", "json"]);
        if found.is_success() { Err(found.stdout) } else { Ok(()) }
    });
}

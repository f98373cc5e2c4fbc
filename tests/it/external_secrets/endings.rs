//! Ends at any moment, leaders that were stopped: Secrets stay whole, and go on where they were.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use super::{data, plane};
use crate::push::{PATIENCE, Team, install};
use crate::support::aws::Aws;
use crate::support::aws::fault::Fault;
use crate::support::aws::operation::Operation;
use crate::support::http;
use crate::support::kubectl::wait_until;
use crate::support::looper::Looper;

const OBJECTS: usize = 20;
const ROUNDS: usize = 8;

pub(super) fn signal(looper: &Looper, name: &str) {
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
    let mut there = BTreeSet::new();
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
        let secrets = team.all("secret").into_iter().filter(|secret| secret["metadata"]["name"] != "aws");
        let now: BTreeSet<String> = secrets.map(|secret| check_whole(&secret)).collect();
        assert!(now.is_superset(&there), "{there:?} were there, {now:?} are");
        there = now;
        team.account.secret("doc", &document(round));
    }
    let _last = installation.start().unwrap();
    for name in &names {
        team.wait_secret(name, &json!({"a": format!("a-{ROUNDS}"), "b": format!("b-{ROUNDS}")}));
        team.wait_kept(name, "SecretSynced", "");
    }
}

/// Answers its UID.
#[track_caller]
fn check_whole(secret: &Json) -> String {
    let plain = super::plain(secret);
    let (a, b) = (plain["a"].as_str().unwrap(), plain["b"].as_str().unwrap());
    assert_eq!(a.trim_start_matches("a-"), b.trim_start_matches("b-"), "{plain}");
    assert!(
        secret["metadata"]["ownerReferences"].is_array() && secret["metadata"]["annotations"].is_object()
    );
    secret["metadata"]["uid"].as_str().unwrap().to_owned()
}

/// Calls for values; a store's own proof is another's.
fn read(aws: &Aws) -> usize {
    let calls = aws.calls();
    calls.of("GetSecretValue").count() + calls.of("BatchGetSecretValue").count()
}

#[test]
fn a_restart_asks_aws_for_nothing_that_is_not_due_and_writes_nothing() {
    const OBJECTS: usize = 300;
    const SECRETS: usize = 30;
    let (plane, aws) = (plane(), Aws::start());
    let installation = install(&plane, &aws, &["--lease-duration=2s"]);
    let team = Team::at(&plane, &aws, "keyhatch");
    (0..SECRETS).for_each(|index| drop(team.account.secret(&format!("s{index}"), "v")));
    let object = |index: usize| {
        let data = json!({"data": [data("k", &format!("s{}", index % SECRETS), "")]});
        team.external_object(&format!("e{index}"), &data)
    };
    team.apply(&(0..OBJECTS).map(object).collect::<Vec<_>>());
    let first = installation.start().unwrap();
    wait_until(3 * PATIENCE, "all to be in step", || {
        let all = team.all("externalsecret");
        let good =
            all.iter().filter(|one| one["status"]["conditions"][0]["reason"] == "SecretSynced").count();
        if good == OBJECTS { Ok(()) } else { Err(format!("{good} are")) }
    });
    assert!(read(&aws) <= 5, "{:?}", aws.calls().by_operation());
    drop(first);
    let versions = |kind| -> BTreeMap<String, Json> {
        let text = |value: &Json| value.as_str().unwrap().to_owned();
        let all = team.all(kind).into_iter().map(|one| one["metadata"].clone());
        all.map(|metadata| (text(&metadata["name"]), metadata["resourceVersion"].clone())).collect()
    };
    let before = (versions("secret"), versions("externalsecret"));
    aws.forget_calls();
    let second = installation.start().unwrap();
    // One that was touched while nobody led is repaired, and one comes after all others.
    team.patch("secret", "e29", &json!({"stringData": {"k": "bad"}}));
    team.wait_secret("e29", &json!({"k": "v"}));
    team.external("last", &json!({"data": [data("k", "s29", "")]}));
    team.wait_kept("last", "SecretSynced", "");
    wait_until(PATIENCE, "all to be looked at", || {
        let text = http::get(&format!("{}/metrics", second.health)).unwrap().body;
        let is_so = text.contains("loop_queue_depth{loop=\"external-secret\"} 0");
        if is_so { Ok(()) } else { Err(text) }
    });
    assert_eq!(read(&aws), 1, "{:?}", aws.calls().by_operation());
    let after = (versions("secret"), versions("externalsecret"));
    let changed = |before: &BTreeMap<String, Json>, after: &BTreeMap<String, Json>| -> Vec<String> {
        after
            .iter()
            .filter(|(name, version)| before.get(*name) != Some(version))
            .map(|(name, _)| name.clone())
            .collect()
    };
    assert_eq!(changed(&before.0, &after.0), ["e29", "last"]);
    assert_eq!(changed(&before.1, &after.1), ["last"], "a repair is no refresh");
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

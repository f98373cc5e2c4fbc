//! What is told besides the status: metrics under the operator's names if they are asked for, and Events.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::data;
use super::endings::signal;
use crate::command::plane_with_crds;
use crate::push::{PATIENCE, Team, install};
use crate::support::aws::Aws;
use crate::support::http;
use crate::support::kubectl::wait_until;
use crate::support::looper::{Installation, Looper};

fn metrics(looper: &Looper) -> String {
    http::get(&format!("{}/metrics", looper.health)).unwrap().body
}

/// Metrics of an ExternalSecret, under their names and further labels.
fn of(team: &Team<'_>, looper: &Looper, name: &str) -> Vec<(String, f64)> {
    let object = format!(r#"name="{name}",namespace="{}""#, team.namespace);
    let text = metrics(looper);
    let lines = text.lines().filter(|line| line.contains(&object));
    let parse = |line: &str| {
        let (series, value) = line.rsplit_once(' ').unwrap();
        (series.replace(&object, ""), value.parse().unwrap())
    };
    lines.map(parse).collect()
}

fn value(team: &Team<'_>, looper: &Looper, name: &str, series: &str) -> Option<f64> {
    let found = of(team, looper, name).into_iter().find(|(one, _)| one == series);
    found.map(|(_, value)| value)
}

const CALLS: &str = "externalsecret_sync_calls_total{}";
const ERRORS: &str = "externalsecret_sync_calls_error{}";
const DURATION: &str = "externalsecret_reconcile_duration{}";

fn in_condition(status: &str) -> String {
    format!(r#"externalsecret_status_condition{{,condition="Ready",status="{status}"}}"#)
}

#[track_caller]
fn wait_value(
    team: &Team<'_>,
    looper: &Looper,
    name: &str,
    series: &str,
    is_so: impl Fn(f64) -> bool,
) -> f64 {
    wait_until(PATIENCE, &format!("{series} of {name}"), || match value(team, looper, name, series) {
        Some(value) if is_so(value) => Ok(value),
        other => Err(format!("{other:?} {:?}", of(team, looper, name))),
    })
}

#[track_caller]
fn wait_no_series(team: &Team<'_>, looper: &Looper, name: &str) {
    wait_until(PATIENCE, &format!("no metrics of {name}"), || match of(team, looper, name) {
        none if none.is_empty() => Ok(()),
        some => Err(format!("{some:?}")),
    });
}

/// Events about an ExternalSecret: reason, type and note.
fn events(team: &Team<'_>, name: &str) -> Vec<[String; 3]> {
    let all = team.all("events.events.k8s.io").into_iter();
    let about = all
        .filter(|event| event["regarding"]["name"] == name && event["regarding"]["kind"] == "ExternalSecret");
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    about.map(|event| ["reason", "type", "note"].map(|field| text(&event[field]))).collect()
}

fn reasons(team: &Team<'_>, name: &str) -> Vec<String> {
    let mut reasons: Vec<String> = events(team, name).into_iter().map(|[reason, ..]| reason).collect();
    reasons.sort();
    reasons
}

/// Sixteen and a bit of the largest secrets: too much for one Secret.
fn too_much(team: &Team<'_>) -> Json {
    let name = |index: usize| format!("large-{index:02}");
    (0..17).for_each(|index| drop(team.account.secret(&name(index), &"x".repeat(64 * 1024))));
    json!({"dataFrom": [{"find": {"name": {"regexp": "^large-"}}}]})
}

#[test]
fn under_the_operators_names_each_object_is_told_while_it_is_ours_and_only_if_that_is_asked_for() {
    let (plane, aws) = (plane_with_crds(), Aws::start());
    let looper = install(&plane, &aws, &["--lease-duration=2s", "--eso-metrics"]).start().unwrap();
    let team = Team::at(&plane, &aws, "keyhatch");
    team.account.secret("app", "v");
    team.apply(&[team.store("other", "keyhatch", &json!({}))]);
    let good = json!({"data": [data("k", "app", "")]});
    team.external("good", &good);
    team.external("handed", &json!({"secretStoreRef": {"name": "other"}, "data": [data("k", "app", "")]}));
    team.external("bad", &json!({"data": [data("k", "nothing", "")]}));
    team.external("large", &too_much(&team));
    team.external("often", &json!({"data": [data("k", "app", "")], "refreshInterval": "1s"}));
    for (name, calls, errors, is, is_not) in [
        ("good", 1.0, 0.0, "True", "False"),
        ("handed", 1.0, 0.0, "True", "False"),
        ("large", 1.0, 1.0, "False", "True"),
    ] {
        wait_value(&team, &looper, name, &in_condition(is), |value| value == 1.0);
        let found = |series: &str| value(&team, &looper, name, series);
        assert_eq!(found(&in_condition(is_not)), Some(0.0), "{name}");
        assert_eq!((found(CALLS), found(ERRORS)), (Some(calls), Some(errors)), "{name}");
        let took = Duration::from_nanos(found(DURATION).unwrap() as u64);
        assert!((Duration::from_micros(100)..PATIENCE).contains(&took), "{name}: {took:?}");
    }
    // What may pass is tried again, later and later; what only a change can help is not.
    wait_value(&team, &looper, "often", CALLS, |calls| calls >= 6.0);
    let tries = wait_value(&team, &looper, "bad", ERRORS, |errors| errors >= 3.0);
    assert_eq!(value(&team, &looper, "bad", CALLS), Some(tries));
    assert_eq!(value(&team, &looper, "large", CALLS), Some(1.0), "it is not tried again before its time");
    assert_eq!(value(&team, &looper, "good", CALLS), Some(1.0));
    team.account.secret("nothing", "something");
    wait_value(&team, &looper, "bad", &in_condition("True"), |value| value == 1.0);
    wait_value(&team, &looper, "bad", &in_condition("False"), |value| value == 0.0);
    // One that goes, and one that is handed back.
    team.delete("externalsecret", "bad");
    wait_no_series(&team, &looper, "bad");
    team.apply(&[team.store("other", "", &json!({}))]);
    wait_no_series(&team, &looper, "handed");
    assert!(!of(&team, &looper, "good").is_empty());
    assert!(team.get("secret", "handed").is_some());
    drop(looper);

    check_leaders(&team, &install(&plane, &aws, &["--lease-duration=2s", "--eso-metrics"]));
    let quiet = install(&plane, &aws, &["--lease-duration=2s"]).start().unwrap();
    team.force("good", "1");
    team.wait_kept("good", "SecretSynced", "");
    let text = metrics(&quiet);
    assert!(text.contains("loop_queue_depth") && !text.contains("externalsecret_"), "{text}");
}

/// Whoever leads tells of what is in step, too, before there is anything to do.
#[track_caller]
fn check_leaders(team: &Team<'_>, installation: &Installation<'_>) {
    let next = installation.start().unwrap();
    wait_value(team, &next, "good", &in_condition("True"), |value| value == 1.0);
    assert_eq!(value(team, &next, "good", CALLS), None);
    // Who leads no more tells nothing: it would be told for ever.
    signal(&next, "STOP");
    let third = installation.start().unwrap();
    wait_value(team, &third, "good", &in_condition("True"), |value| value == 1.0);
    signal(&next, "CONT");
    wait_no_series(team, &next, "good");
}

#[test]
fn what_happens_to_an_external_secret_is_an_event_each_and_not_again_and_again() {
    let team = Team::new();
    team.account.secret("app", "v");
    let every = json!({"data": [data("k", "app", "")], "refreshInterval": "1s"});
    team.external("app", &every);
    team.external("bad", &json!({"data": [data("k", "nothing", "")]}));
    team.wait_secret("app", &json!({"k": "v"}));
    let wait_events = |name: &str, expected: &[&str]| {
        wait_until(PATIENCE, &format!("Events of {name}: {expected:?}"), || {
            let found = reasons(&team, name);
            if found == expected { Ok(()) } else { Err(format!("{:?}", events(&team, name))) }
        });
    };
    wait_events("app", &["Created"]);
    for round in ["w", "x", "y"] {
        team.account.secret("app", round);
        team.wait_secret("app", &json!({"k": round}));
    }
    wait_events("app", &["Created", "Updated"]);
    let bad = team.wait_kept("bad", "SecretSyncedError", "");
    // Tried at once: what it says is the same.
    for round in ["1", "2", "3"] {
        team.account.secret("app", round);
        team.force("bad", round);
        team.wait_secret("app", &json!({"k": round}));
    }
    wait_events("bad", &["UpdateFailed"]);
    let [[_, kind, note]] = <[_; 1]>::try_from(events(&team, "bad")).unwrap();
    assert_eq!((kind.as_str(), &json!(note)), ("Warning", &bad["status"]["conditions"][0]["message"]));
    assert!(note.contains("spec.data[0]: "), "{note}");
    team.account.remove_secret("app");
    team.wait_kept("app", "SecretSyncedError", "");
    wait_events("app", &["Created", "UpdateFailed", "Updated"]);
    let expected = [["Created", "Normal", "secret created"], ["Updated", "Normal", "secret updated"]];
    for event in expected.map(|event| event.map(str::to_owned)) {
        assert!(events(&team, "app").contains(&event), "{event:?}");
    }
}

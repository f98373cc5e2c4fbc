//! Ends at any moment, and leaders that were stopped: at the end AWS and the status agree, and nothing was written twice.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{PATIENCE, Team, entry, entry_with, install, text};
use crate::command::plane_with_crds;
use crate::support::aws::Aws;
use crate::support::aws::fault::Fault;
use crate::support::aws::operation::Operation;
use crate::support::kubectl::wait_until;
use crate::support::looper::Looper;

/// PushSecrets that are pushed again in each round.
const OBJECTS: usize = 20;
const ROUNDS: usize = 10;

fn signal(looper: &Looper, name: &str) {
    let id = looper.process.id().to_string();
    assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success());
}

#[test]
fn killed_at_any_moment_it_ends_in_step_and_no_version_is_written_twice() {
    let (plane, aws) = (plane_with_crds(), Aws::start());
    aws.fault(Operation::DescribeSecret, Fault::Latency(Duration::from_millis(15)));
    let installation = install(&plane, &aws, &["--lease-duration=1s"]);
    let team = Team::at(&plane, &aws, "keyhatch");
    team.account.secret("foreign", "theirs");
    let string = json!({"secretPushFormat": "string", "tags": {"team": "a"}});
    let names: Vec<String> = (0..OBJECTS).map(|index| format!("p{index}")).collect();
    let source = |name: &str, round: usize| {
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": team.namespace},
            "stringData": {"a": format!("{name}-{round}"), "b": format!("b{round}")}})
    };
    team.apply(&names.iter().map(|name| source(name, 0)).collect::<Vec<_>>());
    let object = |name: &String| {
        team.push_object(
            name,
            &json!({"selector": {"secret": {"name": name}}, "deletionPolicy": "Delete", "data": [
                entry("a", name, ""), entry_with("a", &format!("{name}-doc"), "a", &string),
                entry_with("b", &format!("{name}-doc"), "b.c", &string)]}),
        )
    };
    team.apply(&names.iter().map(object).collect::<Vec<_>>());
    for round in 1..=ROUNDS {
        let looper = installation.start().unwrap();
        // Not at the same point of the work twice: the lease of the one before has to run out first.
        let led = Instant::now();
        wait_until(PATIENCE, "work to begin", || {
            if aws.calls().of("DescribeSecret").count() > 0 || led.elapsed() > Duration::from_secs(20) {
                Ok(())
            } else {
                Err("none".to_owned())
            }
        });
        let pause = Duration::from_millis(u64::try_from(37 * round * round % 400).unwrap());
        wait_until(PATIENCE, "a moment", || if led.elapsed() > pause { Ok(()) } else { Err(String::new()) });
        signal(&looper, "KILL");
        drop(looper);
        team.apply(&names.iter().map(|name| source(name, round)).collect::<Vec<_>>());
        aws.forget_calls();
    }
    let _last = installation.start().unwrap();
    names.iter().for_each(|name| check_in_step(&team, name));
    let foreign = team.account.look("foreign").unwrap();
    assert!(foreign.tags.is_empty() && foreign.versions.len() == 1);
}

/// AWS and the status agree, and no version is there twice.
#[track_caller]
fn check_in_step(team: &Team<'_>, name: &str) {
    team.wait_value(name, &format!("{name}-{ROUNDS}"));
    team.wait_value(&format!("{name}-doc"), &format!(r#"{{"a":"{name}-{ROUNDS}","b":{{"c":"b{ROUNDS}"}}}}"#));
    let object = team.wait_reason(name, "Synced");
    let recorded = object["status"]["syncedPushSecrets"]["SecretStore/aws"].as_object().unwrap();
    assert_eq!(recorded.len(), 3, "{recorded:?}");
    for secret in [name.to_owned(), format!("{name}-doc")] {
        let secret = team.account.look(&secret).unwrap();
        let contents: Vec<String> = secret.versions.iter().map(|version| text(&version.content)).collect();
        let distinct: std::collections::BTreeSet<_> = contents.iter().collect();
        assert_eq!(distinct.len(), contents.len(), "a version was written twice: {contents:?}");
    }
}

#[test]
fn a_leader_that_was_stopped_past_its_lease_has_no_second_effect() {
    let (plane, aws) = (plane_with_crds(), Aws::start());
    let installation = install(&plane, &aws, &["--lease-duration=2s"]);
    let first = installation.start().unwrap();
    let team = Team::at(&plane, &aws, "keyhatch");
    team.source("app", &json!({"a": "1"}));
    team.push("p", &json!({"data": [entry("a", "s", "")]}));
    team.wait_reason("p", "Synced");
    // Stopped between looking and writing.
    aws.fault_times(Operation::DescribeSecret, Fault::Latency(Duration::from_secs(1)), 1);
    aws.forget_calls();
    team.source("app", &json!({"a": "2"}));
    wait_until(PATIENCE, "it looks", || {
        if aws.calls().of("DescribeSecret").count() > 0 { Ok(()) } else { Err("no call".to_owned()) }
    });
    signal(&first, "STOP");
    let _second = installation.start().unwrap();
    team.wait_value("s", "2");
    team.source("app", &json!({"a": "3"}));
    let secret = team.wait_value("s", "3");
    assert_eq!(secret.versions.len(), 3);
    let written = aws.calls().writes().count();
    signal(&first, "CONT");
    wait_until(PATIENCE, "the first to notice", || {
        let log = first.log();
        if log.contains("another replica leads") { Ok(()) } else { Err(log) }
    });
    assert_eq!(aws.calls().writes().count(), written);
    assert_eq!(text(&team.account.look("s").unwrap().staged("AWSCURRENT").unwrap().content), "3");
}

//! AWS is away: Secrets stay, conditions say so and since when, and soon after it is back everything is in step.
//!
//! `KEYHATCH_SOAK=1` keeps it away for ten minutes.

use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use super::data;
use crate::command::install_crds;
use crate::push::{PATIENCE, Team, install};
use crate::support::aws::Aws;
use crate::support::aws::fault::Fault;
use crate::support::control_plane::{ControlPlane, Options};
use crate::support::kubectl::wait_until;

/// ExternalSecrets, on a third as many secrets.
const OBJECTS: usize = 30;
const SECRETS: usize = OBJECTS / 3;
/// The longest pause between two tries, and what it takes to try.
const BACKOFF: Duration = Duration::from_secs(300 + 15);

fn away() -> Duration {
    match std::env::var_os("KEYHATCH_SOAK") {
        Some(_) => Duration::from_secs(600),
        None => Duration::from_secs(10),
    }
}

/// Statuses of ExternalSecrets that were written so far.
fn statuses_written(plane: &ControlPlane) -> usize {
    let events = plane.audited().into_iter().map(|event| event["objectRef"].clone());
    let is_status =
        |object: &Json| object["resource"] == "externalsecrets" && object["subresource"] == "status";
    events.filter(is_status).count()
}

fn secret(index: usize) -> String {
    format!("s{}", index % SECRETS)
}

fn set(team: &Team<'_>, value: &str) {
    let document = json!({ "k": value }).to_string();
    (0..SECRETS).for_each(|index| drop(team.account.secret(&secret(index), &document)));
}

/// All in step; answers their names.
fn fill(team: &Team<'_>) -> Vec<String> {
    set(team, "before");
    // What AWS does not tell is not gone.
    let policies = ["Retain", "Delete", "Merge"];
    let object = |index: usize| {
        let target = json!({"deletionPolicy": policies[index % policies.len()]});
        let data = json!([data("k", &secret(index), "k")]);
        let spec = json!({"data": data, "refreshInterval": "1s", "target": target});
        team.external_object(&format!("e{index}"), &spec)
    };
    team.apply(&(0..OBJECTS).map(object).collect::<Vec<_>>());
    let names: Vec<String> = (0..OBJECTS).map(|index| format!("e{index}")).collect();
    for name in &names {
        team.wait_secret(name, &json!({"k": "before"}));
    }
    names
}

fn ready(object: &Json) -> Json {
    object["status"]["conditions"][0].clone()
}

/// Waits for as long as AWS is away. Nothing is written but for a few statuses, and conditions keep their time.
#[track_caller]
fn check_stays(team: &Team<'_>, aws: &Aws, names: &[String]) {
    let told = |name: &String| {
        let words = "AWS cannot be reached; until it can, nothing is changed";
        ready(&team.wait_kept(name, "SecretSyncedError", words))
    };
    let before: Vec<Json> = names.iter().map(told).collect();
    let versions = || {
        let all = team.all("secret").into_iter();
        all.map(|one| one["metadata"]["resourceVersion"].clone()).collect::<Vec<_>>()
    };
    let (kept, written) = (versions(), statuses_written(team.plane));
    aws.forget_calls();
    let since = Instant::now();
    wait_until(away() + PATIENCE, "AWS to have been away", || {
        if since.elapsed() >= away() { Ok(()) } else { Err(String::new()) }
    });
    let written = statuses_written(team.plane) - written;
    println!("away for {:?}: {written} statuses, {:?}", since.elapsed(), aws.calls().by_operation());
    assert_eq!(versions(), kept, "Secrets stay as they are");
    // Messages may become others once, as what was kept of answers is dropped.
    assert!(written <= OBJECTS, "{written} statuses");
    for (name, before) in names.iter().zip(&before) {
        let now = ready(&team.get("externalsecret", name).unwrap());
        let both = [&now, before].map(|ready| (ready["status"].clone(), ready["lastTransitionTime"].clone()));
        assert_eq!(both[0], both[1], "{name}: {now}");
    }
}

#[test]
fn while_aws_is_away_secrets_stay_and_conditions_say_so_since_when() {
    let plane = ControlPlane::start(&Options { audit_bodies: true, ..Options::default() }).unwrap();
    install_crds(&plane);
    let aws = Aws::start();
    let _looper = install(&plane, &aws, &["--lease-duration=2s"]).start().unwrap();
    let team = Team::at(&plane, &aws, "keyhatch");
    let names = fill(&team);
    aws.fault_everything(&Fault::ServerError);
    // A new one has nothing to show.
    team.external("new", &json!({"data": [data("k", "other", "")]}));
    team.wait_kept("new", "SecretSyncedError", "could not get secret data from provider: spec.data[0]");
    check_stays(&team, &aws, &names);
    set(&team, "after");
    team.account.secret("other", "o");
    aws.heal();
    let back = Instant::now();
    wait_until(BACKOFF, "everything to be in step", || {
        let all = team.all("secret");
        let of = |name: &String| all.iter().find(|one| one["metadata"]["name"] == *name).map(super::plain);
        let behind = names.iter().filter(|name| of(name) != Some(json!({"k": "after"}))).count();
        if behind == 0 { Ok(()) } else { Err(format!("{behind} are behind")) }
    });
    println!("in step {:?} after AWS was back", back.elapsed());
    team.wait_secret("new", &json!({"k": "o"}));
    for name in &names {
        team.wait_kept(name, "SecretSynced", "");
    }
}

#[test]
fn a_secret_is_repaired_while_everything_else_waits_for_an_endpoint_that_hangs() {
    let plane = ControlPlane::start(&Options::default()).unwrap();
    install_crds(&plane);
    let aws = Aws::start();
    let flags = ["--lease-duration=2s", "--loop-workers=1"];
    let _looper = install(&plane, &aws, &flags).start().unwrap();
    let team = Team::at(&plane, &aws, "keyhatch");
    team.account.secret("app", "good");
    team.external("app", &json!({"data": [data("k", "app", "")]}));
    team.wait_kept("app", "SecretSynced", "");

    aws.fault_everything(&Fault::Hang);
    aws.forget_calls();
    let waits =
        |index: usize| team.external_object(&format!("w{index}"), &json!({"data": [data("k", "new", "")]}));
    team.apply(&(0..OBJECTS).map(waits).collect::<Vec<_>>());
    wait_until(PATIENCE, "somebody to wait for AWS", || match aws.calls().count() {
        0 => Err(String::new()),
        _ => Ok(()),
    });
    team.patch("secret", "app", &json!({"stringData": {"k": "bad"}}));
    let since = Instant::now();
    team.wait_secret("app", &json!({"k": "good"}));
    println!("repaired after {:?}", since.elapsed());
    assert!(since.elapsed() < Duration::from_secs(3), "{:?}", since.elapsed());
}

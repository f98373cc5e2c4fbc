//! Settings on the wire: retries, endpoints, quotas, and credentials that are not watched.

use std::process::Command;

use super::*;
use crate::support::aws::fault::Fault;
use crate::support::aws::operation::Operation;

#[tokio::test(flavor = "multi_thread")]
async fn a_stores_retry_settings_are_the_attempts_of_a_call() {
    let world = World::new().await;
    world.account.secret("db", "hunter2");
    let with = |name: &str, retries: &Json| {
        let mut store = world.store(name, &by_keys("aws"));
        store["spec"]["retrySettings"] = retries.clone();
        store
    };
    world.apply(&[
        world.keys(&world.namespace, "aws", &world.account.keys()),
        with("two", &json!({"maxRetries": 2, "retryInterval": "10ms"})),
        with("four", &json!({"maxRetries": 4, "retryInterval": "200ms"})),
    ]);
    world.aws.fault(Operation::GetSecretValue, Fault::ServerError);
    // Pauses are random parts of 200, 400 and 800 ms, none over 200: less than this all but never.
    for (store, attempts, least) in [("two", 2, 0), ("four", 4, 50)] {
        world.aws.forget_calls();
        let started = Instant::now();
        assert_eq!(class(&world.get(store, "db", NOW).await), "unavailable");
        assert_eq!(world.aws.calls().of("GetSecretValue").count(), attempts, "{store}");
        assert!(started.elapsed() >= Duration::from_millis(least), "{store}: {:?}", started.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_quota_of_batches_falls_over_to_single_calls() {
    // Who asks too slowly, on a machine that has other things to do, never fills it.
    for _ in 0..4 {
        if single_calls_of_a_crowd().await > 0 {
            return;
        }
    }
    panic!("all were asked for in batches");
}

/// Asks for as many secrets at once as are more groups than the quota lets through in a second. Answers how many were asked for
/// one by one.
async fn single_calls_of_a_crowd() -> usize {
    const SECRETS: usize = 3000;
    let world = World::new().await;
    for number in 0..SECRETS {
        world.account.secret(&format!("s-{number}"), "x");
    }
    world.with_admin();
    let access = world.access("aws").await.unwrap();
    let mut asking = tokio::task::JoinSet::new();
    for number in 0..SECRETS {
        let (source, access) = (world.source.clone(), Arc::clone(&access));
        asking.spawn(async move {
            let asked = Asked::Value(Version::Current);
            source.fetch(&access, &format!("s-{number}"), asked, MINUTE).await.map(|answer| text(&answer))
        });
    }
    for answer in asking.join_all().await {
        assert_eq!(answer.unwrap(), "x");
    }
    let calls = world.aws.calls();
    let batches = calls.of("BatchGetSecretValue");
    assert_eq!(batches.granted().count(), batches.count(), "none is throttled");
    let ids: usize = calls.0.iter().map(|call| call.target.split(',').count()).sum();
    assert_eq!(ids, SECRETS, "each secret is fetched once");
    calls.of("GetSecretValue").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_are_not_watched_count_within_ten_seconds() {
    let world = World::unwatched().await;
    world.account.secret("db", "hunter2");
    world.with_admin();
    assert_eq!(world.get("aws", "db", MINUTE).await.unwrap(), "hunter2");
    world.apply(&[world.keys(&world.namespace, "aws", &world.account.user("nobody", &[]))]);
    let changed = Instant::now();
    world.eventually("aws", "db", None, |answer| class(answer) == "denied").await;
    let took = changed.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}");
    world.aws.fault_everything(&Fault::Reset);
    world.delete("secret", "aws");
    world.eventually("aws", "db", None, |answer| class(answer) == "an object").await;
    assert_eq!(world.cache.size().0, 0, "what was had through it is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_services_own_endpoint_wins_over_the_one_of_all() {
    let world = World::new().await;
    world.account.secret("db", "hunter2");
    let trust = crate::support::aws::account::trust(&[&format!("arn:aws:iam::{ACCOUNT}:root")]);
    let role = world.account.role("reader", &trust, &[crate::support::aws::account::allow_all()]);
    let mut rest = by_keys("aws");
    rest["role"] = role.into();
    world.apply(&[world.keys(&world.namespace, "aws", &world.account.keys()), world.store("aws", &rest)]);
    let (url, nowhere) = (world.aws.url(), "http://127.0.0.1:1".to_owned());
    for (of_all, of_secrets, of_sts, is_found) in [
        (&url, None, None, true),
        (&nowhere, Some(&url), Some(&url), true),
        (&url, Some(&nowhere), None, false),
        (&url, None, Some(&nowhere), false),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keyhatch"));
        command.env_clear().env("KUBECONFIG", world.plane.kubeconfig()).env("AWS_ENDPOINT_URL", of_all);
        command.envs(of_secrets.map(|url| ("AWS_ENDPOINT_URL_SECRETS_MANAGER", url)));
        command.envs(of_sts.map(|url| ("AWS_ENDPOINT_URL_STS", url)));
        command.args(["resolve", "--namespace", &world.namespace, "aws::db", "--show"]);
        let output = command.output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.stdout == b"hunter2", is_found, "{of_secrets:?} {of_sts:?}: {told}");
    }
}

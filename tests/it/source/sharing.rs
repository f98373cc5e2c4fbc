//! As few calls as possible: batches, one fetch for all who wait, one session for all who ask.

use super::*;
use crate::support::aws::account::{allow_all, trust};
use crate::support::aws::fault::Fault;
use crate::support::aws::operation::Operation;

#[tokio::test(flavor = "multi_thread")]
async fn a_reference_resolves_from_keys_in_a_secret() {
    let world = World::new().await;
    world.account.secret("db", "hunter2");
    world.with_admin();
    assert_eq!(world.get("aws", "db", MINUTE).await.unwrap(), "hunter2");
    assert_eq!(world.get("aws", "db", MINUTE).await.unwrap(), "hunter2");
    assert_eq!(world.aws.calls().by_operation(), [("GetSecretValue", 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_consumers_of_a_hundred_secrets_make_seven_calls_and_one_session() {
    let world = World::new().await;
    for number in 0..100 {
        world.account.secret(&format!("s-{number}"), &format!("value-{number}"));
    }
    let role = world.account.role("reader", &trust(&["arn:aws:iam::111122223333:root"]), &[allow_all()]);
    let mut rest = by_keys("aws");
    rest["role"] = role.into();
    world.apply(&[world.keys(&world.namespace, "aws", &world.account.keys()), world.store("aws", &rest)]);
    world.aws.fault(Operation::BatchGetSecretValue, Fault::Latency(Duration::from_millis(100)));
    world.aws.fault(Operation::GetSecretValue, Fault::Latency(Duration::from_millis(100)));
    let access = world.access("aws").await.unwrap();
    let mut consumers = tokio::task::JoinSet::new();
    for consumer in 0..200 {
        for reference in 0..5 {
            let (source, access) = (world.source.clone(), Arc::clone(&access));
            consumers.spawn(async move {
                let number = (consumer * 5 + reference) % 100;
                let asked = Asked::Value(Version::Current);
                let answer = source.fetch(&access, &format!("s-{number}"), asked, MINUTE).await.unwrap();
                assert_eq!(text(&answer), format!("value-{number}"));
            });
        }
    }
    consumers.join_all().await;
    let calls = world.aws.calls();
    let asked: Vec<_> = calls.0.iter().filter(|call| call.operation != Operation::AssumeRole).collect();
    let ids: Vec<&str> = asked.iter().flat_map(|call| call.target.split(',')).collect();
    assert!(asked.len() <= 7, "{:?}", calls.by_operation());
    assert_eq!(ids.len(), 100, "each secret is fetched once");
    assert_eq!(calls.of("AssumeRole").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_misses_are_one_call_also_when_everybody_hangs_up() {
    let world = World::new().await;
    world.account.secret("db", "hunter2");
    world.with_admin();
    world.aws.fault(Operation::GetSecretValue, Fault::Latency(Duration::from_millis(300)));
    let access = world.access("aws").await.unwrap();
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..1000 {
        let (source, access) = (world.source.clone(), Arc::clone(&access));
        asking.spawn(async move {
            let asked = source.fetch(&access, "db", Asked::Value(Version::Current), MINUTE);
            tokio::time::timeout(Duration::from_millis(1), asked).await.is_err()
        });
    }
    assert!(asking.join_all().await.iter().all(|hung_up| *hung_up));
    assert_eq!(world.get("aws", "db", MINUTE).await.unwrap(), "hunter2");
    assert_eq!(world.aws.calls().by_operation(), [("GetSecretValue", 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_missing_or_denied_is_nobody_elses_failure() {
    let world = World::new().await;
    for name in ["a", "b", "c"] {
        world.account.secret(name, name);
    }
    let deny = json!({"Statement": {"Effect": "Deny", "Action": "*", "Resource": "arn:*:secret:b-*"}});
    let keys = world.account.user("reader", &[allow_all(), deny]);
    world.apply(&[world.keys(&world.namespace, "aws", &keys), world.store("aws", &by_keys("aws"))]);
    let (a, b, c, gone) = tokio::join!(
        world.get("aws", "a", MINUTE),
        world.get("aws", "b", MINUTE),
        world.get("aws", "c", MINUTE),
        world.get("aws", "gone", MINUTE),
    );
    assert_eq!((a.unwrap().as_str(), c.unwrap().as_str()), ("a", "c"));
    assert_eq!((class(&b), class(&gone)), ("denied", "not_found"));
    assert!(gone.unwrap_err().to_string().contains("of gone: there is no such secret or version"));
    assert_eq!(world.aws.calls().by_operation(), [("BatchGetSecretValue", 1)]);
    assert_eq!(class(&world.get("aws", "gone", MINUTE).await), "not_found");
    assert_eq!(world.aws.calls().count(), 1, "a no is believed for a while");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_never_fails_while_aws_throttles() {
    let world = World::new().await;
    for number in 0..40 {
        world.account.secret(&format!("s-{number}"), "x");
    }
    world.with_admin();
    let old = async |number: usize, max_age| world.get("aws", &format!("s-{number}"), max_age).await;
    for number in 0..20 {
        old(number, MINUTE).await.unwrap();
    }
    world.aws.forget_calls();
    world.aws.fault_everything(&Fault::Throttle { share: 0.3 });
    let end = Instant::now() + Duration::from_secs(3);
    let mut requests = 0;
    while Instant::now() < end {
        for number in 0..20 {
            assert_eq!(old(number, Some(Duration::from_millis(500))).await.unwrap(), "x");
            requests += 1;
        }
    }
    for number in 20..40 {
        assert_eq!(old(number, MINUTE).await.unwrap(), "x", "a new one succeeds");
        requests += 1;
    }
    let calls = world.aws.calls().count();
    assert!(calls < requests, "{calls} calls for {requests} requests");
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_tags_and_arns_are_asked_for_as_they_are() {
    let world = World::new().await;
    let arn = world.account.secret("db", "old");
    world.with_admin();
    let first = world.access("aws").await.unwrap();
    let current = Asked::Value(Version::Current);
    let first = world.source.fetch(&first, "db", current.clone(), MINUTE).await.unwrap();
    let id = first.payload.version_id.clone().unwrap();
    assert_eq!((&*first.payload.arn, first.payload.stages.to_string()), (arn.as_str(), "AWSCURRENT".into()));
    world.account.secret("db", "new");
    world.account.tag("db", "team", "a");
    assert_eq!(world.get("aws", &arn, MINUTE).await.unwrap(), "old", "by its ARN it is the same entry");
    assert_eq!(world.get("aws", &arn, NOW).await.unwrap(), "new");
    assert_eq!(world.get("aws", "db", MINUTE).await.unwrap(), "new");
    let version = |version| world.ask("aws", "db", Asked::Value(version), MINUTE);
    assert_eq!(version(Version::Id((&*id).into())).await.unwrap(), "old");
    assert_eq!(version(Version::Stage("AWSPREVIOUS".into())).await.unwrap(), "old");
    assert_eq!(class(&version(Version::Stage("other".into())).await), "not_found");
    assert_eq!(world.ask("aws", "db", Asked::Tags, MINUTE).await.unwrap(), "team=a");
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_without_names() {
    let world = World::new().await;
    world.account.secret("team-secret", "hunter2");
    world.with_admin();
    for id in ["team-secret", "team-secret", "missing"] {
        let _ = world.get("aws", id, MINUTE).await;
    }
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &world.registry).unwrap();
    for line in [
        r#"aws_calls_total{operation="GetSecretValue",result="ok"} 1"#,
        r#"aws_calls_total{operation="GetSecretValue",result="not_found"} 1"#,
        r#"cache_answers_total{outcome="Hit"} 1"#,
        r#"cache_answers_total{outcome="Miss"} 1"#,
        r#"cache_failures_total{class="not_found"} 1"#,
        "cache_entries 2",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    for name in ["team-secret", "missing", "hunter2", &world.namespace, ACCOUNT] {
        assert!(!text.contains(name), "{name} is in\n{text}");
    }
}

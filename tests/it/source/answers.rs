//! Answers of AWS that are wrong, broken off or missing: a classified error, with the request id where there is one.

use super::*;
use crate::support::aws::fault::Fault;
use crate::support::aws::operation::Operation;

#[tokio::test(flavor = "multi_thread")]
async fn whatever_aws_answers_is_a_classified_error() {
    let world = World::new().await;
    world.account.secret("db", "hunter2");
    world.with_admin();
    for (fault, wanted, has_id) in [
        (Fault::NotJson, "malformed", true),
        (Fault::Empty, "malformed", true),
        (Fault::Error { status: 400, code: "FromTheFuture" }, "invalid", true),
        (Fault::Error { status: 418, code: "" }, "malformed", true),
        (Fault::Error { status: 503, code: "" }, "unavailable", true),
        (Fault::Throttle { share: 1.0 }, "throttled", true),
        (Fault::ServerError, "unavailable", true),
        (Fault::Truncate, "unavailable", true),
        (Fault::Reset, "unavailable", false),
    ] {
        world.aws.fault(Operation::GetSecretValue, fault.clone());
        let answer = world.get("aws", "db", NOW).await;
        world.aws.heal();
        assert_eq!(class(&answer), wanted, "{fault:?}: {answer:?}");
        let told = answer.unwrap_err().to_string();
        assert!(told.contains("GetSecretValue of db"), "{fault:?}: {told}");
        assert_eq!(told.contains("(request id "), has_id, "{fault:?}: {told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_hangs_ends_and_does_not_hold_up_the_others() {
    let world = World::new().await;
    for name in ["a", "b"] {
        world.account.secret(name, name);
    }
    world.with_admin();
    world.aws.fault_times(Operation::GetSecretValue, Fault::Hang, 1);
    let started = Instant::now();
    let (first, second) = tokio::join!(world.get("aws", "a", MINUTE), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let answer = world.get("aws", "b", MINUTE).await;
        (answer, started.elapsed())
    });
    let (second, took) = second;
    assert_eq!((first.unwrap().as_str(), second.unwrap().as_str()), ("a", "b"));
    assert!(took < Duration::from_secs(3), "the second waited for the first: {took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_every_size_and_kind_arrive_as_they_are() {
    use crate::support::aws::secret::Content;
    let world = World::new().await;
    world.account.secret("big", &"x".repeat(65_536));
    let bytes = vec![0, 159, 146, 150, 0, 255];
    world.account.secret_in("eu-central-1", "bytes", Content::Binary(bytes.clone()));
    world.with_admin();
    assert_eq!(world.get("aws", "big", MINUTE).await.unwrap().len(), 65_536);
    let access = world.access("aws").await.unwrap();
    let answer = world.source.fetch(&access, "bytes", Asked::Value(Version::Current), MINUTE).await.unwrap();
    assert!(matches!(&answer.payload.value, Value::Binary(value) if value.expose() == bytes));
}

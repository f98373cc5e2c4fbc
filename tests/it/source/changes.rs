//! Stores, Secrets and ServiceAccounts that change or go: felt within seconds, also while AWS is away.

use super::*;
use crate::support::aws::fault::Fault;

#[tokio::test(flavor = "multi_thread")]
async fn rotated_keys_are_used_and_the_old_ones_answers_are_gone() {
    let world = World::new().await;
    world.account.secret("db", "hunter2");
    world.with_admin();
    let old = world.access("aws").await.unwrap().who.identity;
    assert_eq!(world.get("aws", "db", MINUTE).await.unwrap(), "hunter2");
    world.apply(&[world.keys(&world.namespace, "aws", &world.account.user("nobody", &[]))]);
    world.eventually("aws", "db", None, |answer| class(answer) == "denied").await;
    assert_ne!(world.access("aws").await.unwrap().who.identity, old);
    world.apply(&[world.keys(
        &world.namespace,
        "aws",
        &world.account.user("new", &[crate::support::aws::account::allow_all()]),
    )]);
    world.eventually("aws", "db", None, |answer| class(answer) == "a value").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_or_secret_that_is_deleted_while_aws_is_away_takes_its_answers_along() {
    for (kind, name) in [("secretstore", "aws"), ("secret", "aws")] {
        let world = World::new().await;
        world.account.secret("db", "hunter2");
        world.with_admin();
        assert_eq!(world.get("aws", "db", MINUTE).await.unwrap(), "hunter2");
        // The watch must have begun for the deletion to be seen while nobody asks.
        tokio::time::sleep(Duration::from_millis(500)).await;
        world.aws.fault_everything(&Fault::Reset);
        assert_eq!(world.get("aws", "db", None).await.unwrap(), "hunter2");
        world.delete(kind, name);
        let deadline = Instant::now() + PATIENCE;
        while world.cache.size().0 > 0 {
            assert!(Instant::now() < deadline, "{kind}: what was had through it is still kept");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(class(&world.get("aws", "db", None).await), "an object", "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_changed_while_aws_is_away_gets_nothing_as_somebody_else() {
    let world = World::new().await;
    world.account.secret("db", "hunter2");
    world.with_admin();
    assert_eq!(world.get("aws", "db", MINUTE).await.unwrap(), "hunter2");
    world.aws.fault_everything(&Fault::Reset);
    let mut rest = by_keys("aws");
    rest["role"] = format!("arn:aws:iam::{ACCOUNT}:role/reader").into();
    world.apply(&[world.store("aws", &rest)]);
    world.eventually("aws", "db", None, |answer| class(answer) == "unavailable").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_nothing_for_aws_keeps_what_was_had() {
    let world = World::new().await;
    world.account.secret("db", "hunter2");
    world.with_admin();
    assert_eq!(world.get("aws", "db", MINUTE).await.unwrap(), "hunter2");
    world.aws.fault_everything(&Fault::Reset);
    let secret = ["label", "secret", "aws", "-n", &world.namespace, "team=a"];
    world.plane.kubectl(&secret).success().unwrap();
    let mut rest = by_keys("aws");
    rest["prefix"] = "dev/".into();
    world.apply(&[world.store("aws", &rest)]);
    let deadline = Instant::now() + PATIENCE;
    while world.access("aws").await.unwrap().plan.prefix != "dev/" {
        assert!(Instant::now() < deadline, "the change is not felt");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(world.get("aws", "db", None).await.unwrap(), "hunter2");
}

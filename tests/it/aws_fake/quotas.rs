//! AWS's limits: requests per second, versions, labels, tags.

use std::time::{Duration, Instant};

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::types::Tag;

use super::{aws, client};
use crate::aws_sdk::code;
use crate::support::aws::operation::Operation;
use crate::support::aws::quota::Quotas;

async fn put(client: &Client, value: usize) -> String {
    let call = client.put_secret_value().secret_id("db").secret_string(value.to_string());
    code(&call.send().await).to_owned()
}

#[test]
fn a_bucket_holds_a_second_and_refills_with_time() {
    let (mut quotas, now) = (Quotas::default(), Instant::now());
    let mut served = |region: &str, operation, calls: usize, now| {
        (0..calls).filter(|_| quotas.take("1", region, operation, now)).count()
    };
    assert_eq!(served("a", Operation::PutSecretValue, 60, now), 50);
    assert_eq!(served("a", Operation::UpdateSecret, 1, now), 0, "shared with PutSecretValue");
    assert_eq!(served("b", Operation::UpdateSecret, 1, now), 1, "of another region");
    assert_eq!(served("a", Operation::TagResource, 60, now), 50);
    assert_eq!(served("a", Operation::BatchGetSecretValue, 120, now), 100);
    assert_eq!(served("a", Operation::GetSecretValue, 10_001, now), 10_000);
    let later = now + Duration::from_millis(500);
    assert_eq!(served("a", Operation::PutSecretValue, 60, later), 25);
    let much_later = now + Duration::from_secs(60);
    assert_eq!(served("a", Operation::PutSecretValue, 60, much_later), 50);
}

#[tokio::test]
async fn calls_over_a_quota_are_throttled_and_other_quotas_are_left_alone() {
    let (aws, account) = aws();
    let client = client(&aws, &account.keys());
    let began = Instant::now();
    let tag = |number: usize| {
        let tag = Tag::builder().key("k").value(number.to_string()).build();
        client.tag_resource().secret_id("db").tags(tag).send()
    };
    let tags: Vec<_> = (0..200).map(|number| tokio::spawn(tag(number))).collect();
    let mut codes = Vec::new();
    for tag in tags {
        codes.push(code(&tag.await.unwrap()).to_owned());
    }
    let most = 51.0 + 50.0 * began.elapsed().as_secs_f64();
    let served = codes.iter().filter(|code| *code == "none").count();
    let throttled = codes.iter().filter(|code| *code == "ThrottlingException").count();
    assert_eq!(throttled + served, 200);
    assert!((50..=most as usize).contains(&served), "{served} of at most {most}");
    assert_eq!(put(&client, 1).await, "none", "writes have a quota of their own");
    aws.keep_quotas(false);
    for number in 0..60 {
        assert_eq!(code(&tag(number).await), "none");
    }
}

#[tokio::test]
async fn a_hundred_versions_of_one_day_are_all_there_is_room_for() {
    let (aws, account) = aws();
    aws.keep_quotas(false);
    let client = client(&aws, &account.keys());
    for number in 1..100 {
        assert_eq!(put(&client, number).await, "none", "version {number}");
    }
    assert_eq!(put(&client, 100).await, "LimitExceededException");
    aws.advance(Duration::from_secs(24 * 60 * 60));
    assert_eq!(put(&client, 101).await, "none", "versions without a label that are a day old make room");
    assert_eq!(account.look("db").unwrap().versions.len(), 100);
}

#[tokio::test]
async fn a_secret_has_twenty_labels_and_fifty_tags() {
    let (aws, account) = aws();
    aws.keep_quotas(false);
    let client = client(&aws, &account.keys());
    let labels = |count: usize| Some((0..count).map(|number| format!("label-{number}")).collect());
    let label = |count| {
        client.put_secret_value().secret_id("db").secret_string("x").set_version_stages(labels(count)).send()
    };
    assert_eq!(code(&label(20).await), "LimitExceededException", "with AWSCURRENT they are 21");
    assert_eq!(code(&label(19).await), "none");
    let tags = |count: usize| {
        let tags =
            (0..count).map(|number| Tag::builder().key(format!("k{number}")).value("v").build()).collect();
        client.tag_resource().secret_id("db").set_tags(Some(tags)).send()
    };
    assert_eq!(code(&tags(51).await), "InvalidParameterException");
    assert_eq!(code(&tags(50).await), "none");
}

#[tokio::test]
async fn a_recovery_window_passes() {
    let (aws, account) = aws();
    let client = client(&aws, &account.keys());
    let delete = client.delete_secret().secret_id("db").recovery_window_in_days(7);
    assert_eq!(code(&delete.send().await), "none");
    aws.advance(Duration::from_secs(7 * 24 * 60 * 60 - 60));
    assert_eq!(code(&client.describe_secret().secret_id("db").send().await), "none");
    aws.advance(Duration::from_secs(120));
    assert_eq!(code(&client.describe_secret().secret_id("db").send().await), "ResourceNotFoundException");
    assert_eq!(code(&client.create_secret().name("db").secret_string("new").send().await), "none");
}

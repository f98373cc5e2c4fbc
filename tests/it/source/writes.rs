//! Secrets that are written: as AWS does it, once, within its quotas, and read by everybody at once.

use std::collections::BTreeMap;

use keyhatch::aws::failure::{Class, Failure};
use keyhatch::push::attributes::Policy;
use keyhatch::push::remote::Content;
use keyhatch::source::remote::{Deletion, NewSecret, Remote, ReplicaRegion, Update};

use super::*;
use crate::support::aws::fault::Fault;
use crate::support::aws::operation::Operation;
use crate::support::moto;

const CURRENT: &str = "AWSCURRENT";

async fn remote(world: &World, store: &str) -> Remote {
    world.source.remote(&world.access(store).await.unwrap())
}

fn content(text: &str) -> Content {
    Content::Text(text.to_owned().into())
}

/// A VersionId, which has at least 32 characters.
fn token(number: usize) -> String {
    format!("{number:0>32}")
}

fn map(of: &[(&str, &str)]) -> BTreeMap<String, String> {
    of.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn policy(text: &str, block_public: Option<bool>) -> Policy {
    Policy { text: text.to_owned(), block_public, is_secret: false }
}

fn new(name: &str, text: &str) -> NewSecret {
    NewSecret {
        name: name.to_owned(),
        token: token(1),
        content: content(text),
        description: None,
        kms_key_id: None,
        tags: map(&[("managed-by", "external-secrets")]),
        replicas: Vec::new(),
    }
}

/// What of the current value can be compared.
async fn current(remote: &Remote, id: &str) -> (String, String) {
    let current = remote.current(id).await.unwrap().unwrap();
    let text = match &current.content {
        Content::Text(text) => format!("text {}", String::from_utf8_lossy(text.expose())),
        Content::Binary(bytes) => format!("binary {:?}", bytes.expose()),
    };
    (current.version_id, text)
}

fn refusal<T: std::fmt::Debug>(result: Result<T, SourceError>) -> Failure {
    match result.unwrap_err() {
        SourceError::Aws(failure) => failure,
        other => panic!("{other}"),
    }
}

/// Everything that can be done with a secret, one after the other; moto and the fake have the same to say.
async fn live(remote: &Remote, name: &str) {
    assert_eq!(remote.describe(name).await.unwrap(), None);
    assert!(remote.current(name).await.unwrap().is_none());
    let replicas = vec![ReplicaRegion { region: "eu-west-1".into(), kms_key_id: None }];
    let made = NewSecret { description: Some("first".into()), replicas, ..new(name, "one") };
    let written = remote.create(&made).await.unwrap();
    assert_eq!((written.version_id, written.stages), (Some(token(1)), None));
    let described = remote.describe(name).await.unwrap().unwrap();
    assert_eq!(described.description, "first");
    assert_eq!((&described.arn, described.current()), (&written.arn, Some(token(1).as_str())));
    assert_eq!(described.tags, map(&[("managed-by", "external-secrets")]));
    let regions: Vec<_> =
        described.replicas.iter().map(|it| (it.region.as_str(), it.status.as_str())).collect();
    assert_eq!(regions, [("eu-west-1", "InSync")]);
    assert_eq!(described.deleted_at, None);
    assert_eq!(current(remote, name).await, (token(1), "text one".into()));
    new_values(remote, name).await;
    surroundings(remote, name).await;
    deletion(remote, name).await;
}

async fn new_values(remote: &Remote, name: &str) {
    let bytes = Content::Binary(keyhatch::secret_value::SecretValue::new(vec![0, 255]));
    let written = remote.put(name, &token(2), &bytes).await.unwrap();
    assert_eq!((written.version_id, written.stages), (Some(token(2)), Some(vec![CURRENT.to_owned()])));
    assert_eq!(current(remote, name).await, (token(2), "binary [0, 255]".into()));
    let update = Update { description: Some("second".into()), ..Update::default() };
    assert_eq!(remote.update(name, &update).await.unwrap().version_id, None);
    let update = Update { value: Some((token(3), content("three"))), ..Update::default() };
    assert_eq!(remote.update(&written.arn, &update).await.unwrap().version_id, Some(token(3)));
    assert_eq!(current(remote, &written.arn).await, (token(3), "text three".into()));
}

async fn surroundings(remote: &Remote, name: &str) {
    remote.tag(name, &map(&[("a", "1"), ("b", "2")])).await.unwrap();
    remote.untag(name, &["a".into(), "never-there".into()]).await.unwrap();
    assert_eq!(remote.policy(name).await.unwrap(), None);
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "secretsmanager:GetSecretValue",
        "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Resource": "*"}]})
    .to_string();
    remote.put_policy(name, &self::policy(&policy, Some(true))).await.unwrap();
    let said: Json = serde_json::from_str(&remote.policy(name).await.unwrap().unwrap()).unwrap();
    assert_eq!(said, serde_json::from_str::<Json>(&policy).unwrap());
    remote.delete_policy(name).await.unwrap();
    assert_eq!(remote.policy(name).await.unwrap(), None);
    let more = [ReplicaRegion { region: "us-east-1".into(), kms_key_id: None }];
    assert_eq!(remote.replicate(name, &more).await.unwrap().len(), 2);
    let left = remote.remove_replicas(name, &["eu-west-1".into(), "us-east-1".into()]).await.unwrap();
    assert_eq!(left, []);
    let described = remote.describe(name).await.unwrap().unwrap();
    assert_eq!(described.tags, map(&[("b", "2"), ("managed-by", "external-secrets")]));
    assert_eq!((described.description.as_str(), described.replicas), ("second", vec![]));
}

async fn deletion(remote: &Remote, name: &str) {
    remote.delete(name, Deletion::Window(7)).await.unwrap();
    remote.delete(name, Deletion::Window(7)).await.unwrap();
    assert!(remote.describe(name).await.unwrap().unwrap().deleted_at.is_some());
    assert_eq!(refusal(remote.current(name).await).class, Class::MarkedForDeletion);
    remote.restore(name).await.unwrap();
    assert_eq!(current(remote, name).await, (token(3), "text three".into()));
    for _ in 0..2 {
        remote.delete(name, Deletion::Force).await.unwrap();
    }
    assert_eq!(remote.describe(name).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_lives_as_it_is_told() {
    let world = World::new().await;
    world.with_admin();
    let remote = remote(&world, "aws").await;
    // In a task: whoever pushes works in several.
    tokio::spawn(async move { live(&remote, "team/db").await }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_lives_on_moto_as_on_our_own_aws() {
    let world = World::new().await;
    world.with_admin();
    let cache = Arc::new(Cache::new(Limits::default(), Arc::default()));
    let calls = Arc::new(Calls::new(false));
    let source = source(world.plane.kubeconfig(), moto::shared().url(), true, cache, calls).await;
    let store = StoreId::seen_from(&world.namespace, StoreKind::SecretStore, "aws");
    let access = source.access(&store, &world.namespace).await.unwrap();
    live(&source.remote(&access), &format!("{}/db", world.namespace)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_asked_for_again_and_no_version_is_written_twice() {
    let world = World::new().await;
    world.with_admin();
    let remote = remote(&world, "aws").await;
    for fault in [Fault::LoseAnswer, Fault::Truncate, Fault::ServerError] {
        for operation in [Operation::CreateSecret, Operation::PutSecretValue, Operation::DeleteSecret] {
            world.aws.fault_times(operation, fault.clone(), 2);
        }
        assert_eq!(remote.create(&new("db", "one")).await.unwrap().version_id, Some(token(1)), "{fault:?}");
        assert_eq!(remote.put("db", &token(2), &content("two")).await.unwrap().version_id, Some(token(2)));
        assert_eq!(world.account.look("db").unwrap().versions.len(), 2, "{fault:?}");
        remote.delete("db", Deletion::DefaultWindow).await.unwrap();
        assert!(world.account.look("db").unwrap().deletion.is_some(), "{fault:?}");
        world.account.remove_secret("db");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_repeated_is_not_unless_aws_refused_it_for_coming_too_often() {
    let world = World::new().await;
    world.with_admin();
    world.account.secret("db", "one");
    let remote = remote(&world, "aws").await;
    let to = [ReplicaRegion { region: "eu-west-1".into(), kms_key_id: None }];
    world.aws.fault_times(Operation::ReplicateSecretToRegions, Fault::LoseAnswer, 1);
    assert_eq!(refusal(remote.replicate("db", &to).await).class, Class::Unavailable);
    assert_eq!(world.aws.calls().of("ReplicateSecretToRegions").count(), 1);
    assert_eq!(remote.describe("db").await.unwrap().unwrap().replicas.len(), 1);
    world.aws.fault_times(Operation::RemoveRegionsFromReplication, Fault::Throttle { share: 1.0 }, 2);
    assert_eq!(remote.remove_replicas("db", &["eu-west-1".into()]).await.unwrap(), []);
    assert_eq!(world.aws.calls().of("RemoveRegionsFromReplication").count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn identities_of_one_account_share_forty_five_writes_a_second() {
    let world = World::new().await;
    let stores = ["one", "two"];
    for store in stores {
        world.account.secret(store, "zero");
        let secret = world.keys(&world.namespace, store, &world.account.keys());
        world.apply(&[secret, world.store(store, &by_keys(store))]);
    }
    let mut writing = tokio::task::JoinSet::new();
    for store in stores {
        let remote = remote(&world, store).await;
        remote.describe(store).await.unwrap();
        for number in 1..=60 {
            let remote = remote.clone();
            let value = content(&number.to_string());
            writing.spawn(async move { remote.put(store, &token(number), &value).await.map(drop) });
        }
    }
    while let Some(written) = writing.join_next().await {
        written.unwrap().unwrap();
    }
    let calls = world.aws.calls().of("PutSecretValue");
    assert_eq!((calls.count(), calls.granted().count()), (120, 120));
    let second = Duration::from_secs(1);
    let since =
        |from: Instant| calls.0.iter().filter(|call| (from..from + second).contains(&call.at)).count();
    let most = calls.0.iter().map(|call| since(call.at)).max().unwrap();
    // They arrive a little later or sooner than they left; AWS's own limit is 50.
    assert!(most <= 49, "{most} in a second");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_after_a_push_reads_what_was_pushed() {
    let world = World::new().await;
    let arn = world.account.secret("db", "one");
    world.account.tag("db", "team", "a");
    world.with_admin();
    let remote = remote(&world, "aws").await;
    let read = async || {
        let mut all = Vec::new();
        for id in ["db", &arn] {
            for asked in [Asked::Value(Version::Current), Asked::Tags] {
                all.push(world.ask("aws", id, asked, None).await.unwrap());
            }
        }
        all
    };
    assert_eq!(class(&world.get("aws", "later", None).await), "not_found");
    assert_eq!(read().await, ["one", "team=a", "one", "team=a"]);
    remote.put("db", &token(2), &content("two")).await.unwrap();
    assert_eq!(read().await, ["two", "team=a", "two", "team=a"]);
    remote.tag(&arn, &map(&[("team", "b")])).await.unwrap();
    assert_eq!(read().await, ["two", "team=b", "two", "team=b"]);
    remote.create(&new("later", "now")).await.unwrap();
    assert_eq!(world.get("aws", "later", None).await.unwrap(), "now");
    world.aws.fault(Operation::PutSecretValue, Fault::LoseAnswer);
    assert_eq!(refusal(remote.put("db", &token(3), &content("three")).await).class, Class::Unavailable);
    assert_eq!(read().await, ["three", "team=b", "three", "team=b"], "nobody knew whether it was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_tells_what_it_means_and_never_the_value() {
    let world = World::new().await;
    let arn = world.account.secret("db", "one");
    world.with_admin();
    let reads =
        json!({"Statement": {"Effect": "Allow", "Action": "secretsmanager:Describe*", "Resource": "*"}});
    let keys = world.keys(&world.namespace, "reader", &world.account.user("reader", &[reads]));
    world.apply(&[keys, world.store("reader", &by_keys("reader"))]);
    let (remote, reader) = (remote(&world, "aws").await, remote(&world, "reader").await);
    let value = content("hunter2");
    let denied = refusal(reader.put("db", &token(2), &value).await);
    assert_eq!((denied.class, denied.operation), (Class::Denied, "PutSecretValue"));
    let told = denied.to_string();
    assert!(told.contains("secretsmanager:PutSecretValue") && told.contains(&arn), "{told}");

    remote.put("db", &token(2), &value).await.unwrap();
    let other = refusal(remote.put("db", &token(2), &content("hunter3")).await);
    let taken = refusal(remote.create(&new("db", "hunter4")).await);
    let missing = refusal(remote.put("gone", &token(2), &value).await);
    let big = refusal(remote.put("db", &token(3), &content(&"hunter2 ".repeat(9000))).await);
    let policy = refusal(remote.put_policy("db", &policy("no policy", None)).await);
    let everybody =
        json!({"Statement": {"Effect": "Allow", "Action": "*", "Principal": "*", "Resource": "*"}});
    let public = refusal(remote.put_policy("db", &self::policy(&everybody.to_string(), Some(true))).await);
    remote.delete("db", Deletion::DefaultWindow).await.unwrap();
    let marked = refusal(remote.put("db", &token(3), &value).await);
    let again = refusal(remote.create(&new("db", "hunter4")).await);
    world.aws.fault_times(
        Operation::PutSecretValue,
        Fault::Error { status: 400, code: "LimitExceededException" },
        1,
    );
    let versions = refusal(remote.put("db", &token(3), &value).await);
    let all = [
        (other, Class::Exists, "ResourceExistsException"),
        (taken, Class::Exists, "ResourceExistsException"),
        (missing, Class::NotFound, "ResourceNotFoundException"),
        (big, Class::Invalid, "ValidationException"),
        (policy, Class::Invalid, "MalformedPolicyDocumentException"),
        (public, Class::Invalid, "PublicPolicyException"),
        (marked, Class::MarkedForDeletion, "InvalidRequestException"),
        (again, Class::MarkedForDeletion, "InvalidRequestException"),
        (versions, Class::LimitReached, "LimitExceededException"),
    ];
    for (failure, class, code) in all {
        assert_eq!((failure.class, failure.code.as_str()), (class, code), "{failure}");
        assert!(!failure.to_string().contains("hunter"), "{failure}");
    }
}

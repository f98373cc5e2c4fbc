//! The IAM policy that is promised to suffice, and less than that.

use super::*;
use crate::support::aws::account::allow_all;

/// The policy as it stands in the documentation.
fn promised() -> Json {
    let text = include_str!("../../../docs/aws.md");
    let policy = text.split("```json").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    serde_json::from_str(policy).unwrap()
}

async fn world_with(policies: &[Json]) -> World {
    let world = World::new().await;
    for name in ["dev-a", "dev-b", "dev-c", "prod-x"] {
        world.account.secret(name, name);
        world.account.tag(name, "team", "a");
    }
    let keys = world.account.user("reader", policies);
    world.apply(&[world.keys(&world.namespace, "aws", &keys), world.store("aws", &by_keys("aws"))]);
    world
}

async fn everything_works(world: &World) {
    let (a, b, c, prod) = tokio::join!(
        world.get("aws", "dev-a", MINUTE),
        world.get("aws", "dev-b", MINUTE),
        world.get("aws", "dev-c", MINUTE),
        world.get("aws", "prod-x", MINUTE),
    );
    assert_eq!([a.unwrap(), b.unwrap(), c.unwrap()], ["dev-a", "dev-b", "dev-c"]);
    assert_eq!(class(&prod), "denied");
    let current = Asked::Value(Version::Stage("AWSCURRENT".into()));
    assert_eq!(world.ask("aws", "dev-a", current, MINUTE).await.unwrap(), "dev-a");
    assert_eq!(world.ask("aws", "dev-a", Asked::Tags, MINUTE).await.unwrap(), "team=a");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_promised_policy_suffices() {
    let world = world_with(&[promised()]).await;
    everything_works(&world).await;
    assert_eq!(world.aws.calls().of("BatchGetSecretValue").granted().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_to_batches_it_asks_one_by_one() {
    let no_batches = json!({"Statement":
        {"Effect": "Deny", "Action": "secretsmanager:BatchGetSecretValue", "Resource": "*"}});
    let world = world_with(&[promised(), no_batches]).await;
    everything_works(&world).await;
    for name in ["dev-a", "dev-b", "dev-c"] {
        world.account.secret(name, "new");
    }
    tokio::join!(async { assert_eq!(world.get("aws", "dev-a", NOW).await.unwrap(), "new") }, async {
        assert_eq!(world.get("aws", "dev-b", NOW).await.unwrap(), "new")
    },);
    assert_eq!(world.aws.calls().of("BatchGetSecretValue").count(), 1, "it is tried once");
}

/// Log lines, as they are written.
#[derive(Clone, Default)]
struct Log(Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// On one thread, so that its log is this test's.
#[tokio::test]
async fn the_missing_right_to_batches_is_said_once() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let no_batches = json!({"Statement":
        {"Effect": "Deny", "Action": "secretsmanager:BatchGetSecretValue", "Resource": "*"}});
    let world = world_with(&[promised(), no_batches]).await;
    for _ in 0..3 {
        let (a, b) = tokio::join!(world.get("aws", "dev-a", NOW), world.get("aws", "dev-b", NOW));
        assert_eq!((a.unwrap().as_str(), b.unwrap().as_str()), ("dev-a", "dev-b"));
    }
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert_eq!(text.matches("no right to secretsmanager:BatchGetSecretValue").count(), 1, "{text}");
    assert!(!text.contains("dev-a"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_of_one_is_not_taken_for_a_missing_right_to_batches() {
    let world = world_with(&[promised(), allow_all()]).await;
    let (missing, there) = tokio::join!(world.get("aws", "gone", MINUTE), world.get("aws", "dev-a", MINUTE));
    assert_eq!((class(&missing), there.unwrap().as_str()), ("not_found", "dev-a"));
    assert_eq!(world.aws.calls().by_operation(), [("BatchGetSecretValue", 1)]);
}

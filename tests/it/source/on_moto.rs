//! The same reads from moto, so that what is right here is not only right by our own fake.

use aws_sdk_secretsmanager::types::Tag;
use keyhatch::reference::SecretRef;

use super::*;
use crate::aws_sdk;
use crate::support::aws::DEFAULT_REGION;
use crate::support::moto;

#[tokio::test(flavor = "multi_thread")]
async fn values_versions_tags_and_searches_are_read_from_moto() {
    let world = World::new().await;
    let url = moto::shared().url();
    let keys = world.account.keys();
    let mut rest = by_keys("aws");
    rest["prefix"] = format!("{}/", world.namespace).into();
    world.apply(&[world.keys(&world.namespace, "aws", &keys), world.store("aws", &rest)]);
    let client = aws_sdk::secrets_manager(url, DEFAULT_REGION, &keys);
    for name in ["a", "b"] {
        let full = format!("{}/{name}", world.namespace);
        let team = Tag::builder().key("team").value(name).build();
        client.create_secret().name(&full).secret_string("old").tags(team).send().await.unwrap();
        client.put_secret_value().secret_id(&full).secret_string(name).send().await.unwrap();
    }
    let calls = Arc::new(Calls::new(true));
    let cache = Arc::new(Cache::new(Limits::default(), Arc::default()));
    let source = source(world.plane.kubeconfig(), url, true, cache, Arc::clone(&calls)).await;
    let store = StoreId::seen_from(&world.namespace, StoreKind::SecretStore, "aws");
    let access = source.access(&store, &world.namespace).await.unwrap();
    let get = async |reference: &str| {
        let reference: SecretRef = reference.parse().unwrap();
        let resolved = source.resolve(&access, &reference, MINUTE).await;
        resolved.map(|it| String::from_utf8(it.value.expose().to_vec()).unwrap())
    };
    let (a, b, gone) = tokio::join!(get("a"), get("b"), get("gone"));
    assert_eq!((a.unwrap().as_str(), b.unwrap().as_str()), ("a", "b"));
    assert!(gone.unwrap_err().is_absent());
    let made: Vec<_> = calls.journal().iter().map(|call| call.operation).collect();
    assert_eq!(made, ["BatchGetSecretValue"]);
    assert_eq!(get("a?version=AWSPREVIOUS").await.unwrap(), "old");
    assert_eq!(get("a?metadata=tags#team").await.unwrap(), "a");
    let by_tag = search::query(None, None, &[("team", "b")]);
    let found = source.find(&access, &by_tag, MINUTE).await.unwrap();
    assert_eq!(found.into_keys().collect::<Vec<_>>(), [format!("{}/b", world.namespace)]);
}

//! Searches: every secret that is meant, none that AWS's filters let through by mistake, on however many pages.

use std::collections::BTreeMap;

use keyhatch::api::data_from::{Find, FindName};
use keyhatch::reference::SecretQuery;

use super::*;

pub(super) fn query(path: Option<&str>, name: Option<&str>, tags: &[(&str, &str)]) -> SecretQuery {
    let tags: BTreeMap<_, _> = tags.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let name = name.map(|regexp| FindName { regexp: regexp.to_owned() });
    let find = Find { path: path.map(str::to_owned), name, tags, ..Find::default() };
    SecretQuery::try_from(&find).unwrap()
}

async fn find(world: &World, store: &str, query: SecretQuery) -> Result<Vec<String>, SourceError> {
    let access = world.access(store).await?;
    Ok(world.source.find(&access, &query, MINUTE).await?.into_keys().collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn names_paths_and_tags_find_what_they_mean_and_no_more() {
    let world = World::new().await;
    for (name, team, env) in [
        ("dev/db", "a", "prod"),
        ("dev/cache", "a", "dev"),
        ("prod/db", "b", "a"),
        ("dev/production", "prod", "x"),
    ] {
        world.account.secret(name, name);
        world.account.tag(name, "team", team);
        world.account.tag(name, "env", env);
    }
    world.with_admin();
    for (path, name, tags, expected) in [
        (None, Some("db$"), &[][..], &["dev/db", "prod/db"][..]),
        (Some("dev/"), Some("."), &[], &["dev/cache", "dev/db", "dev/production"]),
        (None, None, &[("team", "a")], &["dev/cache", "dev/db"]),
        (None, None, &[("env", "prod")], &["dev/db"]),
        (Some("dev/"), Some("db"), &[("team", "a")], &["dev/db"]),
        (None, Some("nothing"), &[], &[]),
    ] {
        assert_eq!(
            find(&world, "aws", query(path, name, tags)).await.unwrap(),
            expected,
            "{path:?} {name:?} {tags:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_goes_on_over_all_pages_and_asks_for_values_in_groups() {
    let world = World::new().await;
    for number in 0..250 {
        world.account.secret(&format!("s-{number:03}"), "x");
    }
    world.with_admin();
    assert_eq!(find(&world, "aws", query(None, Some("^s-1"), &[])).await.unwrap().len(), 100);
    let calls = world.aws.calls();
    assert_eq!(calls.of("ListSecrets").count(), 3);
    assert!(calls.of("BatchGetSecretValue").count() <= 7, "{:?}", calls.by_operation());
    find(&world, "aws", query(None, Some("^s-1"), &[])).await.unwrap();
    assert_eq!(world.aws.calls().count(), calls.count() + 3, "values that are kept are not fetched again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_with_a_prefix_finds_its_own() {
    let world = World::new().await;
    for name in ["team-a/db", "team-b/db"] {
        world.account.secret(name, name);
    }
    let mut rest = by_keys("aws");
    rest["prefix"] = "team-a/".into();
    world.apply(&[world.keys(&world.namespace, "aws", &world.account.keys()), world.store("aws", &rest)]);
    assert_eq!(find(&world, "aws", query(None, Some("db"), &[])).await.unwrap(), ["team-a/db"]);
    let access = world.access("aws").await.unwrap();
    let arn = |name: &str| world.account.look(name).unwrap().arn();
    let resolve = async |reference: &str| {
        let reference = reference.parse().unwrap();
        let resolved = world.source.resolve(&access, &reference, MINUTE).await;
        resolved.map(|resolved| resolved.value)
    };
    for reference in ["db", &arn("team-a/db")] {
        assert_eq!(resolve(reference).await.unwrap().expose(), b"team-a/db");
    }
    let refused = resolve(&arn("team-b/db")).await.unwrap_err().to_string();
    assert!(
        refused.starts_with(r#"the store has the prefix "team-a/", and the secret's name does not begin"#),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_may_not_be_read_fails_the_search() {
    let world = World::new().await;
    for name in ["dev-a", "prod-b"] {
        world.account.secret(name, name);
    }
    let some = json!({"Statement": [
        {"Effect": "Allow", "Action": ["secretsmanager:ListSecrets", "secretsmanager:BatchGetSecretValue"], "Resource": "*"},
        {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "arn:*:secret:dev-*"}]});
    let keys = world.account.user("some", &[some]);
    world.apply(&[world.keys(&world.namespace, "aws", &keys), world.store("aws", &by_keys("aws"))]);
    assert_eq!(find(&world, "aws", query(None, Some("^dev"), &[])).await.unwrap(), ["dev-a"]);
    let refused = find(&world, "aws", query(None, Some("."), &[])).await.unwrap_err().to_string();
    assert!(refused.contains("of prod-b: not allowed"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_a_secret_are_selected_from_one_answer() {
    let world = World::new().await;
    world.account.secret("db", r#"{"user": "admin", "nested": {"port": 5432}, "blob": "aGk="}"#);
    world.account.tag("db", "team", "a");
    world.with_admin();
    let access = world.access("aws").await.unwrap();
    let get = async |reference: &str| {
        let reference = reference.parse().unwrap();
        let resolved = world.source.resolve(&access, &reference, MINUTE).await;
        resolved.map(|it| String::from_utf8(it.value.expose().to_vec()).unwrap()).map_err(|it| it.to_string())
    };
    assert_eq!(get("db#user").await.as_deref(), Ok("admin"));
    assert_eq!(get("db#nested.port").await.as_deref(), Ok("5432"));
    assert_eq!(get("db?decode=base64#blob").await.as_deref(), Ok("hi"));
    assert_eq!(get("db#passwd").await.unwrap_err(), "db#passwd: the secret has no such property");
    assert_eq!(world.source.members(&access, &"db".parse().unwrap(), MINUTE).await.unwrap().0.len(), 3);
    assert_eq!(world.aws.calls().by_operation(), [("GetSecretValue", 1)]);
    assert_eq!(get("db?metadata=tags#team").await.as_deref(), Ok("a"));
}

//! Nobody gets what AWS would not give them: not from the cache, and not while AWS is away either.

use super::*;
use crate::support::aws::account::{allow_all, trust};
use crate::support::aws::fault::Fault;

/// Asked for again with every age, AWS there and away: never a value.
async fn is_refused(world: &World, store: &str, id: &str) {
    for max_age in [NOW, MINUTE, None] {
        let answer = world.get(store, id, max_age).await;
        assert!(answer.is_err(), "{store} {id} {max_age:?}: {answer:?}");
    }
    world.aws.fault_everything(&Fault::Reset);
    for max_age in [NOW, MINUTE, None] {
        let answer = world.get(store, id, max_age).await;
        assert!(answer.is_err(), "{store} {id} {max_age:?} while AWS is away: {answer:?}");
    }
    world.aws.heal();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_access_key_id_with_a_wrong_secret_gets_nothing() {
    let world = World::new().await;
    world.account.secret("db", "hunter2");
    let keys = world.account.keys();
    let wrong = Keys { secret: "x".repeat(40), ..keys.clone() };
    world.apply(&[
        world.keys(&world.namespace, "right", &keys),
        world.keys(&world.namespace, "wrong", &wrong),
        world.store("right", &by_keys("right")),
        world.store("wrong", &by_keys("wrong")),
    ]);
    assert_eq!(world.get("right", "db", MINUTE).await.unwrap(), "hunter2");
    assert_eq!(class(&world.get("wrong", "db", None).await), "identity_refused");
    is_refused(&world, "wrong", "db").await;
    assert_eq!(world.get("right", "db", None).await.unwrap(), "hunter2", "the right one keeps what it had");
}

/// A ServiceAccount with a role, and a store that uses it.
fn by_account(world: &World, namespace: &str, role: &str) -> [Json; 2] {
    let annotations = json!({"eks.amazonaws.com/role-arn": role});
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": {"name": "reader", "namespace": namespace, "annotations": annotations}});
    let auth = json!({"auth": {"jwt": {"serviceAccountRef": {"name": "reader"}}}});
    let mut store = world.store("irsa", &auth);
    store["metadata"]["namespace"] = namespace.into();
    [account, store]
}

/// A role that trusts the tokens of one ServiceAccount of the cluster.
fn irsa_role(world: &World, name: &str) -> String {
    let issuer = "https://kubernetes.default.svc";
    let keys = world.plane.kubectl(&["get", "--raw", "/openid/v1/jwks"]).success().unwrap();
    world.account.trust_issuer(issuer, &["sts.amazonaws.com"], serde_json::from_str(&keys).unwrap());
    let provider = format!("arn:aws:iam::{ACCOUNT}:oidc-provider/kubernetes.default.svc");
    let subject = format!("system:serviceaccount:{}:reader", world.namespace);
    let trust = json!({"Statement": {"Effect": "Allow", "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {"kubernetes.default.svc:sub": subject}}}});
    world.account.role(name, &trust, &[allow_all()])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_service_account_with_a_known_role_gets_nothing() {
    let world = World::new().await;
    world.account.secret("db", "hunter2");
    let role = irsa_role(&world, "reader");
    let other = world.plane.namespace("foreign");
    world.apply(&by_account(&world, &world.namespace, &role));
    world.apply(&by_account(&world, &other, &role));
    assert_eq!(world.get("irsa", "db", MINUTE).await.unwrap(), "hunter2");
    let foreign = World { namespace: other, ..world };
    assert_eq!(class(&foreign.get("irsa", "db", None).await), "identity_refused");
    is_refused(&foreign, "irsa", "db").await;
    assert_eq!(foreign.aws.calls().of("AssumeRoleWithWebIdentity").granted().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_account_that_was_made_again_is_asked_for_again() {
    let world = World::new().await;
    world.account.secret("db", "hunter2");
    let role = irsa_role(&world, "reader");
    world.apply(&by_account(&world, &world.namespace, &role));
    assert_eq!(world.get("irsa", "db", MINUTE).await.unwrap(), "hunter2");
    world.delete("serviceaccount", "reader");
    world.eventually("irsa", "db", None, |answer| class(answer) == "an object").await;
    world.aws.fault_everything(&Fault::Reset);
    world.apply(&by_account(&world, &world.namespace, &role));
    world.eventually("irsa", "db", None, |answer| class(answer) == "unavailable").await;
    world.aws.heal();
    world.eventually("irsa", "db", None, |answer| class(answer) == "a value").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_name_in_two_accounts_is_two_secrets() {
    let world = World::new().await;
    let other = world.aws.account("444455556666");
    world.account.secret("db", "ours");
    other.secret("db", "theirs");
    world.apply(&[
        world.keys(&world.namespace, "ours", &world.account.keys()),
        world.keys(&world.namespace, "theirs", &other.keys()),
        world.store("ours", &by_keys("ours")),
        world.store("theirs", &by_keys("theirs")),
    ]);
    for _ in 0..2 {
        assert_eq!(world.get("ours", "db", MINUTE).await.unwrap(), "ours");
        assert_eq!(world.get("theirs", "db", MINUTE).await.unwrap(), "theirs");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_store_is_somebody_else_in_every_namespace() {
    let world = World::new().await;
    world.account.secret("db", "hunter2");
    let other = world.plane.namespace("other");
    let name = format!("shared-{}", world.namespace);
    let auth = by_keys("aws");
    world.apply(&[
        json!({"apiVersion": "external-secrets.io/v1", "kind": "ClusterSecretStore",
            "metadata": {"name": name}, "spec": spec(&auth)}),
        world.keys(&world.namespace, "aws", &world.account.keys()),
        world.keys(&other, "aws", &world.account.user("nobody", &[])),
    ]);
    let store = StoreId::seen_from("", StoreKind::ClusterSecretStore, &name);
    let get = async |consumer: &str, max_age| {
        let access = world.source.access(&store, consumer).await?;
        let answer = world.source.fetch(&access, "db", Asked::Value(Version::Current), max_age).await;
        answer.map(|answer| text(&answer))
    };
    assert_eq!(get(&world.namespace, MINUTE).await.unwrap(), "hunter2");
    assert_eq!(class(&get(&other, None).await), "denied");
    world.aws.fault_everything(&Fault::Reset);
    assert_eq!(get(&world.namespace, None).await.unwrap(), "hunter2");
    assert!(get(&other, NOW).await.is_err() && get(&other, None).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_store_serves_the_namespaces_that_its_conditions_admit() {
    let world = World::new().await;
    world.account.secret("db", "hunter2");
    let team = format!("team-{}", world.namespace);
    let label = json!({"matchLabels": {"team": team}});
    for (number, (conditions, is_admitted)) in [
        (json!([]), true),
        (json!([{"namespaces": ["other", world.namespace]}]), true),
        (json!([{"namespaces": ["other"]}]), false),
        (json!([{"namespaceRegexes": ["^source-"]}, {"namespaces": ["other"]}]), true),
        (json!([{"namespaceRegexes": ["^other-"]}]), false),
        (json!([{"namespaceSelector": label}]), false),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("admits-{}-{number}", world.namespace);
        world.apply(&[cluster_store(&world, &name, &conditions)]);
        let answer = world.get_through(&name).await;
        assert_eq!(class(&answer), if is_admitted { "a value" } else { "the store" }, "{conditions}");
    }
    let labelled = format!("admits-{}-5", world.namespace);
    let refused = world.get_through(&labelled).await.unwrap_err().to_string();
    let told = format!(
        "ClusterSecretStore {labelled} does not admit namespace {:?}: see its spec.conditions",
        world.namespace
    );
    assert_eq!(refused, told);
    // Labels count as they are now, also for who had a value.
    world
        .plane
        .kubectl(&["label", "namespace", &world.namespace, &format!("team={team}")])
        .success()
        .unwrap();
    world.eventually_through(&labelled, "a value").await;
    world.plane.kubectl(&["label", "namespace", &world.namespace, "team-"]).success().unwrap();
    world.eventually_through(&labelled, "the store").await;
}

/// With keys of its own namespace.
fn cluster_store(world: &World, name: &str, conditions: &Json) -> Json {
    let mut auth = by_keys("aws");
    for key in ["accessKeyIDSecretRef", "secretAccessKeySecretRef"] {
        auth["auth"]["secretRef"][key]["namespace"] = world.namespace.as_str().into();
    }
    let mut spec = spec(&auth);
    spec["conditions"] = conditions.clone();
    world.apply(&[world.keys(&world.namespace, "aws", &world.account.keys())]);
    json!({"apiVersion": "external-secrets.io/v1", "kind": "ClusterSecretStore",
        "metadata": {"name": name}, "spec": spec})
}

impl World {
    async fn get_through(&self, cluster_store: &str) -> Result<String, SourceError> {
        let store = StoreId::seen_from("", StoreKind::ClusterSecretStore, cluster_store);
        let access = self.source.access(&store, &self.namespace).await?;
        let answer = self.source.fetch(&access, "db", Asked::Value(Version::Current), MINUTE).await;
        answer.map(|answer| text(&answer))
    }

    async fn eventually_through(&self, cluster_store: &str, wanted: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.get_through(cluster_store).await;
            if class(&answer) == wanted {
                return;
            }
            assert!(Instant::now() < deadline, "{wanted}: {answer:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_session_tags_are_another_identity() {
    let world = World::new().await;
    world.account.secret("db", "hunter2");
    let tagged = json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*",
        "Condition": {"StringEquals": {"aws:PrincipalTag/team": "a"}}}});
    let role = world.account.role("tagged", &trust(&[&format!("arn:aws:iam::{ACCOUNT}:root")]), &[tagged]);
    let store = |name: &str, team: &str| {
        let mut rest = by_keys("aws");
        rest["role"] = role.as_str().into();
        rest["sessionTags"] = json!([{"key": "team", "value": team}]);
        world.store(name, &rest)
    };
    world.apply(&[
        world.keys(&world.namespace, "aws", &world.account.keys()),
        store("a", "a"),
        store("b", "b"),
    ]);
    assert_eq!(world.get("a", "db", MINUTE).await.unwrap(), "hunter2");
    assert_eq!(class(&world.get("b", "db", None).await), "denied");
    is_refused(&world, "b", "db").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_whose_trust_is_revoked_is_of_no_use_once_its_session_ends() {
    let world = World::new().await;
    world.account.secret("db", "hunter2");
    let role =
        world.account.role("reader", &trust(&[&format!("arn:aws:iam::{ACCOUNT}:root")]), &[allow_all()]);
    let mut rest = by_keys("aws");
    rest["role"] = role.into();
    world.apply(&[world.keys(&world.namespace, "aws", &world.account.keys()), world.store("aws", &rest)]);
    assert_eq!(world.get("aws", "db", MINUTE).await.unwrap(), "hunter2");
    world.account.set_trust("reader", &trust(&["arn:aws:iam::444455556666:root"]));
    world.aws.advance(Duration::from_secs(901));
    world.eventually("aws", "db", NOW, |answer| class(answer) == "identity_refused").await;
    is_refused(&world, "aws", "db").await;
}

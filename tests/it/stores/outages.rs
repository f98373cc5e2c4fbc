//! STS is away, the process is killed, an object cannot be read: what there is goes on.

use std::process::Command;

use serde_json::json;

use super::*;
use crate::support::aws::account::trust;
use crate::support::aws::fault::Fault;
use crate::support::aws::operation::Operation;
use crate::support::aws::secret::Content;

const STS: [Operation; 2] = [Operation::GetCallerIdentity, Operation::AssumeRole];

#[test]
fn without_sts_keys_are_used_as_they_are_and_roles_are_waited_for() {
    let site = Site::new();
    STS.into_iter().for_each(|operation| site.aws.fault(operation, Fault::Reset));
    let _looper = site.install(&[]).start().unwrap();
    let team = Team::at(&site);
    let arn = format!("arn:aws:iam::{}:user/admin", team.account.id);
    let role = team.account.role("reader", &trust(&[&arn]), &[]);
    site.apply(&[
        team.store("keys", "aws", &json!({})),
        team.store("role", "aws", &json!({"role": role})),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "app", "namespace": team.namespace},
            "stringData": {"a": "1"}}),
        json!({"apiVersion": "external-secrets.io/v1alpha1", "kind": "PushSecret",
            "metadata": {"name": "p", "namespace": team.namespace},
            "spec": {"secretStoreRefs": [{"name": "keys"}], "selector": {"secret": {"name": "app"}},
                "data": [{"match": {"secretKey": "a", "remoteRef": {"remoteKey": "s"}}}]}}),
    ]);
    let store = team.wait_store("keys", "ValidationUnknown", "GetCallerIdentity of access keys");
    assert_eq!(ready(&store)["status"], "True", "nobody is to wait for it");
    let store = team.wait_store("role", "InvalidProviderConfig", "no answer now");
    assert_eq!(ready(&store)["status"], "False");
    wait_until(PATIENCE, "a push through the keys", || {
        let secret = team.account.look("s").ok_or("none")?;
        match &secret.staged("AWSCURRENT").ok_or("no version")?.content {
            Content::Binary(bytes) if bytes == b"1" => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    site.aws.heal();
    team.wait_store("keys", "Valid", "");
    team.wait_store("role", "Valid", &role);
    // What was good stays good for a while, also without STS.
    STS.into_iter().for_each(|operation| site.aws.fault(operation, Fault::Reset));
    let store = team.wait_store("role", "ValidationUnknown", "AssumeRole");
    assert_eq!(ready(&store)["status"], "True");
    // But silence does not heal what AWS refused.
    site.aws.heal();
    team.account.set_trust("reader", &trust(&["arn:aws:iam::999999999999:root"]));
    let refused = team.wait_store("role", "InvalidProviderConfig", "not authorized");
    site.aws.forget_calls();
    STS.into_iter().for_each(|operation| site.aws.fault(operation, Fault::Reset));
    wait_until(PATIENCE, "two more tries", || match site.aws.calls().of("AssumeRole").count() {
        // Each is made of several attempts.
        attempts if attempts >= 12 => Ok(()),
        attempts => Err(attempts.to_string()),
    });
    assert_eq!(ready(&team.get("secretstore", "role").unwrap()), ready(&refused));
}

/// A definition of SecretStores that lets everything in, as one of another release may.
const LENIENT: &str = r#"[{"op": "replace", "path": "/spec/versions/0/schema",
    "value": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]"#;

#[test]
fn killed_and_started_again_it_finds_what_changed_and_an_object_that_cannot_be_read_stops_no_other() {
    let site = Site::new();
    let crd = ["patch", "crd", "secretstores.external-secrets.io", "--type=json", "-p", LENIENT];
    site.plane.kubectl(&crd).success().unwrap();
    let installation = site.install(&["--lease-duration=2s"]);
    let looper = installation.start().unwrap();
    let team = Team::at(&site);
    let seldom = |name: &str, secret: &str| {
        let mut store = team.store(name, secret, &json!({}));
        store["spec"]["refreshInterval"] = json!("1h");
        store
    };
    site.apply(&[seldom("good", "aws"), seldom("bad", "later")]);
    team.wait_store("good", "Valid", "");
    team.wait_store("bad", "InvalidProviderConfig", "does not exist");
    let id = looper.process.id().to_string();
    assert!(Command::new("kill").args(["-KILL", &id]).status().unwrap().success());
    drop(looper);
    let mut damaged = team.store("damaged", "aws", &json!({}));
    damaged["spec"]["conditions"] = json!("all");
    team.set_keys("later", &team.account.keys());
    team.set_keys("aws", &Keys { secret: "wrong".into(), ..team.account.keys() });
    site.apply(&[damaged]);
    let _next = installation.start().unwrap();
    team.wait_store("bad", "Valid", "");
    team.wait_store("good", "InvalidProviderConfig", "SignatureDoesNotMatch");
    team.wait_store(
        "damaged",
        "InvalidProviderConfig",
        "it cannot be read, so it is not validated: spec.conditions: ",
    );
}

#[test]
fn with_watched_credentials_a_changed_service_account_counts_at_once() {
    let site = Site::new();
    let installation = site.install(&["--watch-credentials"]);
    let more = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": {"name": "viewer"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": "keyhatch", "namespace": installation.namespace}]});
    site.apply(&[more]);
    let _looper = installation.start().unwrap();
    let team = Team::at(&site);
    let auth = json!({"jwt": {"serviceAccountRef": {"name": "reader"}}});
    let mut store = team.store("s", "aws", &json!({"auth": auth}));
    store["spec"]["refreshInterval"] = json!("1h");
    site.apply(&[store]);
    team.wait_store("s", "InvalidProviderConfig", "reader does not exist");
    let made = std::time::Instant::now();
    site.apply(&[json!({"apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": {"name": "reader", "namespace": team.namespace}})]);
    team.wait_store("s", "InvalidProviderConfig", "has no annotation");
    assert!(made.elapsed() < Duration::from_secs(14), "it waited for its next look: {:?}", made.elapsed());
}

//! Namespaces that are deleted with everything that is in them, before our eyes and while nobody looks.

use serde_json::{Value as Json, json};

use super::{data, plane};
use crate::push::{PATIENCE, Team, entry, install};
use crate::support::aws::Aws;
use crate::support::kubectl::wait_until;

/// What holds the store's keys until everything else is gone.
const HOLD: &str = "test.keyhatch.dev/hold";
const STORE_FINALIZER: &str = "secretstore.externalsecrets.io/finalizer";

/// A ClusterSecretStore with the team's keys in another namespace, and a ClusterExternalSecret through it for the team's
/// and one more namespace. All are called as the team's namespace is; answers the other namespace.
fn of_the_cluster(team: &Team<'_>) -> String {
    let (name, elsewhere) = (&team.namespace, team.plane.namespace("elsewhere"));
    let mut keys = team.get("secret", "aws").unwrap();
    keys["metadata"] = json!({"name": "aws", "namespace": elsewhere});
    let mut store = team.store("aws", "keyhatch", &json!({}));
    store["kind"] = json!("ClusterSecretStore");
    store["metadata"] = json!({"name": name});
    for key in ["accessKeyIDSecretRef", "secretAccessKeySecretRef"] {
        store["spec"]["provider"]["aws"]["auth"]["secretRef"][key]["namespace"] = json!(elsewhere);
    }
    let fan = json!({"apiVersion": "external-secrets.io/v1", "kind": "ClusterExternalSecret",
        "metadata": {"name": name, "annotations": {"keyhatch.dev/controller": "keyhatch"}},
        "spec": {"namespaces": [name, elsewhere], "externalSecretName": "child", "externalSecretSpec": {
            "secretStoreRef": {"name": name, "kind": "ClusterSecretStore"},
            "data": [data("k", "app", "")], "target": {"deletionPolicy": "Delete"}}}});
    team.apply(&[keys, store, fan]);
    elsewhere
}

/// Something of every kind, all in step; answers the other namespace of the ClusterExternalSecret.
fn fill(team: &Team<'_>) -> String {
    // Whoever finds none is content with none.
    team.account.secret("app", "v");
    let elsewhere = of_the_cluster(team);
    team.patch("secret", "aws", &json!({"metadata": {"finalizers": [HOLD]}}));
    for (name, deletion) in [("kept", "Retain"), ("deleted", "Delete")] {
        team.external(name, &json!({"data": [data("k", "app", "")], "target": {"deletionPolicy": deletion}}));
    }
    team.source("app", &json!({"a": "1"}));
    let cluster = json!([{"name": team.namespace, "kind": "ClusterSecretStore"}]);
    team.push("near", &json!({"deletionPolicy": "Delete", "data": [entry("a", "near", "")]}));
    let far =
        json!({"deletionPolicy": "Delete", "secretStoreRefs": cluster, "data": [entry("a", "far", "")]});
    team.push("far", &far);
    for name in ["kept", "deleted", "child"] {
        team.wait_secret(name, &json!({"k": "v"}));
        team.wait_kept(name, "SecretSynced", "");
    }
    for name in ["near", "far"] {
        team.wait_reason(name, "Synced");
    }
    wait_until(PATIENCE, "the store to be held", || {
        let finalizers = team.get("secretstore", "aws").unwrap()["metadata"]["finalizers"].clone();
        if finalizers == json!([STORE_FINALIZER]) { Ok(()) } else { Err(finalizers.to_string()) }
    });
    elsewhere
}

fn delete(team: &Team<'_>) {
    team.plane.kubectl(&["delete", "namespace", &team.namespace, "--wait=false"]).success().unwrap();
}

#[track_caller]
fn wait_gone(team: &Team<'_>) {
    wait_until(PATIENCE, "the namespace to go", || {
        let found = team.plane.kubectl(&["get", "namespace", &team.namespace, "-o", "json"]);
        if found.is_success() { Err(found.stdout) } else { Ok(()) }
    });
}

/// Everything of ours goes, and with it what was pushed and nothing else; then the namespace.
#[track_caller]
fn check_goes(team: &Team<'_>, elsewhere: &str) {
    for kind in ["externalsecret", "pushsecret", "secretstore"] {
        wait_until(PATIENCE, &format!("each {kind} to go"), || match team.all(kind) {
            none if none.is_empty() => Ok(()),
            some => Err(format!("{some:?}")),
        });
    }
    for name in ["near", "far"] {
        assert!(
            team.account.look(name).is_none_or(|secret| secret.deletion.is_some()),
            "{name} was left behind"
        );
    }
    assert!(team.account.look("app").unwrap().deletion.is_none());
    team.patch("secret", "aws", &json!({"metadata": {"finalizers": null}}));
    wait_gone(team);
    let fan = wait_until(PATIENCE, "only the other namespace to be provisioned", || {
        let output = team.plane.kubectl(&["get", "clusterexternalsecret", &team.namespace, "-o", "json"]);
        let fan: Json = serde_json::from_str(&output.success()?).unwrap();
        match fan["status"]["provisionedNamespaces"] == json!([elsewhere]) {
            true => Ok(fan),
            false => Err(fan["status"].to_string()),
        }
    });
    assert_eq!(fan["status"]["conditions"][0]["status"], "True", "{}", fan["status"]);
    let other = team.plane.kubectl(&["get", "secret", "child", "-n", elsewhere]);
    assert!(other.is_success(), "{other:?}");
    for kind in ["clusterexternalsecret", "clustersecretstore"] {
        team.plane.kubectl(&["delete", kind, &team.namespace]).success().unwrap();
    }
}

#[test]
fn a_namespace_full_of_everything_goes_while_somebody_looks() {
    let team = Team::new();
    let elsewhere = fill(&team);
    delete(&team);
    check_goes(&team, &elsewhere);
}

#[test]
fn a_namespace_full_of_everything_that_is_deleted_while_nobody_looks_goes_when_somebody_does() {
    let (plane, aws) = (plane(), Aws::start());
    let installation = install(&plane, &aws, &["--lease-duration=2s"]);
    let first = installation.start().unwrap();
    let team = Team::at(&plane, &aws, "keyhatch");
    let elsewhere = fill(&team);
    drop(first);
    delete(&team);
    wait_until(PATIENCE, "the Secrets to go", || match team.all("secret").len() {
        1 => Ok(()),
        some => Err(some.to_string()),
    });
    assert_eq!(team.all("externalsecret").len(), 3, "their finalizers hold them");
    let _second = installation.start().unwrap();
    check_goes(&team, &elsewhere);
}

#[test]
fn what_cannot_be_deleted_without_the_keys_is_told_and_let_go_when_nothing_is_to_be_deleted() {
    let (plane, aws) = (plane(), Aws::start());
    let installation = install(&plane, &aws, &["--lease-duration=2s"]);
    let first = installation.start().unwrap();
    let team = Team::at(&plane, &aws, "keyhatch");
    team.source("app", &json!({"a": "1"}));
    team.push("app", &json!({"deletionPolicy": "Delete", "data": [entry("a", "pushed", "")]}));
    team.wait_reason("app", "Synced");
    drop(first);
    delete(&team);
    wait_until(PATIENCE, "the Secrets to go", || match team.all("secret").len() {
        0 => Ok(()),
        some => Err(some.to_string()),
    });
    let _second = installation.start().unwrap();
    let object = team.wait_reason("app", "Errored");
    let missing = format!("SecretStore/aws: Secret {}/aws does not exist", team.namespace);
    assert_eq!(object["status"]["conditions"][0]["message"], json!(missing));
    team.patch("pushsecret", "app", &json!({"spec": {"deletionPolicy": "None"}}));
    wait_gone(&team);
    assert!(team.account.look("pushed").unwrap().deletion.is_none(), "it was not to be deleted");
}

/// A definition that lets everything in, as one of another release may.
const LENIENT: &str = r#"[{"op": "remove", "path": "/spec/versions/0/selectableFields"},
    {"op": "replace", "path": "/spec/versions/0/schema",
    "value": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]"#;

#[test]
fn what_cannot_be_read_is_told_stops_no_other_and_holds_no_namespace() {
    let (plane, aws) = (plane(), Aws::start());
    let crd = ["patch", "crd", "externalsecrets.external-secrets.io", "--type=json", "-p", LENIENT];
    plane.kubectl(&crd).success().unwrap();
    let _looper = install(&plane, &aws, &["--lease-duration=2s"]).start().unwrap();
    let team = Team::at(&plane, &aws, "keyhatch");
    team.account.secret("app", "v");
    let spec = json!({"data": [data("k", "app", "")]});
    team.external("damaged", &spec);
    team.wait_secret("damaged", &json!({"k": "v"}));
    wait_until(PATIENCE, "a definition that lets it in", || {
        let patch = r#"{"spec": {"target": {"creationPolicy": "Sometimes"}}}"#;
        let args = ["patch", "externalsecret", "damaged", "-n", &team.namespace, "--type=merge", "-p", patch];
        plane.kubectl(&args).success().map(drop)
    });
    team.wait_kept(
        "damaged",
        "SecretSyncedError",
        "it cannot be read, so its Secret is not kept: spec.target.creationPolicy",
    );
    team.external("good", &spec);
    team.wait_secret("good", &json!({"k": "v"}));
    delete(&team);
    wait_gone(&team);
}

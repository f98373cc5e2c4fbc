//! What of its input `keyhatch check` reads, and takes for ours.

use std::time::Duration;

use serde_json::{Value, json};

use crate::command::{Ended, keyhatch, keyhatch_with};
use crate::support::control_plane::{ControlPlane, Options};
use crate::support::kubectl::wait_until;

fn check(text: &str) -> Ended {
    keyhatch_with(text, &["check", "-"], &[])
}

#[test]
fn a_store_that_cannot_be_read_does_not_hide_the_mistakes_of_its_users() {
    for store in [
        "{service: SecretManager, region: eu-central-1}",
        "{service: SecretsManager, region: eu-central-1, prefix: 7}",
    ] {
        let ended = check(&format!(
            "apiVersion: external-secrets.io/v1\nkind: SecretStore\nmetadata: {{name: aws}}\nspec: {{provider: {{aws: {store}}}}}\n---\n\
             apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {{name: app}}\nspec:\n  secretStoreRef: {{name: aws}}\n  \
             data: [{{secretKey: a, remoteRef: {{key: a b, version: uuid/1}}}}]\n"
        ));
        assert_eq!(ended.code, Some(1));
        for rule in ["[secret-key]", "[secret-version]"] {
            assert!(ended.stdout.contains(rule), "{}", ended.stdout);
        }
    }
}

#[test]
fn a_misspelt_group_is_told() {
    let object =
        |version: &str, kind: &str| format!("{version}kind: {kind}\nmetadata: {{name: a}}\nspec: {{}}\n");
    for (version, kind, told) in [
        ("apiVersion: external-secret.io/v1\n", "ExternalSecret", "did you mean external-secrets.io/v1?"),
        ("apiVersion: externalsecrets.io/v1\n", "ExternalSecret", "did you mean external-secrets.io/v1?"),
        ("apiVersion: External-Secrets.io/v1beta1\n", "SecretStore", "did you mean external-secrets.io/v1?"),
        ("apiVersion: external-secrets.io\n", "PushSecret", "did you mean external-secrets.io/v1alpha1?"),
        ("apiVersion: external-secrets.io/\n", "ExternalSecret", "there is no such version"),
        ("apiVersion: external-secrets.io/v1beta1\n", "ExternalSecret", "no longer served"),
        ("", "ClusterSecretStore", "apiVersion: Required value: write apiVersion: external-secrets.io/v1"),
    ] {
        let ended = check(&object(version, kind));
        assert_eq!(ended.code, Some(1), "{version}{}", ended.stdout);
        assert!(ended.stdout.contains(told), "{version}{}", ended.stdout);
    }
    for (version, kind) in [
        ("apiVersion: kubernetes-client.io/v1\n", "ExternalSecret"),
        ("apiVersion: secrets.hashicorp.com/v1\n", "SecretStore"),
        ("apiVersion: external-secret.io/v1\n", "Widget"),
        ("", "Kustomization"),
    ] {
        let ended = check(&object(version, kind));
        assert_eq!(ended.code, Some(0), "{version}{}", ended.stdout);
        assert!(ended.stdout.contains("1 of other kinds skipped"), "{version}{}", ended.stdout);
    }
}

#[test]
fn lists_may_be_long_and_objects_may_follow_each_other() {
    let object = |name: usize| {
        format!(
            r#"{{"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": {{"name": "a{name}", "labels": {{{}}}}},
            "spec": {{"secretStoreRef": {{"name": "aws"}}, "data": [{{"secretKey": "a", "remoteRef": {{"key": "a"}}}}]}}}}"#,
            (0..80).map(|label| format!(r#""l{label}": "x""#)).collect::<Vec<_>>().join(", ")
        )
    };
    let objects: Vec<_> = (0..2_500).map(object).collect();
    let list = format!(r#"{{"apiVersion": "v1", "kind": "List", "items": [{}]}}"#, objects.join(",\n"));
    let ended = check(&list);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert!(ended.stdout.contains("2500 objects"), "{}", ended.stdout);
    let ended = check(&objects[..3].join("\n"));
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert!(ended.stdout.contains("3 objects"), "{}", ended.stdout);
    let wrong = format!("{}\n{}", objects[0], objects[1].replace(r#""key": "a""#, r#""key": "a b""#));
    let ended = check(&wrong);
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    assert!(ended.stdout.starts_with("-:4: error: ExternalSecret a1:"), "{}", ended.stdout);
}

#[test]
fn a_cluster_that_serves_another_version_only_is_told() {
    let plane = ControlPlane::start(&Options { controller_manager: false, ..Options::default() }).unwrap();
    let kubeconfig = plane.kubeconfig();
    let environment = [("KUBECONFIG", kubeconfig.to_str().unwrap())];
    let checked = || keyhatch_with("", &["check", "--cluster"], &environment);
    let ended = checked();
    assert_eq!(ended.code, Some(0), "nothing is installed: {ended:?}");
    plane.kubectl_in(&older_definition(), &["apply", "--server-side", "-f", "-"]).success().unwrap();
    wait_until(Duration::from_secs(90), "the older version is served", || {
        plane.kubectl(&["get", "externalsecrets.v1beta1.external-secrets.io", "-A"]).success()
    });
    let ended = checked();
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let told = "cluster:1: unreadable: externalsecrets are served as external-secrets.io/v1beta1 here, and not as external-secrets.io/v1,";
    assert!(ended.stdout.contains(told), "{}", ended.stdout);
    assert!(!ended.stdout.contains("secretstores"), "{}", ended.stdout);
}

/// ExternalSecrets as a release of years ago serves them.
fn older_definition() -> String {
    let printed = keyhatch(&["crds"]).stdout;
    let documents = printed.split("\n---\n").map(crate::rules::yaml);
    let mut definition = documents
        .flat_map(|document| match document["items"].as_array() {
            Some(items) => items.clone(),
            None => vec![document],
        })
        .find(|definition: &Value| definition["spec"]["names"]["plural"] == "externalsecrets")
        .unwrap();
    for version in definition["spec"]["versions"].as_array_mut().unwrap() {
        let is_older = version["name"] == "v1beta1";
        (version["served"], version["storage"]) = (json!(is_older), json!(is_older));
    }
    definition.to_string()
}

//! The CustomResourceDefinitions on a real API server.

use std::time::Duration;

use serde_json::Value;

use crate::support::kubectl::wait_until;
use crate::support::webhook::{self, Cluster};

fn cluster() -> &'static Cluster {
    webhook::shared(env!("CARGO_BIN_EXE_keyhatch"))
}

#[test]
fn unknown_fields_and_other_providers_are_kept_whole() {
    let namespace = cluster().plane.namespace("kept");
    let object = r#"
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: vault}
somewhere: {else: 1}
spec:
  provider:
    vault: {server: https://vault.example.com, auth: {tokenSecretRef: {name: a, key: b}}, number: 1.5, list: [a, {b: c}]}
  later: {nested: {unknown: true}}
"#;
    let applied =
        cluster().plane.kubectl_in(object, &["apply", "-n", &namespace, "--server-side", "-f", "-"]);
    applied.success().unwrap();
    let stored = cluster().plane.kubectl(&["get", "secretstore", "vault", "-n", &namespace, "-o", "json"]);
    let stored: Value = serde_json::from_str(&stored.success().unwrap()).unwrap();
    assert_eq!(stored["spec"]["provider"]["vault"]["list"][1]["b"], "c");
    assert_eq!(stored["spec"]["later"]["nested"]["unknown"], true);
    assert_eq!(stored["somewhere"]["else"], 1);
}

#[test]
fn defaults_are_those_of_the_operator() {
    let namespace = cluster().plane.namespace("defaults");
    let objects = r#"
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: a}
spec:
  secretStoreRef: {name: aws}
  data: [{secretKey: a, remoteRef: {key: a}}]
---
apiVersion: external-secrets.io/v1alpha1
kind: PushSecret
metadata: {name: a}
spec:
  secretStoreRefs: [{name: aws}]
  selector: {secret: {name: a}}
  data: [{match: {secretKey: a, remoteRef: {remoteKey: a}}}]
"#;
    cluster()
        .plane
        .kubectl_in(objects, &["apply", "-n", &namespace, "--server-side", "-f", "-"])
        .success()
        .unwrap();
    let stored =
        cluster().plane.kubectl(&["get", "es,ps", "-n", &namespace, "-o", "json"]).success().unwrap();
    let stored: Value = serde_json::from_str(&stored).unwrap();
    let specs: Vec<_> = stored["items"].as_array().unwrap().iter().map(|item| item["spec"].clone()).collect();
    insta::assert_json_snapshot!("crd-defaults", specs);
}

#[test]
fn explain_teaches() {
    let explained =
        cluster().plane.kubectl(&["explain", "externalsecret.spec.data.remoteRef"]).success().unwrap();
    insta::assert_snapshot!("crd-explain", explained);
}

#[test]
fn lists_have_the_operators_columns_and_short_names() {
    let namespace = cluster().plane.namespace("columns");
    let object = r#"
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: a}
spec:
  secretStoreRef: {name: aws, kind: ClusterSecretStore}
  data: [{secretKey: a, remoteRef: {key: a}}]
"#;
    cluster()
        .plane
        .kubectl_in(object, &["apply", "-n", &namespace, "--server-side", "-f", "-"])
        .success()
        .unwrap();
    let header = |kind: &str| {
        let listed = cluster().plane.kubectl(&["get", kind, "-n", &namespace]).success().unwrap();
        listed.lines().next().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(header("es"), "NAME STORETYPE STORE REFRESH INTERVAL STATUS READY LAST SYNC");
    let kinds = cluster().plane.kubectl(&["api-resources", "--categories=external-secrets", "--no-headers"]);
    let kinds = kinds.success().unwrap();
    let kinds: Vec<_> =
        kinds.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    insta::assert_snapshot!("crd-resources", kinds.join("\n"));
    let selected =
        ["get", "es", "-n", &namespace, "--field-selector=spec.secretStoreRef.name=aws", "-o", "name"];
    let selected = cluster().plane.kubectl(&selected).success().unwrap();
    assert_eq!(selected.trim(), "externalsecret.external-secrets.io/a");
}

#[test]
fn objects_of_another_providers_store_are_left_alone() {
    let plane = cluster().plane;
    let namespace = plane.namespace("vault");
    let secret = r#"
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: a}
spec:
  secretStoreRef: {name: vault}
  data: [{secretKey: a, remoteRef: {key: "secret/data/any thing", property: "a|b"}}]
"#;
    let try_out = || plane.kubectl_in(secret, &["apply", "-n", &namespace, "--dry-run=server", "-f", "-"]);
    assert!(try_out().is_denied(), "a store that is not known is taken for one of AWS");
    let store = r#"
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: vault}
spec: {provider: {vault: {server: "https://vault.example.com"}}}
"#;
    plane.kubectl_in(store, &["apply", "-n", &namespace, "--server-side", "-f", "-"]).success().unwrap();
    let output = wait_until(Duration::from_secs(90), "the store to be known", || {
        let output = try_out();
        if output.is_success() { Ok(output) } else { Err(output.stderr) }
    });
    assert_eq!(output.stderr, "");
}

/// The news of the store comes after the review of what uses it, now and then.
#[test]
fn a_store_and_what_uses_it_can_be_applied_in_one_breath() {
    let plane = cluster().plane;
    let namespace = plane.namespace("breath");
    for number in 0..10 {
        let file = format!(
            r#"
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {{name: vault-{number}}}
spec: {{provider: {{vault: {{server: "https://vault.example.com"}}}}}}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {{name: a-{number}}}
spec:
  secretStoreRef: {{name: vault-{number}}}
  data: [{{secretKey: a, remoteRef: {{key: "secret/data/any thing"}}}}]
"#
        );
        let output = plane.kubectl_in(&file, &["apply", "-n", &namespace, "-f", "-"]);
        assert!(output.is_success(), "{}", output.stderr);
    }
}

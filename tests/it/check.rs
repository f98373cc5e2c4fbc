//! `keyhatch check` as a command: what it prints, and how it ends.

use serde_json::Value;

use crate::command::{keyhatch, keyhatch_with};
use crate::support::webhook;

const FILES: [&str; 3] =
    ["tests/data/check/stores.yaml", "tests/data/check/uses.yaml", "tests/data/check/schema.json"];

fn check(args: &[&str]) -> crate::command::Ended {
    keyhatch(&[&["check"], args].concat())
}

#[test]
fn findings_are_told_with_file_line_and_field() {
    let ended = check(&FILES);
    assert_eq!(ended.code, Some(1));
    insta::assert_snapshot!("check-text", ended.stdout);
}

#[test]
fn programs_read_json() {
    let ended = check(&[&["--output", "json"], FILES.as_slice()].concat());
    assert_eq!(ended.code, Some(1));
    let value: Value = serde_json::from_str(&ended.stdout).unwrap();
    insta::assert_json_snapshot!("check-json-first", value["findings"][0]);
    insta::assert_json_snapshot!("check-json-summary", value["summary"]);
}

#[test]
fn code_scanning_reads_sarif() {
    let ended = check(&[&["--output", "sarif"], FILES.as_slice()].concat());
    let value: Value = serde_json::from_str(&ended.stdout).unwrap();
    let run = &value["runs"][0];
    assert_eq!(value["version"], "2.1.0");
    let known: Vec<_> =
        run["tool"]["driver"]["rules"].as_array().unwrap().iter().map(|rule| &rule["id"]).collect();
    for result in run["results"].as_array().unwrap() {
        assert!(known.contains(&&result["ruleId"]), "{result}");
    }
    insta::assert_json_snapshot!("check-sarif-first", run["results"][0]);
}

#[test]
fn exit_codes_tell_mistakes_from_what_cannot_be_read() {
    assert_eq!(check(&["examples/good"]).code, Some(0));
    assert_eq!(check(&["examples/bad/warn-doubts.yaml"]).code, Some(0), "doubts are no mistakes");
    assert_eq!(check(&["examples/bad"]).code, Some(1));
    assert_eq!(check(&["examples/bad", "no/such/file.yaml"]).code, Some(2));
    assert_eq!(check(&[]).code, Some(2));
}

#[test]
fn helm_templates_must_be_rendered_first() {
    let ended = check(&["tests/data/check/chart"]);
    assert_eq!(ended.code, Some(2));
    insta::assert_snapshot!("check-helm", ended.stdout);
}

#[test]
fn standard_input_is_read() {
    let text = std::fs::read_to_string("examples/bad/push-secret-duration.yaml").unwrap();
    let ended = keyhatch_with(&text, &["check", "-"], &[]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stdout.starts_with("-:7: error: PushSecret duration: spec.refreshInterval:"),
        "{}",
        ended.stdout
    );
}

#[test]
fn a_cluster_is_checked_with_the_callers_kubeconfig() {
    let cluster = webhook::shared(env!("CARGO_BIN_EXE_keyhatch"));
    let namespace = cluster.plane.namespace("live");
    let object = r#"
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: doubtful}
spec:
  secretStoreRef: {name: nobody}
  data: [{secretKey: a, remoteRef: {key: a, property: "a|b"}}]
"#;
    cluster
        .plane
        .kubectl_in(object, &["apply", "-n", &namespace, "--server-side", "-f", "-"])
        .success()
        .unwrap();
    let kubeconfig = cluster.plane.kubeconfig();
    let environment = [("KUBECONFIG", kubeconfig.to_str().unwrap())];
    let ended = keyhatch_with("", &["check", "--cluster", "--namespace", &namespace], &environment);
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    insta::assert_snapshot!("check-cluster", ended.stdout.replace(&namespace, "NAMESPACE"));
}

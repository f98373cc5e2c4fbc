//! `keyhatch check` as a command: what it prints, and how it ends.

mod input;

use serde_json::Value;

use crate::command::{keyhatch, keyhatch_with};
use crate::support::process::Guardian;
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
    assert_eq!(check(&["examples/pods"]).code, Some(0));
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
fn quoted_helm_templates_are_recognised_where_they_stand() {
    let object = |value: &str| {
        format!(
            "apiVersion: external-secrets.io/v1\nkind: SecretStore\nmetadata:\n  name: aws\nspec:\n  provider:\n    \
             aws:\n      service: SecretsManager\n      region: {value}\n"
        )
    };
    for value in [r#"'{{ include "region" . }}'"#, "'{{ .Values.region }}'"] {
        let ended = keyhatch_with(&object(value), &["check", "-"], &[]);
        assert_eq!(ended.code, Some(2), "{}", ended.stdout);
        assert!(ended.stdout.starts_with("-:9: unreadable: an unrendered Helm template"), "{}", ended.stdout);
    }
}

#[test]
fn other_files_of_a_folder_are_skipped_and_an_empty_folder_is_told() {
    let folder = Guardian::new().unwrap();
    let path = folder.root().to_str().unwrap();
    let empty = check(&[path]);
    assert_eq!(empty.code, Some(2));
    assert!(empty.stdout.contains("no manifests found"), "{}", empty.stdout);
    let list = folder.root().join("list.json");
    std::fs::write(&list, "[1, 2]").unwrap();
    std::fs::write(folder.root().join("list.yaml"), "- a\n- b\n").unwrap();
    let ended = check(&[path]);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert!(ended.stdout.contains("(2 of other kinds skipped)"), "{}", ended.stdout);
    assert_eq!(check(&[list.to_str().unwrap()]).code, Some(2), "a file that is named must be a manifest");
    assert_eq!(check(&[path, path]).code, Some(0), "a folder that was read before is not empty");
    assert_eq!(keyhatch_with("", &["check", "-"], &[]).code, Some(2), "the program before failed");
}

#[test]
fn metadata_is_judged_as_the_api_server_does() {
    let object = "apiVersion: external-secrets.io/v1\nkind: SecretStore\nmetadata:\n  name: aws\n  \
        labels: {team: a b, /x: y, on: true}\n  annotations: {restart: true, example.com/Version: 1.2, a/b/c: d, \
        Example.COM/x: y, empty: }\nspec:\n  provider:\n    aws: {service: SecretsManager, region: eu-central-1}\n";
    let ended = keyhatch_with(object, &["check", "-"], &[]);
    assert_eq!(ended.code, Some(1));
    insta::assert_snapshot!("check-metadata", ended.stdout);
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

#[test]
fn pods_of_a_cluster_are_judged_where_somebody_can_mend_them() {
    let plane = crate::broker::plane();
    let namespace = plane.namespace("pods");
    let pod = |annotations: &str| {
        format!(
            "{{metadata: {{labels: {{app: web}}, annotations: {{{annotations}}}}}, spec: {{restartPolicy: Always, containers: [{{name: app, image: app}}]}}}}"
        )
    };
    let wrong = "keyhatch.dev/inject: 'true', keyhatch.dev/secret-a: 'a b'";
    let of = "ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-1, uid: '1', controller: true}], ";
    let named = |name: &str, owner: &str, annotations: &str| {
        pod(annotations).replacen(
            "{metadata: {",
            &format!("{{apiVersion: v1, kind: Pod, metadata: {{name: {name}, {owner}"),
            1,
        )
    };
    let objects = [
        format!(
            "{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: web}}, spec: {{selector: {{matchLabels: {{app: web}}}}, template: {}}}}}",
            pod(wrong)
        ),
        format!(
            "{{apiVersion: batch/v1, kind: CronJob, metadata: {{name: nightly}}, spec: {{schedule: '0 0 * * *', jobTemplate: {{spec: {{template: {}}}}}}}}}",
            pod(wrong).replace("Always", "Never")
        ),
        named("by-hand", "", wrong),
        named("of-a-controller", of, wrong),
        named("good", "", "keyhatch.dev/inject: 'true', keyhatch.dev/secret-a: a"),
        named("plain", "", ""),
    ];
    plane.kubectl(&["annotate", "namespace", &namespace, "keyhatch.dev/store=aws"]).success().unwrap();
    plane
        .kubectl_in(
            "{apiVersion: v1, kind: ServiceAccount, metadata: {name: default}}",
            &["apply", "-n", &namespace, "-f", "-"],
        )
        .success()
        .unwrap();
    plane.kubectl_in(&objects.join("\n---\n"), &["apply", "-n", &namespace, "-f", "-"]).success().unwrap();
    let kubeconfig = plane.kubeconfig();
    let environment = [("KUBECONFIG", kubeconfig.to_str().unwrap())];
    let ended = keyhatch_with("", &["check", "--cluster", "--namespace", &namespace], &environment);
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    // Stores of the cluster, which other tests make, are judged, too.
    let here = format!(" {namespace}/");
    let lines: Vec<_> = ended.stdout.lines().filter(|line| line.contains(&here)).collect();
    insta::assert_snapshot!("check-cluster-pods", lines.join("\n").replace(&namespace, "NAMESPACE"));
}

#[test]
fn pods_and_what_makes_them_are_judged() {
    let ended = check(&["tests/data/check/pods.yaml"]);
    assert_eq!(ended.code, Some(1));
    insta::assert_snapshot!("check-pods", ended.stdout);
    let sarif = check(&["--output", "sarif", "tests/data/check/pods.yaml"]);
    let value: Value = serde_json::from_str(&sarif.stdout).unwrap();
    assert_eq!(value["runs"][0]["results"][0]["ruleId"], "UnknownAnnotation");
    let rules = value["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    assert!(rules.iter().any(|rule| rule["id"] == "UnknownAnnotation"));
}

#[test]
fn manifests_are_injected_without_a_cluster() {
    let file = "tests/data/check/injected.yaml";
    let ended = keyhatch(&["inject", "-f", file, "--agent-image", "registry.example.com/agent:1"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    insta::assert_snapshot!("inject-deployment", ended.stdout);
    let again = keyhatch_with(
        &ended.stdout,
        &["inject", "-f", "-", "--agent-image", "registry.example.com/agent:1"],
        &[],
    );
    assert_eq!(again.stdout, ended.stdout);
}

#[test]
fn the_resources_of_the_agent_are_the_operators() {
    let inject =
        |flags: &[&str]| keyhatch(&[&["inject", "-f", "tests/data/check/injected.yaml"], flags].concat());
    let ended = inject(&["--agent-requests=cpu=50m,memory=32Mi", "--agent-limits=memory=64Mi"]);
    let object: Value = serde_json::from_str(&ended.stdout).unwrap();
    // Behind its namespace.
    let agent = &object["items"][1]["spec"]["template"]["spec"]["initContainers"][0]["resources"];
    let of = |cpu: &str, memory: &str| serde_json::json!({"cpu": cpu, "memory": memory, "ephemeral-storage": "16Mi"});
    assert_eq!((&agent["requests"], &agent["limits"]), (&of("50m", "32Mi"), &of("200m", "64Mi")));
    for (flag, code, said) in [
        ("--agent-requests=memory=64Mi", 1, "memory=64Mi is more than the limit of 48Mi: ask for less, or"),
        ("--agent-requests=cpu=50q", 2, "cpu: \"50q\" is no amount of cpu: write 50m or 0.5"),
        ("--agent-limits=gpu=1", 2, "\"gpu\" is no resource of the agent"),
    ] {
        let ended = inject(&[flag]);
        assert_eq!(ended.code, Some(code), "{}", ended.stderr);
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    }
}

#[test]
fn what_cannot_be_injected_is_told_with_its_object() {
    let pod = "{apiVersion: v1, kind: Pod, metadata: {name: web, annotations: {keyhatch.dev/inject: 'true', keyhatch.dev/secret-a: a}}, \
               spec: {containers: [{name: app, image: app}]}}";
    let ended = keyhatch_with(pod, &["inject", "-f", "-"], &[]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
    insta::assert_snapshot!("inject-refused", ended.stderr);
    let ended = keyhatch_with(pod, &["inject", "-f", "-", "--store", "aws"], &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stdout.contains("aws::a"));
}

/// The README shows what people copy first.
#[test]
fn the_annotations_of_the_readme_are_those_of_a_pod() {
    let readme = std::fs::read_to_string("README.md").unwrap();
    let start = readme.find("metadata: # of a pod").expect("the README shows annotations");
    let shown = &readme[start..];
    let shown = &shown[..shown.find("```").unwrap()];
    let pod = format!(
        "apiVersion: v1\nkind: Pod\n{shown}  name: app\nspec: {{containers: [{{name: app, image: a, command: [/a]}}]}}\n"
    );
    let file = std::env::temp_dir().join(format!("keyhatch-readme-{}.yaml", std::process::id()));
    std::fs::write(&file, pod).unwrap();
    let ended = check(&[file.to_str().unwrap()]);
    std::fs::remove_file(&file).unwrap();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!ended.stdout.contains("skipped"), "{ended:?}");
}

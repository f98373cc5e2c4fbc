//! What is refused, and how kubectl tells it; with and without a webhook that answers.

use super::{LIMIT, PLAIN, POD, Site, site};
use crate::support::kubectl::wait_until;

#[test]
fn every_mistake_of_a_pod_is_printed() {
    let namespace = site().namespace("mistakes");
    let wrong = "
apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations:
    keyhatch.dev/inject: \"true\"
    keyhatch.dev/stroe: aws
    keyhatch.dev/secret-a: nobody::a
    keyhatch.dev/env-B: aws::a b
    keyhatch.dev/mode: sidcar
spec:
  hostPID: true
  containers: [{name: app, image: app}]
";
    let output = site().try_out(&namespace, wrong);
    insta::assert_snapshot!("kubectl-pod-mistakes", output.stderr);
    let unknown = POD.replace("store: aws", "store: asw");
    let output = site().try_out(&namespace, &unknown);
    insta::assert_snapshot!("kubectl-pod-store", output.stderr);
}

#[test]
fn a_deployment_is_refused_for_what_its_pods_would_be() {
    let namespace = site().namespace("deployment");
    let deployment = |annotations: &str| {
        format!(
            "{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: web}}, spec: {{selector: {{matchLabels: {{app: web}}}}, \
             template: {{metadata: {{labels: {{app: web}}, annotations: {{{annotations}}}}}, \
             spec: {{containers: [{{name: app, image: app}}]}}}}}}}}"
        )
    };
    let wrong =
        deployment(r#"keyhatch.dev/inject: "true", keyhatch.dev/env-A: "aws::a", keyhatch.dev/refesh: 5m"#);
    let output = site().try_out(&namespace, &wrong);
    insta::assert_snapshot!("kubectl-deployment", output.stderr);
    let doubtful = deployment(r#"keyhatch.dev/inject: "true", keyhatch.dev/secret-a: "later::a""#);
    let output = site().try_out(&namespace, &doubtful);
    assert!(output.is_success(), "{}", output.stderr);
    assert!(output.stderr.contains("[StoreNotFound]"), "{}", output.stderr);
    let cron = "{apiVersion: batch/v1, kind: CronJob, metadata: {name: web}, spec: {schedule: '* * * * *', jobTemplate: {spec: {\
                template: {metadata: {annotations: {keyhatch.dev/inject: yes please}}, \
                spec: {restartPolicy: Never, containers: [{name: app, image: app}]}}}}}}";
    let output = site().try_out(&namespace, cron);
    let at = "spec.jobTemplate.spec.template.metadata.annotations[keyhatch.dev/inject]";
    assert!(output.stderr.contains(at), "{}", output.stderr);
}

#[test]
fn defaults_of_a_namespace_are_followed() {
    let namespace = site().namespace("defaults");
    let bare = POD.replace("    keyhatch.dev/store: aws\n", "");
    assert!(site().try_out(&namespace, &bare).stderr.contains("[NoStore]"));
    let annotate = ["annotate", "namespace", &namespace, "keyhatch.dev/store=aws", "keyhatch.dev/refresh=2m"];
    site().plane.kubectl(&annotate).success().unwrap();
    let pod = wait_until(LIMIT, "the default to be known", || site().stored(&namespace, &bare));
    let args = pod["spec"]["initContainers"][0]["args"].to_string();
    assert!(args.contains("aws::prod/db") && args.contains(r#"\"refresh\":120"#), "{args}");
}

#[test]
fn spared_namespaces_and_other_letters_do_not_start_a_pod_without_secrets() {
    let output = site().try_out("kube-system", POD);
    assert!(output.stderr.contains("spares namespace kube-system"), "{}", output.stderr);
    assert!(site().try_out("kube-system", PLAIN).is_success());
    let namespace = site().namespace("letters");
    let letters = POD.replace("keyhatch.dev/inject", "KEYHATCH.dev/inject");
    let output = site().try_out(&namespace, &letters);
    assert!(
        output.stderr.contains("keys are case-sensitive; write keyhatch.dev/inject"),
        "{}",
        output.stderr
    );
    let note = POD.replace("keyhatch.dev/inject: \"true\"", "keyhatch.dev/inject: \"false\"");
    assert!(site().try_out(&namespace, &note).is_success());
    let note = PLAIN.replace("name: plain", "name: plain, annotations: {keyhatch.dev/x-note: a}");
    assert!(site().try_out(&namespace, &note).is_success());
}

#[test]
fn names_of_ours_cannot_be_taken() {
    let namespace = site().namespace("reserved");
    let volume = "volumes: [{name: keyhatch-token, projected: {sources: [{serviceAccountToken: {audience: keyhatch.dev/broker, path: token}}]}}]";
    let taken = PLAIN.replace("spec: {", &format!("spec: {{{volume}, "));
    let output = site().try_out(&namespace, &taken);
    assert!(output.stderr.contains("[ReservedName]"), "{}", output.stderr);
}

#[test]
fn what_was_injected_stays() {
    let namespace = site().namespace("stays");
    let pod = site().create(&namespace, POD);
    let set = |image: &str| site().plane.kubectl(&["set", "image", "pod/web", image, "-n", &namespace]);
    let output = set("keyhatch-agent=evil:2");
    assert!(output.stderr.contains("the image of keyhatch-agent cannot be changed"), "{}", output.stderr);
    set("app=app:2").success().unwrap();

    let path = format!("/api/v1/namespaces/{namespace}/pods/web/ephemeralcontainers");
    let with = |mounts: serde_json::Value, env: serde_json::Value| {
        let current =
            site().plane.kubectl(&["get", "pod", "web", "-n", &namespace, "-o", "json"]).success().unwrap();
        let mut current: serde_json::Value = serde_json::from_str(&current).unwrap();
        current["spec"]["ephemeralContainers"] = serde_json::json!([{
            "name": "debug", "image": "busybox", "volumeMounts": mounts, "env": env,
            "terminationMessagePolicy": "File",
        }]);
        site().plane.kubectl_in(&current.to_string(), &["replace", "--raw", &path, "-f", "-"])
    };
    for volume in ["keyhatch", "keyhatch-token"] {
        let output = with(serde_json::json!([{"name": volume, "mountPath": "/x"}]), serde_json::json!([]));
        assert!(output.stderr.contains("may not mount the volumes of Keyhatch"), "{}", output.stderr);
    }
    let from = serde_json::json!({"fileKeyRef": {"volumeName": "keyhatch", "path": "db.json", "key": "A"}});
    let output = with(serde_json::json!([]), serde_json::json!([{"name": "A", "valueFrom": from}]));
    assert!(
        output.stderr.contains("may not read variables from the volumes of Keyhatch"),
        "{}",
        output.stderr
    );
    let own = serde_json::json!([{"name": "A", "value": "b"}, {"name": "B"}]);
    with(serde_json::json!([]), own).success().unwrap();
    assert_eq!(pod["spec"]["initContainers"][0]["image"], "registry.example.com/keyhatch-agent:1");
}

/// `/proc` of another container has its files and variables, and of the agent the pod's token.
#[test]
fn who_debugs_sees_no_processes_with_secrets() {
    let namespace = site().namespace("debug");
    let beside = ", command: [/app]}\n  - {name: plain, image: plain}";
    let pod = POD.replace(", command: [/app]}", beside).replace(
        "    keyhatch.dev/store: aws\n",
        "    keyhatch.dev/store: aws\n    keyhatch.dev/containers: app\n",
    );
    site().create(&namespace, &pod);
    let debug = |more: &[&str]| {
        let args = ["debug", "web", "-n", &namespace, "--image=busybox", "--attach=false"];
        site().plane.kubectl(&[&args[..], more].concat())
    };
    for target in ["keyhatch-agent", "app"] {
        let output = debug(&[&format!("--target={target}")]);
        assert!(output.stderr.contains("may not share the processes of keyhatch-agent"), "{}", output.stderr);
    }
    debug(&["--target=plain", "--container=first"]).success().unwrap();
    debug(&["--container=second"]).success().unwrap();
    // Whoever changes something else is not asked about those that are there.
    site().plane.kubectl(&["label", "pod", "web", "-n", &namespace, "a=b"]).success().unwrap();

    // That is what kubectl does unless it is told otherwise.
    for keep in ["--keep-annotations=false", "--keep-annotations=true"] {
        let output = debug(&["--copy-to=copy", keep]);
        assert!(output.stderr.contains("--share-processes=false [HostPIDForbidden]"), "{}", output.stderr);
    }
}

#[test]
fn while_no_replica_answers_plain_pods_start_and_others_wait() {
    let site = Site::start();
    let namespace = site.namespace("down");
    let Site { plane, webhook } = site;
    drop(webhook);
    let try_out =
        |object: &str| plane.kubectl_in(object, &["create", "-n", &namespace, "--dry-run=server", "-f", "-"]);
    assert!(try_out(PLAIN).is_success());
    for asking in [POD.to_owned(), POD.replace("keyhatch.dev/inject", "KeyHatch.dev/inject")] {
        let output = try_out(&asking);
        assert!(output.stderr.contains("failed calling webhook \"pods.keyhatch.dev\""), "{}", output.stderr);
    }
    let deployment = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {selector: {matchLabels: {app: web}}, \
        template: {metadata: {labels: {app: web}, annotations: {keyhatch.dev/inject: 'true'}}, spec: {containers: [{name: app, image: app}]}}}}";
    assert!(try_out(deployment).is_success());
    // Without the webhook there is still the policy.
    plane.kubectl(&["delete", "mutatingwebhookconfiguration", "zz-keyhatch"]).success().unwrap();
    wait_until(LIMIT, "the policy to refuse the pod", || {
        let output = try_out(POD);
        if output.stderr.contains("keyhatch-injected") { Ok(()) } else { Err(output.stderr) }
    });
}

//! What is stored: by hand, by controllers, again, and as a copy.

use serde_json::{Value, json};

use super::{LIMIT, POD, names, site};
use crate::support::kubectl::wait_until;

/// Without what the API server made up.
fn essence(mut pod: Value) -> Value {
    let metadata = json!({"annotations": pod["metadata"]["annotations"]});
    pod["metadata"] = metadata;
    pod["status"] = Value::Null;
    let api_token = |name: &Value| name.as_str().is_some_and(|name| name.starts_with("kube-api-access-"));
    pod["spec"]["volumes"].as_array_mut().unwrap().retain(|volume| !api_token(&volume["name"]));
    for list in ["initContainers", "containers"] {
        for container in pod["spec"][list].as_array_mut().unwrap() {
            let mounts = container["volumeMounts"].as_array_mut().unwrap();
            mounts.retain(|mount| !api_token(&mount["name"]));
            if let Some(args) = container.get_mut("args").and_then(Value::as_array_mut) {
                args.retain(|arg| !arg.as_str().unwrap().starts_with("--roots="));
            }
        }
    }
    pod
}

#[test]
fn an_injected_pod_is_stored_as_it_was_planned() {
    let namespace = site().namespace("stored");
    let pod = site().create(&namespace, POD);
    let roots = std::fs::read_to_string(&site().webhook.certificates.ca_file).unwrap();
    let args = pod.pointer("/spec/initContainers/0/args").unwrap().as_array().unwrap();
    assert!(args.contains(&format!("--roots={roots}").into()), "{args:?}");
    insta::assert_json_snapshot!("pod-stored", essence(pod));
}

#[test]
fn a_pod_that_is_made_again_is_the_same() {
    let namespace = site().namespace("again");
    let once = site().create(&namespace, POD);
    let mut again = once.clone();
    again["metadata"] = json!({"name": "again", "annotations": once["metadata"]["annotations"]});
    let again = site().create(&namespace, &again.to_string());
    assert_eq!(essence(again), essence(once));
}

#[test]
fn variables_that_the_kubelet_sets_are_stored_as_they_were_planned() {
    let namespace = site().namespace("kubelet");
    let pod = POD
        .replace(
            "    keyhatch.dev/store: aws\n",
            "    keyhatch.dev/store: aws\n    keyhatch.dev/env-via: kubelet\n",
        )
        .replace(", command: [/app]", ", env: [{name: TOKEN, value: 'keyhatch:token'}]");
    let once = site().create(&namespace, &pod);
    let from = |name: &str| {
        let key =
            json!({"volumeName": "keyhatch", "path": ".keyhatch/app.env", "key": name, "optional": false});
        json!({"name": name, "valueFrom": {"fileKeyRef": key}})
    };
    assert_eq!(once["spec"]["containers"][0]["env"], json!([from("PASSWORD"), from("TOKEN")]));
    assert_eq!(once["spec"]["containers"][0]["command"], Value::Null);
    let mut again = once.clone();
    again["metadata"] = json!({"name": "again", "annotations": once["metadata"]["annotations"]});
    assert_eq!(essence(site().create(&namespace, &again.to_string())), essence(once));
}

#[test]
fn the_token_of_the_api_server_is_as_the_pod_wants_it() {
    let namespace = site().namespace("automount");
    let without = POD.replace("spec:\n", "spec:\n  automountServiceAccountToken: false\n");
    let pod = site().create(&namespace, &without);
    let volumes: Vec<_> = pod["spec"]["volumes"].as_array().unwrap().iter().map(|v| &v["name"]).collect();
    assert_eq!(volumes, ["keyhatch", "keyhatch-token"]);
    let mounts = pod["spec"]["containers"][0]["volumeMounts"].as_array().unwrap();
    assert_eq!(mounts, &[json!({"name": "keyhatch", "mountPath": "/secrets", "readOnly": true})]);
}

#[test]
fn names_that_are_made_up_and_dry_runs_are_no_exception() {
    let namespace = site().namespace("generated");
    let pod = site().stored(&namespace, &POD.replace("name: web\n", "generateName: web-\n")).unwrap();
    assert_eq!(names(&pod), ["keyhatch-agent", "app"]);
    let left = site().plane.kubectl(&["get", "pods", "-n", &namespace, "-o", "name"]).success().unwrap();
    assert_eq!(left, "");
}

/// The policy acts after us, and the API server asks us again because of it: a container that refers to a secret gets it,
/// and one that does not, such as a mesh's, gets none.
#[test]
fn what_somebody_adds_after_us_is_looked_at_again() {
    let namespace = site().namespace("late");
    let added = "has(object.spec.initContainers) && \
                 object.spec.initContainers.exists(c, c.name == 'keyhatch-agent') && \
                 !object.spec.containers.exists(c, c.name == 'late')";
    let add = |container: &str| {
        let value = format!("Object.spec.containers{{{container}}}");
        format!(r#"JSONPatch{{op: "add", path: "/spec/containers/-", value: {value}}}"#)
    };
    let late = add(r#"name: "late", image: "late", command: ["/late"],
            env: [Object.spec.containers.env{name: "TOKEN", value: "keyhatch:token"}]"#);
    let mesh = add(r#"name: "mesh", image: "mesh", command: ["/mesh"]"#);
    // A policy that did not match at first is not asked again: this one always does.
    let expression = format!("{added} ? [{late}, {mesh}] : []");
    let rule =
        json!({"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]});
    let chosen = json!({"matchLabels": {"kubernetes.io/metadata.name": namespace}});
    let policy = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicy",
        "metadata": {"name": "late"},
        "spec": {"failurePolicy": "Fail", "reinvocationPolicy": "IfNeeded",
            "matchConstraints": {"resourceRules": [rule], "namespaceSelector": chosen},
            "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}]}});
    let binding = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {"name": "late"}, "spec": {"policyName": "late"}});
    for object in [policy, binding] {
        site().plane.kubectl_in(&object.to_string(), &["create", "-f", "-"]).success().unwrap();
    }
    let pod = wait_until(LIMIT, "the policy to act", || {
        let pod = site().stored(&namespace, POD)?;
        if names(&pod).contains(&"late") { Ok(pod) } else { Err(pod["spec"].to_string()) }
    });
    assert_eq!(names(&pod), ["keyhatch-agent", "app", "late", "mesh"]);
    let containers = pod["spec"]["containers"].as_array().unwrap();
    let mounts = |container: &Value| container["volumeMounts"].to_string().contains(r#""keyhatch""#);
    for container in &containers[..2] {
        assert!(container["command"][0] == "/secrets/.keyhatch-agent" && mounts(container), "{container}");
    }
    assert!(containers[2]["command"][0] == "/mesh" && !mounts(&containers[2]), "{}", containers[2]);
    let args = pod.pointer("/spec/initContainers/0/args").unwrap().to_string();
    assert!(args.contains("TOKEN") && args.contains("PASSWORD") && !args.contains("mesh"), "{args}");
    let plain = site().stored(&namespace, super::PLAIN).unwrap();
    assert_eq!(names(&plain), ["app"]);
}

#[test]
fn restricted_namespaces_take_the_agent() {
    let namespace = site().namespace("restricted");
    let label = "pod-security.kubernetes.io/enforce=restricted";
    site().plane.kubectl(&["label", "namespace", &namespace, label]).success().unwrap();
    let context = "securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, runAsUser: 1000, \
                   runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}";
    let strict = POD.replace("command: [/app]", &format!("command: [/app], {context}"));
    let strict = strict.replace("prod/db#password\n", "prod/db#password\n    keyhatch.dev/refresh: 1m\n");
    wait_until(LIMIT, "Pod Security to act", || {
        let output = site().try_out(&namespace, POD);
        if output.stderr.contains("violates PodSecurity") { Ok(()) } else { Err(output.stderr) }
    });
    let pod = site().stored(&namespace, &strict).unwrap();
    assert_eq!(pod["spec"]["initContainers"][0]["restartPolicy"], "Always");
    assert_eq!(pod["spec"]["initContainers"][0]["securityContext"]["runAsUser"], 1000);
}

/// A workload with the annotations of [`POD`].
fn workload(kind: &str, api: &str, extra: &str, restart: &str) -> String {
    format!(
        "apiVersion: {api}\nkind: {kind}\nmetadata: {{name: made}}\nspec:\n  {extra}\n  template:\n    metadata:\n      \
         labels: {{app: made}}\n      annotations: {{keyhatch.dev/inject: \"true\", keyhatch.dev/secret-a: aws::a, keyhatch.dev/refresh: 1m}}\n    \
         spec:\n      restartPolicy: {restart}\n      containers: [{{name: app, image: app}}]\n"
    )
}

#[test]
fn pods_of_deployments_and_jobs_are_injected() {
    let deployment = workload("Deployment", "apps/v1", "selector: {matchLabels: {app: made}}", "Always");
    let job = workload("Job", "batch/v1", "backoffLimit: 1", "Never");
    for (kind, object, restart) in [("deployment", deployment, "Always"), ("job", job, "")] {
        let namespace = site().namespace(kind);
        site().create(&namespace, &object);
        let pods = wait_until(LIMIT, "a pod", || {
            let pods = site().plane.kubectl(&["get", "pods", "-n", &namespace, "-o", "json"]).success()?;
            let pods: Value = serde_json::from_str(&pods).map_err(|error| error.to_string())?;
            if pods["items"].as_array().is_some_and(|pods| pods.is_empty()) {
                Err("none".into())
            } else {
                Ok(pods)
            }
        });
        let agent = &pods["items"][0]["spec"]["initContainers"][0];
        assert_eq!(agent["name"], "keyhatch-agent", "{kind}");
        assert_eq!(agent["restartPolicy"].as_str().unwrap_or_default(), restart, "{kind}");
    }
}

#[test]
fn copies_for_debugging_are_what_they_were() {
    let namespace = site().namespace("copy");
    let pod = site().create(&namespace, POD);
    for keep in ["--keep-annotations=false", "--keep-annotations=true"] {
        let copy = format!("copy{}", keep.len());
        let to = format!("--copy-to={copy}");
        let args = ["debug", "web", "-n", &namespace, "--image=busybox", "--attach=false", &to, keep];
        let args = [&args[..], &["--share-processes=false"]].concat();
        site().plane.kubectl(&args).success().unwrap();
        let copied =
            site().plane.kubectl(&["get", "pod", &copy, "-n", &namespace, "-o", "json"]).success().unwrap();
        let copied: Value = serde_json::from_str(&copied).unwrap();
        for field in ["command", "args", "image", "volumeMounts", "securityContext"] {
            let of = |pod: &Value| pod["spec"]["initContainers"][0][field].clone();
            let (mut copied, mut pod) = (of(&copied), of(&pod));
            for mounts in [&mut copied, &mut pod] {
                if let (true, Some(mounts)) = (field == "volumeMounts", mounts.as_array_mut()) {
                    mounts.retain(|mount| !mount["name"].as_str().unwrap().starts_with("kube-api-access-"));
                }
            }
            assert_eq!(copied, pod, "{keep} {field}");
        }
    }
}

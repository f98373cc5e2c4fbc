//! Random pods that ask: whatever they look like, the patch applies, adds what is ours and nothing else, and planning
//! the result again changes nothing.

use keyhatch::grant::grant;
use keyhatch_agent::Invocation;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{defaults, patched, planned};

/// A container of the pod's own, with parts absent, empty or filled.
fn container(name: &'static str) -> impl Strategy<Value = Value> {
    let list = |filled: Value| prop_oneof![Just(None), Just(Some(json!([]))), Just(Some(filled))];
    let env = json!([{"name": "A", "value": "keyhatch:aws::a"}, {"name": "B", "value": "b"}]);
    let mounts = json!([{"name": "data", "mountPath": "/data"}]);
    let user =
        prop_oneof![Just(None), Just(Some(json!({"runAsUser": 1000}))), Just(Some(json!({"runAsUser": 0})))];
    (list(env), list(mounts), user, prop::option::of("[ -~]{0,8}")).prop_map(
        move |(env, mounts, user, arg)| {
            let mut container = json!({"name": name, "image": "i", "command": ["/run"]});
            let parts = [("env", env), ("volumeMounts", mounts), ("securityContext", user)];
            for (key, part) in parts.into_iter().filter_map(|(key, part)| Some((key, part?))) {
                container[key] = part;
            }
            if let Some(arg) = arg {
                container["args"] = json!([arg]);
            }
            container
        },
    )
}

fn annotations() -> impl Strategy<Value = Value> {
    let some = |key: &'static str, values: &'static [&'static str]| {
        prop::option::of(prop::sample::select(values)).prop_map(move |value| value.map(|value| (key, value)))
    };
    let all = (
        some("files", &["{a: 'aws::a'}", "{b/c: 'b', d: 'cluster/x::d#e'}"]),
        some("env-X", &["aws::x#y", "x"]),
        some("external-secret", &["db", "db,tls"]),
        some("external-secret-env", &["flags"]),
        some("containers", &["one", "two,first"]),
        some("mode", &["auto", "init", "sidecar"]),
        some("refresh", &["0", "5m"]),
        some("mount-path", &["/x", "/a/b/"]),
    );
    all.prop_map(|(a, b, c, d, e, f, g, h)| {
        let mut annotations =
            json!({"keyhatch.dev/inject": "true", "keyhatch.dev/secret-always": "aws::always"});
        for (key, value) in [a, b, c, d, e, f, g, h].into_iter().flatten() {
            annotations[format!("keyhatch.dev/{key}")] = value.into();
        }
        annotations
    })
}

fn pod() -> impl Strategy<Value = Value> {
    let parts =
        (annotations(), container("one"), container("two"), container("first"), any::<bool>(), any::<bool>());
    // Of some nobody knows what they start; keys of an ExternalSecret would have no name there.
    let parts = (parts, any::<bool>()).prop_map(
        |((mut annotations, one, mut two, first, volumes, group), kubelet)| {
            if kubelet {
                two.as_object_mut().unwrap().remove("command");
                annotations["keyhatch.dev/env-via"] = "kubelet".into();
                annotations.as_object_mut().unwrap().remove("keyhatch.dev/external-secret-env");
            }
            (annotations, one, two, first, volumes, group)
        },
    );
    let policy = prop_oneof![Just(None), Just(Some("Never")), Just(Some("Always"))];
    (parts, policy).prop_map(|((annotations, one, two, first, has_volumes, has_group), policy)| {
        let mut pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "annotations": annotations},
            "spec": {"initContainers": [first], "containers": [one, two]},
        });
        if has_volumes {
            pod["spec"]["volumes"] = json!([{"name": "data", "emptyDir": {}}]);
        }
        if has_group {
            pod["spec"]["securityContext"] = json!({"fsGroup": 1});
        }
        if let Some(policy) = policy {
            pod["spec"]["restartPolicy"] = policy.into();
        }
        pod
    })
}

/// What an image starts, with words that the kubelet may replace.
fn entrypoint() -> impl Strategy<Value = Vec<&'static str>> {
    let words = &["/run", "--a=$(A)", "$$(A)", "$(X)", "$(HOME)", "$A"][..];
    prop::collection::vec(prop::sample::select(words), 1..4)
}

/// What the broker says to the request of an injected pod.
fn granted(pod: &Value) -> Result<(), String> {
    let args: Vec<_> = pod["spec"]["initContainers"][0]["args"]
        .as_array()
        .unwrap()
        .iter()
        .map(|arg| arg.as_str().unwrap())
        .collect();
    let invocation = Invocation::from_args(&args).unwrap();
    let containers = ["first", "one", "two"].into();
    grant(&invocation.request, &containers).map(drop).map_err(|error| error.to_string())
}

/// The pod without everything that is ours.
fn without_ours(pod: &Value) -> Value {
    let mut pod = pod.clone();
    let named = |item: &Value, names: &[&str]| names.iter().any(|name| item["name"] == *name);
    pod["metadata"]["annotations"].as_object_mut().unwrap().remove("keyhatch.dev/status");
    for list in ["initContainers", "containers"] {
        let containers = pod["spec"][list].as_array_mut().unwrap();
        containers.retain(|container| !named(container, &["keyhatch-agent"]));
        for container in containers {
            if let Some(command) = container.get("command").and_then(Value::as_array).cloned()
                && command[0].as_str().unwrap().ends_with("/.keyhatch-agent")
            {
                container["command"] = command[4..].into();
            }
            let is_reference = |value: &str| value.starts_with("keyhatch:");
            retain(container, "env", |entry| {
                entry.get("valueFrom").is_none() && !entry["value"].as_str().is_some_and(is_reference)
            });
            retain(container, "volumeMounts", |mount| !named(mount, &["keyhatch"]));
        }
    }
    retain(&mut pod["spec"], "volumes", |volume| !named(volume, &["keyhatch", "keyhatch-token"]));
    pod
}

/// The names in `env`, container by container: those of the kubelet's, references and others; `X` may be added.
fn variables(pod: &Value) -> Vec<String> {
    let containers = pod["spec"]["containers"].as_array().unwrap().iter();
    let names =
        containers.flat_map(|container| container.get("env").and_then(Value::as_array).into_iter().flatten());
    let names = names.map(|entry| entry["name"].as_str().unwrap().to_owned());
    names.filter(|name| name != "X").collect()
}

/// An empty list is none.
fn retain(parent: &mut Value, list: &str, keep: impl Fn(&Value) -> bool) {
    if let Some(items) = parent.get_mut(list).and_then(Value::as_array_mut) {
        items.retain(keep);
        if items.is_empty() {
            parent.as_object_mut().unwrap().remove(list);
        }
    }
}

proptest! {
    #[test]
    fn a_plan_adds_what_is_ours_and_is_not_repeated(pod in pod()) {
        let plan = planned(&pod, &defaults()).map_err(|report| TestCaseError::fail(super::told(report)))?;
        let once = patched(&pod, &plan);
        prop_assert_eq!(granted(&once), Ok(()));
        prop_assert_eq!(&once["spec"]["initContainers"][0]["name"], "keyhatch-agent");
        prop_assert_eq!(without_ours(&once), without_ours(&pod));
        let again = planned(&once, &defaults()).map_err(|report| TestCaseError::fail(super::told(report)))?;
        prop_assert!(again.patch.is_empty(), "{:#?}", again.patch);
        prop_assert_eq!(variables(&once), variables(&pod));
    }

    /// It is `command` by then, and judged as such.
    #[test]
    fn an_entrypoint_that_passes_passes_again(pod in pod(), words in entrypoint()) {
        let mut pod = pod;
        pod["spec"]["containers"][0].as_object_mut().unwrap().remove("command");
        pod["metadata"]["annotations"]["keyhatch.dev/entrypoint"] = json!({"one": words}).to_string().into();
        if let Ok(plan) = planned(&pod, &defaults()) {
            let once = patched(&pod, &plan);
            let again = planned(&once, &defaults()).map_err(|report| TestCaseError::fail(super::told(report)))?;
            prop_assert!(again.patch.is_empty(), "{:#?}", again.patch);
        }
    }

    #[test]
    fn no_pod_ends_the_process(
        keys in prop::collection::btree_map("[a-zA-Z.-]{0,12}|files|env|mode|entrypoint|containers", "\\PC{0,30}|\\{a: b\\}", 0..6),
        spec in prop_oneof![Just(json!(null)), Just(json!([])), Just(json!({"containers": "x", "volumes": 1, "initContainers": [null]}))],
    ) {
        let mut annotations = json!({"keyhatch.dev/inject": "true"});
        for (key, value) in keys {
            annotations[format!("keyhatch.dev/{key}")] = value.into();
        }
        drop(planned(&json!({"metadata": {"annotations": annotations}, "spec": spec}), &defaults()));
    }
}

//! Pods in files: what is injected into them, why they are refused, and that planning a planned pod changes nothing.

mod live;
mod properties;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use keyhatch::field::Field;
use keyhatch::finding::Report;
use keyhatch::inject::annotations::{Defaults, NAMES};
use keyhatch::inject::resources::Resources;
use keyhatch::inject::{Code, Installation, Plan, plan};
use serde_json::{Value, json};

use crate::rules::yaml;

pub(crate) fn installation() -> Installation {
    Installation {
        image: Some("registry.example.com/keyhatch-agent:1".into()),
        resources: Resources::default(),
        broker: "keyhatch-broker.keyhatch.svc:10251".into(),
        broker_address: Some("10.96.0.7".into()),
        roots: "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n".into(),
        allow_shared_pid: false,
        kubernetes: None,
    }
}

/// A namespace with a store for all its pods.
pub(crate) fn defaults() -> Defaults {
    Defaults { store: Some("team".into()), refresh: None, is_known: true }
}

/// The plan for a pod, or why there is none.
pub(crate) fn planned(pod: &Value, defaults: &Defaults) -> Result<Plan, Report> {
    plan(pod, &Field::Root, defaults, &installation()).map_err(|refusals| refusals.0)
}

/// The pod with the patch applied, by an implementation of RFC 6902 that is not ours.
pub(crate) fn patched(pod: &Value, plan: &Plan) -> Value {
    let mut pod = pod.clone();
    json_patch::patch(&mut pod, &plan.patch).unwrap_or_else(|error| panic!("{error}: {:#?}", plan.patch));
    pod
}

fn files(folder: &str) -> Vec<(String, Value)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/pods").join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let name = |file: &PathBuf| file.file_stem().unwrap().to_str().unwrap().to_owned();
    files.iter().map(|file| (name(file), yaml(&fs::read_to_string(file).unwrap()))).collect()
}

/// One line a finding.
fn told(report: Report) -> String {
    report.into_findings().into_iter().fold(String::new(), |mut out, finding| {
        let level = if finding.level == keyhatch::rule::Level::Deny { "" } else { "warning: " };
        writeln!(out, "{level}{}: {finding}", finding.field).unwrap();
        out
    })
}

#[test]
fn pods_that_ask_are_injected() {
    for (name, pod) in files("injected") {
        let plan = planned(&pod, &defaults()).unwrap_or_else(|report| panic!("{name}: {}", told(report)));
        insta::assert_json_snapshot!(format!("pod-{name}"), patched(&pod, &plan));
        assert_eq!(told(plan.doubts), "", "{name}");
    }
}

#[test]
fn what_was_planned_is_not_planned_again() {
    for (name, pod) in files("injected").into_iter().chain(files("warned")) {
        let once = patched(&pod, &planned(&pod, &defaults()).unwrap());
        let again = planned(&once, &defaults()).unwrap();
        assert!(again.patch.is_empty(), "{name}: {:#?}", again.patch);
    }
}

#[test]
fn every_mistake_of_a_pod_is_told() {
    let nothing = Defaults { is_known: true, ..Defaults::default() };
    let mut out = String::new();
    for (name, pod) in files("refused") {
        let report = planned(&pod, &nothing).expect_err(&name);
        writeln!(out, "# {name}\n{}", told(report)).unwrap();
    }
    insta::assert_snapshot!("pod-refusals", out);
}

#[test]
fn annotations_that_kubernetes_does_not_take_are_not_read() {
    let asking = |length: usize| {
        let note = "n".repeat(length - "keyhatch.dev/inject".len() - "true".len() - "note".len());
        json!({"metadata": {"name": "web", "annotations": {"keyhatch.dev/inject": "true", "note": note}},
            "spec": {"containers": [{"name": "app", "image": "i"}]}})
    };
    let told =
        |length: usize| planned(&asking(length), &defaults()).map_or_else(told, |plan| told(plan.doubts));
    assert!(!told(256 << 10).contains("in all"), "{}", told(256 << 10));
    let refused = told((256 << 10) + 1);
    assert!(
        refused.contains("annotations have 262145 bytes in all, and Kubernetes takes 262144"),
        "{refused}"
    );
}

#[test]
fn doubts_are_told_beside_the_plan() {
    let mut out = String::new();
    for (name, pod) in files("warned") {
        let plan = planned(&pod, &defaults()).unwrap_or_else(|report| panic!("{name}: {}", told(report)));
        writeln!(out, "# {name}\n{}", told(plan.doubts)).unwrap();
    }
    insta::assert_snapshot!("pod-warnings", out);
}

#[test]
fn pods_that_do_not_ask_are_left_alone() {
    for (name, pod) in files("untouched") {
        let plan = planned(&pod, &defaults()).unwrap_or_else(|report| panic!("{name}: {}", told(report)));
        assert!(plan.patch.is_empty() && told(plan.doubts).is_empty(), "{name}");
    }
}

/// What `kubectl debug --copy-to` makes of it: no annotations, and all else.
fn copy(injected: &Value) -> Value {
    let mut copy = injected.clone();
    copy["metadata"] = json!({"name": "copy"});
    copy
}

fn injected(name: &str) -> Value {
    let (_, pod) = files("injected").into_iter().find(|(file, _)| file == name).unwrap();
    patched(&pod, &planned(&pod, &defaults()).unwrap())
}

#[test]
fn a_copy_without_annotations_passes_as_it_is() {
    for (name, pod) in files("injected") {
        let injected = patched(&pod, &planned(&pod, &defaults()).unwrap());
        let mut copy = copy(&injected);
        // As the API server and others leave it.
        copy["spec"]["shareProcessNamespace"] = false.into();
        copy["spec"]["initContainers"][0]["imagePullPolicy"] = "Always".into();
        copy["spec"]["initContainers"][0]["resources"] = json!({});
        let plan = planned(&copy, &defaults()).unwrap_or_else(|report| panic!("{name}: {}", told(report)));
        assert!(plan.patch.is_empty(), "{name}");
    }
}

#[test]
fn a_copy_that_was_changed_is_refused() {
    let copy = copy(&injected("sidecar"));
    for (pointer, value) in [
        ("/spec/initContainers/0/image", json!("evil")),
        ("/spec/initContainers/0/args/1", json!("--request={}x")),
        ("/spec/initContainers/0/command", json!(["/bin/sh"])),
        ("/spec/initContainers/0/env", json!([{"name": "A", "value": "b"}])),
        ("/spec/initContainers/0/volumeMounts/0/mountPath", json!("/x")),
        ("/spec/initContainers/0/securityContext/runAsUser", json!(0)),
        ("/spec/initContainers/0/name", json!("keyhatch-agent2")),
        ("/spec/containers/0/volumeMounts/1/readOnly", json!(false)),
        ("/spec/containers/0/volumeMounts/1/subPath", json!("a")),
        ("/spec/containers/1/volumeMounts", json!([{"name": "keyhatch-token", "mountPath": "/t"}])),
        ("/spec/volumes/1/emptyDir", json!({"medium": ""})),
        ("/spec/volumes/2/projected/sources/0/serviceAccountToken/audience", json!("other")),
    ] {
        let mut changed = copy.clone();
        let (parent, member) = pointer.rsplit_once('/').unwrap();
        match changed.pointer_mut(parent).unwrap() {
            Value::Array(items) => items[member.parse::<usize>().unwrap()] = value,
            parent => parent[member] = value,
        }
        assert!(planned(&changed, &defaults()).is_err(), "{pointer}");
    }
}

/// Nobody asks for secrets in it, and the agent in it would get them all the same.
#[test]
fn a_copy_that_shares_its_processes_is_refused() {
    let copy = copy(&injected("sidecar"));
    let allowing = Installation { allow_shared_pid: true, ..installation() };
    for shared in ["hostPID", "shareProcessNamespace"] {
        let mut copy = copy.clone();
        copy["spec"][shared] = true.into();
        let report = planned(&copy, &defaults()).unwrap_err();
        assert_eq!(
            told(report),
            format!(
                "spec.{shared}: Forbidden: every container could read the secrets of all, by /proc; leave it out; a copy \
                 for debugging needs kubectl debug --copy-to=… --share-processes=false [HostPIDForbidden]\n"
            )
        );
        assert!(plan(&copy, &Field::Root, &defaults(), &allowing).is_ok());
        let plain = json!({"metadata": {}, "spec": {shared: true, "containers": [{"name": "app"}]}});
        assert!(planned(&plain, &defaults()).is_ok());
    }
}

#[test]
fn parts_from_another_time_are_made_anew() {
    let mut pod = injected("files");
    let now = pod.clone();
    pod["spec"]["initContainers"][0]["image"] = "registry.example.com/keyhatch-agent:0".into();
    pod["metadata"]["annotations"]["keyhatch.dev/status"] = "x".into();
    let before = json!({"name": "mesh-init", "image": "mesh"});
    pod["spec"]["initContainers"].as_array_mut().unwrap().insert(0, before.clone());
    let plan = planned(&pod, &defaults()).unwrap();
    let mut wanted = now;
    wanted["spec"]["initContainers"].as_array_mut().unwrap().push(before);
    assert_eq!(patched(&pod, &plan), wanted);
}

#[test]
fn where_nothing_is_injected_a_pod_that_asks_is_refused() {
    let (_, pod) = files("injected").remove(0);
    let off = Installation { image: None, ..installation() };
    let report = plan(&pod, &Field::Root, &defaults(), &off).unwrap_err().0;
    assert!(told(report).ends_with("[InjectionOff]\n"));
}

#[test]
fn a_cluster_that_drops_what_the_kubelet_needs_is_told() {
    let (_, pod) = files("injected").into_iter().find(|(name, _)| name == "kubelet").unwrap();
    for (kubernetes, is_refused) in [(None, false), (Some((1, 34)), true), (Some((1, 35)), false)] {
        let planned = plan(&pod, &Field::Root, &defaults(), &Installation { kubernetes, ..installation() });
        let told = planned.map(drop).map_err(|refusals| told(refusals.0));
        assert_eq!(told.is_err(), is_refused, "{kubernetes:?} {told:?}");
        assert!(told.err().is_none_or(|told| told.ends_with("[EnvFilesUnsupported]\n")));
    }
}

#[test]
fn every_code_but_those_about_others_has_a_pod_that_it_is_about() {
    let nothing = Defaults { is_known: true, ..Defaults::default() };
    let mut seen = Vec::new();
    for (_, pod) in files("refused").into_iter().chain(files("warned")) {
        let report = match planned(&pod, &nothing) {
            Ok(plan) => plan.doubts,
            Err(report) => report,
        };
        seen.extend(report.into_findings().into_iter().map(|finding| finding.rule.id));
    }
    for code in Code::ALL {
        let id = code.rule().id;
        let is_elsewhere = id.starts_with("Store")
            || ["ExternalSecretNotFound", "InjectionOff", "EnvFilesUnsupported", "ArnRegion", "ArnPrefix"]
                .contains(&id)
            || ["SecretNotFound", "PropertyMissing", "AwsDenied"].contains(&id);
        assert!(is_elsewhere || seen.contains(&id), "{id}");
    }
}

/// `a0`, `a1` and so on: as many as a request of the API server's has room for.
fn many(prefix: &str) -> Vec<String> {
    (0..20_000).map(|number| format!("{prefix}{number}")).collect()
}

#[test]
fn a_pod_that_asks_for_far_too_much_is_refused_in_no_time() {
    let containers: Vec<_> =
        many("c").iter().map(|name| json!({"name": name, "command": ["/run"]})).collect();
    let variable = |name: &String| json!({"name": name, "value": "keyhatch:aws::a"});
    let variables: Vec<_> = many("A").iter().map(variable).collect();
    let one = json!([{"name": "one", "command": ["/run"], "env": variables}]);
    let bare = json!([{"name": "one", "env": one[0]["env"]}]);
    for (key, value, containers, code) in [
        ("external-secret-env", many("a").join(","), json!(containers), "TooMany"),
        (
            "external-secret-env",
            many("a").join(","),
            json!([{"name": "one", "command": ["/run"]}]),
            "TooMany",
        ),
        ("containers", many("a").join(","), json!(containers), "UnknownContainer"),
        ("containers", "c9".into(), json!(containers), ""),
        ("secret-a", "aws::a".into(), one, "TooMany"),
        ("env-via", "kubelet".into(), bare, "TooMany"),
    ] {
        let mut pod = json!({
            "metadata": {"annotations": {"keyhatch.dev/inject": "true", "keyhatch.dev/secret-x": "aws::x"}},
            "spec": {"containers": containers},
        });
        pod["metadata"]["annotations"][format!("keyhatch.dev/{key}")] = value.into();
        let started = Instant::now();
        let told = planned(&pod, &defaults()).map_or_else(told, |plan| told(plan.doubts));
        assert!(started.elapsed() < Duration::from_secs(5), "{key}: {:?}", started.elapsed());
        let ends = format!("[{code}]\n");
        assert!(if code.is_empty() { told.is_empty() } else { told.contains(&ends) }, "{key}: {told:.500}");
        assert!(told.lines().all(|line| line.len() < 1_000), "{key}: {told:.500}");
    }
}

/// The first YAML block of the page is a Deployment that is injected, and the table has every annotation.
#[test]
fn the_page_about_pods_lists_each_annotation() {
    let page = fs::read_to_string("docs/pods.md").unwrap();
    let rows: Vec<_> = page.lines().filter_map(|line| line.strip_prefix("| `keyhatch.dev/")).collect();
    let listed: Vec<_> = rows.iter().filter_map(|row| row.split('`').next()).collect();
    for name in NAMES.iter().chain(&["secret-FILE", "env-VAR", "perms-FILE", "x-…"]) {
        assert!(listed.contains(name), "{name}");
    }
    assert_eq!(listed.len(), NAMES.len() + 4);
    let example = yaml(page.split("```yaml").nth(1).unwrap().split("```").next().unwrap());
    let plan = planned(&example["spec"]["template"], &defaults())
        .unwrap_or_else(|report| panic!("{}", told(report)));
    assert!(!plan.patch.is_empty());
}

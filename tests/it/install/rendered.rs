//! What the manifests say, without an API server: rights, image, and what is in no kustomization.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use keyhatch::needs::rights::{self, Flow, Right};
use keyhatch::trust::Names;
use serde_json::Value;

use super::{kustomize, overlay};
use crate::support::process::Guardian;

pub(super) fn manifests() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/manifests"))
}

/// Where the manifests have things.
pub(super) fn names() -> Names {
    let name = |text: &str| text.to_owned();
    Names {
        namespace: name("keyhatch"),
        secret: name("keyhatch-tls"),
        webhook: name("keyhatch"),
        pod_webhook: name("zz-keyhatch"),
        hosts: Vec::new(),
    }
}

/// Everything that Keyhatch asks for when it is told nothing.
pub(super) fn wanted() -> Vec<Right> {
    wanted_with(false)
}

/// The same, perhaps with `--cluster-checks`.
pub(super) fn wanted_with(cluster_checks: bool) -> Vec<Right> {
    [rights::certificates(&names(), "keyhatch"), rights::admission(cluster_checks)].concat()
}

/// Everything that Keyhatch can ask for.
fn wanted_at_most() -> Vec<Right> {
    [wanted_with(true), rights::pods(true), rights::loops("keyhatch", "keyhatch-loops", true)].concat()
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The rights that roles grant to our one ServiceAccount, written as Keyhatch writes them.
fn granted(objects: &[Value]) -> BTreeSet<String> {
    let mut granted = granted_to_each(objects);
    let ours = granted.remove("keyhatch").unwrap_or_default();
    assert!(granted.is_empty(), "{granted:?}");
    ours
}

/// The rights that roles grant, by ServiceAccount.
pub(super) fn granted_to_each(objects: &[Value]) -> BTreeMap<String, BTreeSet<String>> {
    let mut granted = BTreeMap::<String, BTreeSet<String>>::new();
    for binding in objects.iter().filter(|object| object["kind"].as_str().unwrap().ends_with("RoleBinding")) {
        let subject = &binding["subjects"][0];
        if subject["kind"] == "Group" {
            continue; // not ours
        }
        assert_eq!(
            (subject["kind"].as_str(), subject["namespace"].as_str()),
            (Some("ServiceAccount"), Some("keyhatch"))
        );
        let granted = granted.entry(subject["name"].as_str().unwrap().to_owned()).or_default();
        let is_role = |object: &&Value| {
            object["kind"] == binding["roleRef"]["kind"]
                && object["metadata"]["name"] == binding["roleRef"]["name"]
        };
        let role = objects.iter().find(is_role).expect("the role of a binding");
        let place = binding["metadata"]["namespace"].as_str();
        for rule in role["rules"].as_array().unwrap() {
            for (verb, group, resource, name) in requests(rule) {
                let group = if group.is_empty() { String::new() } else { format!(".{group}") };
                let name = name.map(|name| format!("/{name}")).unwrap_or_default();
                let place = place.map(|place| format!(" in namespace {place}")).unwrap_or_default();
                granted.insert(format!("{verb} {resource}{group}{name}{place}"));
            }
        }
    }
    granted
}

/// Every combination that a rule allows.
pub(super) fn requests(rule: &Value) -> Vec<(&str, &str, &str, Option<&str>)> {
    let mut names: Vec<_> = texts(&rule["resourceNames"]).into_iter().map(Some).collect();
    if names.is_empty() {
        names.push(None);
    }
    let mut requests = Vec::new();
    for group in texts(&rule["apiGroups"]) {
        for resource in texts(&rule["resources"]) {
            for verb in texts(&rule["verbs"]) {
                requests.extend(names.iter().map(|name| (verb, group, resource, *name)));
            }
        }
    }
    requests
}

#[test]
fn the_manifests_grant_what_is_used_and_nothing_else() {
    let all: BTreeSet<_> = wanted().iter().map(Right::to_string).collect();
    for name in ["beside-eso", "standalone"] {
        assert_eq!(granted(&kustomize(&manifests().join("overlays").join(name))), all, "{name}");
    }
}

#[test]
fn components_change_rights_as_they_say() {
    let guardian = Guardian::new().unwrap();
    let with = |component: &str| {
        let folder = guardian.root().join(component);
        let path = |rest: &str| pathdiff(&folder, &manifests().join(rest));
        overlay(&folder, &[&path("overlays/beside-eso")], &[&path(&format!("components/{component}"))]);
        granted(&kustomize(&folder))
    };
    let of_admission = wanted().into_iter().filter(|right| right.flow == Flow::Admission);
    assert_eq!(with("cert-manager"), of_admission.map(|right| right.to_string()).collect());
    let texts = |rights: Vec<Right>| -> BTreeSet<_> { rights.iter().map(Right::to_string).collect() };
    assert_eq!(with("cluster-checks"), texts(wanted_with(true)));
    assert_eq!(with("namespace-enforce"), texts(wanted()));
    assert_eq!(with("pods"), texts([wanted(), rights::pods(false)].concat()));
    let loops = rights::loops("keyhatch", "keyhatch-loops", false);
    assert_eq!(with("loops"), texts([wanted(), loops].concat()));
    let more = rights::pods(true).into_iter().filter(|right| right.flow == Flow::WatchCredentials);
    assert_eq!(with("watch-credentials"), texts(wanted().into_iter().chain(more).collect()));
}

/// The way from one absolute folder to another: kustomize takes no absolute paths.
pub(super) fn pathdiff(from: &Path, to: &Path) -> String {
    let up = from.components().skip(1).map(|_| "..").collect::<Vec<_>>().join("/");
    format!("{up}{}", to.display())
}

#[test]
fn every_service_account_may_use_every_store_until_the_binding_is_taken_away() {
    let guardian = Guardian::new().unwrap();
    let folder = guardian.root().join("pods");
    let path = |rest: &str| pathdiff(&folder, &manifests().join(rest));
    overlay(&folder, &[&path("overlays/beside-eso")], &[&path("components/pods")]);
    let objects = kustomize(&folder);
    let of_name = |name: &str| objects.iter().find(|object| object["metadata"]["name"] == name).unwrap();
    let subject = &of_name("keyhatch-store-users")["subjects"];
    assert_eq!(
        subject,
        &serde_json::json!([{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:serviceaccounts"}])
    );
    let rule = &of_name("keyhatch-store-user")["rules"];
    let uses: Vec<_> =
        requests(&rule[0]).into_iter().map(|(verb, _, resource, _)| (verb, resource)).collect();
    assert_eq!(uses, [("use", "secretstores"), ("use", "clustersecretstores")]);
}

#[test]
fn the_page_about_rights_lists_each_one() {
    let page = fs::read_to_string(manifests().with_file_name("docs/permissions.md")).unwrap();
    let rows: BTreeSet<_> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(right, _)| right.to_owned()))
        .collect();
    assert_eq!(rows, wanted_at_most().iter().map(Right::to_string).collect());
}

#[test]
fn definitions_are_in_a_kustomization_of_their_own() {
    let kinds = |folder: &str| -> BTreeSet<String> {
        let objects = kustomize(&manifests().join(folder));
        objects.iter().map(|object| object["kind"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(kinds("crds"), ["CustomResourceDefinition".to_owned()].into());
    for folder in ["base", "overlays/beside-eso", "overlays/separate-accounts", "overlays/standalone"] {
        assert!(!kinds(folder).contains("CustomResourceDefinition"), "{folder}");
    }
}

#[test]
fn everything_has_our_label_and_nothing_is_elsewhere() {
    for overlay in ["overlays/standalone", "overlays/separate-accounts"] {
        for object in kustomize(&manifests().join(overlay)) {
            let metadata = &object["metadata"];
            assert_eq!(metadata["labels"]["app.kubernetes.io/name"], "keyhatch", "{object}");
            assert!(metadata["namespace"].is_null() || metadata["namespace"] == "keyhatch", "{object}");
        }
    }
}

#[test]
fn the_deployment_runs_this_version_and_probes_where_it_listens() {
    let objects = kustomize(&manifests().join("base"));
    let deployment = objects.iter().find(|object| object["kind"] == "Deployment").unwrap();
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["image"], concat!("keyhatch:", env!("CARGO_PKG_VERSION")));
    let port = |name: &str| {
        let ports = container["ports"].as_array().unwrap();
        ports.iter().find(|port| port["name"] == name).unwrap()["containerPort"].as_u64().unwrap()
    };
    let health = format!("--health-listen=0.0.0.0:{}", port("health"));
    assert!(texts(&container["args"]).contains(&health.as_str()), "{container}");
    let help = crate::command::keyhatch(&["serve", "--help"]).stdout;
    assert!(help.contains(&format!("[default: 0.0.0.0:{}]", port("webhook"))), "{help}");
    for (probe, path) in [("readinessProbe", "/readyz"), ("livenessProbe", "/healthz")] {
        let probe = &container[probe]["httpGet"];
        assert_eq!((&probe["path"], &probe["port"]), (&path.into(), &"health".into()));
    }
}

/// Each flow's component knows nothing of the other's.
#[test]
fn the_components_of_flows_go_together() {
    let guardian = Guardian::new().unwrap();
    let folder = guardian.root().join("flows");
    let path = |rest: &str| pathdiff(&folder, &manifests().join(rest));
    overlay(&folder, &[&path("overlays/standalone")], &[&path("components/pods"), &path("components/loops")]);
    let objects = kustomize(&folder);
    let deployment = objects.iter().find(|object| object["kind"] == "Deployment").unwrap();
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    let env = |name: &str| {
        let all = container["env"].as_array().unwrap();
        all.iter().find(|variable| variable["name"] == name).map(|variable| variable["value"].clone())
    };
    assert_eq!(env("KEYHATCH_FLOWS"), Some("admission,pods".into()));
    assert_eq!(env("KEYHATCH_MORE_FLOWS"), Some("loops".into()));
    assert!(!texts(&container["args"]).iter().any(|arg| arg.starts_with("--flows")), "{container}");
}

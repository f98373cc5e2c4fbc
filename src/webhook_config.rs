//! The webhook configurations that make the API server ask Keyhatch, as JSON that can be applied.

use serde_json::{Value, json};

use crate::api::{GROUP, Kind};
use crate::webhook;

/// Namespaces without which no cluster works: an outage of Keyhatch must not block them. Ours is spared, too.
const SPARED_NAMESPACES: [&str; 3] = ["kube-system", "kube-public", "kube-node-lease"];

/// Our namespace, unless a Service names another.
const NAMESPACE: &str = "keyhatch";

/// Creations and changed specs are reviewed. Whatever leaves the spec alone, or concerns an object that is
/// being deleted, passes without a call: finalizers can go while no replica answers.
const MATTERS: &str =
    "oldObject == null || (object.?spec != oldObject.?spec && !has(object.metadata.deletionTimestamp))";

/// Pods that ask, in whatever letters, and pods with names of ours: no other pod can be touched, or blocked. It must not
/// fail on a pod without annotations: a condition that fails refuses what it is asked about.
const ASKS: &str = "object.metadata.?annotations.orValue({}).exists(k, k.lowerAscii().startsWith('keyhatch.dev/')) || \
                    object.spec.?initContainers.orValue([]).exists(c, c.name.startsWith('keyhatch-')) || \
                    object.spec.?volumes.orValue([]).exists(v, v.name.startsWith('keyhatch-'))";

/// The same of the pods that an object makes.
const MAKES_PODS_THAT_ASK: &str = "(object.kind == 'CronJob' ? object.spec.jobTemplate.spec.template.?metadata.?annotations.orValue({}) : \
                                   object.spec.template.?metadata.?annotations.orValue({})).exists(k, k.lowerAscii().startsWith('keyhatch.dev/'))";

/// The label with which a namespace says how strictly it is judged, where the operator allows that.
const ENFORCE_LABEL: &str = "keyhatch.dev/enforce";

/// Where the API server finds the server.
#[derive(Clone, Copy, Debug)]
pub enum Address<'a> {
    /// `https://HOST:PORT`.
    Url(&'a str),
    /// A Service of the cluster, at port 443.
    Service {
        /// Its namespace, which is ours.
        namespace: &'a str,
        /// Its name.
        name: &'a str,
    },
}

/// Where the API server finds the server, and what namespaces may decide.
#[derive(Debug)]
pub struct Target<'a> {
    /// Where it calls.
    pub address: Address<'a>,
    /// The CA of its certificate: PEM, in base64; none if the server keeps it there itself.
    pub ca_bundle: Option<&'a str>,
    /// Whether a namespace may say `keyhatch.dev/enforce: warn` or `deny` for itself.
    pub allow_namespace_enforce: bool,
}

/// Both configurations.
pub fn list(target: &Target<'_>) -> Value {
    json!({"apiVersion": "v1", "kind": "List", "items": [validating(target), mutating(target)]})
}

/// The entries of objects of ours, and of what makes pods.
const OBJECTS: &str = "validate.keyhatch.dev";
const WORKLOADS: &str = "workloads.keyhatch.dev";

/// The ValidatingWebhookConfiguration.
pub fn validating(target: &Target<'_>) -> Value {
    let mut everywhere = vec![spared(target)];
    let mut webhooks = Vec::new();
    if target.allow_namespace_enforce {
        for enforce in ["deny", "warn"] {
            let labelled = [everywhere.clone(), vec![selector(ENFORCE_LABEL, "In", &[enforce])]].concat();
            let name = |entry: &str| format!("{enforce}.{entry}");
            let path = |path: &str| format!("{path}/{enforce}");
            webhooks.push(webhook(target, &name(OBJECTS), &path(webhook::PATH), "Namespaced", &labelled));
            webhooks.push(workloads(target, &name(WORKLOADS), &path(webhook::WORKLOADS_PATH), &labelled));
        }
        everywhere.push(selector(ENFORCE_LABEL, "NotIn", &["deny", "warn"]));
    }
    webhooks.push(webhook(target, OBJECTS, webhook::PATH, "*", &everywhere));
    webhooks.push(workloads(target, WORKLOADS, webhook::WORKLOADS_PATH, &everywhere));
    configuration("ValidatingWebhookConfiguration", "keyhatch", &webhooks)
}

/// The MutatingWebhookConfiguration. It is called after all others: its name sorts last.
pub fn mutating(target: &Target<'_>) -> Value {
    let rule = json!({
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE"],
        "resources": ["pods"],
        "scope": "Namespaced",
    });
    let own = json!({
        "sideEffects": "NoneOnDryRun",
        "reinvocationPolicy": "IfNeeded",
        "matchConditions": [{"name": "asks-for-secrets", "expression": ASKS}],
    });
    let entry = entry(target, "pods.keyhatch.dev", webhook::PODS_PATH, &[spared(target)], &[rule], &own);
    configuration("MutatingWebhookConfiguration", "zz-keyhatch", &[entry])
}

/// Deployments and the like. They can be applied while no replica answers: their pods wait.
fn workloads(target: &Target<'_>, name: &str, path: &str, namespaces: &[Value]) -> Value {
    let rule = |group: &str, resources: &[&str]| {
        json!({
            "apiGroups": [group],
            "apiVersions": ["v1"],
            "operations": ["CREATE", "UPDATE"],
            "resources": resources,
            "scope": "Namespaced",
        })
    };
    let rules =
        [rule("apps", &["deployments", "statefulsets", "daemonsets"]), rule("batch", &["jobs", "cronjobs"])];
    let own = json!({
        "failurePolicy": "Ignore",
        "matchConditions": [
            {"name": "spec-matters", "expression": MATTERS},
            {"name": "makes-pods-that-ask", "expression": MAKES_PODS_THAT_ASK},
        ],
    });
    entry(target, name, path, namespaces, &rules, &own)
}

fn configuration(kind: &str, name: &str, webhooks: &[Value]) -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": name, "labels": {"app.kubernetes.io/name": "keyhatch"}},
        "webhooks": webhooks,
    })
}

/// All namespaces but those that must work whatever becomes of us.
fn spared(target: &Target<'_>) -> Value {
    let ours = match target.address {
        Address::Url(_) => NAMESPACE,
        Address::Service { namespace, .. } => namespace,
    };
    selector("kubernetes.io/metadata.name", "NotIn", &[SPARED_NAMESPACES.as_slice(), &[ours]].concat())
}

fn selector(key: &str, operator: &str, values: &[&str]) -> Value {
    json!({"key": key, "operator": operator, "values": values})
}

/// One entry for our kinds. `scope` is `Namespaced` where a namespace's label decides: selectors never leave out objects of
/// the cluster.
fn webhook(target: &Target<'_>, name: &str, path: &str, scope: &str, namespaces: &[Value]) -> Value {
    let rule = |version: &str| {
        let of_version = |kind: &Kind| kind.version() == version && (scope == "*" || kind.is_namespaced());
        let resources: Vec<_> = Kind::ALL.into_iter().filter(of_version).map(Kind::plural).collect();
        json!({
            "apiGroups": [GROUP],
            "apiVersions": [version],
            "operations": ["CREATE", "UPDATE"],
            "resources": resources,
            "scope": scope,
        })
    };
    let own = json!({"matchConditions": [{"name": "spec-matters", "expression": MATTERS}]});
    entry(target, name, path, namespaces, &[rule("v1"), rule("v1alpha1")], &own)
}

/// What all entries have, and what this one has of its own.
fn entry(
    target: &Target<'_>,
    name: &str,
    path: &str,
    namespaces: &[Value],
    rules: &[Value],
    own: &Value,
) -> Value {
    let mut client = match target.address {
        Address::Url(url) => json!({"url": format!("{}{path}", url.trim_end_matches('/'))}),
        Address::Service { namespace, name } => {
            json!({"service": {"namespace": namespace, "name": name, "path": path, "port": 443}})
        }
    };
    if let (Some(bundle), Some(client)) = (target.ca_bundle, client.as_object_mut()) {
        client.insert("caBundle".into(), bundle.into());
    }
    let mut entry = json!({
        "name": name,
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": "Fail",
        "matchPolicy": "Equivalent",
        "timeoutSeconds": 5,
        "clientConfig": client,
        "namespaceSelector": {"matchExpressions": namespaces},
        "rules": rules,
    });
    json_patch::merge(&mut entry, own);
    entry
}

//! The webhook configuration that makes the API server ask Keyhatch, as JSON that can be applied.

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

/// The ValidatingWebhookConfiguration.
pub fn validating(target: &Target<'_>) -> Value {
    let ours = match target.address {
        Address::Url(_) => NAMESPACE,
        Address::Service { namespace, .. } => namespace,
    };
    let spared = [SPARED_NAMESPACES.as_slice(), &[ours]].concat();
    let mut everywhere = vec![selector("kubernetes.io/metadata.name", "NotIn", &spared)];
    let mut webhooks = Vec::new();
    if target.allow_namespace_enforce {
        for enforce in ["deny", "warn"] {
            let labelled = [everywhere.clone(), vec![selector(ENFORCE_LABEL, "In", &[enforce])]].concat();
            let name = format!("{enforce}.validate.keyhatch.dev");
            webhooks.push(webhook(
                target,
                &name,
                &format!("{}/{enforce}", webhook::PATH),
                "Namespaced",
                &labelled,
            ));
        }
        everywhere.push(selector(ENFORCE_LABEL, "NotIn", &["deny", "warn"]));
    }
    webhooks.push(webhook(target, "validate.keyhatch.dev", webhook::PATH, "*", &everywhere));
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "keyhatch", "labels": {"app.kubernetes.io/name": "keyhatch"}},
        "webhooks": webhooks,
    })
}

fn selector(key: &str, operator: &str, values: &[&str]) -> Value {
    json!({"key": key, "operator": operator, "values": values})
}

/// One entry. `scope` is `Namespaced` where a namespace's label decides: selectors never leave out objects of
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
    let mut client = match target.address {
        Address::Url(url) => json!({"url": format!("{}{path}", url.trim_end_matches('/'))}),
        Address::Service { namespace, name } => {
            json!({"service": {"namespace": namespace, "name": name, "path": path, "port": 443}})
        }
    };
    if let (Some(bundle), Some(client)) = (target.ca_bundle, client.as_object_mut()) {
        client.insert("caBundle".into(), bundle.into());
    }
    json!({
        "name": name,
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": "Fail",
        "matchPolicy": "Equivalent",
        "timeoutSeconds": 5,
        "clientConfig": client,
        "namespaceSelector": {"matchExpressions": namespaces},
        "rules": [rule("v1"), rule("v1alpha1")],
        "matchConditions": [{"name": "spec-matters", "expression": MATTERS}],
    })
}

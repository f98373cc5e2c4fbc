//! The webhook configuration that makes the API server ask Keyhatch, as JSON that can be applied.

use serde_json::{Value, json};

use crate::api::{GROUP, Kind};
use crate::webhook;

/// Namespaces without which no cluster works: an outage of Keyhatch must not block them.
const SPARED_NAMESPACES: [&str; 4] = ["kube-system", "kube-public", "kube-node-lease", "keyhatch"];

/// Creations and changed specs are reviewed. Whatever leaves the spec alone, or concerns an object that is
/// being deleted, passes without a call: finalizers can go while no replica answers.
const MATTERS: &str =
    "oldObject == null || (object.?spec != oldObject.?spec && !has(object.metadata.deletionTimestamp))";

/// The ValidatingWebhookConfiguration for a server at `url`; `ca_bundle` is PEM, in base64.
pub fn validating(url: &str, ca_bundle: &str) -> Value {
    let rule = |version: &str| {
        let resources: Vec<_> =
            Kind::ALL.into_iter().filter(|kind| kind.version() == version).map(Kind::plural).collect();
        json!({
            "apiGroups": [GROUP],
            "apiVersions": [version],
            "operations": ["CREATE", "UPDATE"],
            "resources": resources,
            "scope": "*",
        })
    };
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "keyhatch", "labels": {"app.kubernetes.io/name": "keyhatch"}},
        "webhooks": [{
            "name": "validate.keyhatch.dev",
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "failurePolicy": "Fail",
            "matchPolicy": "Equivalent",
            "timeoutSeconds": 5,
            "clientConfig": {
                "url": format!("{}{}", url.trim_end_matches('/'), webhook::PATH),
                "caBundle": ca_bundle,
            },
            "namespaceSelector": {"matchExpressions": [
                {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": SPARED_NAMESPACES},
            ]},
            "rules": [rule("v1"), rule("v1alpha1")],
            "matchConditions": [{"name": "spec-matters", "expression": MATTERS}],
        }],
    })
}

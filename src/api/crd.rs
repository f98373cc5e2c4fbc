//! The CustomResourceDefinitions of all six kinds, generated from the types beside this file.
//!
//! They accept whatever the operator's own accept: the same versions, constraints and defaults, and every
//! unknown field is kept, so that an object written for another release or provider stays whole.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use serde_json::{Map, Value, json};

use super::Kind;
use super::cluster_external_secret::ClusterExternalSecret;
use super::cluster_push_secret::ClusterPushSecret;
use super::external_secret::ExternalSecret;
use super::push_secret::PushSecret;
use super::secret_store::{ClusterSecretStore, SecretStore};

/// The CustomResourceDefinition of a kind, as JSON that can be applied.
///
/// # Errors
/// Only if the generated definition has no JSON form, which a test rules out.
pub fn definition(kind: Kind) -> Result<Value, serde_json::Error> {
    let mut crd = serde_json::to_value(generated(kind))?;
    if let Some(Value::Array(versions)) = crd.pointer_mut("/spec/versions") {
        for version in versions.iter_mut() {
            if let Some(schema) = version.pointer_mut("/schema/openAPIV3Schema") {
                describe_root(schema);
                settle(schema);
            }
        }
        if kind.version() == "v1" {
            versions.push(no_longer_served());
        }
    }
    if let Some(members) = crd.as_object_mut() {
        members.shift_remove("status");
    }
    Ok(crd)
}

fn generated(kind: Kind) -> CustomResourceDefinition {
    match kind {
        Kind::SecretStore => SecretStore::crd(),
        Kind::ClusterSecretStore => ClusterSecretStore::crd(),
        Kind::ExternalSecret => ExternalSecret::crd(),
        Kind::ClusterExternalSecret => ClusterExternalSecret::crd(),
        Kind::PushSecret => PushSecret::crd(),
        Kind::ClusterPushSecret => ClusterPushSecret::crd(),
    }
}

/// `v1beta1` was stored by older releases: a cluster that has it in `status.storedVersions` refuses a
/// definition without it.
fn no_longer_served() -> Value {
    json!({
        "name": "v1beta1",
        "served": false,
        "storage": false,
        "deprecated": true,
        "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
        "subresources": {"status": {}},
    })
}

/// The root is described as its spec is, and no operator's schema requires a spec.
fn describe_root(schema: &mut Value) {
    let description = schema.pointer("/properties/spec/description").cloned();
    let Some(root) = schema.as_object_mut() else { return };
    root.shift_remove("required");
    root.shift_remove("title");
    if let Some(description) = description {
        root.insert("description".into(), description);
    }
}

/// Makes one schema node, and all below it, a Kubernetes one of ours.
fn settle(schema: &mut Value) {
    let Some(node) = schema.as_object_mut() else { return };
    if let Some(Value::String(description)) = node.get_mut("description") {
        *description = description.replace('\n', " ");
    }
    keep_unknown_fields(node);
    drop_zero_default(node);
    for (name, child) in node.iter_mut() {
        match (name.as_str(), child) {
            ("properties", Value::Object(properties)) => properties.values_mut().for_each(settle),
            ("items" | "additionalProperties", child) => settle(child),
            _ => {}
        }
    }
}

fn keep_unknown_fields(node: &mut Map<String, Value>) {
    if node.contains_key("properties") {
        node.insert("x-kubernetes-preserve-unknown-fields".into(), Value::Bool(true));
    }
}

/// schemars writes the value of an absent field as its default. Go's zero values are no defaults: filling
/// them in would change objects. A `null` that a user wrote is dropped by the API server, as it was before.
fn drop_zero_default(node: &mut Map<String, Value>) {
    let is_zero = node.get("default").is_some_and(|default| match default {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(value) => value.as_i64() == Some(0),
        Value::String(value) => value.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(members) => !members.contains_key("creationPolicy"),
    });
    if is_zero {
        node.shift_remove("default");
    }
    if node.get("format").and_then(Value::as_str) != Some("date-time") {
        node.shift_remove("nullable");
    }
}

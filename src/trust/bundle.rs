//! `caBundle` of our webhook configurations, kept by JSON Patch with a `test` on the version that was read and on each
//! entry's name: a late patch conflicts, and never brings an older bundle back.
//!
//! Not by server-side apply: that would make us a co-owner of the entries, and an installer that renames or removes
//! one would fail on the torso that we kept alive.

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, Patch, PatchOperation, TestOperation};
use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
};
use kube::ResourceExt;
use serde_json::Value;

/// A configuration with entries that each have a bundle.
pub(super) trait Configuration: ResourceExt {
    /// Name and bundle of each.
    fn entries(&self) -> impl Iterator<Item = (&str, Option<&ByteString>)>;
}

impl Configuration for ValidatingWebhookConfiguration {
    fn entries(&self) -> impl Iterator<Item = (&str, Option<&ByteString>)> {
        self.webhooks
            .iter()
            .flatten()
            .map(|entry| (entry.name.as_str(), entry.client_config.ca_bundle.as_ref()))
    }
}

impl Configuration for MutatingWebhookConfiguration {
    fn entries(&self) -> impl Iterator<Item = (&str, Option<&ByteString>)> {
        self.webhooks
            .iter()
            .flatten()
            .map(|entry| (entry.name.as_str(), entry.client_config.ca_bundle.as_ref()))
    }
}

/// Whether every entry shows the bundle. A configuration without entries shows nothing.
pub(super) fn is_shown(configuration: &impl Configuration, bundle: &str) -> bool {
    let mut entries = configuration.entries().peekable();
    entries.peek().is_some() && entries.all(|(_, shown)| shown.is_some_and(|b| b.0 == bundle.as_bytes()))
}

/// What brings the bundle into every entry that does not show it.
pub(super) fn patch(configuration: &impl Configuration, bundle: &str) -> Patch {
    let wanted = ByteString(bundle.as_bytes().to_vec());
    let version = configuration.resource_version().unwrap_or_default();
    let mut operations = vec![test(PointerBuf::from_tokens(["metadata", "resourceVersion"]), &version)];
    for (index, (name, shown)) in configuration.entries().enumerate() {
        if shown == Some(&wanted) {
            continue;
        }
        let entry = |rest: &[&str]| {
            let start = ["webhooks".to_owned(), index.to_string()];
            PointerBuf::from_tokens(start.iter().map(String::as_str).chain(rest.iter().copied()))
        };
        operations.push(test(entry(&["name"]), name));
        operations.push(PatchOperation::Add(AddOperation {
            path: entry(&["clientConfig", "caBundle"]),
            value: serde_json::to_value(&wanted).unwrap_or_default(),
        }));
    }
    Patch(operations)
}

fn test(path: PointerBuf, value: &str) -> PatchOperation {
    PatchOperation::Test(TestOperation { path, value: Value::from(value) })
}

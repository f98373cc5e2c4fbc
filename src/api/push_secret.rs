//! PushSecret: which keys of a Secret are kept in which remote secrets.
#![allow(unreachable_pub, reason = "KubeSchema copies its struct into a function")]

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::{Condition, SUBDOMAIN, StoreKind};
use super::data_from::{RewriteRegexp, RewriteTransform};
use super::push_metadata::Metadata;
use super::remote_ref::GeneratorRef;
use super::template::SecretTemplate;

/// Keys of Secrets that are kept in Secrets Manager.
#[derive(CustomResource, Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "external-secrets.io",
    version = "v1alpha1",
    kind = "PushSecret",
    namespaced,
    status = "PushSecretStatus",
    shortname = "ps",
    category = "external-secrets",
    label("external-secrets.io/component", "controller"),
    printcolumn(name = "AGE", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Status",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].reason"#
    ),
    printcolumn(name = "Last Sync", type_ = "date", json_path = ".status.refreshTime")
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("required" = ["secretStoreRefs", "selector"]))]
pub struct PushSecretSpec {
    /// Time between pushes, `1h`. `0s` pushes once for every change of the PushSecret.
    #[serde(default)]
    #[schemars(extend("default" = "1h0m0s"))]
    pub refresh_interval: Option<String>,
    /// The stores to push to.
    #[serde(default)]
    pub secret_store_refs: Vec<PushStoreRef>,
    /// Replace: remote secrets are updated. IfNotExists: they are only made.
    #[serde(default)]
    pub update_policy: UpdatePolicy,
    /// None: remote secrets stay when the PushSecret or an entry goes. Delete: they are deleted.
    #[serde(default)]
    pub deletion_policy: PushDeletionPolicy,
    /// The Secret, or Secrets, to push.
    #[serde(default)]
    pub selector: PushSelector,
    /// Single entries: a key of the Secret and where it goes.
    #[serde(default)]
    pub data: Vec<PushData>,
    /// Many keys at once, by a rule.
    #[serde(default)]
    pub data_to: Vec<PushDataTo>,
    /// Changes to the Secret before it is pushed.
    #[serde(default)]
    pub template: Option<SecretTemplate>,
}

/// A store, by name or by labels.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PushStoreRef {
    /// Name of the store.
    #[serde(default)]
    #[schemars(regex(pattern = SUBDOMAIN), length(min = 1, max = 253))]
    pub name: String,
    /// Stores with these labels.
    #[serde(default)]
    pub label_selector: Option<LabelSelector>,
    /// SecretStore or ClusterSecretStore.
    #[serde(default)]
    pub kind: StoreKind,
}

/// What happens to a remote secret that is already there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the field's description tells the values together")]
pub enum UpdatePolicy {
    #[default]
    Replace,
    IfNotExists,
}

/// What happens to remote secrets that are no longer pushed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the field's description tells the values together")]
pub enum PushDeletionPolicy {
    Delete,
    #[default]
    None,
}

/// What is pushed: Secrets, or what a generator makes.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub struct PushSelector {
    /// Secrets of the PushSecret's namespace.
    #[serde(default)]
    pub secret: Option<PushSource>,
    /// A generator of values.
    #[serde(default)]
    pub generator_ref: Option<GeneratorRef>,
}

/// A Secret by name, or Secrets by labels.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct PushSource {
    /// Name of the Secret.
    #[serde(default)]
    #[schemars(regex(pattern = SUBDOMAIN), length(min = 1, max = 253))]
    pub name: String,
    /// Secrets with these labels.
    #[serde(default)]
    pub selector: Option<LabelSelector>,
}

/// A key of the Secret and where it goes.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("required" = ["match"]))]
pub struct PushData {
    /// What goes where.
    #[serde(default, rename = "match")]
    pub match_: PushMatch,
    /// A PushSecretMetadata: tags, key, policy and format of the remote secret.
    #[serde(default)]
    #[schemars(schema_with = "anything")]
    pub metadata: Option<Metadata>,
    /// None, or ReverseUnicode to turn `_U0000_` in keys back into characters.
    #[serde(default)]
    pub conversion_strategy: PushConversion,
}

/// What goes where.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("required" = ["remoteRef"]))]
pub struct PushMatch {
    /// Key of the Secret. Empty: the whole Secret as one JSON document.
    #[serde(default)]
    pub secret_key: String,
    /// The remote secret.
    #[serde(default)]
    pub remote_ref: PushRemoteRef,
}

/// A remote secret, or a property of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("required" = ["remoteKey"]))]
pub struct PushRemoteRef {
    /// Name of the secret.
    #[serde(default)]
    pub remote_key: String,
    /// Property of the JSON document to set; the rest of the document stays.
    #[serde(default)]
    pub property: String,
}

/// Whether keys are turned back from their converted form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the field's description tells the values together")]
pub enum PushConversion {
    #[default]
    None,
    ReverseUnicode,
}

/// Many keys at once.
#[derive(Clone, Debug, Default, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.storeRef) && (has(self.storeRef.name) || has(self.storeRef.labelSelector))").message("storeRef needs a name or a labelSelector"))]
#[x_kube(validation = Rule::new("!has(self.remoteKey) || !has(self.rewrite) || size(self.rewrite) == 0").message("rewrite changes single keys and cannot be used with remoteKey, which bundles them"))]
pub struct PushDataTo {
    /// The store to push to: one of secretStoreRefs.
    #[serde(default)]
    pub store_ref: Option<PushStoreRef>,
    /// The remote secret that takes all keys as one JSON document. Without it each key is a secret.
    #[serde(default)]
    pub remote_key: Option<String>,
    /// Which keys: all, unless a regular expression says otherwise.
    #[serde(default, rename = "match")]
    pub match_: Option<PushKeyMatch>,
    /// Changes to the keys, which become the names of the remote secrets.
    #[serde(default)]
    pub rewrite: Vec<PushRewrite>,
    /// A PushSecretMetadata: tags, key, policy and format of the remote secrets.
    #[serde(default)]
    #[schemars(schema_with = "anything")]
    pub metadata: Option<Metadata>,
    /// None, or ReverseUnicode to turn `_U0000_` in keys back into characters.
    #[serde(default)]
    pub conversion_strategy: PushConversion,
}

/// Keys by name.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct PushKeyMatch {
    /// A regular expression (Go's RE2) that the key must contain.
    #[serde(default)]
    pub regexp: String,
}

/// One change to the keys.
#[derive(Clone, Debug, Default, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("has(self.regexp) != has(self.transform)").message("exactly one of regexp and transform must be set"))]
pub struct PushRewrite {
    /// Replace what a regular expression matches.
    #[serde(default)]
    pub regexp: Option<RewriteRegexp>,
    /// Make the key with a template.
    #[serde(default)]
    pub transform: Option<RewriteTransform>,
}

/// What is known of a PushSecret.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PushSecretStatus {
    /// When the secrets were last pushed.
    #[serde(default)]
    #[schemars(extend("format" = "date-time", "nullable" = true))]
    pub refresh_time: Option<String>,
    /// Version of the PushSecret that was pushed last.
    #[serde(default)]
    pub synced_resource_version: Option<String>,
    /// What was pushed: by store (`Kind/name`), then by remote key (`key` or `key/property`).
    #[serde(default)]
    pub synced_push_secrets: BTreeMap<String, BTreeMap<String, PushData>>,
    /// Whether the remote secrets are as they should be.
    #[serde(default)]
    pub conditions: Vec<Condition>,
}

/// A field that holds whatever its provider wants.
fn anything(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "x-kubernetes-preserve-unknown-fields": true })
}

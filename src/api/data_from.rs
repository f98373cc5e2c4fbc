//! `dataFrom`: whole secrets, found or extracted, and what becomes of their keys.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::remote_ref::{ConversionStrategy, DecodingStrategy, NullBytePolicy, RemoteRef, SourceRef};

/// Whole secrets: one of extract, find or a generator.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DataFrom {
    /// Every key of one JSON secret.
    #[serde(default)]
    pub extract: Option<RemoteRef>,
    /// Every secret that matches.
    #[serde(default)]
    pub find: Option<Find>,
    /// Changes to the keys, in order.
    #[serde(default)]
    pub rewrite: Vec<Rewrite>,
    /// A store for this entry alone, or a generator.
    #[serde(default)]
    pub source_ref: Option<SourceRef>,
}

/// Every secret that matches the name or all the tags.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Find {
    /// Only secrets whose name starts with this.
    #[serde(default)]
    pub path: Option<String>,
    /// By name.
    #[serde(default)]
    pub name: Option<FindName>,
    /// By tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// How keys that no Secret can have are changed: Default puts `_`, Unicode `_U0000_`.
    #[serde(default)]
    pub conversion_strategy: Option<ConversionStrategy>,
    /// How values are decoded: Auto, Base64, Base64URL or None (the default).
    #[serde(default)]
    pub decoding_strategy: Option<DecodingStrategy>,
    /// Ignore (the default), or Fail on values with null bytes.
    #[serde(default)]
    pub null_byte_policy: Option<NullBytePolicy>,
}

/// Secrets by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FindName {
    /// A regular expression (Go's RE2) that the name must contain. Anchor it with `^` and `$`.
    #[serde(default)]
    pub regexp: String,
}

/// One change to the keys.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub struct Rewrite {
    /// Merge the JSON values of all keys.
    #[serde(default)]
    pub merge: Option<RewriteMerge>,
    /// Replace what a regular expression matches.
    #[serde(default)]
    pub regexp: Option<RewriteRegexp>,
    /// Make the key with a template.
    #[serde(default)]
    pub transform: Option<RewriteTransform>,
}

/// Merge the JSON values of all keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RewriteMerge {
    /// Key for the merged document, with strategy JSON.
    #[serde(default)]
    #[schemars(extend("default" = ""))]
    pub into: String,
    /// Keys that win, later ones more.
    #[serde(default)]
    pub priority: Vec<String>,
    /// Strict: every key of `priority` must be there. IgnoreNotFound: absent ones are left out.
    #[serde(default)]
    pub priority_policy: PriorityPolicy,
    /// Error: keys that occur twice are an error. Ignore: the later one wins.
    #[serde(default)]
    pub conflict_policy: ConflictPolicy,
    /// Extract: the merged keys become keys of the Secret. JSON: they become one document, `into`.
    #[serde(default)]
    pub strategy: MergeStrategy,
}

/// Whether priority keys must be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the field's description tells the values together")]
pub enum PriorityPolicy {
    IgnoreNotFound,
    #[default]
    Strict,
}

/// What becomes of keys that occur twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the field's description tells the values together")]
pub enum ConflictPolicy {
    Ignore,
    #[default]
    Error,
}

/// What a merge makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum MergeStrategy {
    /// Keys of the Secret.
    #[default]
    Extract,
    /// One document.
    #[serde(rename = "JSON")]
    Json,
}

/// Replace what a regular expression (Go's RE2) matches in the key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("required" = ["source", "target"]))]
pub struct RewriteRegexp {
    /// The regular expression.
    #[serde(default)]
    pub source: String,
    /// The replacement; `$1` is the first group.
    #[serde(default)]
    pub target: String,
}

/// Make the key with a template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("required" = ["template"]))]
pub struct RewriteTransform {
    /// A Go template; `.value` is the key.
    #[serde(default)]
    pub template: String,
}

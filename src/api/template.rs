//! The template of a Secret, which ExternalSecrets and PushSecrets share.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::{DATA_KEY, SUBDOMAIN};

/// How the Secret is made from the fetched values.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretTemplate {
    /// Type of the Secret, `kubernetes.io/tls`.
    #[serde(default, rename = "type")]
    pub type_: String,
    /// Version of the template language.
    #[serde(default)]
    pub engine_version: EngineVersion,
    /// Labels, annotations and finalizers of the Secret.
    #[serde(default)]
    pub metadata: Option<TemplateMetadata>,
    /// Replace: only what the template says. Merge: the fetched values, too.
    #[serde(default)]
    pub merge_policy: MergePolicy,
    /// Key to Go template.
    #[serde(default)]
    pub data: BTreeMap<String, String>,
    /// Further templates, in order.
    #[serde(default)]
    pub template_from: Vec<TemplateFrom>,
}

/// Version of the template language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EngineVersion {
    /// Go text/template with sprig.
    #[default]
    V2,
}

/// What becomes of fetched values beside a template.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum MergePolicy {
    /// They are left out.
    #[default]
    Replace,
    /// They are kept.
    Merge,
}

/// Metadata of the Secret; values are templates.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateMetadata {
    /// Annotations.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// Labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Finalizers.
    #[serde(default)]
    pub finalizers: Vec<String>,
}

/// A template from elsewhere.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateFrom {
    /// Templates in a ConfigMap.
    #[serde(default)]
    pub config_map: Option<TemplateSource>,
    /// Templates in a Secret.
    #[serde(default)]
    pub secret: Option<TemplateSource>,
    /// A template that renders to a YAML map.
    #[serde(default)]
    pub literal: Option<String>,
    /// What the result fills: Data, Annotations or Labels.
    #[serde(default = "data")]
    #[schemars(extend("default" = "Data"))]
    pub target: String,
    /// How the values of the source are decoded before use.
    #[serde(default)]
    pub values_decoding_strategy: Option<super::remote_ref::DecodingStrategy>,
}

fn data() -> String {
    "Data".into()
}

/// Templates in a ConfigMap or Secret.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("required" = ["name", "items"]))]
pub struct TemplateSource {
    /// Name of the object.
    #[serde(default)]
    #[schemars(regex(pattern = SUBDOMAIN), length(min = 1, max = 253))]
    pub name: String,
    /// Keys to use.
    #[serde(default)]
    pub items: Vec<TemplateItem>,
}

/// One key of a template source.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("required" = ["key"]))]
pub struct TemplateItem {
    /// The key.
    #[serde(default)]
    #[schemars(regex(pattern = DATA_KEY), length(min = 1, max = 253))]
    pub key: String,
    /// Values: the template renders to this key's value. KeysAndValues: to a YAML map.
    #[serde(default)]
    pub template_as: TemplateScope,
}

/// What a template renders to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TemplateScope {
    /// One value.
    #[default]
    Values,
    /// A YAML map of keys and values.
    KeysAndValues,
}

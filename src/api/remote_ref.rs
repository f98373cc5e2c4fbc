//! What an entry of an ExternalSecret reads: a remote secret, a part of it, and from which store.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::{SUBDOMAIN, StoreRef};

/// A remote secret or a part of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("required" = ["key"]))]
pub struct RemoteRef {
    /// Name or ARN of the secret.
    #[serde(default)]
    pub key: String,
    /// None (the default), or Fetch to read the secret's tags instead of its value.
    #[serde(default)]
    pub metadata_policy: Option<MetadataPolicy>,
    /// A value inside a JSON secret: a key or a gjson path, `db.password`.
    #[serde(default)]
    pub property: String,
    /// A staging label such as AWSPREVIOUS, or `uuid/` and a version id. By default AWSCURRENT.
    #[serde(default)]
    pub version: String,
    /// How keys that no Secret can have are changed: Default puts `_`, Unicode `_U0000_`.
    #[serde(default)]
    pub conversion_strategy: Option<ConversionStrategy>,
    /// How the value is decoded: Auto, Base64, Base64URL or None (the default).
    #[serde(default)]
    pub decoding_strategy: Option<DecodingStrategy>,
    /// Ignore (the default), or Fail on values with null bytes.
    #[serde(default)]
    pub null_byte_policy: Option<NullBytePolicy>,
}

/// None (the default): the value is read. Fetch: the tags of the secret, as one JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum MetadataPolicy {
    /// The value.
    None,
    /// The tags.
    Fetch,
}

/// How characters that no key of a Secret can have are replaced: Default by `_`, Unicode by `_U0000_`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ConversionStrategy {
    /// Other characters become `_`.
    Default,
    /// Other characters become `_U0000_`.
    Unicode,
}

/// How the value is decoded: Base64, Base64URL, None (the default: not at all), or Auto (whichever fits).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DecodingStrategy {
    /// Whichever decodes, else unchanged.
    Auto,
    /// Standard alphabet.
    Base64,
    /// URL alphabet.
    #[serde(rename = "Base64URL")]
    Base64Url,
    /// Unchanged.
    None,
}

/// What becomes of values with null bytes: Ignore (the default) keeps them, Fail is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum NullBytePolicy {
    /// They are kept.
    Ignore,
    /// They are an error.
    Fail,
}

/// Where one entry is read from: a store, or a generator.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub struct SourceRef {
    /// A store.
    #[serde(default)]
    pub store_ref: Option<StoreRef>,
    /// A generator of values.
    #[serde(default)]
    pub generator_ref: Option<GeneratorRef>,
}

/// A generator of values.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("required" = ["kind", "name"]))]
pub struct GeneratorRef {
    /// API version of the generator.
    #[serde(default = "generators")]
    #[schemars(extend("default" = "generators.external-secrets.io/v1alpha1"))]
    pub api_version: String,
    /// Kind of the generator, `Password`.
    #[serde(default)]
    pub kind: String,
    /// Name of the generator.
    #[serde(default)]
    #[schemars(regex(pattern = SUBDOMAIN), length(min = 1, max = 253))]
    pub name: String,
}

fn generators() -> String {
    "generators.external-secrets.io/v1alpha1".into()
}

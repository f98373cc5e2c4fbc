//! PushSecretMetadata: what a PushSecret says of a remote secret beside its value.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// `apiVersion` of the envelope.
pub const API_VERSION: &str = "kubernetes.external-secrets.io/v1alpha1";
/// `kind` of the envelope.
pub const KIND: &str = "PushSecretMetadata";

/// Tags, encryption key, policy, replicas and format of a remote secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PushSecretMetadata {
    /// Whether the value is kept as SecretBinary (the default) or SecretString.
    pub secret_push_format: Option<PushFormat>,
    /// Description of the secret, up to 2048 characters.
    pub description: Option<String>,
    /// KMS key id, ARN or alias. `kmsKeyID` is understood, too.
    pub kms_key_id: Option<String>,
    /// Tags of the secret. `managed-by` is added.
    pub tags: Option<BTreeMap<String, String>>,
    /// Resource policy of the secret.
    pub resource_policy: Option<ResourcePolicy>,
    /// Regions of replicas. Absent: not managed; empty: none.
    pub replication_locations: Option<Vec<String>>,
}

/// How the value is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PushFormat {
    /// As SecretBinary.
    #[default]
    Binary,
    /// As SecretString.
    String,
}

/// A resource policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResourcePolicy {
    /// Refuse policies that open the secret to everybody.
    pub block_public_policy: Option<bool>,
    /// Where the policy's text is.
    pub policy_source_ref: Option<PolicySource>,
}

/// A key of a ConfigMap or Secret in the PushSecret's namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicySource {
    /// ConfigMap or Secret.
    #[serde(default)]
    pub kind: String,
    /// Name of the object.
    #[serde(default)]
    pub name: String,
    /// Key in its data.
    #[serde(default)]
    pub key: String,
}

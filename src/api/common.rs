//! Parts that several kinds share: references to stores, Secrets and ServiceAccounts, conditions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// DNS-1123 subdomain: the name of an object.
pub const SUBDOMAIN: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
/// DNS-1123 label: the name of a namespace.
pub const LABEL: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";
/// A key in the data of a Secret or ConfigMap.
pub const DATA_KEY: &str = r"^[-._a-zA-Z0-9]+$";

/// SecretStore (of this namespace, the default) or ClusterSecretStore (of the cluster).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum StoreKind {
    /// A store of the object's own namespace.
    #[default]
    SecretStore,
    /// A store of the cluster.
    ClusterSecretStore,
}

impl StoreKind {
    /// The kind's name, as it stands in manifests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SecretStore => "SecretStore",
            Self::ClusterSecretStore => "ClusterSecretStore",
        }
    }
}

/// A store, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoreRef {
    /// Name of the store.
    #[serde(default)]
    #[schemars(regex(pattern = SUBDOMAIN), length(min = 1, max = 253))]
    pub name: String,
    /// SecretStore (the default) or ClusterSecretStore.
    #[serde(default)]
    pub kind: Option<StoreKind>,
}

/// One key of a Secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretKeySelector {
    /// Name of the Secret.
    #[serde(default)]
    #[schemars(regex(pattern = SUBDOMAIN), length(min = 1, max = 253))]
    pub name: String,
    /// Namespace of the Secret. Only a ClusterSecretStore may name one; without it the consumer's
    /// namespace is meant.
    #[serde(default)]
    #[schemars(regex(pattern = LABEL), length(min = 1, max = 63))]
    pub namespace: Option<String>,
    /// Key in the Secret's data.
    #[serde(default)]
    #[schemars(regex(pattern = DATA_KEY), length(min = 1, max = 253))]
    pub key: String,
}

/// A ServiceAccount whose tokens are exchanged for AWS credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("required" = ["name"]))]
pub struct ServiceAccountSelector {
    /// Name of the ServiceAccount. Its annotation `eks.amazonaws.com/role-arn` names the role.
    #[serde(default)]
    #[schemars(regex(pattern = SUBDOMAIN), length(min = 1, max = 253))]
    pub name: String,
    /// Namespace of the ServiceAccount. Only a ClusterSecretStore may name one; without it the
    /// consumer's namespace is meant.
    #[serde(default)]
    #[schemars(regex(pattern = LABEL), length(min = 1, max = 63))]
    pub namespace: Option<String>,
    /// Audiences of the token, besides `sts.amazonaws.com`.
    #[serde(default)]
    pub audiences: Vec<String>,
}

/// One condition of a status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("required" = ["type", "status"]))]
pub struct Condition {
    /// What the condition is about, `Ready`.
    #[serde(default, rename = "type")]
    pub type_: String,
    /// `True`, `False` or `Unknown`.
    #[serde(default)]
    pub status: String,
    /// The cause in one word.
    #[serde(default)]
    pub reason: Option<String>,
    /// The cause in a sentence.
    #[serde(default)]
    pub message: Option<String>,
    /// When `status` last changed.
    #[serde(default)]
    #[schemars(extend("format" = "date-time"))]
    pub last_transition_time: Option<String>,
}

impl Condition {
    /// The type of the condition that says whether all is as it should be.
    pub const READY: &str = "Ready";

    /// The condition Ready among those of a status.
    pub fn ready(conditions: &[Self]) -> Option<&Self> {
        conditions.iter().find(|condition| condition.type_ == Self::READY)
    }
}

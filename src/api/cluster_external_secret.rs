//! ClusterExternalSecret: one ExternalSecret for many namespaces.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::{Condition, LABEL, SUBDOMAIN};
use super::external_secret::ExternalSecretSpec;

/// An ExternalSecret that is made in many namespaces.
#[derive(CustomResource, Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "external-secrets.io",
    version = "v1",
    kind = "ClusterExternalSecret",
    status = "ClusterExternalSecretStatus",
    shortname = "ces",
    category = "external-secrets",
    label("external-secrets.io/component", "controller"),
    printcolumn(
        name = "Store",
        type_ = "string",
        json_path = ".spec.externalSecretSpec.secretStoreRef.name"
    ),
    printcolumn(name = "Refresh Interval", type_ = "string", json_path = ".spec.refreshTime"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#
    )
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("required" = ["externalSecretSpec"]))]
pub struct ClusterExternalSecretSpec {
    /// The spec of each ExternalSecret.
    #[serde(default)]
    pub external_secret_spec: ExternalSecretSpec,
    /// The name of each ExternalSecret; by default that of the ClusterExternalSecret.
    #[serde(default)]
    #[schemars(regex(pattern = SUBDOMAIN), length(min = 1, max = 253))]
    pub external_secret_name: String,
    /// Labels and annotations of each ExternalSecret.
    #[serde(default)]
    pub external_secret_metadata: Option<FanOutMetadata>,
    /// Namespaces with these labels. Deprecated: use namespaceSelectors.
    #[serde(default)]
    pub namespace_selector: Option<LabelSelector>,
    /// Namespaces that one of these selectors matches.
    #[serde(default)]
    pub namespace_selectors: Vec<LabelSelector>,
    /// Namespaces of these names. Deprecated: use namespaceSelectors with kubernetes.io/metadata.name.
    #[serde(default)]
    #[schemars(inner(regex(pattern = LABEL), length(min = 1, max = 63)))]
    pub namespaces: Vec<String>,
    /// How often the namespaces are looked through, `1h`.
    #[serde(default)]
    pub refresh_time: Option<String>,
}

/// Labels and annotations of the objects that are made.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct FanOutMetadata {
    /// Annotations.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// Labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// What is known of a ClusterExternalSecret.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClusterExternalSecretStatus {
    /// The name of each ExternalSecret.
    #[serde(default)]
    pub external_secret_name: Option<String>,
    /// Namespaces without the ExternalSecret, and why.
    #[serde(default)]
    pub failed_namespaces: Vec<FailedNamespace>,
    /// Namespaces with the ExternalSecret.
    #[serde(default)]
    pub provisioned_namespaces: Vec<String>,
    /// Whether all namespaces have it.
    #[serde(default)]
    pub conditions: Vec<Condition>,
}

/// A namespace without the object, and why.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("required" = ["namespace"]))]
pub struct FailedNamespace {
    /// The namespace.
    #[serde(default)]
    pub namespace: String,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

//! ClusterPushSecret: one PushSecret for many namespaces.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cluster_external_secret::{FailedNamespace, FanOutMetadata};
use super::common::{Condition, SUBDOMAIN};
use super::push_secret::PushSecretSpec;

/// A PushSecret that is made in many namespaces.
#[derive(CustomResource, Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "external-secrets.io",
    version = "v1alpha1",
    kind = "ClusterPushSecret",
    status = "ClusterPushSecretStatus",
    category = "external-secrets",
    label("external-secrets.io/component", "controller"),
    printcolumn(name = "AGE", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Status",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].reason"#
    )
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("required" = ["pushSecretSpec"]))]
pub struct ClusterPushSecretSpec {
    /// The spec of each PushSecret.
    #[serde(default)]
    pub push_secret_spec: PushSecretSpec,
    /// How often the namespaces are looked through, `1h`.
    #[serde(default)]
    pub refresh_time: Option<String>,
    /// The name of each PushSecret; by default that of the ClusterPushSecret.
    #[serde(default)]
    #[schemars(regex(pattern = SUBDOMAIN), length(min = 1, max = 253))]
    pub push_secret_name: String,
    /// Labels and annotations of each PushSecret.
    #[serde(default)]
    pub push_secret_metadata: Option<FanOutMetadata>,
    /// Namespaces that one of these selectors matches.
    #[serde(default)]
    pub namespace_selectors: Vec<LabelSelector>,
}

/// What is known of a ClusterPushSecret.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClusterPushSecretStatus {
    /// Namespaces without the PushSecret, and why.
    #[serde(default)]
    pub failed_namespaces: Vec<FailedNamespace>,
    /// Namespaces with the PushSecret.
    #[serde(default)]
    pub provisioned_namespaces: Vec<String>,
    /// The name of each PushSecret.
    #[serde(default)]
    pub push_secret_name: Option<String>,
    /// Whether all namespaces have it.
    #[serde(default)]
    pub conditions: Vec<Condition>,
}

//! SecretStore and ClusterSecretStore: which account and region, as whom.
#![allow(unreachable_pub, reason = "KubeSchema copies its struct into a function")]

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::common::{Condition, LABEL, SecretKeySelector, ServiceAccountSelector};

/// The class of controllers that hands a store to Keyhatch's own loops.
pub const OWN_CLASS: &str = "keyhatch";

/// Which stores' objects are ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Adopt {
    /// Those of stores with `spec.controller: keyhatch`.
    #[default]
    None,
    /// Those of stores that name no controller, too.
    All,
}

impl Adopt {
    /// Whether the objects of a store with this `spec.controller` are ours.
    pub fn adopts(self, controller: &str) -> bool {
        match controller {
            OWN_CLASS => true,
            "" => self == Self::All,
            _ => false,
        }
    }
}

/// Access to AWS Secrets Manager for one namespace: the region, and the identity to use there.
#[derive(CustomResource, Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "external-secrets.io",
    version = "v1",
    kind = "SecretStore",
    namespaced,
    status = "SecretStoreStatus",
    shortname = "ss",
    category = "external-secrets",
    label("external-secrets.io/component", "controller"),
    printcolumn(name = "AGE", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Status",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].reason"#
    ),
    printcolumn(name = "Capabilities", type_ = "string", json_path = ".status.capabilities"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#
    )
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("required" = ["provider"]))]
pub struct SecretStoreSpec {
    /// Class of the controller that serves this store; empty means any. `keyhatch` hands the store, and
    /// the objects that use it, to Keyhatch's loops.
    #[serde(default)]
    pub controller: String,
    /// Where the secrets are: exactly one provider.
    #[serde(default)]
    pub provider: Provider,
    /// How failed calls to AWS are repeated.
    #[serde(default)]
    pub retry_settings: Option<RetrySettings>,
    /// How often the store's credentials are checked: seconds, or a duration such as `5m`.
    #[serde(default)]
    pub refresh_interval: Option<IntOrString>,
    /// Which namespaces may use a ClusterSecretStore: any that one entry matches. Empty means all.
    #[serde(default)]
    pub conditions: Vec<NamespaceCondition>,
}

impl SecretStoreSpec {
    /// Whether its objects are ours: it is of our controller, or all are, and it is one of AWS Secrets Manager.
    pub fn is_ours(&self, adopt: Adopt) -> bool {
        adopt.adopts(&self.controller) && self.secrets_manager().is_some()
    }

    /// The provider, if this is a store of AWS Secrets Manager; every other store is left alone.
    pub fn secrets_manager(&self) -> Option<&AwsProvider> {
        self.provider.aws.as_ref().filter(|aws| aws.service == Some(AwsService::SecretsManager))
    }
}

/// The same for the whole cluster.
#[derive(CustomResource, Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "external-secrets.io",
    version = "v1",
    kind = "ClusterSecretStore",
    status = "SecretStoreStatus",
    doc = "Access to AWS Secrets Manager for many namespaces: the region, and the identity to use there.",
    shortname = "css",
    category = "external-secrets",
    label("external-secrets.io/component", "controller"),
    printcolumn(name = "AGE", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Status",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].reason"#
    ),
    printcolumn(name = "Capabilities", type_ = "string", json_path = ".status.capabilities"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#
    )
)]
#[serde(transparent)]
#[schemars(transparent)]
pub struct ClusterSecretStoreSpec(pub SecretStoreSpec);

/// The provider of a store. Stores of providers other than `aws` are kept whole and left alone.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub struct Provider {
    /// Amazon Web Services.
    pub aws: Option<AwsProvider>,
    /// Names of other providers that are set.
    #[serde(skip)]
    pub others: Vec<String>,
}

/// By hand, because the names of other providers are wanted and what they hold is not.
impl<'de> Deserialize<'de> for Provider {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Provider;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with one provider")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Provider, A::Error> {
                let mut provider = Provider::default();
                while let Some(name) = members.next_key::<String>()? {
                    if name == "aws" {
                        provider.aws = members.next_value()?;
                    } else {
                        members.next_value::<IgnoredAny>()?;
                        provider.others.push(name);
                    }
                }
                Ok(provider)
            }
        }

        deserializer.deserialize_map(Members)
    }
}

/// An AWS service in one region, used as one identity.
#[derive(Clone, Debug, Default, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("required" = ["service", "region"]))]
pub struct AwsProvider {
    /// The service. Keyhatch works with SecretsManager; stores of the other services are left alone.
    #[serde(default)]
    #[schemars(with = "AwsService")]
    pub service: Option<AwsService>,
    /// The region of the secrets, `eu-central-1`.
    #[serde(default)]
    pub region: String,
    /// How the first credentials are had. Without it the controller's own identity is used.
    #[serde(default)]
    pub auth: AwsAuth,
    /// ARN of the IAM role that is assumed last and reads the secrets.
    #[serde(default)]
    pub role: String,
    /// ARNs of IAM roles that are assumed before `role`, in this order.
    #[serde(default)]
    pub additional_roles: Vec<String>,
    /// External id that the trust policy of `role` asks for.
    #[serde(default, rename = "externalID")]
    pub external_id: String,
    /// Session tags for `role`, when `sessionTagsPolicy` is None.
    #[serde(default)]
    pub session_tags: Vec<SessionTag>,
    /// Keys of session tags that stay when the session of `role` assumes further roles.
    #[serde(default)]
    pub transitive_tag_keys: Vec<String>,
    /// None: the tags of `sessionTags`. Simple: tags that name the consumer's namespace and the store
    /// (esoNamespace, esoStoreName, esoStoreKind). Custom: those, and `customSessionTags`.
    #[serde(default)]
    pub session_tags_policy: SessionTagsPolicy,
    /// Further session tags, when `sessionTagsPolicy` is Custom.
    #[serde(default)]
    #[x_kube(validation = Rule::new("!('esoNamespace' in self) && !('esoStoreName' in self) && !('esoStoreKind' in self)").message("esoNamespace, esoStoreName and esoStoreKind are set by the controller and cannot be given"))]
    pub custom_session_tags: BTreeMap<String, String>,
    /// Put before every remote key, without a separator: `prod/`.
    #[serde(default)]
    pub prefix: String,
    /// How secrets are deleted.
    #[serde(default)]
    pub secrets_manager: Option<SecretsManagerSettings>,
}

/// The service. Keyhatch works with SecretsManager; stores of the other services are left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AwsService {
    /// AWS Secrets Manager.
    SecretsManager,
    /// AWS Systems Manager Parameter Store.
    ParameterStore,
    /// AWS Certificate Manager.
    CertificateManager,
}

/// Where the first credentials come from: one of the two, or neither for the controller's own.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AwsAuth {
    /// Access keys kept in Secrets.
    #[serde(default)]
    pub secret_ref: Option<SecretRefAuth>,
    /// A ServiceAccount's token, exchanged for a role (IRSA).
    #[serde(default)]
    pub jwt: Option<JwtAuth>,
}

/// Access keys kept in Secrets.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretRefAuth {
    /// The access key id.
    #[serde(default, rename = "accessKeyIDSecretRef")]
    pub access_key_id: Option<SecretKeySelector>,
    /// The secret access key.
    #[serde(default, rename = "secretAccessKeySecretRef")]
    pub secret_access_key: Option<SecretKeySelector>,
    /// The session token of temporary credentials.
    #[serde(default, rename = "sessionTokenSecretRef")]
    pub session_token: Option<SecretKeySelector>,
}

/// A ServiceAccount's token, exchanged for the role that its annotation names.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JwtAuth {
    /// The ServiceAccount.
    #[serde(default)]
    pub service_account_ref: Option<ServiceAccountSelector>,
}

/// A tag of an STS session.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("required" = ["key", "value"]))]
pub struct SessionTag {
    /// Key, up to 128 characters.
    #[serde(default)]
    pub key: String,
    /// Value, up to 256 characters.
    #[serde(default)]
    pub value: String,
}

/// Where session tags come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SessionTagsPolicy {
    /// From `sessionTags`.
    #[default]
    None,
    /// From the consumer and the store.
    Simple,
    /// From the consumer, the store and `customSessionTags`.
    Custom,
}

/// How secrets are deleted from Secrets Manager.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretsManagerSettings {
    /// Delete at once; the secret cannot be restored.
    #[serde(default)]
    pub force_delete_without_recovery: bool,
    /// Days in which a deleted secret can be restored: 7 to 30. 0 or absent: AWS's default of 30.
    #[serde(default)]
    pub recovery_window_in_days: i64,
}

/// How failed calls to AWS are repeated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetrySettings {
    /// Attempts of a call, the first included.
    #[serde(default)]
    pub max_retries: Option<i32>,
    /// Pause between attempts, `10s`.
    #[serde(default)]
    pub retry_interval: Option<String>,
}

/// Namespaces that may use a ClusterSecretStore: what any of the fields matches.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceCondition {
    /// Namespaces with these labels.
    #[serde(default)]
    pub namespace_selector: Option<LabelSelector>,
    /// Namespaces of these names.
    #[serde(default)]
    #[schemars(inner(regex(pattern = LABEL), length(min = 1, max = 63)))]
    pub namespaces: Vec<String>,
    /// Namespaces whose name one of these regular expressions (Go's RE2) finds. Anchor them with `^` and `$`.
    #[serde(default)]
    pub namespace_regexes: Vec<String>,
}

/// What is known of a store.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretStoreStatus {
    /// Whether the store can be used.
    #[serde(default)]
    pub conditions: Vec<Condition>,
    /// ReadOnly, WriteOnly or ReadWrite.
    #[serde(default)]
    pub capabilities: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_says_whose_its_objects_are() {
        for (adopt, controller, expected) in [
            (Adopt::None, "keyhatch", true),
            (Adopt::None, "", false),
            (Adopt::None, "default", false),
            (Adopt::All, "keyhatch", true),
            (Adopt::All, "", true),
            (Adopt::All, "default", false),
        ] {
            assert_eq!(adopt.adopts(controller), expected, "{adopt:?} {controller}");
        }
    }
}

//! The `external-secrets.io` resources as Keyhatch reads them: one small type for each kind.
//!
//! Every field may be absent and then has Go's zero value, as in the operator these types were first
//! written for; what is required, and which defaults the API server fills in, is said in the schema
//! only. So an object that breaks the schema can still be read and judged whole.

#![allow(clippy::duplicated_attributes, reason = "kube's printcolumn is repeated once a column")]

pub mod cluster_external_secret;
pub mod cluster_push_secret;
pub mod common;
pub mod crd;
pub mod data_from;
pub mod external_secret;
pub mod push_metadata;
pub mod push_secret;
pub mod remote_ref;
pub mod secret_store;
pub mod template;

use std::fmt;

use serde::Serialize;

/// The API group of all six kinds.
pub const GROUP: &str = "external-secrets.io";

/// The kinds that Keyhatch knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Kind {
    /// A namespace's access to AWS.
    SecretStore,
    /// The cluster's access to AWS, for many namespaces.
    ClusterSecretStore,
    /// Remote secrets that become a Secret.
    ExternalSecret,
    /// An ExternalSecret for many namespaces.
    ClusterExternalSecret,
    /// A Secret that is kept in Secrets Manager.
    PushSecret,
    /// A PushSecret for many namespaces.
    ClusterPushSecret,
}

impl Kind {
    /// All kinds, stores first: the order in which they are best applied and documented.
    pub const ALL: [Self; 6] = [
        Self::SecretStore,
        Self::ClusterSecretStore,
        Self::ExternalSecret,
        Self::ClusterExternalSecret,
        Self::PushSecret,
        Self::ClusterPushSecret,
    ];

    /// The kind of this name, if it is one of ours.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// `SecretStore`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SecretStore => "SecretStore",
            Self::ClusterSecretStore => "ClusterSecretStore",
            Self::ExternalSecret => "ExternalSecret",
            Self::ClusterExternalSecret => "ClusterExternalSecret",
            Self::PushSecret => "PushSecret",
            Self::ClusterPushSecret => "ClusterPushSecret",
        }
    }

    /// `secretstores`, as in URLs and webhook rules.
    pub fn plural(self) -> &'static str {
        match self {
            Self::SecretStore => "secretstores",
            Self::ClusterSecretStore => "clustersecretstores",
            Self::ExternalSecret => "externalsecrets",
            Self::ClusterExternalSecret => "clusterexternalsecrets",
            Self::PushSecret => "pushsecrets",
            Self::ClusterPushSecret => "clusterpushsecrets",
        }
    }

    /// The served version.
    pub fn version(self) -> &'static str {
        match self {
            Self::SecretStore
            | Self::ClusterSecretStore
            | Self::ExternalSecret
            | Self::ClusterExternalSecret => "v1",
            Self::PushSecret | Self::ClusterPushSecret => "v1alpha1",
        }
    }

    /// `external-secrets.io/v1`.
    pub fn api_version(self) -> &'static str {
        match self.version() {
            "v1" => "external-secrets.io/v1",
            _ => "external-secrets.io/v1alpha1",
        }
    }

    /// Whether objects of this kind live in a namespace.
    pub fn is_namespaced(self) -> bool {
        matches!(self, Self::SecretStore | Self::ExternalSecret | Self::PushSecret)
    }
}

impl From<common::StoreKind> for Kind {
    fn from(kind: common::StoreKind) -> Self {
        match kind {
            common::StoreKind::SecretStore => Self::SecretStore,
            common::StoreKind::ClusterSecretStore => Self::ClusterSecretStore,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

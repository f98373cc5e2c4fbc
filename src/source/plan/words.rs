//! Words of access: which store, and the steps to credentials.

use std::fmt;

use crate::api::common::StoreKind;
use crate::api::secret_store::RetrySettings;

/// A store by kind, namespace (empty for a ClusterSecretStore) and name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StoreId {
    /// SecretStore or ClusterSecretStore.
    pub kind: StoreKind,
    /// Its namespace; empty for a ClusterSecretStore.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl StoreId {
    /// The store of a name, as a namespace sees it.
    pub fn seen_from(namespace: &str, kind: StoreKind, name: &str) -> Self {
        let namespace = match kind {
            StoreKind::SecretStore => namespace,
            StoreKind::ClusterSecretStore => "",
        };
        Self { kind, namespace: namespace.to_owned(), name: name.to_owned() }
    }
}

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, namespace, name } = self;
        match kind {
            StoreKind::SecretStore => write!(f, "SecretStore {namespace}/{name}"),
            StoreKind::ClusterSecretStore => write!(f, "ClusterSecretStore {name}"),
        }
    }
}

/// Which stores may use Keyhatch's own AWS identity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Ambient {
    /// Every store without `auth`.
    #[default]
    All,
    /// ClusterSecretStores only.
    Cluster,
    /// None.
    None,
}

impl Ambient {
    pub(super) fn allows(self, kind: StoreKind) -> bool {
        match self {
            Self::All => true,
            Self::Cluster => kind == StoreKind::ClusterSecretStore,
            Self::None => false,
        }
    }
}

/// How a store's secrets are reached, for one consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The region of the secrets.
    pub region: String,
    /// Put before every key.
    pub prefix: String,
    /// Where the first credentials come from.
    pub base: Base,
    /// The roles that are assumed after that, in order.
    pub roles: Vec<Role>,
    /// Name of the STS sessions.
    pub session_name: String,
    /// Attempts and pauses of a call.
    pub retry: Option<RetrySettings>,
}

/// Where the first credentials come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Base {
    /// Access keys in Secrets.
    Keys {
        /// The access key id.
        access_key_id: SecretKey,
        /// The secret access key.
        secret_access_key: SecretKey,
        /// The session token of temporary keys.
        session_token: Option<SecretKey>,
    },
    /// A ServiceAccount's token, exchanged for the role of its annotation.
    ServiceAccount {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// Audiences besides the one of the annotation.
        audiences: Vec<String>,
    },
    /// Keyhatch's own.
    Own,
}

/// A key of a Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretKey {
    /// Namespace of the Secret.
    pub namespace: String,
    /// Name of the Secret.
    pub name: String,
    /// The key in its data.
    pub key: String,
}

/// A role to assume, and all that its trust policy may look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Role {
    /// Its ARN.
    pub arn: String,
    /// External id, if any.
    pub external_id: Option<String>,
    /// Session tags.
    pub tags: Vec<(String, String)>,
    /// Keys of tags that further roles see, too.
    pub transitive: Vec<String>,
}

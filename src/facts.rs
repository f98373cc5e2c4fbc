//! What is known of other objects: small facts, never objects or values.
//!
//! `keyhatch check` fills this from the files it was given, the server from its watches. A rule that needs a
//! fact which is not known says nothing; only where all objects of a kind are known, one that is not there is absent.

mod keys;
mod known;
mod labels;
mod objects;
mod stores;

use crate::api::common::{StoreKind, StoreRef};

pub use keys::{Form, Keys, Owner};
pub use known::{Complete, Known, Lookup};
pub use labels::{Labels, selects};
pub use objects::{Account, Metadata, Namespace, Push, Pushes, Settings, Target};
pub use stores::{Admits, Identity, Store, admits};

/// Kinds of which facts are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is called what it is")]
pub enum FactKind {
    SecretStores,
    ClusterSecretStores,
    ExternalSecrets,
    PushSecrets,
    Namespaces,
    Secrets,
    ConfigMaps,
    ServiceAccounts,
}

impl FactKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::SecretStores,
        Self::ClusterSecretStores,
        Self::ExternalSecrets,
        Self::PushSecrets,
        Self::Namespaces,
        Self::Secrets,
        Self::ConfigMaps,
        Self::ServiceAccounts,
    ];

    /// The resource's name.
    pub fn plural(self) -> &'static str {
        match self {
            Self::SecretStores => "secretstores",
            Self::ClusterSecretStores => "clustersecretstores",
            Self::ExternalSecrets => "externalsecrets",
            Self::PushSecrets => "pushsecrets",
            Self::Namespaces => "namespaces",
            Self::Secrets => "secrets",
            Self::ConfigMaps => "configmaps",
            Self::ServiceAccounts => "serviceaccounts",
        }
    }

    /// Whether the operator must ask for it: the right to read these is the right to read credentials.
    pub fn is_optional(self) -> bool {
        matches!(self, Self::Secrets | Self::ConfigMaps | Self::ServiceAccounts)
    }
}

/// All that is known. Objects of the cluster are in namespace `""`.
#[derive(Debug, Default)]
#[expect(missing_docs, reason = "each is called what it is")]
pub struct Facts {
    pub secret_stores: Known<Store>,
    pub cluster_secret_stores: Known<Store>,
    pub external_secrets: Known<Target>,
    pub push_secrets: Known<Pushes>,
    pub namespaces: Known<Namespace>,
    pub secrets: Known<Keys>,
    pub config_maps: Known<Keys>,
    pub service_accounts: Known<Account>,
}

/// Whose store a reference means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// AWS Secrets Manager.
    Aws,
    /// Another provider or service.
    Other,
    /// Not known.
    Unknown,
}

impl Facts {
    /// The stores of a kind.
    pub fn stores(&self, kind: StoreKind) -> &Known<Store> {
        match kind {
            StoreKind::SecretStore => &self.secret_stores,
            StoreKind::ClusterSecretStore => &self.cluster_secret_stores,
        }
    }

    /// The stores of a kind, to be changed.
    pub fn stores_mut(&mut self, kind: StoreKind) -> &mut Known<Store> {
        match kind {
            StoreKind::SecretStore => &mut self.secret_stores,
            StoreKind::ClusterSecretStore => &mut self.cluster_secret_stores,
        }
    }

    /// The store that a reference means, as seen from a namespace.
    pub fn store(&self, namespace: Option<&str>, store: &StoreRef) -> Lookup<&Store> {
        let kind = store.kind.unwrap_or_default();
        match (kind, namespace) {
            (StoreKind::ClusterSecretStore, _) => self.cluster_secret_stores.get("", &store.name),
            (StoreKind::SecretStore, Some(namespace)) => self.secret_stores.get(namespace, &store.name),
            (StoreKind::SecretStore, None) => self.secret_stores.get("", &store.name).or_unknown(),
        }
    }

    /// Whether a store's conditions admit a namespace; one that fits is enough. None if that depends on what is not
    /// known.
    pub fn admits(&self, conditions: &[Admits], namespace: &str) -> Option<bool> {
        let labels = self.namespaces.get("", namespace).found().map(|namespace| &namespace.labels);
        admits(conditions, namespace, labels)
    }

    /// Whose store a reference means.
    pub fn provider(&self, namespace: Option<&str>, store: &StoreRef) -> Provider {
        match self.store(namespace, store).found() {
            Some(store) => store.provider(),
            None => Provider::Unknown,
        }
    }
}

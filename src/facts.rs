//! What is known of other objects: small facts about stores, never objects or values.
//!
//! `keyhatch check` fills this from the files it was given, the server from its watches. A rule that needs a
//! fact which is not known says nothing.

use std::collections::HashMap;

use crate::api::common::{StoreKind, StoreRef};
use crate::api::secret_store::{NamespaceCondition, SecretStoreSpec};

/// All that is known.
#[derive(Debug, Default)]
pub struct Facts {
    stores: HashMap<StoreId, Store>,
    /// Whether every store is known, so that one which is not does not exist.
    pub stores_complete: bool,
}

/// A store by kind, namespace (none for a ClusterSecretStore) and name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct StoreId {
    kind: StoreKind,
    namespace: Option<String>,
    name: String,
}

/// What is known of one store.
#[derive(Clone, Debug, Default)]
pub struct Store {
    /// Whether it is a store of AWS Secrets Manager.
    pub is_aws: bool,
    /// Its region.
    pub region: String,
    /// What it puts before every key.
    pub prefix: String,
    /// Which namespaces may use it.
    pub conditions: Vec<NamespaceCondition>,
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
    /// Remembers a store.
    pub fn add_store(
        &mut self,
        kind: StoreKind,
        namespace: Option<&str>,
        name: &str,
        spec: &SecretStoreSpec,
    ) {
        let aws = spec.provider.aws.as_ref();
        let store = Store {
            is_aws: spec.secrets_manager().is_some(),
            region: aws.map(|aws| aws.region.clone()).unwrap_or_default(),
            prefix: aws.map(|aws| aws.prefix.clone()).unwrap_or_default(),
            conditions: spec.conditions.clone(),
        };
        self.stores.insert(id(kind, namespace, name), store);
    }

    /// Forgets a store that is gone.
    pub fn remove_store(&mut self, kind: StoreKind, namespace: Option<&str>, name: &str) {
        self.stores.remove(&id(kind, namespace, name));
    }

    /// Forgets all stores of a kind, before they are listed anew.
    pub fn forget_stores(&mut self, kind: StoreKind) {
        self.stores.retain(|id, _| id.kind != kind);
    }

    /// The store that a reference means, as seen from a namespace.
    pub fn store(&self, namespace: Option<&str>, store: &StoreRef) -> Option<&Store> {
        self.stores.get(&id(store.kind.unwrap_or_default(), namespace, &store.name))
    }

    /// Whose store a reference means.
    pub fn provider(&self, namespace: Option<&str>, store: &StoreRef) -> Provider {
        match self.store(namespace, store) {
            Some(store) if store.is_aws => Provider::Aws,
            Some(_) => Provider::Other,
            None => Provider::Unknown,
        }
    }
}

fn id(kind: StoreKind, namespace: Option<&str>, name: &str) -> StoreId {
    let namespace = match kind {
        StoreKind::SecretStore => namespace.map(str::to_owned),
        StoreKind::ClusterSecretStore => None,
    };
    StoreId { kind, namespace, name: name.to_owned() }
}

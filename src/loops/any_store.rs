//! The two kinds of stores, as one.

use std::fmt::Debug;

use kube::api::Api;
use kube::{Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;

use crate::api::common::StoreKind;
use crate::api::secret_store::{Adopt, ClusterSecretStore, SecretStore, SecretStoreSpec, SecretStoreStatus};
use crate::loops::watched::ObjectKey;
use crate::source::plan::StoreId;

/// A SecretStore or a ClusterSecretStore.
pub trait AnyStore:
    Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static
{
    /// Its kind.
    const KIND: StoreKind;

    /// What it says.
    fn spec(&self) -> &SecretStoreSpec;

    /// What is known of it.
    fn status(&self) -> Option<&SecretStoreStatus>;

    /// Where those of a namespace are.
    fn api(client: Client, namespace: &str) -> Api<Self>;

    /// Which it is.
    fn id(&self) -> StoreId {
        id(Self::KIND, &ObjectKey { namespace: self.namespace().unwrap_or_default(), name: self.name_any() })
    }

    /// Whether it is ours.
    fn is_ours(&self, adopt: Adopt) -> bool {
        self.spec().is_ours(adopt)
    }

    /// Whether it says the same as another, whatever became of its status.
    fn says_as(&self, other: &Self) -> bool {
        let (one, other) = (self.meta(), other.meta());
        (&one.uid, one.generation) == (&other.uid, other.generation)
    }
}

/// The key of a store.
pub fn key(id: &StoreId) -> ObjectKey {
    ObjectKey { namespace: id.namespace.clone(), name: id.name.clone() }
}

/// The store of a key.
pub fn id(kind: StoreKind, key: &ObjectKey) -> StoreId {
    let ObjectKey { namespace, name } = key.clone();
    StoreId { kind, namespace, name }
}

impl AnyStore for SecretStore {
    const KIND: StoreKind = StoreKind::SecretStore;

    fn spec(&self) -> &SecretStoreSpec {
        &self.spec
    }

    fn status(&self) -> Option<&SecretStoreStatus> {
        self.status.as_ref()
    }

    fn api(client: Client, namespace: &str) -> Api<Self> {
        Api::namespaced(client, namespace)
    }
}

impl AnyStore for ClusterSecretStore {
    const KIND: StoreKind = StoreKind::ClusterSecretStore;

    fn spec(&self) -> &SecretStoreSpec {
        &self.spec.0
    }

    fn status(&self) -> Option<&SecretStoreStatus> {
        self.status.as_ref()
    }

    fn api(client: Client, _namespace: &str) -> Api<Self> {
        Api::all(client)
    }
}

//! Keeps [`Facts`] about the cluster's stores, from watches. What is not known is never guessed: a rule that needs it
//! says nothing, and a kind that is not installed has no stores.

use std::sync::{Arc, PoisonError, RwLock};

use futures_util::StreamExt;
use kube::Client;
use kube::api::Api;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch};
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tracing::debug;

use crate::api::common::StoreKind;
use crate::api::secret_store::{ClusterSecretStore, SecretStore, SecretStoreSpec};
use crate::facts::Facts;

/// Facts that watches write and reviews read.
pub type SharedFacts = Arc<RwLock<Facts>>;

/// Watches both kinds of stores, until it is dropped.
pub async fn follow(client: Client, facts: SharedFacts) {
    let stores = Api::<SecretStore>::all(client.clone());
    let cluster_stores = Api::<ClusterSecretStore>::all(client);
    tokio::join!(
        follow_kind(stores, StoreKind::SecretStore, &facts, |store| &store.spec),
        follow_kind(cluster_stores, StoreKind::ClusterSecretStore, &facts, |store| &store.spec.0),
    );
}

async fn follow_kind<K>(api: Api<K>, kind: StoreKind, facts: &SharedFacts, spec: fn(&K) -> &SecretStoreSpec)
where
    K: Resource<DynamicType = ()> + Clone + std::fmt::Debug + DeserializeOwned + Send + 'static,
{
    let mut events = std::pin::pin!(watch(api, watcher::Config::default()).default_backoff());
    while let Some(event) = events.next().await {
        let mut facts = facts.write().unwrap_or_else(PoisonError::into_inner);
        match event {
            Ok(Event::Init) => facts.forget_stores(kind),
            Ok(Event::InitApply(store) | Event::Apply(store)) => {
                facts.add_store(kind, store.namespace().as_deref(), &store.name_any(), spec(&store));
            }
            Ok(Event::Delete(store)) => {
                facts.remove_store(kind, store.namespace().as_deref(), &store.name_any())
            }
            Ok(Event::InitDone) => {}
            Err(error) => debug!(%error, kind = kind.as_str(), "stores cannot be watched"),
        }
    }
}

//! Everything that is watched of ExternalSecrets and stores; whose an ExternalSecret is, and which stores it reads through.

use std::collections::BTreeMap;
use std::sync::Arc;

use kube::ResourceExt;
use kube::api::ObjectMeta;

use crate::api::common::{Condition, StoreKind};
use crate::api::external_secret::ExternalSecret;
use crate::api::secret_store::Adopt;
use crate::api::secret_store::{ClusterSecretStore, SecretStore, SecretStoreSpec, SecretStoreStatus};
use crate::loops::store::is_broken;
use crate::loops::watched::{Kept, ObjectKey, Trace, Watched};
use crate::reference::Store;
use crate::source::plan::StoreId;

/// What is known of the cluster.
pub(super) struct Known {
    pub(super) objects: Watched<ExternalSecret>,
    pub(super) stores: Watched<SecretStore>,
    pub(super) cluster_stores: Watched<ClusterSecretStore>,
    /// Secrets that somebody's ExternalSecret keeps.
    pub(super) secrets: Watched<Trace>,
    adopt: Adopt,
}

/// What matters of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StoreState {
    /// Whether it is ours to serve.
    pub(super) is_ours: bool,
    /// The version of what it says.
    pub(super) generation: Option<i64>,
    /// Why it cannot be used, if that was found out.
    pub(super) broken: Option<String>,
}

/// Whose an ExternalSecret is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// Ours; the first of its stores that cannot be used, and why.
    Ours(Option<(StoreId, String)>),
    /// Ours and somebody else's, who has this store.
    Both(StoreId),
    /// Nobody's: none of its stores exists.
    Nobodys,
    /// Somebody else's.
    Theirs,
}

impl Known {
    pub(super) fn new(adopt: Adopt) -> Self {
        Self {
            objects: Watched::default(),
            stores: Watched::default(),
            cluster_stores: Watched::default(),
            secrets: Watched::default(),
            adopt,
        }
    }

    pub(super) fn is_complete(&self) -> bool {
        let stores = self.stores.is_complete() && self.cluster_stores.is_complete();
        self.objects.is_complete() && stores && self.secrets.is_complete()
    }

    /// Whose an ExternalSecret is, as its stores say.
    pub(super) fn whose(&self, object: &ExternalSecret) -> Whose {
        let namespace = object.namespace().unwrap_or_default();
        let ids = stores_of(object).into_iter();
        let ids = ids.map(|store| StoreId::seen_from(&namespace, store.kind, &store.name));
        let states = ids.map(|id| (self.store(&id), id));
        let (mut ours, mut theirs, mut broken) = (false, None, None);
        for (state, id) in states {
            match state {
                Some(StoreState { is_ours: true, broken: why, .. }) => {
                    ours = true;
                    broken = broken.or_else(|| why.map(|why| (id.clone(), for_consumer(id.kind, why))));
                }
                Some(StoreState { is_ours: false, .. }) => theirs = theirs.or(Some(id)),
                None => {}
            }
        }
        match (ours, theirs) {
            (true, None) => Whose::Ours(broken),
            (true, Some(store)) => Whose::Both(store),
            (false, Some(_)) => Whose::Theirs,
            // Nobody else is there to say so.
            (false, None) if self.adopt == Adopt::All || was_ours(&object.metadata) => Whose::Ours(None),
            (false, None) => Whose::Nobodys,
        }
    }

    /// What is known of a store; none if there is none.
    pub(super) fn store(&self, id: &StoreId) -> Option<StoreState> {
        let key = ObjectKey { namespace: id.namespace.clone(), name: id.name.clone() };
        match id.kind {
            StoreKind::SecretStore => of_kept(&self.stores.get(&key)?, |store| self.state(store)),
            StoreKind::ClusterSecretStore => {
                of_kept(&self.cluster_stores.get(&key)?, |store| self.cluster_state(store))
            }
        }
    }

    pub(super) fn state(&self, store: &SecretStore) -> StoreState {
        self.state_of(&store.metadata, &store.spec, store.status.as_ref())
    }

    pub(super) fn cluster_state(&self, store: &ClusterSecretStore) -> StoreState {
        self.state_of(&store.metadata, &store.spec.0, store.status.as_ref())
    }

    fn state_of(
        &self,
        metadata: &ObjectMeta,
        spec: &SecretStoreSpec,
        status: Option<&SecretStoreStatus>,
    ) -> StoreState {
        let conditions =
            status.filter(|_| is_broken(status)).into_iter().flat_map(|status| &status.conditions);
        let broken = conditions.into_iter().find(|one| one.type_ == "Ready");
        StoreState {
            is_ours: self.adopt.adopts(&spec.controller) && spec.secrets_manager().is_some(),
            generation: metadata.generation,
            broken: broken.map(|Condition { message, .. }| message.clone().unwrap_or_default()),
        }
    }
}

/// The stores that an ExternalSecret names, each once.
pub(super) fn stores_of(object: &ExternalSecret) -> Vec<Store> {
    let all = object.spec.stores().map(Store::from).map(|store| ((store.kind, store.name.clone()), store));
    all.collect::<BTreeMap<_, _>>().into_values().collect()
}

/// Whether it was we who last said something of it: its store was deleted, and nobody else will tell.
fn was_ours(metadata: &ObjectMeta) -> bool {
    let entries = metadata.managed_fields.iter().flatten();
    let statuses = entries.filter(|entry| entry.subresource.as_deref() == Some("status"));
    let last = statuses.max_by_key(|entry| entry.time.as_ref().map(|time| time.0));
    last.is_some_and(|entry| entry.manager.as_deref() == Some(crate::loops::write::MANAGER))
}

/// What a namespace's people are told of a store: what its condition says of the cluster's credentials is not theirs to know.
fn for_consumer(kind: StoreKind, why: String) -> String {
    match kind {
        StoreKind::SecretStore => why,
        StoreKind::ClusterSecretStore => "its condition Ready says why".to_owned(),
    }
}

/// One that cannot be read is nobody's that we know.
fn of_kept<K>(kept: &Kept<K>, state: impl Fn(&K) -> StoreState) -> Option<StoreState> {
    kept.object().map(|object: &Arc<K>| state(object))
}

//! Whose an ExternalSecret is, and which stores it reads through.

use std::collections::BTreeMap;
use std::sync::Arc;

use kube::api::ObjectMeta;

use crate::api::common::{Condition, StoreKind};
use crate::api::external_secret::ExternalSecretSpec;
use crate::api::secret_store::Adopt;
use crate::external_secret::names::MANAGED;
use crate::loops::any_store::{self, AnyStore};
use crate::loops::conditions::was_ours;
use crate::loops::store::{is_broken, is_proof};
use crate::loops::view::View;
use crate::loops::watched::{ObjectKey, Trace};
use crate::reference::Store;
use crate::source::plan::StoreId;

/// What is known of the cluster, and what of it is ours.
pub(super) struct Known {
    pub(super) view: View,
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
    /// Whether AWS was asked and accepts it: once it is back, whoever failed need not wait for his turn.
    pub(super) is_proven: bool,
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
    pub(super) fn new(view: View, adopt: Adopt) -> Self {
        Self { view, adopt }
    }

    /// A Secret, whosever it is.
    pub(super) fn secret(&self, key: &ObjectKey) -> Option<Arc<Trace>> {
        self.view.secrets.get(key)?.object().cloned()
    }

    /// Whose an ExternalSecret is, as its stores say.
    pub(super) fn whose(&self, metadata: &ObjectMeta, spec: &ExternalSecretSpec) -> Whose {
        let namespace = metadata.namespace.as_deref().unwrap_or_default();
        let stores = stores_of(spec);
        let ids = stores.iter().map(|store| StoreId::seen_from(namespace, store.kind, &store.name));
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
            (false, None) if self.adopt == Adopt::All || was_ours(metadata) => Whose::Ours(None),
            // What names no store, but generators, is not for us.
            (false, None) if stores.is_empty() => Whose::Theirs,
            (false, None) => Whose::Nobodys,
        }
    }

    /// What is known of a store; none if there is none.
    pub(super) fn store(&self, id: &StoreId) -> Option<StoreState> {
        let key = any_store::key(id);
        let state = match id.kind {
            StoreKind::SecretStore => self.state(&**self.view.stores.get(&key)?.object()?),
            StoreKind::ClusterSecretStore => self.state(&**self.view.cluster_stores.get(&key)?.object()?),
        };
        Some(state)
    }

    pub(super) fn state<S: AnyStore>(&self, store: &S) -> StoreState {
        let ready = store.status().and_then(|status| Condition::ready(&status.conditions));
        let broken = ready.filter(|_| is_broken(store.status()));
        StoreState {
            is_ours: store.is_ours(self.adopt),
            generation: store.meta().generation,
            broken: broken.map(|Condition { message, .. }| message.clone().unwrap_or_default()),
            is_proven: ready.is_some_and(is_proof),
        }
    }
}

/// Whether an ExternalSecret keeps a Secret, whosever that is.
pub(super) fn is_managed(trace: &Trace) -> bool {
    trace.labels.get(MANAGED).is_some_and(|value| value == "true")
}

/// The stores that an ExternalSecret names, each once.
pub(super) fn stores_of(spec: &ExternalSecretSpec) -> Vec<Store> {
    let all = spec.stores().map(Store::from).map(|store| ((store.kind, store.name.clone()), store));
    all.collect::<BTreeMap<_, _>>().into_values().collect()
}

/// What a namespace's people are told of a store: what its condition says of the cluster's credentials is not theirs to know.
fn for_consumer(kind: StoreKind, why: String) -> String {
    match kind {
        StoreKind::SecretStore => why,
        StoreKind::ClusterSecretStore => "its condition Ready says why".to_owned(),
    }
}

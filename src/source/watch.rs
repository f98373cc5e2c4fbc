//! Objects that access depends on, watched by name while they are in use: only their metadata, never a value.
//!
//! The right to get, list and watch that one object is enough. Where watching is not allowed, or not wanted (who may
//! list all Secrets may read all of them), or breaks, whoever depends on the object reads it again every few seconds.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use futures_util::StreamExt;
use k8s_openapi::api::core::v1::{Namespace, Secret, ServiceAccount};
use kube::api::Api;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch};
use kube::{Client, Resource};
use serde::de::DeserializeOwned;
use tokio::task::AbortHandle;
use tracing::debug;

use super::objects::{ObjectId, ObjectVersion, version_of};
use crate::api::common::StoreKind;
use crate::api::secret_store::{ClusterSecretStore, SecretStore};

/// All watches, by object. Each ends when nobody depends on its object any more.
pub(super) struct Watches {
    client: Client,
    with_credentials: bool,
    on_gone: Arc<dyn Fn(&ObjectId) + Send + Sync>,
    watched: Mutex<HashMap<ObjectId, Weak<Watched>>>,
}

/// An object that is watched.
#[derive(Debug)]
pub(super) struct Watched {
    state: Arc<Mutex<State>>,
    /// None: it is not watched.
    task: Option<AbortHandle>,
}

/// What is known of a watched object.
#[derive(Debug, Default)]
enum State {
    /// Nothing: the watch has not begun, or is broken.
    #[default]
    Unknown,
    /// It is in this state.
    Is(ObjectVersion),
    /// It does not exist.
    Gone,
}

/// How what was read of an object compares with what its watch says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    /// It is still so.
    Same,
    /// It has changed, or is gone.
    Changed,
    /// The watch cannot say.
    Unknown,
}

impl fmt::Debug for Watches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Watches of {} objects", self.lock().len())
    }
}

impl Watches {
    /// Watches in a cluster, of Secrets and ServiceAccounts if that is wanted; `on_gone` is told of each object that is
    /// deleted.
    pub(super) fn new(
        client: Client,
        with_credentials: bool,
        on_gone: impl Fn(&ObjectId) + Send + Sync + 'static,
    ) -> Self {
        Self { client, with_credentials, on_gone: Arc::new(on_gone), watched: Mutex::default() }
    }

    /// Watches an object, from now on at the latest.
    pub(super) fn watch(&self, id: &ObjectId) -> Arc<Watched> {
        let mut watched = self.lock();
        if let Some(there) = watched.get(id).and_then(Weak::upgrade) {
            return there;
        }
        watched.retain(|_, one| one.strong_count() > 0);
        let state = Arc::default();
        let task = self.may_watch(id).then(|| {
            let (state, on_gone) = (Arc::clone(&state), Arc::clone(&self.on_gone));
            tokio::spawn(follow(self.client.clone(), id.clone(), state, on_gone)).abort_handle()
        });
        let new = Arc::new(Watched { state, task });
        watched.insert(id.clone(), Arc::downgrade(&new));
        new
    }

    fn may_watch(&self, id: &ObjectId) -> bool {
        match id {
            ObjectId::Store(_) | ObjectId::Namespace(_) => true,
            ObjectId::Secret { .. } | ObjectId::ServiceAccount { .. } => self.with_credentials,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ObjectId, Weak<Watched>>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watched {
    /// Compares what was read with what is known now.
    pub(super) fn compare(&self, read: &ObjectVersion) -> Comparison {
        match &*self.state.lock().unwrap_or_else(PoisonError::into_inner) {
            State::Unknown => Comparison::Unknown,
            State::Is(version) if version == read => Comparison::Same,
            State::Is(_) | State::Gone => Comparison::Changed,
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.task.iter().for_each(AbortHandle::abort);
    }
}

async fn follow(
    client: Client,
    id: ObjectId,
    state: Arc<Mutex<State>>,
    on_gone: Arc<dyn Fn(&ObjectId) + Send + Sync>,
) {
    let set = |new: State| {
        let is_gone = matches!(new, State::Gone);
        *state.lock().unwrap_or_else(PoisonError::into_inner) = new;
        if is_gone {
            on_gone(&id);
        }
    };
    match &id {
        ObjectId::Store(store) => match store.kind {
            StoreKind::SecretStore => {
                let api = Api::<PartialObjectMeta<SecretStore>>::namespaced(client, &store.namespace);
                follow_one(api, &id, &store.name, set).await;
            }
            StoreKind::ClusterSecretStore => {
                let api = Api::<PartialObjectMeta<ClusterSecretStore>>::all(client);
                follow_one(api, &id, &store.name, set).await;
            }
        },
        ObjectId::Secret { namespace, name } => {
            let api = Api::<PartialObjectMeta<Secret>>::namespaced(client, namespace);
            follow_one(api, &id, name, set).await;
        }
        ObjectId::ServiceAccount { namespace, name } => {
            let api = Api::<PartialObjectMeta<ServiceAccount>>::namespaced(client, namespace);
            follow_one(api, &id, name, set).await;
        }
        ObjectId::Namespace(name) => {
            let api = Api::<PartialObjectMeta<Namespace>>::all(client);
            follow_one(api, &id, name, set).await;
        }
    }
}

async fn follow_one<K>(api: Api<K>, id: &ObjectId, name: &str, set: impl Fn(State))
where
    K: Resource<DynamicType = ()> + Clone + fmt::Debug + DeserializeOwned + Send + 'static,
{
    let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
    let mut events = std::pin::pin!(watch(api, config).default_backoff());
    let mut listed = None;
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => listed = None,
            Ok(Event::InitApply(object)) => listed = Some(version_of(id, &object)),
            Ok(Event::InitDone) => set(listed.take().map_or(State::Gone, State::Is)),
            Ok(Event::Apply(object)) => set(State::Is(version_of(id, &object))),
            Ok(Event::Delete(_)) => set(State::Gone),
            Err(error) => {
                debug!(object = %id, %error, "not watched, so it is read again while it is in use");
                set(State::Unknown);
            }
        }
    }
}

//! From watches to work: which PushSecrets a change is about, and when each is looked at.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use kube::ResourceExt;
use tokio::time::sleep;
use tracing::{debug, warn};

use crate::api::Kind;
use crate::api::common::StoreKind;
use crate::api::push_secret::PushSecret;
use crate::api::secret_store::{ClusterSecretStore, SecretStore};
use crate::loops::queue::{Outcome, Queue};
use crate::loops::watched::{Change, Kept, ObjectKey, Trace, Watched};
use crate::loops::{Context, credentials};
use crate::source::plan::StoreId;

use super::affected::{self, Changed};
use super::error::PushError;
use super::reconcile::{Next, Pusher};
use super::store_finalizer;
use super::stores::Store;

/// How often it is asked whether everything was listed.
const LISTING: Duration = Duration::from_millis(50);

/// All that is watched, and whoever works on it.
#[derive(Clone)]
pub(super) struct Follower(Arc<Inner>);

struct Inner {
    context: Context,
    pusher: Pusher,
    pushes: Watched<PushSecret>,
    stores: Watched<SecretStore>,
    cluster_stores: Watched<ClusterSecretStore>,
    secrets: Watched<Trace>,
    config_maps: Watched<Trace>,
    queue: Queue<ObjectKey>,
    /// PushSecrets of which something that they read has changed, or that nobody has looked at.
    changed: Mutex<HashSet<ObjectKey>>,
}

impl Follower {
    pub(super) fn new(context: Context, pusher: Pusher) -> Self {
        Self(Arc::new(Inner {
            queue: Queue::new("push", &context.queues),
            context,
            pusher,
            pushes: Watched::default(),
            stores: Watched::default(),
            cluster_stores: Watched::default(),
            secrets: Watched::default(),
            config_maps: Watched::default(),
            changed: Mutex::default(),
        }))
    }

    /// Watches and works, until it is dropped.
    pub(super) async fn follow(self) {
        let Inner { context, pushes, stores, cluster_stores, secrets, config_maps, .. } = &*self.0;
        let client = || context.client.clone();
        let part = |name| context.health.part(name);
        tokio::join!(
            pushes.follow(client(), part("loop-pushsecrets"), |change| self.push_changed(&change)),
            stores.follow(client(), part("loop-secretstores"), |change| self
                .store_changed(&change, of_namespace)),
            cluster_stores.follow(client(), part("loop-clustersecretstores"), |change| {
                self.store_changed(&change, of_cluster);
            }),
            secrets.follow_secrets(client(), part("loop-secrets"), |change| self.read_changed(&change, true)),
            config_maps.follow_config_maps(client(), part("loop-configmaps"), |change| {
                self.read_changed(&change, false);
            }),
            self.work(),
        );
    }

    /// Not before everything is known: what is not listed yet would be missed.
    async fn work(&self) {
        while !self.is_complete() {
            sleep(LISTING).await;
        }
        let follower = self.clone();
        let work = move |key: ObjectKey| {
            let follower = follower.clone();
            async move { follower.look(key).await }
        };
        self.0.queue.run(self.0.context.settings.workers, work).await;
    }

    fn is_complete(&self) -> bool {
        let Inner { pushes, stores, cluster_stores, secrets, .. } = &*self.0;
        let objects = pushes.is_complete() && stores.is_complete() && cluster_stores.is_complete();
        objects && secrets.is_complete()
    }

    async fn look(&self, key: ObjectKey) -> Outcome {
        let object = match self.0.pushes.get(&key) {
            Some(Kept::Object(object)) => object,
            Some(Kept::Damaged { cause, .. }) => {
                warn!(push_secret = %key, %cause, "cannot be read, so it is not pushed");
                return Outcome::Done;
            }
            None => {
                self.0.context.operator.gone(Kind::PushSecret, &key);
                self.lock().remove(&key);
                return Outcome::Done;
            }
        };
        let (started, stores) = (Instant::now(), self.stores_of(&key.namespace));
        let has_changed = self.lock().remove(&key);
        let ended = self.0.pusher.reconcile(&object, &stores, has_changed).await;
        let kept = self.keep_stores(&object, &stores).await;
        self.tell_metrics(&key, &object, &stores, started);
        match ended.and_then(|next| kept.map(|()| next)) {
            Ok(Next::OnChange) => Outcome::Done,
            Ok(Next::In(pause)) => Outcome::After(pause),
            Ok(Next::Again(pause)) => {
                self.lock().insert(key);
                Outcome::After(pause)
            }
            Ok(Next::Failed) => {
                self.lock().insert(key);
                Outcome::Failed
            }
            Err(error) => {
                debug!(push_secret = %key, %error, "tried again");
                self.lock().insert(key);
                Outcome::Failed
            }
        }
    }

    /// What was written is told when it comes back by the watch.
    fn tell_metrics(&self, key: &ObjectKey, object: &PushSecret, stores: &[Store], started: Instant) {
        let Inner { context, pusher, .. } = &*self.0;
        let is_ours = stores.iter().any(|store| pusher.takes(store) && affected::uses(object, store));
        match &object.status {
            Some(status) if is_ours => {
                let took = started.elapsed();
                context.operator.looked_at(Kind::PushSecret, key, took, &status.conditions);
            }
            Some(_) | None => context.operator.gone(Kind::PushSecret, key),
        }
    }

    /// Stores that it uses stay for as long as it may have to delete something there.
    async fn keep_stores(&self, object: &PushSecret, stores: &[Store]) -> Result<(), PushError> {
        let pusher = &self.0.pusher;
        let used = stores.iter().filter(|store| pusher.takes(store) && affected::uses(object, store));
        for store in used {
            self.keep_store(store).await?;
        }
        Ok(())
    }

    async fn keep_store(&self, store: &Store) -> Result<(), PushError> {
        let Pusher { client, guard, .. } = &self.0.pusher;
        let pushes = self.pushes_that_see(&store.id);
        store_finalizer::keep(client, guard, store, pushes.iter().map(|(_, object)| &**object)).await
    }

    fn push_changed(&self, change: &Change<PushSecret>) {
        if change.before.is_none() {
            self.lock().insert(change.key.clone());
        }
        self.0.queue.add(change.key.clone());
        // It may keep stores no more that it kept before.
        if let Some(Kept::Object(before)) = &change.before
            && affected::may_release(before, change.after.as_ref().and_then(Kept::object).map(|one| &**one))
        {
            self.release_stores(before);
        }
    }

    fn release_stores(&self, object: &Arc<PushSecret>) {
        let (follower, object) = (self.clone(), Arc::clone(object));
        tokio::spawn(async move {
            let stores = follower.stores_of(&object.namespace().unwrap_or_default());
            if let Err(error) = follower.keep_stores(&object, &stores).await {
                debug!(%error, "a store's finalizer stays until its next change");
            }
        });
    }

    /// A status is no change of a store; what it says, its labels and its end are.
    fn store_changed<K>(&self, change: &Change<K>, store: fn(&K) -> Store) {
        let of = |kept: &Option<Kept<K>>| kept.as_ref().and_then(Kept::object).map(|object| store(object));
        let (before, after) = (of(&change.before), of(&change.after));
        if let (Some(before), Some(after)) = (&before, &after)
            && before.is_as(after)
        {
            return;
        }
        for store in before.iter().chain(&after) {
            for (key, object) in self.pushes_that_see(&store.id) {
                if affected::uses(&object, store) {
                    self.changed(key);
                }
            }
        }
        if let Some(store) = after.filter(|store| store.is_leaving && self.0.pusher.takes(store)) {
            let follower = self.clone();
            tokio::spawn(async move {
                if let Err(error) = follower.keep_store(&store).await {
                    debug!(store = %store.id, %error, "its finalizer stays until its next change");
                }
            });
        }
    }

    /// A Secret or ConfigMap is pushed, is a policy, or is what stores have their keys in.
    fn read_changed(&self, change: &Change<Trace>, is_secret: bool) {
        let watched = if is_secret { &self.0.secrets } else { &self.0.config_maps };
        if change.before.is_none() && !watched.is_complete() {
            return; // it is listed, not new
        }
        let ObjectKey { namespace, name } = &change.key;
        let of = |kept: &Option<Kept<Trace>>| kept.as_ref().and_then(Kept::object).cloned();
        let (before, after) = (of(&change.before), of(&change.after));
        let labels = [before.as_ref().map(|trace| &trace.labels), after.as_ref().map(|trace| &trace.labels)];
        let changed = Changed { name, labels, is_secret };
        let pushes = self.0.pushes.all();
        for (key, object) in pushes.iter().filter(|(key, _)| key.namespace == *namespace) {
            if affected::reads(object, changed) {
                self.changed(key.clone());
            }
        }
        let holders = if is_secret { self.stores_with_keys_in(namespace, name) } else { Vec::new() };
        for store in holders {
            for (key, object) in self.pushes_that_see(&store.id) {
                if affected::uses(&object, &store) {
                    self.changed(key);
                }
            }
        }
    }

    fn changed(&self, key: ObjectKey) {
        self.lock().insert(key.clone());
        self.0.queue.add(key);
    }

    fn stores_with_keys_in(&self, namespace: &str, name: &str) -> Vec<Store> {
        let stores = self.all_stores();
        let holds =
            |store: &Store| credentials::are_in_secret(&store.spec, &store.id.namespace, (namespace, name));
        stores.into_iter().filter(holds).collect()
    }

    fn pushes_that_see(&self, store: &StoreId) -> Vec<(ObjectKey, Arc<PushSecret>)> {
        let sees = |key: &ObjectKey| store.namespace.is_empty() || key.namespace == store.namespace;
        self.0.pushes.all().into_iter().filter(|(key, _)| sees(key)).collect()
    }

    fn stores_of(&self, namespace: &str) -> Vec<Store> {
        let sees = |store: &Store| store.id.namespace.is_empty() || store.id.namespace == namespace;
        self.all_stores().into_iter().filter(sees).collect()
    }

    fn all_stores(&self) -> Vec<Store> {
        let own = self.0.stores.all().into_iter().map(|(_, store)| of_namespace(&store));
        let shared = self.0.cluster_stores.all().into_iter().map(|(_, store)| of_cluster(&store));
        own.chain(shared).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<ObjectKey>> {
        self.0.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn of_namespace(store: &SecretStore) -> Store {
    let namespace = store.namespace().unwrap_or_default();
    let id = StoreId { kind: StoreKind::SecretStore, namespace, name: store.name_any() };
    Store::new(id, &store.metadata, &store.spec)
}

pub(super) fn of_cluster(store: &ClusterSecretStore) -> Store {
    let id =
        StoreId { kind: StoreKind::ClusterSecretStore, namespace: String::new(), name: store.name_any() };
    Store::new(id, &store.metadata, &store.spec.0)
}

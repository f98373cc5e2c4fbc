//! From watches to work: everything that is watched, who works on it, and how a look at a PushSecret ended.

mod changes;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::time::sleep;
use tracing::{debug, warn};

use crate::api::Kind;
use crate::api::push_secret::PushSecret;
use crate::api::secret_store::{ClusterSecretStore, SecretStore};
use crate::loops::Context;
use crate::loops::queue::{Outcome, Queue};
use crate::loops::watched::{Kept, ObjectKey, Trace, Watched};
use crate::source::plan::StoreId;

use super::error::PushError;
use super::reconcile::{Next, Pusher};
use super::stores::Store;
use super::{affected, damaged, store_finalizer};

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
                .store_changed(&change, Store::of_namespace)),
            cluster_stores.follow(client(), part("loop-clustersecretstores"), |change| {
                self.store_changed(&change, Store::of_cluster);
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
        let (started, stores) = (Instant::now(), self.stores_of(&key.namespace));
        let has_changed = self.lock().remove(&key);
        let ended = match self.0.pushes.get(&key) {
            None => {
                self.0.context.operator.gone(Kind::PushSecret, &key);
                Ok(Next::OnChange)
            }
            Some(Kept::Object(object)) => {
                let ended = self.0.pusher.reconcile(&object, &stores, has_changed).await;
                let kept = self.keep_stores(&object, &stores).await;
                self.tell_metrics(&key, &object, &stores, started);
                ended.and_then(|next| kept.map(|()| next))
            }
            Some(Kept::Damaged { cause, .. }) => {
                warn!(push_secret = %key, %cause, "cannot be read, so it is not pushed");
                damaged::tell(&self.0.pusher, &key, &stores, &cause).await.map(|()| Next::OnChange)
            }
        };
        match ended {
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
        // What cannot be read may have something there.
        let is_unsure = self.0.pushes.damaged().iter().any(|key| sees(key, &store.id));
        let pushes = pushes.iter().map(|(_, object)| &**object);
        store_finalizer::keep(client, guard, store, pushes, is_unsure).await
    }

    fn pushes_that_see(&self, store: &StoreId) -> Vec<(ObjectKey, Arc<PushSecret>)> {
        self.0.pushes.all().into_iter().filter(|(key, _)| sees(key, store)).collect()
    }

    fn stores_of(&self, namespace: &str) -> Vec<Store> {
        let sees = |store: &Store| store.id.namespace.is_empty() || store.id.namespace == namespace;
        self.all_stores().into_iter().filter(sees).collect()
    }

    fn all_stores(&self) -> Vec<Store> {
        let own = self.0.stores.all().into_iter().map(|(_, store)| Store::of_namespace(&store));
        let shared = self.0.cluster_stores.all().into_iter().map(|(_, store)| Store::of_cluster(&store));
        own.chain(shared).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<ObjectKey>> {
        self.0.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an object may use a store.
fn sees(object: &ObjectKey, store: &StoreId) -> bool {
    store.namespace.is_empty() || object.namespace == store.namespace
}

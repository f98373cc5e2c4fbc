//! From changes to work: what is watched besides, who works on it, and how a look at a PushSecret ended.

mod changes;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::time::sleep;
use tracing::{debug, warn};

use crate::api::Kind;
use crate::api::push_secret::PushSecret;
use crate::api::secret_store::Adopt;
use crate::events::Events;
use crate::loops::Context;
use crate::loops::any_store::AnyStore;
use crate::loops::queue::{Outcome, Queue};
use crate::loops::turns::Turns;
use crate::loops::view::View;
use crate::loops::watched::{Kept, ObjectKey, Trace, Watched};
use crate::push::token::Tokens;
use crate::source::plan::StoreId;

use super::error::PushError;
use super::memory::Memory;
use super::reconcile::{Next, Pusher};
use super::stores::Store;
use super::{affected, key, store_finalizer};

/// After a failure to begin, the next try.
const PAUSE: Duration = Duration::from_secs(5);

/// The loop of PushSecrets; clones are the same.
#[derive(Clone)]
pub(in crate::loops) struct Loop(Arc<Inner>);

struct Inner {
    context: Context,
    view: View,
    config_maps: Watched<Trace>,
    queue: Queue<ObjectKey>,
    /// PushSecrets of which something that they read has changed, or that nobody has looked at.
    changed: Mutex<HashSet<ObjectKey>>,
}

impl Loop {
    pub(in crate::loops) fn new(context: Context, view: View) -> Self {
        let queue = Queue::new("push", &context.queues);
        let (config_maps, changed) = (Watched::default(), Mutex::default());
        Self(Arc::new(Inner { context, view, config_maps, queue, changed }))
    }

    /// Keeps PushSecrets pushed, until it is dropped. It begins with nothing known: whatever changed while another led is
    /// found out.
    pub(in crate::loops) async fn run(&self) {
        let Inner { context, config_maps, .. } = &*self.0;
        let part = context.health.part("loop-configmaps");
        tokio::join!(
            config_maps.follow_config_maps(context.client.clone(), part, |change| {
                self.read_changed(&change, false);
            }),
            self.work(),
        );
    }

    /// Not before everything is known: what is not listed yet would be missed.
    async fn work(&self) {
        let Inner { context, view, queue, .. } = &*self.0;
        let (tokens, ..) = tokio::join!(
            self.tokens(),
            view.push_secrets.listed(),
            view.stores_listed(),
            view.secrets.listed()
        );
        let Context { client, source, guard, settings, .. } = context.clone();
        let workers = settings.workers;
        let pusher = Arc::new(Pusher {
            events: Events::start(client.clone(), "keyhatch.dev/push", Some(guard.clone())),
            client,
            source,
            guard,
            tokens,
            memory: Memory::new(settings.min_push_interval),
            turns: Turns::default(),
        });
        self.release_leaving().await;
        queue.run(workers, (self.clone(), pusher), |(this, pusher), key| this.look(pusher, key)).await;
    }

    async fn tokens(&self) -> Tokens {
        let Context { client, guard, namespace, .. } = &self.0.context;
        loop {
            match key::tokens(client, guard, namespace).await {
                Ok(tokens) => return tokens,
                Err(error) => warn!(%error, "nothing is pushed yet"),
            }
            sleep(PAUSE).await;
        }
    }

    async fn look(self, pusher: Arc<Pusher>, key: ObjectKey) -> Outcome {
        let (started, stores) = (Instant::now(), self.stores_of(&key.namespace));
        let has_changed = self.lock().remove(&key);
        let ended = match self.0.view.push_secrets.get(&key) {
            None => {
                self.0.context.operator.gone(Kind::PushSecret, &key);
                Ok(Next::OnChange)
            }
            Some(Kept::Object(object)) => {
                // Before anything is made: without the store nobody could delete it.
                let kept = self.keep_stores(&object, &stores).await;
                let ended = match &kept {
                    Err(_) if object.metadata.deletion_timestamp.is_none() => Ok(Next::Failed),
                    Ok(()) | Err(_) => pusher.reconcile(&object, &stores, has_changed).await,
                };
                self.tell_metrics(&key, &object, &stores, started);
                ended.and_then(|next| kept.map(|()| next))
            }
            Some(Kept::Damaged { cause, .. }) => return pusher.tell_damaged(&key, &stores, &cause).await,
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
        let context = &self.0.context;
        let is_ours = stores.iter().any(|store| store.is_ours && affected::uses(object, store));
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
        let used = stores.iter().filter(|store| store.is_ours && affected::uses(object, store));
        for store in used {
            self.keep_store(store).await?;
        }
        Ok(())
    }

    async fn keep_store(&self, store: &Store) -> Result<(), PushError> {
        let Context { client, guard, .. } = &self.0.context;
        let pushes = self.pushes_that_see(&store.id);
        // What cannot be read may have something there.
        let is_unsure = self.0.view.push_secrets.damaged().iter().any(|key| sees(key, &store.id));
        let pushes = pushes.iter().map(|(_, object)| &**object);
        store_finalizer::keep(client, guard, store, pushes, is_unsure).await
    }

    fn pushes_that_see(&self, store: &StoreId) -> Vec<(ObjectKey, Arc<PushSecret>)> {
        self.0.view.push_secrets.all().into_iter().filter(|(key, _)| sees(key, store)).collect()
    }

    /// All stores that a namespace sees.
    fn stores_of(&self, namespace: &str) -> Vec<Store> {
        self.stores(|of_store| of_store.is_empty() || of_store == namespace)
    }

    /// The stores of some namespaces; those of the cluster are in `""`.
    fn stores(&self, is_meant: impl Fn(&str) -> bool) -> Vec<Store> {
        fn of<S: AnyStore>(
            watched: &Watched<S>,
            adopt: Adopt,
            is_meant: &impl Fn(&str) -> bool,
        ) -> impl Iterator<Item = Store> {
            let meant = watched.all().into_iter().filter(|(key, _)| is_meant(&key.namespace));
            meant.map(move |(_, store)| Store::of(&*store, adopt))
        }
        let (view, adopt) = (&self.0.view, self.0.context.settings.adopt);
        of(&view.stores, adopt, &is_meant).chain(of(&view.cluster_stores, adopt, &is_meant)).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<ObjectKey>> {
        self.0.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an object may use a store.
fn sees(object: &ObjectKey, store: &StoreId) -> bool {
    store.namespace.is_empty() || object.namespace == store.namespace
}

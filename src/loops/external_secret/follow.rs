//! From watches to work: which ExternalSecrets a change is about, and when each is looked at.

use std::sync::Arc;
use std::time::Duration;

use kube::ResourceExt;
use tokio::time::sleep;
use tracing::{debug, warn};

use crate::api::Kind;
use crate::api::common::StoreKind;
use crate::api::external_secret::ExternalSecret;
use crate::external_secret::names::MANAGED;
use crate::external_secret::target;
use crate::loops::Context;
use crate::loops::queue::{Outcome, Queue};
use crate::loops::watched::{Change, Kept, ObjectKey, Trace};
use crate::object_hash::version_of;
use crate::source::plan::StoreId;

use super::reconcile::{Keeper, Next};
use super::stores::{StoreState, stores_of};

/// How often it is asked whether everything was listed.
const LISTING: Duration = Duration::from_millis(50);
/// As many wait for AWS, to one that writes to the API server.
const WAITING: usize = 4;

/// All that is watched, and whoever works on it.
#[derive(Clone)]
pub(super) struct Follower(Arc<Inner>);

struct Inner {
    context: Context,
    keeper: Keeper,
    queue: Queue<ObjectKey>,
}

impl Follower {
    pub(super) fn new(context: Context, keeper: Keeper) -> Self {
        let queue = Queue::new("external-secret", &context.queues);
        Self(Arc::new(Inner { context, keeper, queue }))
    }

    /// Watches and works, until it is dropped.
    pub(super) async fn follow(self) {
        let Inner { context, keeper, .. } = &*self.0;
        let known = &keeper.known;
        let client = || context.client.clone();
        let part = |name| context.health.part(name);
        let managed = format!("{MANAGED}=true");
        tokio::join!(
            known.objects.follow(client(), part("loop-externalsecrets"), |change| self.changed(&change)),
            known.stores.follow(client(), part("loop-externalsecrets-stores"), |change| {
                self.store_changed(&change, StoreKind::SecretStore, |store| known.state(store));
            }),
            known.cluster_stores.follow(client(), part("loop-externalsecrets-clusterstores"), |change| {
                self.store_changed(&change, StoreKind::ClusterSecretStore, |store| {
                    known.cluster_state(store)
                });
            }),
            known.secrets.follow_labelled_secrets(client(), part("loop-kept-secrets"), &managed, |change| {
                self.secret_changed(&change);
            }),
            self.work(),
        );
    }

    /// Not before everything is known: what is not listed yet would be missed.
    async fn work(&self) {
        while !self.0.keeper.known.is_complete() {
            sleep(LISTING).await;
        }
        let follower = self.clone();
        let work = move |key: ObjectKey| {
            let follower = follower.clone();
            async move { follower.look(key).await }
        };
        self.0.queue.run(self.0.context.settings.workers * WAITING, work).await;
    }

    async fn look(&self, key: ObjectKey) -> Outcome {
        let Keeper { known, memory, .. } = &self.0.keeper;
        let told = memory.take(&key);
        let object = match known.objects.get(&key) {
            Some(Kept::Object(object)) => object,
            Some(Kept::Damaged { cause, .. }) => {
                warn!(external_secret = %key, %cause, "cannot be read, so its Secret is not kept");
                return Outcome::Done;
            }
            None => {
                self.0.keeper.operator.gone(Kind::ExternalSecret, &key);
                return Outcome::Done;
            }
        };
        match self.0.keeper.reconcile(&object, told).await {
            Ok(Next::OnChange) => Outcome::Done,
            Ok(Next::In(pause)) => Outcome::After(pause),
            Ok(Next::Failed) => {
                memory.put_back(&key, told);
                Outcome::Failed
            }
            Err(error) => {
                debug!(external_secret = %key, %error, "tried again");
                memory.put_back(&key, told);
                Outcome::Failed
            }
        }
    }

    /// A status is no change.
    fn changed(&self, change: &Change<ExternalSecret>) {
        let object = |kept: &Option<Kept<ExternalSecret>>| kept.as_ref().and_then(Kept::object).cloned();
        let (before, after) = (object(&change.before), object(&change.after));
        let target = |object: &Arc<ExternalSecret>| ObjectKey {
            namespace: change.key.namespace.clone(),
            name: target::name(object),
        };
        let memory = &self.0.keeper.memory;
        memory.keeps(&change.key, before.as_ref().map(target).as_ref(), after.as_ref().map(target).as_ref());
        let marks = |object: &Arc<ExternalSecret>| {
            (
                version_of(&object.metadata),
                object.metadata.deletion_timestamp.is_some(),
                object.metadata.uid.clone(),
            )
        };
        let (was, is) = (before.as_ref().map(marks), after.as_ref().map(marks));
        let has_finalizers = |object: &Arc<ExternalSecret>| object.finalizers().len();
        if was == is && before.as_ref().map(has_finalizers) <= after.as_ref().map(has_finalizers) {
            return;
        }
        if was != is && after.is_some() {
            memory.tell(&change.key, false);
        }
        self.0.queue.add(change.key.clone());
    }

    /// Of a store only what it says counts, whose it is, and whether it works.
    fn store_changed<K>(&self, change: &Change<K>, kind: StoreKind, state: impl Fn(&K) -> StoreState) {
        let of = |kept: &Option<Kept<K>>| kept.as_ref().and_then(Kept::object).map(|object| state(object));
        let (before, after) = (of(&change.before), of(&change.after));
        if before == after || !self.0.keeper.known.is_complete() {
            return;
        }
        // One that was another's a moment ago says what it said: whoever takes over does not fetch everything anew.
        let ours = |state: &Option<StoreState>| {
            state.as_ref().filter(|state| state.is_ours).map(|state| state.generation)
        };
        let has_other_store = ours(&before).is_some() && ours(&before) != ours(&after);
        let id = StoreId { kind, namespace: change.key.namespace.clone(), name: change.key.name.clone() };
        let reads = |key: &ObjectKey, object: &ExternalSecret| {
            let stores = stores_of(object).into_iter();
            stores
                .map(|store| StoreId::seen_from(&key.namespace, store.kind, &store.name))
                .any(|store| store == id)
        };
        for key in self.0.keeper.known.objects.select(reads) {
            if has_other_store {
                self.0.keeper.memory.tell(&key, true);
            }
            self.0.queue.add(key);
        }
    }

    /// A Secret that was not written by us just now is looked at.
    fn secret_changed(&self, change: &Change<Trace>) {
        let Keeper { known, memory, .. } = &self.0.keeper;
        let version = change.after.as_ref().and_then(Kept::object).map(|trace| trace.version.clone());
        if !known.secrets.is_complete()
            || version.is_some_and(|version| memory.is_intact(&change.key, &version))
        {
            return;
        }
        memory.keepers(&change.key).into_iter().for_each(|key| self.0.queue.add(key));
    }
}

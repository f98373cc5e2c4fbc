//! From changes to work: which ExternalSecrets a change is about, and when each is looked at.

use std::sync::Arc;

use kube::ResourceExt;
use tracing::debug;

use crate::api::Kind;
use crate::api::external_secret::ExternalSecret;
use crate::events::Events;
use crate::external_secret::target;
use crate::loops::Context;
use crate::loops::any_store::{self, AnyStore};
use crate::loops::queue::{Outcome, Queue};
use crate::loops::view::View;
use crate::loops::watched::{Change, Kept, ObjectKey, Trace};
use crate::object_hash::version_of;
use crate::source::plan::StoreId;

use super::memory::Memory;
use super::reconcile::{Keeper, Next, Task};
use super::rounds::Rounds;
use super::stores::{Known, StoreState, stores_of};

/// As many wait for AWS, to one that writes to the API server.
const WAITING: usize = 4;

/// The loop of ExternalSecrets; clones are the same.
#[derive(Clone)]
pub(in crate::loops) struct Loop(Arc<Inner>);

struct Inner {
    keeper: Keeper,
    queue: Queue<ObjectKey>,
    /// Secrets that somebody changed: what stands in for them is kept, so nobody waits behind those who wait for AWS.
    repairs: Queue<ObjectKey>,
    workers: usize,
}

impl Loop {
    pub(in crate::loops) fn new(context: Context, view: View) -> Self {
        let Context { client, source, guard, settings, queues, operator, .. } = context;
        let keeper = Keeper {
            events: Events::start(client.clone(), "keyhatch.dev/external-secret", Some(guard.clone())),
            client,
            source,
            guard,
            known: Known::new(view, settings.adopt),
            rounds: Rounds::default(),
            memory: Memory::default(),
            operator,
        };
        let repairs = Queue::new("external-secret-repairs", &queues);
        let queue = Queue::new("external-secret", &queues);
        Self(Arc::new(Inner { keeper, queue, repairs, workers: settings.workers }))
    }

    /// Keeps Secrets, until it is dropped; not before everything is known: what is not listed yet would be missed.
    /// Secrets that are as they were written are left alone until their time comes, whoever wrote them.
    pub(in crate::loops) async fn run(&self) {
        let Inner { keeper, queue, repairs, workers } = &*self.0;
        let View { external_secrets, secrets, .. } = &keeper.known.view;
        tokio::join!(external_secrets.listed(), keeper.known.view.stores_listed(), secrets.listed());
        let (repairing, looking) = (*workers, *workers * WAITING);
        tokio::join!(
            queue.run(looking, self.clone(), Self::look),
            repairs.run(repairing, self.clone(), Self::repair)
        );
    }

    async fn look(self, key: ObjectKey) -> Outcome {
        let Keeper { known, memory, .. } = &self.0.keeper;
        let told = memory.take(&key);
        let object = match known.view.external_secrets.get(&key) {
            Some(Kept::Object(object)) => object,
            Some(Kept::Damaged { cause, .. }) => return self.0.keeper.tell_damaged(&key, &cause).await,
            None => {
                self.0.keeper.operator.gone(Kind::ExternalSecret, &key);
                return Outcome::Done;
            }
        };
        match self.0.keeper.reconcile(&object, told, Task::All).await {
            Ok(Next::OnChange) => Outcome::Done,
            Ok(Next::In(pause)) => Outcome::After(pause),
            Ok(Next::Failed | Next::Fetch) => {
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

    /// Repairs a Secret; all that is more than that is done in a look.
    async fn repair(self, key: ObjectKey) -> Outcome {
        let Inner { keeper, queue, .. } = &*self.0;
        if let Some(Kept::Object(object)) = keeper.known.view.external_secrets.get(&key)
            && let Ok(Next::OnChange | Next::In(_)) =
                keeper.reconcile(&object, keeper.memory.told(&key), Task::Repair).await
        {
            return Outcome::Done;
        }
        queue.add(key);
        Outcome::Done
    }

    /// A status is no change.
    pub(in crate::loops) fn changed(&self, change: &Change<ExternalSecret>) {
        let object = |kept: &Option<Kept<ExternalSecret>>| kept.as_ref().and_then(Kept::object).cloned();
        let (before, after) = (object(&change.before), object(&change.after));
        let is_damaged = after.is_none() && change.after.is_some();
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
        if !is_damaged
            && was == is
            && before.as_ref().map(has_finalizers) <= after.as_ref().map(has_finalizers)
        {
            return;
        }
        if was != is && after.is_some() {
            memory.tell(&change.key, false);
        }
        self.0.queue.add(change.key.clone());
    }

    /// Of a store only what it says counts, whose it is, and whether it works.
    pub(in crate::loops) fn store_changed<S: AnyStore>(&self, change: &Change<S>) {
        let Keeper { known, memory, .. } = &self.0.keeper;
        let of =
            |kept: &Option<Kept<S>>| kept.as_ref().and_then(Kept::object).map(|store| known.state(&**store));
        let (before, after) = (of(&change.before), of(&change.after));
        if before == after || !known.view.external_secrets.is_complete() {
            return;
        }
        // One that was another's a moment ago says what it said: whoever takes over does not fetch everything anew.
        let ours = |state: &Option<StoreState>| {
            state.as_ref().filter(|state| state.is_ours).map(|state| state.generation)
        };
        let has_other_store = ours(&before).is_some() && ours(&before) != ours(&after);
        let id = any_store::id(S::KIND, &change.key);
        let reads = |key: &ObjectKey, object: &ExternalSecret| {
            let stores = stores_of(&object.spec).into_iter();
            stores
                .map(|store| StoreId::seen_from(&key.namespace, store.kind, &store.name))
                .any(|store| store == id)
        };
        for key in known.view.external_secrets.select(reads) {
            if has_other_store {
                memory.tell(&key, true);
            }
            self.0.queue.add(key);
        }
    }

    /// A Secret that was not written by us just now is looked at, whatever its labels say by now.
    pub(in crate::loops) fn secret_changed(&self, change: &Change<Trace>) {
        let Inner { keeper: Keeper { known, memory, .. }, queue, repairs, .. } = &*self.0;
        let after = change.after.as_ref().and_then(Kept::object);
        if after.is_some_and(|trace| memory.is_intact(&change.key, &trace.version)) {
            return;
        }
        if after.is_none() {
            memory.found_intact(&change.key, None);
        }
        // While all are listed they are all looked at in any case.
        let queue = if known.view.secrets.is_complete() { repairs } else { queue };
        memory.keepers(&change.key).into_iter().for_each(|key| queue.add(key));
    }
}

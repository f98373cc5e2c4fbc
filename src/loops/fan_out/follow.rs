//! From changes to work: which objects a change is about.

use std::collections::HashSet;
use std::sync::Arc;

use kube::Resource;
use kube::api::ObjectMeta;

use crate::api::secret_store::Adopt;
use crate::events::Events;
use crate::facts::Labels;
use crate::loops::any_store::AnyStore;
use crate::loops::queue::{Outcome, Queue};
use crate::loops::watched::{Change, Kept, ObjectKey, Watched};
use crate::loops::{Context, Settings};

use super::Around;
use super::keep::{self, Keeper, key, maker};
use super::memory::Memory;
use super::object::FanOut;
use super::seen::{Child, Maker};
use super::whose::Stores;
use super::written::Written;

/// The loop of a kind; clones are the same.
pub(super) struct Loop<K: FanOut>(Arc<Inner<K>>);

struct Inner<K: FanOut> {
    context: Context,
    keeper: Keeper,
    around: Around,
    objects: Watched<Written<K>>,
    queue: Queue<ObjectKey>,
}

impl<K: FanOut> Clone for Loop<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: FanOut> Loop<K> {
    pub(super) fn new(context: Context, around: Around) -> Self {
        let Context { client, guard, settings, operator, .. } = context.clone();
        let Settings { adopt, .. } = settings;
        let events = Events::start(client.clone(), "keyhatch.dev/fan-out", Some(guard.clone()));
        let queue = Queue::new(K::QUEUE, &context.queues);
        let keeper = Keeper { client, guard, events, adopt, memory: Memory::default(), metrics: operator };
        Self(Arc::new(Inner { context, keeper, around, objects: Watched::default(), queue }))
    }

    /// Watches the kind and works, until it is dropped; `part` is where troubles of the watch are told.
    pub(super) async fn run(&self, part: &'static str) {
        let Inner { context, objects, .. } = &*self.0;
        let part = context.health.part(part);
        let follow = objects.follow(context.client.clone(), part, |change| self.object_changed(&change));
        tokio::join!(follow, self.work());
    }

    /// Not before everything is known: what is not listed yet would be missed.
    async fn work(&self) {
        let Inner { context, around: Around { namespaces, view }, objects, queue, .. } = &*self.0;
        let children = K::children(view);
        tokio::join!(objects.listed(), children.listed(), namespaces.listed(), view.stores_listed());
        queue.run(context.settings.workers, self.clone(), Self::look).await;
    }

    /// A namespace, or a store: whom that is about is seen by a look.
    pub(super) fn everything_changed(&self) {
        let Inner { objects, around, queue, .. } = &*self.0;
        objects.all().into_iter().for_each(|(key, _)| queue.add(key));
        // Also objects that are gone, and of which the operator left something.
        let Some(prefix) = K::NAMESPACE_FINALIZER else { return };
        for (_, place) in around.namespaces.all() {
            for name in place.finalizers.iter().filter_map(|finalizer| finalizer.strip_prefix(prefix)) {
                queue.add(key(name));
            }
        }
    }

    async fn look(self, key: ObjectKey) -> Outcome {
        match self.0.objects.get(&key) {
            Some(Kept::Object(written)) => {
                let wanted = written.object.wanted();
                let around = self.around(&maker(&written), &wanted.name);
                self.0.keeper.keep(&written, &around).await
            }
            Some(Kept::Damaged { cause, .. }) => self.0.keeper.tell_damaged::<K>(&key, &cause).await,
            None => {
                self.forget_makers();
                self.0.keeper.forget::<K>(&key.name, &self.around(&Maker::default(), "")).await
            }
        }
    }

    /// What we write into the status is no change, nor is what anybody else does there.
    fn object_changed(&self, change: &Change<Written<K>>) {
        let metadata = |kept: &Option<Kept<Written<K>>>| {
            kept.as_ref().and_then(Kept::object).map(|written| said(written.meta()))
        };
        let (before, after) = (metadata(&change.before), metadata(&change.after));
        if before.is_some() && before == after {
            return;
        }
        self.0.queue.add(change.key.clone());
    }

    /// Nothing is remembered of those that are gone.
    fn forget_makers(&self) {
        let there: HashSet<String> =
            self.0.objects.all().into_iter().map(|(_, written)| maker(&written).uid).collect();
        self.0.keeper.memory.keep_makers(|uid| there.contains(uid));
    }

    /// It may have been made by one of ours, or have the name that one of ours wants.
    pub(super) fn child_changed(&self, change: &Change<K::Child>) {
        let of = |kept: &Option<Kept<K::Child>>| kept.as_ref().map(|kept| Child::of(kept.metadata()));
        let (before, after) = (of(&change.before), of(&change.after));
        if before == after {
            return;
        }
        let Inner { objects, queue, .. } = &*self.0;
        for (key, written) in objects.all() {
            let maker = Some(maker(&written));
            let is_made = [&before, &after].into_iter().flatten().any(|child| child.maker == maker);
            if is_made || written.object.wanted().name == change.key.name {
                queue.add(key);
            }
        }
    }

    fn around(&self, maker: &Maker, name: &str) -> keep::Around {
        let Inner { around: Around { namespaces, view }, keeper, .. } = &*self.0;
        let namespaces = namespaces.all().into_iter().map(|(key, place)| (key.name, place));
        // Also those that cannot be read: their names are taken.
        let children = K::children(view).select_metadata(|key, metadata| {
            let child = Child::of(metadata);
            (key.name == name || child.maker.as_ref() == Some(maker)).then_some(child)
        });
        let mut stores = Stores::default();
        view.stores.all().iter().for_each(|(_, store)| add(&mut stores, &**store, keeper.adopt));
        view.cluster_stores.all().iter().for_each(|(_, store)| add(&mut stores, &**store, keeper.adopt));
        keep::Around { namespaces: namespaces.collect(), children: children.into_iter().collect(), stores }
    }
}

fn add<S: AnyStore>(stores: &mut Stores, store: &S, adopt: Adopt) {
    let labels = store.meta().labels.iter().flatten();
    let labels: Labels = labels.map(|(key, value)| (key.clone(), value.clone())).collect();
    let id = store.id();
    stores.add(&id.namespace, &id.name, labels, store.is_ours(adopt));
}

/// All that counts of the object itself.
fn said(metadata: &ObjectMeta) -> ObjectMeta {
    ObjectMeta { resource_version: None, managed_fields: None, ..metadata.clone() }
}

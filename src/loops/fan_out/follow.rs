//! From watches to work: which objects a change is about.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kube::Resource;
use kube::api::ObjectMeta;
use tokio::time::sleep;
use tracing::warn;

use crate::events::Events;
use crate::facts::Labels;
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

/// How often it is asked whether everything was listed.
const LISTING: Duration = Duration::from_millis(50);

/// All that is watched for a kind, and whoever works on it.
pub(super) struct Follower<K: FanOut>(Arc<Inner<K>>);

struct Inner<K: FanOut> {
    context: Context,
    keeper: Keeper,
    around: Around,
    objects: Watched<Written<K>>,
    children: Watched<Child>,
    queue: Queue<ObjectKey>,
}

impl<K: FanOut> Clone for Follower<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: FanOut> Follower<K> {
    pub(super) fn new(context: Context, around: Around) -> Self {
        let Context { client, guard, settings, operator, .. } = context.clone();
        let Settings { adopt, .. } = settings;
        let events = Events::start(client.clone(), "keyhatch.dev/fan-out", Some(guard.clone()));
        Self(Arc::new(Inner {
            queue: Queue::new(K::QUEUE, &context.queues),
            context,
            keeper: Keeper { client, guard, events, adopt, memory: Memory::default(), metrics: operator },
            around,
            objects: Watched::default(),
            children: Watched::default(),
        }))
    }

    /// Watches and works, until it is dropped.
    pub(super) async fn follow(&self, of_objects: &'static str, of_children: &'static str) {
        let Inner { context, objects, children, .. } = &*self.0;
        let client = || context.client.clone();
        let part = |name| context.health.part(name);
        tokio::join!(
            objects.follow(client(), part(of_objects), |change| self.object_changed(&change)),
            children.follow_metadata::<K::Child>(client(), part(of_children), None, Child::of, |change| {
                self.child_changed(&change);
            }),
            self.work(),
        );
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
        let Inner { objects, children, around, .. } = &*self.0;
        let is_made_complete = objects.is_complete() && children.is_complete();
        is_made_complete
            && around.namespaces.is_complete()
            && around.stores.is_complete()
            && around.cluster_stores.is_complete()
    }

    async fn look(&self, key: ObjectKey) -> Outcome {
        match self.0.objects.get(&key) {
            Some(Kept::Object(written)) => {
                let wanted = written.object.wanted();
                let around = self.around(&maker(&written), &wanted.name);
                self.0.keeper.keep(&written, &around).await
            }
            Some(Kept::Damaged { cause, .. }) => {
                warn!(kind = %K::KINDS.0, object = %key, %cause, "cannot be read, so nothing is made of it");
                Outcome::Done
            }
            None => self.0.keeper.forget::<K>(&key.name, &self.around(&Maker::default(), "")).await,
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
        if let (Some(Kept::Object(before)), None) = (&change.before, &change.after) {
            self.0.keeper.memory.forget(&maker(before).uid);
        }
        self.0.queue.add(change.key.clone());
    }

    /// It may have been made by one of ours, or have the name that one of ours wants.
    fn child_changed(&self, change: &Change<Child>) {
        let of = |kept: &Option<Kept<Child>>| kept.as_ref().and_then(Kept::object).cloned();
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
        let Inner { around, children, keeper, .. } = &*self.0;
        let namespaces: BTreeMap<_, _> =
            around.namespaces.all().into_iter().map(|(key, place)| (key.name, place)).collect();
        let children = children.all().into_iter();
        let children =
            children.filter(|(key, child)| key.name == name || child.maker.as_ref() == Some(maker)).collect();
        let mut stores = Stores::default();
        let mut add =
            |key: &ObjectKey, metadata: &ObjectMeta, spec: &crate::api::secret_store::SecretStoreSpec| {
                let labels = metadata.labels.iter().flatten();
                let labels: Labels = labels.map(|(key, value)| (key.clone(), value.clone())).collect();
                let is_ours = keeper.adopt.adopts(&spec.controller) && spec.secrets_manager().is_some();
                stores.add(&key.namespace, &key.name, labels, is_ours);
            };
        around.stores.all().iter().for_each(|(key, store)| add(key, &store.metadata, &store.spec));
        around.cluster_stores.all().iter().for_each(|(key, store)| add(key, &store.metadata, &store.spec.0));
        keep::Around { namespaces, children, stores }
    }
}

/// All that counts of the object itself.
fn said(metadata: &ObjectMeta) -> ObjectMeta {
    ObjectMeta { resource_version: None, managed_fields: None, ..metadata.clone() }
}

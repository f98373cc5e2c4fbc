//! Objects of a kind, as a watch keeps them: each decoded by itself, so that one which cannot be decoded stops no other.
//!
//! Whoever follows a kind is told of each change after it counts. A kind that is not installed has no objects, and a watch
//! that is broken goes on with what was there; both are told in `/readyz?verbose`.

mod kept;
mod taken;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use k8s_openapi::api::core::v1::{ConfigMap, Secret, ServiceAccount};
use kube::api::{Api, ObjectMeta};
use kube::core::{ApiResource, PartialObjectMeta};
use kube::runtime::watcher::Event;
use kube::{Client, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::watch;

pub use kept::{Change, Kept, ObjectKey};
pub use taken::Trace;
use taken::Whole;

use crate::cluster;
use crate::health::Part;
use crate::watching::{Seen, Watching};

/// All objects of a kind that are known; clones are the same.
#[derive(Debug)]
pub struct Watched<T>(Arc<Known<T>>);

/// With the resourceVersion of each.
type Objects<T> = HashMap<ObjectKey, (Kept<T>, Option<String>)>;

#[derive(Debug)]
struct Known<T> {
    objects: RwLock<Objects<T>>,
    is_complete: watch::Sender<bool>,
}

impl<T> Clone for Watched<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for Watched<T> {
    fn default() -> Self {
        Self(Arc::new(Known { objects: RwLock::default(), is_complete: watch::Sender::new(false) }))
    }
}

impl<T> Watched<T> {
    /// An object; none if there is none.
    pub fn get(&self, key: &ObjectKey) -> Option<Kept<T>> {
        self.read().get(key).map(|(kept, _)| kept.clone())
    }

    /// All that can be read, in no order.
    pub fn all(&self) -> Vec<(ObjectKey, Arc<T>)> {
        let known = self.read();
        let objects = known.iter();
        objects.filter_map(|(key, (kept, _))| Some((key.clone(), Arc::clone(kept.object()?)))).collect()
    }

    /// Those that can be read and match, in no order.
    pub fn select(&self, matches: impl Fn(&ObjectKey, &T) -> bool) -> Vec<ObjectKey> {
        let known = self.read();
        let objects = known.iter();
        let found =
            objects.filter(|(key, (kept, _))| kept.object().is_some_and(|object| matches(key, object)));
        found.map(|(key, _)| key.clone()).collect()
    }

    /// What is taken of the metadata of each, readable or not, in no order.
    pub fn select_metadata<M>(
        &self,
        taken: impl Fn(&ObjectKey, &ObjectMeta) -> Option<M>,
    ) -> Vec<(ObjectKey, M)>
    where
        T: Resource,
    {
        let known = self.read();
        let objects = known.iter();
        objects.filter_map(|(key, (kept, _))| Some((key.clone(), taken(key, kept.metadata())?))).collect()
    }

    /// Those that cannot be read, in no order.
    pub fn damaged(&self) -> Vec<ObjectKey> {
        let known = self.read();
        let damaged = known.iter().filter(|(_, (kept, _))| kept.object().is_none());
        damaged.map(|(key, _)| key.clone()).collect()
    }

    /// Whether everything that there is was listed once: before that, what is not known may exist.
    pub fn is_complete(&self) -> bool {
        *self.0.is_complete.borrow()
    }

    /// Waits for that.
    pub async fn listed(&self) {
        // An error would say that it is known no more, and this knows it.
        drop(self.0.is_complete.subscribe().wait_for(|is_complete| *is_complete).await);
    }

    fn put(&self, object: &impl Resource, kept: Kept<T>) -> Option<Change<T>> {
        let key = key_of(object);
        let version = object.meta().resource_version.clone();
        let before = self.write().insert(key.clone(), (kept.clone(), version.clone()));
        // A list that is made anew has much that did not change.
        if before.as_ref().is_some_and(|(_, before)| before.is_some() && *before == version) {
            return None;
        }
        Some(Change { key, before: before.map(|(kept, _)| kept), after: Some(kept) })
    }

    fn remove(&self, key: ObjectKey) -> Option<Change<T>> {
        let (before, _) = self.write().remove(&key)?;
        Some(Change { key, before: Some(before), after: None })
    }

    /// Objects that were not in a complete list are gone.
    fn retain(&self, listed: &HashSet<ObjectKey>) -> Vec<Change<T>> {
        let gone: Vec<_> = self.read().keys().filter(|key| !listed.contains(*key)).cloned().collect();
        gone.into_iter().filter_map(|key| self.remove(key)).collect()
    }

    fn read(&self) -> RwLockReadGuard<'_, Objects<T>> {
        self.0.objects.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Objects<T>> {
        self.0.objects.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K> Watched<K>
where
    K: Resource<DynamicType = ()> + DeserializeOwned + fmt::Debug + Send + Sync + 'static,
{
    /// Keeps all objects of the kind, until it is dropped.
    pub async fn follow(&self, client: Client, part: Part, told: impl Fn(Change<K>)) {
        let api = Api::<Seen<Whole<K>>>::all_with(client, &ApiResource::erase::<K>(&()));
        let mut watching = Watching::new(api, cluster::watch_config().page_size(PAGE), part);
        self.keep(&mut watching, |seen: &Seen<Whole<K>>| seen.taken.0.clone(), told).await;
    }
}

impl Watched<Trace> {
    /// Keeps traces of all Secrets: the API server sends no values.
    pub async fn follow_secrets(&self, client: Client, part: Part, told: impl Fn(Change<Trace>)) {
        self.follow_metadata::<Secret>(client, part, Trace::of, told).await;
    }

    /// The same of ConfigMaps.
    pub async fn follow_config_maps(&self, client: Client, part: Part, told: impl Fn(Change<Trace>)) {
        self.follow_metadata::<ConfigMap>(client, part, Trace::of, told).await;
    }

    /// The same of ServiceAccounts.
    pub async fn follow_service_accounts(&self, client: Client, part: Part, told: impl Fn(Change<Trace>)) {
        self.follow_metadata::<ServiceAccount>(client, part, Trace::of, told).await;
    }
}

impl<T> Watched<T> {
    /// Keeps what is taken of the metadata of all objects of a kind: the API server sends nothing else of them.
    pub async fn follow_metadata<K>(
        &self,
        client: Client,
        part: Part,
        taken: impl Fn(&ObjectMeta) -> T,
        told: impl Fn(Change<T>),
    ) where
        K: Resource<DynamicType = ()> + Clone + DeserializeOwned + fmt::Debug + Send + 'static,
    {
        let api = Api::<PartialObjectMeta<K>>::all(client);
        let mut watching = Watching::new(api, cluster::watch_config().page_size(PAGE), part);
        let taken = |object: &PartialObjectMeta<K>| Kept::Object(Arc::new(taken(&object.metadata)));
        self.keep(&mut watching, taken, told).await;
    }
}

/// Objects that are read at once.
const PAGE: u32 = 100;

impl<T> Watched<T> {
    async fn keep<O>(
        &self,
        watching: &mut Watching<O>,
        kept: impl Fn(&O) -> Kept<T>,
        told: impl Fn(Change<T>),
    ) where
        O: Resource + Clone + DeserializeOwned + fmt::Debug + Send + 'static,
    {
        let mut listed = HashSet::new();
        loop {
            let mut is_complete = false;
            let changes = match watching.next().await {
                Event::Init => {
                    listed.clear();
                    Vec::new()
                }
                Event::InitApply(object) => {
                    listed.insert(key_of(&object));
                    self.put(&object, kept(&object)).into_iter().collect()
                }
                Event::InitDone => {
                    is_complete = true;
                    self.retain(&std::mem::take(&mut listed))
                }
                Event::Apply(object) => self.put(&object, kept(&object)).into_iter().collect(),
                Event::Delete(object) => self.remove(key_of(&object)).into_iter().collect(),
            };
            changes.into_iter().for_each(&told);
            if is_complete {
                self.0.is_complete.send_replace(true);
            }
        }
    }
}

fn key_of<O: Resource>(object: &O) -> ObjectKey {
    let metadata = object.meta();
    ObjectKey {
        namespace: metadata.namespace.clone().unwrap_or_default(),
        name: metadata.name.clone().unwrap_or_default(),
    }
}

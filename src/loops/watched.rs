//! Objects of a kind, as a watch keeps them: each decoded by itself, so that one which cannot be decoded stops no other.
//!
//! Whoever follows a kind is told of each change after it counts. A kind that is not installed has no objects, and a watch
//! that is broken goes on with what was there; both are told in `/readyz?verbose`.

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

pub use taken::Trace;
use taken::Whole;

use crate::cluster;
use crate::health::Part;
use crate::watching::{Seen, Watching};

/// Which object of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey {
    /// Its namespace; empty for objects of the cluster.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.namespace.as_str() {
            "" => f.write_str(&self.name),
            namespace => write!(f, "{namespace}/{}", self.name),
        }
    }
}

/// An object, as far as it can be read.
#[derive(Debug)]
pub enum Kept<T> {
    /// It is this.
    Object(Arc<T>),
    /// It does not fit its type.
    Damaged {
        /// What could be read.
        metadata: Box<ObjectMeta>,
        /// Why, on one line; it may quote the part that does not fit.
        cause: Arc<str>,
    },
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Object(object) => Self::Object(Arc::clone(object)),
            Self::Damaged { metadata, cause } => {
                Self::Damaged { metadata: metadata.clone(), cause: Arc::clone(cause) }
            }
        }
    }
}

impl<T> Kept<T> {
    /// The object, if it can be read.
    pub fn object(&self) -> Option<&Arc<T>> {
        match self {
            Self::Object(object) => Some(object),
            Self::Damaged { .. } => None,
        }
    }
}

/// A change of one object.
#[derive(Debug)]
pub struct Change<T> {
    /// Which.
    pub key: ObjectKey,
    /// What it was before; none if it is new.
    pub before: Option<Kept<T>>,
    /// What it is; none if it is gone.
    pub after: Option<Kept<T>>,
}

/// All objects of a kind that are known; clones are the same.
#[derive(Debug)]
pub struct Watched<T>(Arc<RwLock<Known<T>>>);

#[derive(Debug)]
struct Known<T> {
    objects: HashMap<ObjectKey, (Kept<T>, Option<String>)>,
    is_complete: bool,
}

impl<T> Clone for Watched<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for Watched<T> {
    fn default() -> Self {
        Self(Arc::new(RwLock::new(Known { objects: HashMap::new(), is_complete: false })))
    }
}

impl<T> Watched<T> {
    /// An object; none if there is none.
    pub fn get(&self, key: &ObjectKey) -> Option<Kept<T>> {
        self.read().objects.get(key).map(|(kept, _)| kept.clone())
    }

    /// All that can be read, in no order.
    pub fn all(&self) -> Vec<(ObjectKey, Arc<T>)> {
        let known = self.read();
        let objects = known.objects.iter();
        objects.filter_map(|(key, (kept, _))| Some((key.clone(), Arc::clone(kept.object()?)))).collect()
    }

    /// Those that can be read and match, in no order.
    pub fn select(&self, matches: impl Fn(&ObjectKey, &T) -> bool) -> Vec<ObjectKey> {
        let known = self.read();
        let objects = known.objects.iter();
        let found =
            objects.filter(|(key, (kept, _))| kept.object().is_some_and(|object| matches(key, object)));
        found.map(|(key, _)| key.clone()).collect()
    }

    /// Those that cannot be read, in no order.
    pub fn damaged(&self) -> Vec<ObjectKey> {
        let known = self.read();
        let damaged = known.objects.iter().filter(|(_, (kept, _))| kept.object().is_none());
        damaged.map(|(key, _)| key.clone()).collect()
    }

    /// Whether everything that there is was listed once: before that, what is not known may exist.
    pub fn is_complete(&self) -> bool {
        self.read().is_complete
    }

    fn put(&self, object: &impl Resource, kept: Kept<T>) -> Option<Change<T>> {
        let key = key_of(object);
        let version = object.meta().resource_version.clone();
        let before = self.write().objects.insert(key.clone(), (kept.clone(), version.clone()));
        // A list that is made anew has much that did not change.
        if before.as_ref().is_some_and(|(_, before)| before.is_some() && *before == version) {
            return None;
        }
        Some(Change { key, before: before.map(|(kept, _)| kept), after: Some(kept) })
    }

    fn remove(&self, key: ObjectKey) -> Option<Change<T>> {
        let (before, _) = self.write().objects.remove(&key)?;
        Some(Change { key, before: Some(before), after: None })
    }

    /// Objects that were not in a complete list are gone.
    fn retain(&self, listed: &HashSet<ObjectKey>) -> Vec<Change<T>> {
        let gone: Vec<_> = {
            let mut known = self.write();
            known.is_complete = true;
            known.objects.keys().filter(|key| !listed.contains(*key)).cloned().collect()
        };
        gone.into_iter().filter_map(|key| self.remove(key)).collect()
    }

    fn read(&self) -> RwLockReadGuard<'_, Known<T>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Known<T>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
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
        self.follow_metadata::<Secret>(client, part, None, Trace::of, told).await;
    }

    /// The same of those with a label; one that loses it is gone.
    pub async fn follow_labelled_secrets(
        &self,
        client: Client,
        part: Part,
        label: &str,
        told: impl Fn(Change<Trace>),
    ) {
        self.follow_metadata::<Secret>(client, part, Some(label), Trace::of, told).await;
    }

    /// The same of ConfigMaps.
    pub async fn follow_config_maps(&self, client: Client, part: Part, told: impl Fn(Change<Trace>)) {
        self.follow_metadata::<ConfigMap>(client, part, None, Trace::of, told).await;
    }

    /// The same of ServiceAccounts.
    pub async fn follow_service_accounts(&self, client: Client, part: Part, told: impl Fn(Change<Trace>)) {
        self.follow_metadata::<ServiceAccount>(client, part, None, Trace::of, told).await;
    }
}

impl<T> Watched<T> {
    /// Keeps what is taken of the metadata of all objects of a kind, or of those with a label: the API server sends nothing else of them.
    pub async fn follow_metadata<K>(
        &self,
        client: Client,
        part: Part,
        label: Option<&str>,
        taken: impl Fn(&ObjectMeta) -> T,
        told: impl Fn(Change<T>),
    ) where
        K: Resource<DynamicType = ()> + Clone + DeserializeOwned + fmt::Debug + Send + 'static,
    {
        let api = Api::<PartialObjectMeta<K>>::all(client);
        let config = cluster::watch_config().page_size(PAGE);
        let config = label.map_or_else(|| config.clone(), |label| config.clone().labels(label));
        let mut watching = Watching::new(api, config, part);
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
            let changes = match watching.next().await {
                Event::Init => {
                    listed.clear();
                    Vec::new()
                }
                Event::InitApply(object) => {
                    listed.insert(key_of(&object));
                    self.put(&object, kept(&object)).into_iter().collect()
                }
                Event::InitDone => self.retain(&std::mem::take(&mut listed)),
                Event::Apply(object) => self.put(&object, kept(&object)).into_iter().collect(),
                Event::Delete(object) => self.remove(key_of(&object)).into_iter().collect(),
            };
            changes.into_iter().for_each(&told);
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

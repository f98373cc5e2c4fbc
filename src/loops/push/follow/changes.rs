//! What a change of one object means for the others: PushSecrets are to be looked at, stores may go.

use std::sync::Arc;

use kube::ResourceExt;
use tracing::debug;

use crate::api::push_secret::PushSecret;
use crate::loops::credentials;
use crate::loops::push::affected::{self, Changed};
use crate::loops::push::stores::Store;
use crate::loops::watched::{Change, Kept, ObjectKey, Trace};

use super::Follower;

impl Follower {
    /// It is looked at; stores that it keeps no more are let go.
    pub(super) fn push_changed(&self, change: &Change<PushSecret>) {
        if change.before.is_none() {
            self.lock().insert(change.key.clone());
        }
        if !affected::is_of_status_only(change) {
            self.0.queue.add(change.key.clone());
        }
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
    pub(super) fn store_changed<K>(&self, change: &Change<K>, store: fn(&K) -> Store) {
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
    pub(super) fn read_changed(&self, change: &Change<Trace>, is_secret: bool) {
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
}

//! What a change of one object means for the others: PushSecrets are to be looked at, stores may go.

use std::sync::Arc;

use kube::ResourceExt;
use tracing::debug;

use crate::api::push_secret::PushSecret;
use crate::loops::any_store::AnyStore;
use crate::loops::credentials;
use crate::loops::push::affected::{self, Changed};
use crate::loops::push::stores::Store;
use crate::loops::watched::{Change, Kept, ObjectKey, Trace};

use super::Loop;

impl Loop {
    /// It is looked at; stores that it keeps no more are let go.
    pub(in crate::loops) fn changed(&self, change: &Change<PushSecret>) {
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
        let (this, object) = (self.clone(), Arc::clone(object));
        tokio::spawn(async move {
            let stores = this.stores_of(&object.namespace().unwrap_or_default());
            if let Err(error) = this.keep_stores(&object, &stores).await {
                debug!(%error, "a store's finalizer stays until its next change");
            }
        });
    }

    /// A status is no change of a store; what it says, its labels and its end are.
    pub(in crate::loops) fn store_changed<S: AnyStore>(&self, change: &Change<S>) {
        let adopt = self.0.context.settings.adopt;
        let of = |kept: &Option<Kept<S>>| {
            kept.as_ref().and_then(Kept::object).map(|store| Store::of(&**store, adopt))
        };
        let (before, after) = (of(&change.before), of(&change.after));
        if let (Some(before), Some(after)) = (&before, &after)
            && before.is_as(after)
        {
            return;
        }
        for store in before.iter().chain(&after) {
            for (key, object) in self.pushes_that_see(&store.id) {
                if affected::uses(&object, store) {
                    self.read_is_new(key);
                }
            }
        }
        // Not while PushSecrets are listed: one that is not known yet may have something there.
        let are_known = self.0.view.push_secrets.is_complete();
        if let Some(store) = after.filter(|store| store.is_leaving && store.is_ours && are_known) {
            let this = self.clone();
            tokio::spawn(async move { this.release(&store).await });
        }
    }

    /// Stores that began to go before all PushSecrets were known.
    pub(super) async fn release_leaving(&self) {
        let stores = self.stores(|_| true).into_iter();
        for store in stores.filter(|store| store.is_leaving && store.is_ours) {
            self.release(&store).await;
        }
    }

    /// Lets a store go that is being deleted, unless something keeps it.
    async fn release(&self, store: &Store) {
        if let Err(error) = self.keep_store(store).await {
            debug!(store = %store.id, %error, "its finalizer stays until its next change");
        }
    }

    /// A Secret or ConfigMap is pushed, is a policy, or is what stores have their keys in.
    pub(in crate::loops) fn read_changed(&self, change: &Change<Trace>, is_secret: bool) {
        let watched = if is_secret { &self.0.view.secrets } else { &self.0.config_maps };
        if change.before.is_none() && !watched.is_complete() {
            return; // it is listed, not new
        }
        let ObjectKey { namespace, name } = &change.key;
        let of = |kept: &Option<Kept<Trace>>| kept.as_ref().and_then(Kept::object).cloned();
        let (before, after) = (of(&change.before), of(&change.after));
        let labels = [before.as_ref().map(|trace| &trace.labels), after.as_ref().map(|trace| &trace.labels)];
        let changed = Changed { name, labels, is_secret };
        let pushes = self.0.view.push_secrets.all();
        for (key, object) in pushes.iter().filter(|(key, _)| key.namespace == *namespace) {
            if affected::reads(object, changed) {
                self.read_is_new(key.clone());
            }
        }
        let holders = if is_secret { self.stores_with_keys_in(namespace, name) } else { Vec::new() };
        for store in holders {
            for (key, object) in self.pushes_that_see(&store.id) {
                if affected::uses(&object, &store) {
                    self.read_is_new(key);
                }
            }
        }
    }

    /// Something that it reads is new.
    fn read_is_new(&self, key: ObjectKey) {
        self.lock().insert(key.clone());
        self.0.queue.add(key);
    }

    fn stores_with_keys_in(&self, namespace: &str, name: &str) -> Vec<Store> {
        let stores = self.stores(|_| true);
        let holds =
            |store: &Store| credentials::are_in_secret(&store.spec, &store.id.namespace, (namespace, name));
        stores.into_iter().filter(holds).collect()
    }
}

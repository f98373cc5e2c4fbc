//! From watches to work: which stores a change is about.

use std::sync::Arc;

use kube::Client;
use tracing::warn;

use crate::api::common::StoreKind;
use crate::api::secret_store::{ClusterSecretStore, SecretStore, SecretStoreSpec};
use crate::health::Part;
use crate::loops::queue::{Outcome, Queue};
use crate::loops::watched::{Change, Kept, Trace, Watched};
use crate::loops::{Context, credentials};
use crate::source::plan::StoreId;

use super::check::Checker;
use super::object::{self, Store};

/// All that is watched, and whoever works on it.
#[derive(Clone)]
pub(super) struct Follower(Arc<Inner>);

struct Inner {
    context: Context,
    checker: Checker,
    stores: Watched<SecretStore>,
    cluster_stores: Watched<ClusterSecretStore>,
    secrets: Watched<Trace>,
    accounts: Watched<Trace>,
    queue: Queue<StoreId>,
}

/// Whether a store has credentials in an object, by namespace and name.
type Uses = fn(&SecretStoreSpec, &str, (&str, &str)) -> bool;

impl Follower {
    pub(super) fn new(context: Context, checker: Checker) -> Self {
        Self(Arc::new(Inner {
            queue: Queue::new("store", &context.queues),
            context,
            checker,
            stores: Watched::default(),
            cluster_stores: Watched::default(),
            secrets: Watched::default(),
            accounts: Watched::default(),
        }))
    }

    /// Watches and works, until it is dropped.
    pub(super) async fn follow(self) {
        let Inner { context, stores, cluster_stores, secrets, .. } = &*self.0;
        let client = || context.client.clone();
        let part = |name| context.health.part(name);
        tokio::join!(
            self.follow_stores(stores, client(), part("loop-store-secretstores")),
            self.follow_stores(cluster_stores, client(), part("loop-store-clustersecretstores")),
            secrets.follow_secrets(client(), part("loop-store-secrets"), |change| {
                self.credentials_changed(secrets, &change, credentials::are_in_secret);
            }),
            self.follow_accounts(),
            self.work(),
        );
    }

    async fn follow_stores<S: Store>(&self, watched: &Watched<S>, client: Client, part: Part) {
        let told = |change: Change<S>| self.store_changed(&change);
        watched.follow(client, part, told).await;
    }

    /// Without the right to list them, a change of a ServiceAccount is found at the next look.
    async fn follow_accounts(&self) {
        let Inner { context, accounts, .. } = &*self.0;
        if context.watch_accounts {
            let part = context.health.part("loop-store-serviceaccounts");
            let told = |change: Change<Trace>| {
                self.credentials_changed(accounts, &change, credentials::are_of_account);
            };
            accounts.follow_service_accounts(context.client.clone(), part, told).await;
        }
    }

    async fn work(&self) {
        let follower = self.clone();
        let work = move |id: StoreId| {
            let follower = follower.clone();
            async move { follower.look(id).await }
        };
        self.0.queue.run(self.0.context.settings.workers, work).await;
    }

    async fn look(&self, id: StoreId) -> Outcome {
        let key = object::key(&id);
        match id.kind {
            StoreKind::SecretStore => self.look_at(&id, self.0.stores.get(&key)).await,
            StoreKind::ClusterSecretStore => self.look_at(&id, self.0.cluster_stores.get(&key)).await,
        }
    }

    async fn look_at<S: Store>(&self, id: &StoreId, store: Option<Kept<S>>) -> Outcome {
        match store {
            Some(Kept::Object(store)) => self.0.checker.check(&*store).await,
            Some(Kept::Damaged { cause, .. }) => {
                warn!(store = %id, %cause, "cannot be read, so it is not validated");
                Outcome::Done
            }
            None => {
                self.0.checker.metrics.gone(id.kind.into(), &object::key(id));
                Outcome::Done
            }
        }
    }

    /// What we write is no change.
    fn store_changed<S: Store>(&self, change: &Change<S>) {
        let of = |kept: &Option<Kept<S>>| kept.as_ref().and_then(Kept::object).cloned();
        if let (Some(before), Some(after)) = (of(&change.before), of(&change.after))
            && before.says_as(&after)
        {
            return;
        }
        self.0.queue.add(object::id(S::KIND, &change.key));
    }

    fn credentials_changed(&self, watched: &Watched<Trace>, change: &Change<Trace>, uses: Uses) {
        if change.before.is_none() && !watched.is_complete() {
            return; // it is listed, not new
        }
        let Inner { stores, cluster_stores, queue, .. } = &*self.0;
        let place = (change.key.namespace.as_str(), change.key.name.as_str());
        let of_namespace = stores.all().into_iter().map(|(_, store)| (store.id(), store.spec.clone()));
        let of_cluster =
            cluster_stores.all().into_iter().map(|(_, store)| (store.id(), store.spec.0.clone()));
        for (id, spec) in of_namespace.chain(of_cluster) {
            if uses(&spec, &id.namespace, place) {
                queue.add(id);
            }
        }
    }
}

//! From watches to work: which stores a change is about.

use std::sync::Arc;

use crate::api::common::StoreKind;
use crate::api::secret_store::SecretStoreSpec;
use crate::events::Events;
use crate::loops::any_store::{self, AnyStore};
use crate::loops::queue::{Outcome, Queue};
use crate::loops::view::View;
use crate::loops::watched::{Change, Kept, Trace, Watched};
use crate::loops::{Context, credentials};
use crate::source::plan::StoreId;

use super::check::Checker;

/// The loop of stores; clones are the same.
#[derive(Clone)]
pub(in crate::loops) struct Loop(Arc<Inner>);

struct Inner {
    context: Context,
    view: View,
    checker: Checker,
    accounts: Watched<Trace>,
    queue: Queue<StoreId>,
}

/// Whether a store has credentials in an object, by namespace and name.
type Uses = fn(&SecretStoreSpec, &str, (&str, &str)) -> bool;

impl Loop {
    pub(in crate::loops) fn new(context: Context, view: View) -> Self {
        let Context { client, source, guard, settings, operator, .. } = context.clone();
        let checker = Checker {
            events: Events::start(client.clone(), "keyhatch.dev/stores", Some(guard.clone())),
            client,
            source,
            guard,
            adopt: settings.adopt,
            metrics: operator,
        };
        let queue = Queue::new("store", &context.queues);
        Self(Arc::new(Inner { context, view, checker, accounts: Watched::default(), queue }))
    }

    /// Keeps the conditions of stores, until it is dropped.
    pub(in crate::loops) async fn run(&self) {
        let Inner { context, queue, .. } = &*self.0;
        tokio::join!(self.follow_accounts(), queue.run(context.settings.workers, self.clone(), Self::look));
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

    async fn look(self, id: StoreId) -> Outcome {
        let (key, view) = (any_store::key(&id), &self.0.view);
        match id.kind {
            StoreKind::SecretStore => self.look_at(&id, view.stores.get(&key)).await,
            StoreKind::ClusterSecretStore => self.look_at(&id, view.cluster_stores.get(&key)).await,
        }
    }

    async fn look_at<S: AnyStore>(&self, id: &StoreId, store: Option<Kept<S>>) -> Outcome {
        match store {
            Some(Kept::Object(store)) => self.0.checker.check(&*store).await,
            Some(Kept::Damaged { cause, .. }) => self.0.checker.tell_damaged::<S>(id, &cause).await,
            None => {
                self.0.checker.metrics.gone(id.kind.into(), &any_store::key(id));
                Outcome::Done
            }
        }
    }

    /// What we write is no change.
    pub(in crate::loops) fn store_changed<S: AnyStore>(&self, change: &Change<S>) {
        let of = |kept: &Option<Kept<S>>| kept.as_ref().and_then(Kept::object).cloned();
        if let (Some(before), Some(after)) = (of(&change.before), of(&change.after))
            && before.says_as(&after)
        {
            return;
        }
        self.0.queue.add(any_store::id(S::KIND, &change.key));
    }

    /// It may have a store's access keys.
    pub(in crate::loops) fn secret_changed(&self, change: &Change<Trace>) {
        self.credentials_changed(&self.0.view.secrets, change, credentials::are_in_secret);
    }

    fn credentials_changed(&self, watched: &Watched<Trace>, change: &Change<Trace>, uses: Uses) {
        if change.before.is_none() && !watched.is_complete() {
            return; // it is listed, not new
        }
        let place = (change.key.namespace.as_str(), change.key.name.as_str());
        let stores = self.0.view.stores_that(|id, spec| uses(spec, &id.namespace, place));
        stores.into_iter().for_each(|id| self.0.queue.add(id));
    }
}

//! One store in, and when it is to be looked at again out: AWS is asked, and the status says what it answered.

use std::time::Instant;

use k8s_openapi::jiff::Timestamp;
use kube::Client;
use tracing::debug;

use crate::api::secret_store::SecretStoreStatus;
use crate::events::{Events, Happening};
use crate::jitter::jittered;
use crate::leader::Guard;
use crate::loops::Adopt;
use crate::loops::operator_metrics::OperatorMetrics;
use crate::loops::queue::Outcome;
use crate::loops::write;
use crate::source::Source;

use super::object::{Store, key};
use super::verdict::{READY, Verdict, verdict};

/// Everything that a look uses.
pub(super) struct Checker {
    pub(super) client: Client,
    pub(super) source: Source,
    pub(super) guard: Guard,
    pub(super) events: Events,
    pub(super) adopt: Adopt,
    pub(super) metrics: OperatorMetrics,
}

impl Checker {
    /// Whether a store is ours.
    pub(super) fn takes(&self, store: &impl Store) -> bool {
        let spec = store.spec();
        self.adopt.adopts(&spec.controller) && spec.secrets_manager().is_some()
    }

    /// Asks AWS, and writes what it says if that is new.
    pub(super) async fn check<S: Store>(&self, store: &S) -> Outcome {
        let id = store.id();
        if !self.takes(store) {
            self.metrics.gone(S::KIND.into(), &key(&id));
            return Outcome::Done;
        }
        let started = Instant::now();
        let region = store.spec().secrets_manager().map(|aws| aws.region.as_str()).unwrap_or_default();
        let Some(verdict) = verdict(self.source.prove(&id).await, region) else { return Outcome::Failed };
        let status = verdict.status(store.status(), Timestamp::now());
        self.metrics.looked_at(S::KIND.into(), &key(&id), started.elapsed(), &status.conditions);
        let api = S::api(self.client.clone(), &id.namespace);
        match write::status(&api, &self.guard, store, store.status(), &status).await {
            Ok(None) => {}
            Ok(Some(_)) => self.tell(store, &verdict, &status),
            Err(write::WriteError::Gone { .. }) => return Outcome::Done,
            Err(error) => {
                debug!(store = %id, %error, "tried again");
                return Outcome::Failed;
            }
        }
        Outcome::After(jittered(verdict.lasts(store.spec())))
    }

    /// An Event, if the condition says something else than before.
    fn tell<S: Store>(&self, store: &S, verdict: &Verdict, new: &SecretStoreStatus) {
        let ready = |status: &SecretStoreStatus| {
            status.conditions.iter().find(|condition| condition.type_ == READY).cloned()
        };
        if store.status().and_then(ready) == ready(new) {
            return;
        }
        self.events.tell(Happening {
            regarding: store.object_ref(&()),
            is_warning: !verdict.is_ready,
            reason: verdict.reason.into(),
            action: "Validate",
            note: verdict.message.clone(),
            distinct: verdict.message.clone(),
        });
    }
}

//! One store in, and when it is to be looked at again out: AWS is asked, and the status says what it answered.

use std::time::Instant;

use k8s_openapi::jiff::Timestamp;
use kube::Client;
use kube::api::ObjectMeta;
use tracing::debug;

use crate::api::common::Condition;
use crate::api::secret_store::{SecretStoreSpec, SecretStoreStatus};
use crate::events::{Events, Happening};
use crate::jitter::jittered;
use crate::leader::Guard;
use crate::loops::Adopt;
use crate::loops::any_store::{AnyStore, key};
use crate::loops::damaged::{self, Words};
use crate::loops::operator_metrics::OperatorMetrics;
use crate::loops::queue::Outcome;
use crate::loops::write;
use crate::source::Source;
use crate::source::plan::StoreId;

use super::verdict::{INVALID, Verdict, verdict};

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
    /// Asks AWS, and writes what it says if that is new.
    pub(super) async fn check<S: AnyStore>(&self, store: &S) -> Outcome {
        let id = store.id();
        if !store.is_ours(self.adopt) {
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

    /// Tells it of one that cannot be read, if it is ours.
    pub(super) async fn tell_damaged<S: AnyStore>(&self, id: &StoreId, cause: &str) -> Outcome {
        let words = Words {
            kind: S::KIND.into(),
            reason: INVALID,
            consequence: "it is not validated",
            finalizer: None,
        };
        let is_ours = |_: &ObjectMeta, spec: &SecretStoreSpec| spec.is_ours(self.adopt);
        let by = (&self.client, &self.guard);
        damaged::tell::<S, _, SecretStoreStatus>(by, &key(id), words, cause, is_ours).await
    }

    /// An Event, if the condition says something else than before.
    fn tell<S: AnyStore>(&self, store: &S, verdict: &Verdict, new: &SecretStoreStatus) {
        let ready = |status: &SecretStoreStatus| Condition::ready(&status.conditions).cloned();
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

//! One ExternalSecret in, and when it is to be looked at again out: is it ours, is it going, is it due or was its Secret
//! touched; then it is fetched, its Secret is brought into step, and its status says what came of it.

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::jiff::Timestamp;
use kube::api::Api;
use kube::{Client, ResourceExt};

use crate::api::Kind;
use crate::api::external_secret::{DeletionPolicy, ExternalSecret};
use crate::events::Events;
use crate::external_secret::due::{self, Due, Why};
use crate::external_secret::names::FINALIZER;
use crate::external_secret::target::{self, Step};
use crate::leader::Guard;
use crate::loops::operator_metrics::OperatorMetrics;
use crate::loops::watched::ObjectKey;
use crate::loops::write;
use crate::object_hash::version_of;
use crate::source::Source;

use super::audit;
use super::error::KeepError;
use super::fetch::Fetched;
use super::memory::{Memory, Told};
use super::rounds::{AHEAD, Rounds};
use super::stores::{Known, Whose};

/// Everything that keeping a Secret uses.
pub(super) struct Keeper {
    pub(super) client: Client,
    pub(super) source: Source,
    pub(super) guard: Guard,
    pub(super) known: Known,
    pub(super) rounds: Rounds,
    pub(super) memory: Memory,
    pub(super) events: Events,
    pub(super) operator: OperatorMetrics,
}

/// When an ExternalSecret is to be looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// When something changes.
    OnChange,
    /// After this, at the latest.
    In(Duration),
    /// It is not as it should be, and is tried again, later and later.
    Failed,
    /// It is to be fetched, which was not asked for.
    Fetch,
}

/// What a look may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// Everything.
    All,
    /// Repair a Secret that somebody changed.
    Repair,
}

/// Why a Secret is brought into step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// It is to be fetched.
    Due(Why),
    /// Somebody changed the Secret: what was fetched last is good enough.
    Touched,
}

impl Keeper {
    /// Brings one into step. `told`: what was told of it since it was looked at.
    pub(super) async fn reconcile(
        &self,
        object: &ExternalSecret,
        told: Option<Told>,
        task: Task,
    ) -> Result<Next, KeepError> {
        let whose = self.whose(object, told);
        if object.metadata.deletion_timestamp.is_some() {
            return match whose {
                Whose::Theirs => Ok(Next::OnChange),
                Whose::Ours(_) | Whose::Both(_) | Whose::Nobodys => self.finish(object).await,
            };
        }
        let started = Instant::now();
        let namespace = object.namespace().unwrap_or_default();
        let key = ObjectKey { namespace: namespace.clone(), name: object.name_any() };
        let Some(trouble) = trouble(whose) else {
            self.operator.gone(Kind::ExternalSecret, &key);
            return Ok(Next::OnChange);
        };
        let written = self.finalizer(object, &namespace, true).await?;
        let object = written.as_ref().unwrap_or(object);
        let target = ObjectKey { namespace, name: target::name(object) };
        let now = Timestamp::now();
        let due = self.due(object, now, told);
        if task == Task::Repair && matches!(due, Due::Now(_)) {
            return Ok(Next::Fetch);
        }
        if !matches!(due, Due::Now(_)) && self.is_known_intact(object, &target) {
            return Ok(self.in_step(object, &key, started, due));
        }
        let existing = self.read(&target).await?;
        let is_intact = target::is_intact(object, existing.as_ref());
        self.note(&target, existing.as_ref().filter(|_| is_intact));
        let cause = match (due, is_intact) {
            (Due::Now(why), _) => Cause::Due(why),
            (Due::In(_) | Due::OnChange, false) => Cause::Touched,
            (Due::In(_) | Due::OnChange, true) => {
                return Ok(self.in_step(object, &key, started, due));
            }
        };
        let outcome = match trouble {
            Some(trouble) => Err(trouble),
            None => self.keep(object, existing.as_ref(), cause, told).await,
        };
        let is_good = outcome.is_ok();
        let (next, status) = self.tell(object, outcome, cause, now).await?;
        self.operator.synced(Kind::ExternalSecret, &key, is_good);
        self.operator.looked_at(Kind::ExternalSecret, &key, started.elapsed(), &status.conditions);
        Ok(next)
    }

    fn whose(&self, object: &ExternalSecret, told: Option<Told>) -> Whose {
        match self.known.whose(&object.metadata, &object.spec) {
            // Its store was ours until a moment ago.
            Whose::Nobodys if told.is_some_and(|told| told.has_other_store) => Whose::Ours(None),
            whose => whose,
        }
    }

    /// There is nothing to do yet.
    fn in_step(&self, object: &ExternalSecret, key: &ObjectKey, started: Instant, due: Due) -> Next {
        let conditions = object.status.as_ref().map(|status| status.conditions.as_slice());
        let conditions = conditions.unwrap_or_default();
        self.operator.looked_at(Kind::ExternalSecret, key, started.elapsed(), conditions);
        next(due)
    }

    /// When it is due. What was read through a store that has changed counts no more.
    fn due(&self, object: &ExternalSecret, now: Timestamp, told: Option<Told>) -> Due {
        let status = object.status.clone().unwrap_or_default();
        let uid = object.metadata.uid.as_deref().unwrap_or_default();
        match due::due(&object.spec, &status, &version_of(&object.metadata), uid, now) {
            Due::In(_) if told.is_some_and(|told| told.has_other_store) => Due::Now(Why::Changed),
            // It failed, and whoever changed it since, or asked for it again, does not mean the same answers.
            Due::Now(Why::New) if told.is_some() && !status.conditions.is_empty() => Due::Now(Why::Changed),
            due => due,
        }
    }

    /// Whether the Secret was looked at since it changed last, and nothing was wrong with it.
    fn is_known_intact(&self, object: &ExternalSecret, target: &ObjectKey) -> bool {
        match self.known.secret(target) {
            Some(trace) => self.memory.is_intact(target, &trace.version),
            None => target::is_intact(object, None),
        }
    }

    fn note(&self, target: &ObjectKey, intact: Option<&Secret>) {
        let version = intact.and_then(|secret| secret.metadata.resource_version.as_ref());
        self.memory.found_intact(target, version);
    }

    /// Fetches, and brings the Secret into step.
    async fn keep(
        &self,
        object: &ExternalSecret,
        existing: Option<&Secret>,
        cause: Cause,
        told: Option<Told>,
    ) -> Result<Step, KeepError> {
        let fetched = self.fetched(object, cause, told).await?;
        let step = target::plan(object, existing, &fetched.values)?;
        let written = self.apply(object, existing, &step).await?;
        if let Some(written) = &written {
            audit::written(object, &written.name_any(), &fetched);
            let target =
                ObjectKey { namespace: written.namespace().unwrap_or_default(), name: written.name_any() };
            self.note(&target, Some(written));
        }
        self.happened(object, &step, &fetched);
        Ok(step)
    }

    async fn fetched(
        &self,
        object: &ExternalSecret,
        cause: Cause,
        told: Option<Told>,
    ) -> Result<Fetched, KeepError> {
        let now = Instant::now();
        let why = match cause {
            Cause::Due(why) => why,
            Cause::Touched => return self.fetch(object, due::interval(&object.spec), now).await,
        };
        let fresh = due::max_age(&object.spec, Why::Interval, Duration::ZERO);
        let since = match why {
            Why::New | Why::Changed => told.map_or(now, |told| told.at),
            // A round since then has fetched ahead what is due now, and it is young enough.
            Why::Interval | Why::Again => now.checked_sub(fresh.min(AHEAD)).unwrap_or(now),
        };
        self.rounds.cover(since, || self.fetch_ahead()).await;
        let max_age = due::max_age(&object.spec, why, since.elapsed());
        self.fetch(object, Some(max_age), now).await
    }

    /// It is being deleted: its Secret goes first, if that was asked for.
    async fn finish(&self, object: &ExternalSecret) -> Result<Next, KeepError> {
        if !object.finalizers().iter().any(|one| one == FINALIZER) {
            return Ok(Next::OnChange);
        }
        if object.spec.target.deletion_policy == DeletionPolicy::Delete {
            self.delete_target(object).await?;
        }
        self.finalizer(object, &object.namespace().unwrap_or_default(), false).await?;
        Ok(Next::OnChange)
    }

    /// The object as it is now, if that was changed.
    async fn finalizer(
        &self,
        object: &ExternalSecret,
        namespace: &str,
        is_wanted: bool,
    ) -> Result<Option<ExternalSecret>, KeepError> {
        let api = Api::namespaced(self.client.clone(), namespace);
        Ok(write::finalizer(&api, &self.guard, object, FINALIZER, is_wanted).await?)
    }
}

/// Why one of ours cannot be fetched, if that is known beforehand; none if it is not ours.
fn trouble(whose: Whose) -> Option<Option<KeepError>> {
    match whose {
        Whose::Theirs | Whose::Nobodys => None,
        Whose::Both(store) => Some(Some(KeepError::Mixed { store: store.to_string() })),
        Whose::Ours(broken) => {
            Some(broken.map(|(store, why)| KeepError::NotReady { store: store.to_string(), why }))
        }
    }
}

pub(super) fn next(due: Due) -> Next {
    match due {
        Due::Now(_) => Next::Failed,
        Due::In(left) => Next::In(left),
        Due::OnChange => Next::OnChange,
    }
}

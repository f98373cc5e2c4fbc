//! One PushSecret in, and when it is to be looked at again out: is it ours, is it due, is it going; then it is pushed, and
//! its status says what came of it.

use std::borrow::Cow;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, ObjectMeta};
use kube::{Client, Resource, ResourceExt};

use crate::api::Kind;
use crate::api::common::Condition;
use crate::api::push_secret::{PushSecret, PushSecretSpec, PushSecretStatus};
use crate::events::{Events, Happening};
use crate::leader::Guard;
use crate::loops::conditions::was_ours;
use crate::loops::damaged::{self, Words};
use crate::loops::queue::Outcome;
use crate::loops::turns::Turns;
use crate::loops::watched::ObjectKey;
use crate::loops::write;
use crate::object_hash::version_of;
use crate::push::due::{self, Due, due};
use crate::push::token::Tokens;
use crate::source::Source;

use super::affected;
use super::error::PushError;
use super::memory::Memory;
use super::one::{Push, Pushed};
use super::sources;
use super::status::{self, Verdict};
use super::stores::{Selected, Store, select};

/// External Secrets Operator's, so that either of the two can go on where the other ended.
const FINALIZER: &str = "pushsecret.externalsecrets.io/finalizer";

/// Everything that a push uses.
pub(super) struct Pusher {
    pub(super) client: Client,
    pub(super) source: Source,
    pub(super) guard: Guard,
    pub(super) tokens: Tokens,
    pub(super) memory: Memory,
    /// By place and full name of the remote secret.
    pub(super) turns: Turns<(Box<str>, String)>,
    pub(super) events: Events,
}

/// When a PushSecret is to be looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// When something changes.
    OnChange,
    /// After this, at the latest.
    In(Duration),
    /// After this, and then it is not as it should be yet.
    Again(Duration),
    /// It is not as it should be, and is tried again, later and later.
    Failed,
}

impl Pusher {
    /// Brings one into step. `stores` are all that its namespace sees; `has_changed`: a Secret, a store or a policy of
    /// it did, or nobody looked since this process leads.
    pub(super) async fn reconcile(
        &self,
        object: &PushSecret,
        stores: &[Store],
        has_changed: bool,
    ) -> Result<Next, PushError> {
        let namespace = object.namespace().unwrap_or_default();
        let selected = select(&object.spec.secret_store_refs, stores, |store| store.is_ours);
        let left = self.left(object, stores, &selected);
        if selected.ours.is_empty() && left.is_empty() && !is_orphaned(object, stores) {
            return Ok(Next::OnChange);
        }
        let mut push = Push::new(self, Cow::Borrowed(object), &namespace);
        if object.metadata.deletion_timestamp.is_some() {
            return self.finish(&push, stores).await;
        }
        if let Some(written) = self.finalizer(object, &namespace, push.deletes()).await? {
            push.object = Cow::Owned(written);
        }
        let (version, now) = (version_of(&object.metadata), Timestamp::now());
        let status = object.status.clone().unwrap_or_default();
        match due(&object.spec, &status, &version, has_changed, now) {
            Due::Now => {}
            Due::In(left) => return Ok(Next::In(left)),
            Due::OnChange => return Ok(Next::OnChange),
        }
        let (pushed, verdict) = self.push(&mut push, &selected, &left).await?;
        self.tell(&push, &version, now, pushed, verdict).await
    }

    /// Reads what it names, and pushes it.
    async fn push(
        &self,
        push: &mut Push<'_>,
        selected: &Selected,
        left: &[Store],
    ) -> Result<(Pushed, Verdict), PushError> {
        let spec = &push.object.spec;
        let failed = |at: &str, error| {
            let pushed = Pushed { record: push.recorded.clone(), ..Pushed::default() };
            Ok((pushed, Verdict::Failed(vec![(at.to_owned(), error)])))
        };
        if let Some(what) = unsupported(&push.object) {
            return failed("spec", what);
        }
        let Some(wanted) = &spec.selector.secret else {
            return failed("spec.selector", PushError::NoSource);
        };
        let found = match sources::secrets(&self.client, push.namespace, wanted).await {
            Ok(found) => found,
            Err(error) => return failed("spec.selector", error),
        };
        if found.is_empty() {
            if !push.deletes() || push.recorded.is_empty() {
                let title = sources::title(push.namespace, wanted);
                return failed("spec.selector", PushError::NoSecrets { title });
            }
            let withdrawn = push.withdraw(&[&selected.ours, left].concat()).await;
            return Ok((withdrawn, Verdict::SourceDeleted));
        }
        let active: Vec<Store> = selected.ours.iter().filter(|store| !store.is_leaving).cloned().collect();
        push.begin(&found, &active).await?;
        let mut pushed = push.push(&found, &active, left).await;
        let missing = selected.missing.iter();
        pushed.problems.extend(missing.map(|store| (store.clone(), PushError::NoStore)));
        Ok((pushed, Verdict::Pushed))
    }

    /// It is being deleted: what was pushed goes first, if that was asked for. What went to stores of others is theirs
    /// to delete, and so is then the finalizer.
    async fn finish(&self, push: &Push<'_>, stores: &[Store]) -> Result<Next, PushError> {
        if !push.object.finalizers().iter().any(|one| one == FINALIZER) {
            return Ok(Next::OnChange);
        }
        // Somebody may have thought better of it meanwhile.
        if !push.deletes() {
            self.finalizer(&push.object, push.namespace, false).await?;
            return Ok(Next::OnChange);
        }
        let recorded = &push.recorded;
        let ours = stores.iter().filter(|store| store.is_ours);
        let ours: Vec<Store> =
            ours.filter(|store| recorded.contains_key(&store.key().to_string())).cloned().collect();
        let mut pushed = push.withdraw(&ours).await;
        let is_known = |key: &str| stores.iter().any(|store| store.key().to_string() == key);
        let lost: Vec<_> = pushed.record.keys().filter(|key| !is_known(key)).cloned().collect();
        pushed.problems.extend(lost.into_iter().map(|key| (key, PushError::StoreGone)));
        if pushed.record.is_empty() && pushed.problems.is_empty() {
            self.finalizer(&push.object, push.namespace, false).await?;
            return Ok(Next::OnChange);
        }
        let version = push.object.status.as_ref().and_then(|status| status.synced_resource_version.clone());
        self.tell(push, &version.unwrap_or_default(), Timestamp::now(), pushed, Verdict::Deleting).await
    }

    /// Stores of ours to which it was pushed, and which it names no more.
    fn left(&self, object: &PushSecret, stores: &[Store], selected: &Selected) -> Vec<Store> {
        let recorded = object.status.as_ref().map(|status| &status.synced_push_secrets);
        let is_left = |store: &&Store| {
            recorded.is_some_and(|recorded| recorded.contains_key(&store.key().to_string()))
                && !selected.ours.iter().any(|one| one.id == store.id)
        };
        stores.iter().filter(|store| store.is_ours).filter(is_left).cloned().collect()
    }

    /// The object as it is now, if that was changed.
    async fn finalizer(
        &self,
        object: &PushSecret,
        namespace: &str,
        is_wanted: bool,
    ) -> Result<Option<PushSecret>, PushError> {
        let api = Api::namespaced(self.client.clone(), namespace);
        Ok(write::finalizer(&api, &self.guard, object, FINALIZER, is_wanted).await?)
    }

    /// Writes the status, if it says anything new.
    async fn tell(
        &self,
        push: &Push<'_>,
        version: &str,
        now: Timestamp,
        pushed: Pushed,
        verdict: Verdict,
    ) -> Result<Next, PushError> {
        let Pushed { record, problems, changes, wait } = pushed;
        let verdict = if problems.is_empty() { verdict } else { Verdict::Failed(problems) };
        let new = status::next(&push.object, record, &verdict, version, now);
        if changes > 0 || matches!(verdict, Verdict::Failed(_) | Verdict::SourceDeleted) {
            self.happened(push, &new);
        }
        let api = Api::namespaced(self.client.clone(), push.namespace);
        write::status(&api, &self.guard, &*push.object, push.object.status.as_ref(), &new).await?;
        Ok(match (&verdict, due::interval(&push.object.spec)) {
            (Verdict::Failed(problems), _) => match wait {
                Some(wait) if problems.iter().all(|(_, problem)| problem.passes()) => Next::Again(wait),
                _ => Next::Failed,
            },
            (Verdict::Pushed, Some(interval)) => Next::In(interval),
            (Verdict::Pushed | Verdict::SourceDeleted | Verdict::Deleting, _) => Next::OnChange,
        })
    }

    /// Tells it of one that cannot be read, if a store of ours is named.
    pub(super) async fn tell_damaged(&self, key: &ObjectKey, stores: &[Store], cause: &str) -> Outcome {
        let words = Words {
            kind: Kind::PushSecret,
            reason: "Errored",
            consequence: "it is not pushed",
            // What it has pushed would stay at AWS, whatever its deletionPolicy is.
            finalizer: None,
        };
        let is_ours = |_: &ObjectMeta, spec: &PushSecretSpec| {
            !select(&spec.secret_store_refs, stores, |store| store.is_ours).ours.is_empty()
        };
        let by = (&self.client, &self.guard);
        damaged::tell::<PushSecret, _, PushSecretStatus>(by, key, words, cause, is_ours).await
    }

    /// An Event with what the condition says.
    fn happened(&self, push: &Push<'_>, status: &PushSecretStatus) {
        let Some(ready) = Condition::ready(&status.conditions) else { return };
        let note = ready.message.clone().unwrap_or_default();
        self.events.tell(Happening {
            regarding: push.object.object_ref(&()),
            is_warning: ready.status != "True",
            reason: ready.reason.clone().unwrap_or_default(),
            action: "PushSecrets",
            distinct: note.clone(),
            note,
        });
    }
}

/// Whether it was ours, and its stores are gone: nobody else is there to tell, or to see it off.
fn is_orphaned(object: &PushSecret, stores: &[Store]) -> bool {
    was_ours(&object.metadata) && !stores.iter().any(|store| affected::uses(object, store))
}

/// What our loop does not do, and admission refuses for its stores.
fn unsupported(object: &PushSecret) -> Option<PushError> {
    if object.spec.template.is_some() {
        return Some(PushError::Unsupported("template"));
    }
    object.spec.selector.generator_ref.as_ref().map(|_| PushError::Unsupported("selector.generatorRef"))
}

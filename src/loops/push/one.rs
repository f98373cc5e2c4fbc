//! One PushSecret, top to bottom: what it names is read, what it wants of each store is worked out, each remote secret
//! is brought into step by itself, and what came of it goes into the status.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use tracing::warn;

use crate::api::push_secret::{PushData, PushDeletionPolicy, PushSecret};
use crate::object_hash::version_of;
use crate::push::record::{self, Record};
use crate::push::removal;
use crate::push::wanted::{Source, Wanted, wanted};
use crate::source::error::SourceError;
use crate::source::remote::Remote;

use super::error::PushError;
use super::reconcile::Pusher;
use super::secret::Done;
use super::stores::Store;

/// Remote secrets of one PushSecret that are looked at together.
pub(super) const TOGETHER: usize = 16;

/// What came of one PushSecret.
#[derive(Debug, Default)]
pub(super) struct Pushed {
    /// What is pushed now.
    pub(super) record: Record,
    /// What is not as it should be: where, and why.
    pub(super) problems: Vec<(String, PushError)>,
    /// Versions that were written, and changes beside them.
    pub(super) changes: usize,
    /// When something that had to wait is due.
    pub(super) wait: Option<Duration>,
}

/// A PushSecret that is being pushed.
pub(super) struct Push<'a> {
    pub(super) pusher: &'a Pusher,
    pub(super) object: Cow<'a, PushSecret>,
    /// What was pushed so far.
    pub(super) recorded: Record,
    pub(super) namespace: &'a str,
    /// Whether it is not the version that was pushed last.
    pub(super) is_new_version: bool,
}

impl<'a> Push<'a> {
    /// Nothing is pushed yet.
    pub(super) fn new(pusher: &'a Pusher, object: Cow<'a, PushSecret>, namespace: &'a str) -> Self {
        let status = object.status.as_ref();
        let synced = status.and_then(|status| status.synced_resource_version.as_deref());
        Self {
            is_new_version: synced != Some(&version_of(&object.metadata)),
            recorded: status.map(|status| status.synced_push_secrets.clone()).unwrap_or_default(),
            pusher,
            object,
            namespace,
        }
    }

    /// Pushes to these stores, and takes away what is wanted no more there and in stores that are `left`: those that it
    /// names no longer.
    pub(super) async fn push(&self, sources: &[Source], stores: &[Store], left: &[Store]) -> Pushed {
        let mut pushed = Pushed { record: self.recorded.clone(), ..Pushed::default() };
        let mut arns = Vec::new();
        for store in stores {
            let key = store.key().to_string();
            let recorded = self.recorded.get(&key).cloned().unwrap_or_default();
            match self.reach(store).await {
                Ok(remote) => {
                    arns.extend(self.push_to(store, &remote, sources, recorded, &mut pushed).await);
                }
                Err(error) => pushed.problems.push((key, error)),
            }
        }
        // Only once all is where it shall be: what moved to another store of the same account is not deleted.
        let is_all_there = pushed.problems.is_empty();
        for store in left {
            match self.deletes() {
                true if is_all_there => self.leave(store, &arns, &mut pushed).await,
                true => {}
                false => record::forget(&mut pushed.record, &store.key().to_string(), |_| false),
            }
        }
        pushed
    }

    /// Takes everything away that was pushed to these stores.
    pub(super) async fn withdraw(&self, stores: &[Store]) -> Pushed {
        let mut pushed = Pushed { record: self.recorded.clone(), ..Pushed::default() };
        for store in stores {
            self.leave(store, &[], &mut pushed).await;
        }
        pushed
    }

    async fn push_to(
        &self,
        store: &Store,
        remote: &Remote,
        sources: &[Source],
        recorded: BTreeMap<String, PushData>,
        pushed: &mut Pushed,
    ) -> Vec<String> {
        let key = store.key().to_string();
        let destination = store.destination(&remote.access().plan.prefix);
        let mut wanted = wanted(&self.object.spec, sources, &destination);
        let removals = if self.deletes() {
            removal::split(&recorded, &mut wanted)
        } else {
            record::forget(&mut pushed.record, &key, |remote_key| wanted.may_want(remote_key));
            BTreeMap::new()
        };
        let Wanted { targets, refused, .. } = wanted;
        let refused = refused.into_iter().map(|error| (format!("{key} {}", error.at), error.cause.into()));
        pushed.problems.extend(refused);
        let (recorded, key) = (&recorded, key.as_str());
        let targets = stream::iter(targets).map(|(remote_key, target)| async move {
            self.target(remote, key, &remote_key, &target, recorded).await
        });
        let mut done: Vec<Done> = targets.buffer_unordered(TOGETHER).collect().await;
        for (remote_key, removal) in &removals {
            done.push(self.removal(remote, store, remote_key, removal, &[]).await);
        }
        done.sort_by(|one, other| one.remote_key.cmp(&other.remote_key));
        let arns = done.iter().filter_map(|done| done.arn.clone()).collect();
        done.into_iter().for_each(|done| pushed.note(done));
        arns
    }

    /// A store that is named no more: what was pushed there goes, but for secrets that are pushed through another store.
    async fn leave(&self, store: &Store, kept: &[String], pushed: &mut Pushed) {
        let key = store.key().to_string();
        let recorded = pushed.record.get(&key).cloned().unwrap_or_default();
        if recorded.is_empty() {
            return;
        }
        let remote = match self.reach(store).await {
            Ok(remote) => remote,
            Err(error) => return pushed.problems.push((key, error)),
        };
        for (remote_key, removal) in &removal::split(&recorded, &mut Wanted::default()) {
            pushed.note(self.removal(&remote, store, remote_key, removal, kept).await);
        }
    }

    /// The store's secrets, as this namespace reaches them.
    pub(super) async fn reach(&self, store: &Store) -> Result<Remote, PushError> {
        let access = self.pusher.source.access(&store.id, self.namespace).await;
        let access = access.map_err(|error| self.hidden(store, error))?;
        Ok(self.pusher.source.remote(&access))
    }

    /// What lies outside of the namespace is for the log alone.
    fn hidden(&self, store: &Store, error: SourceError) -> PushError {
        let told = error.for_consumer(store.id.kind);
        if told == error.to_string() {
            return error.into();
        }
        warn!(namespace = self.namespace, store = %store.id, %error, "a store cannot be used");
        PushError::Credentials(told)
    }

    /// Whether what is wanted no more is deleted.
    pub(super) fn deletes(&self) -> bool {
        self.object.spec.deletion_policy == PushDeletionPolicy::Delete
    }
}

impl Pushed {
    fn note(&mut self, done: Done) {
        let Done { store, remote_key, outcome, problems, changes, arn: _ } = done;
        if let Some(outcome) = outcome {
            record::note(&mut self.record, &store, &remote_key, outcome);
        }
        self.changes += changes;
        for problem in problems {
            if let PushError::TooOften(wait) = &problem {
                self.wait = Some(self.wait.map_or(*wait, |other| other.min(*wait)));
            }
            self.problems.push((format!("{store} {remote_key}"), problem));
        }
    }
}

//! What an ExternalSecret reads, fetched: all its entries at once, the values in the order in which later ones win.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;
use tracing::warn;

use crate::api::external_secret::{DeletionPolicy, ExternalSecret};
use crate::cache::{Answer, Asked, Served};
use crate::external_secret::due::{self, Due};
use crate::extract::Values;
use crate::object_hash::version_of;
use crate::source::external::{Entry, Wanted, entries};
use crate::source::plan::StoreId;
use crate::source::{Access, Entered};

use super::error::KeepError;
use super::reconcile::Keeper;
use super::rounds::AHEAD;
use super::stores::Whose;

/// Secrets that are asked for at the same time, ahead.
const TOGETHER: usize = 1000;

/// What was fetched.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    /// Keys of the Secret.
    pub(super) values: Values,
    /// Entries whose secret does not exist, and may be missing.
    pub(super) missing: Vec<String>,
    /// What it was taken from, for the audit.
    pub(super) taken: Vec<(Arc<Access>, Answer)>,
}

/// One secret to be fetched ahead.
type Asking = (StoreId, String, crate::reference::SecretRef);

impl Keeper {
    /// Reads everything, or says all that cannot be read. What may be missing is only so if AWS said so after `begun`: it may
    /// have been made after somebody else asked, and nobody looks again for an interval.
    pub(super) async fn fetch(
        &self,
        object: &ExternalSecret,
        max_age: Option<Duration>,
        begun: Instant,
    ) -> Result<Fetched, KeepError> {
        let namespace = object.namespace().unwrap_or_default();
        let may_miss = object.spec.target.deletion_policy != DeletionPolicy::Retain;
        let entries = entries(&object.spec)?;
        let read = entries.iter().map(|entry| async {
            match self.entry(&namespace, entry, max_age).await {
                Err(error) if may_miss && error.is_absent() => {
                    self.entry(&namespace, entry, Some(begun.elapsed())).await
                }
                read => read,
            }
        });
        let read = join_all(read).await;
        let (mut fetched, mut failed) = (Fetched::default(), Vec::new());
        for (entry, read) in entries.iter().zip(read) {
            match read {
                Ok((access, Entered { values, answers })) => {
                    fetched.values.extend(values);
                    fetched.taken.extend(answers.into_iter().map(|answer| (Arc::clone(&access), answer)));
                }
                Err(error) if may_miss && error.is_absent() => fetched.missing.push(entry.at.clone()),
                Err(error) => {
                    if error.is_about_credentials() {
                        warn!(namespace, store = entry.store.name, %error, "an ExternalSecret cannot be fetched");
                    }
                    let told = error.without_request_id().for_consumer(entry.store.kind);
                    failed.push((entry.at.clone(), told));
                }
            }
        }
        if !failed.is_empty() {
            return Err(KeepError::Entry(failed));
        }
        // What stands in while AWS is away is told as such; the Secret has it, or something newer.
        match fetched.taken.iter().any(|(_, answer)| answer.served == Served::Stale) {
            true => Err(KeepError::Away),
            false => Ok(fetched),
        }
    }

    async fn entry(
        &self,
        namespace: &str,
        entry: &Entry,
        max_age: Option<Duration>,
    ) -> Result<(Arc<Access>, Entered), crate::source::error::SourceError> {
        let id = StoreId::seen_from(namespace, entry.store.kind, &entry.store.name);
        let access = self.source.access(&id, namespace).await?;
        let entered = self.source.entry(&access, &entry.wanted, max_age).await?;
        Ok((access, entered))
    }

    /// Fetches what all ExternalSecrets read that are due now or soon, each secret once. What fails is found out by whoever
    /// reads it.
    pub(super) async fn fetch_ahead(&self) {
        let now = Timestamp::now();
        let soon = now.checked_add(AHEAD).unwrap_or(now);
        let mut asked: HashMap<Asking, Option<Duration>> = HashMap::new();
        for (_, object) in self.known.view.external_secrets.all() {
            let Some(max_age) = self.is_due(&object, soon) else { continue };
            for (asking, reference) in references(&object) {
                let youngest = asked.entry((asking.0, asking.1, reference)).or_insert(max_age);
                *youngest = (*youngest).min(max_age);
            }
        }
        let fetching = asked.into_iter().map(|((id, namespace, reference), max_age)| async move {
            let access = self.source.access(&id, &namespace).await.ok()?;
            let secret = reference.secret_id(&access.plan.prefix).ok()?;
            self.source.fetch(&access, &secret, Asked::from(&reference.content), max_age).await.ok()
        });
        stream::iter(fetching).buffer_unordered(TOGETHER).for_each(|_| async {}).await;
    }

    /// How old an answer may be for one that is due at a time; none: it is not due, or not ours.
    fn is_due(&self, object: &ExternalSecret, at: Timestamp) -> Option<Option<Duration>> {
        if object.metadata.deletion_timestamp.is_some()
            || !matches!(self.known.whose(&object.metadata, &object.spec), Whose::Ours(None))
        {
            return None;
        }
        let status = object.status.clone().unwrap_or_default();
        let version = version_of(&object.metadata);
        let uid = object.metadata.uid.as_deref().unwrap_or_default();
        match due::due(&object.spec, &status, &version, uid, at) {
            Due::Now(why) => Some(Some(due::max_age(&object.spec, why, Duration::ZERO))),
            Due::In(_) | Due::OnChange => None,
        }
    }
}

/// Secrets that an ExternalSecret names, and through which store; what it searches for is not known beforehand.
fn references(object: &ExternalSecret) -> Vec<((StoreId, String), crate::reference::SecretRef)> {
    let namespace = object.namespace().unwrap_or_default();
    let entries = entries(&object.spec).unwrap_or_default().into_iter();
    let references = entries.filter_map(|Entry { store, wanted, .. }| match wanted {
        Wanted::Value { reference, .. } | Wanted::Extract { reference, .. } => Some((store, reference)),
        Wanted::Find { .. } => None,
    });
    let whole =
        |reference| crate::reference::SecretRef { property: None, decoding: Default::default(), ..reference };
    references
        .map(|(store, reference)| {
            ((StoreId::seen_from(&namespace, store.kind, &store.name), namespace.clone()), whole(reference))
        })
        .collect()
}

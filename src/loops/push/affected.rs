//! Which PushSecrets a change of another object is about. Pure; one too many costs a look, one too few a stale secret.

use std::collections::BTreeMap;

use kube::api::ObjectMeta;

use crate::api::push_metadata::Metadata;
use crate::api::push_secret::{PushDeletionPolicy, PushSecret};
use crate::facts::{Labels, selects};
use crate::loops::watched::{Change, Kept};

use super::stores::{Store, select};

/// A Secret or ConfigMap that changed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Changed<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// Its labels, before and after.
    pub(super) labels: [Option<&'a BTreeMap<String, String>>; 2],
    /// Whether it is a Secret.
    pub(super) is_secret: bool,
}

/// Whether a PushSecret of its namespace reads it.
pub(super) fn reads(object: &PushSecret, changed: Changed<'_>) -> bool {
    let pushes = || {
        object.spec.selector.secret.as_ref().is_some_and(|source| match &source.selector {
            _ if !source.name.is_empty() => source.name == changed.name,
            Some(selector) => {
                let labels = changed.labels.into_iter().flatten();
                labels.into_iter().any(|labels| selects(selector, &labels_of(labels)))
            }
            None => false,
        })
    };
    (changed.is_secret && pushes()) || names_policy(object, changed.name)
}

/// Whether the name is somewhere in its metadata, where policies are named.
fn names_policy(object: &PushSecret, name: &str) -> bool {
    let single = object.spec.data.iter().filter_map(|entry| entry.metadata.as_ref());
    let many = object.spec.data_to.iter().filter_map(|entry| entry.metadata.as_ref());
    single.chain(many).any(|metadata| match metadata {
        Metadata::Text(text) => text.get().contains(name),
        Metadata::Read(read) => {
            let policy = read.resource_policy.as_ref().and_then(|policy| policy.policy_source_ref.as_ref());
            policy.is_some_and(|source| source.name == name)
        }
    })
}

/// Whether a PushSecret names a store, or has pushed there. `store` is one that its namespace sees.
pub(super) fn uses(object: &PushSecret, store: &Store) -> bool {
    let recorded = object.status.as_ref().map(|status| &status.synced_push_secrets);
    recorded.is_some_and(|recorded| recorded.contains_key(&store.key().to_string()))
        || !select(&object.spec.secret_store_refs, std::slice::from_ref(store), |_| true).ours.is_empty()
}

/// Whether a PushSecret that changed, or went, may have kept stores that it keeps no more.
pub(super) fn may_release(before: &PushSecret, after: Option<&PushSecret>) -> bool {
    let pushed_to = |object: &PushSecret| -> Vec<String> {
        let status = object.status.as_ref();
        status.into_iter().flat_map(|status| status.synced_push_secrets.keys().cloned()).collect()
    };
    let is_as_before = |after: &PushSecret| {
        after.metadata.generation == before.metadata.generation && pushed_to(after) == pushed_to(before)
    };
    before.spec.deletion_policy == PushDeletionPolicy::Delete && !after.is_some_and(is_as_before)
}

/// Whether only the status changed, which is ours to write: to look again would be to look at our own work. Of one that
/// is going every change counts: people may have to mend its record.
pub(super) fn is_of_status_only(change: &Change<PushSecret>) -> bool {
    let of = |kept: &Option<Kept<PushSecret>>| kept.as_ref().and_then(Kept::object).cloned();
    let (Some(before), Some(after)) = (of(&change.before), of(&change.after)) else { return false };
    let said = |object: &PushSecret| {
        let ObjectMeta { uid, generation, labels, annotations, finalizers, .. } = object.metadata.clone();
        (uid, generation, labels, annotations, finalizers)
    };
    after.metadata.deletion_timestamp.is_none() && said(&before) == said(&after)
}

fn labels_of(labels: &BTreeMap<String, String>) -> Labels {
    labels.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}

//! Entries that write to one remote secret: do they agree?

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::{deletes, metadata};
use crate::api::Kind;
use crate::api::push_metadata::{Metadata, PushSecretMetadata};
use crate::api::push_secret::{PushData, PushSecretSpec, PushStoreRef, UpdatePolicy};
use crate::field::Field;
use crate::finding::Report;
use crate::rule::{Level, Reason, Rule};

/// The entries of one remote key, with their place in the list.
type Entries<'a> = [(usize, &'a PushData)];

/// Checks the entries of `data` against each other. `is_all_ours` says that our own loop pushes them: it makes a secret
/// with all its properties at once, and takes a property away without the rest of the secret.
pub(super) fn check(spec: &PushSecretSpec, is_all_ours: bool, at: &Field<'_>, report: &mut Report) {
    let mut by_key: Vec<_> = spec.data.iter().enumerate().collect();
    by_key.sort_by_key(remote_key);
    check_bundles(spec, &by_key, &at.key("dataTo"), report);
    let at = at.key("data");
    for entries in by_key.chunk_by(|one, other| remote_key(one) == remote_key(other)) {
        if !is_all_ours {
            check_deletion(spec, entries, &at, report);
            check_if_not_exists(spec, entries, &at, report);
        }
        if entries.len() > 1 {
            check_duplicates(entries, &at, report);
            check_whole(entries, &at, report);
            check_metadata(entries, &at, report);
        }
    }
}

fn remote_key<'a>((_, entry): &(usize, &'a PushData)) -> &'a str {
    &entry.match_.remote_ref.remote_key
}

/// Bundles of `dataTo` take a whole secret for themselves.
fn check_bundles(spec: &PushSecretSpec, by_key: &Entries<'_>, at: &Field<'_>, report: &mut Report) {
    let mut seen = BTreeSet::new();
    for (index, entry) in spec.data_to.iter().enumerate() {
        let Some(key) = entry.remote_key.as_deref().filter(|key| !key.is_empty()) else { continue };
        let store = entry.store_ref.as_ref().map(|store| (store.kind.as_str(), which(store)));
        if !seen.insert((store, key)) || by_key.binary_search_by_key(&key, remote_key).is_ok() {
            let cause = "another entry writes this secret, too; give each its own";
            report.text(&DUPLICATE_DESTINATION, &at.index(index).key("remoteKey"), key, cause);
        }
    }
}

/// The stores of a reference, by name or by labels: those of different labels are taken for different.
fn which(store: &PushStoreRef) -> Cow<'_, str> {
    match &store.label_selector {
        Some(labels) if store.name.is_empty() => serde_json::to_string(labels).unwrap_or_default().into(),
        _ => store.name.as_str().into(),
    }
}

fn check_duplicates(entries: &Entries<'_>, at: &Field<'_>, report: &mut Report) {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for (index, entry) in entries {
        let source = entry.match_.secret_key.as_str();
        let property = entry.match_.remote_ref.property.as_str();
        if let Some(first) = seen.insert(property, source) {
            let named = |key: &str| {
                if key.is_empty() { "the whole Secret".to_owned() } else { format!("key {key:?}") }
            };
            let (first, source) = (named(first), named(source));
            let cause = format!("{first} and {source} would both be written there; give each its own place");
            let at = at.index(*index);
            report.text(
                &DUPLICATE_DESTINATION,
                &at.key("match").key("remoteRef"),
                &entry.match_.remote_ref.remote_key,
                cause,
            );
        }
    }
}

fn check_whole(entries: &Entries<'_>, at: &Field<'_>, report: &mut Report) {
    let is_whole = |entry: &PushData| entry.match_.remote_ref.property.is_empty();
    let Some((index, whole)) = entries.iter().find(|(_, entry)| is_whole(entry)) else { return };
    if entries.iter().any(|(_, entry)| !is_whole(entry)) {
        let cause = "another entry writes a property of this secret, so the two overwrite each other on every \
                     refresh; give this one a property, too, or its own secret";
        let at = at.index(*index);
        report.text(
            &WHOLE_AND_PROPERTY,
            &at.key("match").key("remoteRef").key("remoteKey"),
            &whole.match_.remote_ref.remote_key,
            cause,
        );
    }
}

fn check_metadata(entries: &Entries<'_>, at: &Field<'_>, report: &mut Report) {
    let Some((first_index, first)) = entries.first() else { return };
    if let Some((index, entry)) = entries.iter().find(|(_, entry)| !means_the_same(entry, first)) {
        let cause = format!(
            "data[{first_index}] gives this secret other metadata, so the two undo each other on every refresh; \
             write the same metadata in all entries of a secret"
        );
        let at = at.index(*index);
        report.text(&METADATA_CONFLICT, &at.key("metadata"), &entry.match_.remote_ref.remote_key, cause);
    }
}

/// Metadata is compared by what it means; what is wrong with it was told where it stands.
fn means_the_same(one: &PushData, other: &PushData) -> bool {
    match (&one.metadata, &other.metadata) {
        // Equal texts mean the same, and are what most people write.
        (Some(Metadata::Text(one)), Some(Metadata::Text(other))) if one.get() == other.get() => true,
        (Some(one), Some(other)) => metadata::meaning(one) == metadata::meaning(other),
        (Some(some), None) | (None, Some(some)) => *metadata::meaning(some) == PushSecretMetadata::default(),
        (None, None) => true,
    }
}

fn check_if_not_exists(spec: &PushSecretSpec, entries: &Entries<'_>, at: &Field<'_>, report: &mut Report) {
    let Some((index, entry)) = entries.get(1) else { return };
    if spec.update_policy == UpdatePolicy::IfNotExists {
        let cause = "the first entry makes the secret, and updatePolicy: IfNotExists then skips all others though \
                     it reports them as pushed; push one document, or use Replace";
        let at = at.index(*index);
        report.text(
            &IF_NOT_EXISTS_SHARED_KEY,
            &at.key("match").key("remoteRef").key("remoteKey"),
            &entry.match_.remote_ref.remote_key,
            cause,
        );
    }
}

fn check_deletion(spec: &PushSecretSpec, entries: &Entries<'_>, at: &Field<'_>, report: &mut Report) {
    if !deletes(spec) {
        return;
    }
    let with_property = entries.iter().find(|(_, entry)| !entry.match_.remote_ref.property.is_empty());
    if let Some((index, entry)) = with_property {
        let cause = "with deletionPolicy: Delete the operator deletes the whole secret when this one entry is removed";
        let at = at.index(*index);
        let at = at.key("match");
        let at = at.key("remoteRef");
        report.text(&DELETE_PROPERTY, &at.key("property"), &entry.match_.remote_ref.property, cause);
    }
    if let Some((index, entry)) = entries.get(1) {
        let cause = "with deletionPolicy: Delete several entries of one secret leave the PushSecret terminating until \
                     AWS's recovery window ends, unless the store has forceDeleteWithoutRecovery";
        let at = at.index(*index);
        let at = at.key("match");
        let at = at.key("remoteRef");
        report.text(&DELETE_SHARED_KEY, &at.key("remoteKey"), &entry.match_.remote_ref.remote_key, cause);
    }
}

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[
    &DUPLICATE_DESTINATION,
    &WHOLE_AND_PROPERTY,
    &METADATA_CONFLICT,
    &IF_NOT_EXISTS_SHARED_KEY,
    &DELETE_PROPERTY,
    &DELETE_SHARED_KEY,
];

/// One place, two sources.
pub(crate) static DUPLICATE_DESTINATION: Rule = Rule {
    id: "duplicate-destination",
    level: Level::Deny,
    reason: Reason::Duplicate,
    kind: Some(Kind::PushSecret),
    why: "The operator refuses to push anything.",
    fix: "Give each key its own remote key or property.",
    example: "data: [{match: {secretKey: a, remoteRef: {remoteKey: x}}}, {match: {secretKey: b, remoteRef: {remoteKey: x}}}]",
};

/// A whole secret and a part of it.
pub(crate) static WHOLE_AND_PROPERTY: Rule = Rule {
    id: "whole-and-property",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::PushSecret),
    why: "The entries overwrite each other: a new version on every refresh, until AWS's version quota is spent.",
    fix: "Either whole secrets or properties of one secret.",
    example: "data: [{match: {secretKey: a, remoteRef: {remoteKey: x}}}, {match: {secretKey: b, remoteRef: {remoteKey: x, property: b}}}]",
};

/// Entries that undo each other's metadata.
pub(crate) static METADATA_CONFLICT: Rule = Rule {
    id: "metadata-conflict",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::PushSecret),
    why: "Tags, policy and replicas belong to the secret: the entries undo each other on every refresh.",
    fix: "The same metadata in all entries of one remote key.",
    example: "data: [{match: {secretKey: a, remoteRef: {remoteKey: x, property: a}}, metadata: {apiVersion: kubernetes.external-secrets.io/v1alpha1, \
              kind: PushSecretMetadata, spec: {secretPushFormat: string}}}, {match: {secretKey: b, remoteRef: {remoteKey: x, property: b}}}]",
};

/// Properties that are never pushed.
pub(crate) static IF_NOT_EXISTS_SHARED_KEY: Rule = Rule {
    id: "if-not-exists-shared-key",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::PushSecret),
    why: "Only the first property is ever pushed; the others are reported as synced.",
    fix: "Push the whole Secret as one document, or use updatePolicy: Replace.",
    example: "updatePolicy: IfNotExists\ndata: [{match: {secretKey: a, remoteRef: {remoteKey: x, property: a}}}, \
              {match: {secretKey: b, remoteRef: {remoteKey: x, property: b}}}]",
};

/// A property whose removal deletes the secret.
pub(crate) static DELETE_PROPERTY: Rule = Rule {
    id: "delete-property",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Some(Kind::PushSecret),
    why: "The operator's deletion ignores the property: everybody's document is gone.",
    fix: "deletionPolicy: None, or one secret for each key.",
    example: "deletionPolicy: Delete\ndata: [{match: {secretKey: a, remoteRef: {remoteKey: x, property: a}}}]",
};

/// Entries that block each other's deletion.
pub(crate) static DELETE_SHARED_KEY: Rule = Rule {
    id: "delete-shared-key",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Some(Kind::PushSecret),
    why: "The first deletion schedules the secret for deletion, the second then fails until the window ends.",
    fix: "One entry for each remote secret, or forceDeleteWithoutRecovery in the store.",
    example: "deletionPolicy: Delete\ndata: [{match: {secretKey: a, remoteRef: {remoteKey: x, property: a}}}, \
              {match: {secretKey: b, remoteRef: {remoteKey: x, property: b}}}]",
};

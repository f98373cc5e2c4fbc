//! Rules about where a PushSecret writes: alone, and what an existing secret keeps.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::super::{Context, Subject, push_secret};
use super::own_loop::is_ours;
use crate::api::Kind;
use crate::api::common::{StoreKind, StoreRef};
use crate::api::push_metadata::Metadata;
use crate::api::push_secret::{PushSecretSpec, PushSecretStatus};
use crate::aws::region;
use crate::facts::{Push, Settings, Store};
use crate::field::Field;
use crate::finding::Report;
use crate::rule::{Level, Reason, Rule};

/// What a PushSecret writes, entry by entry and store by store: the fact that others are judged by.
pub(crate) fn pushes(spec: &PushSecretSpec, status: &PushSecretStatus) -> Vec<Push> {
    numbered(spec, status, true).map(|(_, push)| push).collect()
}

/// The same with the place of the entry in `data`; a bundle of `dataTo` has none. Settings take time to read.
fn numbered<'a>(
    spec: &'a PushSecretSpec,
    status: &'a PushSecretStatus,
    with_settings: bool,
) -> impl Iterator<Item = (Option<usize>, Push)> + 'a {
    let to_store = move |kind: StoreKind, store: &str, key: &str, property: &str, metadata: Option<&_>| {
        let synced = status.synced_push_secrets.get(&format!("{}/{store}", kind.as_str()));
        let id = if property.is_empty() { key.to_owned() } else { format!("{key}/{property}") };
        Push {
            store_kind: kind,
            store: store.into(),
            key: key.into(),
            property: property.into(),
            settings: metadata.filter(|_| with_settings).map(settings).unwrap_or_default(),
            is_synced: synced.is_some_and(|entries| entries.contains_key(&id)),
        }
    };
    let named = spec.secret_store_refs.iter().filter(|store| store.label_selector.is_none());
    let data = spec.data.iter().enumerate();
    let single = named.flat_map(move |store| {
        data.clone().map(move |(index, entry)| {
            let remote = &entry.match_.remote_ref;
            let metadata = entry.metadata.as_ref();
            (Some(index), to_store(store.kind, &store.name, &remote.remote_key, &remote.property, metadata))
        })
    });
    let bundles = spec.data_to.iter().filter_map(move |entry| {
        let store = entry.store_ref.as_ref().filter(|store| !store.name.is_empty())?;
        let key = entry.remote_key.as_ref()?;
        Some((None, to_store(store.kind, &store.name, key, "", entry.metadata.as_ref())))
    });
    single.chain(bundles)
}

fn settings(written: &Metadata) -> Settings {
    let metadata = push_secret::metadata::meaning(written);
    Settings {
        format: hash(&metadata.secret_push_format.map(|format| format as u8)),
        description: hash(&metadata.description),
        kms_key_id: hash(&metadata.kms_key_id),
        has_tags: metadata.tags.as_ref().is_some_and(|tags| !tags.is_empty()),
    }
}

/// Absent is 0, as it is where there is no metadata at all.
fn hash<T: Hash>(value: &Option<T>) -> u64 {
    value.as_ref().map_or(0, |value| {
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        hasher.finish().max(1)
    })
}

/// Checks each entry against what others write, and what was written before.
pub(super) fn check(
    subject: &Subject<'_>,
    spec: &PushSecretSpec,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    let (Some(namespace), Some(name)) = (subject.namespace, subject.name) else { return };
    if context.facts.push_secrets.is_unknown() {
        return;
    }
    let before = context.facts.push_secrets.get(namespace, name).found();
    let status = PushSecretStatus::default();
    let (data, data_to) = (at.key("data"), at.key("dataTo"));
    for (index, push) in numbered(spec, &status, before.is_some()).take(MAX_COMPARED) {
        let at = index.map_or_else(|| data_to.index(0), |index| data.index(index));
        check_shared(namespace, name, &push, &at, context, report);
        let same = |old: &&Push| {
            (old.store_kind, &old.store, &old.key, &old.property)
                == (push.store_kind, &push.store, &push.key, &push.property)
        };
        let old = before.and_then(|before| before.entries.iter().find(same)).filter(|old| old.is_synced);
        if let Some(old) = old {
            let is_ours = store_of(namespace, &push, context).is_some_and(|store| is_ours(store, context));
            check_kept(old, &push, is_ours, &at.key("metadata"), report);
        }
    }
}

/// So many entries are compared with those of all others: more than any person wrote.
const MAX_COMPARED: usize = 100;

fn check_shared(
    namespace: &str,
    name: &str,
    push: &Push,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    let Some(store) = store_of(namespace, push, context) else { return };
    let collides = |other_namespace: &str, other: &Push| {
        let is_same_property =
            push.property == other.property || push.property.is_empty() || other.property.is_empty();
        // The cheap question first: most keys differ, unless a prefix makes them the same.
        let ends_alike = push.key.ends_with(&*other.key) || other.key.ends_with(&*push.key);
        is_same_property
            && ends_alike
            && store_of(other_namespace, other, context).is_some_and(|other_store| {
                is_one_account(store, other_store, namespace == other_namespace)
                    && store
                        .prefix
                        .bytes()
                        .chain(push.key.bytes())
                        .eq(other_store.prefix.bytes().chain(other.key.bytes()))
            })
    };
    let mut others =
        context.facts.push_secrets.all().filter(|(ns, other, _)| (*ns, *other) != (namespace, name));
    let Some((other_namespace, other, _)) =
        others.find(|(ns, _, pushes)| pushes.entries.iter().any(|other| collides(ns, other)))
    else {
        return;
    };
    let who = if other_namespace == namespace {
        format!("PushSecret {other:?}")
    } else {
        "a PushSecret of another namespace".to_owned()
    };
    let at = at.key("match");
    let at = at.key("remoteRef");
    let cause =
        format!("{who} writes this remote secret, too, of the same account and region; the last one wins");
    report.text(&PUSH_SHARED, &at.key("remoteKey"), &push.key, cause);
}

fn store_of<'a>(namespace: &str, push: &Push, context: &Context<'a>) -> Option<&'a Store> {
    let store = StoreRef { name: push.store.to_string(), kind: Some(push.store_kind) };
    context.facts.store(Some(namespace), &store).found().filter(|store| store.is_aws)
}

/// Whether both stores are known to reach one account and region.
fn is_one_account(one: &Store, other: &Store, is_same_namespace: bool) -> bool {
    one.identity == other.identity
        && (is_same_namespace || !one.identity.is_referent)
        && region::without_fips(&one.region) == region::without_fips(&other.region)
}

/// Our own loop changes all of these but tags.
fn check_kept(old: &Push, new: &Push, is_ours: bool, at: &Field<'_>, report: &mut Report) {
    let (before, after) = (old.settings, new.settings);
    let changed = [
        ("secretPushFormat", before.format != after.format),
        ("description", before.description != after.description),
        ("kmsKeyId", before.kms_key_id != after.kms_key_id),
    ];
    for (field, _) in changed.into_iter().filter(|(_, is_changed)| *is_changed && !is_ours) {
        let cause = "set when the secret is made; the operator never changes it in one that exists";
        report.text(&PUSH_SETTING_KEPT, &at.key("spec").key(field), &new.key, cause);
    }
    if before.has_tags && !after.has_tags {
        let cause = "without tags the operator leaves those of the secret as they are; remove them in AWS";
        report.text(&PUSH_SETTING_KEPT, &at.key("spec").key("tags"), &new.key, cause);
    }
}

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&PUSH_SHARED, &PUSH_SETTING_KEPT];

/// One remote secret, two writers.
pub(super) static PUSH_SHARED: Rule = Rule {
    id: "push-destination-shared",
    level: Level::Warn,
    reason: Reason::Duplicate,
    kind: Some(Kind::PushSecret),
    why: "The PushSecrets overwrite each other on every refresh: a new version each time, and nobody knows whose.",
    fix: "Give each its own remote key, or its own property.",
    example: "data: [{match: {secretKey: password, remoteRef: {remoteKey: prod/shared}}}]",
};

/// A change that is never made.
pub(super) static PUSH_SETTING_KEPT: Rule = Rule {
    id: "push-setting-kept",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Some(Kind::PushSecret),
    why: "The status says Synced, and the secret in AWS is as it was.",
    fix: "Change it in AWS, or push to another key.",
    example: "data: [{match: {secretKey: password, remoteRef: {remoteKey: prod/db-password}}, metadata: {apiVersion: \
              kubernetes.external-secrets.io/v1alpha1, kind: PushSecretMetadata, spec: {description: new}}}]",
};

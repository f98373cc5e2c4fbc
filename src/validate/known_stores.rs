//! Rules that need to know the store: its kind, prefix, region and conditions. Without the fact, silence.

use super::{Context, Subject};
use crate::api::Kind;
use crate::api::common::{StoreKind, StoreRef};
use crate::api::push_secret::PushSecretSpec;
use crate::aws::{arn, region};
use crate::field::Field;
use crate::finding::Report;
use crate::rule::{Level, Reason, Rule};

/// Checks that the store exists, is of that kind, and may be used from here.
pub(super) fn check_ref(
    subject: &Subject<'_>,
    store: &StoreRef,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    let kind = store.kind.unwrap_or_default();
    if let Some(known) = context.facts.store(subject.namespace, store) {
        let named = known.conditions.iter().all(|condition| {
            condition.namespace_selector.is_none() && condition.namespace_regexes.is_empty()
        });
        let lists =
            |namespace: &str| known.conditions.iter().any(|c| c.namespaces.iter().any(|n| n == namespace));
        let excluded =
            subject.namespace.filter(|namespace| !known.conditions.is_empty() && named && !lists(namespace));
        if let Some(namespace) = excluded.filter(|_| kind == StoreKind::ClusterSecretStore) {
            let cause = format!("the store's conditions do not admit namespace {namespace:?}");
            report.text(&STORE_CONDITIONS, &at.key("name"), &store.name, cause);
        }
        return;
    }
    let other = match kind {
        StoreKind::SecretStore => StoreKind::ClusterSecretStore,
        StoreKind::ClusterSecretStore => StoreKind::SecretStore,
    };
    let elsewhere = StoreRef { name: store.name.clone(), kind: Some(other) };
    if context.facts.store(subject.namespace, &elsewhere).is_some() {
        let cause = format!(
            "there is no {} of this name, but a {other}; add kind: {other}",
            kind.as_str(),
            other = other.as_str()
        );
        report.text(&STORE_UNKNOWN, &at.key("name"), &store.name, cause);
    } else if context.facts.stores_complete
        && (kind == StoreKind::ClusterSecretStore || subject.namespace.is_some())
    {
        let cause = format!("there is no {} of this name; create it, or correct the name", kind.as_str());
        report.text(&STORE_UNKNOWN, &at.key("name"), &store.name, cause);
    }
}

/// Checks a key that is an ARN against the store's prefix and region.
pub(super) fn check_key(
    subject: &Subject<'_>,
    store: Option<&StoreRef>,
    key: &str,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    let Some(arn) = arn::parse(key) else { return };
    let Some(known) = store.and_then(|store| context.facts.store(subject.namespace, store)) else { return };
    if !known.prefix.is_empty() {
        let cause = format!(
            "the operator puts the store's prefix {:?} before the ARN and finds nothing; write the name",
            known.prefix
        );
        report.text(&KEY_PREFIX, &at.key("key"), key, cause);
    }
    if known.is_aws && !known.region.is_empty() && region::without_fips(&known.region) != arn.region {
        let cause = format!("the store reads region {}, not {}", known.region, arn.region);
        report.text(&KEY_REGION, &at.key("key"), key, cause);
    }
}

/// Checks a search against the store's prefix.
pub(super) fn check_find(
    subject: &Subject<'_>,
    store: Option<&StoreRef>,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    let Some(known) = store.and_then(|store| context.facts.store(subject.namespace, store)) else { return };
    if !known.prefix.is_empty() {
        let cause = format!(
            "the operator mishandles the store's prefix {:?} in searches: it is put twice, or left out; use a store without prefix",
            known.prefix
        );
        report.missing(&KEY_PREFIX, at, cause);
    }
}

/// Checks replicas against the stores' own regions.
pub(super) fn check_push(
    subject: &Subject<'_>,
    spec: &PushSecretSpec,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    let regions = spec.secret_store_refs.iter().filter_map(|store| {
        let store = StoreRef { name: store.name.clone(), kind: Some(store.kind) };
        context
            .facts
            .store(subject.namespace, &store)
            .filter(|known| known.is_aws)
            .map(|known| known.region.as_str())
    });
    let regions: Vec<&str> = regions.collect();
    if regions.is_empty() {
        return;
    }
    let list = at.key("data");
    for (index, entry) in spec.data.iter().enumerate() {
        let Some(value) = &entry.metadata else { continue };
        let metadata = super::push_secret::metadata::read(value, &Field::Root, &mut Report::default());
        for region in metadata.replication_locations.iter().flatten() {
            if regions.iter().any(|own| region::without_fips(own) == region::without_fips(region)) {
                let cause = "the store's own region, which holds the secret itself; remove it";
                report.text(&REPLICA_OF_ITSELF, &list.index(index).key("metadata"), region, cause);
            }
        }
    }
}

/// The rules of this file.
pub(super) static RULES: &[&Rule] =
    &[&STORE_UNKNOWN, &STORE_CONDITIONS, &KEY_REGION, &KEY_PREFIX, &REPLICA_OF_ITSELF];

/// A store that is not there.
pub(crate) static STORE_UNKNOWN: Rule = Rule {
    id: "store-unknown",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Kind::ExternalSecret,
    why: "The status says only that the secret data could not be got.",
    fix: "Name an existing store, with its kind.",
    example: "",
};

/// A store that does not serve this namespace.
pub(crate) static STORE_CONDITIONS: Rule = Rule {
    id: "store-conditions",
    level: Level::Warn,
    reason: Reason::Forbidden,
    kind: Kind::ExternalSecret,
    why: "The operator refuses to use the store from this namespace.",
    fix: "Ask the store's owner to admit the namespace.",
    example: "",
};

/// An ARN of another region.
pub(crate) static KEY_REGION: Rule = Rule {
    id: "key-region",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Kind::ExternalSecret,
    why: "A store reads one region: the secret is not found.",
    fix: "Use a store of the secret's region.",
    example: "",
};

/// A key or search that the prefix spoils.
pub(crate) static KEY_PREFIX: Rule = Rule {
    id: "key-prefix",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Kind::ExternalSecret,
    why: "The operator glues the prefix to ARNs, and puts it twice or not at all in searches.",
    fix: "Names without the prefix; a store without prefix for ARNs and searches.",
    example: "",
};

/// A replica where the secret is.
pub(crate) static REPLICA_OF_ITSELF: Rule = Rule {
    id: "replica-of-itself",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Kind::PushSecret,
    why: "AWS refuses to replicate a secret to its own region, and the operator pushes no value because of it.",
    fix: "List the other regions only.",
    example: "",
};

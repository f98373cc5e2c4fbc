//! Rules about a store that is named: there, ready, of this kind, prefix and region, and willing.

use super::super::{Context, Subject};
use super::store_class;
use crate::api::Kind;
use crate::api::common::{StoreKind, StoreRef};
use crate::aws::{arn, region};
use crate::facts::{Lookup, Store, admits};
use crate::field::Field;
use crate::finding::Report;
use crate::rule::{Level, Reason, Rule};

/// Checks that the store exists, is of that kind, works, and may be used from here.
pub(in crate::validate) fn check_ref(
    subject: &Subject<'_>,
    store: &StoreRef,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    match context.facts.store(subject.namespace, store) {
        Lookup::Found(known) => check_use(subject, store, known, at, context, report),
        known => check_kind(subject, store, known.is_absent(), at, context, report),
    }
}

fn check_use(
    subject: &Subject<'_>,
    store: &StoreRef,
    known: &Store,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    if store.kind == Some(StoreKind::ClusterSecretStore)
        && let Some(namespace) = subject.namespace
        && admits(&known.conditions, namespace, context.facts.namespaces.get("", namespace).found())
            == Some(false)
    {
        let cause = format!("the store's conditions do not admit namespace {namespace:?}");
        report.text(&STORE_CONDITIONS, &at.key("name"), &store.name, cause);
    }
    if known.is_ready == Some(false) {
        let cause = "the store is not ready; its status and events say why";
        report.text(&STORE_NOT_READY, &at.key("name"), &store.name, cause);
    }
    if known.is_aws
        && known.is_ready.is_none()
        && let Some(cause) = store_class::nobody_runs(&known.controller, context)
    {
        report.text(
            &store_class::STORE_CONTROLLER,
            &at.key("name"),
            &store.name,
            format!("the store's {cause}"),
        );
    }
}

/// A name that only the other kind has.
fn check_kind(
    subject: &Subject<'_>,
    store: &StoreRef,
    is_absent: bool,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    let kind = store.kind.unwrap_or_default();
    let other = match kind {
        StoreKind::SecretStore => StoreKind::ClusterSecretStore,
        StoreKind::ClusterSecretStore => StoreKind::SecretStore,
    };
    let elsewhere = StoreRef { name: store.name.clone(), kind: Some(other) };
    let cause = if context.facts.store(subject.namespace, &elsewhere).found().is_some() {
        format!(
            "there is no {} of this name, but a {other}; add kind: {other}",
            kind.as_str(),
            other = other.as_str()
        )
    } else if is_absent {
        format!("there is no {} of this name; create it, or correct the name", kind.as_str())
    } else {
        return;
    };
    report.text(&STORE_UNKNOWN, &at.key("name"), &store.name, cause);
}

/// Checks a key that is an ARN against the store's prefix and region.
pub(in crate::validate) fn check_key(
    subject: &Subject<'_>,
    store: Option<&StoreRef>,
    key: &str,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    let Some(arn) = arn::parse(key) else { return };
    let Some(known) = store.and_then(|store| context.facts.store(subject.namespace, store).found()) else {
        return;
    };
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
pub(in crate::validate) fn check_find(
    subject: &Subject<'_>,
    store: Option<&StoreRef>,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    let Some(known) = store.and_then(|store| context.facts.store(subject.namespace, store).found()) else {
        return;
    };
    if !known.prefix.is_empty() {
        let cause = format!(
            "the operator mishandles the store's prefix {:?} in searches: it is put twice, or left out; use a store without prefix",
            known.prefix
        );
        report.missing(&KEY_PREFIX, at, cause);
    }
}

/// The rules of this file.
pub(super) static RULES: &[&Rule] =
    &[&STORE_UNKNOWN, &STORE_CONDITIONS, &STORE_NOT_READY, &KEY_REGION, &KEY_PREFIX];

/// A store that is not there.
pub(crate) static STORE_UNKNOWN: Rule = Rule {
    id: "store-unknown",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Kind::ExternalSecret,
    why: "The status says only that the secret data could not be got.",
    fix: "Name an existing store, with its kind.",
    example: "secretStoreRef: {name: gone}",
};

/// A store that does not serve this namespace.
pub(crate) static STORE_CONDITIONS: Rule = Rule {
    id: "store-conditions",
    level: Level::Warn,
    reason: Reason::Forbidden,
    kind: Kind::ExternalSecret,
    why: "The operator refuses to use the store from this namespace.",
    fix: "Ask the store's owner to admit the namespace.",
    example: "secretStoreRef: {name: of-team-b, kind: ClusterSecretStore}",
};

/// An ARN of another region.
pub(crate) static KEY_REGION: Rule = Rule {
    id: "key-region",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Kind::ExternalSecret,
    why: "A store reads one region: the secret is not found.",
    fix: "Use a store of the secret's region.",
    example: "data: [{secretKey: a, remoteRef: {key: 'arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf'}}]",
};

/// A key or search that the prefix spoils.
pub(crate) static KEY_PREFIX: Rule = Rule {
    id: "key-prefix",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Kind::ExternalSecret,
    why: "The operator glues the prefix to ARNs, and puts it twice or not at all in searches.",
    fix: "Names without the prefix; a store without prefix for ARNs and searches.",
    example: "secretStoreRef: {name: prefixed}\ndataFrom: [{find: {name: {regexp: ^db}}}]",
};

/// A store that does not work.
pub(crate) static STORE_NOT_READY: Rule = Rule {
    id: "store-not-ready",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Kind::ExternalSecret,
    why: "The operator does not read through a store that is not ready: nothing is fetched until it is.",
    fix: "Mend the store first: its condition Ready has the cause, or its events.",
    example: "secretStoreRef: {name: broken}",
};

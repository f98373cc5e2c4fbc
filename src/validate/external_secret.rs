//! ExternalSecret, and the spec of one inside a ClusterExternalSecret: can the Secret ever appear as meant?

mod data_from;
mod remote_ref;
mod sync_windows;
mod target;

pub(super) use data_from::{GENERATOR_KIND, check_generator};

use std::collections::BTreeSet;

use super::{Context, Subject, duration, known};
use crate::api::Kind;
use crate::api::common::StoreRef;
use crate::api::external_secret::{Data, ExternalSecretSpec, RefreshPolicy};
use crate::api::remote_ref::SourceRef;
use crate::field::Field;
use crate::finding::Report;
use crate::rule::{Level, Reason, Rule};

/// All rules about one spec, which stands at `at`.
pub(super) fn check(
    subject: &Subject<'_>,
    spec: &ExternalSecretSpec,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    check_refresh(spec, at, report);
    if let Some(windows) = &spec.sync_windows {
        sync_windows::check(windows, &at.key("syncWindows"), report);
    }
    target::check(spec, &at.key("target"), context, report);
    if spec.data.is_empty() && spec.data_from.is_empty() {
        report.missing(&NOTHING_TO_FETCH, at, "name at least one secret, in data or in dataFrom");
    }
    let default_store = spec.secret_store_ref.as_ref();
    if default_store.is_some_and(|store| store.name.is_empty()) && needs_default_store(spec) {
        report.missing(&STORE_MISSING, &at.key("secretStoreRef").key("name"), "name the store to read from");
    }
    check_data(subject, spec, default_store, &at.key("data"), context, report);
    for (index, entry) in spec.data_from.iter().enumerate() {
        let at = at.key("dataFrom");
        let at = at.index(index);
        data_from::check(subject, entry, default_store, &at, context, report);
        if let Some(first) =
            spec.data_from.iter().take(index.min(MAX_COMPARED)).position(|earlier| earlier == entry)
        {
            let cause = format!("the same as dataFrom[{first}], so it adds nothing");
            report.missing(&data_from::DATA_FROM_TWICE, &at, cause);
        }
    }
    if let Some(store) = default_store.filter(|store| !store.name.is_empty()) {
        known::check_ref(subject, store, &at.key("secretStoreRef"), context, report);
    }
    known::check_external(subject, spec, at, context, report);
}

/// Whether an entry names no store of its own. The operator does not look at spec.secretStoreRef otherwise.
fn needs_default_store(spec: &ExternalSecretSpec) -> bool {
    let data = spec.data.iter().map(|entry| entry.source_ref.as_ref());
    let whole = spec.data_from.iter().map(|entry| entry.source_ref.as_ref());
    data.chain(whole).any(|source| {
        source.is_none_or(|source| source.store_ref.is_none() && source.generator_ref.is_none())
    })
}

/// With so many earlier entries each is compared: all of any object that a person wrote.
const MAX_COMPARED: usize = 100;

fn check_refresh(spec: &ExternalSecretSpec, at: &Field<'_>, report: &mut Report) {
    let Some(text) = &spec.refresh_interval else { return };
    let at = at.key("refreshInterval");
    let Some(interval) = duration::check(text, &at, report) else { return };
    let is_periodic = matches!(spec.refresh_policy, None | Some(RefreshPolicy::Periodic));
    if interval.is_zero() && is_periodic {
        let cause = "fetched once; later changes of this object are not fetched while the Secret is intact; \
                     say so with refreshPolicy: CreatedOnce or OnChange";
        report.text(&REFRESH_NEVER, &at, text, cause);
    }
}

fn check_data(
    subject: &Subject<'_>,
    spec: &ExternalSecretSpec,
    default_store: Option<&StoreRef>,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    let mut seen = BTreeSet::new();
    for (index, entry) in spec.data.iter().enumerate() {
        let at = at.index(index);
        let Data { secret_key, remote_ref, source_ref } = entry;
        if !secret_key.is_empty() && !seen.insert(secret_key.as_str()) {
            let cause = "two entries fill this key and the last one wins silently; keep one, or rename it";
            report.text(&DUPLICATE_SECRET_KEY, &at.key("secretKey"), secret_key, cause);
        }
        if let Some(generator) = source_ref.as_ref().and_then(|source| source.generator_ref.as_ref()) {
            let cause = "generators can be used in dataFrom only; here the operator takes it for a store without a name";
            report.text(&GENERATOR_IN_DATA, &at.key("sourceRef").key("generatorRef"), &generator.name, cause);
            continue;
        }
        let store = store_of(subject, source_ref.as_ref(), default_store, &at, context, report);
        if context.may_be_aws(subject, store) {
            remote_ref::check_data(remote_ref, &at.key("remoteRef"), report);
            known::check_key(subject, store, &remote_ref.key, &at.key("remoteRef"), context, report);
        }
    }
}

/// The store that an entry reads from: its own, or the spec's. An entry without any is a finding.
fn store_of<'a>(
    subject: &Subject<'_>,
    source: Option<&'a SourceRef>,
    default_store: Option<&'a StoreRef>,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) -> Option<&'a StoreRef> {
    let own = source.and_then(|source| source.store_ref.as_ref());
    if let Some(own) = own.filter(|own| !own.name.is_empty()) {
        known::check_ref(subject, own, &at.key("sourceRef").key("storeRef"), context, report);
        return Some(own);
    }
    if own.is_some() || default_store.is_none() {
        let cause = "no store to read from; set spec.secretStoreRef.name, or sourceRef.storeRef.name here";
        report.missing(&STORE_MISSING, at, cause);
    }
    default_store
}

/// The rules of this file and of those below it.
pub(super) fn rules() -> impl Iterator<Item = &'static Rule> {
    RULES
        .iter()
        .chain(remote_ref::RULES)
        .chain(data_from::RULES)
        .chain(target::RULES)
        .chain(sync_windows::RULES)
        .copied()
}

static RULES: &[&Rule] =
    &[&NOTHING_TO_FETCH, &STORE_MISSING, &GENERATOR_IN_DATA, &DUPLICATE_SECRET_KEY, &REFRESH_NEVER];

/// Neither data nor dataFrom.
pub(crate) static NOTHING_TO_FETCH: Rule = Rule {
    id: "nothing-to-fetch",
    level: Level::Deny,
    reason: Reason::Required,
    kind: Some(Kind::ExternalSecret),
    why: "There is nothing to put into the Secret.",
    fix: "Add an entry to data or dataFrom.",
    example: "data: null",
};

/// An entry without a store.
pub(crate) static STORE_MISSING: Rule = Rule {
    id: "store-missing",
    level: Level::Deny,
    reason: Reason::Required,
    kind: Some(Kind::ExternalSecret),
    why: "The operator looks for a store without a name and says only that it could not get the secret data.",
    fix: "Set spec.secretStoreRef, or a store for each entry.",
    example: "secretStoreRef: null",
};

/// A generator where none can be.
pub(crate) static GENERATOR_IN_DATA: Rule = Rule {
    id: "generator-in-data",
    level: Level::Deny,
    reason: Reason::Forbidden,
    kind: Some(Kind::ExternalSecret),
    why: "The schema takes it, the operator does not implement it.",
    fix: "Use dataFrom: [{sourceRef: {generatorRef: …}}].",
    example: "data: [{secretKey: a, remoteRef: {key: a}, sourceRef: {generatorRef: {kind: Password, name: a}}}]",
};

/// One key twice.
pub(crate) static DUPLICATE_SECRET_KEY: Rule = Rule {
    id: "duplicate-secret-key",
    level: Level::Deny,
    reason: Reason::Duplicate,
    kind: Some(Kind::ExternalSecret),
    why: "The last entry wins silently.",
    fix: "Give each entry its own secretKey.",
    example: "data: [{secretKey: a, remoteRef: {key: x}}, {secretKey: a, remoteRef: {key: y}}]",
};

/// A refresh interval of nothing.
pub(crate) static REFRESH_NEVER: Rule = Rule {
    id: "refresh-never",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Some(Kind::ExternalSecret),
    why: "With an interval of 0 even a changed spec is not fetched as long as the Secret is intact.",
    fix: "Say refreshPolicy: CreatedOnce or OnChange, or give an interval.",
    example: "refreshInterval: 0s",
};

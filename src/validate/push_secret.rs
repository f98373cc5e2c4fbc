//! PushSecret, and the spec of one inside a ClusterPushSecret: can it be pushed, and does it stay?

mod data;
mod data_to;
mod destinations;
pub(super) mod metadata;
mod remote_names;

use std::borrow::Cow;

use super::external_secret::check_generator;
use super::{Context, Subject, duration, known, selector, template};
use crate::api::Kind;
use crate::api::common::{StoreKind, StoreRef};
use crate::api::push_metadata::{Metadata, PushSecretMetadata};
use crate::api::push_secret::{PushDeletionPolicy, PushSecretSpec, PushSelector, PushStoreRef};
use crate::api::template::{MergePolicy, SecretTemplate};
use crate::field::Field;
use crate::finding::Report;
use crate::rule::{Level, Reason, Rule};

/// All rules about one spec, which stands at `at`.
pub(super) fn check(
    subject: &Subject<'_>,
    spec: &PushSecretSpec,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    if let Some(interval) = &spec.refresh_interval {
        duration::check(interval, &at.key("refreshInterval"), report);
    }
    let is_all_ours = known::is_all_ours(subject, spec, context);
    let stores = at.key("secretStoreRefs");
    check_stores(subject, &spec.secret_store_refs, &stores, context, report);
    if !is_all_ours {
        check_kinds(&spec.secret_store_refs, &stores, report);
    }
    check_source(&spec.selector, &at.key("selector"), report);
    if spec.data.is_empty() && spec.data_to.is_empty() {
        report.missing(&NOTHING_TO_PUSH, at, "name at least one key to push, in data or in dataTo");
    }
    let listed = &spec.secret_store_refs;
    let may_be_aws = listed.iter().any(|store| known::may_be_aws(subject, store, context));
    data::check(&spec.data, may_be_aws, &at.key("data"), report);
    // Unlike data, which goes to all stores, each entry goes to its own.
    let is_entry_of_aws = |store: Option<&PushStoreRef>| {
        may_be_aws && store.is_none_or(|store| known::entry_may_be_aws(subject, listed, store, context))
    };
    data_to::check(&spec.data_to, listed, is_entry_of_aws, &at.key("dataTo"), report);
    if may_be_aws {
        destinations::check(spec, is_all_ours, at, report);
        known::check_push(subject, spec, at, context, report);
    }
    if let Some(secret) = &spec.template {
        check_template(secret, &at.key("template"), report);
    }
}

/// The reference by name; a labelSelector names none.
fn by_name(store: &PushStoreRef) -> StoreRef {
    StoreRef { name: store.name.clone(), kind: Some(store.kind) }
}

fn check_stores(
    subject: &Subject<'_>,
    stores: &[PushStoreRef],
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    if stores.is_empty() {
        report.missing(
            &PUSH_STORE,
            at,
            "name at least one store; without one nothing happens, not even a status",
        );
    }
    for (index, store) in stores.iter().enumerate() {
        let at = at.index(index);
        match (&store.label_selector, store.name.as_str()) {
            (None, "") => report.missing(&PUSH_STORE, &at, "a reference needs a name, or a labelSelector"),
            (None, _) => known::check_ref(subject, &by_name(store), &at, context, report),
            (Some(labels), name) => {
                let at_labels = at.key("labelSelector");
                selector::check(labels, &at_labels, report);
                if selector::is_empty(labels) {
                    let whose = if store.kind == StoreKind::SecretStore { "namespace" } else { "cluster" };
                    let cause = format!("an empty selector selects every store of the {whose}; name labels");
                    report.missing(&PUSH_STORE_EVERY, &at_labels, cause);
                }
                if !name.is_empty() {
                    let cause = "ignored beside labelSelector; keep one of the two";
                    report.text(&PUSH_NAME_IGNORED, &at.key("name"), name, cause);
                }
            }
        }
    }
}

fn check_kinds(stores: &[PushStoreRef], at: &Field<'_>, report: &mut Report) {
    let named = |kind| stores.iter().any(|store| store.kind == kind);
    if named(StoreKind::SecretStore) && named(StoreKind::ClusterSecretStore) {
        let cause = "the operator mixes up SecretStores and ClusterSecretStores in one PushSecret and fails now and \
                     then with `secretstores not found`; write a PushSecret for each kind";
        report.missing(&PUSH_STORE_KINDS, at, cause);
    }
}

fn check_source(pushed: &PushSelector, at: &Field<'_>, report: &mut Report) {
    let Some(source) = &pushed.secret else {
        match &pushed.generator_ref {
            Some(generator) => check_generator(generator, &at.key("generatorRef").key("kind"), report),
            None => report.missing(&PUSH_SOURCE, at, "say what is pushed: secret: {name: NAME}"),
        }
        return;
    };
    let at = at.key("secret");
    if let Some(labels) = &source.selector {
        selector::check(labels, &at.key("selector"), report);
        if selector::is_empty(labels) {
            let cause = "an empty selector pushes every Secret of the namespace; name labels";
            report.missing(&PUSH_SOURCE, &at.key("selector"), cause);
        }
    }
    match (&source.selector, source.name.as_str()) {
        (None, "") => report.missing(&PUSH_SOURCE, &at, "name the Secret, or select Secrets by label"),
        (Some(_), name) if !name.is_empty() => {
            let cause = "with a name, selector is ignored; keep one of the two";
            report.missing(&PUSH_NAME_IGNORED, &at.key("selector"), cause);
        }
        _ => {}
    }
}

/// A PushSecret's template changes what is pushed; no Secret is made, so half of its fields mean nothing.
fn check_template(secret: &SecretTemplate, at: &Field<'_>, report: &mut Report) {
    template::check(secret, None, true, at, report);
    if secret.merge_policy == MergePolicy::Merge {
        let cause = "ignored here: a PushSecret's template always adds to the Secret's keys; remove it";
        report.text(&PUSH_TEMPLATE_IGNORED, &at.key("mergePolicy"), "Merge", cause);
    }
}

/// The metadata of one entry, as what pushes it reads it.
pub(crate) fn push_metadata<'a>(written: &'a Metadata, report: &mut Report) -> Cow<'a, PushSecretMetadata> {
    metadata::read(written, &Field::Root.key("metadata"), report)
}

/// Whether remote secrets are deleted when their entry goes.
fn deletes(spec: &PushSecretSpec) -> bool {
    spec.deletion_policy == PushDeletionPolicy::Delete
}

/// The rules of this file and of those below it.
pub(super) fn rules() -> impl Iterator<Item = &'static Rule> {
    RULES
        .iter()
        .chain(data::RULES)
        .chain(data_to::RULES)
        .chain(remote_names::RULES)
        .chain(destinations::RULES)
        .chain(metadata::RULES)
        .copied()
}

static RULES: &[&Rule] = &[
    &PUSH_STORE,
    &PUSH_STORE_EVERY,
    &PUSH_NAME_IGNORED,
    &PUSH_STORE_KINDS,
    &PUSH_SOURCE,
    &NOTHING_TO_PUSH,
    &PUSH_TEMPLATE_IGNORED,
];

/// No store.
pub(crate) static PUSH_STORE: Rule = Rule {
    id: "push-store",
    level: Level::Deny,
    reason: Reason::Required,
    kind: Some(Kind::PushSecret),
    why: "Without a store the operator does nothing and reports nothing.",
    fix: "secretStoreRefs: [{name: NAME}], or a labelSelector.",
    example: "secretStoreRefs: []",
};

/// Every store.
pub(crate) static PUSH_STORE_EVERY: Rule = Rule {
    id: "push-store-every",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::PushSecret),
    why: "The Secret would be pushed to every store there is, of whatever account.",
    fix: "Give labels, or a name.",
    example: "secretStoreRefs: [{labelSelector: {}}]",
};

/// Two ways to name one thing.
pub(crate) static PUSH_NAME_IGNORED: Rule = Rule {
    id: "push-name-ignored",
    level: Level::Deny,
    reason: Reason::Forbidden,
    kind: Some(Kind::PushSecret),
    why: "One of the two is silently ignored.",
    fix: "Keep the name or the selector.",
    example: "selector: {secret: {name: app, selector: {matchLabels: {a: b}}}}",
};

/// SecretStores beside ClusterSecretStores.
pub(crate) static PUSH_STORE_KINDS: Rule = Rule {
    id: "push-store-kinds",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Some(Kind::PushSecret),
    why: "The operator forgets the namespace after the first ClusterSecretStore, in random order.",
    fix: "One PushSecret for each kind of store.",
    example: "secretStoreRefs: [{name: aws}, {name: aws, kind: ClusterSecretStore}]",
};

/// Nothing to push from.
pub(crate) static PUSH_SOURCE: Rule = Rule {
    id: "push-source",
    level: Level::Deny,
    reason: Reason::Required,
    kind: Some(Kind::PushSecret),
    why: "The status says `could not get source secret`, not that none was named.",
    fix: "selector: {secret: {name: NAME}}.",
    example: "selector: {secret: {name: null}}",
};

/// Nothing to push.
pub(crate) static NOTHING_TO_PUSH: Rule = Rule {
    id: "nothing-to-push",
    level: Level::Deny,
    reason: Reason::Required,
    kind: Some(Kind::PushSecret),
    why: "The status says Ready, and nothing is pushed.",
    fix: "Add an entry to data or dataTo.",
    example: "data: null",
};

/// A part of a template that means nothing here.
pub(crate) static PUSH_TEMPLATE_IGNORED: Rule = Rule {
    id: "push-template-ignored",
    level: Level::Deny,
    reason: Reason::Forbidden,
    kind: Some(Kind::PushSecret),
    why: "The schema is that of ExternalSecrets; the operator does not read the field here.",
    fix: "Remove it.",
    example: "template: {mergePolicy: Merge, data: {a: b}}",
};

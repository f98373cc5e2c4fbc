//! `dataTo`: many keys at once, by a rule.

use super::{PUSH_NAME_IGNORED, metadata, remote_names};
use crate::api::Kind;
use crate::api::push_secret::{PushDataTo, PushStoreRef};
use crate::field::Field;
use crate::finding::Report;
use crate::go::regexp;
use crate::rule::{Level, Reason, Rule};
use crate::validate::{REGEXP, selector};

/// Checks every entry against the stores of the PushSecret.
pub(super) fn check(
    entries: &[PushDataTo],
    stores: &[PushStoreRef],
    is_of_aws: impl Fn(Option<&PushStoreRef>) -> bool,
    at: &Field<'_>,
    report: &mut Report,
) {
    for (index, entry) in entries.iter().enumerate() {
        let at = at.index(index);
        let may_be_aws = is_of_aws(entry.store_ref.as_ref());
        check_store(entry.store_ref.as_ref(), stores, &at.key("storeRef"), report);
        if let Some(keys) = &entry.match_
            && let Err(error) = regexp::parse(&keys.regexp)
        {
            report.text(&REGEXP, &at.key("match").key("regexp"), &keys.regexp, error.to_string());
        }
        remote_names::check(entry, may_be_aws, &at, report);
        if let Some(value) = entry.metadata.as_ref().filter(|_| may_be_aws) {
            metadata::read(value, &at.key("metadata"), report);
        }
    }
}

fn check_store(store: Option<&PushStoreRef>, stores: &[PushStoreRef], at: &Field<'_>, report: &mut Report) {
    match store {
        Some(store) if !store.name.is_empty() => {
            if store.label_selector.is_some() {
                let cause = "ignored beside name; keep one of the two";
                report.missing(&PUSH_NAME_IGNORED, &at.key("labelSelector"), cause);
            }
            let may_be = |listed: &PushStoreRef| {
                listed.kind == store.kind && (listed.label_selector.is_some() || listed.name == store.name)
            };
            if !stores.iter().any(may_be) {
                let kind = store.kind.as_str();
                let cause = format!("no {kind} of this name is in secretStoreRefs; add it there");
                report.text(&DATA_TO_STORE_UNLISTED, &at.key("name"), &store.name, cause);
            }
        }
        Some(PushStoreRef { label_selector: Some(labels), .. }) => {
            selector::check(labels, &at.key("labelSelector"), report);
        }
        _ => report.missing(
            &DATA_TO_STORE,
            at,
            "name one of the stores of secretStoreRefs, or give a labelSelector",
        ),
    }
}

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&DATA_TO_STORE, &DATA_TO_STORE_UNLISTED];

/// A store that is not named.
pub(crate) static DATA_TO_STORE: Rule = Rule {
    id: "data-to-store",
    level: Level::Deny,
    reason: Reason::Required,
    kind: Some(Kind::PushSecret),
    why: "Each entry of dataTo goes to one store, or to those of some labels.",
    fix: "storeRef: {name: NAME}.",
    example: "dataTo: [{storeRef: {}}]",
};

/// A store that is not listed.
pub(crate) static DATA_TO_STORE_UNLISTED: Rule = Rule {
    id: "data-to-store-unlisted",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::PushSecret),
    why: "Nothing is pushed at all, not even what is right in the other entries.",
    fix: "List the store in secretStoreRefs, with the same kind.",
    example: "dataTo: [{storeRef: {name: elsewhere}}]",
};

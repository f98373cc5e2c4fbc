//! `dataTo`: many keys at once, by a rule.

use super::data::check_remote_key;
use super::{PUSH_NAME_IGNORED, metadata};
use crate::api::Kind;
use crate::api::push_secret::{PushDataTo, PushRewrite, PushStoreRef};
use crate::field::Field;
use crate::finding::Report;
use crate::go::regexp;
use crate::rule::{Level, Reason, Rule};
use crate::validate::{REGEXP, rewrite, selector};

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
        check_names(entry, may_be_aws, &at, report);
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

/// The names that the remote secrets get: one for all keys, or the rewritten key.
fn check_names(entry: &PushDataTo, may_be_aws: bool, at: &Field<'_>, report: &mut Report) {
    let PushDataTo { remote_key, rewrite, .. } = entry;
    if let Some(key) = remote_key.as_ref().filter(|_| may_be_aws) {
        check_remote_key(key, &at.key("remoteKey"), report);
    }
    if remote_key.is_some() && !rewrite.is_empty() {
        let cause = "rewrite changes the names of single secrets, and remoteKey bundles all keys in one; keep one of the two";
        report.missing(&REWRITE_CHOICE, &at.key("rewrite"), cause);
    }
    for (index, step) in rewrite.iter().enumerate() {
        let at = at.key("rewrite");
        let at = at.index(index);
        let PushRewrite { regexp, transform } = step;
        if regexp.is_some() == transform.is_some() {
            report.missing(&REWRITE_CHOICE, &at, "set exactly one of regexp and transform");
        }
        if let Some(step) = regexp {
            rewrite::check_regexp(step, &at.key("regexp"), report);
            if rewrite::is_everything(&step.source) && step.target.is_empty() {
                let cause = "every key becomes empty, and a secret needs a name; keep a part of it: $1";
                report.text(&DATA_TO_EMPTY_KEY, &at.key("regexp").key("target"), &step.target, cause);
            }
        }
        if let Some(step) = transform {
            let at = at.key("transform");
            if step.template.trim().is_empty() {
                let cause =
                    "every key becomes empty, and a secret needs a name; use .value, which is the key";
                report.text(&DATA_TO_EMPTY_KEY, &at.key("template"), &step.template, cause);
            } else {
                rewrite::check_transform(step, &at, report);
            }
        }
    }
}

/// The rules of this file.
pub(super) static RULES: &[&Rule] =
    &[&DATA_TO_STORE, &DATA_TO_STORE_UNLISTED, &DATA_TO_EMPTY_KEY, &REWRITE_CHOICE];

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

/// Names that cannot be.
pub(crate) static DATA_TO_EMPTY_KEY: Rule = Rule {
    id: "data-to-empty-key",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::PushSecret),
    why: "The operator fails with `empty remote key produced`.",
    fix: "Keep a part of the key in the target.",
    example: "dataTo: [{storeRef: {name: aws}, rewrite: [{regexp: {source: '^.*$', target: ''}}]}]",
};

/// Rewrites that exclude each other.
pub(crate) static REWRITE_CHOICE: Rule = Rule {
    id: "rewrite-choice",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::PushSecret),
    why: "Only one of the two can name a remote secret.",
    fix: "remoteKey for one document, rewrite for one secret each; one of regexp and transform a step.",
    example: "dataTo: [{storeRef: {name: aws}, remoteKey: all, rewrite: [{regexp: {source: a, target: b}}]}]",
};

//! `dataFrom`: one secret extracted, or all that are found.

use super::{remote_ref, store_of};
use crate::api::Kind;
use crate::api::common::StoreRef;
use crate::api::data_from::{DataFrom, Find};
use crate::api::remote_ref::GeneratorRef;
use crate::aws::secret_name;
use crate::field::Field;
use crate::finding::Report;
use crate::go::regexp;
use crate::rule::{Level, Reason, Rule};
use crate::suggest;
use crate::validate::rewrite::{self, Keys};
use crate::validate::{Context, REGEXP, Subject, known};

/// Checks one entry.
pub(super) fn check(
    subject: &Subject<'_>,
    entry: &DataFrom,
    default_store: Option<&StoreRef>,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    let DataFrom { extract, find, rewrite, source_ref } = entry;
    let generator = source_ref.as_ref().and_then(|source| source.generator_ref.as_ref());
    if !rewrite.is_empty() {
        rewrite::check(rewrite, keys_of(find.as_ref(), generator), &at.key("rewrite"), report);
    }
    let given = [extract.is_some(), find.is_some(), generator.is_some()];
    match given.into_iter().filter(|given| *given).count() {
        1 => {}
        0 if source_ref.is_some() => {
            let cause = "names a store and nothing to read from it, so it does nothing; add extract or find";
            return report.missing(&DATA_FROM_CHOICE, at, cause);
        }
        0 => {
            return report.missing(
                &DATA_FROM_CHOICE,
                at,
                "set one of extract, find and sourceRef.generatorRef",
            );
        }
        _ => {
            let cause =
                "extract, find and sourceRef.generatorRef exclude each other; write one entry for each";
            report.forbidden(&DATA_FROM_CHOICE, at, cause);
        }
    }
    if let Some(generator) = generator {
        let at = at.key("sourceRef");
        let at = at.key("generatorRef");
        return check_generator(generator, &at.key("kind"), report);
    }
    let store = store_of(subject, source_ref.as_ref(), default_store, at, context, report);
    if let Some(find) = find {
        check_find(find, &at.key("find"), context.may_be_aws(subject, store), report);
        known::check_find(subject, store, &at.key("find"), context, report);
    }
    if let Some(extract) = extract.as_ref().filter(|_| context.may_be_aws(subject, store)) {
        remote_ref::check(extract, &at.key("extract"), report);
        known::check_key(subject, store, &extract.key, &at.key("extract"), context, report);
    }
}

/// The keys that a rewrite meets. A Password may be told to make several; few are.
fn keys_of<'a>(find: Option<&'a Find>, generator: Option<&GeneratorRef>) -> Keys<'a> {
    match (find.and_then(|find| find.name.as_ref()), generator.map(|generator| generator.kind.as_str())) {
        (None, Some("Password" | "UUID")) => Keys::One,
        (Some(name), None) => Keys::Found(&name.regexp),
        _ => Keys::Many,
    }
}

/// Kinds of generators come with the operator's releases, so only a slip of the pen is told from a new one.
pub(in crate::validate) fn check_generator(generator: &GeneratorRef, at: &Field<'_>, report: &mut Report) {
    let kind = generator.kind.as_str();
    if let Some(near) = suggest::nearest(kind, GENERATORS).filter(|near| *near != kind) {
        report.text(&GENERATOR_KIND, at, kind, format!("there is no such generator; did you mean {near}?"));
    }
}

const GENERATORS: [&str; 16] = [
    "ACRAccessToken",
    "CloudsmithAccessToken",
    "ClusterGenerator",
    "ECRAuthorizationToken",
    "Fake",
    "GCRAccessToken",
    "GithubAccessToken",
    "Grafana",
    "MFA",
    "Password",
    "QuayAccessToken",
    "SSHKey",
    "STSSessionToken",
    "UUID",
    "VaultDynamicSecret",
    "Webhook",
];

fn check_find(find: &Find, at: &Field<'_>, may_be_aws: bool, report: &mut Report) {
    let Find { path, name, tags, .. } = find;
    match name {
        None if tags.is_empty() && may_be_aws => {
            let cause = "AWS needs a name or at least one tag to look for; a path alone is not enough: add name: {regexp: ^PATH}";
            report.missing(&FIND_NOTHING, at, cause);
        }
        None => {}
        // Tags narrow the search.
        Some(name) if name.regexp.is_empty() && (!may_be_aws || !tags.is_empty()) => {}
        Some(name) if name.regexp.is_empty() => {
            let found = if path.is_some() { "below the path" } else { "of the account and region" };
            let cause = format!(
                "an empty expression finds every secret {found}; write the one you mean, or .* for all"
            );
            report.missing(&FIND_EVERYTHING, &at.key("name").key("regexp"), cause);
        }
        Some(name) => {
            if let Err(error) = regexp::parse(&name.regexp) {
                report.text(&REGEXP, &at.key("name").key("regexp"), &name.regexp, error.to_string());
            }
        }
    }
    if let Some(path) = path.as_ref().filter(|_| may_be_aws)
        && let Err(error) = secret_name::check_part(path)
    {
        report.text(&FIND_PATH, &at.key("path"), path, error.to_string());
    }
}

/// The rules of this file.
pub(super) static RULES: &[&Rule] =
    &[&DATA_FROM_CHOICE, &DATA_FROM_TWICE, &FIND_NOTHING, &FIND_EVERYTHING, &FIND_PATH, &GENERATOR_KIND];

/// None or several of the three.
pub(crate) static DATA_FROM_CHOICE: Rule = Rule {
    id: "data-from-choice",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::ExternalSecret),
    why: "An entry with a store alone is a silent no-op; several sources in one entry are refused by the operator.",
    fix: "One of extract, find and sourceRef.generatorRef in each entry.",
    example: "dataFrom: [{sourceRef: {storeRef: {name: aws}}}]",
};

/// One entry twice.
pub(crate) static DATA_FROM_TWICE: Rule = Rule {
    id: "data-from-twice",
    level: Level::Warn,
    reason: Reason::Duplicate,
    kind: Some(Kind::ExternalSecret),
    why: "The second fetches the same keys again.",
    fix: "Remove it.",
    example: "dataFrom: [{extract: {key: a}}, {extract: {key: a}}]",
};

/// A search without terms.
pub(crate) static FIND_NOTHING: Rule = Rule {
    id: "find-nothing",
    level: Level::Deny,
    reason: Reason::Required,
    kind: Some(Kind::ExternalSecret),
    why: "The operator fails with `unexpected find operator`.",
    fix: "Set find.name.regexp or find.tags.",
    example: "dataFrom: [{find: {path: prod/}}]",
};

/// A search for everything.
pub(crate) static FIND_EVERYTHING: Rule = Rule {
    id: "find-everything",
    level: Level::Deny,
    reason: Reason::Required,
    kind: Some(Kind::ExternalSecret),
    why: "Every secret of the account and region lands in one Secret.",
    fix: "Write the expression; .* if all are meant.",
    example: "dataFrom: [{find: {name: {}}}]",
};

/// A path that no name begins with.
pub(crate) static FIND_PATH: Rule = Rule {
    id: "find-path",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::ExternalSecret),
    why: "No secret's name begins like this; a leading ! even means the opposite to AWS.",
    fix: "Use A-Z a-z 0-9 / _ + = . @ - and at most 512 characters.",
    example: "dataFrom: [{find: {path: '!prod', name: {regexp: a}}}]",
};

/// A generator that is none.
pub(crate) static GENERATOR_KIND: Rule = Rule {
    id: "generator-kind",
    level: Level::Deny,
    reason: Reason::NotSupported,
    kind: Some(Kind::ExternalSecret),
    why: "The operator's schema knows its generators by name.",
    fix: "Password, UUID, ECRAuthorizationToken, …; letter case counts.",
    example: "dataFrom: [{sourceRef: {generatorRef: {kind: Passwords, name: a}}}]",
};

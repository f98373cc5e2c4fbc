//! Rewriting of keys: regular expressions that Go compiles, templates that Go parses, merges that can end.

use crate::api::Kind;
use crate::api::data_from::{MergeStrategy, Rewrite, RewriteMerge, RewriteRegexp, RewriteTransform};
use crate::field::Field;
use crate::finding::Report;
use crate::go::{regexp, template};
use crate::rule::{Level, Reason, Rule};

use super::{REGEXP, TEMPLATE};

/// How many keys are rewritten, as far as that is known: one has nothing to collide with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keys<'a> {
    One,
    Many,
    /// Those which this pattern finds.
    Found(&'a str),
}

impl Keys<'_> {
    /// Costs more than other questions if there is a pattern.
    fn may_collide(self) -> bool {
        match self {
            Self::One => false,
            Self::Many => true,
            Self::Found(pattern) => !regexp::parse(pattern).is_ok_and(|parsed| parsed.is_one_text()),
        }
    }
}

/// Checks the changes of a `dataFrom` entry.
pub(super) fn check(rewrites: &[Rewrite], mut keys: Keys<'_>, at: &Field<'_>, report: &mut Report) {
    for (index, rewrite) in rewrites.iter().enumerate() {
        let at = at.index(index);
        let Rewrite { merge, regexp, transform } = rewrite;
        if let Some(merge) = merge {
            check_merge(merge, &at.key("merge"), report);
            keys = Keys::Many; // those of the documents
        }
        if let Some(regexp) = regexp {
            check_regexp(regexp, keys, &at.key("regexp"), report);
        }
        if let Some(transform) = transform {
            check_transform(transform, keys, &at.key("transform"), report);
        }
    }
}

fn check_merge(merge: &RewriteMerge, at: &Field<'_>, report: &mut Report) {
    if merge.strategy == MergeStrategy::Json && merge.into.is_empty() {
        let cause = "strategy JSON makes one document and needs the key for it: into: KEY";
        report.missing(&MERGE_INTO, &at.key("into"), cause);
    }
}

/// Checks a replacement; shared with PushSecrets.
pub(super) fn check_regexp(rewrite: &RewriteRegexp, keys: Keys<'_>, at: &Field<'_>, report: &mut Report) {
    let RewriteRegexp { source, target } = rewrite;
    let parsed = match regexp::parse(source) {
        Ok(parsed) => parsed,
        Err(error) => return report.text(&REGEXP, &at.key("source"), source, error.to_string()),
    };
    if let Some(name) = regexp::references(target).find(|name| !parsed.has_reference(name)) {
        report.text(&REWRITE_GROUP, &at.key("target"), target, no_such_group(name, source));
        return;
    }
    // The cheaper questions first.
    if regexp::references(target).next().is_none()
        && (is_everything(source) || (parsed.is_anchored() && parsed.is_open()))
        && keys.may_collide()
    {
        let cause = format!(
            "every key that {source} matches becomes this one, and which wins is chance; keep a group: $1"
        );
        report.text(&REWRITE_COLLIDES, &at.key("target"), target, cause);
    }
}

/// Digits with letters behind them were meant to end where the letters begin.
fn no_such_group(name: &str, source: &str) -> String {
    let digits = name.len() - name.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    match name.split_at_checked(digits) {
        Some((number, rest)) if !number.is_empty() && !rest.is_empty() => {
            format!(
                "${name} is the group {name:?}, which is not there, and so nothing; write ${{{number}}}{rest}"
            )
        }
        _ => format!("${name} is no group of {source}, and so nothing; groups are in parentheses"),
    }
}

/// Whether the one match of the pattern is the whole key, whatever the key.
pub(super) fn is_everything(source: &str) -> bool {
    let bare = source.strip_prefix('^').unwrap_or(source);
    let bare = bare.strip_suffix('$').unwrap_or(bare);
    let bare = bare.strip_prefix('(').and_then(|bare| bare.strip_suffix(')')).unwrap_or(bare);
    matches!(bare, ".*" | ".+")
}

/// Checks a template of keys; shared with PushSecrets.
pub(super) fn check_transform(
    transform: &RewriteTransform,
    keys: Keys<'_>,
    at: &Field<'_>,
    report: &mut Report,
) {
    let text = &transform.template;
    match template::parse(text) {
        Err(error) => report.text(&TEMPLATE, &at.key("template"), text, error.to_string()),
        Ok(parsed) => {
            if let Some(key) = parsed.keys().find(|key| *key != "value") {
                let cause = format!("a transform knows one thing, .value, which is the key; .{key} is none");
                report.text(&TEMPLATE, &at.key("template"), text, cause);
            } else if is_constant(text) && keys.may_collide() {
                let cause = "reads nothing of the key, so every key becomes this one, and which wins is chance; use .value";
                report.text(&REWRITE_COLLIDES, &at.key("template"), text, cause);
            }
        }
    }
}

/// Whether no action of a template reads its data or a variable.
fn is_constant(text: &str) -> bool {
    let mut actions = text.split("{{").skip(1).map(|rest| rest.split("}}").next().unwrap_or_default());
    actions.all(|action| !action.contains(['.', '$']))
}

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&MERGE_INTO, &REWRITE_GROUP, &REWRITE_COLLIDES];

/// A merge without a place for its result.
pub(crate) static MERGE_INTO: Rule = Rule {
    id: "merge-into",
    level: Level::Deny,
    reason: Reason::Required,
    kind: Some(Kind::ExternalSecret),
    why: "The operator fails with `missing 'into' field` on every refresh.",
    fix: "Name the key that takes the document.",
    example: "dataFrom: [{extract: {key: a}, rewrite: [{merge: {strategy: JSON}}]}]",
};

/// A reference that stands for nothing.
pub(crate) static REWRITE_GROUP: Rule = Rule {
    id: "rewrite-group",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::ExternalSecret),
    why: "Go puts nothing in its place, without a word: keys lose a part, or become one, or empty.",
    fix: "Name a group of the source; ${1} where letters, digits or _ follow.",
    example: "dataFrom: [{extract: {key: a}, rewrite: [{regexp: {source: '^(.*)$', target: $1_prod}}]}]",
};

/// Many keys that become one.
pub(crate) static REWRITE_COLLIDES: Rule = Rule {
    id: "rewrite-collides",
    level: Level::Warn,
    reason: Reason::Duplicate,
    kind: Some(Kind::ExternalSecret),
    why: "Several keys become one; which value stays is chance and can change with every refresh.",
    fix: "Keep what tells the keys apart, with groups: source ^prod/(.*)$, target $1.",
    example: "dataFrom: [{extract: {key: a}, rewrite: [{regexp: {source: '.*', target: password}}]}]",
};

//! The names that remote secrets get by `dataTo`: one for all keys, or the rewritten key of each.

use super::data::{REMOTE_KEY, check_remote_key};
use crate::api::Kind;
use crate::api::data_from::{RewriteRegexp, RewriteTransform};
use crate::api::push_secret::{PushDataTo, PushRewrite};
use crate::aws::secret_name;
use crate::field::Field;
use crate::finding::Report;
use crate::go::{regexp, template};
use crate::rule::{Level, Reason, Rule};
use crate::validate::rewrite::{self, Keys};

/// Checks the names of one entry.
pub(super) fn check(entry: &PushDataTo, may_be_aws: bool, at: &Field<'_>, report: &mut Report) {
    let PushDataTo { remote_key, rewrite: steps, match_, .. } = entry;
    if let Some(key) = remote_key.as_ref().filter(|_| may_be_aws) {
        check_remote_key(key, &at.key("remoteKey"), report);
    }
    if remote_key.is_some() && !steps.is_empty() {
        let cause = "rewrite changes the names of single secrets, and remoteKey bundles all keys in one; keep one of the two";
        report.missing(&REWRITE_CHOICE, &at.key("rewrite"), cause);
    }
    if steps.is_empty() {
        return;
    }
    let keys = match_.as_ref().map_or(Keys::Many, |keys| Keys::Found(&keys.regexp));
    let list = at.key("rewrite");
    for (index, PushRewrite { regexp, transform }) in steps.iter().enumerate() {
        let at = list.index(index);
        if regexp.is_some() == transform.is_some() {
            report.missing(&REWRITE_CHOICE, &at, "set exactly one of regexp and transform");
        }
        let step = Step { keys, is_last: index + 1 == steps.len(), may_be_aws };
        if let Some(rewrite) = regexp {
            step.check_regexp(rewrite, &at.key("regexp"), report);
        }
        if let Some(rewrite) = transform {
            step.check_transform(rewrite, &at.key("transform"), report);
        }
    }
}

/// One change of the keys. What the last one makes are names of secrets.
struct Step<'a> {
    keys: Keys<'a>,
    is_last: bool,
    may_be_aws: bool,
}

impl Step<'_> {
    fn check_regexp(&self, step: &RewriteRegexp, at: &Field<'_>, report: &mut Report) {
        let RewriteRegexp { source, target } = step;
        if target.is_empty() && (rewrite::is_everything(source) || self.is_last && is_anchored(source)) {
            let cause = format!(
                "every key that {source} matches becomes empty, and a secret needs a name; keep a part of it: $1"
            );
            return report.text(&DATA_TO_EMPTY_KEY, &at.key("target"), target, cause);
        }
        rewrite::check_regexp(step, self.keys, at, report);
        self.check_written(regexp::literals(target), target, &at.key("target"), report);
    }

    fn check_transform(&self, step: &RewriteTransform, at: &Field<'_>, report: &mut Report) {
        let text = &step.template;
        if text.trim().is_empty() {
            let cause = "every key becomes empty, and a secret needs a name; use .value, which is the key";
            return report.text(&DATA_TO_EMPTY_KEY, &at.key("template"), text, cause);
        }
        rewrite::check_transform(step, self.keys, at, report);
        if let Ok(parsed) = template::parse(text) {
            self.check_written(parsed.texts(), text, &at.key("template"), report);
        }
    }

    /// What stands in every name must be able to stand in one.
    fn check_written<'t>(
        &self,
        mut texts: impl Iterator<Item = &'t str>,
        whole: &str,
        at: &Field<'_>,
        report: &mut Report,
    ) {
        if !self.is_last || !self.may_be_aws {
            return;
        }
        if let Some(error) = texts.find_map(|text| secret_name::check_part(text).err()) {
            report.text(&REMOTE_KEY, at, whole, error.to_string());
        }
    }
}

fn is_anchored(source: &str) -> bool {
    regexp::parse(source).is_ok_and(|parsed| parsed.is_anchored())
}

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&DATA_TO_EMPTY_KEY, &REWRITE_CHOICE];

/// Names that cannot be.
pub(crate) static DATA_TO_EMPTY_KEY: Rule = Rule {
    id: "data-to-empty-key",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::PushSecret),
    why: "The operator fails with `empty remote key produced`, and pushes nothing.",
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

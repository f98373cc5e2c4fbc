//! `data`: one key each, and where it goes.

use super::metadata;
use crate::api::Kind;
use crate::api::push_metadata::PushSecretMetadata;
use crate::api::push_secret::PushData;
use crate::aws::secret_name;
use crate::field::Field;
use crate::finding::Report;
use crate::go::gjson::{self, SjsonProblem};
use crate::rule::{Level, Reason, Rule};

/// Checks every entry by itself.
pub(super) fn check(entries: &[PushData], may_be_aws: bool, at: &Field<'_>, report: &mut Report) {
    if !may_be_aws {
        return;
    }
    for (index, entry) in entries.iter().enumerate() {
        let at = at.index(index);
        let remote = at.key("match");
        let remote = remote.key("remoteRef");
        check_remote_key(&entry.match_.remote_ref.remote_key, &remote.key("remoteKey"), report);
        let metadata =
            entry.metadata.as_ref().map(|value| metadata::read(value, &at.key("metadata"), report));
        let property = entry.match_.remote_ref.property.as_str();
        if !property.is_empty() {
            check_property(property, metadata.as_deref(), &remote.key("property"), report);
        }
    }
}

/// The name of a secret to write: never an ARN.
pub(super) fn check_remote_key(key: &str, at: &Field<'_>, report: &mut Report) {
    match secret_name::check(key) {
        Ok(()) => {}
        Err(error) if key.is_empty() => report.missing(&REMOTE_KEY, at, error.to_string()),
        Err(_) if key.starts_with("arn:") => {
            report.text(&REMOTE_KEY, at, key, "secrets are pushed by name, not by ARN; write the name");
        }
        Err(error) => report.text(&REMOTE_KEY, at, key, error.to_string()),
    }
}

fn check_property(
    property: &str,
    metadata: Option<&PushSecretMetadata>,
    at: &Field<'_>,
    report: &mut Report,
) {
    if let Some(problem) = gjson::sjson_problem(property) {
        let rule = match problem {
            SjsonProblem::ArrayIndex(_) => &PUSH_PROPERTY_DIGITS,
            SjsonProblem::Empty
            | SjsonProblem::Complex(_)
            | SjsonProblem::HugeArray(_)
            | SjsonProblem::Limit(_) => &PUSH_PROPERTY,
        };
        report.text(rule, at, property, problem.to_string());
    }
    if metadata.is_none_or(|metadata| metadata.secret_push_format.is_none()) {
        let cause = "the secret becomes SecretBinary, the default, also where readers expect SecretString; say \
                     secretPushFormat: string (or binary, if that is meant)";
        report.text(&PUSH_FORMAT_DEFAULT, at, property, cause);
    }
}

/// The rules of this file.
pub(super) static RULES: &[&Rule] =
    &[&REMOTE_KEY, &PUSH_PROPERTY, &PUSH_PROPERTY_DIGITS, &PUSH_FORMAT_DEFAULT];

/// A name that no secret can have.
pub(crate) static REMOTE_KEY: Rule = Rule {
    id: "remote-key",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::PushSecret),
    why: "AWS refuses to make the secret.",
    fix: "A name of A-Z a-z 0-9 / _ + = . @ - and at most 512 characters.",
    example: "data: [{match: {secretKey: a, remoteRef: {remoteKey: 'prod:db'}}}]",
};

/// A property that cannot be written.
pub(crate) static PUSH_PROPERTY: Rule = Rule {
    id: "push-property",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::PushSecret),
    why: "The write is silently dropped: the status says Ready, and the secret does not change.",
    fix: "Put \\ before | # @ * ? in a property's name.",
    example: "data: [{match: {secretKey: a, remoteRef: {remoteKey: a, property: 'a#b'}}}]",
};

/// A property that makes a list.
pub(crate) static PUSH_PROPERTY_DIGITS: Rule = Rule {
    id: "push-property-digits",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Some(Kind::PushSecret),
    why: "A new secret becomes a JSON list instead of an object.",
    fix: "Put : before the number for a key.",
    example: "data: [{match: {secretKey: a, remoteRef: {remoteKey: a, property: '1'}}}]",
};

/// A property in the default format.
pub(crate) static PUSH_FORMAT_DEFAULT: Rule = Rule {
    id: "push-format-default",
    level: Level::Warn,
    reason: Reason::Required,
    kind: Some(Kind::PushSecret),
    why: "Pushing a property rewrites an existing SecretString as SecretBinary: its other readers find nothing.",
    fix: "Say secretPushFormat: string in a PushSecretMetadata.",
    example: "data: [{match: {secretKey: a, remoteRef: {remoteKey: a, property: b}}}]",
};

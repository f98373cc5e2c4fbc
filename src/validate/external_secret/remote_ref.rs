//! One remote secret, or a part of it: key, version, property.

use crate::api::Kind;
use crate::api::remote_ref::{ConversionStrategy, MetadataPolicy, RemoteRef};
use crate::aws::{arn, secret_name};
use crate::field::Field;
use crate::finding::Report;
use crate::go::gjson;
use crate::rule::{Level, Reason, Rule};

/// Checks the reference of a `data` entry.
pub(super) fn check_data(remote: &RemoteRef, at: &Field<'_>, report: &mut Report) {
    check(remote, at, report);
    if remote.conversion_strategy == Some(ConversionStrategy::Unicode) {
        let cause = "data has one key, secretKey, and nothing to convert: it is ignored; remove it";
        report.text(&CONVERSION_IGNORED, &at.key("conversionStrategy"), "Unicode", cause);
    }
}

/// Checks any reference.
pub(super) fn check(remote: &RemoteRef, at: &Field<'_>, report: &mut Report) {
    check_key(&remote.key, &at.key("key"), report);
    check_version(remote, &at.key("version"), report);
    if !remote.property.is_empty() {
        check_property(&remote.property, &at.key("property"), report);
    }
}

/// A secret's name or its ARN.
fn check_key(key: &str, at: &Field<'_>, report: &mut Report) {
    let cause = if key.starts_with("arn:") {
        arn::secret(key).err().map(|error| error.to_string())
    } else {
        secret_name::check(key).err().map(|error| error.to_string())
    };
    match cause {
        Some(cause) if key.is_empty() => report.missing(&SECRET_KEY, at, cause),
        Some(cause) => report.text(&SECRET_KEY, at, key, cause),
        None => {}
    }
}

fn check_version(remote: &RemoteRef, at: &Field<'_>, report: &mut Report) {
    let RemoteRef { version, metadata_policy, .. } = remote;
    if *metadata_policy == Some(MetadataPolicy::Fetch) && !version.is_empty() {
        let cause = "metadataPolicy: Fetch reads the tags, which have no versions: it is ignored; remove one of the two";
        report.text(&VERSION_IGNORED, at, version, cause);
        return;
    }
    if let Err(error) = secret_name::version(version) {
        report.text(&SECRET_VERSION, at, version, error.to_string());
    }
}

fn check_property(property: &str, at: &Field<'_>, report: &mut Report) {
    if gjson::check_limits(property).is_err() {
        let (bytes, segments) = (gjson::MAX_PATH, gjson::MAX_SEGMENTS);
        let cause = format!("a property has at most {bytes} bytes and {segments} segments");
        report.text(&PROPERTY_LIMITS, at, property, cause);
        return;
    }
    if let Some(doubt) = gjson::doubtful(property) {
        let cause = match without_brackets(property) {
            Some(path) => format!("brackets are part of the name here; the element of a list is {path}"),
            None => doubt.to_string(),
        };
        report.text(&PROPERTY_DOUBTFUL, at, property, cause);
    }
}

/// `hosts[0].name` as gjson writes it, `hosts.0.name`.
fn without_brackets(property: &str) -> Option<String> {
    let mut parts = property.split('[');
    let mut out = parts.next().filter(|first| !first.is_empty())?.to_owned();
    for part in parts {
        let (index, rest) = part.split_once(']')?;
        let is_index = !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit());
        if !is_index || !(rest.is_empty() || rest.starts_with('.')) {
            return None;
        }
        out = format!("{out}.{index}{rest}");
    }
    (out != property).then_some(out)
}

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[
    &SECRET_KEY,
    &SECRET_VERSION,
    &VERSION_IGNORED,
    &CONVERSION_IGNORED,
    &PROPERTY_DOUBTFUL,
    &PROPERTY_LIMITS,
];

/// A key that no secret has.
pub(crate) static SECRET_KEY: Rule = Rule {
    id: "secret-key",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::ExternalSecret),
    why: "AWS refuses the name: the Secret never appears, and the status does not say why.",
    fix: "A secret's name (A-Z a-z 0-9 / _ + = . @ -, at most 512) or its ARN.",
    example: "data: [{secretKey: a, remoteRef: {key: 'prod/db password'}}]",
};

/// A version that no secret has.
pub(crate) static SECRET_VERSION: Rule = Rule {
    id: "secret-version",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::ExternalSecret),
    why: "AWS answers that the secret does not exist, as if the key were wrong.",
    fix: "A staging label such as AWSPREVIOUS, or uuid/ and the version id.",
    example: "data: [{secretKey: a, remoteRef: {key: a, version: uuid/1}}]",
};

/// A version of tags.
pub(crate) static VERSION_IGNORED: Rule = Rule {
    id: "version-ignored",
    level: Level::Deny,
    reason: Reason::Forbidden,
    kind: Some(Kind::ExternalSecret),
    why: "Tags belong to the secret, not to a version of it.",
    fix: "Remove version, or metadataPolicy.",
    example: "data: [{secretKey: a, remoteRef: {key: a, version: AWSPREVIOUS, metadataPolicy: Fetch}}]",
};

/// A conversion of nothing.
pub(crate) static CONVERSION_IGNORED: Rule = Rule {
    id: "conversion-ignored",
    level: Level::Deny,
    reason: Reason::Forbidden,
    kind: Some(Kind::ExternalSecret),
    why: "Only extract and find have keys to convert.",
    fix: "Remove conversionStrategy.",
    example: "data: [{secretKey: a, remoteRef: {key: a, conversionStrategy: Unicode}}]",
};

/// A property that may be meant literally.
pub(crate) static PROPERTY_DOUBTFUL: Rule = Rule {
    id: "property-doubtful",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Some(Kind::ExternalSecret),
    why: "Properties are gjson paths: | # * ? @ ! { [ select and change values instead of naming a key.",
    fix: "Put \\ before a character that belongs to the key.",
    example: "data: [{secretKey: a, remoteRef: {key: a, property: 'pass|word'}}]",
};

/// A property beyond all use.
pub(crate) static PROPERTY_LIMITS: Rule = Rule {
    id: "property-limits",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::ExternalSecret),
    why: "Paths are bounded so that a lookup ends in bounded time.",
    fix: "At most 1024 bytes and 64 segments.",
    example: "data: [{secretKey: a, remoteRef: {key: a, property: \
              a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a}}]",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_of_lists_are_named_with_dots() {
        assert_eq!(without_brackets("hosts[0].name").as_deref(), Some("hosts.0.name"));
        assert_eq!(without_brackets("a.b[12]").as_deref(), Some("a.b.12"));
        for property in ["[0]", "a[x]", "a[0", "a[0]b", "a.b"] {
            assert_eq!(without_brackets(property), None, "{property}");
        }
    }
}

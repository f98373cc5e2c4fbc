//! The roles of a store, and what their sessions carry: external id and tags.

use std::collections::BTreeSet;

use crate::api::Kind;
use crate::api::secret_store::{AwsProvider, SessionTagsPolicy};
use crate::aws::{arn, tags};
use crate::field::Field;
use crate::finding::Report;
use crate::rule::{Level, Reason, Rule};

/// The tags that policies Simple and Custom set.
const AUTOMATIC_TAGS: [&str; 3] = ["esoNamespace", "esoStoreName", "esoStoreKind"];

/// Checks roles, external id and session tags; `region` is the partition of the store's region.
pub(super) fn check(aws: &AwsProvider, region: Option<&str>, at: &Field<'_>, report: &mut Report) {
    if !aws.role.is_empty() {
        check_role(&aws.role, region, &at.key("role"), report);
    }
    let additional = at.key("additionalRoles");
    for (index, role) in aws.additional_roles.iter().enumerate() {
        check_role(role, region, &additional.index(index), report);
    }
    check_external_id(&aws.external_id, &at.key("externalID"), report);
    check_needs_role(aws, at, report);
    check_sources(aws, at, report);
    check_tags(aws, at, report);
    check_transitive(aws, &at.key("transitiveTagKeys"), report);
}

fn check_role(role: &str, region: Option<&str>, at: &Field<'_>, report: &mut Report) {
    match (arn::role(role), region) {
        (Err(error), _) => report.text(&ROLE_ARN, at, role, error.to_string()),
        (Ok(arn), Some(partition)) if arn.partition != partition => {
            let found = arn.partition;
            let cause =
                format!("a role of partition {found} cannot be used in a region of partition {partition}");
            report.text(&ROLE_PARTITION, at, role, cause);
        }
        (Ok(_), _) => {}
    }
}

fn check_external_id(id: &str, at: &Field<'_>, report: &mut Report) {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@:/\\-".contains(c);
    let fits = matches!(id.len(), 2..=1224) && id.chars().all(allowed);
    if !id.is_empty() && !fits {
        let cause = "an external id has 2 to 1224 of A-Z a-z 0-9 _ + = , . @ : / \\ -";
        report.text(&EXTERNAL_ID, at, id, cause);
    }
}

/// External id, tags and their policy belong to the session of `role` and are lost without one.
fn check_needs_role(aws: &AwsProvider, at: &Field<'_>, report: &mut Report) {
    if !aws.role.is_empty() {
        return;
    }
    let given = [
        ("externalID", !aws.external_id.is_empty()),
        ("sessionTags", !aws.session_tags.is_empty()),
        ("transitiveTagKeys", !aws.transitive_tag_keys.is_empty()),
        ("sessionTagsPolicy", aws.session_tags_policy != SessionTagsPolicy::None),
        ("customSessionTags", !aws.custom_session_tags.is_empty()),
    ];
    for (name, _) in given.into_iter().filter(|(_, given)| *given) {
        let cause = "used only when role is assumed, and there is no role; set role, or remove this";
        report.missing(&ROLE_MISSING, &at.key(name), cause);
    }
}

fn check_sources(aws: &AwsProvider, at: &Field<'_>, report: &mut Report) {
    let policy = aws.session_tags_policy;
    if !aws.session_tags.is_empty() && policy != SessionTagsPolicy::None {
        let cause = format!(
            "sessionTagsPolicy {policy:?} replaces them; write them as customSessionTags with sessionTagsPolicy: Custom"
        );
        report.missing(&SESSION_TAGS_IGNORED, &at.key("sessionTags"), cause);
    }
    if !aws.custom_session_tags.is_empty() && policy != SessionTagsPolicy::Custom {
        let cause = "read only when sessionTagsPolicy is Custom; set sessionTagsPolicy: Custom";
        report.missing(&SESSION_TAGS_IGNORED, &at.key("customSessionTags"), cause);
    }
}

fn check_tags(aws: &AwsProvider, at: &Field<'_>, report: &mut Report) {
    let list = at.key("sessionTags");
    let mut seen = BTreeSet::new();
    for (index, tag) in aws.session_tags.iter().enumerate() {
        let at = list.index(index);
        if let Err(error) = tags::check_of_session(&tag.key, &tag.value) {
            report.text(&SESSION_TAG, &at, &tag.key, error.to_string());
        }
        if !seen.insert(tag.key.to_lowercase()) {
            let cause = "STS refuses a key twice, whatever its letter case";
            report.text(&SESSION_TAG, &at.key("key"), &tag.key, cause);
        }
    }
    let custom = at.key("customSessionTags");
    seen.clear();
    for (key, value) in &aws.custom_session_tags {
        if AUTOMATIC_TAGS.iter().any(|automatic| automatic.eq_ignore_ascii_case(key)) {
            report.text(&SESSION_TAG, &custom, key, "set by the policy itself; remove it");
        } else if !seen.insert(key.to_lowercase()) {
            let cause = "STS refuses a key twice, whatever its letter case";
            report.text(&SESSION_TAG, &custom, key, cause);
        } else if let Err(error) = tags::check_of_session(key, value) {
            report.text(&SESSION_TAG, &custom, key, error.to_string());
        }
    }
    let automatic =
        if aws.session_tags_policy == SessionTagsPolicy::Custom { AUTOMATIC_TAGS.len() } else { 0 };
    let counts = [(&list, aws.session_tags.len()), (&custom, aws.custom_session_tags.len() + automatic)];
    for (at, count) in counts.into_iter().filter(|(_, count)| *count > tags::MAX_TAGS) {
        report.value(&SESSION_TAG, at, format_args!("{count} tags"), "a session has at most 50");
    }
}

fn check_transitive(aws: &AwsProvider, at: &Field<'_>, report: &mut Report) {
    if aws.transitive_tag_keys.is_empty() {
        return;
    }
    if !aws.additional_roles.is_empty() {
        let cause = "additionalRoles are assumed before role, without tags: nothing passes through them; \
                     remove transitiveTagKeys";
        report.missing(&TRANSITIVE_TAGS, at, cause);
    }
    let is_set = |key: &str| match aws.session_tags_policy {
        SessionTagsPolicy::None => aws.session_tags.iter().any(|tag| tag.key == key),
        SessionTagsPolicy::Simple => AUTOMATIC_TAGS.contains(&key),
        SessionTagsPolicy::Custom => {
            AUTOMATIC_TAGS.contains(&key) || aws.custom_session_tags.contains_key(key)
        }
    };
    for (index, key) in aws.transitive_tag_keys.iter().enumerate().filter(|(_, key)| !is_set(key)) {
        let cause = "not the key of a session tag of this store, so STS refuses the session";
        report.text(&TRANSITIVE_TAGS, &at.index(index), key, cause);
    }
}

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[
    &ROLE_ARN,
    &ROLE_PARTITION,
    &ROLE_MISSING,
    &EXTERNAL_ID,
    &SESSION_TAGS_IGNORED,
    &SESSION_TAG,
    &TRANSITIVE_TAGS,
];

/// A role that cannot be assumed.
pub(crate) static ROLE_ARN: Rule = Rule {
    id: "role-arn",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::SecretStore),
    why: "STS refuses anything but a role's ARN, and the store stays not ready with no cause in its status.",
    fix: "arn:aws:iam::123456789012:role/NAME, in the partition of the region.",
    example: "provider: {aws: {role: team-b}}",
};

/// A role of another partition than the region's.
pub(crate) static ROLE_PARTITION: Rule = Rule {
    id: "role-partition",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::SecretStore),
    why: "Partitions (commercial, China, GovCloud, …) do not trust each other.",
    fix: "Use a role of the partition that the region belongs to.",
    example: "provider: {aws: {role: 'arn:aws-cn:iam::123456789012:role/reader'}}",
};

/// Session settings without a session.
pub(crate) static ROLE_MISSING: Rule = Rule {
    id: "role-missing",
    level: Level::Deny,
    reason: Reason::Forbidden,
    kind: Some(Kind::SecretStore),
    why: "External id and session tags are silently ignored without a role to assume.",
    fix: "Set role, or remove them.",
    example: "provider: {aws: {role: null, externalID: partner}}",
};

/// An external id that STS refuses.
pub(crate) static EXTERNAL_ID: Rule = Rule {
    id: "external-id",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::SecretStore),
    why: "STS refuses it (AssumeRole, ExternalId).",
    fix: "2 to 1224 of A-Z a-z 0-9 _ + = , . @ : / \\ -",
    example: "provider: {aws: {externalID: 'not allowed'}}",
};

/// Tags that the policy does not read.
pub(crate) static SESSION_TAGS_IGNORED: Rule = Rule {
    id: "session-tags-ignored",
    level: Level::Deny,
    reason: Reason::Forbidden,
    kind: Some(Kind::SecretStore),
    why: "Only one source of tags is read; policies that rely on the other deny.",
    fix: "sessionTags with policy None; customSessionTags with policy Custom.",
    example: "provider: {aws: {sessionTagsPolicy: Simple, sessionTags: [{key: team, value: a}]}}",
};

/// A tag that STS refuses.
pub(crate) static SESSION_TAG: Rule = Rule {
    id: "session-tag",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::SecretStore),
    why: "STS refuses the whole session.",
    fix: "At most 50 tags, keys of 1 to 128 and values of at most 256 characters, no aws: prefix, no key twice.",
    example: "provider: {aws: {sessionTags: [{key: 'aws:team', value: a}]}}",
};

/// Transitive keys that cannot be.
pub(crate) static TRANSITIVE_TAGS: Rule = Rule {
    id: "transitive-tags",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::SecretStore),
    why: "Tags go with the session of role, which is the last; additional roles come before it and never see them.",
    fix: "Name keys of the store's own session tags, and no additionalRoles.",
    example: "provider: {aws: {transitiveTagKeys: [team]}}",
};

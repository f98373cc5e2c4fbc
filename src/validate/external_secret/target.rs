//! `target`: who owns the Secret, when it goes, and how it is made.

use std::collections::BTreeSet;

use crate::api::Kind;
use crate::api::external_secret::{CreationPolicy, DeletionPolicy, ExternalSecretSpec, Target};
use crate::field::Field;
use crate::finding::Report;
use crate::rule::{Level, Reason, Rule};
use crate::validate::{Context, template};

/// Checks policies, template and kind of the target.
pub(super) fn check(spec: &ExternalSecretSpec, at: &Field<'_>, context: &Context<'_>, report: &mut Report) {
    let target = &spec.target;
    check_policies(target, &at.key("deletionPolicy"), report);
    if let Some(manifest) = target.manifest.as_ref().filter(|_| !context.settings.allow_generic_targets) {
        let cause = "without manifest a Secret is written; other kinds are not, unless the operator allows more; remove manifest, or run with \
                         --unsafe-allow-generic-targets";
        report.text(&GENERIC_TARGET, &at.key("manifest"), &manifest.kind, cause);
    }
    if let Some(secret) = &target.template {
        let fetched = spec.data_from.is_empty().then(|| keys_of_data(spec));
        let is_secret = target.manifest.as_ref().is_none_or(|m| m.api_version == "v1" && m.kind == "Secret");
        template::check(secret, fetched.as_ref(), is_secret, &at.key("template"), report);
        // A Secret that is only filled may have the other keys of its type already.
        let is_made_whole = matches!(target.creation_policy, CreationPolicy::Owner | CreationPolicy::Orphan);
        if is_secret && is_made_whole {
            template::check_type(secret, fetched.as_ref(), &at.key("template"), report);
        }
    }
}

/// The keys that `data` alone provides.
fn keys_of_data(spec: &ExternalSecretSpec) -> BTreeSet<&str> {
    spec.data.iter().map(|entry| entry.secret_key.as_str()).collect()
}

fn check_policies(target: &Target, at: &Field<'_>, report: &mut Report) {
    let Target { creation_policy: creation, deletion_policy: deletion, .. } = target;
    let cause = match (deletion, creation) {
        (DeletionPolicy::Delete, CreationPolicy::Owner) => return,
        (DeletionPolicy::Delete, _) => format!(
            "only an owned Secret can be deleted, and creationPolicy is {creation:?}; \
             use creationPolicy: Owner, or deletionPolicy: Retain"
        ),
        (DeletionPolicy::Merge, CreationPolicy::None) => {
            "creationPolicy is None, so there is no Secret to merge with; use deletionPolicy: Retain".into()
        }
        (DeletionPolicy::Merge | DeletionPolicy::Retain, _) => return,
    };
    report.value(&DELETION_POLICY, at, format_args!("{deletion:?}"), cause);
}

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&DELETION_POLICY, &GENERIC_TARGET];

/// Policies that contradict each other.
pub(crate) static DELETION_POLICY: Rule = Rule {
    id: "deletion-policy",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::ExternalSecret),
    why: "When the remote secret goes, deletion fails and is not tried again.",
    fix: "deletionPolicy: Delete with creationPolicy: Owner only; Merge not with None.",
    example: "target: {creationPolicy: Orphan, deletionPolicy: Delete}",
};

/// A target that is not written.
pub(crate) static GENERIC_TARGET: Rule = Rule {
    id: "generic-target",
    level: Level::Deny,
    reason: Reason::Forbidden,
    kind: Some(Kind::ExternalSecret),
    why: "Other kinds than Secret are written only where the operator runs with --unsafe-allow-generic-targets.",
    fix: "Remove target.manifest; or allow it, to the operator and to Keyhatch.",
    example: "target: {manifest: {apiVersion: v1, kind: ConfigMap}}",
};

//! The ratchet: an update may not make an object worse, and need not make it better.
//!
//! Objects that were stored before a rule existed keep working: their finalizers, labels and other fields
//! change freely, and only a new mistake is refused.

use std::collections::HashSet;

use serde_json::Value;

use super::Decision;
use crate::field;
use crate::finding::Finding;
use crate::object::Object;
use crate::policy::Enforce;
use crate::validate::{Context, validate};

/// Decides about the findings of an updated object, given the object before.
pub(super) fn apply(
    object: &Object<'_>,
    old: &str,
    findings: Vec<Finding>,
    context: &Context<'_>,
) -> Decision {
    let enforce = context.settings.policy.enforce;
    let Ok(old) = Object::admitted(object.kind, old) else {
        return super::sort(findings, enforce, |_| false);
    };
    if is_same_json(object.raw_spec(), old.raw_spec()) {
        return Decision::default();
    }
    let before = validate(&old, context).map(|report| report.into_findings()).unwrap_or_default();
    sort_new(findings, &before, enforce)
}

/// Sorts findings by what was found in the object before.
pub(super) fn sort_new(findings: Vec<Finding>, before: &[Finding], enforce: Enforce) -> Decision {
    let before: HashSet<Identity> = before.iter().map(identity).collect();
    super::sort(findings, enforce, |finding| before.contains(&identity(finding)))
}

/// What makes two findings the same mistake: rule, place without list indices, value.
type Identity = (&'static str, String, String);

fn identity(finding: &Finding) -> Identity {
    (finding.rule.id, field::without_indices(&finding.field), finding.value.clone())
}

/// The API server writes one object the same way every time, so texts differ only if values do, or nearly.
fn is_same_json(new: Option<&str>, old: Option<&str>) -> bool {
    new == old || {
        let read = |text: Option<&str>| serde_json::from_str::<Value>(text.unwrap_or("null")).ok();
        // What cannot be read is the same as nothing.
        read(new).is_some_and(|new| read(old) == Some(new))
    }
}

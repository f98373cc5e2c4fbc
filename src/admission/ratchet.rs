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
use crate::rule::Level;
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
    if !findings.iter().any(|finding| finding.level == Level::Deny) {
        return super::sort(findings, enforce, |_| false); // doubts are told whether they are new or not
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

/// The API server writes one object the same way every time, so texts differ only if values do, or in the order of
/// members: then they have the same bytes, which is a hundredth of the work to see.
fn is_same_json(new: Option<&str>, old: Option<&str>) -> bool {
    new == old || {
        let (new, old) = (new.unwrap_or("null"), old.unwrap_or("null"));
        let read = |text| serde_json::from_str::<Value>(text).ok();
        new.len() == old.len()
            && counts(new) == counts(old)
            && read(new).is_some_and(|new| read(old) == Some(new))
    }
}

/// How often each byte occurs.
fn counts(text: &str) -> [usize; 256] {
    let mut counts = [0; 256];
    for byte in text.bytes() {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_members_is_no_difference() {
        let same = |new, old| is_same_json(Some(new), Some(old));
        assert!(same(r#"{"a":1,"b":[1,2]}"#, r#"{"b":[1,2],"a":1}"#));
        assert!(!same(r#"{"a":1,"b":[1,2]}"#, r#"{"a":1,"b":[2,1]}"#));
        assert!(!same(r#"{"a":1,"b":2}"#, r#"{"a":2,"b":1}"#));
        assert!(!same(r#"{"a":1}"#, r#"{"a":3}"#));
        assert!(!same("{,", ",{"), "what cannot be read is the same as nothing");
        assert!(is_same_json(None, Some("null")));
    }
}

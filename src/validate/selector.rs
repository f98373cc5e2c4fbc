//! Label selectors, as the API server's own validation judges them.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};

use crate::api::Kind;
use crate::field::Field;
use crate::finding::Report;
use crate::rule::{Level, Reason, Rule};

/// A selector that cannot be read.
pub(crate) static LABEL_SELECTOR: Rule = Rule {
    id: "label-selector",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::ClusterSecretStore),
    why: "The schema takes any operator and label; the controller fails on first use: nothing is selected.",
    fix: "Operators are In and NotIn (with values), Exists and DoesNotExist (without).",
    example: "conditions: [{namespaceSelector: {matchExpressions: [{key: team, operator: Equals, values: [a]}]}}]",
};

/// Checks operators, values, keys and labels.
pub(super) fn check(selector: &LabelSelector, at: &Field<'_>, report: &mut Report) {
    for (index, requirement) in selector.match_expressions.iter().flatten().enumerate() {
        check_requirement(requirement, &at.key("matchExpressions").index(index), report);
    }
    for (key, value) in selector.match_labels.iter().flatten() {
        let labels = at.key("matchLabels");
        if !is_label_key(key) {
            report.text(&LABEL_SELECTOR, &labels, key, "not a label's key, [prefix/]name");
        }
        if !is_label_value(value) {
            report.text(&LABEL_SELECTOR, &labels.key(key), value, NOT_A_VALUE);
        }
    }
}

/// Whether the selector has no requirement at all, and so selects everything.
pub(super) fn is_empty(selector: &LabelSelector) -> bool {
    selector.match_labels.iter().flatten().next().is_none()
        && selector.match_expressions.iter().flatten().next().is_none()
}

/// Said of a label with another value.
pub(crate) const NOT_A_VALUE: &str =
    "no label has this value: at most 63 of A-Z a-z 0-9 - _ . that begin and end alphanumeric";

fn check_requirement(requirement: &LabelSelectorRequirement, at: &Field<'_>, report: &mut Report) {
    let LabelSelectorRequirement { key, operator, values } = requirement;
    if !is_label_key(key) {
        report.text(&LABEL_SELECTOR, &at.key("key"), key, "not a label's key, [prefix/]name");
    }
    let count = values.as_ref().map_or(0, Vec::len);
    match operator.as_str() {
        "In" | "NotIn" if count == 0 => {
            let cause = format!("operator {operator} needs at least one value");
            report.missing(&LABEL_SELECTOR, &at.key("values"), cause);
        }
        "Exists" | "DoesNotExist" if count > 0 => {
            let cause = format!("{operator} takes no values; remove them, or use In");
            report.forbidden(&LABEL_SELECTOR, &at.key("values"), cause);
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
        other => {
            let cause = "the operators are In, NotIn, Exists and DoesNotExist";
            report.text(&LABEL_SELECTOR, &at.key("operator"), other, cause);
        }
    }
    for (index, value) in values.iter().flatten().enumerate().filter(|(_, value)| !is_label_value(value)) {
        report.text(&LABEL_SELECTOR, &at.key("values").index(index), value, NOT_A_VALUE);
    }
}

/// `[prefix/]name`, as labels and annotations have it.
pub(crate) fn is_label_key(key: &str) -> bool {
    let (prefix, name) = key.rsplit_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    let prefix_fits = prefix.is_none_or(|prefix| {
        matches!(prefix.len(), 1..=253)
            && prefix.split('.').all(|part| {
                let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
                !part.is_empty() && part.bytes().all(inner) && !part.starts_with('-') && !part.ends_with('-')
            })
    });
    prefix_fits && !name.is_empty() && is_label_value(name)
}

/// What labels may say.
pub(crate) fn is_label_value(value: &str) -> bool {
    let edge = |b: Option<u8>| b.is_none_or(|b| b.is_ascii_alphanumeric());
    value.len() <= 63
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        && edge(value.bytes().next())
        && edge(value.bytes().last())
}

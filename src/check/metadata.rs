//! An object's own metadata, which the API server would judge before anybody else.

use serde_json::Value;

use super::Manifest;
use crate::field::Field;
use crate::finding::Report;
use crate::object::{REQUIRED_FIELD, SCHEMA};

/// Checks name and namespace.
pub(super) fn check(manifest: &Manifest, report: &mut Report) {
    let at = Field::Root.key("metadata");
    for name in ["name", "generateName", "namespace"] {
        match manifest.metadata(name) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => check_name(name, text, &at.key(name), report),
            Some(other) => {
                let cause = "must be a text; put it in quotes";
                report.value(&SCHEMA, &at.key(name), other, cause);
            }
        }
    }
    if manifest.metadata("name").is_none() && manifest.metadata("generateName").is_none() {
        report.missing(&REQUIRED_FIELD, &at.key("name"), "name the object");
    }
    if manifest.kind.is_some_and(|kind| !kind.is_namespaced()) && manifest.namespace().is_some() {
        report.missing(&SCHEMA, &at.key("namespace"), "objects of the cluster have no namespace; remove it");
    }
}

/// DNS-1123 subdomain (`metav1` names); a namespace is one label.
fn check_name(field: &str, text: &str, at: &Field<'_>, report: &mut Report) {
    let text_to_check = if field == "generateName" { text.trim_end_matches(['-', '.']) } else { text };
    let is_label = |part: &str| {
        let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        !part.is_empty() && part.bytes().all(inner) && !part.starts_with('-') && !part.ends_with('-')
    };
    let fits = match field {
        "namespace" => text.len() <= 63 && is_label(text),
        _ => text.len() <= 253 && text_to_check.split('.').all(is_label),
    };
    if !fits {
        let cause = "lower-case letters, digits, - and . only, beginning and ending with a letter or digit";
        report.text(&SCHEMA, at, text, cause);
    }
}

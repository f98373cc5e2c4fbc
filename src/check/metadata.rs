//! An object's own metadata, which the API server would judge before anybody else.

use serde_json::{Map, Value};

use super::Manifest;
use crate::field::Field;
use crate::finding::Report;
use crate::object::{REQUIRED_FIELD, SCHEMA};
use crate::validate::{NOT_A_VALUE, is_label_key, is_label_value};

/// Checks name, namespace, labels and annotations.
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
        report.forbidden(
            &SCHEMA,
            &at.key("namespace"),
            "objects of the cluster have no namespace; remove it",
        );
    }
    for name in ["labels", "annotations"] {
        match manifest.metadata(name) {
            None | Some(Value::Null) => {}
            Some(Value::Object(members)) => check_map(name, members, &at.key(name), report),
            Some(_) => report.forbidden(&SCHEMA, &at.key(name), "must be an object of texts: {key: value}"),
        }
    }
}

/// The most that all annotations of an object have, keys and values, in bytes.
const MAX_ANNOTATIONS: usize = 256 * 1024;

/// Labels or annotations.
fn check_map(name: &str, members: &Map<String, Value>, at: &Field<'_>, report: &mut Report) {
    let is_labels = name == "labels";
    for (key, value) in members {
        // The API server folds the letters of annotations before it looks.
        let fits = if is_labels { is_label_key(key) } else { is_label_key(&key.to_ascii_lowercase()) };
        if !fits {
            report.text(&SCHEMA, at, key, NOT_A_KEY);
        }
        match value {
            Value::String(text) if is_labels && !is_label_value(text) => {
                report.text(&SCHEMA, &at.key(key), text, NOT_A_VALUE);
            }
            Value::String(_) | Value::Null => {}
            Value::Bool(_) | Value::Number(_) => {
                let cause = format!("must be a text; put it in quotes: \"{value}\"");
                report.value(&SCHEMA, &at.key(key), value, cause);
            }
            Value::Array(_) | Value::Object(_) => {
                report.forbidden(&SCHEMA, &at.key(key), "must be a text, not a list or an object");
            }
        }
    }
    let size: usize = members.iter().map(|(key, value)| key.len() + value.as_str().map_or(0, str::len)).sum();
    if !is_labels && size > MAX_ANNOTATIONS {
        report.value(
            &SCHEMA,
            at,
            format_args!("{size} bytes"),
            format!("at most {MAX_ANNOTATIONS} are allowed"),
        );
    }
}

const NOT_A_KEY: &str = "not a key: [prefix/]name, the prefix a DNS name in lower case, the name at most 63 of \
                         A-Z a-z 0-9 - _ . that begin and end alphanumeric";

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

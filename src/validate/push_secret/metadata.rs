//! `metadata`: reads a PushSecretMetadata, with its envelope or as the provider's public examples have it.
//!
//! Go's JSON decoder ignores letter case in keys, so `kmsKeyID` and `kmsKeyId` are one field; `secretPushFormat` alone
//! is also looked for by its exact name. Admission and the push loop both read metadata here.

mod json;
mod rules;
mod values;

use std::borrow::Cow;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::api::push_metadata::{API_VERSION, KIND, Metadata, PushSecretMetadata};
use crate::field::Field;
use crate::finding::Report;
use crate::suggest;

use json::{Json, Members};
pub(super) use rules::RULES;
use rules::{METADATA_BARE, METADATA_ENVELOPE, METADATA_FIELD};

/// The fields of the spec, as they are written.
const FIELDS: [&str; 6] =
    ["secretPushFormat", "description", "kmsKeyId", "tags", "resourcePolicy", "replicationLocations"];

/// Fields that the spec has for AWS's other store of secrets.
const PARAMETER_STORE: [&str; 3] = ["secretType", "tier", "encodeAsDecoded"];

/// Reads metadata; whatever is wrong with it becomes a finding and is left out.
pub(crate) fn read<'a>(
    written: &'a Metadata,
    at: &Field<'_>,
    report: &mut Report,
) -> Cow<'a, PushSecretMetadata> {
    let text = match written {
        Metadata::Read(spec) => {
            values::check(spec, &at.key("spec"), report);
            return Cow::Borrowed(spec);
        }
        Metadata::Text(text) => text,
    };
    // The common case is one pass from text to type. What is odd in any way is read again, field by field.
    let read = PushSecretMetadata::read(&mut serde_json::Deserializer::from_str(text.get()));
    Cow::Owned(match read {
        Ok(spec) => {
            values::check(&spec, &at.key("spec"), report);
            *spec
        }
        Err(_) => read_oddities(text, at, report),
    })
}

/// What metadata means; what is wrong with it is told elsewhere.
pub(crate) fn meaning(written: &Metadata) -> Cow<'_, PushSecretMetadata> {
    match written {
        Metadata::Read(spec) => Cow::Borrowed(spec),
        Metadata::Text(_) => read(written, &Field::Root, &mut Report::default()),
    }
}

/// Where the fields stand below `metadata`: in the spec of the envelope, or bare.
pub(in crate::validate) fn place<'a>(written: &Metadata, metadata: &'a Field<'a>) -> Field<'a> {
    let is_enveloped = |value: Json<'_>| value.as_object().is_some_and(|members| !is_bare(members));
    match written {
        Metadata::Text(text) if !serde_json::from_str(text.get()).is_ok_and(is_enveloped) => *metadata,
        Metadata::Text(_) | Metadata::Read(_) => metadata.key("spec"),
    }
}

fn read_oddities(raw: &RawValue, at: &Field<'_>, report: &mut Report) -> PushSecretMetadata {
    match serde_json::from_str(raw.get()) {
        Ok(value) => read_value(&value, at, report),
        Err(_) => {
            report.forbidden(&METADATA_ENVELOPE, at, "nested too deep to be a PushSecretMetadata");
            PushSecretMetadata::default()
        }
    }
}

fn read_value(value: &Json<'_>, at: &Field<'_>, report: &mut Report) -> PushSecretMetadata {
    let Some(members) = value.as_object() else {
        if !value.is_null() {
            let cause = "not an object; write a PushSecretMetadata with apiVersion, kind and spec";
            report.value(&METADATA_ENVELOPE, at, value_in_short(value), cause);
        }
        return PushSecretMetadata::default();
    };
    if members.is_empty() {
        let cause = "empty; remove metadata, or write a PushSecretMetadata with apiVersion, kind and spec";
        report.missing(&METADATA_ENVELOPE, at, cause);
        return PushSecretMetadata::default();
    }
    if is_bare(members) {
        let cause =
            "understood here, but the operator's own controller refuses it without its envelope; write:";
        report.missing(&METADATA_BARE, at, cause);
        // By itself, so that the line can be copied.
        report.missing(&METADATA_BARE, at, enveloped(members));
        return values::read(members, at, report);
    }
    read_envelope(members, at, report)
}

/// The form of the provider's public examples: the fields of the spec, and nothing else.
fn is_bare(members: &Members<'_>) -> bool {
    members.iter().all(|(key, _)| FIELDS.iter().any(|field| field.eq_ignore_ascii_case(key)))
}

/// What the bare form should have been, as YAML on one line.
fn enveloped(spec: &Members<'_>) -> String {
    format!("{{apiVersion: {API_VERSION}, kind: {KIND}, spec: {}}}", flow_members(spec))
}

/// YAML flow style: JSON without quotes where none are needed.
fn flow(value: &Json<'_>) -> String {
    match value {
        Json::Object(members) => flow_members(members),
        Json::List(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Json::Text(text) => plain(text),
        other => other.to_string(),
    }
}

fn flow_members(members: &Members<'_>) -> String {
    let members = members.iter().map(|(key, value)| format!("{}: {}", plain(key), flow(value)));
    format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
}

/// A text as a plain YAML scalar if it is safe as one, else in quotes.
fn plain(text: &str) -> String {
    let is_safe = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b))
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
            .iter()
            .any(|word| word.eq_ignore_ascii_case(text));
    if is_safe { text.to_owned() } else { Value::from(text).to_string() }
}

fn read_envelope(members: &Members<'_>, at: &Field<'_>, report: &mut Report) -> PushSecretMetadata {
    let mut spec = None;
    let (mut has_version, mut has_kind) = (false, false);
    for (key, value) in members {
        if key.eq_ignore_ascii_case("apiVersion") {
            has_version = true;
            expect(value, API_VERSION, &at.key(key), report);
        } else if key.eq_ignore_ascii_case("kind") {
            has_kind = true;
            expect(value, KIND, &at.key(key), report);
        } else if key.eq_ignore_ascii_case("spec") {
            spec = Some((key, value));
        } else {
            unknown_field(key, &["apiVersion", "kind", "spec"], at, report);
        }
    }
    for (has, name, wanted) in [(has_version, "apiVersion", API_VERSION), (has_kind, "kind", KIND)] {
        if !has {
            report.missing(&METADATA_ENVELOPE, &at.key(name), format!("write {name}: {wanted}"));
        }
    }
    match spec {
        Some((key, Json::Object(members))) => values::read(members, &at.key(key), report),
        Some((key, value)) if !value.is_null() => {
            report.value(&METADATA_ENVELOPE, &at.key(key), value_in_short(value), "not an object");
            PushSecretMetadata::default()
        }
        _ => PushSecretMetadata::default(),
    }
}

fn expect(value: &Json<'_>, wanted: &str, at: &Field<'_>, report: &mut Report) {
    if value.as_str() != Some(wanted) {
        report.value(&METADATA_ENVELOPE, at, value_in_short(value), format!("must be {wanted}"));
    }
}

/// A field that the operator's strict decoder refuses.
fn unknown_field(key: &str, known: &[&str], at: &Field<'_>, report: &mut Report) {
    let is_of_parameters = PARAMETER_STORE.iter().any(|field| field.eq_ignore_ascii_case(key));
    if is_of_parameters && known == FIELDS {
        let cause = "belongs to Parameter Store; the operator refuses it for Secrets Manager: remove it";
        return report.text(&METADATA_FIELD, &at.key(key), key, cause);
    }
    let cause = match suggest::nearest(key, known.iter().copied().chain(FIELDS)) {
        Some(near) if known.contains(&near) => {
            format!("the operator refuses unknown fields; did you mean {near}?")
        }
        Some(near) => format!("belongs in spec: write spec: {{{near}: …}}"),
        None => format!("the operator refuses unknown fields; there are {}", known.join(", ")),
    };
    report.text(&METADATA_FIELD, &at.key(key), key, cause);
}

/// A value that is not as expected, for a message.
fn value_in_short(value: &Json<'_>) -> String {
    match value {
        Json::Text(text) => crate::finding::quote(text),
        Json::Object(_) => "an object".into(),
        Json::List(_) => "a list".into(),
        other => other.to_string(),
    }
}

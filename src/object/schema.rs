//! An object against the schema of its kind, as the API server would judge it; what breaks it is taken out.
//!
//! The schema is the one in the CustomResourceDefinition, so `keyhatch check` and the API server agree.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

use crate::api::{Kind, crd};
use crate::field::Field;
use crate::finding::{Finding, Report, quote};
use crate::rule::{Level, Reason, Rule};

/// The schema of a kind's objects.
pub(super) fn of(kind: Kind) -> &'static Value {
    static NONE: Value = Value::Null;
    SCHEMAS.get(&kind).unwrap_or(&NONE)
}

static SCHEMAS: LazyLock<HashMap<Kind, Value>> = LazyLock::new(|| {
    let schema = |kind| {
        let mut definition = crd::definition(kind).ok()?;
        let schema = definition.pointer_mut("/spec/versions/0/schema/openAPIV3Schema")?;
        Some((kind, schema.take()))
    };
    Kind::ALL.into_iter().filter_map(schema).collect()
});

/// Every pattern of every schema: to compile one takes a thousand times what it takes to match.
static PATTERNS: LazyLock<HashMap<&str, Regex>> = LazyLock::new(|| {
    fn collect<'a>(schema: &'a Value, patterns: &mut HashMap<&'a str, Regex>) {
        match schema {
            Value::Object(members) => {
                if let Some((text, pattern)) = members
                    .get("pattern")
                    .and_then(Value::as_str)
                    .and_then(|text| Some((text, Regex::new(text).ok()?)))
                {
                    patterns.insert(text, pattern);
                }
                members.values().for_each(|value| collect(value, patterns));
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, patterns)),
            _ => {}
        }
    }
    let mut patterns = HashMap::new();
    SCHEMAS.values().for_each(|schema| collect(schema, &mut patterns));
    patterns
});

/// Checks a spec, and takes out what breaks the schema, so that the rest can be read.
pub(super) fn check(kind: Kind, spec: &mut Value, at: &Field<'_>, report: &mut Report) {
    let Some(schema) = of(kind).pointer("/properties/spec") else { return };
    if spec.is_null() {
        return;
    }
    if !is_fit(spec, schema, at, report) {
        *spec = Value::Null;
    }
}

/// Findings of schema and rules in one report: a rule says more than "required", and nothing more is said of
/// a field that has no readable value.
pub(super) fn merge(schema: Report, rules: Report) -> Report {
    if schema.is_empty() {
        return rules;
    }
    let (schema, rules) = (schema.into_findings(), rules.into_findings());
    if schema.len() > MAX_COMPARED {
        return Report::from(schema); // so broken that nothing more need be said, and comparing takes its square
    }
    let refused = |field: &str| {
        schema.iter().filter(|refused| !is_required(refused)).any(|refused| is_within(field, &refused.field))
    };
    let rules: Vec<_> = rules.into_iter().filter(|finding| !refused(&finding.field)).collect();
    let told = |field: &str| rules.iter().any(|finding| is_within(&finding.field, field));
    let kept = schema.iter().filter(|finding| !(is_required(finding) && told(&finding.field)));
    Report::from(kept.cloned().chain(rules.iter().cloned()).collect::<Vec<_>>())
}

/// Whether a field is another, or below it.
fn is_within(field: &str, outer: &str) -> bool {
    field.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// So many schema findings are compared with those of rules.
const MAX_COMPARED: usize = 100;

fn is_required(finding: &Finding) -> bool {
    finding.rule.id == REQUIRED_FIELD.id
}

/// Whether a value fits its schema node; findings for it and for all below it.
fn is_fit(value: &mut Value, schema: &Value, at: &Field<'_>, report: &mut Report) -> bool {
    if schema.get("x-kubernetes-int-or-string").is_some() {
        let fits = value.is_string() || value.as_i64().is_some_and(|n| i32::try_from(n).is_ok());
        if !fits {
            report.value(&SCHEMA, at, shown(value), "must be a whole number, or a text");
        }
        return fits;
    }
    let wanted = schema.get("type").and_then(Value::as_str).unwrap_or_default();
    match (wanted, &mut *value) {
        // A container of the wrong size is still readable.
        ("object", Value::Object(members)) => {
            check_members(members, schema, at, report);
            check_count(members.len(), schema, ("minProperties", "maxProperties"), "members", at, report);
            true
        }
        ("array", Value::Array(items)) => {
            check_items(items, schema, at, report);
            check_count(items.len(), schema, ("minItems", "maxItems"), "items", at, report);
            true
        }
        ("string", Value::String(text)) => is_fit_text(text, schema, at, report) || is_mended(text, schema),
        ("boolean", Value::Bool(_)) | ("", _) => true,
        ("integer", Value::Number(number)) => {
            let is_32_bit = schema.get("format").and_then(Value::as_str) == Some("int32");
            let fits = number.as_i64().is_some_and(|n| !is_32_bit || i32::try_from(n).is_ok());
            if !fits {
                report.value(&SCHEMA, at, number, "must be a whole number of this size");
            }
            fits
        }
        (_, other) => {
            match other {
                // It may be a key that was pasted where a reference belongs: its text is not repeated.
                Value::String(_) => {
                    report.value(&SCHEMA, at, "a text", format!("must be of type {wanted}"));
                }
                other => {
                    let cause = format!("must be of type {wanted}, and is {}", kind_of(other));
                    report.value(&SCHEMA, at, shown(other), cause);
                }
            }
            false
        }
    }
}

fn check_members(members: &mut Map<String, Value>, schema: &Value, at: &Field<'_>, report: &mut Report) {
    members.retain(|_, value| !value.is_null());
    let mut refused = Vec::new();
    let mut keep = |name: &str, value: &mut Value, schema: &Value| {
        let fits = is_fit(value, schema, &at.key(name), report);
        if !fits {
            refused.push(name.to_owned());
        }
        fits
    };
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        members.retain(|name, value| properties.get(name).is_none_or(|schema| keep(name, value, schema)));
    } else if let Some(schema) = schema.get("additionalProperties").filter(|schema| schema.is_object()) {
        members.retain(|name, value| keep(name, value, schema));
    }
    for name in
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    {
        if !members.contains_key(name) && !refused.iter().any(|refused| refused == name) {
            report.missing(&REQUIRED_FIELD, &at.key(name), "the schema requires this field; set it");
        }
    }
}

/// An item that breaks the schema becomes an empty one: the places of the others stay.
fn check_items(items: &mut [Value], schema: &Value, at: &Field<'_>, report: &mut Report) {
    let Some(schema) = schema.get("items") else { return };
    for (index, item) in items.iter_mut().enumerate() {
        if !is_fit(item, schema, &at.index(index), report) {
            *item = match schema.get("type").and_then(Value::as_str) {
                Some("object") => Value::Object(Map::new()),
                _ => Value::String(String::new()),
            };
        }
    }
}

fn check_count(
    count: usize,
    schema: &Value,
    (min, max): (&str, &str),
    what: &str,
    at: &Field<'_>,
    report: &mut Report,
) {
    let limit = |name| schema.get(name).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    if let Some(min) = limit(min).filter(|min| count < *min) {
        report.value(&SCHEMA, at, format_args!("{count} {what}"), format!("must have at least {min}"));
    }
    if let Some(max) = limit(max).filter(|max| count > *max) {
        report.value(&SCHEMA, at, format_args!("{count} {what}"), format!("must have at most {max}"));
    }
}

fn is_fit_text(text: &str, schema: &Value, at: &Field<'_>, report: &mut Report) -> bool {
    let number = |name| schema.get(name).and_then(Value::as_u64).unwrap_or(u64::MAX);
    let length = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
    let cause = if let Some(allowed) = schema.get("enum").and_then(Value::as_array)
        && !allowed.iter().any(|allowed| allowed.as_str() == Some(text))
    {
        let allowed: Vec<_> = allowed.iter().filter_map(Value::as_str).collect();
        match crate::suggest::nearest(text, allowed.iter().copied()) {
            Some(near) => format!("did you mean {near}? The values are {}", allowed.join(", ")),
            None => format!("the values are {}", allowed.join(", ")),
        }
    } else if schema.get("minLength").is_some() && length < number("minLength") {
        "must not be empty".into()
    } else if length > number("maxLength") {
        format!("has {length} characters, at most {} are allowed", number("maxLength"))
    } else if let Some(pattern) = schema.get("pattern").and_then(Value::as_str)
        && !PATTERNS.get(pattern).is_some_and(|pattern| pattern.is_match(text))
    {
        format!("must match {pattern}")
    } else {
        return true;
    };
    report.text(&SCHEMA, at, text, cause);
    false
}

/// A slip in one of a closed set of values is told, and read as what was meant: the rest depends on it.
fn is_mended(text: &mut String, schema: &Value) -> bool {
    let allowed =
        schema.get("enum").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let near = crate::suggest::nearest(text, allowed);
    if let Some(near) = near {
        near.clone_into(text);
    }
    near.is_some()
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean; put it in quotes if a text is meant",
        Value::Number(_) => "a number; put it in quotes if a text is meant",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => quote(text),
        Value::Array(_) => "[…]".into(),
        Value::Object(_) => "{…}".into(),
        other => other.to_string(),
    }
}

/// What the API server's own schema validation refuses.
pub static SCHEMA: Rule = Rule {
    id: "schema",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::ExternalSecret),
    why: "The API server refuses the object itself; `keyhatch check` says so before it is sent.",
    fix: "`kubectl explain` shows each field's type and values.",
    example: "refreshPolicy: Sometimes",
};

/// A field that the schema requires.
pub static REQUIRED_FIELD: Rule = Rule {
    id: "required-field",
    level: Level::Deny,
    reason: Reason::Required,
    kind: Some(Kind::ExternalSecret),
    why: "The API server refuses the object itself; `keyhatch check` says so before it is sent.",
    fix: "Set the field; `kubectl explain` shows what it takes.",
    example: "data: [{remoteRef: {key: a}}]",
};

//! Fields that no type knows: a slip of the pen is refused, anything else is a warning.

use serde_ignored::Path;
use serde_json::Value;

use super::{places, schema};
use crate::api::Kind;
use crate::field::{self, Field};
use crate::finding::{MOST, Report};
use crate::rule::{Level, Reason, Rule};
use crate::suggest;

/// Notes a field of a spec that was left over, unless there are more than can be told.
pub(super) fn note(unknown: &mut Vec<String>, path: &Path<'_>) {
    if unknown.len() >= MOST {
        return;
    }
    let path = in_spec(path);
    // Providers are judged by the store's own rules.
    if split(&path).0 != "spec.provider" {
        unknown.push(path);
    }
}

/// The path of a field inside a spec, as [`Field`] prints it.
fn in_spec(path: &Path<'_>) -> String {
    match path {
        Path::Root => "spec".into(),
        Path::Seq { parent, index } => format!("{}[{index}]", in_spec(parent)),
        Path::Map { parent, key } => field::join(&in_spec(parent), key),
        Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => {
            in_spec(parent)
        }
    }
}

/// Judges the fields that were left over when an object was read.
pub(super) fn report<'a>(kind: Kind, unknown: impl Iterator<Item = &'a String>, report: &mut Report) {
    // Those of one parent follow each other.
    let mut known = ("", siblings(kind, ""));
    for path in unknown {
        let (parent, name) = split(path);
        if parent != known.0 {
            known = (parent, siblings(kind, parent));
        }
        let at = Field::Path(path);
        if let Some(near) = suggest::nearest(name, known.1.iter().map(|name| name.as_str())) {
            report.missing(&MISSPELT_FIELD, &at, format!("did you mean {near}?"));
            continue;
        }
        match places::nearest(kind, parent, name).as_slice() {
            [] => report.missing(
                &UNKNOWN_FIELD,
                &at,
                "there is no such field here: it is kept, and read by nobody",
            ),
            [place] => report.missing(&MISPLACED_FIELD, &at, format!("belongs in {place}")),
            [first, second, ..] => {
                let cause = format!("there is no such field here, but in {first} and {second}");
                report.missing(&UNKNOWN_FIELD, &at, cause);
            }
        }
    }
}

/// A path without its last name, and that name.
fn split(path: &str) -> (&str, &str) {
    match path.strip_suffix(']').and_then(|path| path.rsplit_once('[')) {
        Some((parent, name)) => (parent, name),
        None => path.rsplit_once('.').unwrap_or(("", path)),
    }
}

/// The fields that the schema knows below a parent.
fn siblings(kind: Kind, parent: &str) -> Vec<&'static String> {
    let mut node = schema::of(kind);
    for segment in parent.split('.').filter(|segment| !segment.is_empty()) {
        let name = segment.split('[').next().unwrap_or(segment);
        let child = node.pointer(&format!("/properties/{name}")).or_else(|| node.get("additionalProperties"));
        let Some(child) = child else { return Vec::new() };
        node = if segment.contains('[') { child.get("items").unwrap_or(child) } else { child };
    }
    let properties = node.get("properties").and_then(Value::as_object);
    properties.map(|properties| properties.keys().collect()).unwrap_or_default()
}

/// A slip of the pen.
pub static MISSPELT_FIELD: Rule = Rule {
    id: "misspelt-field",
    level: Level::Deny,
    reason: Reason::Unknown,
    kind: Some(Kind::ExternalSecret),
    why: "The field that was meant keeps its default, and nobody says so.",
    fix: "Correct the name; letter case counts.",
    example: "refreshIntervall: 1h",
};

/// A field at another level than its own.
pub static MISPLACED_FIELD: Rule = Rule {
    id: "misplaced-field",
    level: Level::Deny,
    reason: Reason::Unknown,
    kind: Some(Kind::ExternalSecret),
    why: "Where it stands nobody reads it; where it belongs the default holds, and nobody says so.",
    fix: "Move it to the place that the message names; it is the only one near by that has a field of this name.",
    example: "creationPolicy: Orphan",
};

/// A field of somebody else's.
pub static UNKNOWN_FIELD: Rule = Rule {
    id: "unknown-field",
    level: Level::Warn,
    reason: Reason::Unknown,
    kind: Some(Kind::ExternalSecret),
    why: "The definitions keep unknown fields, so that objects of other releases stay whole; this one does nothing.",
    fix: "Remove it, or put it where it belongs.",
    example: "comment: for the billing team",
};

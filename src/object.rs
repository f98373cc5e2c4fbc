//! JSON text in, a typed spec out, with what the types cannot say: broken schema and unknown fields.
//!
//! An object with nothing to tell about it is read [`Once`], in one pass from text to type. Another is read by way of a
//! [`Value`], and only one that does not fit its type a second time, against the schema, so that all of its mistakes are
//! told and not just the first.

mod envelope;
mod once;
mod places;
mod schema;
mod unknown;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;
use thiserror::Error;

use crate::api::Kind;
use crate::field::Field;
use crate::finding::Report;
use crate::rule::{Level, Reason, Rule};

pub use envelope::Envelope;
use envelope::Metadata;
pub use once::Once;
pub use schema::{REQUIRED_FIELD, SCHEMA};
pub use unknown::{MISPLACED_FIELD, MISSPELT_FIELD, UNKNOWN_FIELD};

/// The rules about any object.
pub fn rules() -> Vec<&'static Rule> {
    vec![&VERSION_SERVED, &SCHEMA, &REQUIRED_FIELD, &MISSPELT_FIELD, &MISPLACED_FIELD, &UNKNOWN_FIELD]
}

/// An object of one of our kinds. `S` is its spec: as text ([`RawValue`]), or read ([`Once`]).
#[derive(Debug)]
pub struct Object<'a, S = &'a RawValue> {
    /// What it is.
    pub kind: Kind,
    envelope: Envelope<'a, S>,
    is_schema_checked: bool,
}

/// A spec, and the paths of the fields that its type does not know.
#[derive(Debug, Default)]
struct Read<T> {
    spec: T,
    unknown: Vec<String>,
}

/// Why an object cannot be judged.
#[derive(Debug, Error)]
pub enum Unreadable {
    /// The text is no JSON object with a spec.
    #[error("not a readable object: {0}")]
    Envelope(serde_json::Error),
    /// The spec fits neither type nor schema.
    #[error("spec: not readable: {0}")]
    Spec(serde_json::Error),
}

impl<'a> Object<'a> {
    /// Reads the envelope of an object that the API server has checked against its schema.
    ///
    /// # Errors
    /// If the text is not JSON, or not an object.
    pub fn admitted(kind: Kind, json: &'a str) -> Result<Self, Unreadable> {
        let envelope = serde_json::from_str(json).map_err(Unreadable::Envelope)?;
        Ok(Self::new(kind, envelope))
    }

    /// Reads the envelope of an object from a file, which nobody has checked.
    ///
    /// # Errors
    /// If the text is not JSON, or not an object.
    pub fn unchecked(kind: Kind, json: &'a str) -> Result<Self, Unreadable> {
        Ok(Self { is_schema_checked: false, ..Self::admitted(kind, json)? })
    }

    /// The spec as it was written.
    pub fn raw_spec(&self) -> Option<&str> {
        self.envelope.spec.map(RawValue::get)
    }

    /// Reads the spec and has it checked; `check` answers whether unknown fields are ours to judge, too.
    ///
    /// # Errors
    /// If the spec fits neither type nor schema.
    pub fn judge<T: DeserializeOwned + Default>(
        &self,
        check: impl FnOnce(&T, &mut Report) -> bool,
    ) -> Result<Report, Unreadable> {
        let mut schema_report = Report::default();
        let read = self.read(&mut schema_report)?;
        let report = self.report(read.as_ref(), check);
        Ok(schema::merge(schema_report, report))
    }

    /// The spec, without what the schema refuses. Always by way of a [`Value`]: code that reads a type from text, too, would
    /// be as much again, and what is told takes its time anyway.
    fn read<T: DeserializeOwned>(&self, report: &mut Report) -> Result<Option<Read<T>>, Unreadable> {
        let raw = self.envelope.spec.map_or("null", RawValue::get);
        let mut value: Value = match serde_json::from_str(raw) {
            Ok(value) => value,
            Err(error) if self.is_schema_checked => return read_deep(raw).ok_or(Unreadable::Spec(error)),
            Err(error) => return Err(Unreadable::Spec(error)),
        };
        if self.is_schema_checked
            && let Ok(read) = Option::deserialize(&value)
        {
            return Ok(read);
        }
        schema::check(self.kind, &mut value, &Field::Root.key("spec"), report);
        Option::deserialize(&value).map_err(Unreadable::Spec)
    }

    /// What is wrong with a spec and with the fields that nobody knows; an absent spec is an empty one.
    fn report<T: Default>(
        &self,
        read: Option<&Read<T>>,
        check: impl FnOnce(&T, &mut Report) -> bool,
    ) -> Report {
        let mut report = Report::default();
        let are_ours = match read {
            Some(Read { spec, .. }) => check(spec, &mut report),
            None => check(&T::default(), &mut report),
        };
        if are_ours {
            let in_spec = read.into_iter().flat_map(|read| &read.unknown);
            unknown::report(self.kind, self.envelope.unknown.iter().chain(in_spec), &mut report);
        }
        report
    }
}

impl<T: Default> Object<'_, Once<T>> {
    /// Has the spec checked; `check` answers whether unknown fields are ours to judge, too. If so, and if there are
    /// any, there is no report: they have to be read again to be told.
    pub fn judge_once(&self, check: impl FnOnce(&T, &mut Report) -> bool) -> Option<Report> {
        let mut report = Report::default();
        let (are_ours, has_unknown) = match &self.envelope.spec {
            Some(Once { spec, has_unknown }) => (check(spec, &mut report), *has_unknown),
            None => (check(&T::default(), &mut report), false),
        };
        let has_unknown = has_unknown || !self.envelope.unknown.is_empty();
        (!are_ours || !has_unknown).then_some(report)
    }
}

impl<'a, S> Object<'a, S> {
    /// An object that the API server has checked against its schema.
    pub fn new(kind: Kind, envelope: Envelope<'a, S>) -> Self {
        Self { kind, envelope, is_schema_checked: true }
    }

    /// Its name, or the beginning of one that the API server will complete.
    pub fn name(&self) -> &str {
        let Metadata { name, generate_name, .. } = &self.envelope.metadata;
        name.as_deref().or(generate_name.as_deref()).unwrap_or_default()
    }

    /// Its name, if it has one already.
    pub fn own_name(&self) -> Option<&str> {
        self.envelope.metadata.name.as_deref().filter(|name| !name.is_empty())
    }

    /// Its namespace, if it says so.
    pub fn namespace(&self) -> Option<&str> {
        self.envelope.metadata.namespace.as_deref().filter(|namespace| !namespace.is_empty())
    }

    /// Whether it is being deleted.
    pub fn is_deleting(&self) -> bool {
        self.envelope.metadata.deletion_timestamp.is_some()
    }
}

/// A spec with fields that are nested too deep for a [`Value`] and that its type does not know, or not so deep. They are
/// not told: nobody wrote them by mistake.
fn read_deep<T: DeserializeOwned>(raw: &str) -> Option<Option<Read<T>>> {
    let once: Option<Once<T>> = serde_json::from_str(raw).ok()?;
    Some(once.map(|once| Read { spec: *once.spec, unknown: Vec::new() }))
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Read<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut unknown = Vec::new();
        let spec = serde_ignored::deserialize(deserializer, |path| unknown::note(&mut unknown, &path))?;
        Ok(Self { spec, unknown })
    }
}

/// A version or kind that the API server does not serve.
pub static VERSION_SERVED: Rule = Rule {
    id: "version-served",
    level: Level::Deny,
    reason: Reason::NotSupported,
    kind: Some(Kind::ExternalSecret),
    why: "The API server does not know the version: `no matches for kind`. v1beta1 was served by older releases.",
    fix: "external-secrets.io/v1 for stores and ExternalSecrets, v1alpha1 for PushSecrets.",
    example: "",
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::external_secret::ExternalSecretSpec;

    const TEXT: &str = r#"{"apiVersion":"external-secrets.io/v1","kind":"ExternalSecret","extra":1,
        "metadata":{"name":"a","namespace":"b","managedFields":[{"x":1}]},"status":{"y":2},
        "spec":{"data":[{"secretKey":"k","remoteRef":{"key":"r","propery":"p"}}],"odd":{"a":1}}}"#;

    fn fields(object: &Object<'_>) -> Vec<String> {
        let report = object.judge(|_: &ExternalSecretSpec, _| true).unwrap();
        report.into_findings().into_iter().map(|f| format!("{} {}", f.rule.id, f.field)).collect()
    }

    #[test]
    fn unknown_fields_are_told_apart_from_slips() {
        let object = Object::admitted(Kind::ExternalSecret, TEXT).unwrap();
        assert_eq!((object.name(), object.namespace()), ("a", Some("b")));
        let expected = [
            "unknown-field extra",
            "misspelt-field spec.data[0].remoteRef.propery",
            "unknown-field spec.odd",
        ];
        assert_eq!(fields(&object), expected);
    }

    #[test]
    fn a_spec_that_breaks_the_schema_is_told_whole() {
        let text = r#"{"metadata":{"name":"a"},"spec":{"refreshPolicy":"Sometimes","target":{"creationPolicy":3},
            "data":[{"secretKey":"a b"},7,{"secretKey":"k","remoteRef":{"key":"r","kee":1}}]}}"#;
        let object = Object::admitted(Kind::ExternalSecret, text).unwrap();
        let expected = [
            "schema spec.refreshPolicy",
            "schema spec.target.creationPolicy",
            "schema spec.data[0].secretKey",
            "required-field spec.data[0].remoteRef",
            "schema spec.data[1]",
            "misspelt-field spec.data[2].remoteRef.kee",
        ];
        assert_eq!(fields(&object), expected);
    }

    #[test]
    fn what_nobody_knows_may_be_nested_as_deep_as_it_likes() {
        let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
        let text =
            format!(r#"{{"spec":{{"data":[{{"secretKey":"k","remoteRef":{{"key":"r"}}}}],"odd":{deep}}}}}"#);
        let mut seen = 0;
        let object = Object::admitted(Kind::ExternalSecret, &text).unwrap();
        object
            .judge(|spec: &ExternalSecretSpec, _| {
                seen = spec.data.len();
                true
            })
            .unwrap();
        assert_eq!(seen, 1);
    }

    #[test]
    fn an_object_without_a_spec_has_an_empty_one() {
        let object = Object::unchecked(Kind::ExternalSecret, "{}").unwrap();
        let mut seen = None;
        object
            .judge(|spec: &ExternalSecretSpec, _| {
                seen = Some(spec.data.len());
                true
            })
            .unwrap();
        assert_eq!(seen, Some(0));
    }
}

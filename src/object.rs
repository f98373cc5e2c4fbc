//! JSON text in, a typed spec out, with what the types cannot say: broken schema and unknown fields.
//!
//! The common case is one pass from text to type. Only an object that does not fit its type is read a
//! second time, against the schema, so that all of its mistakes are told and not just the first.

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
        let raw = self.envelope.spec.map_or("null", RawValue::get);
        let mut schema_report = Report::default();
        // The common case is one pass from text to type.
        let read = if self.is_schema_checked { serde_json::from_str(raw).ok() } else { None };
        let read: Option<Read<T>> = match read {
            Some(read) => read,
            None => self.mended(raw, &mut schema_report)?,
        };
        let report = self.report(read.as_ref(), check);
        Ok(schema::merge(schema_report, report))
    }

    /// The spec without what the schema refuses.
    fn mended<T: DeserializeOwned>(
        &self,
        raw: &str,
        report: &mut Report,
    ) -> Result<Option<Read<T>>, Unreadable> {
        let mut value: Value = serde_json::from_str(raw).map_err(Unreadable::Spec)?;
        schema::check(self.kind, &mut value, &Field::Root.key("spec"), report);
        Option::deserialize(value).map_err(Unreadable::Spec)
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

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Read<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut unknown = Vec::new();
        let spec = serde_ignored::deserialize(deserializer, |path| unknown.push(unknown::in_spec(&path)))?;
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

//! The new content of a remote secret: what it holds and what is wanted in, the content out. Properties are set and
//! taken away as sjson does, one edit for all of them; all else in the document stays as it is written.

use crate::api::push_metadata::PushFormat;
use crate::go::{gjson, json};
use crate::secret_value::SecretValue;

use super::error::Cause;
use super::remote::Content;
use super::token::Tokens;

/// The most bytes of a secret. Source: Secrets Manager User Guide, "Secrets Manager quotas".
pub const MOST: usize = 65_536;

/// What is to become of a secret's value.
#[derive(Clone, Debug)]
pub struct Edit {
    /// Whole, or by property.
    pub change: Change,
    /// How it is kept; none: as AWS's default for pushed secrets, binary, whenever it is written anyway.
    pub format: Option<PushFormat>,
}

/// Whole, or by property.
#[derive(Clone, Debug)]
pub enum Change {
    /// This and nothing else.
    Whole {
        /// Where it comes from, for errors.
        key: String,
        /// The bytes.
        value: SecretValue,
    },
    /// Some properties of a JSON document.
    Properties {
        /// To be set, in order.
        set: Vec<Property>,
        /// To be taken away.
        remove: Vec<String>,
    },
}

/// A property to be set.
#[derive(Clone, Debug)]
pub struct Property {
    /// Its path, as sjson has it.
    pub path: String,
    /// Where the value comes from, for errors.
    pub key: String,
    /// The value: text.
    pub value: SecretValue,
}

impl Edit {
    /// Whether the content depends on what is there.
    pub fn needs_current(&self) -> bool {
        matches!(self.change, Change::Properties { .. })
    }

    /// The content after the edit.
    ///
    /// # Errors
    /// What cannot be written there.
    pub fn apply(&self, current: Option<&Content>) -> Result<Content, Cause> {
        let value = match &self.change {
            Change::Whole { value, .. } => value.clone(),
            Change::Properties { set, remove } => SecretValue::new(edited(current, set, remove)?),
        };
        if value.len() > MOST {
            return Err(Cause::TooLarge { bytes: value.len(), most: MOST });
        }
        match self.format.unwrap_or_default() {
            PushFormat::Binary => Ok(Content::Binary(value)),
            PushFormat::String if std::str::from_utf8(value.expose()).is_ok() => Ok(Content::Text(value)),
            PushFormat::String => Err(Cause::NotText { key: self.first_key() }),
        }
    }

    /// Whether a secret that has `current` needs no new version to be `wanted`. How a value is kept counts only where
    /// somebody said how.
    pub fn is_met(&self, current: &Content, wanted: &Content) -> bool {
        if self.format.is_some() { current.is(wanted) } else { current.has_bytes_of(wanted) }
    }

    /// Whether something is to be taken away.
    pub fn removes(&self) -> bool {
        matches!(&self.change, Change::Properties { remove, .. } if !remove.is_empty())
    }

    /// Of all that is there after it.
    pub(super) fn digest(&self, tokens: &Tokens) -> [u8; 16] {
        let format: &[u8] = match self.format {
            None => b"any",
            Some(PushFormat::Binary) => b"binary",
            Some(PushFormat::String) => b"string",
        };
        match &self.change {
            Change::Whole { value, .. } => tokens.digest([format, b"whole", value.expose()]),
            Change::Properties { set, remove: _ } => {
                let set = set.iter().flat_map(|one| [one.path.as_bytes(), one.value.expose()]);
                tokens.digest([format, b"properties"].into_iter().chain(set))
            }
        }
    }

    fn first_key(&self) -> String {
        match &self.change {
            Change::Whole { key, .. } => key.clone(),
            Change::Properties { set, .. } => set.first().map(|one| one.key.clone()).unwrap_or_default(),
        }
    }
}

/// Whether nothing is left of a document.
pub fn is_empty_object(content: &Content) -> bool {
    json::members(content.value().expose()).is_ok_and(|members| members.is_empty())
}

fn edited(current: Option<&Content>, set: &[Property], remove: &[String]) -> Result<Vec<u8>, Cause> {
    let current = current.map(|content| content.value().expose()).unwrap_or_default();
    let first = set.first().map(|one| &one.path).or_else(|| remove.first()).cloned().unwrap_or_default();
    if !current.is_empty() && !json::is_valid(current) {
        return Err(Cause::NotJson { property: first });
    }
    let mut document = current.to_vec();
    for path in remove {
        let failed = |error| Cause::Property { property: path.clone(), error };
        if let Some(without) = gjson::delete(&document, path).map_err(failed)? {
            document = without;
        }
    }
    for Property { path, key, value } in set {
        if std::str::from_utf8(value.expose()).is_err() {
            return Err(Cause::NotText { key: key.clone() });
        }
        let failed = |error| Cause::Property { property: path.clone(), error };
        document = gjson::set(&document, path, value.expose()).map_err(failed)?;
    }
    Ok(document)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn properties(set: &[(&str, &str)], remove: &[&str]) -> Edit {
        let property = |(path, value): &(&str, &str)| Property {
            path: (*path).to_owned(),
            key: "key".into(),
            value: (*value).to_owned().into(),
        };
        let change = Change::Properties {
            set: set.iter().map(property).collect(),
            remove: remove.iter().map(|path| (*path).to_owned()).collect(),
        };
        Edit { change, format: Some(PushFormat::String) }
    }

    fn text(value: &str) -> Content {
        Content::Text(value.to_owned().into())
    }

    fn told(result: Result<Content, Cause>) -> String {
        match result {
            Ok(content) => String::from_utf8_lossy(content.value().expose()).into_owned(),
            Err(cause) => cause.to_string(),
        }
    }

    #[test]
    fn properties_change_together_and_the_rest_stays() {
        let edit = properties(&[("a", "1"), ("b.c", "2")], &["old"]);
        assert_eq!(told(edit.apply(None)), r#"{"a":"1","b":{"c":"2"}}"#);
        let current = text(r#"{ "x" : 1.10, "old":"0", "a":"0" }"#);
        assert_eq!(told(edit.apply(Some(&current))), r#"{ "x" : 1.10, "a":"1" ,"b":{"c":"2"}}"#);
        let refused = told(edit.apply(Some(&text("hunter2"))));
        assert!(refused.contains("no JSON") && !refused.contains("hunter2"), "{refused}");
        assert!(is_empty_object(&properties(&[], &["old"]).apply(Some(&text(r#"{"old":"x"}"#))).unwrap()));
    }

    #[test]
    fn what_cannot_be_kept_is_told_before_aws_is_asked() {
        let whole = |value: Vec<u8>, format| Edit {
            change: Change::Whole { key: "tls.crt".into(), value: SecretValue::new(value) },
            format,
        };
        assert!(whole(vec![255], None).apply(None).is_ok());
        let binary = told(whole(vec![255], Some(PushFormat::String)).apply(None));
        assert!(binary.starts_with("key \"tls.crt\" has bytes that are no UTF-8"), "{binary}");
        let large = told(whole(vec![b'a'; MOST + 1], None).apply(None));
        assert_eq!(large, "65537 bytes; AWS takes at most 65536 in a secret");
        assert!(whole(vec![b'a'; MOST], None).apply(None).is_ok());
    }

    #[test]
    fn how_a_value_is_kept_counts_where_somebody_said_how() {
        let value: SecretValue = "a".to_owned().into();
        let change = Change::Whole { key: "a".into(), value: value.clone() };
        let (text, binary) = (Content::Text(value.clone()), Content::Binary(value));
        let any = Edit { change: change.clone(), format: None };
        assert!(any.is_met(&text, &any.apply(None).unwrap()));
        let string = Edit { change, format: Some(PushFormat::String) };
        assert!(string.is_met(&text, &string.apply(None).unwrap()));
        assert!(!string.is_met(&binary, &string.apply(None).unwrap()));
    }

    proptest! {
        #[test]
        fn an_edit_made_twice_is_made_once(
            paths in proptest::collection::btree_map("[a-c](\\.[a-c]){0,2}", "[a-z\"\\\\é]{0,4}", 1..4),
            start in proptest::option::of("\\{(\"[a-c]\":(\"x\"|1|\\{\"a\":2\\}))?\\}"),
        ) {
            let set: Vec<_> = paths.iter().map(|(path, value)| (path.as_str(), value.as_str())).collect();
            // A path through what another path set is not one document.
            prop_assume!(paths.keys().all(|one| paths.keys().all(|other| one == other || !other.starts_with(one.as_str()))));
            let edit = properties(&set, &[]);
            let start = start.map(|start| text(&start));
            if let Ok(once) = edit.apply(start.as_ref()) {
                prop_assert!(edit.apply(Some(&once)).unwrap().is(&once));
                for (path, value) in set {
                    let found = gjson::get(once.value().expose(), path).unwrap().unwrap();
                    prop_assert_eq!(found.text().unwrap(), value.as_bytes());
                }
            }
        }
    }
}

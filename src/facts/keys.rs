//! Keys of Secrets and ConfigMaps: their names, and what form their values have. Values are looked at while they are
//! read, in small pieces, and never kept.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read};

use base64::engine::general_purpose::STANDARD;
use base64::read::DecoderReader;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, Visitor};

use super::{Labels, Metadata};

/// What is known of a Secret or ConfigMap.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    forms: Box<[(Box<str>, Form)]>,
    /// Its labels.
    pub labels: Labels,
    /// Who controls it.
    pub owner: Option<Owner>,
    /// Whether its data cannot be changed any more.
    pub is_immutable: bool,
}

/// The object that controls another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Its kind.
    pub kind: Box<str>,
    /// Its name.
    pub name: Box<str>,
}

/// What form a value has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// Whether it is UTF-8.
    pub is_text: bool,
    /// Whether it is JSON.
    pub is_json: bool,
}

impl Keys {
    /// The form of a key's value, if there is such a key.
    pub fn get(&self, key: &str) -> Option<Form> {
        self.forms.iter().find(|(name, _)| &**name == key).map(|(_, form)| *form)
    }

    /// All keys.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.forms.iter().map(|(name, _)| &**name)
    }

    /// The first key whose value is not UTF-8.
    pub fn first_binary(&self) -> Option<&str> {
        self.forms.iter().find(|(_, form)| !form.is_text).map(|(name, _)| &**name)
    }
}

/// A Secret as the API server or a file has it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Secret {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    data: Option<BTreeMap<Box<str>, Encoded>>,
    #[serde(default)]
    string_data: Option<BTreeMap<Box<str>, Plain>>,
    #[serde(default)]
    immutable: Option<bool>,
}

/// A ConfigMap as the API server or a file has it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConfigMap {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    data: Option<BTreeMap<Box<str>, Plain>>,
    #[serde(default)]
    binary_data: Option<BTreeMap<Box<str>, Encoded>>,
    #[serde(default)]
    immutable: Option<bool>,
}

impl Keys {
    /// Reads a Secret.
    ///
    /// # Errors
    /// If it is none.
    pub fn of_secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(Metadata, Self), D::Error> {
        let Secret { metadata, data, string_data, immutable } = Secret::deserialize(deserializer)?;
        let mut forms: BTreeMap<_, _> =
            data.into_iter().flatten().map(|(key, Encoded(form))| (key, form)).collect();
        forms.extend(string_data.into_iter().flatten().map(|(key, Plain(form))| (key, form)));
        Ok(Self::new(metadata, forms, immutable))
    }

    /// Reads a ConfigMap.
    ///
    /// # Errors
    /// If it is none.
    pub fn of_config_map<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(Metadata, Self), D::Error> {
        let ConfigMap { metadata, data, binary_data, immutable } = ConfigMap::deserialize(deserializer)?;
        let mut forms: BTreeMap<_, _> =
            data.into_iter().flatten().map(|(key, Plain(form))| (key, form)).collect();
        forms.extend(binary_data.into_iter().flatten().map(|(key, Encoded(form))| (key, form)));
        Ok(Self::new(metadata, forms, immutable))
    }

    fn new(
        mut metadata: Metadata,
        forms: BTreeMap<Box<str>, Form>,
        immutable: Option<bool>,
    ) -> (Metadata, Self) {
        let keys = Self {
            forms: forms.into_iter().collect(),
            labels: std::mem::take(&mut metadata.labels),
            owner: metadata.owner(),
            is_immutable: immutable.unwrap_or_default(),
        };
        (metadata, keys)
    }
}

/// The form of a value in base64.
#[derive(Debug)]
struct Encoded(Form);
/// The form of a value as it stands.
#[derive(Debug)]
struct Plain(Form);

impl<'de> Deserialize<'de> for Encoded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let open = |text: &str| Self(form(|| DecoderReader::new(text.as_bytes(), &STANDARD)));
        deserializer.deserialize_str(Text(open))
    }
}

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text(|text: &str| Self(form(|| text.as_bytes()))))
    }
}

/// Looks at a text without keeping it.
struct Text<F>(F);

impl<T, F: FnOnce(&str) -> T> Visitor<'_> for Text<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        Ok((self.0)(text))
    }
}

fn form<R: Read>(open: impl Fn() -> R) -> Form {
    let is_text = is_text(open()).unwrap_or_default();
    Form { is_text, is_json: is_text && serde_json::from_reader::<_, IgnoredAny>(open()).is_ok() }
}

/// Whether all of it is UTF-8. A character may lie across two pieces.
fn is_text(mut reader: impl Read) -> io::Result<bool> {
    let mut buffer = [0; 256];
    let mut kept = 0;
    loop {
        let read = reader.read(buffer.get_mut(kept..).unwrap_or_default())?;
        if read == 0 {
            return Ok(kept == 0);
        }
        let filled = kept + read;
        kept = match std::str::from_utf8(buffer.get(..filled).unwrap_or_default()) {
            Ok(_) => 0,
            Err(error) if error.error_len().is_none() => {
                buffer.copy_within(error.valid_up_to()..filled, 0);
                filled - error.valid_up_to()
            }
            Err(_) => return Ok(false),
        };
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;

    use super::*;

    fn keys(json: &str) -> Keys {
        Keys::of_secret(&mut serde_json::Deserializer::from_str(json)).unwrap().1
    }

    #[test]
    fn a_values_form_is_known_and_not_the_value() {
        let long = "é".repeat(1000);
        for (value, is_text, is_json) in [
            ("".as_bytes(), true, false),
            (b"text", true, false),
            (long.as_bytes(), true, false),
            (br#" {"a": [1, "b"]} "#, true, true),
            (b"{\"a\": 1} rest", true, false),
            (&[0xff, 0xfe], false, false),
            (&[b'a', 0xc3], false, false),
        ] {
            let json = format!(r#"{{"data": {{"k": "{}"}}}}"#, STANDARD.encode(value));
            let keys = keys(&json);
            assert_eq!(keys.get("k"), Some(Form { is_text, is_json }), "{value:?}");
            assert_eq!(keys.first_binary().is_none(), is_text);
        }
    }

    #[test]
    fn what_is_not_needed_is_skipped() {
        let keys = keys(
            r#"{"kind": "Secret", "type": "Opaque", "immutable": true, "stringData": {"b": "x"}, "data": null,
            "metadata": {"name": "a", "labels": {"x": "y"}, "managedFields": [{"fieldsV1": {"f:data": {}}}],
            "ownerReferences": [{"kind": "Pod", "name": "p"}, {"kind": "Job", "name": "j", "controller": true}]}}"#,
        );
        assert_eq!(keys.names().collect::<Vec<_>>(), ["b"]);
        assert_eq!((keys.is_immutable, keys.labels.get("x")), (true, Some("y")));
        assert_eq!(keys.owner, Some(Owner { kind: "Job".into(), name: "j".into() }));
    }
}

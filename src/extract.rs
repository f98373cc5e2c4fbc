//! From a fetched document to the values that somebody asked for. A document is a secret's value, string or binary, or
//! its tags; it comes in as [`SecretValue`], and so do the values go out. The answers are External Secrets Operator's.
//!
//! ```text
//! document ─▶ value   (property, decoding)            one entry of data, one file, one variable
//! document ─▶ members ─▶ Pipeline (rewrite | conversion, decoding, null bytes)   extract
//! names ─▶ Finder ─▶ fetched documents ─▶ Pipeline                               find
//! ```

mod decode;
mod error;
mod find;
mod keys;
mod merge;
mod pipeline;
mod rewrite;

pub use error::{Cause, ExtractError, RewriteCause};
pub use find::{Filters, Finder};
pub use pipeline::{Pipeline, check_null_bytes};

use std::collections::BTreeMap;

use crate::go::{gjson, json};
use crate::reference::SecretRef;
use crate::secret_value::SecretValue;

/// Values by key.
pub type Values = BTreeMap<String, SecretValue>;

/// The document of a secret's tags, of which a property is one tag.
pub fn tags_document<'t>(tags: impl IntoIterator<Item = (&'t str, &'t str)>) -> SecretValue {
    let tags = tags.into_iter().map(|(key, value)| (key.to_owned(), json::Json::String(value.to_owned())));
    let mut document = Vec::new();
    json::Json::Object(tags.collect()).write(&mut document, true);
    SecretValue::new(document)
}

/// The value that the reference means: the document or its property, decoded.
///
/// # Errors
/// Properties that are not there, paths that cannot be answered, values that do not decode.
pub fn value(reference: &SecretRef, document: &SecretValue) -> Result<SecretValue, ExtractError> {
    let selected = property(reference, document)?;
    decode::decode(reference.decoding, selected).map_err(|cause| ExtractError::new(reference, cause))
}

/// Every key of the document, or of its property, with its value: strings as they read, null as nothing, all else as it
/// is written. Decoding is left to the [`Pipeline`].
///
/// # Errors
/// Properties that are not there, and what is no JSON object.
pub fn members(reference: &SecretRef, document: &SecretValue) -> Result<Values, ExtractError> {
    let selected = property(reference, document)?;
    let members = json::members(selected.expose());
    let members = members.map_err(|error| ExtractError::new(reference, Cause::NotAnObject(error)))?;
    let read = |raw: &[u8]| match raw.first() {
        Some(b'"') => json::unquote(raw).unwrap_or_default().into_bytes(),
        Some(b'n') => Vec::new(),
        _ => raw.to_vec(),
    };
    Ok(members.into_iter().map(|(key, raw)| (key, SecretValue::new(read(raw)))).collect())
}

/// The document, or its property before decoding. A key that has the property's dots in its name comes first.
fn property(reference: &SecretRef, document: &SecretValue) -> Result<SecretValue, ExtractError> {
    let Some(property) = &reference.property else { return Ok(document.clone()) };
    let json = document.expose();
    let fail = |cause| ExtractError::new(reference, cause);
    let mut found = None;
    if property.contains('.') {
        found = gjson::get_undotted(json, property).map_err(|error| fail(Cause::Path(error)))?;
    }
    if found.is_none() {
        found = gjson::get(json, property).map_err(|error| fail(Cause::Path(error)))?;
    }
    match found {
        Some(value) => {
            let text = value.text().map_err(|error| fail(Cause::Path(error.into())))?;
            Ok(SecretValue::new(text.into_owned()))
        }
        None if json.contains(&b'{') || json.contains(&b'[') => Err(fail(Cause::PropertyMissing)),
        None => Err(fail(Cause::NotJson)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(reference: &str, document: &[u8]) -> Result<String, String> {
        let reference: SecretRef = reference.parse().unwrap();
        let read =
            value(&reference, &SecretValue::new(document.to_vec())).map_err(|error| error.to_string())?;
        Ok(String::from_utf8_lossy(read.expose()).into_owned())
    }

    #[test]
    fn properties_are_read_as_the_operator_reads_them() {
        for (property, document, expected) in [
            ("a.b", r#"{"a":{"b":"nested"},"a.b":"literal"}"#, "literal"),
            ("a.b", r#"{"a":{"b":"nested"}}"#, "nested"),
            ("a.b.c", r#"{"a":{"b.c":1},"x":2}"#, ""),
            (r"a.b\.c", r#"{"a":{"b.c":1}}"#, "1"),
            ("a*.b", r#"{"axx.b":"wild and dotted","axx":{"b":"wild"}}"#, "wild and dotted"),
            ("n", r#"{"n":1.10}"#, "1.1"),
            ("n", r#"{"n":12345678901234567890}"#, "12345678901234567890"),
            ("n", r#"{"n":1e21}"#, "1000000000000000000000"),
            ("n", r#"{"n":null}"#, ""),
            ("o", r#"{"o":{ "k" : [1, 2] }}"#, r#"{ "k" : [1, 2] }"#),
            ("@type", r#"{"@type":"t"}"#, "t"),
            ("a", r#"foo {"a":1,"a":2}"#, "1"),
        ] {
            let found = read(&format!("s#{property}"), document.as_bytes());
            if expected.is_empty() && !document.contains("null") {
                assert_eq!(found, Err(format!("s#{property}: the secret has no such property")));
            } else {
                assert_eq!(found.as_deref(), Ok(expected), "{property} {document}");
            }
        }
    }

    #[test]
    fn failures_name_the_reference_and_never_the_value() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        for (reference, document, message) in [
            ("s#a", "hunter2", "s#a: the secret is no JSON document, so it has no properties"),
            ("aws::s#a", r#"{"b":"hunter2"}"#, "aws::s#a: the secret has no such property"),
            ("s?decode=base64", "hunter2!", "s?decode=base64: the value is not base64"),
            (
                "s?decode=base64url#a",
                r#"{"a":"hunter2!"}"#,
                "s?decode=base64url#a: the value is not base64url",
            ),
            (
                "s#@flatten:{\"deep\":true}",
                &deep,
                "s#@flatten:{\"deep\":true}: the property cannot be read: the document is nested more than 512 levels deep",
            ),
        ] {
            assert_eq!(read(reference, document.as_bytes()), Err(message.to_owned()));
        }
    }

    #[test]
    fn documents_of_every_kind_have_an_exact_answer_or_a_clear_error() {
        let levels = format!("{{\"a\":{}{},\"b\":1}}", "[".repeat(10_000), "]".repeat(10_000));
        let large = format!("{{\"x\":\"{}\",\"b\":1}}", "y".repeat(65_522));
        assert_eq!(large.len(), 1 << 16);
        for (document, property, answer) in [
            (&b""[..], "b", Err("the secret is no JSON document, so it has no properties")),
            (b"\0", "b", Err("the secret is no JSON document, so it has no properties")),
            (b"\xff\xfe{\"b\":1}", "b", Ok("1")),
            (b"{\"b\":\"\\u0000\"}", "b", Ok("\0")),
            (levels.as_bytes(), "b", Ok("1")),
            (levels.as_bytes(), "a.0.0|@keys", Ok("[]")),
            (large.as_bytes(), "b", Ok("1")),
            (br#"{"b":1,"b":2}"#, "b", Ok("1")),
            (br#"{"b":9007199254740993}"#, "b", Ok("9007199254740993")),
            (br#"{"b":9007199254740993.0}"#, "b", Ok("9007199254740992")),
            (br#"{"b":1e400}"#, "b", Ok("+Inf")),
            (
                br#"{"b":0x1p4}"#,
                "b",
                Err("the property cannot be read: a hexadecimal number is not supported"),
            ),
            (br#"{"b":1}"#, "c", Err("the secret has no such property")),
        ] {
            let found = read(&format!("s#{property}"), document);
            let message = |cause: &str| format!("s#{property}: {cause}");
            assert_eq!(
                found.as_deref().map_err(String::as_str),
                answer.map_err(message).as_deref().map_err(String::as_str)
            );
        }
        let whole = |document: &[u8]| members(&"s".parse().unwrap(), &SecretValue::new(document.to_vec()));
        let deep = whole(levels.as_bytes()).unwrap_err().to_string();
        assert_eq!(deep, "s: keys cannot be extracted: nested more than 10000 levels deep");
        assert_eq!(whole(b"").unwrap_err().to_string(), "s: keys cannot be extracted: not JSON");
    }

    #[test]
    fn every_key_of_an_object_is_a_member() {
        let document = br#"{"s":"a\u00e9","n":1.10,"z":null,"o":{ "x": 1 },"d":1,"d":2,"t":true,"":"e"}"#;
        let found = members(&"s".parse().unwrap(), &SecretValue::new(document.to_vec())).unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|(key, value)| (key.as_str(), std::str::from_utf8(value.expose()).unwrap()))
            .collect();
        let expected = [
            ("", "e"),
            ("d", "2"),
            ("n", "1.10"),
            ("o", r#"{ "x": 1 }"#),
            ("s", "aé"),
            ("t", "true"),
            ("z", ""),
        ];
        assert_eq!(found, expected);
        let list = members(&"s".parse().unwrap(), &SecretValue::new(b"[1]".to_vec())).unwrap_err();
        assert_eq!(list.to_string(), "s: keys cannot be extracted: JSON, but not an object");
    }

    #[test]
    fn tags_are_a_document() {
        let document = tags_document([("team", "a&b"), ("owner", "x")]);
        assert_eq!(document.expose(), br#"{"owner":"x","team":"a\u0026b"}"#);
        let reference: SecretRef = "s?metadata=tags#team".parse().unwrap();
        assert_eq!(value(&reference, &document).unwrap().expose(), b"a&b");
    }

    proptest! {
        #[test]
        fn any_bytes_have_an_answer(document in prop::collection::vec(any::<u8>(), 0..80), property in r#"[a.#*{}\[\]|@:"\\()=~!]{1,12}"#) {
            let reference: SecretRef = format!("s#{property}").parse().unwrap();
            let document = SecretValue::new(document);
            let _ = (value(&reference, &document), members(&reference, &document));
        }
    }
}

//! Takes JSON and gives what Go's `json.Unmarshal` puts into an `interface{}`; and writes it as `json.Marshal` does.

use std::collections::BTreeMap;
use std::str;

use super::scanner::Scanner;
use super::{JsonError, members, quote, unquote};
use crate::go::float;

/// The deepest nesting that is made a tree.
const DEPTH: usize = 512;

/// A value.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "they are those of JSON")]
pub enum Json {
    Null,
    Bool(bool),
    /// Every number is a float.
    Number(f64),
    String(String),
    Array(Vec<Self>),
    Object(BTreeMap<String, Self>),
}

/// Reads one value.
///
/// # Errors
/// What is no JSON, nested too deeply, or has a number that no float is.
pub fn read(json: &[u8]) -> Result<Json, JsonError> {
    let mut scanner = Scanner::new(json, DEPTH);
    scanner.value()?;
    if !scanner.is_at_end() {
        return Err(JsonError::Syntax);
    }
    value(json)
}

fn value(json: &[u8]) -> Result<Json, JsonError> {
    let json = json.trim_ascii();
    Ok(match json.first() {
        Some(b'{') => {
            let members = members(json)?.into_iter();
            Json::Object(members.map(|(key, raw)| Ok((key, value(raw)?))).collect::<Result<_, JsonError>>()?)
        }
        Some(b'[') => {
            let elements = Scanner::new(json, DEPTH).elements()?.into_iter();
            Json::Array(elements.map(value).collect::<Result<_, _>>()?)
        }
        Some(b'"') => Json::String(unquote(json).ok_or(JsonError::Syntax)?),
        Some(b't') => Json::Bool(true),
        Some(b'f') => Json::Bool(false),
        Some(b'n') => Json::Null,
        _ => Json::Number(number(json)?),
    })
}

fn number(json: &[u8]) -> Result<f64, JsonError> {
    let number: f64 =
        str::from_utf8(json).ok().and_then(|text| text.parse().ok()).ok_or(JsonError::Syntax)?;
    if number.is_finite() { Ok(number) } else { Err(JsonError::Number) }
}

impl Json {
    /// Writes the value without spaces, the keys of objects in order.
    pub fn write(&self, out: &mut Vec<u8>, html: bool) {
        match self {
            Self::Null => out.extend(b"null"),
            Self::Bool(true) => out.extend(b"true"),
            Self::Bool(false) => out.extend(b"false"),
            Self::Number(number) => out.extend(format_number(*number).into_bytes()),
            Self::String(text) => out.extend(quote(text.as_bytes(), html)),
            Self::Array(elements) => {
                out.push(b'[');
                for (index, element) in elements.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    element.write(out, html);
                }
                out.push(b']');
            }
            Self::Object(members) => {
                out.push(b'{');
                for (index, (key, value)) in members.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    out.extend(quote(key.as_bytes(), html));
                    out.push(b':');
                    value.write(out, html);
                }
                out.push(b'}');
            }
        }
    }
}

/// With an exponent where JavaScript has one.
fn format_number(number: f64) -> String {
    let size = number.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        return float::format(number);
    }
    let text = format!("{number:e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) if !exponent.starts_with('-') => format!("{mantissa}e+{exponent}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(json: &str) -> String {
        let mut out = Vec::new();
        read(json.as_bytes()).unwrap().write(&mut out, true);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_are_written_as_go_writes_them() {
        for (json, written) in [
            (r#" {"b" : [1.0, 1e3] , "a":{ }, "b": "<" } "#, r#"{"a":{},"b":"\u003c"}"#),
            (
                "[1e21,1e20,1.5e-7,0.000001,-0.0,12345678901234567890]",
                "[1e+21,100000000000000000000,1.5e-7,0.000001,-0,12345678901234567000]",
            ),
            ("[true,false,null]", "[true,false,null]"),
        ] {
            assert_eq!(rewritten(json), written, "{json}");
        }
        assert_eq!(read(b"1e400"), Err(JsonError::Number));
        assert_eq!(read(&b"[".repeat(513)), Err(JsonError::TooDeep(512)));
    }
}

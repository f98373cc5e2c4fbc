//! Takes JSON as Go's `encoding/json` takes it: strict in its grammar, but with bytes that are no UTF-8 and with halves
//! of surrogate pairs, which become U+FFFD, and with the last of equal keys.

mod scanner;
mod text;
mod tree;

pub use text::{quote, unquote};
pub use tree::{Json, read};

use scanner::Scanner;
use thiserror::Error;

/// The deepest nesting that `encoding/json` reads.
const DEPTH: usize = 10_000;

/// Why a document cannot be read. It never repeats the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[allow(missing_docs)] // the messages say it
pub enum JsonError {
    #[error("not JSON")]
    Syntax,
    #[error("JSON, but not an object")]
    NotAnObject,
    #[error("nested more than {0} levels deep")]
    TooDeep(usize),
    #[error("a number in it is out of range")]
    Number,
}

/// Whether the bytes are one JSON value, nested however deeply.
pub fn is_valid(json: &[u8]) -> bool {
    let mut scanner = Scanner::new(json, usize::MAX);
    scanner.value().is_ok() && scanner.is_at_end()
}

/// The members of an object, keys decoded, values as they stand; equal keys all of them. `null` has none.
///
/// # Errors
/// What is not one JSON object.
pub fn members(json: &[u8]) -> Result<Vec<(String, &[u8])>, JsonError> {
    let mut scanner = Scanner::new(json, DEPTH);
    scanner.value()?;
    if !scanner.is_at_end() {
        return Err(JsonError::Syntax);
    }
    let mut scanner = Scanner::new(json, DEPTH);
    scanner.skip_space();
    match scanner.peek() {
        Some(b'{') => scanner.members(),
        Some(b'n') => Ok(Vec::new()),
        _ => Err(JsonError::NotAnObject),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_grammar_is_strict() {
        for good in ["{}", " [1, -0.5e+3 ,\"\\u00e9\"] ", "null", "\"\u{7f}\"", "0", "[[],{}]", "{\"a\":{}}"]
        {
            assert!(is_valid(good.as_bytes()), "{good}");
        }
        assert!(is_valid(b"\"\xff\""));
        for bad in [
            "",
            " ",
            "{",
            "[1,]",
            "{\"a\":1,}",
            "{a:1}",
            "01",
            "-",
            "1.",
            "1e",
            "+1",
            "tru",
            "nul",
            "\"\t\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "[1 2]",
            "{}x",
            "\"",
            "]",
            "[}",
            "{\"a\" 1}",
            "\u{feff}{}",
        ] {
            assert!(!is_valid(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn members_are_keys_and_texts() {
        let json = br#" {"a": 1.10, "\u0062\ud800" :{"c" : [] }, "a":"x"} "#;
        let expected: &[(&str, &[u8])] =
            &[("a", b"1.10"), ("b\u{fffd}", br#"{"c" : [] }"#), ("a", br#""x""#)];
        let found = members(json).unwrap();
        let found: Vec<_> = found.iter().map(|(key, value)| (key.as_str(), *value)).collect();
        assert_eq!(found, expected);
        assert_eq!(members(b"null"), Ok(vec![]));
        assert_eq!(members(b"[1]"), Err(JsonError::NotAnObject));
        assert_eq!(members(b"{"), Err(JsonError::Syntax));
    }

    #[test]
    fn nesting_is_bounded_without_recursion() {
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert_eq!(members(nested(10_000).as_bytes()), Err(JsonError::NotAnObject));
        assert_eq!(members(nested(10_001).as_bytes()), Err(JsonError::TooDeep(DEPTH)));
        assert!(is_valid(nested(1_000_000).as_bytes()));
    }

    proptest! {
        #[test]
        fn validity_is_that_of_serde(json in r#"([\[\]{}:,"\\ ]|"[ab]"|-?[0-9]{1,2}|[eE.]|true|null|\\u00e9){0,12}"#) {
            prop_assert_eq!(is_valid(json.as_bytes()), serde_json::from_str::<serde::de::IgnoredAny>(&json).is_ok());
        }

        #[test]
        fn never_panics(json in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = (is_valid(&json), members(&json), read(&json), unquote(&json));
        }

        #[test]
        fn strings_survive(text in ".{0,20}", html: bool) {
            prop_assert_eq!(unquote(&quote(text.as_bytes(), html)), Some(text));
        }
    }
}

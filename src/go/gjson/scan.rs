//! Takes a text and a place in it and finds where the value there ends, by brackets and quotes alone.

use super::value::Kind;

/// A value's place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    /// Behind its last byte; behind the end of the text, if the text ends in a string inside of it.
    pub(super) end: usize,
    /// False of a string whose closing quote is missing.
    pub(super) is_closed: bool,
}

impl Token {
    pub(super) fn raw<'j>(&self, json: &'j [u8]) -> &'j [u8] {
        json.get(self.start..self.end.min(json.len())).unwrap_or_default()
    }
}

/// The first value at `at` or behind; what can be none is passed over.
pub(super) fn next(json: &[u8], at: usize) -> Option<Token> {
    (at..json.len()).find_map(|at| token(json, at))
}

/// The value that starts at `at`.
pub(super) fn token(json: &[u8], at: usize) -> Option<Token> {
    let rest = json.get(at..)?;
    let (kind, length) = match rest.first()? {
        b'"' => {
            let length = string_length(rest);
            let end = at + length.unwrap_or(rest.len());
            return Some(Token { kind: Kind::String, start: at, end, is_closed: length.is_some() });
        }
        b'{' | b'[' => (Kind::Json, squashed_length(rest)),
        b'n' if rest.get(1).is_none_or(|b| *b == b'u') => (Kind::Null, word_length(rest)),
        b't' => (Kind::True, word_length(rest)),
        b'f' => (Kind::False, word_length(rest)),
        b'+' | b'-' | b'0'..=b'9' | b'i' | b'I' | b'N' | b'n' => (Kind::Number, number_length(rest)),
        _ => return None,
    };
    Some(Token { kind, start: at, end: at + length, is_closed: true })
}

/// The length of the string at the start of the text, with its quotes; None if it does not end.
pub(super) fn string_length(text: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// The length of the text from its first byte, a bracket, to the bracket that closes it, or to its end; one more if
/// that is in a string. All brackets are alike, and strings are passed over.
fn squashed_length(text: &[u8]) -> usize {
    let (mut depth, mut at) = (1_usize, 1);
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => {
                let Some(length) = text.get(at..).and_then(string_length) else { return text.len() + 1 };
                at += length;
                continue;
            }
            b'{' | b'[' | b'(' => depth += 1,
            b'}' | b']' | b')' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    text.len()
}

/// The text up to the bracket that closes its first byte, whatever that is.
pub(super) fn bracketed(text: &[u8]) -> &[u8] {
    text.get(..squashed_length(text)).unwrap_or(text)
}

/// The same, but a string that it starts with ends it.
pub(super) fn squash(text: &[u8]) -> &[u8] {
    if text.starts_with(b"\"") {
        return string_length(text).and_then(|length| text.get(..length)).unwrap_or(text);
    }
    bracketed(text)
}

fn number_length(text: &[u8]) -> usize {
    let ends = |b: &u8| *b <= b' ' || matches!(b, b',' | b']' | b'}');
    text.iter().skip(1).position(ends).map_or(text.len(), |length| length + 1)
}

fn word_length(text: &[u8]) -> usize {
    let ends = |b: &u8| !b.is_ascii_lowercase();
    text.iter().skip(1).position(ends).map_or(text.len(), |length| length + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(json: &str) -> Option<(Kind, &str)> {
        let token = next(json.as_bytes(), 0)?;
        Some((token.kind, std::str::from_utf8(token.raw(json.as_bytes())).unwrap()))
    }

    #[test]
    fn values_end_where_brackets_and_quotes_say() {
        for (json, kind, raw) in [
            (r#" : "a\"b\\" x"#, Kind::String, r#""a\"b\\""#),
            (r#"{"}":[1,(2)]} "#, Kind::Json, r#"{"}":[1,(2)]}"#),
            ("[{(1]])}", Kind::Json, "[{(1]])"),
            ("[1", Kind::Json, "[1"),
            ("-1.5e3]", Kind::Number, "-1.5e3"),
            ("nan,", Kind::Number, "nan"),
            ("null,", Kind::Null, "null"),
            ("n", Kind::Null, "n"),
            ("x true}", Kind::True, "true"),
            ("falsey ", Kind::False, "falsey"),
        ] {
            assert_eq!(found(json), Some((kind, raw)), "{json}");
        }
        assert_eq!(found("x : ]"), None);
        assert!(!token(b"\"a\\\"", 0).unwrap().is_closed);
    }
}

//! A value as gjson finds it: what kind it is, its text in the document, and what a reader of it sees.

use super::scan::{self, Token};
use crate::go::{float, rune};
use std::borrow::Cow;

/// What a value is taken for; its first byte decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    False,
    Number,
    String,
    True,
    /// An object or an array.
    Json,
}

/// A value in a document, or one that a path makes.
#[derive(Clone, PartialEq, Eq)]
pub struct Value<'d> {
    pub(super) kind: Kind,
    /// As it stands in the document.
    pub(super) raw: Cow<'d, [u8]>,
    /// What a string says; empty for all others.
    pub(super) string: Cow<'d, [u8]>,
}

impl<'d> Value<'d> {
    pub(super) fn json(raw: Vec<u8>) -> Self {
        Self { kind: Kind::Json, raw: Cow::Owned(raw), string: Cow::default() }
    }

    pub(super) fn number(number: usize) -> Self {
        let raw = Cow::Owned(number.to_string().into_bytes());
        Self { kind: Kind::Number, raw, string: Cow::default() }
    }

    pub(super) fn of(token: &Token, json: &'d [u8]) -> Self {
        let raw = token.raw(json);
        let string = match token.kind {
            Kind::String => said(inner(raw)),
            _ => Cow::default(),
        };
        Self { kind: token.kind, raw: Cow::Borrowed(raw), string }
    }

    /// Takes a whole text for one value: `gjson.Parse`. An object or array goes on to the end of the text.
    pub(super) fn parse(json: &'d [u8]) -> Option<Self> {
        let start = json.iter().position(|b| *b > b' ')?;
        let text = json.get(start..)?;
        let token = scan::token(text, 0)?;
        match token.kind {
            Kind::Json => Some(Self { kind: Kind::Json, raw: Cow::Borrowed(text), string: Cow::default() }),
            Kind::String if !token.is_closed => {
                Some(Self { kind: Kind::String, raw: Cow::Borrowed(text), string: said(text.get(1..)?) })
            }
            _ => Some(Self::of(&token, text)),
        }
    }

    pub(super) fn into_owned(self) -> Value<'static> {
        let Self { kind, raw, string } = self;
        Value { kind, raw: Cow::Owned(raw.into_owned()), string: Cow::Owned(string.into_owned()) }
    }

    /// The value's own text, quotes and spaces included.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// What a reader of the value gets, `Result.String()`: of a string what it says, of null nothing, of a number that
    /// is no integer its shortest decimal form, of all else its own text.
    ///
    /// # Errors
    /// Numbers in hexadecimal.
    pub fn text(&self) -> Result<Cow<'_, [u8]>, float::Hexadecimal> {
        Ok(match self.kind {
            Kind::Null => Cow::default(),
            Kind::False => Cow::Borrowed(b"false"),
            Kind::True => Cow::Borrowed(b"true"),
            Kind::String => Cow::Borrowed(&self.string),
            Kind::Json => Cow::Borrowed(&self.raw),
            Kind::Number => {
                let digits = self.raw.strip_prefix(b"-").unwrap_or(&self.raw);
                if digits.iter().all(u8::is_ascii_digit) {
                    Cow::Borrowed(&self.raw)
                } else {
                    Cow::Owned(float::format(self.float()?).into_bytes())
                }
            }
        })
    }

    /// The number; 0 for what is none.
    pub(super) fn float(&self) -> Result<f64, float::Hexadecimal> {
        if self.kind == Kind::Number { float::parse(&self.raw) } else { Ok(0.0) }
    }

    /// `Result.Int()`.
    pub(super) fn int(&self) -> Result<i64, float::Hexadecimal> {
        Ok(match self.kind {
            Kind::True => 1,
            Kind::String => integer(&self.string).unwrap_or_default(),
            Kind::Number => {
                let number = self.float()?;
                let is_safe = number.abs() <= 9_007_199_254_740_991.0;
                let digits = if is_safe { None } else { integer(&self.raw) };
                digits.unwrap_or_else(|| truncated(number))
            }
            Kind::Null | Kind::False | Kind::Json => 0,
        })
    }

    /// `Result.Bool()`.
    pub(super) fn bool(&self) -> Result<bool, float::Hexadecimal> {
        Ok(match self.kind {
            Kind::True => true,
            Kind::String => boolean(&self.string) == Some(true),
            Kind::Number => self.float()? != 0.0,
            Kind::Null | Kind::False | Kind::Json => false,
        })
    }

    /// Whether a query for `~false` takes the value.
    pub(super) fn is_falseish(&self) -> Result<bool, float::Hexadecimal> {
        Ok(match self.kind {
            Kind::Null | Kind::False => true,
            Kind::String => boolean(&self.string) == Some(false),
            Kind::Number => self.float()? == 0.0,
            Kind::True | Kind::Json => false,
        })
    }

    pub(super) fn is_object(&self) -> bool {
        self.kind == Kind::Json && self.raw.starts_with(b"{")
    }

    pub(super) fn is_array(&self) -> bool {
        self.kind == Kind::Json && self.raw.starts_with(b"[")
    }
}

/// Without its text, which may be a secret's.
impl std::fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kind, raw, string: _ } = self;
        write!(f, "{kind:?} of {} bytes", raw.len())
    }
}

/// What is between the quotes of a string.
pub(super) fn inner(raw: &[u8]) -> &[u8] {
    raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default()
}

/// What a string says, quotes taken off.
pub(super) fn said(inner: &[u8]) -> Cow<'_, [u8]> {
    if inner.contains(&b'\\') { Cow::Owned(unescape(inner)) } else { Cow::Borrowed(inner) }
}

/// Resolves escape sequences, up to the first that is none or the first control character.
pub(super) fn unescape(inner: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            0..b' ' => break,
            b'\\' => {
                let Some((&escape, tail)) = rest.split_first() else { break };
                rest = tail;
                match escape {
                    b'\\' | b'/' | b'"' => text.push(escape),
                    b'b' => text.push(8),
                    b'f' => text.push(12),
                    b'n' => text.push(b'\n'),
                    b'r' => text.push(b'\r'),
                    b't' => text.push(b'\t'),
                    b'u' => {
                        let Some((c, tail)) = code_point(rest) else { break };
                        text.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
                        rest = tail;
                    }
                    _ => break,
                }
            }
            _ => text.push(byte),
        }
    }
    text
}

/// The character of a `\u`. Digits that are none make NUL, and half of a pair takes a following `\u` with it.
fn code_point(digits: &[u8]) -> Option<(char, &[u8])> {
    let (digits, rest) = digits.split_at_checked(4)?;
    let unit = code_unit(digits);
    if let Some(c) = char::from_u32(u32::from(unit)) {
        return Some((c, rest));
    }
    let Some((low, after)) = rest.strip_prefix(b"\\u").and_then(|low| low.split_at_checked(4)) else {
        return Some((char::REPLACEMENT_CHARACTER, rest));
    };
    let pair = char::decode_utf16([unit, code_unit(low)]).next();
    Some((pair.and_then(Result::ok).unwrap_or(char::REPLACEMENT_CHARACTER), after))
}

fn code_unit(digits: &[u8]) -> u16 {
    let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'));
    digits.and_then(|digits| u16::from_str_radix(digits, 16).ok()).unwrap_or_default()
}

/// `strconv.ParseBool` of the text in lower case.
fn boolean(text: &[u8]) -> Option<bool> {
    match text.to_ascii_lowercase().as_slice() {
        b"1" | b"t" | b"true" => Some(true),
        b"0" | b"f" | b"false" => Some(false),
        _ => None,
    }
}

/// Digits with an optional minus, wrapping around.
fn integer(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let size = digits.iter().fold(0_i64, |n, digit| n.wrapping_mul(10).wrapping_add(i64::from(digit - b'0')));
    Some(if digits.len() < text.len() { size.wrapping_neg() } else { size })
}

/// Go's conversion on amd64: what does not fit is the lowest number.
fn truncated(number: f64) -> i64 {
    let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&number);
    if fits { number as i64 } else { i64::MIN }
}

/// The bytes without spaces and control characters at both ends.
pub(super) fn trim(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|b| *b > b' ').unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|b| *b > b' ').map_or(start, |last| last + 1);
    bytes.get(start..end).unwrap_or_default()
}

/// The text of an object or array without its brackets.
pub(super) fn unwrap(json: &[u8]) -> &[u8] {
    let json = trim(json);
    if json.len() >= 2 && json.starts_with(b"[") || json.len() >= 2 && json.starts_with(b"{") {
        return inner(json);
    }
    json
}

/// The same with spaces of all kinds trimmed inside.
pub(super) fn unwrap_trimmed(json: &[u8]) -> &[u8] {
    rune::trim_space(unwrap(json))
}

//! Takes a key or a value as it stands in a text and says what it is sorted by: its kind, then what it says.

use crate::go::gjson::GjsonError;
use crate::go::{float, json};
use std::borrow::Cow;
use std::cmp::Ordering;

/// What a key or value is sorted by.
pub(super) struct Rank<'t> {
    kind: u8,
    number: f64,
    text: Cow<'t, [u8]>,
}

impl<'t> Rank<'t> {
    pub(super) fn of(text: &'t [u8]) -> Result<Self, GjsonError> {
        let kind = match text.first() {
            None | Some(b'n') => 0,
            Some(b'f') => 1,
            Some(b'"') => 3,
            Some(b't') => 4,
            Some(b'{' | b'[') => 5,
            Some(_) => 2,
        };
        let number = if kind == 2 { float::parse(text)? } else { 0.0 };
        if number.is_nan() {
            return Err(GjsonError::Unsupported("to sort what is not a number"));
        }
        let text = match kind {
            2 => (&b""[..]).into(),
            3 => said(text),
            _ => text.into(),
        };
        Ok(Self { kind, number, text })
    }

    pub(super) fn cmp(&self, other: &Self) -> Ordering {
        let numbers = || self.number.partial_cmp(&other.number).unwrap_or(Ordering::Equal);
        self.kind.cmp(&other.kind).then_with(numbers).then_with(|| self.text.cmp(&other.text))
    }
}

/// What a string says, for sorting: nothing if it is none.
fn said(quoted: &[u8]) -> Cow<'_, [u8]> {
    let plain = quoted.iter().skip(1).position(|b| matches!(b, b'\\' | b'"'));
    match plain.map(|length| (quoted.get(length + 1), quoted.get(1..length + 1))) {
        Some((Some(b'"'), Some(inner))) => inner.into(),
        Some(_) => json::unquote(quoted).unwrap_or_default().into_bytes().into(),
        None => Vec::new().into(),
    }
}

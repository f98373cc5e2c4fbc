//! Takes the property of a document apart, and finds where in the document its value stands.

use super::{SjsonError, SjsonProblem, complex, keys};
use crate::go::gjson::value::Value;
use crate::go::gjson::{Evaluator, GjsonError, WORK, check_limits};
use std::borrow::Cow;

/// One key of a path.
pub(super) struct Part<'p> {
    /// Without the backslashes of escapes.
    pub(super) key: Vec<u8>,
    /// For gjson.
    pub(super) lookup: &'p str,
    pub(super) index: Option<usize>,
    /// `-1`, the end of an array.
    pub(super) is_end: bool,
}

pub(super) fn parts(path: &str) -> Result<Vec<Part<'_>>, SjsonError> {
    if path.is_empty() {
        return Err(SjsonError::Path(SjsonProblem::Empty));
    }
    check_limits(path)?;
    if let Some(c) = complex(path) {
        return Err(SjsonError::Path(SjsonProblem::Complex(c)));
    }
    Ok(keys(path).map(part).collect())
}

fn part(text: &str) -> Part<'_> {
    let forced = text.strip_prefix(':');
    let lookup = forced.unwrap_or(text);
    let mut key = Vec::with_capacity(lookup.len());
    let mut bytes = lookup.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'\\' { key.extend(bytes.next()) } else { key.push(byte) }
    }
    let is_number = forced.is_none() && key.iter().all(u8::is_ascii_digit);
    let number =
        |n: usize, digit: &u8| n.saturating_mul(10).saturating_add(usize::from(digit.saturating_sub(b'0')));
    let index = is_number.then(|| key.iter().fold(0, number));
    Part { is_end: forced.is_none() && key == b"-1", key, lookup, index }
}

/// Where a value stands in a document.
pub(super) fn find(json: &[u8], path: &str) -> Result<Option<(usize, usize)>, GjsonError> {
    let value = Evaluator { left: WORK }.get(json, path.as_bytes())?;
    let Some(Value { raw: Cow::Borrowed(raw), .. }) = value else { return Ok(None) };
    let start = raw.as_ptr().addr().checked_sub(json.as_ptr().addr());
    Ok(start
        .filter(|start| *start > 0 && start + raw.len() <= json.len())
        .map(|start| (start, start + raw.len())))
}

/// The document in front of a value, the value, and what is behind.
pub(super) fn split(json: &[u8], (start, end): (usize, usize)) -> (&[u8], &[u8], &[u8]) {
    let part = |range| json.get(range).unwrap_or_default();
    (part(0..start), part(start..end), part(end..json.len()))
}

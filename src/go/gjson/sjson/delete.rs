//! Takes a document and a property and gives the document without the property: `Delete` of sjson.

use super::SjsonError;
use super::place::{Part, find, parts, split};
use crate::go::gjson::{Evaluator, GjsonError, WORK};

/// Removes the property. None: there is no such property.
///
/// # Errors
/// Properties that cannot be looked up.
pub fn delete(json: &[u8], path: &str) -> Result<Option<Vec<u8>>, SjsonError> {
    let parts = parts(path)?;
    let mut out = Vec::with_capacity(json.len());
    Ok(remove(&mut out, json, &parts)?.then_some(out))
}

/// Writes the document without the property; false if there is none.
fn remove(out: &mut Vec<u8>, json: &[u8], parts: &[Part<'_>]) -> Result<bool, SjsonError> {
    let Some((first, rest)) = parts.split_first() else { return Ok(false) };
    let mut place = None;
    let count = if first.is_end { Evaluator { left: WORK }.get(json, b"#")? } else { None };
    match count.map(|count| count.int()).transpose().map_err(GjsonError::from)? {
        Some(count) if count > 0 => place = find(json, &(count - 1).to_string())?,
        _ => place = place.or(find(json, first.lookup)?),
    }
    let Some(place) = place else { return Ok(false) };
    let (before, found, behind) = split(json, place);
    out.extend_from_slice(before);
    let mut behind = behind;
    if rest.is_empty() {
        if cut(out) {
            let next = behind.iter().position(|b| *b > b' ');
            let comma = next.filter(|at| behind.get(*at) == Some(&b','));
            behind = comma.and_then(|at| behind.get(at + 1..)).unwrap_or(behind);
        }
    } else if !remove(out, found, rest)? {
        return Ok(false);
    }
    out.extend_from_slice(behind);
    Ok(true)
}

/// Takes a key or a comma off the end. True if nothing of the container is left in front, so that a comma behind has
/// to go.
fn cut(out: &mut Vec<u8>) -> bool {
    let Some(at) = out.iter().rposition(|b| matches!(b, b'[' | b',' | b':')) else { return false };
    match out.get(at) {
        Some(b'[') => true,
        Some(b',') => {
            out.truncate(at);
            false
        }
        _ => cut_key(out, at),
    }
}

/// The same for a key whose colon is at `colon`.
fn cut_key(out: &mut Vec<u8>, colon: usize) -> bool {
    let Some(closing) = last_of(out, colon, b"\"") else { return false };
    let mut quote = last_of(out, closing, b"\"");
    while let Some(at) =
        quote.filter(|at| at.checked_sub(1).and_then(|before| out.get(before)) == Some(&b'\\'))
    {
        // An escaped one. Whether its backslash is escaped is not asked, and the byte before that is not looked at.
        quote = last_of(out, at.saturating_sub(2), b"\"");
    }
    let Some(separator) = quote.and_then(|quote| last_of(out, quote, b"{,")) else { return false };
    let is_first = out.get(separator) == Some(&b'{');
    out.truncate(if is_first { separator + 1 } else { separator });
    is_first
}

/// The last place before `end` of one of the bytes.
fn last_of(out: &[u8], end: usize, bytes: &[u8]) -> Option<usize> {
    out.get(..end)?.iter().rposition(|b| bytes.contains(b))
}

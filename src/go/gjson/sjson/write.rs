//! Takes a document, a property and a value and gives the document with the property set to that string: `Set` of
//! sjson. All else in the document stays as it is written.

use super::place::{Part, find, parts, split};
use super::{SjsonError, SjsonProblem};
use crate::go::gjson::scan;
use crate::go::gjson::value::{Kind, Value, trim};
use crate::go::{excerpt, json};

/// The highest index up to which an array is filled.
const MAX_INDEX: usize = 99_999;

/// Sets the property to a string. A document that is neither object nor array is replaced.
///
/// # Errors
/// Properties that cannot be written to this document.
pub fn set(json: &[u8], path: &str, value: &[u8]) -> Result<Vec<u8>, SjsonError> {
    let parts = parts(path)?;
    let mut out = Vec::with_capacity(json.len() + path.len() + value.len() + 16);
    write(&mut out, json, &parts, value)?;
    Ok(out)
}

fn write(out: &mut Vec<u8>, json: &[u8], parts: &[Part<'_>], value: &[u8]) -> Result<(), SjsonError> {
    let Some((first, rest)) = parts.split_first() else { return Ok(()) };
    let Some(place) = find(json, first.lookup)? else { return append(out, json, first, parts, value) };
    let (before, found, behind) = split(json, place);
    out.extend_from_slice(before);
    if rest.is_empty() {
        out.extend_from_slice(&quoted(value));
    } else {
        write(out, found, rest, value)?;
    }
    out.extend_from_slice(behind);
    Ok(())
}

/// Writes the document with a member or element more.
fn append(
    out: &mut Vec<u8>,
    json: &[u8],
    first: &Part<'_>,
    parts: &[Part<'_>],
    value: &[u8],
) -> Result<(), SjsonError> {
    let container = Value::parse(json).filter(|value| value.kind == Kind::Json);
    let empty: &[u8] = if first.index.is_some() { b"[]" } else { b"{}" };
    let raw = container.as_ref().map_or(empty, |value| &value.raw);
    let comma: &[u8] = match raw.iter().skip(1).find(|b| **b > b' ') {
        None | Some(b'}' | b']') => b"",
        Some(_) => b",",
    };
    if raw.starts_with(b"{") {
        let end = raw.iter().rposition(|b| *b == b'}').unwrap_or_default();
        out.extend_from_slice(raw.get(..end).unwrap_or_default());
        out.extend_from_slice(comma);
        build(out, false, parts, value)?;
        out.push(b'}');
        return Ok(());
    }
    match first.index {
        Some(index) => {
            let elements = elements(raw);
            out.push(b'[');
            out.extend_from_slice(&elements.join(&b','));
            let nulls = index_within_limits(index, first)?.saturating_sub(elements.len());
            if elements.is_empty() {
                out.extend_from_slice(&b"null,".repeat(nulls));
            } else {
                out.extend_from_slice(&b",null".repeat(nulls));
                out.extend_from_slice(comma);
            }
        }
        None if first.is_end => {
            let open = trim(raw);
            out.extend_from_slice(open.strip_suffix(b"]").unwrap_or(open));
            out.extend_from_slice(comma);
        }
        None => return Err(SjsonError::NotAnIndex(excerpt(&String::from_utf8_lossy(&first.key)))),
    }
    build(out, true, parts, value)?;
    out.push(b']');
    Ok(())
}

fn index_within_limits(index: usize, part: &Part<'_>) -> Result<usize, SjsonError> {
    if index <= MAX_INDEX {
        return Ok(index);
    }
    Err(SjsonError::Path(SjsonProblem::HugeArray(excerpt(part.lookup))))
}

/// Writes a new member or, in an array, element.
fn build(out: &mut Vec<u8>, in_array: bool, parts: &[Part<'_>], value: &[u8]) -> Result<(), SjsonError> {
    let Some((first, rest)) = parts.split_first() else { return Ok(()) };
    if !in_array {
        out.extend_from_slice(&quoted(&first.key));
        out.push(b':');
    }
    match rest.first() {
        None => out.extend_from_slice(&quoted(value)),
        Some(next) if next.index.is_some() || next.is_end => {
            out.push(b'[');
            let nulls = index_within_limits(next.index.unwrap_or_default(), next)?;
            out.extend_from_slice(&b"null,".repeat(nulls));
            build(out, true, rest, value)?;
            out.push(b']');
        }
        Some(_) => {
            out.push(b'{');
            build(out, false, rest, value)?;
            out.push(b'}');
        }
    }
    Ok(())
}

/// A string as sjson writes it: HTML's characters are escaped only where others have to be.
fn quoted(text: &[u8]) -> Vec<u8> {
    if text.iter().any(|b| *b < b' ' || *b > 0x7f || *b == b'"' || *b == b'\\') {
        return json::quote(text, true);
    }
    [b"\"", text, b"\""].concat()
}

/// The elements of an array: `Result.Array()`.
fn elements(raw: &[u8]) -> Vec<&[u8]> {
    let mut elements = Vec::new();
    let mut at = 1;
    while let Some(byte) = raw.get(at) {
        let length = match byte {
            b']' | b'}' => break,
            b'n' => raw.iter().skip(at + 1).take_while(|b| b.is_ascii_lowercase()).count() + 1,
            b'+' | b'i' | b'I' | b'N' => 0,
            _ => scan::token(raw, at).map_or(0, |token| token.raw(raw).len()),
        };
        elements.extend(raw.get(at..at + length).filter(|element| !element.is_empty()));
        at += length.max(1);
    }
    elements
}

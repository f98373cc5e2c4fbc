//! Takes a path and splits off what is applied to a text as a whole: a modifier, a literal, a selection of several
//! paths; or what is in front of a pipe.

use crate::go::gjson::modifier::Modifier;
use crate::go::gjson::scan;
use crate::go::gjson::value::Value;

/// The path in front of its first pipe, and behind it.
pub(in crate::go::gjson) fn pipe(path: &[u8]) -> Option<(&[u8], &[u8])> {
    if !path.contains(&b'|') {
        return None;
    }
    if let Some(inside) = path.strip_prefix(b"{") {
        let length = scan::squash(inside).len();
        let rest = if length < inside.len() { inside.get(length..)? } else { return None };
        return Some((path.get(..length + 1)?, rest.strip_prefix(b"|")?));
    }
    let mut at = 0;
    loop {
        match path.get(at)? {
            b'\\' => at += 1,
            b'|' => return Some((path.get(..at)?, path.get(at + 1..)?)),
            b'.' if path.get(at + 1) == Some(&b'#') => {
                at += 2;
                if let open @ (b'[' | b'(') = path.get(at)? {
                    at = closing(path, at, *open);
                }
            }
            _ => {}
        }
        at += 1;
    }
}

/// Where the bracket at `at` is closed, or the end of the path. Only brackets of its own kind count.
fn closing(path: &[u8], at: usize, open: u8) -> usize {
    let close = if open == b'[' { b']' } else { b')' };
    let (mut depth, mut at) = (1_usize, at + 1);
    while let Some(&byte) = path.get(at) {
        match byte {
            b'\\' => at += 1,
            b'"' => {
                let quoted = path.get(at..).unwrap_or_default();
                at += scan::string_length(quoted).unwrap_or(quoted.len()).saturating_sub(1);
            }
            _ if byte == open => depth += 1,
            _ if byte == close => {
                depth -= 1;
                if depth == 0 {
                    return at;
                }
            }
            _ => {}
        }
        at += 1;
    }
    path.len()
}

/// The modifier that the path starts with, its argument, and the rest of the path.
pub(in crate::go::gjson) fn modifier(path: &[u8]) -> Option<(Modifier, &[u8], &[u8])> {
    let text = path.strip_prefix(b"@")?;
    let end = text.iter().position(|b| b".|:".contains(b)).unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end)?;
    let modifier = Modifier::named(name)?;
    let Some(argued) = rest.strip_prefix(b":") else { return Some((modifier, b"", rest)) };
    let is_json = matches!(argued.first(), Some(b'{' | b'[' | b'"')) && Value::parse(argued).is_some();
    let length = if is_json { scan::squash(argued).len() } else { plain_length(argued) };
    let (argument, rest) = argued.split_at_checked(length)?;
    Some((modifier, argument, rest))
}

/// The length of an argument that is no JSON: up to a pipe outside of brackets and quotes.
fn plain_length(argued: &[u8]) -> usize {
    let mut at = 0;
    while let Some(byte) = argued.get(at) {
        match byte {
            b'|' => return at,
            b'{' | b'[' | b'"' | b'(' => at += scan::squash(argued.get(at..).unwrap_or_default()).len(),
            _ => at += 1,
        }
    }
    argued.len()
}

/// The literal value that the path starts with, and the rest of the path.
pub(in crate::go::gjson) fn literal(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = path.strip_prefix(b"!")?;
    if let Some(b'{' | b'[' | b'"' | b'+' | b'-' | b'0'..=b'9') = text.first() {
        // Whatever its first byte is, it counts as a bracket.
        return text.split_at_checked(scan::bracketed(text).len());
    }
    let end = text.iter().position(|b| b".|".contains(b)).unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end)?;
    // The Turkish capital I has a small one with a dot in Go's tables.
    let lower = std::str::from_utf8(word).ok()?.replace('\u{130}', "i").to_ascii_lowercase();
    matches!(lower.as_str(), "true" | "false" | "null" | "nan" | "inf").then_some((word, rest))
}

/// One of several paths, with the name of its result.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::go::gjson) struct Selector<'p> {
    /// Empty: the last part of the path.
    pub(in crate::go::gjson) name: &'p [u8],
    pub(in crate::go::gjson) path: &'p [u8],
}

/// The paths of a selection that the path starts with, and the rest of the path; None if it is not closed.
pub(in crate::go::gjson) fn selectors(path: &[u8]) -> Option<(Vec<Selector<'_>>, &[u8])> {
    let mut selectors = Vec::new();
    let (mut depth, mut start, mut at) = (1_usize, 1, 1);
    let (mut colon, mut in_modifier) = (None, false);
    loop {
        let byte = *path.get(at)?;
        match byte {
            b'\\' => at += 1,
            b'@' => in_modifier |= matches!(path.get(at - 1), Some(b'.' | b'|')),
            b':' if !in_modifier && colon.is_none() && depth == 1 => colon = Some(at),
            b'"' => {
                let quoted = path.get(at..)?;
                at += scan::string_length(quoted)? - 1;
            }
            b'[' | b'(' | b'{' => depth += 1,
            b']' | b')' | b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 || byte == b',' && depth == 1 {
            let (name, from) = match colon.take() {
                Some(colon) => (path.get(start..colon)?, colon + 1),
                None => (&b""[..], start),
            };
            selectors.push(Selector { name, path: path.get(from..at)? });
            in_modifier = false;
            start = at + 1;
        }
        at += 1;
        if depth == 0 {
            return Some((selectors, path.get(at..)?));
        }
    }
}

//! Takes a path and splits its first part off: the key or the query, and how it goes on.

mod piece;

pub(super) use piece::{Selector, literal, modifier, pipe, selectors};

use super::modifier::Modifier;
use super::scan;
use super::value::{trim, unescape};
use std::borrow::Cow;

/// How a path goes on behind a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next<'p> {
    /// Not at all: the part is what is looked for.
    End,
    /// With this path, inside of what the part finds.
    More(&'p [u8]),
    /// The same, but the path is applied to the result as a whole.
    Pipe(&'p [u8]),
}

/// The first part of a path, if an object is looked into.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Key<'p> {
    /// Without the backslashes of escapes.
    pub(super) name: Cow<'p, [u8]>,
    /// Whether the name is a pattern.
    pub(super) is_wild: bool,
    pub(super) next: Next<'p>,
}

pub(super) fn key(path: &[u8]) -> Key<'_> {
    let mut name = Vec::new();
    let (mut is_wild, mut is_escaped) = (false, false);
    let mut at = 0;
    while let Some(&byte) = path.get(at) {
        let rest = path.get(at + 1..).unwrap_or_default();
        match byte {
            b'|' | b'.' => {
                let is_pipe = byte == b'|' || starts_piece(rest);
                let next = if is_pipe { Next::Pipe(rest) } else { Next::More(rest) };
                let plain = path.get(..at).unwrap_or_default();
                let name = if is_escaped { Cow::Owned(name) } else { Cow::Borrowed(plain) };
                return Key { name, is_wild, next };
            }
            b'\\' => {
                is_escaped = true;
                name.extend(rest.first());
                at += 1;
            }
            _ => {
                is_wild |= byte == b'*' || byte == b'?';
                name.push(byte);
            }
        }
        at += 1;
    }
    Key { name: if is_escaped { Cow::Owned(name) } else { Cow::Borrowed(path) }, is_wild, next: Next::End }
}

/// Whether a dot is a pipe because of what follows: a modifier or a selection.
fn starts_piece(rest: &[u8]) -> bool {
    match rest.split_first() {
        Some((b'{' | b'[', _)) => true,
        Some((b'@', name)) => {
            let end = name.iter().position(|b| b".|:".contains(b)).unwrap_or(name.len());
            Modifier::named(name.get(..end).unwrap_or_default()).is_some()
        }
        _ => false,
    }
}

/// The first part of a path, if an array is looked into.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Element<'p> {
    pub(super) wanted: Wanted<'p>,
    pub(super) next: Next<'p>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted<'p> {
    /// The element at this index.
    Index(i64),
    /// `#`: how many there are.
    Count,
    /// `#.path`: the path in each.
    Each(&'p [u8]),
    /// `#(query)`: the first that matches; `#(query)#`: all.
    Matching { query: Query<'p>, all: bool },
    /// Nothing that an array has.
    Nothing,
}

/// What an element has to be like.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Query<'p> {
    pub(super) path: &'p [u8],
    /// Empty: whether there is anything at the path.
    pub(super) operator: &'p [u8],
    pub(super) operand: Cow<'p, [u8]>,
}

pub(super) fn element(path: &[u8]) -> Element<'_> {
    let (mut each, mut query, mut all, mut has_hash) = (None, None, false, false);
    let mut at = 0;
    let mut next = Next::End;
    while let Some(&byte) = path.get(at) {
        let rest = path.get(at + 1..).unwrap_or_default();
        match byte {
            b'|' => next = Next::Pipe(rest),
            b'.' if !has_hash && starts_piece(rest) => next = Next::Pipe(rest),
            b'.' => next = Next::More(rest),
            b'#' => {
                has_hash = true;
                match rest.first() {
                    Some(b'.') if at == 0 => each = rest.get(1..),
                    Some(b'(' | b'[') if at == 0 => {
                        let Some((found, length)) = self::query(path) else {
                            // The rest of the path belongs to it.
                            query = Some(Query::default());
                            at = path.len();
                            break;
                        };
                        query = Some(found);
                        at = length - 1;
                        all = path.get(length) == Some(&b'#');
                    }
                    _ => {}
                }
            }
            _ => {}
        }
        if next != Next::End {
            break;
        }
        at += 1;
    }
    let part = path.get(..at).unwrap_or(path);
    let wanted = match (query, each) {
        (Some(query), _) => Wanted::Matching { query, all },
        (None, Some(each)) if part == b"#" => Wanted::Each(each),
        (None, _) if part == b"#" => Wanted::Count,
        _ => index(part).map_or(Wanted::Nothing, Wanted::Index),
    };
    Element { wanted, next }
}

/// The index; one that is too large wraps around.
fn index(part: &[u8]) -> Option<i64> {
    if part.is_empty() || !part.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(part.iter().fold(0_i64, |n, digit| n.wrapping_mul(10).wrapping_add(i64::from(digit - b'0'))))
}

/// The query at the start of the path, and its length with hash and brackets; None if it is not closed.
fn query(path: &[u8]) -> Option<(Query<'_>, usize)> {
    let (mut depth, mut at, mut operator, mut is_escaped) = (1_usize, 2, None, false);
    while depth > 0 {
        match path.get(at)? {
            b'!' | b'=' | b'<' | b'>' | b'%' if depth == 1 && operator.is_none() => operator = Some(at),
            b'\\' => at += 1,
            b'[' | b'(' => depth += 1,
            b']' | b')' => depth -= 1,
            b'"' => {
                let quoted = path.get(at..).unwrap_or_default();
                let length = scan::string_length(quoted);
                is_escaped |= quoted.get(..length.unwrap_or(quoted.len()))?.contains(&b'\\');
                at += length? - 1;
            }
            _ => {}
        }
        at += 1;
    }
    let Some(operator) = operator else {
        let path = trim(path.get(2..at - 1)?);
        return Some((Query { path, ..Query::default() }, at));
    };
    let condition = trim(path.get(operator..at - 1)?);
    let (skipped, length) = match condition {
        [_] => (0, 1),
        [b'!', b'=' | b'%', ..] | [b'<' | b'>', b'=', ..] => (0, 2),
        [b'=', b'=', ..] => (1, 1),
        [b'<' | b'>' | b'=' | b'%', ..] => (0, 1),
        _ => (0, 0),
    };
    let (operator_text, operand) = condition.get(skipped..)?.split_at_checked(length)?;
    let operand = unquoted(trim(operand), is_escaped);
    Some((Query { path: trim(path.get(2..operator)?), operator: operator_text, operand }, at))
}

/// An operand without its quotes.
fn unquoted(operand: &[u8], is_escaped: bool) -> Cow<'_, [u8]> {
    match operand {
        [b'"', inner @ .., b'"'] if is_escaped => Cow::Owned(unescape(inner)),
        [b'"', inner @ .., b'"'] => Cow::Borrowed(inner),
        _ => Cow::Borrowed(operand),
    }
}

//! Takes a document and a path and gives what Go's gjson v1.18.0 finds there, by which External Secrets Operator reads
//! the properties of secrets; takes a document, a path and a value and gives what sjson v1.2.5 writes. The answer is
//! Go's for every document, JSON or not; what would take too long, or is not supported, is an error and never another
//! answer. Also says which paths probably mean something else.
//!
//! gjson never looks at a whole document. It passes over the text from the first bracket on, counting brackets and
//! quotes, until the path is used up; what a document that is no JSON yields follows from that, so the search here
//! moves the same way.

mod build;
mod doubt;
mod entries;
mod modifier;
mod path;
mod pattern;
mod pretty;
mod query;
mod scan;
mod search;
mod sjson;
mod value;

pub use doubt::{Doubt, doubtful};
pub use sjson::{SjsonError, SjsonProblem, delete, set, sjson_problem};
pub use value::Value;

use crate::go::float::Hexadecimal;
use search::Search;
use std::borrow::Cow;
use thiserror::Error;

/// The longest path, in bytes.
pub const MAX_PATH: usize = 1024;
/// The most segments of a path.
pub const MAX_SEGMENTS: usize = 64;
/// The deepest nesting that modifiers descend to; a search passes over any.
const DEPTH: usize = 512;
/// The most bytes that are passed over or written for one answer: the largest secret 256 times.
const WORK: usize = 16 << 20;

/// Why there is no answer, neither a value nor its absence. It repeats nothing of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum GjsonError {
    /// Longer than [`MAX_PATH`].
    #[error("a path of {0} bytes; the limit is {MAX_PATH}")]
    TooLong(usize),
    /// More than [`MAX_SEGMENTS`].
    #[error("a path of {0} segments; the limit is {MAX_SEGMENTS}")]
    TooManySegments(usize),
    /// A modifier would descend too far.
    #[error("the document is nested more than {DEPTH} levels deep")]
    TooDeep,
    /// The path multiplies what it finds, or its wildcards do.
    #[error("the path asks for too much work")]
    TooMuchWork,
    /// Go answers it, and we do not.
    #[error("{0} is not supported")]
    Unsupported(&'static str),
}

impl From<Hexadecimal> for GjsonError {
    fn from(_: Hexadecimal) -> Self {
        Self::Unsupported("a hexadecimal number")
    }
}

/// Looks a path up. None: there is nothing.
///
/// # Errors
/// Paths beyond the limits, and what would take too long.
pub fn get<'d>(json: &'d [u8], path: &str) -> Result<Option<Value<'d>>, GjsonError> {
    check_limits(path)?;
    Evaluator { left: WORK }.get(json, path.as_bytes())
}

/// Looks a path up as if no dot in it were a separator.
///
/// # Errors
/// As [`get`].
pub fn get_undotted<'d>(json: &'d [u8], path: &str) -> Result<Option<Value<'d>>, GjsonError> {
    check_limits(path)?;
    Evaluator { left: WORK }.get(json, path.replace('.', "\\.").as_bytes())
}

/// Checks a path against the limits; [`get`] does too.
///
/// # Errors
/// The limit that it exceeds.
pub fn check_limits(path: &str) -> Result<(), GjsonError> {
    if path.len() > MAX_PATH {
        return Err(GjsonError::TooLong(path.len()));
    }
    // Whatever makes the evaluation go one step deeper; escaped it does not.
    let mut segments = 1;
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => _ = bytes.next(),
            b'.' | b'|' | b'{' | b'[' | b'(' | b'@' => segments += 1,
            _ => {}
        }
    }
    if segments > MAX_SEGMENTS { Err(GjsonError::TooManySegments(segments)) } else { Ok(()) }
}

/// One answer in the making.
struct Evaluator {
    /// How many bytes may still be passed over or written.
    left: usize,
}

impl Evaluator {
    /// Counts bytes that are passed over or written.
    fn charge(&mut self, bytes: usize) -> Result<(), GjsonError> {
        self.left = self.left.checked_sub(bytes).ok_or(GjsonError::TooMuchWork)?;
        Ok(())
    }

    fn get<'d>(&mut self, json: &'d [u8], path: &[u8]) -> Result<Option<Value<'d>>, GjsonError> {
        self.charge(json.len() + 1)?;
        let mut keys = path;
        match path.first() {
            Some(b'@') if path.len() > 1 => {
                if let Some((modifier, argument, rest)) = path::modifier(path) {
                    let changed = self.modify(modifier, json, argument)?;
                    return self.go_on(changed, rest);
                }
            }
            Some(b'!') if path.len() > 1 => {
                if let Some((literal, rest)) = path::literal(path) {
                    return self.go_on(Cow::Owned(literal.to_vec()), rest);
                }
            }
            Some(kind @ (b'{' | b'[')) if path.len() > 1 => match path::selectors(path) {
                Some((selectors, [])) => {
                    return Ok(Some(Value::json(self.select(json, *kind, &selectors)?)));
                }
                Some((selectors, rest)) if rest.starts_with(b"|") || rest.starts_with(b".") => {
                    let built = Cow::Owned(self.select(json, *kind, &selectors)?);
                    return self.go_on(built, rest);
                }
                // What is no selection is lost: the search goes on behind it.
                Some((_, rest)) => keys = rest,
                None => keys = b"",
            },
            _ => {}
        }
        let mut search = Search::new(self, json);
        search.run(keys)?;
        let Search { value, pipe, .. } = search;
        match pipe {
            None => Ok(value),
            Some(pipe) => self.get_in(value.map(|value| value.raw).unwrap_or_default(), &pipe),
        }
    }

    /// Looks the rest of a path up in the text that its beginning made.
    fn go_on<'d>(&mut self, json: Cow<'d, [u8]>, rest: &[u8]) -> Result<Option<Value<'d>>, GjsonError> {
        match rest.split_first() {
            Some((b'|' | b'.', rest)) => self.get_in(json, rest),
            _ => Ok(match json {
                Cow::Borrowed(json) => Value::parse(json),
                Cow::Owned(json) => Value::parse(&json).map(Value::into_owned),
            }),
        }
    }

    fn get_in<'d>(&mut self, json: Cow<'d, [u8]>, path: &[u8]) -> Result<Option<Value<'d>>, GjsonError> {
        match json {
            Cow::Borrowed(json) => self.get(json, path),
            Cow::Owned(json) => Ok(self.get(&json, path)?.map(Value::into_owned)),
        }
    }
}

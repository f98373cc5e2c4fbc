//! Takes the property of a secret, which External Secrets Operator writes with sjson, and says what else than to set it
//! sjson would do; or writes it. The rules are `parsePath` and `set` of sjson v1.2.5.

mod delete;
mod place;
mod write;

pub use delete::delete;
pub use write::set;

use super::{GjsonError, check_limits};
use crate::go::excerpt;
use std::fmt;
use thiserror::Error;

/// What is wrong with a property that sjson is to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SjsonProblem {
    /// sjson refuses the empty path.
    Empty,
    /// An operator of gjson: sjson only writes over what such a path finds, and drops the value otherwise.
    Complex(char),
    /// The first key is a number, or empty: a new secret becomes an array instead of an object.
    ArrayIndex(String),
    /// A key that is a large number: sjson fills an array up to that index.
    HugeArray(String),
    /// A property beyond the limits of paths.
    Limit(GjsonError),
}

impl fmt::Display for SjsonProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("an empty property cannot be written"),
            Self::Complex(c) => {
                write!(
                    f,
                    "`{c}` makes the property a query, and a value that it does not find is dropped; write `\\{c}`"
                )
            }
            Self::ArrayIndex(key) => {
                write!(
                    f,
                    "{key} in front makes a new secret an array; write a colon before it for the key of an object"
                )
            }
            Self::HugeArray(key) => {
                write!(f, "{key} makes an array of that many elements; write a colon before it")
            }
            Self::Limit(error) => error.fmt(f),
        }
    }
}

/// Why a document stays as it is. It repeats nothing of the document.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SjsonError {
    /// A property that sjson would not write, or not as it is meant.
    #[error("{0}")]
    Path(SjsonProblem),
    /// A key where the document has an array.
    #[error("{0} is no index, and the document has an array there")]
    NotAnIndex(String),
    /// The property could not be looked up.
    #[error(transparent)]
    Lookup(#[from] GjsonError),
}

/// What sjson would do to the property of a new secret other than to set it.
pub fn sjson_problem(property: &str) -> Option<SjsonProblem> {
    if property.is_empty() {
        return Some(SjsonProblem::Empty);
    }
    if let Err(error) = check_limits(property) {
        return Some(SjsonProblem::Limit(error));
    }
    if let Some(c) = complex(property) {
        return Some(SjsonProblem::Complex(c));
    }
    let mut indexes = keys(property).map(|key| (key, index_digits(key)));
    let first = indexes.next();
    let mut all = first.into_iter().chain(indexes);
    let huge = all.find(|(_, digits)| digits.is_some_and(|digits| digits > HARMLESS_DIGITS));
    match (huge, first) {
        (Some((key, _)), _) => Some(SjsonProblem::HugeArray(excerpt(key))),
        (None, Some((key, Some(_)))) => Some(SjsonProblem::ArrayIndex(excerpt(key))),
        _ => None,
    }
}

/// The first operator of gjson that is not escaped.
fn complex(path: &str) -> Option<char> {
    let mut characters = path.chars();
    while let Some(c) = characters.next() {
        match c {
            '|' | '#' | '@' | '*' | '?' => return Some(c),
            '\\' => _ = characters.next(),
            _ => {}
        }
    }
    None
}

/// The keys of a path, split at the dots that are not escaped.
fn keys(path: &str) -> impl Iterator<Item = &str> {
    let mut escaped = false;
    path.split(move |c| {
        let ends = c == '.' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })
}

/// The number of digits of a key that sjson takes for an index, escaped or not; the empty key is one too.
fn index_digits(key: &str) -> Option<usize> {
    let mut digits = 0;
    let mut characters = key.chars();
    while let Some(c) = characters.next() {
        match if c == '\\' { characters.next() } else { Some(c) } {
            Some(digit) if digit.is_ascii_digit() => digits += 1,
            Some(_) => return None,
            // A backslash at the end is dropped.
            None => break,
        }
    }
    Some(digits)
}

/// An index of up to five digits makes half a megabyte at most.
const HARMLESS_DIGITS: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_sjson_would_not_write_is_found() {
        for (property, problem) in [
            ("a", None),
            ("a.b", None),
            (r"a\|b", None),
            ("a.0", None),
            (":12", None),
            ("a{b[c!", None),
            ("-1", None),
            ("", Some(SjsonProblem::Empty)),
            ("a|b", Some(SjsonProblem::Complex('|'))),
            ("a.b#", Some(SjsonProblem::Complex('#'))),
            (r"a\\@", Some(SjsonProblem::Complex('@'))),
            ("0", Some(SjsonProblem::ArrayIndex("`0`".to_owned()))),
            ("12.a", Some(SjsonProblem::ArrayIndex("`12`".to_owned()))),
            (".a", Some(SjsonProblem::ArrayIndex("``".to_owned()))),
            ("a.4000000000", Some(SjsonProblem::HugeArray("`4000000000`".to_owned()))),
        ] {
            assert_eq!(sjson_problem(property), problem, "{property}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(property in r#"[ab.|#*?@\\:0-9-]{0,30}"#) {
            let _ = sjson_problem(&property);
            let _ = (set(b"{}", &property, b"v"), delete(b"{}", &property));
        }
    }
}

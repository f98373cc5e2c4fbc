//! The replacement text of Go's `Regexp.ReplaceAllString`: `$1`, `$name`, `${name}`, and `$$` for `$`.
//!
//! An unbraced name is as long as it can be: `$1_prod` is the group `1_prod`, which nobody has, so it stands for nothing.

use super::GoRegexp;
use crate::go::is_word_character;

/// A piece of a replacement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'t> {
    /// It stands for itself.
    Text(&'t str),
    /// It stands for a group, as it is written.
    Reference(&'t str),
}

/// The groups that a replacement names, as they are written. Anything malformed stands for itself.
pub fn references(target: &str) -> impl Iterator<Item = &str> {
    pieces(target).filter_map(|piece| match piece {
        Piece::Reference(name) => Some(name),
        Piece::Text(_) => None,
    })
}

/// What a replacement puts there whatever the groups hold.
pub fn literals(target: &str) -> impl Iterator<Item = &str> {
    pieces(target).filter_map(|piece| match piece {
        Piece::Text(text) => Some(text),
        Piece::Reference(_) => None,
    })
}

/// The pieces of a replacement. What is malformed stands for itself, and `$$` for a dollar sign.
pub(super) fn pieces(target: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = target;
    std::iter::from_fn(move || {
        let (piece, after) = match rest.split_once('$') {
            None if rest.is_empty() => return None,
            None => (Piece::Text(rest), ""),
            Some(("", after)) => at_dollar(after),
            Some((text, _)) => (Piece::Text(text), rest.get(text.len()..).unwrap_or_default()),
        };
        rest = after;
        Some(piece)
    })
}

/// What a dollar begins, and what follows it.
fn at_dollar(after: &str) -> (Piece<'_>, &str) {
    if let Some(escaped) = after.strip_prefix('$') {
        return (Piece::Text("$"), escaped);
    }
    let braced = after.strip_prefix('{');
    let name = braced.unwrap_or(after);
    let tail = name.trim_start_matches(is_word_character);
    let end = if braced.is_some() { tail.strip_prefix('}') } else { Some(tail) };
    match (name.get(..name.len() - tail.len()), end) {
        (Some(name), Some(after)) if !name.is_empty() => (Piece::Reference(name), after),
        _ => (Piece::Text("$"), after),
    }
}

impl GoRegexp {
    /// Whether a replacement's reference means a group of this expression; others stand for nothing.
    pub fn has_reference(&self, name: &str) -> bool {
        match name.parse::<usize>() {
            Ok(number) if name.bytes().all(|b| b.is_ascii_digit()) => number <= self.group_count(),
            _ => self.has_group(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::go::regexp::parse;

    #[test]
    fn references_are_found_as_go_finds_them() {
        for constant in ["", "a", "$$", "$$1", "$", "$-", "${", "${a", "${}", "${a-b}", "a$"] {
            assert_eq!(references(constant).count(), 0, "{constant}");
        }
        for (target, names) in [
            ("$1", vec!["1"]),
            ("${1}_prod", vec!["1"]),
            ("$1_prod", vec!["1_prod"]),
            ("a-$name", vec!["name"]),
            ("$$$1", vec!["1"]),
            ("${a}b$2c", vec!["a", "2c"]),
            ("$é", vec!["é"]),
        ] {
            assert_eq!(references(target).collect::<Vec<_>>(), names, "{target}");
        }
    }

    #[test]
    fn what_is_no_reference_stands_there() {
        for (target, written) in [
            ("", ""),
            ("prod:", "prod:"),
            ("my app/$1", "my app/"),
            ("a$1b", "a"),
            ("a${1}b", "ab"),
            ("$$$1$-${a", "$$-${a"),
        ] {
            assert_eq!(literals(target).collect::<String>(), written, "{target}");
        }
    }

    #[test]
    fn only_groups_that_are_there_are_meant() {
        let regexp = parse("(a)(?P<x>b)").unwrap();
        for there in ["0", "1", "2", "02", "x"] {
            assert!(regexp.has_reference(there), "{there}");
        }
        for absent in ["3", "1_prod", "y", "99999999999999999999999"] {
            assert!(!regexp.has_reference(absent), "{absent}");
        }
    }
}

//! Takes a regular expression in Go's syntax and finds and replaces with it as Go's `MatchString` and
//! `ReplaceAllString` do.

use super::{RegexpError, parse};
use crate::go::is_word_character;
use regex::{Captures, Regex};
use std::ops::Range;

/// A compiled expression.
#[derive(Debug, Clone)]
pub struct Matcher {
    regex: Regex,
    /// Each name with the number of its group; a name may be used twice.
    names: Vec<(String, usize)>,
}

impl Matcher {
    /// Compiles an expression.
    ///
    /// # Errors
    /// What Go refuses, and what is too large for the regex crate.
    pub fn new(pattern: &str) -> Result<Self, RegexpError> {
        let parsed = parse(pattern)?;
        let regex = Regex::new(parsed.translated())
            .map_err(|_| RegexpError::Unsupported("repetitions that make it too large"))?;
        Ok(Self { regex, names: parsed.names })
    }

    /// Whether the text has a match anywhere.
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// The text with every match replaced; `$1`, `$name` and `${name}` in the target stand for groups.
    pub fn replace_all(&self, text: &str, target: &str) -> String {
        self.replace_within(text, target, usize::MAX).unwrap_or_default()
    }

    /// The same, or None if that has more than `most` bytes.
    pub fn replace_within(&self, text: &str, target: &str, most: usize) -> Option<String> {
        let mut replaced = String::with_capacity(text.len());
        let mut copied = 0;
        for (groups, found) in self.captures(text) {
            replaced.push_str(text.get(copied..found.start).unwrap_or_default());
            self.expand(&groups, target, most, &mut replaced);
            copied = found.end;
            if replaced.len() > most {
                return None;
            }
        }
        replaced.push_str(text.get(copied..).unwrap_or_default());
        (replaced.len() <= most).then_some(replaced)
    }

    /// Where the matches are, as Go's `FindAllStringIndex` finds them.
    pub fn find_all(&self, text: &str) -> impl Iterator<Item = Range<usize>> {
        self.captures(text).map(|(_, found)| found)
    }

    /// The matches, but for an empty one right behind another one.
    fn captures<'t>(&self, text: &'t str) -> impl Iterator<Item = (Captures<'t>, Range<usize>)> {
        let (mut copied, mut at) = (0, 0);
        std::iter::from_fn(move || {
            while at <= text.len() {
                let groups = self.regex.captures_at(text, at)?;
                let found = groups.get(0)?.range();
                let width = text.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
                at = found.end.max(at + width);
                let is_taken = found.end > copied || found.start == 0;
                copied = found.end;
                if is_taken {
                    return Some((groups, found));
                }
            }
            None
        })
    }

    fn expand(&self, groups: &Captures<'_>, target: &str, most: usize, out: &mut String) {
        for piece in pieces(target) {
            if out.len() > most {
                return;
            }
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Group(name) => out.push_str(self.group(groups, name).unwrap_or_default()),
            }
        }
    }

    /// The group with this number or name, if it takes part in the match.
    fn group<'t>(&self, groups: &Captures<'t>, name: &str) -> Option<&'t str> {
        let is_number = name.bytes().all(|b| b.is_ascii_digit()) && (name == "0" || !name.starts_with('0'));
        // Go reads no further, and looks for the name then.
        if is_number && name.len() <= 9 {
            return groups.get(name.parse().ok()?).map(|group| group.as_str());
        }
        let numbers = self.names.iter().filter(|(known, _)| known == name).map(|(_, number)| *number);
        numbers.filter_map(|number| groups.get(number)).map(|group| group.as_str()).next()
    }
}

/// A piece of a replacement.
pub(super) enum Piece<'t> {
    Text(&'t str),
    /// The name or number of a group.
    Group(&'t str),
}

/// The pieces of a replacement. What is malformed stands for itself, and `$$` for a dollar sign.
pub(super) fn pieces(target: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = target;
    std::iter::from_fn(move || {
        if let Some(after) = rest.strip_prefix('$') {
            let (piece, tail) = match (after.strip_prefix('$'), reference(after)) {
                (Some(tail), _) => (Piece::Text("$"), tail),
                (None, Some((name, tail))) => (Piece::Group(name), tail),
                (None, None) => (Piece::Text("$"), after),
            };
            rest = tail;
            return Some(piece);
        }
        let length = rest.find('$').unwrap_or(rest.len());
        let (text, tail) = rest.split_at_checked(length).filter(|(text, _)| !text.is_empty())?;
        rest = tail;
        Some(Piece::Text(text))
    })
}

/// The name behind a dollar sign, and what follows it.
fn reference(text: &str) -> Option<(&str, &str)> {
    let braced = text.strip_prefix('{');
    let start = braced.unwrap_or(text);
    let tail = start.trim_start_matches(is_word_character);
    let name = start.strip_suffix(tail).filter(|name| !name.is_empty())?;
    let tail = if braced.is_some() { tail.strip_prefix('}')? } else { tail };
    Some((name, tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_are_replaced_as_go_does() {
        for (pattern, text, target, replaced) in [
            ("a*", "baac", "<$0>", "<>b<aa>c<>"),
            ("", "ab", "-", "-a-b-"),
            (r"\b", "ab é", "|", "|ab| é"),
            ("(?P<x>a)(b)?", "ab a", "[$x$2$1_$$]", "[ab$] [a$]"),
            ("a", "a", "${", "${"),
            ("(?P<01>a)", "a", "$01-$00-$1", "a--a"),
            ("(?P<n>a)|(?P<n>b)", "ab", "<$n>", "<a><b>"),
            ("^prod-(.*)$", "prod-db", "$1", "db"),
            ("(a)", "a", "$1x ${1}x $1000000000", " ax "),
        ] {
            assert_eq!(
                Matcher::new(pattern).unwrap().replace_all(text, target),
                replaced,
                "{pattern} {target}"
            );
        }
    }
}

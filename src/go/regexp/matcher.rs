//! Takes a regular expression in Go's syntax and finds and replaces with it as Go's `MatchString` and
//! `ReplaceAllString` do.

use super::replacement::{Piece, pieces};
use super::{RegexpError, parse};
use regex::{Captures, Regex, RegexBuilder};
use std::ops::Range;

/// The most bytes of a compiled expression, as the regex crate has it by itself.
const LARGEST: usize = 10 << 20;

/// A compiled expression.
#[derive(Debug, Clone)]
pub struct Matcher {
    regex: Regex,
    states: usize,
    /// Each name with the number of its group; a name may be used twice.
    names: Vec<(String, usize)>,
}

impl Matcher {
    /// Compiles an expression.
    ///
    /// # Errors
    /// What Go refuses, and what is too large for the regex crate.
    pub fn new(pattern: &str) -> Result<Self, RegexpError> {
        Self::within(pattern, LARGEST)
    }

    /// The same, for an expression that takes at most so many bytes, compiled.
    ///
    /// # Errors
    /// As of [`Matcher::new`].
    pub fn within(pattern: &str, most: usize) -> Result<Self, RegexpError> {
        let parsed = parse(pattern)?;
        let regex = RegexBuilder::new(parsed.translated()).size_limit(most).build();
        let regex = regex.map_err(|_| RegexpError::Unsupported("repetitions that make it too large"))?;
        Ok(Self { regex, states: parsed.states(), names: parsed.names })
    }

    /// About how many steps it takes at most to find every match in a text: it may be looked through to its end once for
    /// each, in all states of the expression.
    pub fn steps(&self, text: &str) -> usize {
        text.len().saturating_mul(text.len()).saturating_mul(self.states)
    }

    /// Whether the text has a match anywhere.
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// The text with every match replaced; `$1`, `$name` and `${name}` in the target stand for groups. None if that has more
    /// than `most` bytes.
    pub fn replace_all(&self, text: &str, target: &str, most: usize) -> Option<String> {
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
                Piece::Reference(name) => out.push_str(self.group(groups, name).unwrap_or_default()),
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
                Matcher::new(pattern).unwrap().replace_all(text, target, usize::MAX).as_deref(),
                Some(replaced),
                "{pattern} {target}"
            );
        }
    }
}

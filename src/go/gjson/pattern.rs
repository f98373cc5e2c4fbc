//! Takes a text and a pattern of `*` and `?` and says whether they match, by the rules of tidwall's match v1.1.1. That
//! one tries every place for every star and gives up after 10,000 tries for each byte of the text. It needs so many only
//! where nothing matches: what stands between two stars is found at its first place or not at all. So only that place
//! is looked for here.

use super::{Evaluator, GjsonError};
use crate::go::rune;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Item {
    Any,
    Literal(char),
    /// A backslash at the end of the pattern.
    Dangling,
}

impl Item {
    fn takes(self, c: char) -> bool {
        self == Self::Any || self == Self::Literal(c)
    }
}

/// Whether the whole text matches.
pub(super) fn matches(evaluator: &mut Evaluator, text: &[u8], pattern: &[u8]) -> Result<bool, GjsonError> {
    let mut segments = split(pattern);
    let longest = segments.iter().map(Vec::len).max().unwrap_or_default();
    // A segment is compared up to its first difference, which rarely is its last character.
    evaluator.charge(text.len().saturating_mul(1 + longest / 16).saturating_add(pattern.len()))?;
    let text: Vec<char> = rune::all(text).map(|(c, _)| c).collect();
    let Some(last) = segments.pop() else { return Ok(false) };
    let Some((first, between)) = segments.split_first() else {
        return Ok(last.len() == text.len() && starts(&text, &last));
    };
    if !starts(&text, first) {
        return Ok(false);
    }
    let middle = text.get(first.len()..).and_then(|rest| without_end(rest, &last));
    Ok(middle.is_some_and(|middle| has_in_order(middle, between)))
}

/// The pattern split at its stars.
fn split(pattern: &[u8]) -> Vec<Vec<Item>> {
    let mut segments = vec![];
    let mut segment = vec![];
    let mut characters = rune::all(pattern).map(|(c, _)| c);
    let mut follows_star = false;
    while let Some(c) = characters.next() {
        let is_star = c == '*';
        match c {
            '*' if follows_star => {}
            '*' => segments.push(std::mem::take(&mut segment)),
            '?' => segment.push(Item::Any),
            '\\' => segment.push(characters.next().map_or(Item::Dangling, Item::Literal)),
            _ => segment.push(Item::Literal(c)),
        }
        follows_star = is_star;
    }
    segments.push(segment);
    segments
}

fn starts(text: &[char], segment: &[Item]) -> bool {
    text.len() >= segment.len() && text.iter().zip(segment).all(|(c, item)| item.takes(*c))
}

/// The text without what the last segment matches at its end.
fn without_end<'t>(text: &'t [char], last: &[Item]) -> Option<&'t [char]> {
    let rest = text.get(..text.len().checked_sub(last.len())?)?;
    let end = text.get(rest.len()..)?;
    // Read backwards, a backslash at the end stands for itself.
    let fits = |(c, item): (&char, &Item)| item.takes(*c) || *item == Item::Dangling && *c == '\\';
    end.iter().zip(last).all(fits).then_some(rest)
}

/// Whether the segments occur in the text one behind the other.
fn has_in_order(text: &[char], segments: &[Vec<Item>]) -> bool {
    let mut rest = text;
    for segment in segments {
        let place = (0..=rest.len()).find(|at| rest.get(*at..).is_some_and(|rest| starts(rest, segment)));
        let Some(behind) = place.and_then(|at| rest.get(at + segment.len()..)) else { return false };
        rest = behind;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::go::gjson::WORK;

    fn found(text: &str, pattern: &str) -> bool {
        matches(&mut Evaluator { left: WORK }, text.as_bytes(), pattern.as_bytes()).unwrap()
    }

    #[test]
    fn stars_are_any_text_and_marks_any_character() {
        for (text, pattern) in [
            ("", ""),
            ("", "*"),
            ("", "**"),
            ("abc", "a*c"),
            ("abc", "a?c"),
            ("aßc", "a?c"),
            ("abc", "*"),
            ("abcbc", "*bc"),
            ("a*c", r"a\*c"),
            ("abcabd", "*b*d"),
            ("abc", "***c"),
            (r"xa\", r"*a\"),
            ("a/b/c", "*/*/*"),
            ("aab", "*ab"),
        ] {
            assert!(found(text, pattern), "{text} {pattern}");
        }
        for (text, pattern) in [
            ("a", ""),
            ("", "?"),
            ("abc", "a*d"),
            ("abc", "?"),
            ("abc", r"a\*c"),
            ("ab", "a*bb"),
            (r"a\", r"a\"),
            ("ab", "*b*b"),
        ] {
            assert!(!found(text, pattern), "{text} {pattern}");
        }
    }

    #[test]
    fn hostile_patterns_take_a_moment() {
        let text = "a".repeat(1 << 16);
        assert!(!found(&text, &format!("{}*b*", "*a".repeat(500))));
        assert!(!found(&text, &format!("*{}b*", "a".repeat(1000))));
        assert!(found(&text, &format!("{}*", "*a".repeat(500))));
    }
}

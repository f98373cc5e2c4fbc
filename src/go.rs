//! What Go would make of the texts in a manifest (durations, regular expressions, templates, cron schedules, gjson
//! paths) and of the documents in secrets (JSON, read by gjson and written by sjson), without Go. Every function here is
//! pure, cannot panic, and is done in bounded time on any input.

pub mod cron;
pub mod duration;
pub mod float;
pub mod gjson;
pub mod json;
pub mod regexp;
mod rune;
pub mod template;

use regex_syntax::hir::{Class, HirKind};
use std::cmp::Ordering;
use std::sync::LazyLock;

/// The most characters of an input that an error message repeats.
const EXCERPT: usize = 40;

/// The text as an error message shows it: in backquotes unless it has some, control characters escaped, cut when
/// long.
fn excerpt(text: &str) -> String {
    let quote = if text.contains('`') { '"' } else { '`' };
    let mut shown = String::from(quote);
    for (count, c) in text.chars().enumerate() {
        if count == EXCERPT {
            shown.push('…');
            break;
        }
        if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown.push(quote);
    shown
}

/// Whether Go takes the character for a letter, a digit or an underscore, as in the names of a template.
fn is_word_character(c: char) -> bool {
    c == '_' || c.is_ascii_alphanumeric() || !c.is_ascii() && contains(&LETTERS_AND_DIGITS, c)
}

/// Whether Go takes the character for a letter or a number of any kind.
pub fn is_letter_or_number(c: char) -> bool {
    c.is_ascii_alphanumeric() || !c.is_ascii() && contains(&LETTERS_AND_NUMBERS, c)
}

fn contains(ranges: &[(char, char)], c: char) -> bool {
    let side = |&(low, high): &(char, char)| match () {
        () if high < c => Ordering::Less,
        () if low > c => Ordering::Greater,
        () => Ordering::Equal,
    };
    ranges.binary_search_by(side).is_ok()
}

// Go 1.26 has Unicode 15. `char::is_alphanumeric` has combining marks too.
static LETTERS_AND_DIGITS: LazyLock<Vec<(char, char)>> =
    LazyLock::new(|| ranges(r"[[\p{L}\p{Nd}]&&\p{age=15.0}]"));
static LETTERS_AND_NUMBERS: LazyLock<Vec<(char, char)>> =
    LazyLock::new(|| ranges(r"[[\p{L}\p{N}]&&\p{age=15.0}]"));

fn ranges(class: &str) -> Vec<(char, char)> {
    match regex_syntax::Parser::new().parse(class).map(|hir| hir.into_kind()) {
        Ok(HirKind::Class(Class::Unicode(class))) => class.iter().map(|r| (r.start(), r.end())).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn word_characters_are_letters_and_digits() {
        for c in ['a', 'Z', '0', '_', 'ß', '日', 'Δ', '٣'] {
            assert!(is_word_character(c), "{c}");
        }
        for c in ['-', '.', '½', 'Ⅳ', '\u{300}', '\u{10d4a}', '€'] {
            assert!(!is_word_character(c), "{c}");
        }
        for c in ['½', 'Ⅳ', '٣', 'ß'] {
            assert!(is_letter_or_number(c), "{c}");
        }
        for c in ['_', '\u{300}', '€', '-'] {
            assert!(!is_letter_or_number(c), "{c}");
        }
    }

    #[test]
    fn excerpts_are_short_and_printable() {
        assert_eq!(excerpt(r"\d"), r"`\d`");
        assert_eq!(excerpt("a\nb\u{1b}"), r"`a\nb\u{1b}`");
        assert_eq!(excerpt("`a"), "\"`a\"");
        let long = excerpt(&"ß".repeat(1000));
        assert_eq!(long, format!("`{}…`", "ß".repeat(EXCERPT)));
    }
}

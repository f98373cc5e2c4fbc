//! What Go would make of the texts in a manifest: durations, regular expressions, templates, cron schedules and
//! gjson paths, judged without Go. Every function here is pure, cannot panic and takes time linear in its input.

pub mod cron;
pub mod duration;
pub mod gjson;
pub mod regexp;
pub mod template;

use regex_syntax::hir::{Class, HirKind};
use std::cmp::Ordering;
use std::sync::LazyLock;

/// The most characters of an input that an error message repeats.
const EXCERPT: usize = 40;

/// The text as an error message shows it: in backquotes, control characters escaped, cut when long.
fn excerpt(text: &str) -> String {
    let mut shown = String::from("`");
    for (count, c) in text.chars().enumerate() {
        if count == EXCERPT {
            shown.push('…');
            break;
        }
        if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown.push('`');
    shown
}

/// The known name that is at most two edits away from an unknown one, whatever the case.
fn closest<'n>(unknown: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    // The distance takes time in the product of the lengths.
    if unknown.len() > EXCERPT {
        return None;
    }
    let unknown = unknown.to_ascii_lowercase();
    known
        .filter(|name| name.len().abs_diff(unknown.len()) <= 2)
        .map(|name| (strsim::osa_distance(&unknown, &name.to_ascii_lowercase()), name))
        .filter(|(distance, name)| *distance <= 2 && *distance < name.len())
        .min()
        .map(|(_, name)| name)
}

/// Whether Go takes the character for a letter, a digit or an underscore, as in the names of a template.
fn is_word_character(c: char) -> bool {
    if c.is_ascii() {
        return c == '_' || c.is_ascii_alphanumeric();
    }
    let side = |&(low, high): &(char, char)| match () {
        () if high < c => Ordering::Less,
        () if low > c => Ordering::Greater,
        () => Ordering::Equal,
    };
    LETTERS.binary_search_by(side).is_ok()
}

/// Go's letters and digits: Go 1.26 has Unicode 15. `char::is_alphanumeric` has combining marks too.
static LETTERS: LazyLock<Vec<(char, char)>> = LazyLock::new(|| {
    let class =
        regex_syntax::Parser::new().parse(r"[[\p{L}\p{Nd}]&&\p{age=15.0}]").map(|hir| hir.into_kind());
    match class {
        Ok(HirKind::Class(Class::Unicode(class))) => class.iter().map(|r| (r.start(), r.end())).collect(),
        _ => Vec::new(),
    }
});

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
    }

    #[test]
    fn excerpts_are_short_and_printable() {
        assert_eq!(excerpt(r"\d"), r"`\d`");
        assert_eq!(excerpt("a\nb\u{1b}"), r"`a\nb\u{1b}`");
        let long = excerpt(&"ß".repeat(1000));
        assert_eq!(long, format!("`{}…`", "ß".repeat(EXCERPT)));
    }

    #[test]
    fn the_closest_name_is_at_most_two_edits_away() {
        let known = || ["toJson", "toYaml", "b64enc", "b64dec", "or"].into_iter();
        assert_eq!(closest("toJSON", known()), Some("toJson"));
        assert_eq!(closest("b64ecn", known()), Some("b64enc"));
        assert_eq!(closest("base64", known()), None);
        assert_eq!(closest("x", known()), None);
        assert_eq!(closest(&"a".repeat(1_000_000), known()), None);
    }
}

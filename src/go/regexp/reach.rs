//! How many texts an expression can match: one, few that it spells out, or any number.

use regex_syntax::hir::{Class, Hir, HirKind};

use super::GoRegexp;

impl GoRegexp {
    /// Whether it has a part that stands for texts which it does not spell out: a class, a dot, an open repetition.
    pub fn is_open(&self) -> bool {
        regex_syntax::parse(self.translated()).is_ok_and(|hir| has_open_part(&hir))
    }

    /// Whether there is one text that it matches, and no other. Errs towards false.
    pub fn is_one_text(&self) -> bool {
        self.is_anchored() && regex_syntax::parse(self.translated()).is_ok_and(|hir| is_spelt_out(&hir))
    }
}

fn is_spelt_out(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Literal(_) | HirKind::Look(_) => true,
        HirKind::Class(_) | HirKind::Alternation(_) => false,
        HirKind::Repetition(repetition) => {
            repetition.max == Some(repetition.min) && is_spelt_out(&repetition.sub)
        }
        HirKind::Capture(capture) => is_spelt_out(&capture.sub),
        HirKind::Concat(parts) => parts.iter().all(is_spelt_out),
    }
}

fn has_open_part(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Literal(_) | HirKind::Look(_) => false,
        // `(?i)k` is a class of two.
        HirKind::Class(class) => !is_one_letter(class),
        HirKind::Repetition(repetition) => repetition.max.is_none() || has_open_part(&repetition.sub),
        HirKind::Capture(capture) => has_open_part(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(has_open_part),
    }
}

/// A letter in both cases.
fn is_one_letter(class: &Class) -> bool {
    let letters: Vec<char> = match class {
        Class::Unicode(class) => class.iter().flat_map(|range| range.start()..=range.end()).take(4).collect(),
        Class::Bytes(class) => {
            class.iter().flat_map(|range| range.start()..=range.end()).map(char::from).take(4).collect()
        }
    };
    let fold = |c: &char| c.to_uppercase().flat_map(char::to_lowercase).collect::<String>();
    letters.len() <= 3 && letters.windows(2).all(|pair| matches!(pair, [a, b] if fold(a) == fold(b)))
}

#[cfg(test)]
mod tests {
    use crate::go::regexp::parse;

    #[test]
    fn one_text_is_told_from_more() {
        for pattern in ["^prod/db/password$", r"^tls\.crt$", r"\Aa\z", "^(a)(?:b)$", "^a{3}$", "^$", "^[a]b$"]
        {
            assert!(parse(pattern).unwrap().is_one_text(), "{pattern}");
        }
        for pattern in
            ["tls.crt", "^tls.crt$", "^a", "^a|b$", "^(a|b)$", "^ab?$", "(?i)^a$", "^a{1,2}$", "^a+$", ""]
        {
            assert!(!parse(pattern).unwrap().is_one_text(), "{pattern}");
        }
    }

    #[test]
    fn what_is_spelt_out_is_not_open() {
        for pattern in [r"^tls\.crt$", "^ca-?bundle$", "^(user|username)$", "", "(?i)^token$", "^a{3}$"] {
            assert!(!parse(pattern).unwrap().is_open(), "{pattern}");
        }
        for pattern in ["^tls.crt$", "^[a-z]$", "^a+$", "^(a*|b)$", r"^\d$", "^a(b.)?$"] {
            assert!(parse(pattern).unwrap().is_open(), "{pattern}");
        }
    }
}

//! Upper and lower case, and the ways of writing words as one name. The rules are Go's, for one character at a time, and
//! for `camelcase`, `snakecase` and `kebabcase` those of xstrings, which sprig calls.

use super::classes::{is_letter, is_number, is_printable, is_punctuation, is_upper};

pub(super) fn upper(text: &str) -> String {
    text.chars().map(to_upper).collect()
}

pub(super) fn lower(text: &str) -> String {
    text.chars().map(to_lower).collect()
}

/// The first letter of each word in upper case.
pub(super) fn title(text: &str) -> String {
    let mut before = ' ';
    let mut word_starts = |c| {
        let starts = is_separator(before);
        before = c;
        starts
    };
    text.chars().map(|c| if word_starts(c) { to_title(c) } else { c }).collect()
}

/// The first letter of each word in lower case.
pub(super) fn untitle(text: &str) -> String {
    let mut is_first = true;
    let one = |c: char| {
        let is_space = c.is_whitespace();
        let changes = is_first && !is_space;
        is_first = is_space;
        if changes { to_lower(c) } else { c }
    };
    text.chars().map(one).collect()
}

fn to_upper(c: char) -> char {
    match c {
        'ᾀ'..='ᾇ' | 'ᾐ'..='ᾗ' | 'ᾠ'..='ᾧ' => char::from_u32(u32::from(c) + 8).unwrap_or(c),
        'ᾳ' | 'ῃ' | 'ῳ' => char::from_u32(u32::from(c) + 9).unwrap_or(c),
        _ => single(c, c.to_uppercase()),
    }
}

fn to_lower(c: char) -> char {
    match c {
        'İ' => 'i',
        _ => single(c, c.to_lowercase()),
    }
}

fn to_title(c: char) -> char {
    match c {
        'Ǆ'..='ǆ' => 'ǅ',
        'Ǉ'..='ǉ' => 'ǈ',
        'Ǌ'..='ǌ' => 'ǋ',
        'Ǳ'..='ǳ' => 'ǲ',
        'ა'..='ჿ' => c,
        _ => to_upper(c),
    }
}

/// Go changes no character into several, and knows none that came after Unicode 15.
fn single(c: char, mut changed: impl Iterator<Item = char>) -> char {
    match (changed.next(), changed.next()) {
        (Some(one), None) if c.is_ascii() || is_printable(c) && is_printable(one) => one,
        _ => c,
    }
}

fn is_separator(c: char) -> bool {
    match c {
        '_' => false,
        _ if c.is_ascii() => !c.is_ascii_alphanumeric(),
        _ => !crate::go::is_word_character(c) && c.is_whitespace(),
    }
}

/// `the-name` and `the_name` as `TheName`.
pub(super) fn camel(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    let Some(mut held) = characters.by_ref().find(|c| {
        let leads = is_connector(*c);
        out.extend(leads.then_some(*c));
        !leads
    }) else {
        // xstrings writes the last one twice.
        out.extend(text.chars().next_back());
        return out;
    };
    let mut after_upper = is_upper(held);
    held = to_upper(held);
    for c in characters {
        let mut next = c;
        if is_connector(held) && is_connector(c) {
            out.push(held);
        } else if is_connector(held) {
            after_upper = is_upper(c);
            next = to_upper(c);
        } else {
            after_upper &= is_upper(c);
            if after_upper {
                next = to_lower(c);
            }
            out.push(held);
        }
        held = next;
    }
    out.push(held);
    out
}

/// `TheName` as `the_name` or `the-name`.
pub(super) fn separated(text: &str, connector: char) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut words = Words { rest: &characters, connector, out: String::with_capacity(text.len() + 8) };
    let (mut kind, mut word) = words.next();
    while !words.rest.is_empty() {
        if kind != Kind::Connector {
            words.write(kind, word);
        }
        let (before, last) = (kind, word);
        (kind, word) = words.next();
        match before {
            Kind::Connector => words.write(before, last),
            Kind::Punctuation => {}
            Kind::Number => (kind, word) = words.glued(kind, word),
            _ if kind != Kind::Number => words.connect(kind),
            _ if words.rest.is_empty() => {}
            _ => {
                let number = word;
                (kind, word) = words.next();
                if kind == Kind::Lower {
                    // Small letters behind a number are one with it: http_2xx.
                    words.out.push(connector);
                    words.write(Kind::Number, number);
                    (kind, word) = words.glued(kind, word);
                } else {
                    words.write(Kind::Number, number);
                    words.connect(kind);
                }
            }
        }
    }
    words.write(kind, word);
    words.out
}

/// What a word is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// There is no word.
    End,
    Number,
    Upper,
    /// May have a capital first.
    Lower,
    Connector,
    Punctuation,
    Other,
}

struct Words<'c> {
    rest: &'c [char],
    connector: char,
    out: String,
}

impl<'c> Words<'c> {
    fn next(&mut self) -> (Kind, &'c [char]) {
        let (kind, length) = first_word(self.rest);
        let (word, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, &[]));
        self.rest = rest;
        (kind, word)
    }

    fn write(&mut self, kind: Kind, word: &[char]) {
        self.out.extend(word.iter().map(|&c| match kind {
            Kind::Connector => self.connector,
            Kind::Upper => to_lower_if_upper(c),
            _ => c,
        }));
    }

    /// Between two words; not in front of what separates by itself.
    fn connect(&mut self, next: Kind) {
        if !matches!(next, Kind::Connector | Kind::Punctuation) {
            self.out.push(self.connector);
        }
    }

    /// Writes what belongs to the number before, and gives the next word.
    fn glued(&mut self, mut kind: Kind, mut word: &'c [char]) -> (Kind, &'c [char]) {
        while matches!(kind, Kind::Lower | Kind::Number) {
            self.write(kind, word);
            (kind, word) = self.next();
        }
        if kind != Kind::End {
            self.connect(kind);
        }
        (kind, word)
    }
}

fn to_lower_if_upper(c: char) -> char {
    if is_upper(c) { to_lower(c) } else { c }
}

fn first_word(text: &[char]) -> (Kind, usize) {
    let Some((&first, rest)) = text.split_first() else { return (Kind::End, 0) };
    let run = |belongs: fn(char) -> bool| 1 + rest.iter().take_while(|c| belongs(**c)).count();
    match first {
        _ if is_connector(first) => (Kind::Connector, run(is_connector)),
        _ if is_punctuation(first) => (Kind::Punctuation, run(is_punctuation)),
        _ if is_upper(first) => {
            let capitals = run(is_upper);
            let is_followed = text.get(capitals).copied().is_some_and(is_alphabetic);
            match capitals {
                // A capital alone takes the small letters behind it; it stays a word of capitals.
                1 => (Kind::Upper, run(is_small)),
                // Of HTTPStatus, the S belongs to the next one.
                _ => (Kind::Upper, capitals - usize::from(is_followed)),
            }
        }
        _ if is_small(first) => (Kind::Lower, run(is_small)),
        _ if is_number(first) => (Kind::Number, run(is_number)),
        _ => (
            Kind::Other,
            run(|c| !is_connector(c) && !is_alphabetic(c) && !is_number(c) && !is_punctuation(c)),
        ),
    }
}

/// A letter that is no capital.
fn is_small(c: char) -> bool {
    is_alphabetic(c) && !is_upper(c)
}

fn is_connector(c: char) -> bool {
    c == '-' || c == '_' || c.is_whitespace()
}

/// A letter, but of Chinese writing.
fn is_alphabetic(c: char) -> bool {
    is_letter(c)
        && !matches!(c, '\u{3400}'..='\u{4d85}' | '\u{4e00}'..='\u{9fcc}' | '\u{20000}'..='\u{2b81d}')
}

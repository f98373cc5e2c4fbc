//! Takes an escape sequence from the cursor and adds its translation. Go's classes are written out as ranges, because
//! those of the regex crate hold all of Unicode.

use super::class::Items;
use super::parser::{Parser, push_literal};
use super::shape::Shape;
use super::{RegexpError, excerpt, names};

impl<'t> Parser<'t> {
    /// A backslash outside of a class.
    pub(super) fn escape(&mut self) -> Result<(), RegexpError> {
        match self.rest.as_bytes().get(1) {
            Some(b'A') => self.token(2, r"\A", Shape::TEXT_START),
            Some(b'z') => self.token(2, r"\z", Shape::TEXT_END),
            Some(b'b') => self.token(2, r"(?-u:\b)", Shape::WORD_BOUNDARY),
            Some(b'B') => self.token(2, r"(?-u:\B)", Shape::WORD_BOUNDARY),
            Some(b'Q') => self.quotation(),
            _ => {
                let mut items = Items::default();
                self.sync_case();
                let start = self.out.len();
                if !self.shorthand(&mut items, false)? {
                    let c = self.escaped_character()?;
                    push_literal(&mut self.out, c);
                }
                self.part(start, items.shape(false));
            }
        }
        Ok(())
    }

    /// `\Q…\E`, or up to the end of the pattern.
    fn quotation(&mut self) {
        self.skip(2);
        let (literal, rest) = self.rest.split_once(r"\E").unwrap_or((self.rest, ""));
        self.rest = rest;
        literal.chars().for_each(|c| self.character(c));
    }

    /// `\d`, `\pL` and their like. False when there is none.
    pub(super) fn shorthand(&mut self, items: &mut Items, in_class: bool) -> Result<bool, RegexpError> {
        let Some(name @ (b'p' | b'P' | b'd' | b'D' | b's' | b'S' | b'w' | b'W')) =
            self.rest.as_bytes().get(1).filter(|_| self.rest.starts_with('\\'))
        else {
            return Ok(false);
        };
        let negated = name.is_ascii_uppercase();
        let ranges = match name.to_ascii_lowercase() {
            b'd' => r"0-9",
            b's' => r"\t\n\f\r ",
            b'w' => r"0-9A-Za-z_",
            _ => return self.unicode_class(negated).map(|()| true),
        };
        items.saw(*name);
        self.skip(2);
        self.push_ranges(ranges, negated, in_class);
        Ok(true)
    }

    pub(super) fn push_ranges(&mut self, ranges: &str, negated: bool, in_class: bool) {
        let brackets = negated || !in_class;
        if brackets {
            self.out.push('[');
        }
        if negated {
            self.out.push('^');
        }
        self.out.push_str(ranges);
        if brackets {
            self.out.push(']');
        }
    }

    /// `\pN`, `\p{Name}`, `\p{^Name}`, and the same with a capital P.
    fn unicode_class(&mut self, capital: bool) -> Result<(), RegexpError> {
        let class = self.rest;
        self.skip(2);
        let name = match self.rest.strip_prefix('{') {
            Some(braced) => {
                let unclosed = || RegexpError::UnknownClass(excerpt(class));
                let (name, rest) = braced.split_once('}').ok_or_else(unclosed)?;
                self.rest = rest;
                name
            }
            None => {
                let length = self.rest.chars().next().map_or(0, char::len_utf8);
                let name = self.rest.get(..length).unwrap_or_default();
                self.skip(length);
                name
            }
        };
        let plain = name.strip_prefix('^').unwrap_or(name);
        let spelling = names::find(plain).ok_or_else(|| RegexpError::UnknownClass(self.since(class)))?;
        let negated = capital != (plain != name);
        self.out.push_str(match (spelling, negated) {
            // Surrogates; no text has them.
            ("gc=Cs", false) => r"[^\x{0}-\x{10FFFF}]",
            ("gc=Cs", true) => r"[\x{0}-\x{10FFFF}]",
            (_, false) => r"\p{",
            (_, true) => r"\P{",
        });
        if spelling != "gc=Cs" {
            self.out.push_str(spelling);
            self.out.push('}');
        }
        Ok(())
    }

    /// The character for which a backslash and what follows stand.
    pub(super) fn escaped_character(&mut self) -> Result<char, RegexpError> {
        let escape = self.rest;
        self.skip(1);
        let c = self.rest.chars().next().ok_or(RegexpError::TrailingBackslash)?;
        self.skip(c.len_utf8());
        let code = match c {
            '1'..='7' if !self.rest.starts_with(|c| matches!(c, '0'..='7')) => None,
            '0'..='7' => Some(self.octal(c)),
            'x' => self.hexadecimal(),
            'a' => Some(7),
            'f' => Some(12),
            'n' => Some(10),
            'r' => Some(13),
            't' => Some(9),
            'v' => Some(11),
            _ if c.is_ascii() && !c.is_ascii_alphanumeric() => Some(u32::from(c)),
            _ => None,
        };
        match (code, c) {
            (Some(code), _) => char::from_u32(code).ok_or(RegexpError::Unsupported("a surrogate")),
            (None, '1'..='9') => Err(RegexpError::Backreference(self.since(escape))),
            (None, _) => Err(RegexpError::InvalidEscape { escape: self.since(escape), advice: advice(c) }),
        }
    }

    /// Up to three octal digits, of which the first is given.
    fn octal(&mut self, first: char) -> u32 {
        let mut code = first.to_digit(8).unwrap_or_default();
        for _ in 0..2 {
            let Some(digit) = self.rest.chars().next().and_then(|c| c.to_digit(8)) else { break };
            code = code * 8 + digit;
            self.skip(1);
        }
        code
    }

    /// Two hexadecimal digits, or any number of them in braces.
    fn hexadecimal(&mut self) -> Option<u32> {
        let digits = match self.rest.strip_prefix('{') {
            Some(braced) => {
                let (digits, rest) = braced.split_once('}')?;
                self.rest = rest;
                digits
            }
            None => {
                let digits = self.rest.get(..2)?;
                self.skip(2);
                digits
            }
        };
        let code = digits.chars().try_fold(0_u32, |code, digit| {
            (code * 16).checked_add(digit.to_digit(16)?).filter(|code| *code <= u32::from(char::MAX))
        })?;
        (!digits.is_empty()).then_some(code)
    }
}

const fn advice(escaped: char) -> &'static str {
    match escaped {
        'Z' => r"; the end of the text is \z",
        'G' | 'K' => "; Go has no such assertion",
        'h' | 'H' => r"; write [\t ] for horizontal space",
        'R' => r"; write \r?\n for the end of a line",
        'e' => r"; write \x1b for the escape character",
        'u' | 'U' | 'x' => r"; a code point is written as \x{2603} or \x41",
        _ => "",
    }
}

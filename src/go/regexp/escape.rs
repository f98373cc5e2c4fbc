//! Takes an escape sequence or a class in brackets from the cursor and adds its translation. Go's classes are
//! written out as ranges, because those of the regex crate hold all of Unicode.

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

    /// A class in brackets.
    pub(super) fn class(&mut self) -> Result<(), RegexpError> {
        let class = self.rest;
        self.sync_case();
        let start = self.out.len();
        self.skip(1);
        self.out.push('[');
        let negated = self.rest.starts_with('^');
        if negated {
            self.skip(1);
            self.out.push('^');
        }
        let mut items = Items::default();
        // The first bracket is a literal.
        while items.count == 0 || !self.rest.starts_with(']') {
            if self.rest.is_empty() {
                return Err(RegexpError::UnclosedClass(excerpt(class)));
            }
            items.count += 1;
            if !self.named_class(&mut items)? && !self.shorthand(&mut items, true)? {
                self.range(class, &mut items)?;
            }
        }
        self.skip(1);
        self.out.push(']');
        self.part(start, items.shape(negated));
        Ok(())
    }

    /// `[:alpha:]` or `[:^alpha:]` inside a class. False when there is none.
    fn named_class(&mut self, items: &mut Items) -> Result<bool, RegexpError> {
        let class = self.rest;
        let Some(after) = class.strip_prefix("[:").filter(|_| !items.no_more_named) else { return Ok(false) };
        let Some((name, rest)) = after.split_once(":]") else {
            // Looking again behind every bracket would take quadratic time.
            items.no_more_named = true;
            return Ok(false);
        };
        self.rest = rest;
        let plain = name.strip_prefix('^').unwrap_or(name);
        let ranges = posix_ranges(plain).ok_or_else(|| RegexpError::UnknownClass(self.since(class)))?;
        self.push_ranges(ranges, plain != name, true);
        Ok(true)
    }

    /// `\d`, `\pL` and their like. False when there is none.
    fn shorthand(&mut self, items: &mut Items, in_class: bool) -> Result<bool, RegexpError> {
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

    fn push_ranges(&mut self, ranges: &str, negated: bool, in_class: bool) {
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

    /// A character or a range inside `class`.
    fn range(&mut self, class: &str, items: &mut Items) -> Result<(), RegexpError> {
        let range = self.rest;
        let low = self.class_character(class)?;
        let mut high = low;
        if self.rest.starts_with('-') && self.rest.len() > 1 && !self.rest.starts_with("-]") {
            self.skip(1);
            high = self.class_character(class)?;
            if high < low {
                return Err(RegexpError::ClassRange(self.since(range)));
            }
        }
        items.newline |= low == '\n' && high == '\n';
        push_literal(&mut self.out, low);
        if high != low {
            self.out.push('-');
            push_literal(&mut self.out, high);
        }
        Ok(())
    }

    fn class_character(&mut self, class: &str) -> Result<char, RegexpError> {
        if self.rest.starts_with('\\') {
            return self.escaped_character();
        }
        let c = self.rest.chars().next().ok_or_else(|| RegexpError::UnclosedClass(excerpt(class)))?;
        self.skip(c.len_utf8());
        Ok(c)
    }

    /// The character for which a backslash and what follows stand.
    fn escaped_character(&mut self) -> Result<char, RegexpError> {
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

/// What a class contains, as far as it matters.
#[derive(Default)]
struct Items {
    count: usize,
    newline: bool,
    seen: u8,
    no_more_named: bool,
}

impl Items {
    fn saw(&mut self, shorthand: u8) {
        self.seen |= match shorthand {
            b'd' => 1,
            b'D' => 2,
            b's' => 4,
            b'S' => 8,
            b'w' => 16,
            _ => 32,
        };
    }

    /// Recognises `[\s\S]` and `[^\n]`.
    const fn shape(&self, negated: bool) -> Shape {
        let complementary = self.seen & (self.seen >> 1) & 0b1_0101 != 0;
        let any = if negated { self.newline && self.count == 1 } else { complementary };
        if any { Shape::ANY_CHARACTER } else { Shape::CHARACTER }
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

fn posix_ranges(name: &str) -> Option<&'static str> {
    Some(match name {
        "alnum" => "0-9A-Za-z",
        "alpha" => "A-Za-z",
        "ascii" => r"\x00-\x7F",
        "blank" => r"\t ",
        "cntrl" => r"\x00-\x1F\x7F",
        "digit" => "0-9",
        "graph" => "!-~",
        "lower" => "a-z",
        "print" => " -~",
        "punct" => r"!-/:-@\[-`{-~",
        "space" => r"\t-\r ",
        "upper" => "A-Z",
        "word" => "0-9A-Za-z_",
        "xdigit" => "0-9A-Fa-f",
        _ => return None,
    })
}

//! Takes a class in brackets from the cursor and adds its translation. What is an operator inside the classes of the
//! regex crate is a literal in Go's.

use super::parser::{Parser, push_literal};
use super::shape::Shape;
use super::{RegexpError, excerpt};

impl Parser<'_> {
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
}

/// What a class contains, as far as it matters.
#[derive(Default)]
pub(super) struct Items {
    count: usize,
    newline: bool,
    seen: u8,
    no_more_named: bool,
}

impl Items {
    pub(super) fn saw(&mut self, shorthand: u8) {
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
    pub(super) const fn shape(&self, negated: bool) -> Shape {
        let complementary = self.seen & (self.seen >> 1) & 0b1_0101 != 0;
        let any = if negated { self.newline && self.count == 1 } else { complementary };
        if any { Shape::ANY_CHARACTER } else { Shape::CHARACTER }
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

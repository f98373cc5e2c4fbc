//! Takes a regular expression in Go's syntax and gives it in the regex crate's, or says why Go refuses it.
//! The rule is `regexp/syntax.Parse` with the flags of `regexp.Compile`, one token at a time.

use super::shape::Shape;
use super::{RegexpError, excerpt};

/// The deepest nesting of groups; the regex crate stops there too. Go goes to 1000.
pub(super) const DEPTH: usize = 250;
/// The highest repetition count, also when nested ones are multiplied.
const COPIES: u32 = 1000;
/// Go's limit on the instructions of a compiled expression.
const SIZE: u64 = (128 << 20) / 40;

/// What a parse yields.
pub(super) struct Parsed {
    pub(super) translated: String,
    pub(super) shape: Shape,
    pub(super) groups: usize,
    /// Each name with the number of its group.
    pub(super) names: Vec<(String, usize)>,
}

pub(super) fn parse(pattern: &str) -> Result<Parsed, RegexpError> {
    Parser::new(pattern).run()
}

pub(super) struct Parser<'t> {
    /// What is not parsed yet.
    pub(super) rest: &'t str,
    /// The translation.
    pub(super) out: String,
    pub(super) flags: Flags,
    /// Whether the translation ignores case at its end; it catches up with `flags` only before a character.
    pub(super) folds: bool,
    /// The groups around the current one.
    pub(super) outer: Vec<Group>,
    pub(super) group: Group,
    pub(super) groups: usize,
    pub(super) names: Vec<(String, usize)>,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Flags {
    pub(super) ignore_case: bool,
    pub(super) multi_line: bool,
    pub(super) dot_all: bool,
    pub(super) lazy: bool,
}

/// A group that is still open.
pub(super) struct Group {
    /// Where it starts in the translation.
    pub(super) start: usize,
    /// How many groups came before it.
    pub(super) groups_before: usize,
    pub(super) captures: bool,
    /// `Parser::flags` and `Parser::folds` as they were in front of it.
    pub(super) flags: Flags,
    pub(super) folds: bool,
    /// The alternatives before the current one.
    pub(super) alternatives: Option<Shape>,
    /// The current alternative without its last part.
    pub(super) sequence: Shape,
    /// The part that an operator would repeat.
    pub(super) last: Option<Part>,
}

pub(super) struct Part {
    pub(super) start: usize,
    pub(super) groups_before: usize,
    pub(super) shape: Shape,
    pub(super) repetitions: usize,
}

impl Group {
    pub(super) const fn new(
        start: usize,
        groups_before: usize,
        captures: bool,
        flags: Flags,
        folds: bool,
    ) -> Self {
        let sequence = Shape::NOTHING;
        Self { start, groups_before, captures, flags, folds, alternatives: None, sequence, last: None }
    }

    /// Ends the current alternative and joins it to those before.
    pub(super) fn join(&mut self) -> Shape {
        let sequence = std::mem::replace(&mut self.sequence, Shape::NOTHING);
        let alternative = self.last.take().map_or(sequence, |part| sequence.then(part.shape));
        self.alternatives.take().map_or(alternative, |before| before.or(alternative))
    }
}

impl<'t> Parser<'t> {
    fn new(pattern: &'t str) -> Self {
        let flags = Flags::default();
        Self {
            rest: pattern,
            out: String::with_capacity(pattern.len() + 16),
            flags,
            folds: false,
            outer: Vec::new(),
            group: Group::new(0, 0, false, flags, false),
            groups: 0,
            names: Vec::new(),
        }
    }

    fn run(mut self) -> Result<Parsed, RegexpError> {
        // Where the operator in front of the cursor starts: Go refuses another one right behind it.
        let mut operator = None;
        while let Some(c) = self.rest.chars().next() {
            let before = self.rest;
            let previous = operator.take();
            match c {
                '(' => self.open()?,
                ')' => self.close()?,
                '|' => self.bar(),
                '[' => self.class()?,
                '\\' => self.escape()?,
                '^' if self.flags.multi_line => self.token(1, "(?m:^)", Shape::LINE_START),
                '^' => self.token(1, "^", Shape::TEXT_START),
                '$' if self.flags.multi_line => self.token(1, "(?m:$)", Shape::LINE_END),
                '$' => self.token(1, "$", Shape::TEXT_END),
                '.' if self.flags.dot_all => self.token(1, "(?s:.)", Shape::ANY_CHARACTER),
                '.' => self.token(1, ".", Shape::ANY_CHARACTER),
                '*' | '+' | '?' | '{' if self.repetition(previous)? => operator = Some(before),
                _ => {
                    self.skip(c.len_utf8());
                    self.character(c);
                }
            }
        }
        if !self.outer.is_empty() {
            return Err(RegexpError::UnclosedGroup);
        }
        let shape = self.group.join();
        if shape.size > SIZE {
            return Err(RegexpError::TooLarge);
        }
        Ok(Parsed { translated: self.out, shape, groups: self.groups, names: self.names })
    }

    pub(super) fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    /// The text from `before` up to the cursor, for a message.
    pub(super) fn since(&self, before: &str) -> String {
        excerpt(before.strip_suffix(self.rest).unwrap_or(before))
    }

    /// Adds a part whose translation starts at `start`.
    pub(super) fn part(&mut self, start: usize, shape: Shape) {
        self.push(Part { start, groups_before: self.groups, shape, repetitions: 0 });
    }

    pub(super) fn push(&mut self, part: Part) {
        if let Some(previous) = self.group.last.replace(part) {
            self.group.sequence = self.group.sequence.then(previous.shape);
        }
    }

    /// Adds a part of which case is no matter, and skips it in the pattern.
    pub(super) fn token(&mut self, bytes: usize, translation: &str, shape: Shape) {
        self.skip(bytes);
        let start = self.out.len();
        self.out.push_str(translation);
        self.part(start, shape);
    }

    /// Adds a literal character.
    pub(super) fn character(&mut self, c: char) {
        self.sync_case();
        let start = self.out.len();
        push_literal(&mut self.out, c);
        self.part(start, Shape::CHARACTER);
    }

    /// Writes the flag i when it has changed.
    pub(super) fn sync_case(&mut self) {
        if self.folds != self.flags.ignore_case {
            self.folds = self.flags.ignore_case;
            self.out.push_str(if self.folds { "(?i)" } else { "(?-i)" });
        }
    }

    fn bar(&mut self) {
        self.skip(1);
        self.out.push('|');
        self.group.alternatives = Some(self.group.join());
    }

    /// Repeats the last part. False, without having moved, when a brace is no repetition but a literal.
    fn repetition(&mut self, previous: Option<&str>) -> Result<bool, RegexpError> {
        let before = self.rest;
        let Some((bytes, min, max)) = operator(before) else { return Ok(false) };
        let text = before.get(..bytes).unwrap_or_default();
        self.skip(bytes);
        if min > COPIES || max.is_some_and(|max| max > COPIES) {
            return Err(RegexpError::RepeatSize(excerpt(text)));
        }
        if max.is_some_and(|max| max < min) {
            return Err(RegexpError::RepeatBounds(excerpt(text)));
        }
        let lazy = self.rest.starts_with('?');
        self.skip(usize::from(lazy));
        if let Some(previous) = previous {
            return Err(RegexpError::RepeatedRepeat(self.since(previous)));
        }
        let part = self.group.last.as_mut().ok_or_else(|| RegexpError::NothingToRepeat(excerpt(text)))?;
        if max == Some(0) && part.groups_before < self.groups {
            // The regex crate would not count them.
            return Err(RegexpError::Unsupported("a group that is repeated zero times"));
        }
        if part.repetitions > 0 {
            // `a*(?i)*`: Go repeats the repetition, for the regex crate it has to be grouped.
            if part.repetitions > DEPTH {
                return Err(RegexpError::Unsupported("more than 250 nested repetitions"));
            }
            self.out.insert_str(part.start, "(?:");
            self.out.push(')');
        }
        part.repetitions += 1;
        part.shape = part.shape.repeated(min, max);
        if part.shape.copies > COPIES {
            return Err(RegexpError::RepeatSize(excerpt(text)));
        }
        self.out.push_str(text);
        if lazy != self.flags.lazy {
            self.out.push('?');
        }
        Ok(true)
    }
}

/// The length and the bounds of the repetition operator at the start of `text`.
fn operator(text: &str) -> Option<(usize, u32, Option<u32>)> {
    match text.as_bytes().first()? {
        b'*' => return Some((1, 0, None)),
        b'+' => return Some((1, 1, None)),
        b'?' => return Some((1, 0, Some(1))),
        _ => {}
    }
    let (min, rest) = count(text.strip_prefix('{')?)?;
    let (max, rest) = match rest.strip_prefix(',') {
        None => (Some(min), rest),
        Some(rest) if rest.starts_with('}') => (None, rest),
        Some(rest) => count(rest).map(|(max, rest)| (Some(max), rest))?,
    };
    Some((text.len() - rest.strip_prefix('}')?.len(), min, max))
}

/// The number at the start of `text`; not one with a leading zero, and the highest when it does not fit.
fn count(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    if digits.is_empty() || digits.len() > 1 && digits.starts_with('0') {
        return None;
    }
    Some((digits.parse().unwrap_or(u32::MAX), rest))
}

/// Writes a character that stands for itself, inside a class too.
pub(super) fn push_literal(out: &mut String, c: char) {
    if regex_syntax::is_meta_character(c) {
        out.push('\\');
    }
    out.push(c);
}

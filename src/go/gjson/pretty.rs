//! Takes a text and gives it one element a line: tidwall's pretty v1.2.0, by which `@pretty` writes.

mod rank;

use super::entries::entries;
use super::value::Value;
use super::{DEPTH, Evaluator, GjsonError, scan};
use crate::go::rune;
use rank::Rank;
use std::ops::Range;

/// The columns of arrays that are kept on one line, unless the argument says otherwise.
const WIDTH: i64 = 80;

pub(super) fn pretty(evaluator: &mut Evaluator, json: &[u8], argument: &[u8]) -> Result<Vec<u8>, GjsonError> {
    let mut options = Options { sorts: false, indent: b"  ".to_vec(), prefix: Vec::new(), width: WIDTH };
    options.read(argument)?;
    let mut printer = Printer { evaluator, options, json, out: Vec::new(), at: 0, line: 0 };
    printer.out.extend_from_slice(&printer.options.prefix.clone());
    printer.value(&Style { is_pretty: true, tabs: 0, limit: None }, 0)?;
    if !printer.out.is_empty() {
        printer.out.push(b'\n');
    }
    Ok(printer.out)
}

struct Options {
    sorts: bool,
    indent: Vec<u8>,
    prefix: Vec<u8>,
    width: i64,
}

impl Options {
    fn read(&mut self, argument: &[u8]) -> Result<(), GjsonError> {
        let argument = Value::parse(argument);
        for (key, value) in argument.iter().flat_map(entries) {
            match key.as_ref().map(|key| &*key.string) {
                Some(b"sortKeys") => self.sorts = value.bool()?,
                Some(b"indent") => self.indent = spaces(&value.text()?),
                Some(b"prefix") => self.prefix = spaces(&value.text()?),
                Some(b"width") => self.width = value.int()?,
                _ => {}
            }
        }
        Ok(())
    }
}

/// Nothing but the spaces of a text.
fn spaces(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')).collect()
}

struct Printer<'e, 'j> {
    evaluator: &'e mut Evaluator,
    options: Options,
    json: &'j [u8],
    out: Vec<u8>,
    /// Where in the text.
    at: usize,
    /// Where in the output the last line begins, as far as the width of arrays goes.
    line: usize,
}

#[derive(Clone, Copy)]
struct Style {
    is_pretty: bool,
    tabs: usize,
    /// The columns that are left, on one line.
    limit: Option<i64>,
}

impl Printer<'_, '_> {
    /// Writes the next value. False if it must not be on one line.
    fn value(&mut self, style: &Style, depth: usize) -> Result<bool, GjsonError> {
        while let Some(&byte) = self.json.get(self.at) {
            let rest = self.json.get(self.at..).unwrap_or_default();
            match byte {
                b'"' => self.copy(scan::string_length(rest).unwrap_or(rest.len())),
                b'0'..=b'9' | b'-' | b'i' | b'I' | b'+' | b'N' => self.copy(number_length(rest)),
                b'n' if rest.get(1).is_some_and(|b| *b != b'u') => self.copy(number_length(rest)),
                b'{' | b'[' => return self.container(byte, style, depth),
                b't' => self.word(b"true"),
                b'f' => self.word(b"false"),
                b'n' => self.word(b"null"),
                _ => {
                    self.at += 1;
                    continue;
                }
            }
            return Ok(true);
        }
        Ok(true)
    }

    fn copy(&mut self, length: usize) {
        let end = self.json.len().min(self.at + length);
        self.out.extend_from_slice(self.json.get(self.at..end).unwrap_or_default());
        self.at = end;
    }

    /// Whatever word stands there.
    fn word(&mut self, word: &[u8]) {
        self.out.extend_from_slice(word);
        self.at += word.len();
    }

    fn container(&mut self, open: u8, style: &Style, depth: usize) -> Result<bool, GjsonError> {
        if depth > DEPTH {
            return Err(GjsonError::TooDeep);
        }
        if self.options.width > 0 {
            if style.is_pretty && open == b'[' && style.limit.is_none() {
                if self.array_on_one_line(depth)? {
                    return Ok(true);
                }
            } else if style.limit.is_some() && open == b'{' {
                return Ok(false);
            }
        }
        self.members(open, style, depth)
    }

    fn array_on_one_line(&mut self, depth: usize) -> Result<bool, GjsonError> {
        let column = i64::try_from(self.out.len() - self.line.min(self.out.len())).unwrap_or(i64::MAX);
        let limit = self.options.width.saturating_sub(column);
        if limit <= 3 {
            return Ok(false);
        }
        let (start, at, line) = (self.out.len(), self.at, self.line);
        let style = Style { is_pretty: false, tabs: 0, limit: Some(limit) };
        self.line = 0;
        let fits = self.members(b'[', &style, depth)?;
        self.line = line;
        let length = i64::try_from(self.out.len() - start).unwrap_or(i64::MAX);
        if fits && length <= limit {
            return Ok(true);
        }
        self.out.truncate(start);
        self.at = at;
        Ok(false)
    }

    fn members(&mut self, open: u8, style: &Style, depth: usize) -> Result<bool, GjsonError> {
        let is_object = open == b'{';
        self.out.push(open);
        self.at += 1;
        let mut pairs = Vec::new();
        let mut count = 0;
        while let Some(&byte) = self.json.get(self.at) {
            if byte == if is_object { b'}' } else { b']' } {
                self.close(byte, style, count, &pairs)?;
                return Ok(!is_object);
            }
            if byte <= b' ' || is_object && byte != b'"' {
                self.at += 1;
                continue;
            }
            self.evaluator.charge(self.options.indent.len().saturating_mul(style.tabs + 1) + 16)?;
            let before = self.at;
            if count > 0 {
                self.out.push(b',');
                if self.options.width != -1 && !is_object {
                    self.out.push(b' ');
                }
            }
            let start = if style.is_pretty { self.new_line() } else { 0 };
            if style.is_pretty {
                self.tabs(style.tabs + 1);
            }
            let mut key = 0..0;
            if is_object {
                key.start = self.at;
                let rest = self.json.get(self.at..).unwrap_or_default();
                self.copy(scan::string_length(rest).unwrap_or(rest.len()));
                key.end = self.at;
                self.out.extend_from_slice(if style.is_pretty { b": " } else { b":" });
            }
            let inner = Style { tabs: style.tabs + 1, ..*style };
            let fits = self.value(&inner, depth + 1)?;
            self.evaluator.charge(self.at.saturating_sub(before))?;
            if style.limit.is_some() && !fits {
                return Ok(false);
            }
            if is_object && self.options.sorts {
                pairs.push(Pair { key, start, end: self.out.len() });
            }
            count += 1;
        }
        Ok(!is_object)
    }

    /// Begins a line and gives the place behind its break.
    fn new_line(&mut self) -> usize {
        self.line = self.out.len();
        match self.out.last_mut() {
            Some(space @ b' ') => *space = b'\n',
            _ => self.out.push(b'\n'),
        }
        self.out.len()
    }

    fn tabs(&mut self, tabs: usize) {
        self.out.extend_from_slice(&self.options.prefix.clone());
        for _ in 0..tabs {
            self.out.extend_from_slice(&self.options.indent.clone());
        }
    }

    fn close(&mut self, byte: u8, style: &Style, count: usize, pairs: &[Pair]) -> Result<(), GjsonError> {
        if style.is_pretty {
            if byte == b'}' && self.options.sorts {
                self.sort(pairs)?;
            }
            if count > 0 {
                self.new_line();
                self.tabs(style.tabs);
            }
        }
        self.out.push(byte);
        self.at += 1;
        Ok(())
    }

    /// Sorts the members that were written last, by key and then by value.
    fn sort(&mut self, pairs: &[Pair]) -> Result<(), GjsonError> {
        let (Some(first), Some(last)) = (pairs.first(), pairs.last()) else { return Ok(()) };
        let (start, end) = (first.start, last.end);
        let written = self.out.get(start..end).unwrap_or_default().to_vec();
        let mut members = Vec::new();
        for pair in pairs {
            let text = written.get(pair.start - start..pair.end - start).unwrap_or_default();
            let key = self.json.get(pair.key.clone()).unwrap_or_default();
            let value = rune::trim_space(text);
            let value = value.get(key.len() + 1..).map_or(value, rune::trim_space);
            members.push((Rank::of(key)?, Rank::of(value)?, text));
        }
        members.sort_by(|one, other| one.0.cmp(&other.0).then_with(|| one.1.cmp(&other.1)));
        let sorted: Vec<&[u8]> = members.into_iter().map(|(_, _, text)| text).collect();
        self.evaluator.charge(written.len())?;
        self.out.truncate(start);
        self.out.extend(sorted.join(&b",\n"[..]));
        Ok(())
    }
}

/// A member: its key in the text, and its place in the output.
struct Pair {
    key: Range<usize>,
    start: usize,
    end: usize,
}

fn number_length(text: &[u8]) -> usize {
    let ends = |b: &u8| *b <= b' ' || matches!(b, b',' | b':' | b']' | b'}');
    text.iter().skip(1).position(ends).map_or(text.len(), |length| length + 1)
}

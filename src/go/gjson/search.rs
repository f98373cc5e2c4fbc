//! Takes a text and a path without modifiers at its start and finds the value, moving through the text from left to
//! right: `parseObject` and `parseArray` of gjson.

mod elements;

use super::path::{self, Next, Wanted};
use super::scan::{self, Token};
use super::value::{Kind, Value, said};
use super::{Evaluator, GjsonError, pattern};
use std::borrow::Cow;

pub(super) struct Search<'e, 'd> {
    pub(super) evaluator: &'e mut Evaluator,
    json: &'d [u8],
    pub(super) value: Option<Value<'d>>,
    /// What is to be looked up in the value, or in nothing.
    pub(super) pipe: Option<Vec<u8>>,
}

/// Where a search goes on, and whether it is over.
type Step = Result<(usize, bool), GjsonError>;

impl<'e, 'd> Search<'e, 'd> {
    pub(super) fn new(evaluator: &'e mut Evaluator, json: &'d [u8]) -> Self {
        Self { evaluator, json, value: None, pipe: None }
    }

    /// Searches from the first bracket on. Behind two dots, the text is a list of lines.
    pub(super) fn run(&mut self, path: &[u8]) -> Result<(), GjsonError> {
        if let Some(path) = path.strip_prefix(b"..") {
            self.array(0, path)?;
        } else if let Some(start) = self.json.iter().position(|b| matches!(b, b'{' | b'[')) {
            if self.json.get(start) == Some(&b'{') {
                self.object(start + 1, path)?;
            } else {
                self.array(start + 1, path)?;
            }
        }
        Ok(())
    }

    fn object(&mut self, start: usize, path: &[u8]) -> Step {
        let part = path::key(path);
        if let Next::Pipe(pipe) = part.next {
            self.pipe = Some(pipe.to_vec());
        }
        let mut at = start;
        loop {
            let key = match self.key(at) {
                Some((key, behind)) => {
                    at = behind;
                    key
                }
                None => return Ok((self.end_of_object(at), false)),
            };
            let matches = if part.is_wild {
                pattern::matches(self.evaluator, &key, &part.name)?
            } else {
                key == part.name
            };
            let Some(token) = scan::next(self.json, at) else { return Ok((self.json.len(), false)) };
            match part.next {
                _ if !token.is_closed => return Ok((token.end, false)),
                Next::More(rest) if matches && token.kind == Kind::Json => {
                    let (behind, found) = self.container(&token, rest)?;
                    if found {
                        return Ok((behind, true));
                    }
                    at = behind;
                }
                Next::End | Next::Pipe(_) if matches => {
                    self.value = Some(Value::of(&token, self.json));
                    return Ok((token.end, true));
                }
                _ => at = token.end,
            }
        }
    }

    /// The next key of an object, and the place behind it; None at the end of the object or of the text.
    fn key(&self, at: usize) -> Option<(Cow<'d, [u8]>, usize)> {
        let rest = self.json.get(at..)?;
        let start = rest.iter().position(|b| matches!(b, b'"' | b'}'))?;
        let length = scan::string_length(rest.get(start..).filter(|key| key.starts_with(b"\""))?)?;
        let key = rest.get(start + 1..start + length - 1)?;
        Some((said(key), at + start + length))
    }

    /// Behind the brace that ends an object without a further key, or the end of the text.
    fn end_of_object(&self, at: usize) -> usize {
        let rest = self.json.get(at..).unwrap_or_default();
        match rest.iter().position(|b| matches!(b, b'"' | b'}')) {
            Some(brace) if rest.get(brace) == Some(&b'}') => at + brace + 1,
            _ => self.json.len(),
        }
    }

    /// Searches inside of an object or array.
    fn container(&mut self, token: &Token, path: &[u8]) -> Step {
        let inside = token.start + 1;
        if self.json.get(token.start) == Some(&b'{') {
            self.object(inside, path)
        } else {
            self.array(inside, path)
        }
    }

    fn array(&mut self, start: usize, path: &[u8]) -> Step {
        let part = path::element(path);
        if let Next::Pipe(pipe) = part.next {
            self.pipe = Some(pipe.to_vec());
        }
        let mut index = match part.wanted {
            Wanted::Matching { query, all } => return self.matching(start, &query, all, part.next),
            Wanted::Each(path) => return self.each(start, path),
            Wanted::Index(_) | Wanted::Count | Wanted::Nothing => 0_i64,
        };
        let mut at = start;
        loop {
            let token = match self.element(at) {
                Place::Value(token) if token.is_closed => token,
                Place::Value(token) => return Ok((token.end, false)),
                Place::Beyond => return Ok((at, false)),
                Place::End(behind) => {
                    let is_count = part.wanted == Wanted::Count;
                    if is_count {
                        self.value = Some(Value::number(usize::try_from(index).unwrap_or_default()));
                    }
                    return Ok((behind, is_count));
                }
            };
            let is_wanted = part.wanted == Wanted::Index(index);
            index += 1;
            match part.next {
                Next::More(rest) if is_wanted && token.kind == Kind::Json => {
                    let (behind, found) = self.container(&token, rest)?;
                    if found {
                        return Ok((behind, true));
                    }
                    at = behind;
                }
                Next::End | Next::Pipe(_) if is_wanted => {
                    self.value = Some(Value::of(&token, self.json));
                    return Ok((token.end, true));
                }
                _ => at = token.end,
            }
        }
    }

    /// The next element of an array, or its end; the end of the text is one too.
    fn element(&self, at: usize) -> Place {
        if at > self.json.len() {
            return Place::Beyond;
        }
        let rest = self.json.get(at..).unwrap_or_default();
        for (offset, byte) in rest.iter().enumerate() {
            if *byte == b']' {
                return Place::End(at + offset + 1);
            }
            if let Some(token) = scan::token(self.json, at + offset) {
                return Place::Value(token);
            }
        }
        Place::End(self.json.len() + 1)
    }
}

/// What is next in an array.
enum Place {
    Value(Token),
    /// The end of the array, and the place behind it.
    End(usize),
    /// The text is over.
    Beyond,
}

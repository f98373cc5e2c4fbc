//! Takes bytes and passes over one JSON value of them, without recursion.

use super::{JsonError, unquote};

pub(super) struct Scanner<'j> {
    json: &'j [u8],
    at: usize,
    depth: usize,
}

impl<'j> Scanner<'j> {
    pub(super) fn new(json: &'j [u8], depth: usize) -> Self {
        Self { json, at: 0, depth }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.json.get(self.at).copied()
    }

    /// Whether nothing but space is left.
    pub(super) fn is_at_end(&mut self) -> bool {
        self.skip_space();
        self.at >= self.json.len()
    }

    pub(super) fn skip_space(&mut self) {
        while self.peek().is_some_and(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Passes over a value.
    pub(super) fn value(&mut self) -> Result<(), JsonError> {
        // Whether each container that is open is an object.
        let mut open: Vec<bool> = Vec::new();
        loop {
            self.skip_space();
            let opens = match self.peek() {
                Some(b'{') => Some(true),
                Some(b'[') => Some(false),
                _ => None,
            };
            if let Some(is_object) = opens {
                if open.len() >= self.depth {
                    return Err(JsonError::TooDeep(self.depth));
                }
                self.at += 1;
                self.skip_space();
                if !self.takes(closing(is_object)) {
                    open.push(is_object);
                    if is_object {
                        self.key()?;
                    }
                    continue;
                }
            } else {
                self.scalar().ok_or(JsonError::Syntax)?;
            }
            if self.close(&mut open)? {
                return Ok(());
            }
        }
    }

    /// Behind a value: ends containers, or goes on to the next value. True at the end of the outermost value.
    fn close(&mut self, open: &mut Vec<bool>) -> Result<bool, JsonError> {
        while let Some(&is_object) = open.last() {
            self.skip_space();
            if self.takes(b',') {
                if is_object {
                    self.skip_space();
                    self.key()?;
                }
                return Ok(false);
            }
            if !self.takes(closing(is_object)) {
                return Err(JsonError::Syntax);
            }
            open.pop();
        }
        Ok(true)
    }

    /// The members of the object at the cursor, which was passed over before.
    pub(super) fn members(&mut self) -> Result<Vec<(String, &'j [u8])>, JsonError> {
        let mut members = Vec::new();
        self.at += 1;
        loop {
            self.skip_space();
            if self.takes(b'}') {
                return Ok(members);
            }
            let key = self.key()?;
            self.skip_space();
            let start = self.at;
            self.value()?;
            let value = self.json.get(start..self.at).ok_or(JsonError::Syntax)?;
            members.push((unquote(key).ok_or(JsonError::Syntax)?, value));
            self.skip_space();
            self.takes(b',');
        }
    }

    /// The elements of the array at the cursor, which was passed over before.
    pub(super) fn elements(&mut self) -> Result<Vec<&'j [u8]>, JsonError> {
        let mut elements = Vec::new();
        self.at += 1;
        loop {
            self.skip_space();
            if self.takes(b']') {
                return Ok(elements);
            }
            let start = self.at;
            self.value()?;
            elements.push(self.json.get(start..self.at).ok_or(JsonError::Syntax)?);
            self.skip_space();
            self.takes(b',');
        }
    }

    /// A key and its colon.
    fn key(&mut self) -> Result<&'j [u8], JsonError> {
        let start = self.at;
        self.string().ok_or(JsonError::Syntax)?;
        let key = self.json.get(start..self.at).ok_or(JsonError::Syntax)?;
        self.skip_space();
        if self.takes(b':') { Ok(key) } else { Err(JsonError::Syntax) }
    }

    fn scalar(&mut self) -> Option<()> {
        match self.peek()? {
            b'"' => self.string(),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        let found = self.json.get(self.at..self.at + word.len())? == word;
        self.at += word.len();
        found.then_some(())
    }

    fn string(&mut self) -> Option<()> {
        if !self.takes(b'"') {
            return None;
        }
        loop {
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b'"' => return Some(()),
                b'\\' => self.escape()?,
                0..b' ' => return None,
                _ => {}
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        let kind = self.peek()?;
        self.at += 1;
        match kind {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => {
                let digits = self.json.get(self.at..self.at + 4)?;
                self.at += 4;
                digits.iter().all(u8::is_ascii_hexdigit).then_some(())
            }
            _ => None,
        }
    }

    fn number(&mut self) -> Option<()> {
        self.takes(b'-');
        if !self.takes(b'0') {
            self.digits()?;
        }
        if self.takes(b'.') {
            self.digits()?;
        }
        if self.takes(b'e') || self.takes(b'E') {
            let _signed = self.takes(b'+') || self.takes(b'-');
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    fn takes(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }
}

const fn closing(is_object: bool) -> u8 {
    if is_object { b'}' } else { b']' }
}

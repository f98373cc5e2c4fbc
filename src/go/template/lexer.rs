//! Takes the text of a template and gives its tokens, one at a time.
//! The rule is Go's `text/template/parse/lex.go`, with its trim markers and its delimiters `{{` and `}}`.

use super::number;
use super::token::{Kind, LexError, Token};
use crate::go::is_word_character;

pub(super) struct Lexer<'t> {
    /// What is not lexed yet, from the start of the current token.
    input: &'t str,
    line: u32,
    inside_action: bool,
    parens: u32,
}

impl<'t> Lexer<'t> {
    pub(super) const fn new(input: &'t str) -> Self {
        Self { input, line: 1, inside_action: false, parens: 0 }
    }

    pub(super) fn next_token(&mut self) -> Token<'t> {
        if self.inside_action { self.inside() } else { self.text() }
    }

    /// Makes a token of the next bytes and goes past it.
    fn emit(&mut self, kind: Kind, length: usize) -> Token<'t> {
        let (text, rest) = self.input.split_at_checked(length).unwrap_or((self.input, ""));
        let token = Token { kind, text, line: self.line };
        self.line = self.line.saturating_add(newlines(text));
        self.input = rest;
        token
    }

    /// Goes past the next bytes.
    fn ignore(&mut self, length: usize) {
        self.emit(Kind::Space, length);
    }

    /// The first error ends the text. `length` bytes of it are shown.
    fn fail(&mut self, error: LexError, length: usize) -> Token<'t> {
        let text = self.input.get(..length).unwrap_or_default();
        self.input = "";
        Token { kind: Kind::Error(error), text, line: self.line }
    }

    fn text(&mut self) -> Token<'t> {
        loop {
            let Some(start) = self.input.find("{{") else {
                let kind = if self.input.is_empty() { Kind::EndOfText } else { Kind::Text };
                return self.emit(kind, self.input.len());
            };
            let (text, action) = self.input.split_at_checked(start).unwrap_or((self.input, ""));
            if start > 0 {
                let trimmed = if has_left_marker(action) { text.trim_end_matches(is_space) } else { text };
                let token = self.emit(Kind::Text, trimmed.len());
                self.ignore(text.len() - trimmed.len());
                if !token.text.is_empty() {
                    return token;
                }
            }
            let marker = if has_left_marker(action) { 2 } else { 0 };
            if !tail(action, 2 + marker).starts_with("/*") {
                let token = self.emit(Kind::LeftDelimiter, 2);
                self.ignore(marker);
                self.inside_action = true;
                self.parens = 0;
                return token;
            }
            self.ignore(2 + marker);
            if let Err(error) = self.comment() {
                return self.fail(error, 0);
            }
        }
    }

    /// Goes past a comment and its right delimiter.
    fn comment(&mut self) -> Result<(), LexError> {
        let end = tail(self.input, 2).find("*/").ok_or(LexError::UnclosedComment)?;
        let after = tail(self.input, end + 4);
        let (delimiter, trims) = right_delimiter(after).ok_or(LexError::CommentNotClosed)?;
        self.ignore(end + 4 + delimiter);
        self.trim(trims);
        Ok(())
    }

    /// Goes past white space when the delimiter had a trim marker.
    fn trim(&mut self, trims: bool) {
        if trims {
            self.ignore(self.input.len() - self.input.trim_start_matches(is_space).len());
        }
    }

    fn inside(&mut self) -> Token<'t> {
        if let Some((length, trims)) = right_delimiter(self.input) {
            if self.parens > 0 {
                return self.fail(LexError::UnclosedParen, 0);
            }
            self.ignore(length - 2);
            let token = self.emit(Kind::RightDelimiter, 2);
            self.trim(trims);
            self.inside_action = false;
            return token;
        }
        let mut characters = self.input.chars();
        let Some(c) = characters.next() else { return self.fail(LexError::UnclosedAction, 0) };
        let second = characters.next();
        match c {
            _ if is_space(c) => self.space(),
            '=' => self.emit(Kind::Assign, 1),
            ':' if second == Some('=') => self.emit(Kind::Declare, 2),
            ':' => self.fail(LexError::ExpectedDeclaration, 1),
            '|' => self.emit(Kind::Pipe, 1),
            '"' => self.quoted('"', Kind::String, LexError::UnclosedString),
            '\'' => self.quoted('\'', Kind::CharConstant, LexError::UnclosedCharConstant),
            '`' => match tail(self.input, 1).find('`') {
                Some(end) => self.emit(Kind::RawString, end + 2),
                None => self.fail(LexError::UnclosedRawString, self.input.len()),
            },
            '$' => self.name(Kind::Variable, Kind::Variable),
            '.' if second.is_some_and(|c| !c.is_ascii_digit()) => self.name(Kind::Field, Kind::Dot),
            '.' | '+' | '-' | '0'..='9' => self.number(),
            '(' => {
                self.parens = self.parens.saturating_add(1);
                self.emit(Kind::LeftParen, 1)
            }
            ')' if self.parens == 0 => self.fail(LexError::UnexpectedParen, 1),
            ')' => {
                self.parens -= 1;
                self.emit(Kind::RightParen, 1)
            }
            _ if is_word_character(c) => self.word(),
            _ if c.is_ascii_graphic() => self.emit(Kind::Char, 1),
            _ => self.fail(LexError::BadCharacter(c), c.len_utf8()),
        }
    }

    /// A run of spaces; not the last one when it belongs to a trim marker.
    fn space(&mut self) -> Token<'t> {
        let spaces = self.input.len() - self.input.trim_start_matches(is_space).len();
        let marked = right_delimiter(tail(self.input, spaces - 1)).is_some_and(|(_, trims)| trims);
        // A single space in front of a marker was taken for the delimiter before.
        self.emit(Kind::Space, if marked && spaces > 1 { spaces - 1 } else { spaces })
    }

    /// `$`, `$name`, `.` or `.name`.
    fn name(&mut self, named: Kind, bare: Kind) -> Token<'t> {
        let after = tail(self.input, 1);
        if is_terminated(after) {
            return self.emit(bare, 1);
        }
        let rest = after.trim_start_matches(is_word_character);
        match rest.chars().next() {
            Some(c) if !is_terminated(rest) => self.fail(LexError::BadCharacter(c), 0),
            _ => self.emit(named, self.input.len() - rest.len()),
        }
    }

    fn word(&mut self) -> Token<'t> {
        let rest = self.input.trim_start_matches(is_word_character);
        if let Some(c) = rest.chars().next().filter(|_| !is_terminated(rest)) {
            return self.fail(LexError::BadCharacter(c), 0);
        }
        let length = self.input.len() - rest.len();
        let kind = match self.input.get(..length).unwrap_or_default() {
            "block" => Kind::Block,
            "break" => Kind::Break,
            "continue" => Kind::Continue,
            "define" => Kind::Define,
            "else" => Kind::Else,
            "end" => Kind::End,
            "false" | "true" => Kind::Bool,
            "if" => Kind::If,
            "nil" => Kind::Nil,
            "range" => Kind::Range,
            "template" => Kind::Template,
            "with" => Kind::With,
            _ => Kind::Identifier,
        };
        self.emit(kind, length)
    }

    /// A string or a character constant. What its escapes mean is for the parser.
    fn quoted(&mut self, quote: char, kind: Kind, unclosed: LexError) -> Token<'t> {
        let mut characters = tail(self.input, 1).char_indices();
        while let Some((at, c)) = characters.next() {
            let ends = match c {
                '\n' => true,
                '\\' => characters.next().is_none_or(|(_, escaped)| escaped == '\n'),
                _ if c == quote => return self.emit(kind, at + 2),
                _ => false,
            };
            if ends {
                break;
            }
        }
        self.fail(unclosed, self.input.len())
    }

    fn number(&mut self) -> Token<'t> {
        let real = number::scan(self.input);
        let rest = tail(self.input, real.unwrap_or_default());
        let (kind, length) = match real {
            Some(length) if !rest.starts_with(['+', '-']) => (Kind::Number, Some(length)),
            Some(length) => (Kind::Complex, number::scan(rest).map(|imaginary| length + imaginary)),
            None => (Kind::Number, None),
        };
        match length {
            Some(length)
                if kind == Kind::Number || self.input.get(..length).is_some_and(|n| n.ends_with('i')) =>
            {
                self.emit(kind, length)
            }
            _ => {
                let shown = self.input.find(|c| is_space(c) || c == '}').unwrap_or(self.input.len());
                self.fail(LexError::BadNumber, shown)
            }
        }
    }
}

/// The length of a right delimiter and its trim marker, and whether it has one.
fn right_delimiter(text: &str) -> Option<(usize, bool)> {
    if text.starts_with("}}") {
        return Some((2, false));
    }
    let marked = text.strip_prefix(is_space).is_some_and(|rest| rest.starts_with("-}}"));
    marked.then_some((4, true))
}

/// Whether the action that starts here trims the text before it.
fn has_left_marker(action: &str) -> bool {
    action.strip_prefix("{{-").is_some_and(|rest| rest.starts_with(is_space))
}

/// Whether a name may end where `rest` starts.
fn is_terminated(rest: &str) -> bool {
    match rest.chars().next() {
        None | Some('.' | ',' | '|' | ':' | ')' | '(') => true,
        Some(c) => is_space(c) || rest.starts_with("}}"),
    }
}

const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn tail(text: &str, from: usize) -> &str {
    text.get(from..).unwrap_or_default()
}

fn newlines(text: &str) -> u32 {
    u32::try_from(text.bytes().filter(|b| *b == b'\n').count()).unwrap_or(u32::MAX)
}

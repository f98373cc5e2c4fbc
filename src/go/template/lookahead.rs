//! Takes tokens from the lexer and puts up to three of them back, and makes errors of those that do not fit.

use super::parser::{Parsed, Parser};
use super::token::{Kind, LexError, Token};
use super::{Problem, TemplateError};
use crate::go::excerpt;

impl<'t> Parser<'t> {
    pub(super) fn next(&mut self) -> Token<'t> {
        if self.tree.peeked > 0 {
            self.tree.peeked -= 1;
        } else {
            self.tree.tokens[0] = self.lexer.next_token();
        }
        self.tree.tokens.get(self.tree.peeked).copied().unwrap_or(Token::NONE)
    }

    pub(super) const fn back_up(&mut self) {
        self.tree.peeked += 1;
    }

    /// Puts back the last token and those before it.
    pub(super) fn back_up_to(&mut self, before: &[Token<'t>]) {
        for (slot, token) in self.tree.tokens.iter_mut().skip(1).zip(before) {
            *slot = *token;
        }
        self.tree.peeked = before.len() + 1;
    }

    pub(super) fn peek(&mut self) -> Token<'t> {
        let token = self.next();
        self.back_up();
        token
    }

    pub(super) fn next_non_space(&mut self) -> Token<'t> {
        loop {
            let token = self.next();
            if token.kind != Kind::Space {
                return token;
            }
        }
    }

    pub(super) fn peek_non_space(&mut self) -> Token<'t> {
        let token = self.next_non_space();
        self.back_up();
        token
    }

    pub(super) fn fail<T>(&self, problem: Problem) -> Parsed<T> {
        Err(TemplateError { line: self.tree.tokens[0].line, problem })
    }

    pub(super) fn unexpected<T>(&self, token: Token<'_>, context: &'static str) -> Parsed<T> {
        let started = Some(self.tree.action_line).filter(|line| *line != 0 && *line != token.line);
        let text = || excerpt(token.text);
        self.fail(match token.kind {
            Kind::Error(LexError::UnclosedAction) => Problem::UnclosedAction(started.unwrap_or(token.line)),
            Kind::Error(LexError::UnclosedComment) => Problem::UnclosedComment,
            Kind::Error(LexError::CommentNotClosed) => Problem::CommentNotClosed,
            Kind::Error(LexError::UnclosedParen) => Problem::UnclosedParen,
            Kind::Error(LexError::UnexpectedParen) => Problem::UnexpectedParen,
            Kind::Error(LexError::ExpectedDeclaration) => Problem::ExpectedDeclaration,
            Kind::Error(LexError::BadCharacter(c)) => {
                Problem::BadCharacter(excerpt(c.encode_utf8(&mut [0; 4])))
            }
            Kind::Error(LexError::BadNumber) => Problem::BadNumber(text()),
            Kind::Error(LexError::UnclosedCharConstant) => {
                Problem::UnclosedLiteral("character constant", text())
            }
            Kind::Error(LexError::UnclosedString) => Problem::UnclosedLiteral("string", text()),
            Kind::Error(LexError::UnclosedRawString) => Problem::UnclosedLiteral("raw string", text()),
            Kind::EndOfText => Problem::UnexpectedEnd,
            _ => Problem::Unexpected { token: text(), context },
        })
    }

    pub(super) fn expect(&mut self, kind: Kind, context: &'static str) -> Parsed<Token<'t>> {
        let token = self.next_non_space();
        if token.kind == kind { Ok(token) } else { self.unexpected(token, context) }
    }
}

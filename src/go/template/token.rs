//! The tokens of a template, as the lexer makes them and the parser takes them.

/// A piece of a template. It borrows from the text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind,
    pub(super) text: &'t str,
    /// Where it starts, counted from 1.
    pub(super) line: u32,
}

impl Token<'_> {
    pub(super) const NONE: Self = Self { kind: Kind::End, text: "", line: 1 };
}

/// What a token is. Keywords have a kind each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Error(LexError),
    Bool,
    Char,
    CharConstant,
    Complex,
    Assign,
    Declare,
    EndOfText,
    Field,
    Identifier,
    LeftDelimiter,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelimiter,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    Block,
    Break,
    Continue,
    Define,
    Dot,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

/// Why no token can be made of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LexError {
    UnclosedComment,
    CommentNotClosed,
    UnclosedAction,
    UnclosedParen,
    UnexpectedParen,
    ExpectedDeclaration,
    BadCharacter(char),
    BadNumber,
    UnclosedCharConstant,
    UnclosedString,
    UnclosedRawString,
}

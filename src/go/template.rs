//! Takes a Go template and says whether Go would parse it with the functions of External Secrets Operator, and
//! what it reads and writes in every run, or in some. The rule is Go 1.26's `text/template/parse`. [`Transform`] runs one
//! that makes names of keys.

mod eval;
mod functions;
mod lexer;
mod lookahead;
mod noted;
mod number;
mod parser;
mod pipeline;
mod quoted;
mod token;
mod tree;

pub use eval::{Budget, Fault, LENGTH, Transform, TransformError, unsupported};

use thiserror::Error;

/// A template that Go accepts. It borrows from the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template<'t> {
    keys: Vec<&'t str>,
    fields: Vec<(&'t str, &'t str)>,
    sometimes: Vec<&'t str>,
    sought: Vec<&'t str>,
    texts: Vec<&'t str>,
    undefined: Option<String>,
}

impl<'t> Template<'t> {
    /// The keys that the template reads in every run, sorted, each once: with `missingkey=error` they must exist.
    /// What stands in a branch, a loop or a definition, or behind a short-circuiting `and` or `or`, is left out.
    pub fn keys(&self) -> impl Iterator<Item = &'t str> {
        self.keys.iter().copied()
    }

    /// The keys of whose values every run takes a field, with that field, sorted, each pair once: Go finds none in
    /// a text.
    pub fn fields(&self) -> impl Iterator<Item = (&'t str, &'t str)> {
        self.fields.iter().copied()
    }

    /// The keys that a run may read, in a branch or behind a short-circuiting `and` or `or`, sorted, each once. Keys that
    /// every run reads, and those that a condition looks for with `index`, are left out.
    pub fn sometimes(&self) -> impl Iterator<Item = &'t str> {
        self.sometimes.iter().copied()
    }

    /// The keys that `index` looks for in the data, sorted, each once, with the same left out. One that is not there is
    /// an empty text.
    pub fn sought(&self) -> impl Iterator<Item = &'t str> {
        self.sought.iter().copied()
    }

    /// The texts that every run writes, in order.
    pub fn texts(&self) -> impl Iterator<Item = &'t str> {
        self.texts.iter().copied()
    }

    /// A template that every run calls and none defines: Go says so when it runs.
    pub fn undefined(&self) -> Option<&str> {
        self.undefined.as_deref()
    }
}

/// Why Go refuses a template, and the line it says so for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}: {problem}")]
pub struct TemplateError {
    /// The line in the template, counted from 1.
    pub line: u32,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[allow(missing_docs)] // the messages say it
pub enum Problem {
    #[error("function {name} not defined{advice}")]
    UndefinedFunction { name: String, advice: String },
    #[error("undefined variable {0}; declare it before, as in {{{{ $x := .key }}}}")]
    UndefinedVariable(String),
    #[error("unclosed action that starts on line {0}; it ends with }}}}")]
    UnclosedAction(u32),
    #[error("unclosed comment; it ends with */}}}}")]
    UnclosedComment,
    #[error("comment with something between */ and }}}}")]
    CommentNotClosed,
    #[error("missing closing ) before }}}}")]
    UnclosedParen,
    #[error("unexpected )")]
    UnexpectedParen,
    #[error("expected := after the name of the variable")]
    ExpectedDeclaration,
    #[error(
        "unexpected character {0} in an action; a key with such characters is read with {{{{ index . \"key\" }}}}"
    )]
    BadCharacter(String),
    #[error("invalid number {0}{advice}", advice = number_advice(.0))]
    BadNumber(String),
    #[error(
        "invalid escape sequence in string {0}; backslashes are written \\\\, or in a string in backquotes"
    )]
    BadString(String),
    #[error("invalid character constant {0}; strings are written in double quotes")]
    BadCharConstant(String),
    #[error("unclosed {0} {1}")]
    UnclosedLiteral(&'static str, String),
    #[error("unexpected end of the template; a block is not closed with {{{{ end }}}}")]
    UnexpectedEnd,
    #[error("unexpected {token} in {context}{advice}", advice = operator_advice(.token))]
    Unexpected { token: String, context: &'static str },
    #[error("unexpected {0}: no block is open")]
    UnexpectedAction(&'static str),
    #[error("unexpected {{{{else}}}} in a definition of a template")]
    ElseInDefinition,
    #[error("second {{{{else}}}} in one block; write {{{{ else if … }}}} for another condition")]
    SecondElse,
    #[error("{0} outside of {{{{range}}}}")]
    OutsideRange(&'static str),
    #[error("template {0} is defined twice")]
    DefinedTwice(String),
    #[error("missing value for {0}")]
    MissingValue(&'static str),
    #[error("command without an operand")]
    EmptyCommand,
    #[error("stage {0} of the pipeline is a constant; only functions, methods and fields can follow a |")]
    NotExecutable(usize),
    #[error("too many variables in {0}; only range takes two")]
    TooManyDeclarations(&'static str),
    #[error("expected a variable after the comma in range")]
    RangeDeclaration,
    #[error("field of the constant {0}")]
    FieldOfConstant(String),
    /// Go goes further.
    #[error("template nests more than {0} blocks and parentheses, which is not supported")]
    TooDeep(u32),
}

/// What an excerpt that is no number was probably meant to be.
fn number_advice(excerpt: &str) -> &'static str {
    match excerpt.trim_matches('`') {
        "+" | "-" => OPERATORS,
        number if number.starts_with('-') || number.ends_with('-') => {
            "; a trim marker has a space, as in {{- .key -}}"
        }
        _ => "",
    }
}

fn operator_advice(excerpt: &str) -> &'static str {
    match excerpt.trim_matches('`') {
        "=" | "!" | "&" | "?" | "<" | ">" | "*" | "/" | "%" => OPERATORS,
        _ => "",
    }
}

const OPERATORS: &str =
    "; templates have functions instead of operators, such as eq, not, and, ternary and add";

/// Parses a template as Go's `template.New("").Funcs(…).Parse` does.
pub fn parse(text: &str) -> Result<Template<'_>, TemplateError> {
    parser::parse(text)
}

#[cfg(test)]
#[path = "template/tests.rs"]
mod tests;

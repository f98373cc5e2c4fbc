//! Takes a template of keys, as `rewrite.transform` has one, and a key, and gives what External Secrets Operator makes of
//! them: Go's `text/template` with the data `{"value": key}`, Go's own functions and those of sprig that are of use for
//! names. A run is bounded in steps and in memory, and what a run made is in no error.

mod arguments;
mod call;
mod case;
mod classes;
mod compare;
mod format;
mod functions;
mod lists;
mod numbers;
mod regexes;
mod run;
mod texts;
mod value;
mod verb;

use super::lexer::Lexer;
use super::token::Kind;
use super::tree::{self, Node};
use super::{TemplateError, number, parse, quoted};
use crate::go::regexp::RegexpError;
use regexes::Regexes;
use thiserror::Error;

/// The longest template, in bytes.
const TEMPLATE: usize = 16 << 10;

/// The longest text that a change of a key makes, in bytes: names of keys and secrets have a tenth of that.
pub const LENGTH: usize = 4 << 10;

/// The longest part of a template that is named, in characters.
const NAME: usize = 40;

/// What a run may spend: one for a step, and one for a byte that it makes.
const RUN: usize = 1 << 18;

/// What all changes of one rule may spend on all keys: tens of thousands of keys, with a template as people have them.
const TOTAL: usize = 8 << 20;

/// What is left to spend for the changes of one rule.
#[derive(Debug)]
pub struct Budget(usize);

impl Default for Budget {
    fn default() -> Self {
        Self(TOTAL)
    }
}

/// A template that changes keys.
#[derive(Debug)]
pub struct Transform<'t> {
    nodes: Vec<Node<'t>>,
    regexes: Regexes,
}

impl<'t> Transform<'t> {
    /// Reads a template.
    ///
    /// # Errors
    /// What Go refuses, and what [`unsupported`] names.
    pub fn new(template: &'t str) -> Result<Self, TransformError> {
        parse(template)?;
        let refused = |what: &str| TransformError::Unsupported(what.to_owned());
        if let Some(what) = unsupported(template) {
            return Err(refused(what));
        }
        let nodes = tree::build(template).ok_or_else(|| refused("syntax"))?;
        Ok(Self { nodes, regexes: Regexes::default() })
    }

    /// What becomes of a key.
    ///
    /// # Errors
    /// Where Go's run of the template fails, and where it would take too much.
    pub fn apply(&mut self, key: &str, budget: &mut Budget) -> Result<String, TransformError> {
        let (name, cost) = run::run(&self.nodes, key, &mut self.regexes)?;
        budget.0 = budget.0.checked_sub(cost).ok_or(TransformError::TooMuchInAll)?;
        Ok(name)
    }
}

/// The first function or other part of a template that Go knows and a [`Transform`] does not. What Go refuses is not
/// looked for. The start of it, if it is long.
pub fn unsupported(template: &str) -> Option<&str> {
    if template.len() > TEMPLATE {
        return Some("a text of more than 16 KiB");
    }
    let mut lexer = Lexer::new(template);
    let mut is_format = false;
    loop {
        let token = lexer.next_token();
        let text = || quoted::unquote(token.text).and_then(|bytes| String::from_utf8(bytes).ok());
        let is_fine = match token.kind {
            Kind::EndOfText | Kind::Error(_) => return None,
            Kind::Space => continue,
            Kind::Identifier => {
                !super::functions::exists(token.text) || functions::find(token.text).is_some()
            }
            Kind::Block | Kind::Define | Kind::Template | Kind::CharConstant | Kind::Complex => false,
            Kind::Number => number::integer(token.text).is_some(),
            Kind::String | Kind::RawString => {
                text().is_some_and(|text| !is_format || format::is_supported(&text))
            }
            _ => true,
        };
        if !is_fine {
            let end = token.text.char_indices().nth(NAME).map_or(token.text.len(), |(end, _)| end);
            return token.text.get(..end);
        }
        is_format = token.kind == Kind::Identifier && token.text == "printf";
    }
}

/// Why a template makes nothing of a key. Types are named, values never.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[allow(missing_docs)] // the messages say it
pub enum TransformError {
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error("{0} is not supported by Keyhatch in a template of keys; use another function, or a regexp")]
    Unsupported(String),
    #[error("{function}: {fault}")]
    Function { function: String, fault: Fault },
    #[error("{0} is no function, and is given an argument")]
    NotAFunction(&'static str),
    #[error("field {field} of a value of type {of}; only .value and the parts of split have names")]
    NoField { field: String, of: &'static str },
    #[error("variable {0} is set and was not declared; declare it, as in {{{{ {0} := .value }}}}")]
    Undefined(String),
    #[error("more than {max} variables at a time; use fewer", max = call::VARIABLES)]
    TooManyVariables,
    #[error("nil alone is no value; leave the action out")]
    Nil,
    #[error("range over a value of type {0}; use a list, as of splitList")]
    Range(&'static str),
    #[error("range over a number with two variables; use one")]
    RangeOfNumber,
    #[error("the template takes more than {RUN} steps and bytes; make it simpler")]
    TooMuch,
    #[error(
        "the template takes more than {TOTAL} steps and bytes for all keys; make it simpler, or select fewer keys"
    )]
    TooMuchInAll,
    #[error("the template makes a text of more than {LENGTH} bytes; make it shorter")]
    TooLong,
}

/// Why a function gives nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[allow(missing_docs)] // the messages say it
pub enum Fault {
    #[error("an argument is missing")]
    TooFew,
    #[error("there are too many arguments")]
    TooMany,
    #[error("an argument is of type {got}, and {wanted} is wanted{advice}", advice = advice(.wanted, .got))]
    Type { wanted: &'static str, got: &'static str },
    #[error("values of the types {0} and {1} cannot be compared")]
    Incomparable(&'static str, &'static str),
    #[error("position {0} is out of range; ask for the length first: if gt (len …) {0}")]
    OutOfRange(i64),
    #[error("position {0} is inside of a character; names with such characters are cut by regexes")]
    InsideCharacter(i64),
    #[error("negative count {0}")]
    Negative(i64),
    #[error("division by zero")]
    Division,
    #[error("{0}")]
    Regexp(#[from] RegexpError),
    #[error("more than {0} different regular expressions in one template; write them as texts")]
    ManyRegexps(usize),
    #[error("the text is not base64, or not of a text")]
    Base64,
    #[error("the format has %{0}, which is not supported; use %s, %v, %q, %d, %x or %c")]
    Verb(String),
    #[error("a list is given for which the format has no verb; add %v")]
    Extra,
    #[error("the template says so")]
    Failed,
    #[error("a text is longer than {LENGTH} bytes")]
    TooLong,
    #[error("this takes too many steps; make the expression simpler, or the text shorter")]
    TooMuch,
}

fn advice(wanted: &str, got: &str) -> &'static str {
    match (wanted, got) {
        ("int", "int64") => "; put it through int",
        ("text", "int" | "int64") => "; put it through toString",
        ("int", "text") => "; put it through atoi",
        _ => "",
    }
}

#[cfg(test)]
#[path = "eval/tests.rs"]
mod tests;

//! Takes the tokens of a pipeline, such as `$x := .key | b64enc`, and checks that Go would parse it. The rule is Go's
//! `text/template/parse/parse.go` again.

use super::parser::{Parsed, Parser};
use super::token::{Kind, Token};
use super::{Problem, functions, number, quoted};
use crate::go::excerpt;

/// The operand of a command.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operand {
    /// Something that cannot take an argument from a pipeline.
    Constant,
    Other,
    /// `and` or `or`: only the first argument is sure to be evaluated.
    ShortCircuit,
}

impl<'t> Parser<'t> {
    /// Declarations and commands up to the token `end`.
    pub(super) fn pipeline(&mut self, context: &'static str, end: Kind) -> Parsed<()> {
        self.declarations(context)?;
        let (mut stages, mut constant) = (0_usize, None);
        loop {
            let token = self.next_non_space();
            match token.kind {
                kind if kind == end && stages == 0 => return self.fail(Problem::MissingValue(context)),
                kind if kind == end => {
                    return constant.map_or(Ok(()), |stage| self.fail(Problem::NotExecutable(stage)));
                }
                Kind::Bool
                | Kind::CharConstant
                | Kind::Complex
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawString
                | Kind::String
                | Kind::Variable
                | Kind::LeftParen => {}
                _ => return self.unexpected(token, context),
            }
            self.back_up();
            stages += 1;
            if self.command()? == Operand::Constant && stages > 1 {
                constant = constant.or(Some(stages));
            }
        }
    }

    fn declarations(&mut self, context: &'static str) -> Parsed<()> {
        let mut count = 0;
        loop {
            let variable = self.peek_non_space();
            if variable.kind != Kind::Variable {
                return Ok(());
            }
            self.next();
            // A space after the variable is a token of its own that has to be put back too.
            let after = self.peek();
            let next = self.peek_non_space();
            let comma = next.kind == Kind::Char && next.text == ",";
            if !comma && !matches!(next.kind, Kind::Assign | Kind::Declare) {
                if after.kind == Kind::Space {
                    self.back_up_to(&[after, variable]);
                } else {
                    self.back_up_to(&[variable]);
                }
                return Ok(());
            }
            self.next_non_space();
            self.tree.variables.declare(variable.text);
            count += 1;
            if !comma {
                return Ok(());
            }
            if context != "range" || count >= 2 {
                return self.fail(Problem::TooManyDeclarations(context));
            }
            if !matches!(self.peek_non_space().kind, Kind::Variable | Kind::RightDelimiter | Kind::RightParen)
            {
                return self.fail(Problem::RangeDeclaration);
            }
        }
    }

    /// Operands up to a pipe, which is taken, or up to the end of the pipeline. Gives the first operand.
    fn command(&mut self) -> Parsed<Operand> {
        let mut first = None;
        let certain = self.certain;
        let mut operands = 0;
        loop {
            self.peek_non_space();
            if let Some(operand) = self.operand()? {
                operands += 1;
                first = first.or(Some(operand));
                self.certain &= operands < 2 || first != Some(Operand::ShortCircuit);
            }
            let token = self.next();
            match token.kind {
                Kind::Space => continue,
                Kind::RightDelimiter | Kind::RightParen => self.back_up(),
                Kind::Pipe => {}
                _ => return self.unexpected(token, "operand"),
            }
            break;
        }
        self.certain = certain;
        match first {
            Some(operand) => Ok(operand),
            None => self.fail(Problem::EmptyCommand),
        }
    }

    /// A term and the fields that are taken from it. None when there is none.
    fn operand(&mut self) -> Parsed<Option<Operand>> {
        let Some((operand, term)) = self.term()? else { return Ok(None) };
        let mut field = self.peek();
        let key = match term.kind {
            Kind::Field => self.key(term),
            Kind::Variable if term.text == "$" && field.kind == Kind::Field => self.root_key(field),
            _ => None,
        };
        if field.kind != Kind::Field {
            return Ok(Some(operand));
        }
        if term.kind == Kind::Variable {
            self.next();
            field = self.peek();
        }
        if let (Some(key), Kind::Field, Some(name)) = (key, field.kind, field.text.strip_prefix('.')) {
            self.fields.push((key, name));
        }
        while field.kind == Kind::Field {
            self.next();
            field = self.peek();
        }
        if operand == Operand::Constant {
            return self.fail(Problem::FieldOfConstant(excerpt(term.text)));
        }
        Ok(Some(Operand::Other))
    }

    fn key(&mut self, field: Token<'t>) -> Option<&'t str> {
        let key = field.text.strip_prefix('.').filter(|_| self.certain);
        self.keys.extend(key);
        key
    }

    /// `$.name` is a key unless `$` has been set to something else.
    fn root_key(&mut self, field: Token<'t>) -> Option<&'t str> {
        if self.tree.variables.root_is_set { None } else { self.key(field) }
    }

    fn term(&mut self) -> Parsed<Option<(Operand, Token<'t>)>> {
        let token = self.next_non_space();
        let operand = match token.kind {
            Kind::Identifier if !functions::exists(token.text) => {
                return self.fail(functions::undefined(token.text));
            }
            Kind::Identifier if matches!(token.text, "and" | "or") => Operand::ShortCircuit,
            Kind::Variable if !self.tree.variables.contains(token.text) => {
                return self.fail(Problem::UndefinedVariable(excerpt(token.text)));
            }
            Kind::CharConstant if !quoted::is_character(token.text) => {
                return self.fail(Problem::BadCharConstant(excerpt(token.text)));
            }
            Kind::Number if !number::is_number(token.text) => {
                return self.fail(Problem::BadNumber(excerpt(token.text)));
            }
            Kind::Complex if !number::is_complex(token.text) => {
                return self.fail(Problem::BadNumber(excerpt(token.text)));
            }
            Kind::String | Kind::RawString if quoted::unquote(token.text).is_none() => {
                return self.fail(Problem::BadString(excerpt(token.text)));
            }
            Kind::Identifier | Kind::Variable | Kind::Field => Operand::Other,
            Kind::LeftParen => {
                self.deeper(|p| p.pipeline("parenthesized pipeline", Kind::RightParen))?;
                Operand::Other
            }
            Kind::Bool
            | Kind::CharConstant
            | Kind::Complex
            | Kind::Dot
            | Kind::Nil
            | Kind::Number
            | Kind::RawString
            | Kind::String => Operand::Constant,
            _ => {
                self.back_up();
                return Ok(None);
            }
        };
        Ok(Some((operand, token)))
    }
}

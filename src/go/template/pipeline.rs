//! Takes the tokens of a pipeline, such as `$x := .key | b64enc`, and checks that Go would parse it. The rule is Go's
//! `text/template/parse/parse.go` again.

use super::parser::{Parsed, Parser};
use super::token::{Kind, Token};
use super::{Problem, functions, number, quoted};
use crate::go::excerpt;

/// The operand of a command.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operand<'t> {
    /// Something that cannot take an argument from a pipeline.
    Constant,
    /// A constant text that is written as it is.
    Text(&'t str),
    /// `.` alone.
    Dot,
    /// `$` alone, as long as it is the data.
    Root,
    /// The function `index`.
    Index,
    /// `and` or `or`: only the first argument is sure to be evaluated.
    ShortCircuit,
    Other,
}

impl Operand<'_> {
    const fn is_constant(self) -> bool {
        matches!(self, Self::Constant | Self::Text(_) | Self::Dot)
    }
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
            if self.command()?.is_constant() && stages > 1 {
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
    fn command(&mut self) -> Parsed<Operand<'t>> {
        let (mut first, mut second) = (None, None);
        let is_certain = self.noted.here.is_certain;
        loop {
            self.peek_non_space();
            if let Some(operand) = self.operand()? {
                match (first, second) {
                    (None, _) => first = Some(operand),
                    (Some(_), None) => second = Some(operand),
                    (Some(of), Some(data)) => {
                        self.third(of, data, operand);
                        second = Some(Operand::Other); // there is one third
                    }
                }
                let is_sure = second.is_none() || first != Some(Operand::ShortCircuit);
                self.noted.here.is_certain &= is_sure;
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
        self.noted.here.is_certain = is_certain;
        match first {
            Some(operand) => Ok(operand),
            None => self.fail(Problem::EmptyCommand),
        }
    }

    /// `index . "key"` reads a key.
    fn third(&mut self, function: Operand<'t>, data: Operand<'t>, operand: Operand<'t>) {
        if let (Operand::Index, Operand::Dot | Operand::Root, Operand::Text(key)) = (function, data, operand)
        {
            self.noted.index(key, data == Operand::Root);
        }
    }

    /// A term and the fields that are taken from it. None when there is none.
    fn operand(&mut self) -> Parsed<Option<Operand<'t>>> {
        let Some((operand, term)) = self.term()? else { return Ok(None) };
        let mut field = self.peek();
        let key = match term.kind {
            Kind::Field => self.noted.field_of_dot(term.text),
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
            self.noted.fields.push((key, name));
        }
        while field.kind == Kind::Field {
            self.next();
            field = self.peek();
        }
        if operand.is_constant() {
            return self.fail(Problem::FieldOfConstant(excerpt(term.text)));
        }
        Ok(Some(Operand::Other))
    }

    /// `$.name` is a key unless `$` has been set to something else.
    fn root_key(&mut self, field: Token<'t>) -> Option<&'t str> {
        if self.tree.variables.root_is_set { None } else { self.noted.field_of_root(field.text) }
    }

    fn term(&mut self) -> Parsed<Option<(Operand<'t>, Token<'t>)>> {
        let token = self.next_non_space();
        let operand = match token.kind {
            Kind::Identifier if !functions::exists(token.text) => {
                return self.fail(functions::undefined(token.text));
            }
            Kind::Identifier if matches!(token.text, "and" | "or") => Operand::ShortCircuit,
            Kind::Identifier if token.text == "index" => Operand::Index,
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
            Kind::Variable if token.text == "$" && !self.tree.variables.root_is_set => Operand::Root,
            Kind::Identifier | Kind::Variable | Kind::Field => Operand::Other,
            Kind::LeftParen => {
                self.deeper(|p| p.pipeline("parenthesized pipeline", Kind::RightParen))?;
                Operand::Other
            }
            Kind::Dot => Operand::Dot,
            Kind::String | Kind::RawString => {
                quoted::plain(token.text).map_or(Operand::Constant, Operand::Text)
            }
            Kind::Bool | Kind::CharConstant | Kind::Complex | Kind::Nil | Kind::Number => Operand::Constant,
            _ => {
                self.back_up();
                return Ok(None);
            }
        };
        Ok(Some((operand, token)))
    }
}

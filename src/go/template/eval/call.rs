//! Takes the pipelines of a template and gives their values.

use super::arguments::Arguments;
use super::run::{Ran, Run};
use super::value::Value;
use super::{Fault, LENGTH, TransformError, functions};
use crate::go::template::tree::{Operand, Pipeline, Term};

/// The most variables at a time: one is looked for among all.
pub(super) const VARIABLES: usize = 64;

impl<'t> Run<'t, '_> {
    /// The value of a pipeline, which its variables have then.
    pub(super) fn pipeline(&mut self, pipeline: &Pipeline<'t>, dot: &Value) -> Ran<Value> {
        let mut value = None;
        for command in &pipeline.commands {
            value = Some(self.command(command, value, dot)?);
        }
        let value = value.unwrap_or(Value::Nil);
        for variable in &pipeline.variables {
            self.spend(value.size())?;
            if pipeline.assigns {
                self.assign(variable, &value)?;
            } else if self.variables.len() == VARIABLES {
                return Err(TransformError::TooManyVariables);
            } else {
                self.variables.push((variable, value.clone()));
            }
        }
        Ok(value)
    }

    /// `piped` is what the command before gave, and the last argument.
    fn command(&mut self, operands: &[Operand<'t>], piped: Option<Value>, dot: &Value) -> Ran<Value> {
        let Some((first, arguments)) = operands.split_first() else { return Ok(Value::Nil) };
        if let (Term::Function(name), []) = (&first.term, first.fields.as_slice()) {
            return self.call(name, arguments, piped, dot);
        }
        let is_given_any = !arguments.is_empty() || piped.is_some();
        if first.fields.is_empty() {
            return match first.term {
                Term::Nil => Err(TransformError::Nil),
                _ if is_given_any => Err(TransformError::NotAFunction(title(&first.term))),
                _ => self.operand(first, dot),
            };
        }
        if is_given_any {
            return Err(TransformError::NotAFunction("a field"));
        }
        self.operand(first, dot)
    }

    fn call(
        &mut self,
        name: &str,
        operands: &[Operand<'t>],
        piped: Option<Value>,
        dot: &Value,
    ) -> Ran<Value> {
        let fault = |fault| TransformError::Function { function: name.to_owned(), fault };
        let Some(function) = functions::find(name) else {
            return Err(TransformError::Unsupported(name.to_owned()));
        };
        let mut values = Vec::with_capacity(operands.len() + 1);
        for operand in operands {
            let value = self.operand(operand, dot)?;
            // The rest is not evaluated.
            if functions::decides(name, &value) {
                return Ok(value);
            }
            values.push(value);
        }
        values.extend(piped);
        let mut arguments = Arguments::new(values, self.regexes, self.left);
        let value = function(&mut arguments).map_err(fault)?;
        arguments.finish().map_err(fault)?;
        let cost = arguments.cost;
        if matches!(&value, Value::Text(text) if text.len() > LENGTH) {
            return Err(fault(Fault::TooLong));
        }
        self.spend(cost + value.size())?;
        Ok(value)
    }

    fn operand(&mut self, operand: &Operand<'t>, dot: &Value) -> Ran<Value> {
        let value = match &operand.term {
            // Without a copy of what the fields leave out.
            Term::Dot => fields(dot, &operand.fields)?,
            Term::Variable(name) => {
                let known = self.variables.iter().rev().find(|(known, _)| known == name);
                let (_, value) = known.ok_or_else(|| TransformError::Undefined((*name).to_owned()))?;
                fields(value, &operand.fields)?
            }
            Term::Nil => Value::Nil,
            Term::Bool(truth) => Value::Bool(*truth),
            Term::Number(number) => Value::int(*number),
            Term::Text(text) => Value::Text(text.clone()),
            Term::Function(name) => fields(&self.call(name, &[], None, dot)?, &operand.fields)?,
            Term::Pipeline(pipeline) => {
                let value = self.pipeline(pipeline, dot)?;
                if operand.fields.is_empty() { value } else { fields(&value, &operand.fields)? }
            }
        };
        self.spend(1 + value.size())?;
        Ok(value)
    }
}

fn fields(of: &Value, names: &[&str]) -> Ran<Value> {
    let mut names = names.iter();
    let Some(first) = names.next() else { return Ok(of.clone()) };
    let no_field = |field: &str, of| TransformError::NoField { field: field.to_owned(), of };
    let found = match of {
        Value::Nil => return Ok(Value::Nil),
        Value::Map(map) => map.get(*first),
        other => return Err(no_field(first, other.kind())),
    };
    match (found, names.next()) {
        (Some(_), Some(second)) => Err(no_field(second, "text")),
        (Some(text), None) => Ok(Value::Text(text.clone())),
        (None, _) => Ok(Value::Nil),
    }
}

fn title(term: &Term<'_>) -> &'static str {
    match term {
        Term::Dot => ".",
        Term::Variable(_) => "a variable",
        Term::Pipeline(_) => "what stands in parentheses",
        Term::Nil | Term::Bool(_) | Term::Number(_) | Term::Text(_) | Term::Function(_) => "a constant",
    }
}

//! Runs the tree of a template. The rule is Go's `text/template/exec.go`.

use super::arguments::Arguments;
use super::regexes::Regexes;
use super::value::Value;
use super::{BUDGET, Fault, LENGTH, TransformError, format, functions};
use crate::go::template::tree::{Block, Node, Operand, Pipeline, Term};
use std::collections::BTreeMap;

type Ran<T> = Result<T, TransformError>;

/// What the template writes for the key.
pub(super) fn run(nodes: &[Node<'_>], key: &str, regexes: &mut Regexes) -> Ran<String> {
    let data = Value::Map(BTreeMap::from([("value".to_owned(), key.to_owned())]));
    let mut run = Run { variables: vec![("$", data.clone())], out: String::new(), left: BUDGET, regexes };
    run.walk(nodes, &data)?;
    Ok(run.out)
}

struct Run<'t, 'r> {
    variables: Vec<(&'t str, Value)>,
    out: String,
    /// What is left of the budget.
    left: usize,
    regexes: &'r mut Regexes,
}

/// What comes after a node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

impl<'t> Run<'t, '_> {
    fn spend(&mut self, cost: usize) -> Ran<()> {
        self.left = self.left.checked_sub(cost).ok_or(TransformError::TooMuch)?;
        Ok(())
    }

    fn write(&mut self, text: &str) -> Ran<()> {
        if self.out.len() + text.len() > LENGTH {
            return Err(TransformError::TooLong);
        }
        self.out.push_str(text);
        Ok(())
    }

    fn walk(&mut self, nodes: &[Node<'t>], dot: &Value) -> Ran<Flow> {
        for node in nodes {
            self.spend(1)?;
            let flow = match node {
                Node::Text(text) => self.write(text).map(|()| Flow::Next)?,
                Node::Action(pipeline) => self.action(pipeline, dot)?,
                Node::Block { kind, branches, otherwise } => {
                    let outer = self.variables.len();
                    let flow = self.block(*kind, branches, otherwise, dot)?;
                    self.variables.truncate(outer);
                    flow
                }
                Node::Break => Flow::Break,
                Node::Continue => Flow::Continue,
            };
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn action(&mut self, pipeline: &Pipeline<'t>, dot: &Value) -> Ran<Flow> {
        let value = self.pipeline(pipeline, dot)?;
        if pipeline.variables.is_empty() {
            match value {
                Value::Nil => self.write("<no value>")?,
                Value::Text(text) => self.write(&text)?,
                other => self.write(&format::plain(&other))?,
            }
        }
        Ok(Flow::Next)
    }

    fn block(
        &mut self,
        kind: Block,
        branches: &[(Pipeline<'t>, Vec<Node<'t>>)],
        otherwise: &[Node<'t>],
        dot: &Value,
    ) -> Ran<Flow> {
        for (condition, nodes) in branches {
            let value = self.pipeline(condition, dot)?;
            match kind {
                Block::Range => {
                    if self.range(value, condition, nodes)? {
                        return Ok(Flow::Next);
                    }
                }
                Block::If if value.is_true() => return self.walk(nodes, dot),
                Block::With if value.is_true() => return self.walk(nodes, &value),
                Block::If | Block::With => {}
            }
        }
        self.walk(otherwise, dot)
    }

    /// Whether there was something to go over.
    fn range(&mut self, over: Value, pipeline: &Pipeline<'t>, nodes: &[Node<'t>]) -> Ran<bool> {
        let mark = self.variables.len();
        let one = |run: &mut Self, index: Value, element: &Value| -> Ran<bool> {
            match (pipeline.variables.as_slice(), pipeline.assigns) {
                ([only], true) => run.assign(only, element)?,
                ([first, second, ..], true) => {
                    run.assign(first, &index)?;
                    run.assign(second, element)?;
                }
                ([_], false) => run.set_top(1, element),
                ([_, _, ..], false) => {
                    run.set_top(1, element);
                    run.set_top(2, &index);
                }
                ([], _) => {}
            }
            run.spend(1 + 2 * element.size())?;
            let flow = run.walk(nodes, element)?;
            run.variables.truncate(mark);
            Ok(flow == Flow::Break)
        };
        match over {
            Value::Nil => Ok(false),
            Value::List(list) => {
                for (index, element) in (0..).zip(&list) {
                    if one(self, Value::int(index), element)? {
                        break;
                    }
                }
                Ok(!list.is_empty())
            }
            Value::Map(map) => {
                for (key, value) in &map {
                    if one(self, Value::Text(key.clone()), &Value::Text(value.clone()))? {
                        break;
                    }
                }
                Ok(!map.is_empty())
            }
            Value::Number(..) if pipeline.variables.len() > 1 => Err(TransformError::RangeOfNumber),
            Value::Number(count, kind) => {
                for number in 0..count {
                    if one(self, Value::Nil, &Value::Number(number, kind))? {
                        break;
                    }
                }
                Ok(count > 0)
            }
            Value::Bool(_) | Value::Text(_) => Err(TransformError::Range(over.kind())),
        }
    }

    /// Sets the last variable of the name.
    fn assign(&mut self, name: &str, value: &Value) -> Ran<()> {
        let known = self.variables.iter_mut().rev().find(|(known, _)| *known == name);
        let (_, variable) = known.ok_or_else(|| TransformError::Undefined(name.to_owned()))?;
        variable.clone_from(value);
        Ok(())
    }

    /// Sets the variable that was declared last, or the one before it.
    fn set_top(&mut self, from_top: usize, value: &Value) {
        if let Some((_, variable)) = self.variables.iter_mut().rev().nth(from_top - 1) {
            variable.clone_from(value);
        }
    }

    fn pipeline(&mut self, pipeline: &Pipeline<'t>, dot: &Value) -> Ran<Value> {
        let mut value = None;
        for command in &pipeline.commands {
            value = Some(self.command(command, value, dot)?);
        }
        let value = value.unwrap_or(Value::Nil);
        for variable in &pipeline.variables {
            self.spend(value.size())?;
            if pipeline.assigns {
                self.assign(variable, &value)?;
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
        let mut arguments = Arguments::new(values, self.regexes);
        let value = function(&mut arguments).map_err(fault)?;
        arguments.finish().map_err(fault)?;
        if matches!(&value, Value::Text(text) if text.len() > LENGTH) {
            return Err(fault(Fault::TooLong));
        }
        self.spend(value.size())?;
        Ok(value)
    }

    fn operand(&mut self, operand: &Operand<'t>, dot: &Value) -> Ran<Value> {
        let value = match &operand.term {
            // Without a copy of what the fields leave out.
            Term::Dot => fields(dot, &operand.fields)?,
            Term::Variable(name) => {
                let known = self.variables.iter().rev().find(|(known, _)| known == name);
                fields(known.map_or(&Value::Nil, |(_, value)| value), &operand.fields)?
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

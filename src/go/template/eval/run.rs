//! Takes the tree of a template and a key, and gives what the template writes. The rule is Go's
//! `text/template/exec.go`; `call.rs` has the part of it that makes values.

use super::regexes::Regexes;
use super::value::Value;
use super::{LENGTH, RUN, TransformError, format};
use crate::go::template::tree::{Block, Node, Pipeline};
use std::collections::BTreeMap;

pub(super) type Ran<T> = Result<T, TransformError>;

/// What the template writes for the key, and what that has cost.
pub(super) fn run(nodes: &[Node<'_>], key: &str, regexes: &mut Regexes) -> Ran<(String, usize)> {
    let data = Value::Map(BTreeMap::from([("value".to_owned(), key.to_owned())]));
    let mut run = Run { variables: vec![("$", data.clone())], out: String::new(), left: RUN, regexes };
    run.walk(nodes, &data)?;
    Ok((run.out, RUN - run.left))
}

pub(super) struct Run<'t, 'r> {
    pub(super) variables: Vec<(&'t str, Value)>,
    out: String,
    /// What is left of the budget.
    pub(super) left: usize,
    pub(super) regexes: &'r mut Regexes,
}

/// What comes after a node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

impl<'t> Run<'t, '_> {
    pub(super) fn spend(&mut self, cost: usize) -> Ran<()> {
        self.left = self.left.checked_sub(cost).ok_or(TransformError::TooMuch)?;
        Ok(())
    }

    fn write(&mut self, text: &str) -> Ran<()> {
        self.spend(text.len())?;
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
        match (kind, self.walk(otherwise, dot)?) {
            // As Go has it: it ends the range that had nothing to go over.
            (Block::Range, Flow::Break) => Ok(Flow::Next),
            (_, flow) => Ok(flow),
        }
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
    pub(super) fn assign(&mut self, name: &str, value: &Value) -> Ran<()> {
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
}

//! The arguments of a call, taken one by one with the types that Go's functions want.

use super::Fault;
use super::regexes::Regexes;
use super::value::{Integer, Value};

pub(super) struct Arguments<'r> {
    values: std::vec::IntoIter<Value>,
    pub(super) regexes: &'r mut Regexes,
    /// What the call costs beside its result.
    pub(super) cost: usize,
    /// The most that it may cost.
    left: usize,
}

impl<'r> Arguments<'r> {
    pub(super) fn new(values: Vec<Value>, regexes: &'r mut Regexes, left: usize) -> Self {
        Self { values: values.into_iter(), regexes, cost: 0, left }
    }

    /// Before what costs that much is done.
    pub(super) fn spend(&mut self, cost: usize) -> Result<(), Fault> {
        self.cost = self.cost.saturating_add(cost);
        if self.cost > self.left { Err(Fault::TooMuch) } else { Ok(()) }
    }

    pub(super) fn any(&mut self) -> Result<Value, Fault> {
        self.values.next().ok_or(Fault::TooFew)
    }

    /// All that are left.
    pub(super) fn rest(&mut self) -> impl Iterator<Item = Value> {
        self.values.by_ref()
    }

    pub(super) fn text(&mut self) -> Result<String, Fault> {
        match self.any()? {
            Value::Text(text) => Ok(text),
            other => Err(Fault::Type { wanted: "text", got: other.kind() }),
        }
    }

    pub(super) fn int(&mut self) -> Result<i64, Fault> {
        match self.any()? {
            Value::Number(number, Integer::Int) => Ok(number),
            other => Err(Fault::Type { wanted: "int", got: other.kind() }),
        }
    }

    pub(super) fn bool(&mut self) -> Result<bool, Fault> {
        match self.any()? {
            Value::Bool(truth) => Ok(truth),
            other => Err(Fault::Type { wanted: "bool", got: other.kind() }),
        }
    }

    pub(super) fn list(&mut self) -> Result<Vec<Value>, Fault> {
        match self.any()? {
            Value::List(list) => Ok(list),
            other => Err(Fault::Type { wanted: "list", got: other.kind() }),
        }
    }

    /// Passes over those that are left.
    pub(super) fn skip(&mut self) {
        self.values.by_ref().for_each(drop);
    }

    /// That there is none left.
    pub(super) fn finish(&mut self) -> Result<(), Fault> {
        if self.values.len() == 0 { Ok(()) } else { Err(Fault::TooMany) }
    }
}

//! Takes a query and an element of an array and says whether the element matches.

use super::path::Query;
use super::value::{Kind, Value};
use super::{Evaluator, GjsonError, pattern};
use crate::go::float;
use std::cmp::Ordering;

impl Query<'_> {
    pub(super) fn takes(&self, evaluator: &mut Evaluator, element: &Value<'_>) -> Result<bool, GjsonError> {
        let inside;
        let value = match element.kind {
            Kind::Json => {
                inside = evaluator.get(&element.raw, self.path)?;
                inside.as_ref()
            }
            _ if !self.path.is_empty() => return Ok(false),
            _ => Some(element),
        };
        if let Some(wanted) = self.operand.strip_prefix(b"~") {
            let is_so = match (wanted, value) {
                (b"*", _) => value.is_some(),
                (b"null", _) => value.is_none_or(|value| value.kind == Kind::Null),
                (b"true", _) => value.map_or(Ok(false), Value::bool)?,
                (b"false", _) => value.map_or(Ok(true), Value::is_falseish)?,
                _ => return Ok(false),
            };
            return Ok(self.operator.is_empty() || self.compares_bool(is_so, b"true"));
        }
        let Some(value) = value else { return Ok(false) };
        if self.operator.is_empty() {
            return Ok(true);
        }
        Ok(match value.kind {
            Kind::String => match self.operator {
                b"%" => pattern::matches(evaluator, &value.string, &self.operand)?,
                b"!%" => !pattern::matches(evaluator, &value.string, &self.operand)?,
                _ => self.compares(Some(value.string.cmp(&self.operand))),
            },
            Kind::Number => self.compares(value.float()?.partial_cmp(&float::parse(&self.operand)?)),
            Kind::True => self.compares_bool(true, &self.operand),
            Kind::False => self.compares_bool(false, &self.operand),
            Kind::Null | Kind::Json => false,
        })
    }

    /// The operator on strings and numbers; None is the order of what is not a number.
    fn compares(&self, order: Option<Ordering>) -> bool {
        match self.operator {
            b"=" => order == Some(Ordering::Equal),
            b"!=" => order != Some(Ordering::Equal),
            b"<" => order == Some(Ordering::Less),
            b"<=" => order.is_some_and(Ordering::is_le),
            b">" => order == Some(Ordering::Greater),
            b">=" => order.is_some_and(Ordering::is_ge),
            _ => false,
        }
    }

    fn compares_bool(&self, value: bool, operand: &[u8]) -> bool {
        let (same, opposite): (&[u8], &[u8]) = if value { (b"true", b"false") } else { (b"false", b"true") };
        match (self.operator, value) {
            (b"=", _) => operand == same,
            (b"!=", _) => operand != same,
            (b">", true) | (b"<", false) => operand == opposite,
            (b">=", true) | (b"<=", false) => true,
            _ => false,
        }
    }
}

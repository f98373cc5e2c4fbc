//! Go's functions that compare.

use super::Fault;
use super::arguments::Arguments;
use super::value::Value;
use std::cmp::Ordering;

/// Whether the first argument equals one of the others.
pub(super) fn equal(arguments: &mut Arguments<'_>) -> Result<Value, Fault> {
    let (first, second) = (arguments.any()?, arguments.any()?);
    let mut is_equal = are_equal(&first, &second)?;
    while !is_equal && let Some(other) = arguments.rest().next() {
        is_equal = are_equal(&first, &other)?;
    }
    arguments.skip();
    Ok(is_equal.into())
}

pub(super) fn not_equal(arguments: &mut Arguments<'_>) -> Result<Value, Fault> {
    let (first, second) = (arguments.any()?, arguments.any()?);
    Ok((!are_equal(&first, &second)?).into())
}

/// Compares two in order.
pub(super) fn ordered(arguments: &mut Arguments<'_>, is: fn(Ordering) -> bool) -> Result<Value, Fault> {
    let order = match (arguments.any()?, arguments.any()?) {
        (Value::Number(first, _), Value::Number(second, _)) => first.cmp(&second),
        (Value::Text(first), Value::Text(second)) => first.cmp(&second),
        (first, second) => return Err(Fault::Incomparable(first.kind(), second.kind())),
    };
    Ok(is(order).into())
}

fn are_equal(first: &Value, second: &Value) -> Result<bool, Fault> {
    match (first, second) {
        (Value::Number(first, _), Value::Number(second, _)) => Ok(first == second),
        (Value::Bool(first), Value::Bool(second)) => Ok(first == second),
        (Value::Text(first), Value::Text(second)) => Ok(first == second),
        // Some lists without elements are nothing to Go, and some are not.
        (Value::Nil, Value::List(list)) | (Value::List(list), Value::Nil) if list.is_empty() => {
            Err(Fault::Incomparable(first.kind(), second.kind()))
        }
        // A list or a map that is there is not nothing.
        (Value::Nil, other) | (other, Value::Nil) => Ok(*other == Value::Nil),
        _ => Err(Fault::Incomparable(first.kind(), second.kind())),
    }
}

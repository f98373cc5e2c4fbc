//! The functions of sprig for whole numbers. They take texts, too, and whatever is no number for 0.

use super::arguments::Arguments;
use super::value::Value;
use super::{Fault, LENGTH};
use crate::go::template::number;
use std::num::{IntErrorKind, ParseIntError};

/// As the package cast reads it: a text in Go's own notation.
pub(super) fn cast(value: &Value) -> i64 {
    match value {
        Value::Number(number, _) => *number,
        Value::Bool(truth) => i64::from(*truth),
        Value::Text(text) => number::integer(whole(text)).unwrap_or_default(),
        Value::Nil | Value::List(_) | Value::Map(_) => 0,
    }
}

/// `2.75` is 2.
fn whole(text: &str) -> &str {
    let are_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    match text.split_once('.') {
        Some((whole, fraction))
            if are_digits(whole.trim_start_matches(['-', '+'])) && are_digits(fraction) =>
        {
            whole
        }
        _ => text,
    }
}

/// `strconv.Atoi`: 0 for what is no number, and the nearest for what is too large.
pub(super) fn atoi(text: &str) -> i64 {
    text.parse().unwrap_or_else(|error: ParseIntError| match error.kind() {
        IntErrorKind::PosOverflow => i64::MAX,
        IntErrorKind::NegOverflow => i64::MIN,
        _ => 0,
    })
}

pub(super) fn fold(
    arguments: &mut Arguments<'_>,
    start: i64,
    step: fn(i64, i64) -> i64,
) -> Result<Value, Fault> {
    Ok(Value::int64(arguments.rest().fold(start, |sum, value| step(sum, cast(&value)))))
}

/// The same from the first argument on.
pub(super) fn fold_first(arguments: &mut Arguments<'_>, step: fn(i64, i64) -> i64) -> Result<Value, Fault> {
    let first = cast(&arguments.any()?);
    fold(arguments, first, step)
}

pub(super) fn two(
    arguments: &mut Arguments<'_>,
    operation: fn(i64, i64) -> Option<i64>,
) -> Result<Value, Fault> {
    let (first, second) = (cast(&arguments.any()?), cast(&arguments.any()?));
    operation(first, second).map(Value::int64).ok_or(Fault::Division)
}

/// The numbers up to one that is not among them.
pub(super) fn until(start: i64, stop: i64, step: i64) -> Result<Vec<i64>, Fault> {
    let runs_the_right_way = if stop < start { step < 0 } else { step > 0 };
    if !runs_the_right_way {
        return Ok(Vec::new());
    }
    let count = stop.abs_diff(start).div_ceil(step.unsigned_abs());
    if count > u64::try_from(LENGTH / 8).unwrap_or_default() {
        return Err(Fault::TooLong);
    }
    let next = |number: &i64| number.checked_add(step);
    let numbers = std::iter::successors(Some(start), next);
    Ok(numbers.take_while(|number| if step < 0 { *number > stop } else { *number < stop }).collect())
}

//! The functions of sprig that make texts of texts, and parts of them.

use super::arguments::Arguments;
use super::value::Value;
use super::{Fault, LENGTH};
use std::collections::{BTreeMap, HashSet};

pub(super) fn replace(arguments: &mut Arguments<'_>) -> Result<Value, Fault> {
    let (old, new, text) = (arguments.text()?, arguments.text()?, arguments.text()?);
    if text.len() + text.matches(&old).count() * new.len() > LENGTH + text.len() {
        return Err(Fault::TooLong);
    }
    Ok(text.replace(&old, &new).into())
}

pub(super) fn repeat(arguments: &mut Arguments<'_>) -> Result<Value, Fault> {
    let (count, text) = (arguments.int()?, arguments.text()?);
    let times = usize::try_from(count).map_err(|_| Fault::Negative(count))?;
    if times.checked_mul(text.len()).is_none_or(|length| length > LENGTH) {
        return Err(Fault::TooLong);
    }
    Ok(text.repeat(if text.is_empty() { 0 } else { times }).into())
}

/// Without the characters of the set at both ends.
pub(super) fn trim_all(set: &str, text: &str) -> Value {
    let set: HashSet<char> = set.chars().collect();
    text.trim_matches(|c| set.contains(&c)).into()
}

/// The first bytes, or the last for a negative number.
pub(super) fn trunc(arguments: &mut Arguments<'_>) -> Result<Value, Fault> {
    let (count, text) = (arguments.int()?, arguments.text()?);
    let length = i64::try_from(text.len()).unwrap_or(i64::MAX);
    let (from, to) =
        if count < 0 { (length.saturating_add(count).max(0), length) } else { (0, count.min(length)) };
    cut(&text, from, to).map(Value::from)
}

pub(super) fn substr(arguments: &mut Arguments<'_>) -> Result<Value, Fault> {
    let (start, end, text) = (arguments.int()?, arguments.int()?, arguments.text()?);
    let length = i64::try_from(text.len()).unwrap_or(i64::MAX);
    let to_the_end = start >= 0 && (end < 0 || end > length);
    cut(&text, start.max(0), if to_the_end { length } else { end }).map(Value::from)
}

/// A part of a text by bytes, which must not end within a character: the rest would be no text.
fn cut(text: &str, from: i64, to: i64) -> Result<&str, Fault> {
    let position = |at: i64| match usize::try_from(at) {
        Ok(index) if text.is_char_boundary(index) => Ok(index),
        Ok(index) if index < text.len() => Err(Fault::InsideCharacter(at)),
        _ => Err(Fault::OutOfRange(at)),
    };
    text.get(position(from)?..position(to)?).ok_or(Fault::OutOfRange(from))
}

/// Byte by byte, as goutils does: where there are spaces, characters of several bytes come out as several.
pub(super) fn nospace(arguments: &mut Arguments<'_>) -> Result<Value, Fault> {
    let text = arguments.text()?;
    let kept: Vec<u8> = text.bytes().filter(|byte| !char::from(*byte).is_whitespace()).collect();
    if kept.len() == text.len() {
        return Ok(text.into());
    }
    Ok(kept.into_iter().map(char::from).collect::<String>().into())
}

pub(super) fn indent(arguments: &mut Arguments<'_>) -> Result<String, Fault> {
    let (count, text) = (arguments.int()?, arguments.text()?);
    let spaces = usize::try_from(count).map_err(|_| Fault::Negative(count))?;
    let lines = text.matches('\n').count() + 1;
    if spaces.checked_mul(lines).is_none_or(|length| length > LENGTH) {
        return Err(Fault::TooLong);
    }
    let margin = " ".repeat(spaces);
    Ok(format!("{margin}{}", text.replace('\n', &format!("\n{margin}"))))
}

/// The parts by their names: `_0`, `_1`.
pub(super) fn split(arguments: &mut Arguments<'_>) -> Result<Value, Fault> {
    let (separator, text) = (arguments.text()?, arguments.text()?);
    Ok(named(pieces(&separator, &text, -1)))
}

pub(super) fn splitn(arguments: &mut Arguments<'_>) -> Result<Value, Fault> {
    let (separator, most, text) = (arguments.text()?, arguments.int()?, arguments.text()?);
    Ok(named(pieces(&separator, &text, most)))
}

pub(super) fn split_list(arguments: &mut Arguments<'_>) -> Result<Value, Fault> {
    let (separator, text) = (arguments.text()?, arguments.text()?);
    Ok(Value::texts(pieces(&separator, &text, -1)))
}

fn named(pieces: Vec<String>) -> Value {
    let entries = pieces.into_iter().enumerate().map(|(index, piece)| (format!("_{index}"), piece));
    Value::Map(entries.collect::<BTreeMap<_, _>>())
}

/// `strings.SplitN`: all for a negative number; characters if there is nothing to split at.
fn pieces(separator: &str, text: &str, most: i64) -> Vec<String> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    if most == 0 {
        return Vec::new();
    }
    if !separator.is_empty() {
        return text.splitn(most, separator).map(str::to_owned).collect();
    }
    let mut rest = text.chars();
    let mut pieces: Vec<String> = rest.by_ref().take(most - 1).map(String::from).collect();
    if !rest.as_str().is_empty() {
        pieces.push(rest.as_str().to_owned());
    }
    pieces
}

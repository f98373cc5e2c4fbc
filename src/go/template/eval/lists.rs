//! The functions of Go and sprig for lists.

use super::arguments::Arguments;
use super::value::Value;
use super::{Fault, LENGTH, format, numbers};

/// The elements, or an error; a list without elements has neither a first nor a last, but that is no error.
pub(super) fn first(arguments: &mut Arguments<'_>) -> Result<Value, Fault> {
    Ok(arguments.list()?.into_iter().next().unwrap_or(Value::Nil))
}

pub(super) fn last(arguments: &mut Arguments<'_>) -> Result<Value, Fault> {
    Ok(arguments.list()?.pop().unwrap_or(Value::Nil))
}

pub(super) fn rest(arguments: &mut Arguments<'_>) -> Result<Value, Fault> {
    Ok(Value::List(arguments.list()?.into_iter().skip(1).collect()))
}

pub(super) fn initial(arguments: &mut Arguments<'_>) -> Result<Value, Fault> {
    let mut list = arguments.list()?;
    list.pop();
    Ok(Value::List(list))
}

pub(super) fn reverse(arguments: &mut Arguments<'_>) -> Result<Value, Fault> {
    let mut list = arguments.list()?;
    list.reverse();
    Ok(Value::List(list))
}

pub(super) fn compact(arguments: &mut Arguments<'_>) -> Result<Value, Fault> {
    let mut list = arguments.list()?;
    list.retain(Value::is_true);
    Ok(Value::List(list))
}

pub(super) fn append(arguments: &mut Arguments<'_>) -> Result<Value, Fault> {
    let mut list = arguments.list()?;
    list.push(arguments.any()?);
    Ok(Value::List(list))
}

pub(super) fn prepend(arguments: &mut Arguments<'_>) -> Result<Value, Fault> {
    let mut list = arguments.list()?;
    list.insert(0, arguments.any()?);
    Ok(Value::List(list))
}

pub(super) fn concat(arguments: &mut Arguments<'_>) -> Result<Value, Fault> {
    let mut all = Vec::new();
    for value in arguments.rest() {
        match value {
            Value::List(list) => all.extend(list),
            other => return Err(Fault::Type { wanted: "list", got: other.kind() }),
        }
    }
    Ok(Value::List(all))
}

/// Whether a value is in a list; nothing is in nothing.
pub(super) fn has(arguments: &mut Arguments<'_>) -> Result<Value, Fault> {
    let (needle, haystack) = (arguments.any()?, arguments.any()?);
    match haystack {
        Value::Nil => Ok(false.into()),
        Value::List(list) => Ok(list.contains(&needle).into()),
        other => Err(Fault::Type { wanted: "list", got: other.kind() }),
    }
}

pub(super) fn without(arguments: &mut Arguments<'_>) -> Result<Value, Fault> {
    let mut list = arguments.list()?;
    let omitted: Vec<Value> = arguments.rest().collect();
    arguments.spend(list.len() * omitted.len())?;
    list.retain(|element| !omitted.contains(element));
    Ok(Value::List(list))
}

pub(super) fn slice(arguments: &mut Arguments<'_>) -> Result<Value, Fault> {
    let list = arguments.list()?;
    let bounds: Vec<i64> = arguments.rest().map(|bound| numbers::cast(&bound)).collect();
    if list.is_empty() {
        return Ok(Value::Nil);
    }
    let position = |at: i64| usize::try_from(at).map_err(|_| Fault::OutOfRange(at));
    let start = bounds.first().copied().unwrap_or_default();
    let end = bounds.get(1).map_or(Ok(list.len()), |end| position(*end))?;
    let part = list.get(position(start)?..end).ok_or(Fault::OutOfRange(start))?;
    Ok(Value::List(part.to_vec()))
}

pub(super) fn join(arguments: &mut Arguments<'_>) -> Result<Value, Fault> {
    let (separator, parts) = (arguments.text()?, texts(arguments.any()?));
    let length: usize = parts.iter().map(|part| part.len() + separator.len()).sum();
    if length > LENGTH + separator.len() {
        return Err(Fault::TooLong);
    }
    Ok(parts.join(&separator).into())
}

pub(super) fn sort(arguments: &mut Arguments<'_>) -> Result<Value, Fault> {
    let mut sorted = match arguments.any()? {
        list @ Value::List(_) => texts(list),
        other => vec![text(other)],
    };
    sorted.sort_unstable();
    Ok(Value::texts(sorted))
}

/// Whatever it is as a list of texts, without nothing.
pub(super) fn texts(value: Value) -> Vec<String> {
    match value {
        Value::Nil => Vec::new(),
        Value::List(list) => list.into_iter().filter(|part| *part != Value::Nil).map(text).collect(),
        other => vec![text(other)],
    }
}

/// As a text.
pub(super) fn text(value: Value) -> String {
    match value {
        Value::Text(text) => text,
        other => format::plain(&other),
    }
}

pub(super) fn length(arguments: &mut Arguments<'_>) -> Result<Value, Fault> {
    let length = match arguments.any()? {
        Value::Text(text) => text.len(),
        Value::List(list) => list.len(),
        Value::Map(map) => map.len(),
        other => return Err(Fault::Type { wanted: "text or list", got: other.kind() }),
    };
    Ok(Value::int(i64::try_from(length).unwrap_or(i64::MAX)))
}

pub(super) fn index(arguments: &mut Arguments<'_>) -> Result<Value, Fault> {
    let mut item = arguments.any()?;
    if item == Value::Nil {
        return Err(Fault::Type { wanted: "list", got: "nil" });
    }
    for key in arguments.rest() {
        item = match (item, key) {
            // What a map does not have is an empty text.
            (Value::Map(mut map), Value::Text(key)) => map.remove(&key).unwrap_or_default().into(),
            (Value::Map(_), Value::Nil) => Value::from(""),
            (Value::List(list), Value::Number(at, _)) => usize::try_from(at)
                .ok()
                .and_then(|at| list.into_iter().nth(at))
                .ok_or(Fault::OutOfRange(at))?,
            (Value::Text(text), Value::Number(at, _)) => {
                let byte = usize::try_from(at).ok().and_then(|at| text.as_bytes().get(at).copied());
                Value::Number(byte.ok_or(Fault::OutOfRange(at))?.into(), super::value::Integer::Uint8)
            }
            (Value::Map(_), other) => return Err(Fault::Type { wanted: "text", got: other.kind() }),
            (Value::List(_) | Value::Text(_), other) => {
                return Err(Fault::Type { wanted: "int", got: other.kind() });
            }
            (other, _) => return Err(Fault::Type { wanted: "list", got: other.kind() }),
        };
    }
    Ok(item)
}

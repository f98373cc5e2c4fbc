//! Takes a text, a modifier and its argument and gives the text that the modifier makes of it.

use super::build::List;
use super::entries::{contents, entries};
use super::scan;
use super::value::{Value, unwrap, unwrap_trimmed};
use super::{DEPTH, Evaluator, GjsonError, pretty};
use crate::go::{json, rune};
use std::borrow::Cow;
use std::collections::HashMap;

/// What stands behind an `@`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Modifier {
    Dig,
    Flatten,
    FromStr,
    Group,
    Join,
    Keys,
    Pretty,
    Reverse,
    This,
    ToStr,
    Ugly,
    Valid,
    Values,
}

impl Modifier {
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"dig" => Self::Dig,
            b"flatten" => Self::Flatten,
            b"fromstr" => Self::FromStr,
            b"group" => Self::Group,
            b"join" => Self::Join,
            b"keys" => Self::Keys,
            b"pretty" => Self::Pretty,
            b"reverse" => Self::Reverse,
            b"this" => Self::This,
            b"tostr" => Self::ToStr,
            b"ugly" => Self::Ugly,
            b"valid" => Self::Valid,
            b"values" => Self::Values,
            _ => return None,
        })
    }
}

impl Evaluator {
    pub(super) fn modify<'d>(
        &mut self,
        modifier: Modifier,
        json: &'d [u8],
        argument: &[u8],
    ) -> Result<Cow<'d, [u8]>, GjsonError> {
        let changed = match modifier {
            Modifier::Dig => self.dig(json, argument)?,
            Modifier::Flatten => return self.flatten(json, argument, 0),
            Modifier::FromStr => match Value::parse(json).filter(|_| json::is_valid(json)) {
                Some(value) => value.text()?.into_owned(),
                None => Vec::new(),
            },
            Modifier::Group => group(json),
            Modifier::Join => return self.join(json, argument),
            Modifier::Keys => keys(json),
            Modifier::Pretty => pretty::pretty(self, json, argument)?,
            Modifier::Reverse => return Ok(reverse(json)),
            Modifier::This => return Ok(Cow::Borrowed(json)),
            Modifier::ToStr => json::quote(json, true),
            Modifier::Ugly => ugly(json),
            Modifier::Valid if json::is_valid(json) => return Ok(Cow::Borrowed(json)),
            Modifier::Valid => Vec::new(),
            Modifier::Values => return Ok(values(json)),
        };
        self.charge(changed.len())?;
        Ok(Cow::Owned(changed))
    }

    /// The path in the value and in everything inside of it.
    fn dig(&mut self, json: &[u8], path: &[u8]) -> Result<Vec<u8>, GjsonError> {
        let mut list = List::new();
        // What is still to be looked into, the next one last.
        let mut pending = vec![(Value::parse(json).map_or_else(Cow::default, |root| root.raw), 0)];
        while let Some((raw, depth)) = pending.pop() {
            if depth > DEPTH {
                return Err(GjsonError::TooDeep);
            }
            if let Some(found) = self.get(&raw, path)? {
                self.charge(found.raw.len())?;
                list.push(&found.raw);
            }
            if let Cow::Borrowed(container @ [b'{' | b'[', ..]) = raw {
                self.charge(container.len())?;
                pending
                    .extend(contents(container).into_iter().rev().map(|(_, value)| (value.raw, depth + 1)));
            }
        }
        Ok(list.finish(b'['))
    }

    fn flatten<'d>(
        &mut self,
        json: &'d [u8],
        argument: &[u8],
        depth: usize,
    ) -> Result<Cow<'d, [u8]>, GjsonError> {
        if depth > DEPTH {
            return Err(GjsonError::TooDeep);
        }
        self.charge(json.len())?;
        let Some(array) = Value::parse(json).filter(Value::is_array) else { return Ok(Cow::Borrowed(json)) };
        let is_deep = option(argument, b"deep")?;
        let mut list = List::new();
        for (_, value) in entries(&array) {
            let inside = if value.is_array() && is_deep {
                self.flatten(&value.raw, argument, depth + 1)?
            } else {
                Cow::Borrowed(&*value.raw)
            };
            let elements = if value.is_array() { unwrap_trimmed(&inside) } else { rune::trim_space(&inside) };
            if !elements.is_empty() {
                list.push(elements);
            }
        }
        Ok(Cow::Owned(list.finish(b'[')))
    }

    /// The members of all objects of an array, in one.
    fn join<'d>(&mut self, json: &'d [u8], argument: &[u8]) -> Result<Cow<'d, [u8]>, GjsonError> {
        let Some(array) = Value::parse(json).filter(Value::is_array) else { return Ok(Cow::Borrowed(json)) };
        let preserves = option(argument, b"preserve")?;
        let mut list = List::new();
        let objects = entries(&array).into_iter().map(|(_, value)| value).filter(Value::is_object);
        let objects: Vec<_> = objects.collect();
        if preserves {
            objects.iter().enumerate().for_each(|(index, object)| list.push_at(index, unwrap(&object.raw)));
            return Ok(Cow::Owned(list.finish(b'{')));
        }
        // Of equal keys the first place and the last value.
        let mut places = HashMap::new();
        let mut members: Vec<(Value<'_>, Value<'_>)> = Vec::new();
        for (key, value) in objects.iter().flat_map(entries) {
            let Some(key) = key else { continue };
            let place = *places.entry(key.string.clone()).or_insert(members.len());
            match members.get_mut(place) {
                Some(member) => member.1 = value,
                None => members.push((key, value)),
            }
        }
        members.iter().for_each(|(key, value)| list.push(&member(key, value)));
        self.charge(json.len())?;
        Ok(Cow::Owned(list.finish(b'{')))
    }
}

/// Whether a modifier's argument sets the option.
fn option(argument: &[u8], name: &[u8]) -> Result<bool, GjsonError> {
    let mut is_set = false;
    let argument = Value::parse(argument);
    for (key, value) in argument.iter().flat_map(entries) {
        if key.is_some_and(|key| key.string == name) {
            is_set = value.bool()?;
        }
    }
    Ok(is_set)
}

fn member(key: &Value<'_>, value: &Value<'_>) -> Vec<u8> {
    [&key.raw, &b":"[..], &value.raw].concat()
}

fn keys(json: &[u8]) -> Vec<u8> {
    let mut list = List::new();
    let value = Value::parse(json);
    for (index, (key, _)) in value.iter().flat_map(entries).enumerate() {
        list.push_at(index, key.as_ref().map_or(b"null", |key| &key.raw));
    }
    list.finish(b'[')
}

fn values(json: &[u8]) -> Cow<'_, [u8]> {
    let value = Value::parse(json);
    if value.as_ref().is_some_and(Value::is_array) {
        return Cow::Borrowed(json);
    }
    let mut list = List::new();
    value.iter().flat_map(entries).for_each(|(_, value)| list.push(&value.raw));
    Cow::Owned(list.finish(b'['))
}

fn reverse(json: &[u8]) -> Cow<'_, [u8]> {
    let Some(value) = Value::parse(json).filter(|value| value.is_array() || value.is_object()) else {
        return Cow::Borrowed(json);
    };
    let mut list = List::new();
    for (key, value) in entries(&value).iter().rev() {
        match key {
            Some(key) => list.push(&member(key, value)),
            None => list.push(&value.raw),
        }
    }
    Cow::Owned(list.finish(if value.is_object() { b'{' } else { b'[' }))
}

/// `{"a":[1,2],"b":[3,4]}` becomes `[{"a":1,"b":3},{"a":2,"b":4}]`.
fn group(json: &[u8]) -> Vec<u8> {
    let Some(object) = Value::parse(json).filter(Value::is_object) else { return Vec::new() };
    let mut rows: Vec<List> = Vec::new();
    let members = entries(&object);
    for (key, column) in members.iter().filter(|(_, value)| value.is_array()) {
        let Some(key) = key else { continue };
        for (index, (_, value)) in entries(column).iter().enumerate() {
            if index == rows.len() {
                rows.push(List::new());
            }
            if let Some(row) = rows.get_mut(index) {
                row.push(&member(key, value));
            }
        }
    }
    let mut list = List::new();
    rows.into_iter().for_each(|row| list.push(&row.finish(b'{')));
    list.finish(b'[')
}

/// The text without spaces and control characters outside of strings.
fn ugly(json: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len());
    let mut at = 0;
    while let Some(&byte) = json.get(at) {
        let rest = json.get(at..).unwrap_or_default();
        let length = if byte == b'"' { scan::string_length(rest).unwrap_or(rest.len()) } else { 1 };
        if byte > b' ' {
            out.extend_from_slice(rest.get(..length).unwrap_or(rest));
        }
        at += length;
    }
    out
}

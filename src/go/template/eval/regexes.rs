//! The functions of sprig that match regular expressions. Each expression is compiled once for all keys.

use super::arguments::Arguments;
use super::value::Value;
use super::{Fault, LENGTH};
use crate::go::regexp::Matcher;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// The most expressions of one template, made of keys perhaps.
const MOST: usize = 8;

/// The largest of them, compiled, in bytes.
const LARGEST: usize = 1 << 20;

/// So many steps of the regex crate cost one of ours.
const STEPS: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Regexes(HashMap<String, Matcher>);

impl Regexes {
    fn compiled(&mut self, pattern: String) -> Result<&Matcher, Fault> {
        if self.0.len() >= MOST && !self.0.contains_key(&pattern) {
            return Err(Fault::ManyRegexps(MOST));
        }
        Ok(match self.0.entry(pattern) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let matcher = Matcher::within(unknown.key(), LARGEST)?;
                unknown.insert(matcher)
            }
        })
    }
}

/// False for an expression that Go refuses.
pub(super) fn is_match(arguments: &mut Arguments<'_>) -> Result<Value, Fault> {
    let (pattern, text) = subject(arguments)?;
    match compiled(arguments, pattern, &text) {
        Ok(matcher) => Ok(matcher.is_match(&text).into()),
        Err(Fault::Regexp(error)) if !error.is_of_go() => Err(Fault::Regexp(error)),
        Err(Fault::Regexp(_)) => Ok(false.into()),
        Err(other) => Err(other),
    }
}

pub(super) fn must_match(arguments: &mut Arguments<'_>) -> Result<Value, Fault> {
    let (pattern, text) = subject(arguments)?;
    Ok(compiled(arguments, pattern, &text)?.is_match(&text).into())
}

pub(super) fn find(arguments: &mut Arguments<'_>) -> Result<Value, Fault> {
    let (pattern, text) = subject(arguments)?;
    let matcher = compiled(arguments, pattern, &text)?;
    Ok(matcher.find_all(&text).next().and_then(|found| text.get(found)).unwrap_or_default().into())
}

pub(super) fn find_all(arguments: &mut Arguments<'_>) -> Result<Value, Fault> {
    let ((pattern, text), most) = (subject(arguments)?, arguments.int()?);
    let matcher = compiled(arguments, pattern, &text)?;
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let found = matcher.find_all(&text).take(most).filter_map(|found| text.get(found));
    Ok(Value::texts(found.map(str::to_owned)))
}

pub(super) fn replace_all(arguments: &mut Arguments<'_>) -> Result<Value, Fault> {
    let ((pattern, text), target) = (subject(arguments)?, arguments.text()?);
    arguments.spend(text.len().saturating_mul(target.len()) / STEPS)?;
    let matcher = compiled(arguments, pattern, &text)?;
    matcher.replace_all(&text, &target, LENGTH).map(Value::Text).ok_or(Fault::TooLong)
}

pub(super) fn replace_all_literal(arguments: &mut Arguments<'_>) -> Result<Value, Fault> {
    let ((pattern, text), target) = (subject(arguments)?, arguments.text()?);
    arguments.spend(text.len().saturating_mul(target.len()) / STEPS)?;
    let matcher = compiled(arguments, pattern, &text)?;
    let target = target.replace('$', "$$");
    matcher.replace_all(&text, &target, LENGTH).map(Value::Text).ok_or(Fault::TooLong)
}

/// At most `n` pieces, all for a negative one, none for 0.
pub(super) fn split(arguments: &mut Arguments<'_>) -> Result<Value, Fault> {
    let ((pattern, text), most) = (subject(arguments)?, arguments.int()?);
    let is_empty_pattern = pattern.is_empty();
    let matcher = compiled(arguments, pattern, &text)?;
    if most == 0 {
        return Ok(Value::List(Vec::new()));
    }
    if !is_empty_pattern && text.is_empty() {
        return Ok(Value::texts([String::new()]));
    }
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let (mut pieces, mut start, mut end) = (Vec::new(), 0, 0);
    for found in matcher.find_all(&text) {
        if pieces.len() + 1 >= most {
            break;
        }
        end = found.start;
        // Nothing in front of the text.
        if found.end != 0 {
            pieces.push(text.get(start..end).unwrap_or_default().to_owned());
        }
        start = found.end;
    }
    if end != text.len() {
        pieces.push(text.get(start..).unwrap_or_default().to_owned());
    }
    Ok(Value::texts(pieces))
}

pub(super) fn quote_meta(arguments: &mut Arguments<'_>) -> Result<Value, Fault> {
    let mut quoted = String::new();
    for c in arguments.text()?.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    Ok(quoted.into())
}

/// An expression and the text to look at.
fn subject(arguments: &mut Arguments<'_>) -> Result<(String, String), Fault> {
    Ok((arguments.text()?, arguments.text()?))
}

/// The expression, if there is enough left to run it over the text.
fn compiled<'a>(arguments: &'a mut Arguments<'_>, pattern: String, text: &str) -> Result<&'a Matcher, Fault> {
    if text.len() > LENGTH || pattern.len() > LENGTH {
        return Err(Fault::TooLong);
    }
    arguments.spend(16 * pattern.len())?;
    let steps = arguments.regexes.compiled(pattern.clone())?.steps(text);
    arguments.spend(text.len() + steps / STEPS)?;
    arguments.regexes.compiled(pattern)
}

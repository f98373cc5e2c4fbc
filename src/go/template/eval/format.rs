//! Values as Go's `fmt` writes them.

use super::classes::is_printable;
use super::value::Value;
use super::verb::{Verb, typed};
use super::{Fault, LENGTH};
use std::fmt::Write as _;

/// As `%v` writes it.
pub(super) fn plain(value: &Value) -> String {
    let mut out = String::new();
    Verb::PLAIN.write(value, &mut out);
    out
}

/// As `%q` writes a text.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        let _ = match c {
            '"' | '\\' => write!(out, "\\{c}"),
            '\u{7}' => write!(out, "\\a"),
            '\u{8}' => write!(out, "\\b"),
            '\u{c}' => write!(out, "\\f"),
            '\n' => write!(out, "\\n"),
            '\r' => write!(out, "\\r"),
            '\t' => write!(out, "\\t"),
            '\u{b}' => write!(out, "\\v"),
            _ if is_printable(c) => write!(out, "{c}"),
            '\0'..' ' | '\u{7f}' => write!(out, "\\x{:02x}", u32::from(c)),
            '\0'..='\u{ffff}' => write!(out, "\\u{:04x}", u32::from(c)),
            _ => write!(out, "\\U{:08x}", u32::from(c)),
        };
    }
    out.push('"');
    out
}

/// `fmt.Sprint`: a space between two that are no texts.
pub(super) fn print(values: &[Value]) -> String {
    let mut out = String::new();
    let mut was_text = true;
    for value in values {
        let is_text = matches!(value, Value::Text(_));
        if !is_text && !was_text {
            out.push(' ');
        }
        Verb::PLAIN.write(value, &mut out);
        was_text = is_text;
    }
    out
}

/// Whether all verbs of a format are known here.
pub(super) fn is_supported(format: &str) -> bool {
    let mut rest = format;
    while let Some((_, after)) = rest.split_once('%') {
        let Ok((_, tail)) = Verb::read(after) else { return false };
        rest = tail;
    }
    true
}

/// `fmt.Sprintf`.
pub(super) fn printf(format: &str, values: impl Iterator<Item = Value>) -> Result<String, Fault> {
    let mut out = String::new();
    let mut values = values.peekable();
    let mut rest = format;
    while let Some((text, after)) = rest.split_once('%') {
        out.push_str(text);
        let (verb, tail) = Verb::read(after)?;
        match verb {
            None => out.push_str("%!(NOVERB)"),
            Some(Verb { letter: '%', .. }) => out.push('%'),
            Some(verb) => match values.next() {
                Some(value) => verb.checked(&value, &mut out)?,
                None => drop(write!(out, "%!{}(MISSING)", verb.letter)),
            },
        }
        if out.len() > LENGTH {
            return Err(Fault::TooLong);
        }
        rest = tail;
    }
    out.push_str(rest);
    if values.peek().is_some() {
        let extra: Vec<_> = values.collect();
        // Go's type of a list depends on the function that made it.
        if extra.iter().any(|value| matches!(value, Value::List(_))) {
            return Err(Fault::Extra);
        }
        let extra: Vec<_> = extra.iter().map(|value| typed(Verb::PLAIN, value)).collect();
        let _ = write!(out, "%!(EXTRA {})", extra.join(", "));
    }
    Ok(out)
}

//! YAML in, JSON values out, each with the line of every field. JSON is YAML, so it goes the same way.
//!
//! Scalars are read as kubectl reads them (YAML 1.1: `yes` is true, `0777` is octal), keys that occur twice
//! are an error as they are to kubectl, and what aliases expand to is bounded. JSON may also come as kubectl takes it from
//! a pipe, one object behind the other.

mod json;

use std::collections::HashMap;

use granit_parser::{Event, Options, Parser, ScalarStyle};
use serde_json::{Map, Number, Value};

use crate::field;

/// The most values that anchors and aliases add to those that are written.
const MAX_COPIES: usize = 200_000;
/// How deep values are nested; no Kubernetes object comes near.
const MAX_DEPTH: usize = 100;

/// One document of a file.
#[derive(Debug)]
pub struct Document {
    /// What it says.
    pub value: Value,
    /// The line of each field, by path; the document's first under the empty path.
    pub lines: HashMap<String, usize>,
}

/// Why a file is no YAML that kubectl would take.
#[derive(Debug, PartialEq, Eq)]
pub struct YamlError {
    /// The line, from 1.
    pub line: usize,
    /// The cause.
    pub message: String,
}

/// Reads all documents of a text.
///
/// # Errors
/// What kubectl would not take, with its line.
pub fn documents(text: &str) -> Result<Vec<Document>, YamlError> {
    stream(text).or_else(|error| json::documents(text).unwrap_or(Err(error)))
}

fn stream(text: &str) -> Result<Vec<Document>, YamlError> {
    // Another crate in the tree switches the parser's comment events on.
    let mut options = Options::default();
    options.set_emit_comments(false);
    let mut composer = Composer {
        events: Parser::new_from_str_with_options(text, options),
        anchors: HashMap::new(),
        lines: HashMap::new(),
        nodes: 0,
        copies: 0,
    };
    let mut documents = Vec::new();
    loop {
        match composer.next()? {
            (Event::StreamEnd, _) => return Ok(documents),
            (Event::DocumentStart(..), _) => documents.push(composer.document()?),
            _ => {}
        }
    }
}

struct Composer<'a> {
    events: Parser<'a, granit_parser::StrInput<'a>>,
    /// Anchored values with their size: an alias costs what it expands to.
    anchors: HashMap<usize, (Value, usize)>,
    lines: HashMap<String, usize>,
    /// How many values there are, and how many of them are copies.
    nodes: usize,
    copies: usize,
}

impl<'a> Composer<'a> {
    fn next(&mut self) -> Result<(Event<'a>, usize), YamlError> {
        match self.events.next() {
            Some(Ok((event, span))) => Ok((event, span.start.line())),
            Some(Err(error)) => {
                Err(YamlError { line: error.marker().line(), message: format!("not YAML: {error}") })
            }
            None => Ok((Event::StreamEnd, 0)),
        }
    }

    fn document(&mut self) -> Result<Document, YamlError> {
        self.anchors.clear();
        (self.nodes, self.copies) = (0, 0);
        let (event, line) = self.next()?;
        if matches!(event, Event::DocumentEnd) {
            return Ok(Document { value: Value::Null, lines: HashMap::new() });
        }
        self.lines.insert(String::new(), line);
        let value = self.value(event, line, "", 0)?;
        Ok(Document { value, lines: std::mem::take(&mut self.lines) })
    }

    fn value(&mut self, event: Event<'a>, line: usize, path: &str, depth: usize) -> Result<Value, YamlError> {
        if depth > MAX_DEPTH {
            return Err(YamlError { line, message: format!("nested deeper than {MAX_DEPTH} levels") });
        }
        let before = self.nodes;
        self.nodes += 1;
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_text =
                    style != ScalarStyle::Plain || tag.is_some_and(|tag| tag.is_yaml_core_schema_tag("str"));
                (if is_text { Value::String(text.into_owned()) } else { scalar(&text) }, anchor)
            }
            Event::SequenceStart(_, anchor, _) => (self.sequence(path, depth)?, anchor),
            Event::MappingStart(_, anchor, _) => (self.mapping(path, depth)?, anchor),
            Event::Alias(anchor) => {
                let Some((value, size)) = self.anchors.get(&anchor).cloned() else {
                    return Err(YamlError {
                        line,
                        message: "an alias inside the value that it stands for".into(),
                    });
                };
                self.nodes += size;
                self.count_copies(size, line)?;
                return Ok(value);
            }
            _ => (Value::Null, 0),
        };
        if anchor > 0 {
            let size = self.nodes - before;
            self.count_copies(size, line)?;
            self.anchors.insert(anchor, (value.clone(), size));
        }
        Ok(value)
    }

    fn count_copies(&mut self, nodes: usize, line: usize) -> Result<(), YamlError> {
        self.copies = self.copies.saturating_add(nodes);
        if self.copies > MAX_COPIES {
            let message = format!("its anchors and aliases stand for more than {MAX_COPIES} values");
            return Err(YamlError { line, message });
        }
        Ok(())
    }

    fn sequence(&mut self, path: &str, depth: usize) -> Result<Value, YamlError> {
        let mut items = Vec::new();
        loop {
            let (event, line) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                return Ok(Value::Array(items));
            }
            let path = format!("{path}[{}]", items.len());
            self.lines.insert(path.clone(), line);
            items.push(self.value(event, line, &path, depth + 1)?);
        }
    }

    fn mapping(&mut self, path: &str, depth: usize) -> Result<Value, YamlError> {
        let mut members = Map::new();
        let mut merged = Vec::new();
        loop {
            let (event, line) = self.next()?;
            let key = match event {
                Event::MappingEnd => break,
                Event::Scalar(key, ..) => key.into_owned(),
                _ => {
                    return Err(YamlError {
                        line,
                        message: "a key that is no text; a value that begins with { or [ needs quotes".into(),
                    });
                }
            };
            let inner = field::join(path, &key);
            let (event, value_line) = self.next()?;
            let value = self.value(event, value_line, &inner, depth + 1)?;
            if key == "<<" {
                merged.push(value);
                continue;
            }
            self.lines.insert(inner, line);
            if members.insert(key.clone(), value).is_some() {
                return Err(YamlError { line, message: format!("key {key:?} is set twice") });
            }
        }
        for source in merged {
            merge(&mut members, source);
        }
        Ok(Value::Object(members))
    }
}

/// `<<`: what the mapping does not have itself.
fn merge(members: &mut Map<String, Value>, source: Value) {
    match source {
        Value::Object(source) => {
            for (key, value) in source {
                members.entry(key).or_insert(value);
            }
        }
        Value::Array(sources) => sources.into_iter().for_each(|source| merge(members, source)),
        _ => {}
    }
}

/// A plain scalar as YAML 1.1 and kubectl read it.
fn scalar(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "y" | "Y" => {
            return Value::Bool(true);
        }
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "n" | "N" => {
            return Value::Bool(false);
        }
        _ => {}
    }
    number(text).map_or_else(|| Value::String(text.to_owned()), Value::Number)
}

fn number(text: &str) -> Option<Number> {
    let first = text.bytes().next()?;
    if !(first.is_ascii_digit() || b"+-.".contains(&first)) {
        return None;
    }
    let plain = text.replace('_', "");
    integer(&plain).or_else(|| {
        let is_decimal = plain.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
        plain.parse::<f64>().ok().filter(|_| is_decimal).and_then(float)
    })
}

/// `5.0` is 5, as it is in the JSON that kubectl makes of it.
fn float(value: f64) -> Option<Number> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() < EXACT {
        return format!("{value:.0}").parse::<i64>().ok().map(Number::from);
    }
    Number::from_f64(value)
}

/// Decimal, `0x`, `0b`, and octal with `0` or `0o`.
fn integer(text: &str) -> Option<Number> {
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (digits, radix) = match digits.get(..2) {
        Some("0x" | "0X") => (digits.get(2..)?, 16),
        Some("0b" | "0B") => (digits.get(2..)?, 2),
        Some("0o" | "0O") => (digits.get(2..)?, 8),
        Some(start) if start.starts_with('0') => (digits.get(1..)?, 8),
        _ => (digits, 10),
    };
    if !digits.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let value = u64::from_str_radix(digits, radix).ok()?;
    if is_negative { i64::try_from(value).ok().map(|value| Number::from(-value)) } else { Some(value.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn one(text: &str) -> Result<Value, String> {
        let documents = documents(text).map_err(|error| format!("{}: {}", error.line, error.message))?;
        Ok(documents.into_iter().next().map(|document| document.value).unwrap_or_default())
    }

    #[test]
    fn scalars_are_read_as_kubectl_reads_them() {
        for (text, expected) in [
            ("yes", json!(true)),
            ("'yes'", json!("yes")),
            ("off", json!(false)),
            ("0777", json!(511)),
            ("0x1F", json!(31)),
            ("-12", json!(-12)),
            ("1_000", json!(1000)),
            ("1.5", json!(1.5)),
            ("1e3", json!(1000)),
            ("08", json!(8)),
            ("1.2.3", json!("1.2.3")),
            ("2026-11-24", json!("2026-11-24")),
            ("1h", json!("1h")),
            ("~", json!(null)),
            ("!!str 12", json!("12")),
            ("-", json!([null])),
            ("a-b", json!("a-b")),
        ] {
            assert_eq!(one(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn every_field_has_its_line() {
        let text = "# comment\na:\n  b: 1\n  c:\n  - x: 1\n  - y: 2\n---\nd: 1\n";
        let documents = documents(text).unwrap();
        let lines = &documents[0].lines;
        assert_eq!((lines["a"], lines["a.b"], lines["a.c[1]"], lines["a.c[1].y"]), (2, 3, 6, 6));
        assert_eq!(documents[1].lines["d"], 8);
    }

    #[test]
    fn comments_are_nothing() {
        let text =
            "--- # first\n# Source: chart\na: # one\n  # two\n  - 1 # three\n  # four\n  - 2\n# five\nb: 3\n";
        assert_eq!(one(text).unwrap(), json!({"a": [1, 2], "b": 3}));
        assert_eq!(one("x/y: {z.w: 1}").unwrap(), json!({"x/y": {"z.w": 1}}));
        assert_eq!(documents("x/y: {z.w: 1}").unwrap()[0].lines["[x/y][z.w]"], 1);
    }

    #[test]
    fn aliases_and_merges_are_expanded() {
        let text = "x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\nz: *x\n";
        assert_eq!(
            one(text).unwrap(),
            json!({"x": {"a": 1, "b": 2}, "y": {"b": 3, "a": 1}, "z": {"a": 1, "b": 2}})
        );
    }

    #[test]
    fn what_kubectl_refuses_is_refused_with_its_line() {
        assert_eq!(one("a: 1\na: 2\n").unwrap_err(), "2: key \"a\" is set twice");
        assert!(one("a: [1\n").unwrap_err().contains("not YAML"));
        assert!(one("a: {{ .Values.x }}\n").unwrap_err().contains("a key that is no text"));
        assert!(one("a: *missing\n").is_err());
    }

    #[test]
    fn what_is_written_without_aliases_may_be_long() {
        let many = vec!["{name: x, value: 1}"; 100_000].join(",");
        assert_eq!(one(&format!("[{many}]")).unwrap().as_array().unwrap().len(), 100_000);
    }

    #[test]
    fn bombs_end_early() {
        let mut text = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for level in 1..10 {
            let inner = vec![format!("*a{}", level - 1); 10].join(",");
            text.push_str(&format!("a{level}: &a{level} [{inner}]\n"));
        }
        assert!(one(&text).unwrap_err().contains("more than 200000 values"));
        let nested = format!("{}x{}", "&a [x,".repeat(90), "]".repeat(90));
        assert!(one(&nested).is_ok(), "{:?}", one(&nested));
        let list = vec!["x"; 10_000].join(",");
        assert!(one(&format!("{}{list}{}", "&a [".repeat(90), "]".repeat(90))).is_err());
        assert!(one(&"[".repeat(50_000)).is_err());
        assert!(one(&"{a: ".repeat(5_000)).is_err());
    }
}

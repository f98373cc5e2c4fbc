//! Asks the Go program in `tests/go`, and the way in which bytes that are no text travel to it and back.

use keyhatch::extract;
use keyhatch::go::gjson;
use keyhatch::go::regexp::Matcher;
use keyhatch::reference::SecretRef;
use keyhatch::secret_value::SecretValue;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Bytes that are no UTF-8 stand as this plus the byte.
const MASKED: u32 = 0xe000;

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/go")
}

/// What Go answers to inputs, each with its kind: texts, or arrays of texts.
pub(crate) fn ask<'a>(requests: impl Iterator<Item = (&'a str, &'a Value)>) -> Vec<Value> {
    let lines = requests.fold(String::new(), |mut lines, (kind, input)| {
        let field = if input.is_array() { "parts" } else { "input" };
        let _ = writeln!(lines, "{}", json!({ "kind": kind, field: input }));
        lines
    });
    let mut go = Command::new("go")
        .args(["run", "."])
        .current_dir(folder())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("go is needed to run the tests");
    let mut stdin = go.stdin.take().expect("its input");
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = go.wait_with_output().expect("its output");
    writer.join().expect("no panic").expect("it reads all of its input");
    assert!(output.status.success(), "go run: {}", output.status);
    let answers = String::from_utf8(output.stdout).expect("text");
    answers.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

pub(crate) fn mask(bytes: &[u8]) -> String {
    let mut masked = String::new();
    for chunk in bytes.utf8_chunks() {
        masked.push_str(chunk.valid());
        masked.extend(chunk.invalid().iter().filter_map(|byte| char::from_u32(MASKED + u32::from(*byte))));
    }
    masked
}

pub(crate) fn unmask(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for c in text.chars() {
        match u32::from(c).checked_sub(MASKED) {
            Some(byte @ 0x80..=0xff) => bytes.extend(u8::try_from(byte)),
            _ => bytes.extend(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes
}

/// What Keyhatch answers, in the form of Go's answers; an error is a refusal.
pub(crate) fn ours(kind: &str, parts: &Value) -> Result<Value, String> {
    let part = |index: usize| parts[index].as_str().unwrap_or_default();
    let document = unmask(part(0));
    match kind {
        "read" => {
            let Some(value) = gjson::get(&document, part(1)).map_err(|e| e.to_string())? else {
                return Ok(json!({ "ok": false }));
            };
            let text = value.text().map_err(|e| e.to_string())?;
            Ok(answer(true, &mask(&text), &mask(value.raw())))
        }
        "set" => {
            let value = unmask(part(2));
            let written = gjson::set(&document, part(1), &value).map_err(|e| e.to_string())?;
            Ok(answer(true, &mask(&written), ""))
        }
        "delete" => {
            let written = gjson::delete(&document, part(1)).map_err(|e| e.to_string())?;
            Ok(answer(true, &mask(&written.unwrap_or(document)), ""))
        }
        "extract" => {
            let reference: SecretRef = "s".parse().expect("a reference");
            let members =
                extract::members(&reference, &SecretValue::new(document)).map_err(|e| e.to_string())?;
            let names = members.iter().flat_map(|(key, value)| [key.clone(), mask(value.expose())]);
            let names: Vec<_> = names.collect();
            Ok(if names.is_empty() { json!({ "ok": true }) } else { json!({ "ok": true, "names": names }) })
        }
        "decode" => {
            let reference = format!("s?decode={}", part(1).to_lowercase());
            let reference: SecretRef = reference.parse().expect("a reference");
            let value = extract::value(&reference, &SecretValue::new(document)).map_err(|e| e.to_string())?;
            Ok(answer(true, &mask(value.expose()), ""))
        }
        "replace" => {
            let matcher = Matcher::new(part(0)).map_err(|e| e.to_string())?;
            let replaced = matcher.replace_all(part(1), part(2), usize::MAX).unwrap_or_default();
            Ok(answer(matcher.is_match(part(1)), &replaced, ""))
        }
        _ => panic!("no answer of this kind: {kind}"),
    }
}

/// As Go writes it, without what is empty.
fn answer(ok: bool, value: &str, raw: &str) -> Value {
    let mut answer = serde_json::Map::from_iter([("ok".to_owned(), ok.into())]);
    let texts = [("value", value), ("raw", raw)].into_iter().filter(|(_, text)| !text.is_empty());
    answer.extend(texts.map(|(key, text)| (key.to_owned(), text.into())));
    answer.into()
}

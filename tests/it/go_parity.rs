//! Compares what Keyhatch makes of durations, regular expressions, templates, schedules and paths with what Go makes
//! of them. Go's answers are recorded next to the inputs in `tests/go/vectors`; one test asks Go again.

// These hold for the helpers too, which clippy does not take for tests.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use crate::support::go;
use keyhatch::go::{cron, duration, gjson, regexp, template};
use serde_json::{Value, json};
use std::fmt::Write as _;

const KINDS: &[&str] = &[
    "classes",
    "cron",
    "decode",
    "delete",
    "duration",
    "extract",
    "functions",
    "gjson",
    "read",
    "regexp",
    "replace",
    "set",
    "sjson",
    "template",
    "transform",
    "zones",
];

/// What Go matched the regular expressions against; `tests/go/regexp.go` has the same list.
const PROBES: &[&str] = &[
    "a",
    "ab",
    "abc",
    "aab",
    "foo-bar",
    "A_b9",
    "K",
    "\u{212a}",
    "\u{17f}",
    "käse",
    "日本",
    "a\nb",
    "\t",
    "\u{b}",
    " ",
    "12.5",
    "]",
    "[",
    "\\",
    "&",
    "-",
    "~",
    "{,5}",
    "a{,5}",
    "x{2",
    "<b>",
    "foo/bar/baz",
    "prod-db-password",
    "",
];

#[test]
fn durations_agree() {
    compare("duration", |input| match duration::parse(input) {
        Ok(parsed) => json!({ "ok": true, "nanoseconds": parsed.0 }),
        Err(error) => refusal(&error),
    });
}

#[test]
fn schedules_agree() {
    compare("cron", |input| match cron::parse(input) {
        Ok(cron::Schedule::Every(seconds)) => {
            json!({ "ok": true, "schedule": format!("every {}", seconds * 1_000_000_000) })
        }
        Ok(cron::Schedule::Fields(f)) => {
            let zone = f.zone.map(|zone| format!(" {zone}")).unwrap_or_default();
            let bits =
                format!("{:x} {:x} {:x} {:x} {:x}", f.minute, f.hour, f.day_of_month, f.month, f.day_of_week);
            json!({ "ok": true, "schedule": bits + &zone })
        }
        Err(error) => refusal(&error),
    });
}

#[test]
fn templates_agree_and_so_do_the_lines_of_their_errors() {
    compare("template", |input| match template::parse(input) {
        Ok(_) => json!({ "ok": true }),
        Err(error) => json!({ "ok": false, "error": error.to_string(), "line": error.line }),
    });
}

#[test]
fn regular_expressions_agree() {
    let mut unsupported = 0;
    let count = compare("regexp", |input| match regexp::parse(input) {
        Ok(parsed) => json!({ "ok": true, "groups": parsed.group_count() }),
        Err(regexp::RegexpError::Unsupported(_)) => {
            unsupported += 1;
            Value::Null
        }
        Err(error) => refusal(&error),
    });
    assert!(unsupported * 100 <= count * 3, "{unsupported} of {count} are not supported");
}

#[test]
fn anchored_expressions_match_whole_texts_and_catch_alls_match_all() {
    for (input, answer) in texts("regexp") {
        let Ok(parsed) = regexp::parse(&input) else { continue };
        let matches = answer["matches"].as_str().unwrap_or_default();
        for (probe, found) in PROBES.iter().zip(matches.split(' ')) {
            let whole = format!("0:{}", probe.len());
            assert!(
                !parsed.is_anchored() || found == "-" || found == whole,
                "{input:?} in {probe:?}: {found}"
            );
            let is_line = !probe.is_empty() && !probe.contains('\n');
            assert!(!parsed.matches_everything() || !is_line || found != "-", "{input:?} in {probe:?}");
        }
    }
}

#[test]
fn doubts_about_gjson_paths_are_well_founded() {
    for (path, answer) in texts("gjson") {
        let literal = answer["value"] == "hit";
        match gjson::doubtful(&path) {
            Some(gjson::Doubt::ChangesMeaning { .. }) => assert!(!literal, "{path} is literal"),
            Some(gjson::Doubt::Literal { .. }) => assert!(literal, "{path} reads {answer}"),
            None if path.contains(['|', '#', '*', '?', '@', '!', '{', '[']) => {}
            None => assert!(literal, "{path} reads {answer}"),
        }
    }
}

#[test]
fn problems_with_sjson_paths_are_well_founded() {
    for (path, answer) in texts("sjson") {
        let document = answer["value"].as_str().unwrap_or_default();
        let expected = match gjson_writes(document, &answer) {
            Written::Object => "none",
            Written::Array => "array",
            Written::Nothing => "complex",
            Written::Refused => "empty",
        };
        let found = match gjson::sjson_problem(&path) {
            None => "none",
            Some(gjson::SjsonProblem::ArrayIndex(_) | gjson::SjsonProblem::HugeArray(_)) => "array",
            Some(gjson::SjsonProblem::Complex(_)) => "complex",
            Some(gjson::SjsonProblem::Empty | gjson::SjsonProblem::Limit(_)) => "empty",
        };
        assert_eq!(found, expected, "{path:?}: {answer}");
    }
}

enum Written {
    Object,
    Array,
    Nothing,
    Refused,
}

fn gjson_writes(document: &str, answer: &Value) -> Written {
    match document.chars().next() {
        _ if answer["ok"] == false => Written::Refused,
        Some('{') => Written::Object,
        Some('[') => Written::Array,
        _ => Written::Nothing,
    }
}

#[test]
fn every_class_and_zone_of_go_is_known() {
    let list = |kind: &str| vectors(kind).remove(0).1["names"].as_array().cloned().unwrap_or_default();
    for class in list("classes") {
        let name = class.as_str().and_then(|line| line.split(' ').next()).unwrap_or_default();
        assert!(regexp::parse(&format!(r"\p{{{name}}}")).is_ok(), "{name}");
    }
    for zone in list("zones") {
        let zone = zone.as_str().unwrap_or_default();
        assert!(cron::parse(&format!("TZ={zone} @daily")).is_ok(), "{zone}");
    }
    for function in list("functions") {
        let function = function.as_str().unwrap_or_default();
        assert!(template::parse(&format!("{{{{ {function} }}}}")).is_ok(), "{function}");
    }
}

#[test]
fn the_recorded_answers_are_still_those_of_go() {
    let recorded: Vec<_> =
        KINDS.iter().flat_map(|kind| vectors(kind).into_iter().map(move |v| (*kind, v))).collect();
    // The spelling that Keyhatch suggests for a doubtful path has to be literal.
    let literals = texts("gjson").into_iter().filter_map(|(path, _)| match gjson::doubtful(&path) {
        Some(gjson::Doubt::ChangesMeaning { literal, .. }) if !path.contains(".#") => {
            Some(("gjson", (Value::String(literal), json!({ "ok": true, "value": "hit" }))))
        }
        _ => None,
    });
    let expected: Vec<_> = recorded.into_iter().chain(literals).collect();
    let answers = go::ask(expected.iter().map(|(kind, (input, _))| (*kind, input)));
    assert_eq!(answers.len(), expected.len());
    for ((kind, (input, expected)), answer) in expected.iter().zip(answers) {
        assert_eq!(&answer, expected, "{kind} {input}: run `go run . record` in tests/go");
    }
}

/// Compares our answer to every input with Go's, which may say more. Null stands for no answer.
fn compare(kind: &str, mut ours: impl FnMut(&str) -> Value) -> usize {
    let vectors = texts(kind);
    let mut differences = String::new();
    for (input, answer) in &vectors {
        let our = ours(input);
        let same_numbers =
            ["nanoseconds", "groups"].iter().all(|key| number(&our[key]) == number(&answer[key]));
        let same_schedule = our["schedule"] == answer["schedule"];
        let line = our["line"].as_u64();
        let same_line = line.is_none() || line == answer["error"].as_str().and_then(line_of);
        if our != Value::Null && !(our["ok"] == answer["ok"] && same_numbers && same_schedule && same_line) {
            let _ = writeln!(differences, "{input:?}\n    we: {our}\n    go: {answer}");
        }
    }
    assert!(differences.is_empty(), "{kind}:\n{differences}");
    vectors.len()
}

fn refusal(error: &impl ToString) -> Value {
    json!({ "ok": false, "error": error.to_string() })
}

/// Go's answer leaves zeros out.
fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_default()
}

/// The line in `template: t:12: unexpected …`.
fn line_of(error: &str) -> Option<u64> {
    error.strip_prefix("template: t:")?.split(':').next()?.parse().ok()
}

/// The inputs of a kind with Go's recorded answers.
pub(crate) fn vectors(kind: &str) -> Vec<(Value, Value)> {
    let read = |suffix: &str| {
        let path = go::folder().join("vectors").join(format!("{kind}.{suffix}"));
        std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    };
    let (inputs, answers) = (read("txt"), read("golden.jsonl"));
    assert_eq!(inputs.lines().count(), answers.lines().count(), "{kind}: run `go run . record` in tests/go");
    let pairs = inputs.lines().zip(answers.lines());
    pairs.map(|(i, a)| (serde_json::from_str(i).unwrap(), serde_json::from_str(a).unwrap())).collect()
}

/// The same of a kind whose inputs are texts.
fn texts(kind: &str) -> Vec<(String, Value)> {
    let text = |(input, answer): (Value, Value)| (input.as_str().unwrap().to_owned(), answer);
    vectors(kind).into_iter().map(text).collect()
}

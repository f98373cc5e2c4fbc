//! Every place of every kind made as large as an object can be: long texts, long lists, many members.
//!
//! What takes time in the square of its input shows here and nowhere else.

use std::collections::BTreeSet;

use keyhatch::api::{GROUP, Kind};
use serde_json::{Value, json};

use super::seeds::{Seed, Seeds};
use super::{Input, large_pods};

/// What a long text repeats: brackets and branches of each little language, and characters of all lengths.
const UNITS: &[&str] = &[
    "a",
    "é",
    "(",
    "[",
    "(a|",
    "a{1000}",
    "[^a-z]",
    "\\pL",
    "(?i)k",
    ".*",
    "{{",
    "{{if .a}}",
    "{{ .a | b64enc }}",
    "(((",
    "* ",
    "1h",
    "1,",
    ".a",
    "a|",
    "#(a==1)#.",
    "\\",
    "\"",
    "arn:",
    ":",
    "/",
    "-",
    "@",
    "\u{0}",
];

/// A place in a seed: which one, and the JSON pointer.
struct Place {
    seed: usize,
    pointer: String,
}

/// The inputs whose name contains a text; `size` is what is added, in bytes.
pub(crate) fn inputs(named: &str, size: usize) -> impl Iterator<Item = (String, Input)> {
    let seeds = Seeds::read();
    let pods = large_pods::inputs(&seeds.pods, named, size);
    reviews(seeds, named, size).map(|(name, body)| (name, Input::Review(body))).chain(pods)
}

fn reviews(seeds: Seeds, named: &str, size: usize) -> impl Iterator<Item = (String, Vec<u8>)> {
    let places = places(&seeds);
    places.into_iter().flat_map(move |Place { seed, pointer }| {
        let Seed { kind, object } = &seeds.objects[seed];
        let (kind, object) = (*kind, object.clone());
        let variants = object.pointer(&pointer).map(|value| variants(value, size)).unwrap_or_default();
        variants.into_iter().flat_map(move |(name, value)| {
            let review = |operation| {
                let name = format!("{operation} {kind}{pointer} of {name}");
                let is_chosen = name.contains(named);
                is_chosen.then(|| (name, review(kind, operation, &with(&object, &pointer, &value))))
            };
            [review("CREATE"), review("UPDATE")].into_iter().flatten()
        })
    })
}

pub(super) fn with(object: &Value, pointer: &str, value: &Value) -> Value {
    let mut object = object.clone();
    if let Some(target) = object.pointer_mut(pointer) {
        value.clone_into(target);
    }
    object
}

fn places(seeds: &Seeds) -> Vec<Place> {
    let (mut places, mut seen) = (Vec::new(), BTreeSet::new());
    for (index, seed) in seeds.objects.iter().enumerate() {
        let Some(spec) = seed.object.get("spec") else { continue };
        walk(spec, "/spec".into(), &mut |pointer| {
            let without_indices = pointer.replace(|c: char| c.is_ascii_digit(), "");
            if seen.insert((seed.kind.as_str(), without_indices)) {
                places.push(Place { seed: index, pointer });
            }
        });
    }
    places
}

pub(super) fn walk(value: &Value, pointer: String, found: &mut dyn FnMut(String)) {
    match value {
        Value::Object(map) => {
            for (name, inner) in map {
                let name = name.replace('~', "~0").replace('/', "~1");
                walk(inner, format!("{pointer}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                walk(inner, format!("{pointer}/{index}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    found(pointer);
}

pub(super) fn variants(value: &Value, size: usize) -> Vec<(String, Value)> {
    match value {
        Value::String(_) => {
            let long = |unit: &&str| (format!("{unit:?}"), unit.repeat(size / unit.len()).into());
            UNITS.iter().map(long).collect()
        }
        Value::Array(items) => long_lists(items.first().unwrap_or(&Value::Null), size),
        Value::Object(map) => wide_objects(map, size),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

fn long_lists(item: &Value, size: usize) -> Vec<(String, Value)> {
    let list = |name: &str, item: &dyn Fn(usize) -> Value| {
        let length = size / (item(10_000).to_string().len() + 1);
        (name.to_owned(), Value::Array((0..length).map(item).collect()))
    };
    vec![
        list("equal items", &|_| item.clone()),
        list("different items", &|number| numbered(item, number)),
        list("broken items", &|_| broken(item)),
        list("empty items", &|_| json!({})),
        list("empty texts", &|_| json!("")),
        list("numbers", &|_| json!(7)),
        list("unknown members", &|number| json!({"nmae": number})),
    ]
}

/// The same with a number in each text.
fn numbered(value: &Value, number: usize) -> Value {
    change_texts(value, &|text| format!("{text}{number}"))
}

/// The same with each text one that nothing accepts.
fn broken(value: &Value) -> Value {
    change_texts(value, &|_| "(! ".to_owned())
}

fn change_texts(value: &Value, change: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => change(text).into(),
        Value::Array(items) => items.iter().map(|item| change_texts(item, change)).collect(),
        Value::Object(map) => {
            map.iter().map(|(name, value)| (name.clone(), change_texts(value, change))).collect()
        }
        other => other.clone(),
    }
}

fn wide_objects(map: &serde_json::Map<String, Value>, size: usize) -> Vec<(String, Value)> {
    let with = |name: &str, members: Vec<(String, Value)>| {
        (name.to_owned(), Value::Object(map.clone().into_iter().chain(members).collect()))
    };
    let many = |name: &dyn Fn(usize) -> String, value: Value| {
        let length = size / (name(10_000).len() + value.to_string().len() + 4);
        (0..length).map(|number| (name(number), value.clone())).collect()
    };
    let mut wide = vec![
        with("members", many(&|number| format!("x{number}"), json!(""))),
        with("broken members", many(&|number| format!("! {number}"), json!("{{ ("))),
        with("number members", many(&|number| format!("nam{number}"), json!(7))),
    ];
    for unit in ["[", ".", "a", "é", "]", "[0]"] {
        wide.push(with(&format!("a name of {unit:?}"), vec![(unit.repeat(size / unit.len()), json!(1))]));
    }
    wide
}

/// An update changes an object that had the same mistakes.
fn review(kind: Kind, operation: &str, object: &Value) -> Vec<u8> {
    let mut old = if operation == "UPDATE" { object.clone() } else { Value::Null };
    if let Some(Value::Object(spec)) = old.get_mut("spec") {
        spec.insert("other".into(), json!(1));
    }
    let review = json!({
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": {"group": GROUP, "version": kind.version(), "kind": kind.as_str()},
            "operation": operation,
            "object": object,
            "oldObject": old,
        },
    });
    review.to_string().into_bytes()
}

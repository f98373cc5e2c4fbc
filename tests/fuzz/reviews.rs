//! Seeds to AdmissionReviews: mutated objects in mostly valid reviews, and some broken bytes.

use keyhatch::api::GROUP;
use serde_json::{Value, json};

use super::mutate::mutate;
use super::random::Random;
use super::seeds::{Seed, Seeds};

/// Tokens that no serializer writes.
const TOKENS: &[&str] = &[
    "NaN",
    "-Infinity",
    "1e999",
    "-1e-999",
    "123456789012345678901234567890",
    "-",
    "01",
    "1.",
    ".5",
    "0x1F",
    "+1",
    r#""\ud800""#,
    r#""\ud83d\ude00""#,
    r#""\u0000""#,
    r#""\x""#,
    "'a'",
    "tru",
    "nul",
    "{",
    "}",
    "[",
    "]",
    "\"",
    ",",
    ":",
    "/**/",
    "\u{feff}",
    "\u{0}",
    "{\"a\":1,\"a\":2}",
    "[[[[[[[[",
    "null",
    "18446744073709551616",
];

/// The body of a review.
pub(crate) fn review(seeds: &Seeds, random: &mut Random) -> Vec<u8> {
    let seed = &seeds.objects[random.below(seeds.objects.len())];
    let mut value = envelope(seed, seeds, random);
    if random.once_in(25) {
        mutate(&mut value, &seeds.pool, random);
    }
    with_broken_bytes(&value, random)
}

/// The text of a value, in one of six with something that no serializer writes.
pub(crate) fn with_broken_bytes(value: &Value, random: &mut Random) -> Vec<u8> {
    let mut body = value.to_string().into_bytes();
    match random.below(100) {
        0..6 => insert_token(&mut body, random),
        6..10 => double_member(&mut body, random),
        10..14 => flip_bytes(&mut body, random),
        14..16 => body.truncate(random.below(body.len())),
        _ => {}
    }
    body
}

fn envelope(seed: &Seed, seeds: &Seeds, random: &mut Random) -> Value {
    let object = mutated(seed, seeds, random);
    let operation = match random.below(100) {
        0..60 => "CREATE",
        60..96 => "UPDATE",
        96..98 => "DELETE",
        98 => "CONNECT",
        _ => "update",
    };
    let old = match random.below(4) {
        _ if operation == "CREATE" => Value::Null,
        0 => seed.object.clone(),
        1 => object.clone(),
        2 => mutated(seed, seeds, random),
        _ => seeds.objects[random.below(seeds.objects.len())].object.clone(),
    };
    let kind = match random.once_in(30) {
        true => seeds.objects[random.below(seeds.objects.len())].kind,
        false => seed.kind,
    };
    let kind = json!({"group": GROUP, "version": kind.version(), "kind": kind.as_str()});
    json!({
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": kind,
            "requestKind": kind,
            "name": object.pointer("/metadata/name"),
            "namespace": object.pointer("/metadata/namespace"),
            "operation": operation,
            "userInfo": {"username": "admin", "groups": ["system:masters"]},
            "object": object,
            "oldObject": old,
            "dryRun": false,
        },
    })
}

/// Mutates the spec most of the time, since everything else is read by nobody.
fn mutated(seed: &Seed, seeds: &Seeds, random: &mut Random) -> Value {
    let mut object = seed.object.clone();
    let is_whole = random.once_in(20);
    match object.get_mut("spec").filter(|_| !is_whole) {
        Some(spec) => mutate(spec, &seeds.pool, random),
        None => mutate(&mut object, &seeds.pool, random),
    }
    object
}

/// Puts a token in the place of some value, or anywhere.
fn insert_token(body: &mut Vec<u8>, random: &mut Random) {
    let token = random.pick(TOKENS).bytes();
    let Some(start) = find(body, random.below(body.len()), b':') else { return };
    let is_value = random.percent(70);
    let end = find(body, start, b',').filter(|_| is_value).unwrap_or(start + 1);
    body.splice(start + 1..end.max(start + 1), token).for_each(drop);
}

/// Writes some member twice.
fn double_member(body: &mut Vec<u8>, random: &mut Random) {
    let Some(start) = find(body, random.below(body.len()), b',') else { return };
    let Some(end) = find(body, start + 1, b',') else { return };
    let copy = body[start..end].to_vec();
    body.splice(start..start, copy).for_each(drop);
}

fn find(body: &[u8], from: usize, byte: u8) -> Option<usize> {
    body.iter().skip(from).position(|b| *b == byte).map(|at| from + at)
}

fn flip_bytes(body: &mut [u8], random: &mut Random) {
    for _ in 0..1 + random.below(4) {
        let (place, bits) = (random.below(body.len()), random.next().to_le_bytes()[0]);
        if let Some(byte) = body.get_mut(place) {
            *byte ^= bits;
        }
    }
}

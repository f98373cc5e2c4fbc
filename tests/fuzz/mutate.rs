//! Changes of a JSON value that keep some of its structure: what a person, a generator or an attacker might
//! send instead of what was meant.

use serde_json::{Map, Number, Value, json};

use super::random::Random;
use super::words;

/// Where a value may be taken from: members of all seeds, by name.
pub(crate) type Pool = Vec<(String, Value)>;

/// The members of a value and of all values in it.
pub(crate) fn members(value: &Value, into: &mut Pool) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                into.push((name.clone(), value.clone()));
                members(value, into);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| members(item, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Changes one to four places of a value.
pub(crate) fn mutate(value: &mut Value, pool: &Pool, random: &mut Random) {
    for _ in 0..1 + random.below(4) {
        let mut left = random.below(count(value));
        at(value, "", &mut left, &mut |name, value| change(name, value, pool, random));
    }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Object(map) => map.values().map(count).sum::<usize>(),
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// Calls `then` with node number `left`, in the order of [`count`], and the name of its member or, if that
/// says nothing, of the nearest one around it that does.
fn at(value: &mut Value, name: &str, left: &mut usize, then: &mut dyn FnMut(&str, &mut Value)) -> bool {
    if *left == 0 {
        then(name, value);
        return true;
    }
    *left -= 1;
    match value {
        Value::Object(map) => map.iter_mut().any(|(own, inner)| {
            let name = if words::is_known(own) { own } else { name };
            at(inner, name, left, then)
        }),
        Value::Array(items) => items.iter_mut().any(|inner| at(inner, name, left, then)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn change(name: &str, value: &mut Value, pool: &Pool, random: &mut Random) {
    match value {
        Value::Object(map) if random.percent(80) => change_members(map, pool, random),
        Value::Array(items) if random.percent(80) => change_items(name, items, pool, random),
        Value::String(text) if random.percent(40) => change_text(text, random),
        Value::String(text) if random.percent(75) => *text = words::text(name, random),
        _ => *value = other(name, value, pool, random),
    }
}

fn change_members(map: &mut Map<String, Value>, pool: &Pool, random: &mut Random) {
    let chosen = map.keys().nth(random.below(map.len())).cloned().unwrap_or_default();
    match random.below(10) {
        0..2 => drop(map.shift_remove(&chosen)),
        2..4 => {
            let value = map.shift_remove(&chosen).unwrap_or_default();
            map.insert(rename(&chosen, pool, random), value);
        }
        4..8 => {
            let (name, value) = &pool[random.below(pool.len())];
            map.insert(name.clone(), value.clone());
        }
        8 => drop(map.insert(words::text("", random), words::text("", random).into())),
        _ => {
            for _ in 0..many(random) {
                map.insert(words::text("name", random), words::text(&chosen, random).into());
            }
        }
    }
}

fn rename(name: &str, pool: &Pool, random: &mut Random) -> String {
    match random.below(4) {
        0 => pool[random.below(pool.len())].0.clone(),
        1 => words::text("", random),
        2 => name.to_uppercase(),
        _ => {
            let mut text = name.to_owned();
            change_text(&mut text, random);
            text
        }
    }
}

fn change_items(name: &str, items: &mut Vec<Value>, pool: &Pool, random: &mut Random) {
    let chosen = random.below(items.len());
    let copy = items.get(chosen).cloned();
    match (random.below(6), copy) {
        (0, Some(_)) => drop(items.remove(chosen)),
        (1, _) => items.reverse(),
        (2 | 3, Some(copy)) => items.push(copy),
        (4, Some(copy)) => items.extend((0..many(random)).map(|_| copy.clone())),
        _ => items.push(other(name, &Value::Null, pool, random)),
    }
}

fn many(random: &mut Random) -> usize {
    if random.once_in(50) { random.below(2_000) } else { random.below(12) }
}

/// A slip of the pen: some character more, less or another.
fn change_text(text: &mut String, random: &mut Random) {
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..1 + random.below(3) {
        let place = random.below(chars.len() + 1);
        match random.below(4) {
            0 if place < chars.len() => drop(chars.remove(place)),
            1 if place + 1 < chars.len() => chars.swap(place, place + 1),
            2 if place < chars.len() => chars.truncate(place),
            _ => {
                let piece = words::text("", random);
                chars.splice(place..place, piece.chars().take(3)).for_each(drop);
            }
        }
    }
    *text = chars.into_iter().collect();
}

/// A value of any type.
fn other(name: &str, value: &Value, pool: &Pool, random: &mut Random) -> Value {
    match random.below(12) {
        0 => Value::Null,
        1 => Value::Bool(random.percent(50)),
        2..4 => number(random),
        4 => json!([]),
        5 => json!({}),
        6 => json!([value]),
        7 => json!({name: value}),
        8 => nest(value.clone(), random),
        9..11 => pool[random.below(pool.len())].1.clone(),
        _ => words::text(name, random).into(),
    }
}

fn number(random: &mut Random) -> Value {
    match random.below(9) {
        0 => json!(0),
        1 => json!(-1),
        2 => json!(i64::MIN),
        3 => json!(u64::MAX),
        4 => json!(i64::from(i32::MAX) + 1),
        5 => json!(-0.0),
        6 => json!(1e308),
        7 => json!(random.next()),
        _ => Number::from_f64(f64::from_bits(random.next())).map_or(Value::Null, Value::Number),
    }
}

fn nest(mut value: Value, random: &mut Random) -> Value {
    let depth = if random.once_in(10) { 200 } else { 1 + random.below(30) };
    for _ in 0..depth {
        value = if random.percent(50) { json!([value]) } else { json!({"a": value}) };
    }
    value
}

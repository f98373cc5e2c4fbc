//! Mutated YAML: the manifests of the repository with lines, indents and tokens out of place.

use super::random::Random;
use super::seeds::Seeds;
use super::words;

const TOKENS: &[&str] = &[
    "&a ",
    "*a",
    "<<: *a\n",
    "- ",
    "? ",
    ": ",
    "| \n",
    ">-\n",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "!!binary ",
    "!!str ",
    "!!int ",
    "!x ",
    "#",
    "{",
    "}",
    "[",
    "]",
    ",",
    "\"",
    "'",
    "\t",
    "\r",
    "\u{feff}",
    "\u{85}",
    "\u{2028}",
    "\u{0}",
    "~",
    "0x",
    "0o9",
    "1_0",
    ".inf",
    "-.nan",
    "yes",
    "null: ",
    "\\u0",
    "{{ .Values.x }}",
    "@",
    "`",
    "  ",
    "\n",
    "é",
    "9223372036854775808",
    "-9223372036854775809",
    "1e400",
    "0b",
    "+",
    "-0",
];

/// The text of a file.
pub(crate) fn text(seeds: &Seeds, random: &mut Random) -> Vec<u8> {
    let mut text = seeds.texts[random.below(seeds.texts.len())].clone();
    for _ in 0..1 + random.below(5) {
        mutate(&mut text, seeds, random);
    }
    let mut bytes = text.into_bytes();
    if random.once_in(20) {
        let place = random.below(bytes.len());
        if let Some(byte) = bytes.get_mut(place) {
            *byte = random.next().to_le_bytes()[0];
        }
    }
    bytes
}

fn mutate(text: &mut String, seeds: &Seeds, random: &mut Random) {
    let place = boundary(text, random.below(text.len() + 1));
    match random.below(10) {
        0..4 => text.insert_str(place, random.pick(TOKENS)),
        4 => text.insert_str(place, &words::text("", random)),
        5 => text.truncate(place),
        6 => {
            let end = boundary(text, (place + random.below(40)).min(text.len()));
            text.replace_range(place..end, "");
        }
        7 => {
            text.push_str("\n---\n");
            text.push_str(&seeds.texts[random.below(seeds.texts.len())]);
        }
        8 => indent_line(text, place, random),
        _ => {
            let limit = if random.once_in(10) { 5_000 } else { 150 };
            let depth = random.below(limit);
            let unit = *["[", "{a: ", "- ", "\n ", "[[],", "&a [*a, "].get(random.below(6)).unwrap_or(&"[");
            text.insert_str(place, &unit.repeat(depth));
        }
    }
}

fn indent_line(text: &mut String, place: usize, random: &mut Random) {
    let start = text[..place].rfind('\n').map_or(0, |at| at + 1);
    let indent = random.below(6);
    if random.percent(50) {
        text.insert_str(start, &" ".repeat(indent));
    } else if text[start..].starts_with("  ") {
        text.replace_range(start..start + 2, "");
    }
}

fn boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

//! Random documents and paths that have something to do with each other.

use crate::random::Random;

const KEYS: &[&str] = &[
    "a", "b", "c", "ab", "abc", "name", "users", "0", "1", "12", "", "@type", "@keys", "#", "*", "a*c",
    "a.b", "b.c", "é", "日本", "x y", "<k>", "-1", ":1", "{x}", "[0]", "!true", "a|b", "?",
];

const SCALARS: &[&str] = &[
    "1",
    "0",
    "-1",
    "1.50",
    "1e3",
    "-0",
    "-0.0",
    "0.1e-7",
    "12345678901234567890",
    "9007199254740993",
    "1E+21",
    "2.5",
    "true",
    "false",
    "null",
    "\"\"",
    "\"a\"",
    "\"b\"",
    "\"ab\"",
    "\"true\"",
    "\"0\"",
    "\"1.5\"",
    "\"x y\"",
    "\"é日\"",
    "\"<&>\"",
    r#""\u00e9\ud83d\ude00""#,
    r#""\ud800x""#,
    r#""a\"b\\""#,
    r#""\n\t\/""#,
    r#""{\"a\":1,\"b\":[2]}""#,
    r#""[1,2]""#,
    "\"T\"",
    "\"False\"",
    "\"\u{7f}\u{2028}\"",
];

const NONSENSE: &[&str] = &[
    "nan",
    "NaN",
    "inf",
    "-Inf",
    "+5",
    "01",
    "1_0",
    "tru",
    "nul",
    "n",
    "t",
    "\"\\x\"",
    "\"\\u12\"",
    "\"a\tb\"",
    "'a'",
    "x",
    "-",
    "1.",
    ".5",
    "\"\u{e0ff}\u{e080}\"",
    "(",
    ")",
    "0x10",
];

pub(crate) fn document(random: &mut Random) -> Vec<u8> {
    let mut text = String::new();
    if random.once_in(12) {
        text.push_str(random.of(&["foo ", "\"x\" ", "\n", "// ", "1 ", "\u{feff}", ")"]));
    }
    let values = if random.once_in(15) { 1 + random.below(4) } else { 1 };
    for index in 0..values {
        if index > 0 {
            text.push('\n');
        }
        value(random, 0, &mut text);
    }
    if random.once_in(15) {
        text.push_str(random.of(&["\n", " ", "x", "}", "]", ",1", " {\"a\":2}", "\"q\":5"]));
    }
    let mut bytes = crate::go::unmask(&text);
    if random.once_in(6) {
        damage(random, &mut bytes, b"{}[]\",:\\ \n\x00a1()-tn\xff");
    }
    bytes
}

fn value(random: &mut Random, depth: usize, out: &mut String) {
    let space = |random: &mut Random, out: &mut String| {
        if random.once_in(6) {
            out.push_str(random.of(&[" ", "\n  ", "\t", "  "]));
        }
    };
    let kind = if depth > 4 { 0 } else { random.below(if depth == 0 { 12 } else { 6 }) };
    match kind {
        0..2 if random.once_in(30) => out.push_str(random.of(NONSENSE)),
        0..2 => out.push_str(random.of(SCALARS)),
        2 | 3 => {
            out.push('[');
            let similar = random.once_in(2);
            for index in 0..random.below(5) {
                if index > 0 {
                    out.push(',');
                }
                space(random, out);
                if similar {
                    object(random, depth + 1, out)
                } else {
                    value(random, depth + 1, out)
                }
                space(random, out);
            }
            out.push(']');
        }
        _ => object(random, depth, out),
    }
}

fn object(random: &mut Random, depth: usize, out: &mut String) {
    out.push('{');
    for index in 0..random.below(6) {
        if index > 0 {
            out.push(',');
        }
        if random.once_in(8) {
            out.push_str("\n ");
        }
        key(random, out);
        out.push_str(random.of(&[":", ":", ":", ": ", " : "]));
        value(random, depth + 1, out);
    }
    out.push_str(random.of(&["}", "}", "}", " }", "\n}"]));
}

fn key(random: &mut Random, out: &mut String) {
    let common = KEYS.get(..8).unwrap_or(KEYS);
    match random.below(20) {
        0 => out.push_str(r#""a\"b""#),
        1 => out.push_str(r#""\u0061""#),
        2 => out.push_str(r#""b\\""#),
        3..8 => out.push_str(&format!("\"{}\"", random.of(KEYS))),
        _ => out.push_str(&format!("\"{}\"", random.of(common))),
    }
}

fn damage(random: &mut Random, bytes: &mut Vec<u8>, alphabet: &[u8]) {
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len() + 1);
        match random.below(4) {
            0 if at < bytes.len() => _ = bytes.remove(at),
            1 if random.once_in(3) => bytes.truncate(at),
            2 if at < bytes.len() => bytes[at] = alphabet[random.below(alphabet.len())],
            _ => bytes.insert(at, alphabet[random.below(alphabet.len())]),
        }
    }
}

pub(crate) fn path(random: &mut Random) -> String {
    let mut path = String::new();
    if random.once_in(20) {
        path.push_str("..");
    }
    pieces(random, 0, &mut path);
    if random.once_in(8) {
        let mut bytes = path.into_bytes();
        damage(random, &mut bytes, b"{}[]\",:\\ .|#@*?!()=<>%~a1");
        path = String::from_utf8_lossy(&bytes).into_owned();
    }
    path
}

fn pieces(random: &mut Random, depth: usize, out: &mut String) {
    for index in 0..1 + random.below(if depth == 0 { 4 } else { 2 }) {
        if index > 0 {
            out.push_str(random.of(&[".", ".", ".", "|"]));
        }
        piece(random, depth, out);
    }
}

fn piece(random: &mut Random, depth: usize, out: &mut String) {
    match random.below(24) {
        0..10 => escaped_key(random, out),
        10 | 11 => out.push_str(random.of(&["0", "1", "2", "3", "-1", "007"])),
        12 | 13 => out.push('#'),
        14 | 15 => {
            out.push_str(random.of(&["*", "a*", "?", "*b*", "a?c", "??", "*a", "[*", "*\\*", "us*s", "@*"]))
        }
        16..19 if depth < 3 => query(random, depth, out),
        19..22 => modifier(random, depth, out),
        22 if depth < 3 => selection(random, depth, out),
        23 => out.push_str(random.of(&[
            "!true",
            "!false",
            "!null",
            "!\"x\"",
            "!5",
            "!1.50",
            "!{\"a\":1}",
            "![1,2]",
            "!nan",
            "!Inf",
            "!x",
            "!-1",
        ])),
        _ => out.push('a'),
    }
}

fn escaped_key(random: &mut Random, out: &mut String) {
    let keys = if random.once_in(3) { KEYS } else { KEYS.get(..8).unwrap_or(KEYS) };
    let key = random.of(keys);
    let escapes = random.once_in(2);
    for c in key.chars() {
        if escapes && ".|*?@#!{[\\".contains(c) || random.once_in(40) {
            out.push('\\');
        }
        out.push(c);
    }
}

fn query(random: &mut Random, depth: usize, out: &mut String) {
    out.push_str(if random.once_in(8) { "#[" } else { "#(" });
    let close = if out.ends_with('[') { ']' } else { ')' };
    if !random.once_in(4) {
        pieces(random, depth + 1, out);
    }
    if !random.once_in(6) {
        out.push_str(random.of(&["==", "=", "!=", "<", "<=", ">", ">=", "%", "!%", "!", " == "]));
        out.push_str(random.of(&[
            "1",
            "0",
            "1.5",
            "\"a\"",
            "a",
            "\"*\"",
            "\"a*\"",
            "*b",
            "true",
            "false",
            "null",
            "~true",
            "~false",
            "~null",
            "~*",
            "~x",
            "\"a\\\"b\"",
            "\"\"",
            "",
            "1e3",
            "\"x y\"",
            "?",
            "9007199254740992",
            "ab",
            "-Inf",
            "\"é*\"",
        ]));
    }
    out.push(close);
    if random.once_in(2) {
        out.push('#');
    }
}

fn modifier(random: &mut Random, depth: usize, out: &mut String) {
    out.push_str(random.of(&[
        "@this",
        "@keys",
        "@values",
        "@reverse",
        "@flatten",
        "@flatten:{\"deep\":true}",
        "@join",
        "@join:{\"preserve\":true}",
        "@tostr",
        "@fromstr",
        "@group",
        "@valid",
        "@ugly",
        "@pretty",
        "@pretty:{\"sortKeys\":true}",
        "@pretty:{\"width\":20,\"indent\":\"\\t\",\"prefix\":\" \"}",
        "@pretty:{\"width\":0}",
        "@type",
        "@this:",
        "@keys:x",
        "@flatten:{\"deep\":1}",
        "@tostr|@fromstr",
        "@pretty:{\"width\":-1,\"indent\":\"\"}",
    ]));
    if random.once_in(6) && depth < 2 {
        out.push_str("|@dig:");
        pieces(random, depth + 1, out);
    }
}

fn selection(random: &mut Random, depth: usize, out: &mut String) {
    let is_object = random.once_in(2);
    out.push(if is_object { '{' } else { '[' });
    for index in 0..random.below(4) {
        if index > 0 {
            out.push(',');
        }
        if is_object && random.once_in(2) {
            out.push_str(random.of(&["\"n\":", "n:", "\"x\\\"y\":", "\"<\":", ":", "\"bad:"]));
        }
        pieces(random, depth + 1, out);
    }
    out.push(if is_object { '}' } else { ']' });
}

/// A path to write to.
pub(crate) fn written_path(random: &mut Random) -> String {
    let mut path = String::new();
    for index in 0..1 + random.below(3) {
        if index > 0 {
            path.push('.');
        }
        match random.below(12) {
            0 => path.push_str("-1"),
            1 => path.push_str(random.of(&["0", "1", "2", "5", "12", "007"])),
            2 => path.push_str(random.of(&[":0", ":1", ":-1", ":a", "::", ":"])),
            3 if random.once_in(4) => {
                path.push_str(random.of(&["*", "#", "a|b", "@this", "?", "!true", "{a}", "[a", ""]))
            }
            _ => escaped_key(random, &mut path),
        }
    }
    path
}

/// A value to write.
pub(crate) fn text(random: &mut Random) -> String {
    (*random.of(&[
        &"v",
        &"",
        &"a\"b",
        &"é<&>",
        &"<&>",
        &"\n\u{1}",
        &"{\"a\":1}",
        &"\u{7f}",
        &"\u{e0ff}x",
        &"12",
        &"\u{2028}",
    ]))
    .to_owned()
}

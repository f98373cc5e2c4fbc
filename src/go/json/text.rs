//! Takes JSON strings apart and puts them together.

use crate::go::rune;

/// The string as JSON, in quotes. Bytes that are no UTF-8 become `\ufffd`; `html` escapes `<`, `>` and `&` too, as Go
/// does by default.
pub fn quote(text: &[u8], html: bool) -> Vec<u8> {
    let mut quoted = Vec::with_capacity(text.len() + 2);
    quoted.push(b'"');
    let mut rest = text;
    while let Some((c, width)) = rune::decode(rest) {
        let (character, tail) = rest.split_at_checked(width).unwrap_or((rest, &[]));
        rest = tail;
        match c {
            '"' | '\\' => quoted.extend([b'\\', *character.first().unwrap_or(&b'\\')]),
            '\u{8}' => quoted.extend(b"\\b"),
            '\u{c}' => quoted.extend(b"\\f"),
            '\n' => quoted.extend(b"\\n"),
            '\r' => quoted.extend(b"\\r"),
            '\t' => quoted.extend(b"\\t"),
            '<' | '>' | '&' if !html => quoted.extend(character),
            '\0'..' ' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => quoted.extend(escape(c)),
            char::REPLACEMENT_CHARACTER if width == 1 => quoted.extend(escape(c)),
            _ => quoted.extend(character),
        }
    }
    quoted.push(b'"');
    quoted
}

fn escape(c: char) -> Vec<u8> {
    format!("\\u{:04x}", u32::from(c)).into_bytes()
}

/// What the JSON string, in its quotes, says; None for what is no string.
pub fn unquote(quoted: &[u8]) -> Option<String> {
    let mut rest = quoted.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let mut text = String::with_capacity(rest.len());
    while let Some((c, width)) = rune::decode(rest) {
        rest = rest.get(width..)?;
        match c {
            '"' | '\0'..' ' => return None,
            '\\' => {
                let (c, after) = unescape(rest)?;
                text.push(c);
                rest = after;
            }
            _ => text.push(c),
        }
    }
    Some(text)
}

/// The character of the escape sequence whose backslash is passed.
fn unescape(escape: &[u8]) -> Option<(char, &[u8])> {
    let (kind, rest) = escape.split_first()?;
    let c = match kind {
        b'"' | b'\\' | b'/' => char::from(*kind),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return code_point(rest),
        _ => return None,
    };
    Some((c, rest))
}

/// The character of a `\u`; half of a pair is U+FFFD.
fn code_point(digits: &[u8]) -> Option<(char, &[u8])> {
    let (unit, rest) = code_unit(digits)?;
    if let Some(c) = char::from_u32(u32::from(unit)) {
        return Some((c, rest));
    }
    if let Some((low, after)) = rest.strip_prefix(b"\\u").and_then(code_unit)
        && let Some(Ok(c)) = char::decode_utf16([unit, low]).next()
    {
        return Some((c, after));
    }
    Some((char::REPLACEMENT_CHARACTER, rest))
}

fn code_unit(digits: &[u8]) -> Option<(u16, &[u8])> {
    let (digits, rest) = digits.split_at_checked(4)?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let digits = std::str::from_utf8(digits).ok()?;
    Some((u16::from_str_radix(digits, 16).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_written_as_go_writes_them() {
        let text = b"a\"\\\x08\x0c\n\r\t\x01\x7f<&>\xff\xe2\x80\xa8\xc3\xa9";
        let expected = "\"a\\\"\\\\\\b\\f\\n\\r\\t\\u0001\x7f\\u003c\\u0026\\u003e\\ufffd\\u2028é\"";
        assert_eq!(quote(text, true), expected.as_bytes());
        assert_eq!(quote(b"<&>", false), b"\"<&>\"");
    }

    #[test]
    fn halves_of_pairs_are_replaced_one_by_one() {
        for (json, text) in [
            (r#""\ud83d\ude00""#, "😀"),
            (r#""\ud83d""#, "\u{fffd}"),
            (r#""\ud83dx""#, "\u{fffd}x"),
            (r#""\ud83d\u0041""#, "\u{fffd}A"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}😀"),
            (r#""\ude00""#, "\u{fffd}"),
        ] {
            assert_eq!(unquote(json.as_bytes()).as_deref(), Some(text), "{json}");
        }
        for bad in [r#"""#, r#""\""#, r#""\x""#, r#""\u12""#, "\"\n\"", "a", r#""a"b""#] {
            assert_eq!(unquote(bad.as_bytes()), None, "{bad}");
        }
    }
}

//! Takes bytes and gives the first character as Go reads it: of bytes that are no UTF-8, each is a U+FFFD of its own.

use std::str;

/// The first character and its width in bytes; None of no bytes.
pub(super) fn decode(bytes: &[u8]) -> Option<(char, usize)> {
    let first = *bytes.first()?;
    if first.is_ascii() {
        return Some((char::from(first), 1));
    }
    let head = bytes.get(..4).unwrap_or(bytes);
    let text = match str::from_utf8(head) {
        Ok(text) => text,
        Err(error) => head.get(..error.valid_up_to()).and_then(|valid| str::from_utf8(valid).ok())?,
    };
    Some(text.chars().next().map_or((char::REPLACEMENT_CHARACTER, 1), |c| (c, c.len_utf8())))
}

/// All characters, each with its width.
pub(super) fn all(bytes: &[u8]) -> impl Iterator<Item = (char, usize)> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (c, width) = decode(rest)?;
        rest = rest.get(width..)?;
        Some((c, width))
    })
}

/// The bytes without spaces at both ends: `bytes.TrimSpace`.
pub(super) fn trim_space(bytes: &[u8]) -> &[u8] {
    let mut trimmed = bytes;
    while let Some((c, width)) = decode(trimmed)
        && c.is_whitespace()
    {
        trimmed = trimmed.get(width..).unwrap_or_default();
    }
    while let Some(width) = last_space(trimmed) {
        trimmed = trimmed.get(..trimmed.len() - width).unwrap_or_default();
    }
    trimmed
}

/// The width of the space at the end.
fn last_space(bytes: &[u8]) -> Option<usize> {
    // No space is wider.
    let tails = (1..=bytes.len().min(3)).filter_map(|width| bytes.get(bytes.len() - width..));
    let last = tails.into_iter().find_map(|tail| str::from_utf8(tail).ok())?;
    last.chars().all(char::is_whitespace).then_some(last.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_that_is_no_text_is_a_character() {
        let found: Vec<_> = all(b"a\xc3\xa9\xe2\x82b\xf0\x9f\x98\x80\xff").collect();
        let bad = (char::REPLACEMENT_CHARACTER, 1);
        assert_eq!(found, [('a', 1), ('é', 2), bad, bad, ('b', 1), ('😀', 4), bad]);
    }

    #[test]
    fn spaces_of_all_kinds_are_trimmed() {
        assert_eq!(trim_space("\u{a0}\t a b\u{2028}\r\n".as_bytes()), b"a b");
        assert_eq!(trim_space(b" \x85 "), b"\x85");
        assert_eq!(trim_space(b" "), b"");
        assert_eq!(trim_space(b"a x"), b"a x");
    }
}

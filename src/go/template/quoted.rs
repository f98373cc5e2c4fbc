//! Takes the strings and the character constants of a template with their quotes and says whether Go accepts their
//! escape sequences. The rule is Go's `strconv`.

/// The bytes of a quoted or raw string with its quotes, or nothing when Go refuses it.
pub(super) fn unquote(literal: &str) -> Option<Vec<u8>> {
    if let Some(raw) = literal.strip_prefix('`') {
        return Some(raw.strip_suffix('`')?.bytes().filter(|b| *b != b'\r').collect());
    }
    let mut rest = literal.strip_prefix('"')?.strip_suffix('"')?;
    let mut bytes = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        let plain = rest.find(['\\', '"']).unwrap_or(rest.len());
        let (copied, escape) = rest.split_at_checked(plain)?;
        bytes.extend_from_slice(copied.as_bytes());
        rest = escape;
        if !escape.is_empty() {
            let character;
            (character, rest) = unquote_character(escape, '"')?;
            match character {
                Character::Byte(byte) => bytes.push(byte),
                Character::Unicode(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
    }
    Some(bytes)
}

/// A string without its quotes, unless something in it does not stand for itself.
pub(super) fn plain(literal: &str) -> Option<&str> {
    let inner = literal.get(1..literal.len().checked_sub(1)?)?;
    Some(inner).filter(|inner| !inner.contains(['\\', '\r']))
}

/// Whether a character constant with its quotes has one character.
pub(super) fn is_character(literal: &str) -> bool {
    let character = literal.strip_prefix('\'').and_then(|rest| unquote_character(rest, '\''));
    matches!(character, Some((_, "'")))
}

enum Character {
    Byte(u8),
    Unicode(char),
}

/// The first character of `text`, which may be an escape sequence, and what follows it.
fn unquote_character(text: &str, quote: char) -> Option<(Character, &str)> {
    let mut characters = text.chars();
    match characters.next()? {
        '\\' => {}
        c if c == quote => return None,
        c => return Some((Character::Unicode(c), characters.as_str())),
    }
    let escape = characters.next()?;
    let mut code = |digits: usize, radix: u32, first: u32| {
        (0..digits).try_fold(first, |code, _| (code * radix).checked_add(characters.next()?.to_digit(radix)?))
    };
    let value = match escape {
        'a' => Character::Byte(7),
        'b' => Character::Byte(8),
        'f' => Character::Byte(12),
        'n' => Character::Byte(b'\n'),
        'r' => Character::Byte(b'\r'),
        't' => Character::Byte(b'\t'),
        'v' => Character::Byte(11),
        'x' => Character::Byte(u8::try_from(code(2, 16, 0)?).ok()?),
        'u' => Character::Unicode(char::from_u32(code(4, 16, 0)?)?),
        // Two digits of zeros: eight would overflow.
        'U' => match code(2, 16, 0)? {
            0 => Character::Unicode(char::from_u32(code(6, 16, 0)?)?),
            _ => return None,
        },
        '0'..='7' => Character::Byte(u8::try_from(code(2, 8, escape.to_digit(8)?)?).ok()?),
        '\\' => Character::Byte(b'\\'),
        _ if escape == quote => Character::Unicode(quote),
        _ => return None,
    };
    Some((value, characters.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_unquoted_as_in_go() {
        assert_eq!(unquote(r#""a\n\x41\101\u00e9\U0001F600\"""#).unwrap(), "a\nAAé😀\"".as_bytes());
        assert_eq!(unquote("`a\r\\n`").unwrap(), b"a\\n");
        assert_eq!(unquote(r#""\xff""#).unwrap(), [0xff]);
        for bad in
            [r#""\'""#, r#""\q""#, r#""\400""#, r#""\ud800""#, r#""\U00110000""#, r#""\x4""#, r#""\18""#]
        {
            assert!(unquote(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn characters_are_single() {
        for good in ["'a'", r"'\''", r"'\n'", r"'\x41'", "'日'", r"'\377'"] {
            assert!(is_character(good), "{good}");
        }
        for bad in ["''", "'ab'", r#"'\"'"#, r"'\q'", "'"] {
            assert!(!is_character(bad), "{bad}");
        }
    }
}

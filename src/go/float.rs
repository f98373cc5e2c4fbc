//! Takes the text of a number and gives the float that Go's `strconv.ParseFloat` makes of it, and the other way round
//! what `strconv.FormatFloat` writes.

use std::str;

use thiserror::Error;

/// A hexadecimal float, which is not read. JSON has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a hexadecimal number with an exponent is not supported")]
pub struct Hexadecimal;

/// The number; 0 for what is none, as those get who look at the value and not at the error. What is too large is
/// infinite.
///
/// # Errors
/// Hexadecimal floats.
pub fn parse(text: &[u8]) -> Result<f64, Hexadecimal> {
    let Ok(text) = str::from_utf8(text) else { return Ok(0.0) };
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned.eq_ignore_ascii_case("inf") || unsigned.eq_ignore_ascii_case("infinity") {
        return Ok(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY });
    }
    if text.eq_ignore_ascii_case("nan") {
        return Ok(f64::NAN);
    }
    if unsigned.starts_with("0x") || unsigned.starts_with("0X") {
        return if unsigned.contains(['p', 'P']) { Err(Hexadecimal) } else { Ok(0.0) };
    }
    // Rust reads more words.
    if !unsigned.starts_with(|c: char| c == '.' || c.is_ascii_digit()) || !underscores_are_fine(unsigned) {
        return Ok(0.0);
    }
    if text.contains('_') {
        return Ok(text.replace('_', "").parse().unwrap_or_default());
    }
    Ok(text.parse().unwrap_or_default())
}

/// The shortest text that reads as the same number, without an exponent: `FormatFloat(number, 'f', -1, 64)`.
pub fn format(number: f64) -> String {
    if number.is_infinite() {
        return if number > 0.0 { "+Inf".into() } else { "-Inf".into() };
    }
    number.to_string()
}

/// `strconv`'s rule: an underscore stands between digits, or between a prefix and a digit.
pub(super) fn underscores_are_fine(unsigned: &str) -> bool {
    if !unsigned.contains('_') {
        return true;
    }
    let lower = unsigned.to_ascii_lowercase();
    let number = ["0b", "0o", "0x"].into_iter().find_map(|prefix| lower.strip_prefix(prefix));
    let hexadecimal = lower.starts_with("0x");
    let mut previous = if number.is_some() { '0' } else { '^' };
    for c in number.unwrap_or(&lower).chars() {
        let kind = match c {
            '_' if previous != '0' => return false,
            '_' => '_',
            _ if c.is_ascii_digit() || hexadecimal && c.is_ascii_hexdigit() => '0',
            _ if previous == '_' => return false,
            _ => '!',
        };
        previous = kind;
    }
    previous != '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_is_zero() {
        for (text, number) in [
            ("1.5e3", 1500.0),
            ("-1_000", -1000.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("+7", 7.0),
            ("-Inf", f64::NEG_INFINITY),
            ("1e999", f64::INFINITY),
            ("", 0.0),
            ("-", 0.0),
            ("1__0", 0.0),
            ("1e", 0.0),
            ("0x10", 0.0),
            ("infinit", 0.0),
            ("+nan", 0.0),
            ("ten", 0.0),
        ] {
            assert_eq!(parse(text.as_bytes()), Ok(number), "{text}");
        }
        assert!(parse(b"NaN").unwrap().is_nan());
        assert_eq!(parse(b"0x1p4"), Err(Hexadecimal));
    }

    #[test]
    fn floats_are_written_in_full() {
        for (number, text) in [
            (1.10, "1.1"),
            (1e21, "1000000000000000000000"),
            (-0.0, "-0"),
            (1e-7, "0.0000001"),
            (f64::INFINITY, "+Inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(format(number), text);
        }
    }
}

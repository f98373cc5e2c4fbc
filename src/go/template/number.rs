//! Takes the numbers of a template and says whether Go accepts them. The rules are those of `text/template/parse`,
//! which leaves the details to `strconv` and, for complex numbers, to `fmt.Sscan`.

use crate::go::float::underscores_are_fine;
use crate::go::is_word_character;

/// The length of what looks like a number; the parser checks it. None when a letter follows.
pub(super) fn scan(text: &str) -> Option<usize> {
    let mut rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    let mut radix = 10;
    if let Some(after_zero) = rest.strip_prefix('0') {
        rest = after_zero;
        for (prefixes, base) in [(['x', 'X'], 16), (['o', 'O'], 8), (['b', 'B'], 2)] {
            if let Some(after_prefix) = after_zero.strip_prefix(prefixes) {
                (rest, radix) = (after_prefix, base);
            }
        }
    }
    let digits = |c: char| c == '_' || c.is_digit(radix);
    rest = rest.trim_start_matches(digits);
    if let Some(fraction) = rest.strip_prefix('.') {
        rest = fraction.trim_start_matches(digits);
    }
    let exponent = match radix {
        10 => rest.strip_prefix(['e', 'E']),
        16 => rest.strip_prefix(['p', 'P']),
        _ => None,
    };
    if let Some(exponent) = exponent {
        let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        rest = unsigned.trim_start_matches(|c: char| c == '_' || c.is_ascii_digit());
    }
    rest = rest.strip_prefix('i').unwrap_or(rest);
    (!rest.starts_with(is_word_character)).then_some(text.len() - rest.len())
}

/// Whether a number that the lexer found is one: an integer of 64 bits, a float that is finite, or imaginary.
pub(super) fn is_number(text: &str) -> bool {
    if text.strip_suffix('i').is_some_and(is_float) {
        return true;
    }
    // A float without a point or an exponent is an integer that is too large.
    magnitude(text).is_some() || text.contains(['.', 'e', 'E', 'p', 'P']) && is_float(text)
}

/// Whether a complex constant such as `1+2i` is one.
pub(super) fn is_complex(text: &str) -> bool {
    let Some((real, imaginary)) = text.split_at_checked(float_length(text)) else { return false };
    imaginary.starts_with(['+', '-'])
        && imaginary.strip_suffix('i').is_some_and(|imaginary| is_float(real) && is_float(imaginary))
}

/// The length of the float at the start of `text`, as Go's `fmt.Sscan` reads one.
fn float_length(text: &str) -> usize {
    let mut rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    let hexadecimal = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X"));
    let radix = if hexadecimal.is_some() { 16 } else { 10 };
    let digits = |c: char| c == '_' || c.is_digit(radix);
    rest = hexadecimal.unwrap_or(rest).trim_start_matches(digits);
    rest = rest.strip_prefix('.').map_or(rest, |fraction| fraction.trim_start_matches(digits));
    let exponent =
        rest.strip_prefix(|c: char| matches!(c, 'p' | 'P') || radix == 10 && matches!(c, 'e' | 'E'));
    if let Some(exponent) = exponent {
        let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        rest = unsigned.trim_start_matches(|c: char| c == '_' || c.is_ascii_digit());
    }
    text.len() - rest.len()
}

/// The integer that Go takes the text for, as a constant or as `strconv.ParseInt` with base 0; None for what is larger
/// than 64 bits with a sign have room for.
pub(super) fn integer(text: &str) -> Option<i64> {
    let value = i128::from(magnitude(text)?);
    i64::try_from(if text.starts_with('-') { -value } else { value }).ok()
}

/// An integer without its sign: `strconv.ParseUint` or `strconv.ParseInt` with base 0.
fn magnitude(text: &str) -> Option<u64> {
    let (unsigned, highest) = match text.strip_prefix('-') {
        Some(rest) => (rest, 1 << 63),
        None => text.strip_prefix('+').map_or((text, u64::MAX), |rest| (rest, (1 << 63) - 1)),
    };
    let (digits, radix) = match unsigned.get(..2).map(str::to_ascii_lowercase).as_deref() {
        Some("0b") if unsigned.len() > 2 => (unsigned.get(2..), 2),
        Some("0o") if unsigned.len() > 2 => (unsigned.get(2..), 8),
        Some("0x") if unsigned.len() > 2 => (unsigned.get(2..), 16),
        Some(prefix) if prefix.starts_with('0') => (unsigned.get(1..), 8),
        _ => (Some(unsigned), 10),
    };
    let value = digits.unwrap_or_default().chars().filter(|c| *c != '_').try_fold(0_u64, |value, c| {
        value.checked_mul(u64::from(radix))?.checked_add(u64::from(c.to_digit(radix)?))
    });
    value.filter(|value| !unsigned.is_empty() && *value <= highest && underscores_are_fine(unsigned))
}

/// `strconv.ParseFloat`, without the names of infinities.
fn is_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !underscores_are_fine(unsigned) {
        return false;
    }
    let plain: String = unsigned.chars().filter(|c| *c != '_').collect();
    match plain.strip_prefix("0x").or_else(|| plain.strip_prefix("0X")) {
        Some(hexadecimal) => is_hexadecimal_float(hexadecimal),
        None => {
            // Rust reads words too.
            plain.starts_with(|c: char| c == '.' || c.is_ascii_digit())
                && plain.parse::<f64>().is_ok_and(f64::is_finite)
        }
    }
}

/// The part of a float behind `0x`: digits, at most one point, an exponent of two.
fn is_hexadecimal_float(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['p', 'P']) else { return false };
    let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let valid = |digits: &str, radix: u32| digits.chars().all(|c| c.is_digit(radix));
    if whole.len() + fraction.len() == 0 || !valid(whole, 16) || !valid(fraction, 16) {
        return false;
    }
    if digits.is_empty() || !valid(digits, 10) {
        return false;
    }
    let significant = whole.chars().chain(fraction.chars()).skip_while(|c| *c == '0');
    let leading = whole.len() + fraction.len() - significant.clone().count();
    // The first 64 bits say it all: a double has 53, and the next one decides about rounding.
    let bits =
        significant.take(16).fold(0_u64, |bits, c| bits << 4 | u64::from(c.to_digit(16).unwrap_or_default()));
    let Some(top) = bits.checked_ilog2() else { return true };
    let Ok(exponent) = exponent.parse::<i64>() else { return exponent.starts_with('-') };
    let (Ok(before), Ok(taken)) = (i64::try_from(whole.len()), i64::try_from(leading)) else { return false };
    let kept = i64::from(top / 4) + 1;
    let highest_bit = exponent.saturating_add(4 * (before - taken - kept) + i64::from(top));
    let rounds_up = (bits << (63 - top)) >> 10 == (1 << 54) - 1;
    highest_bit < 1023 || highest_bit == 1023 && !rounds_up
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_go() {
        for good in [
            "0",
            "-0",
            "1",
            "007",
            "0x1F",
            "0b11",
            "0o17",
            "1_000",
            "0x_1",
            "1.5",
            ".5",
            "1.",
            "1e9",
            "1e-400",
            "18446744073709551615",
            "-9223372036854775808",
            "0x1p-2",
            "0x1.fffffffffffff7p1023",
            "1i",
            "1.5e3i",
        ] {
            assert!(is_number(good), "{good}");
        }
        for bad in [
            "",
            "-",
            "+",
            ".",
            "1__0",
            "1_",
            "_1",
            "089",
            "0x",
            "0b2",
            "1e",
            "1e999",
            "18446744073709551616",
            "-9223372036854775809",
            "+9223372036854775808",
            "0x1.fffffffffffff8p1023",
            "0x1p1024",
            "0x1.5",
            "0x1i",
        ] {
            assert!(!is_number(bad), "{bad}");
        }
        assert!(is_complex("1+2i") && is_complex("1.5e3-0.5i") && is_complex("-1_0+1i"));
        assert!(!is_complex("1i+2i") && !is_complex("0b1+2i") && !is_complex("1+2"));
    }
}

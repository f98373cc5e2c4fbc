//! Takes a Go duration such as `1h30m` and gives its nanoseconds, or says why Go refuses it.
//! The rule is `time.ParseDuration`, step by step, so that fractions and overflows come out the same.

use std::time::Duration;

use super::excerpt;
use thiserror::Error;

/// A Go `time.Duration`: nanoseconds, at most about 292 years either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GoDuration(pub i64);

impl GoDuration {
    /// Whether the duration is less than zero.
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// Whether the duration is zero, however it was written.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

/// Why Go refuses a duration.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DurationError {
    /// Nothing, or a sign alone.
    #[error("empty duration; write a number with a unit, such as `30s`, `5m` or `1h`")]
    Empty,
    /// A number without a unit; only a lone zero needs none.
    #[error("no unit in duration {text}; add one, such as {text_with_unit}")]
    MissingUnit {
        /// The duration.
        text: String,
        /// The same in seconds.
        text_with_unit: String,
    },
    /// A unit that Go does not have.
    #[error("no unit {unit} in Go durations; {advice}")]
    UnknownUnit {
        /// The unit.
        unit: String,
        /// What to write instead.
        advice: String,
    },
    /// More than 63 bits of nanoseconds.
    #[error("duration {0} is out of range; Go's durations end at about 292 years (2562047h)")]
    OutOfRange(String),
    /// Anything else.
    #[error(
        "malformed duration {0}; write numbers with units, such as `30s` or `1h30m`, a sign only in front"
    )]
    Malformed(String),
}

/// How often something is done: what was said, or else the default; a word that is no duration was not said. None: once,
/// for whatever is not more than nothing.
pub fn interval(said: Option<&str>, default: Duration) -> Option<Duration> {
    let Some(GoDuration(nanos)) = said.and_then(|text| parse(text).ok()) else { return Some(default) };
    u64::try_from(nanos).ok().map(Duration::from_nanos).filter(|interval| !interval.is_zero())
}

/// Parses a duration exactly as Go's `time.ParseDuration` does.
pub fn parse(text: &str) -> Result<GoDuration, DurationError> {
    let (negative, unsigned) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    if unsigned == "0" {
        return Ok(GoDuration(0));
    }
    if unsigned.trim().is_empty() {
        return Err(DurationError::Empty);
    }
    let mut total = 0_u64;
    let mut rest = unsigned;
    while !rest.is_empty() {
        let term;
        (term, rest) = parse_term(text, rest)?;
        // Wrapping as Go's addition does: two terms of 2^63 make 0, and Go accepts that.
        total = total.wrapping_add(term);
        if total > LIMIT {
            return Err(out_of_range(text));
        }
    }
    match i64::try_from(total) {
        Ok(nanoseconds) if negative => Ok(GoDuration(-nanoseconds)),
        Ok(nanoseconds) => Ok(GoDuration(nanoseconds)),
        // Only the lowest value has no positive counterpart.
        Err(_) if negative => Ok(GoDuration(i64::MIN)),
        Err(_) => Err(out_of_range(text)),
    }
}

/// The absolute value of the lowest duration.
const LIMIT: u64 = 1 << 63;

/// One number with its unit from the start of `rest`, in nanoseconds, and what follows it.
fn parse_term<'t>(text: &str, rest: &'t str) -> Result<(u64, &'t str), DurationError> {
    let malformed = || DurationError::Malformed(excerpt(text));
    let (digits, after_digits) = split_while(rest, |c| c.is_ascii_digit());
    let (fraction, after_number) = match after_digits.strip_prefix('.') {
        Some(after_point) => split_while(after_point, |c| c.is_ascii_digit()),
        None => ("", after_digits),
    };
    if digits.is_empty() && fraction.is_empty() {
        return Err(malformed());
    }
    let whole = parse_digits(digits).ok_or_else(|| out_of_range(text))?;
    let (unit, after_unit) = split_while(after_number, |c| c != '.' && !c.is_ascii_digit());
    if unit.is_empty() {
        return Err(missing_unit(text));
    }
    let scale = nanoseconds(unit).ok_or_else(|| unknown_unit(text, unit))?;
    if whole > LIMIT / scale {
        return Err(out_of_range(text));
    }
    let term = whole * scale + scale_fraction(fraction, scale);
    if term > LIMIT {
        return Err(out_of_range(text));
    }
    Ok((term, after_unit))
}

fn split_while(text: &str, keep: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !keep(c)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// The value of a run of digits, unless it is above `LIMIT`.
fn parse_digits(digits: &str) -> Option<u64> {
    let value = digits.bytes().try_fold(0_u64, |value, digit| {
        value.checked_mul(10)?.checked_add(u64::from(digit.wrapping_sub(b'0'))).filter(|v| *v <= LIMIT)
    })?;
    Some(value)
}

/// The digits after the decimal point in nanoseconds. Like Go it drops the digits that do not fit, and goes
/// through a float.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn scale_fraction(digits: &str, unit: u64) -> u64 {
    let (mut value, mut divisor) = (0_u64, 1.0_f64);
    for digit in digits.bytes() {
        if value > (LIMIT - 1) / 10 {
            break;
        }
        let longer = value * 10 + u64::from(digit.wrapping_sub(b'0'));
        if longer > LIMIT {
            break;
        }
        value = longer;
        divisor *= 10.0;
    }
    (value as f64 * (unit as f64 / divisor)) as u64
}

fn nanoseconds(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

fn out_of_range(text: &str) -> DurationError {
    DurationError::OutOfRange(excerpt(text))
}

fn missing_unit(text: &str) -> DurationError {
    DurationError::MissingUnit { text: excerpt(text), text_with_unit: excerpt(&format!("{text}s")) }
}

/// Names the duration that was probably meant when the whole text is an integer with a unit of other tools.
fn unknown_unit(text: &str, unit: &str) -> DurationError {
    let word = unit.trim();
    let meant = text.trim().strip_suffix(word).map(str::trim_end).and_then(|number| {
        let value = number.parse::<i64>().ok()?;
        let (factor, unit) = match word {
            "d" | "D" | "day" | "days" => (24, "h"),
            "w" | "W" | "week" | "weeks" => (168, "h"),
            "h" | "H" | "hr" | "hrs" | "hour" | "hours" => (1, "h"),
            "m" | "min" | "mins" | "minute" | "minutes" => (1, "m"),
            "s" | "S" | "sec" | "secs" | "second" | "seconds" => (1, "s"),
            "ms" | "msec" | "msecs" | "millisecond" | "milliseconds" => (1, "ms"),
            _ => return None,
        };
        Some(format!("write `{}{unit}`", value.checked_mul(factor)?))
    });
    let advice = meant.unwrap_or_else(|| match word {
        "d" => "write a day as `24h`".to_owned(),
        "w" => "write a week as `168h`".to_owned(),
        _ if unit.contains(['-', '+']) => "a sign can only stand in front".to_owned(),
        _ if unit.contains(char::is_whitespace) => "write them without spaces".to_owned(),
        _ => "its units are h, m, s, ms, us and ns".to_owned(),
    });
    DurationError::UnknownUnit { unit: excerpt(unit), advice }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_what_was_said_or_the_default_and_none_is_once() {
        let default = Duration::from_secs(60);
        for (said, expected) in [
            (None, Some(60)),
            (Some("soon"), Some(60)),
            (Some("1h"), Some(3600)),
            (Some("0"), None),
            (Some("0s"), None),
            (Some("-1h"), None),
        ] {
            assert_eq!(interval(said, default), expected.map(Duration::from_secs), "{said:?}");
        }
    }
    use proptest::prelude::*;

    #[test]
    fn accepts_what_go_accepts() {
        for (text, nanoseconds) in [
            ("0", 0),
            ("-0", 0),
            ("+0", 0),
            ("0s", 0),
            ("1h", 3_600_000_000_000),
            ("1h30m", 5_400_000_000_000),
            ("-1.5h", -5_400_000_000_000),
            (".5s", 500_000_000),
            ("5.s", 5_000_000_000),
            ("1us1\u{b5}s1\u{3bc}s", 3_000),
            ("0.3333333333333333333h", 1_200_000_000_000),
            ("9223372036854775807ns", i64::MAX),
            ("-9223372036854775808ns", i64::MIN),
            ("9223372036854775808ns9223372036854775808ns", 0),
        ] {
            assert_eq!(parse(text), Ok(GoDuration(nanoseconds)), "{text}");
        }
    }

    #[test]
    fn names_the_cause_and_the_fix() {
        for (text, message) in [
            ("", "empty duration; write a number with a unit, such as `30s`, `5m` or `1h`"),
            ("30", "no unit in duration `30`; add one, such as `30s`"),
            ("1d", "no unit `d` in Go durations; write `24h`"),
            ("-2w", "no unit `w` in Go durations; write `-336h`"),
            ("1d12h", "no unit `d` in Go durations; write a day as `24h`"),
            ("5 m", "no unit ` m` in Go durations; write `5m`"),
            ("5min", "no unit `min` in Go durations; write `5m`"),
            ("1M", "no unit `M` in Go durations; its units are h, m, s, ms, us and ns"),
            ("1h-5m", "no unit `h-` in Go durations; a sign can only stand in front"),
            ("1h 30m", "no unit `h ` in Go durations; write them without spaces"),
            ("1y", "no unit `y` in Go durations; its units are h, m, s, ms, us and ns"),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), message, "{text}");
        }
        for text in ["1h-5m", "--5s", ".s", "s", "1.2.3s", "-", "2562048h", "9223372036854775808ns"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn long_input_makes_a_short_message() {
        for text in ["9".repeat(1 << 20), "x".repeat(1 << 20), format!("1{}", "y".repeat(1 << 20))] {
            assert!(parse(&text).unwrap_err().to_string().len() < 300);
        }
        assert!(parse(&format!("0.{}s", "9".repeat(1 << 20))).is_ok());
    }

    proptest! {
        #[test]
        fn never_panics(text in "[-+0-9.a-zµμ ]{0,40}") {
            let _ = parse(&text);
        }
    }
}

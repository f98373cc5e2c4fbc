//! The verbs of Go's formats: takes one from a format, and writes a value by it.

use super::Fault;
use super::format::quoted;
use super::value::{Integer, Value};
use std::fmt::Write as _;

/// The largest width or precision.
const WIDTH: usize = 1000;

/// A verb with its flags.
#[derive(Clone, Copy)]
pub(super) struct Verb {
    pub(super) letter: char,
    is_left: bool,
    has_zeros: bool,
    width: usize,
    precision: Option<usize>,
}

impl Verb {
    pub(super) const PLAIN: Self =
        Self { letter: 'v', is_left: false, has_zeros: false, width: 0, precision: None };

    /// The verb behind a percent sign, and what follows. None at the end of the format.
    pub(super) fn read(text: &str) -> Result<(Option<Self>, &str), Fault> {
        let rest = text.trim_start_matches(['-', '0']);
        let flags = text.get(..text.len() - rest.len()).unwrap_or_default();
        let digits = |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number = |text: &str| text.parse().ok().filter(|number| *number <= WIDTH);
        let (width, rest) = rest.split_at_checked(digits(rest)).unwrap_or(("", rest));
        let fraction = rest.strip_prefix('.');
        let (precision, rest) =
            fraction.map_or((None, rest), |rest| match rest.split_at_checked(digits(rest)) {
                Some((precision, rest)) => (Some(precision), rest),
                None => (None, rest),
            });
        let unsupported = || Fault::Verb(text.chars().take(8).collect());
        let read = Self {
            letter: 'v',
            is_left: flags.contains('-'),
            has_zeros: flags.contains('0') && !flags.contains('-'),
            width: if width.is_empty() { 0 } else { number(width).ok_or_else(unsupported)? },
            precision: match precision {
                Some("") => Some(0),
                Some(digits) => Some(number(digits).ok_or_else(unsupported)?),
                None => None,
            },
        };
        let mut characters = rest.chars();
        match characters.next() {
            None => Ok((None, "")),
            Some(letter @ ('s' | 'v' | 'q' | 'd' | 'x' | 'X' | 'c' | 't' | '%')) => {
                let takes_precision = matches!(letter, 's' | 'q' | 'v' | '%');
                if read.precision.is_some() && !takes_precision {
                    return Err(unsupported());
                }
                Ok((Some(Self { letter, ..read }), characters.as_str()))
            }
            Some(_) => Err(unsupported()),
        }
    }

    /// Writes a value unless it is one of the few for which Go's rules are not known here.
    pub(super) fn checked(self, value: &Value, out: &mut String) -> Result<(), Fault> {
        let is_number = matches!(value, Value::Number(..));
        let is_odd = match self.letter {
            'q' => has_numbers(value),
            'c' if is_number => self.has_zeros,
            'd' | 'c' | 't' if !is_number => self.width > 0 || self.has_zeros,
            _ => false,
        };
        let is_list = matches!(value, Value::List(_) | Value::Map(_));
        let has_flags = self.has_zeros || self.precision.is_some() || self.width > 0;
        let is_odd = is_odd || is_list && (has_flags || !matches!(self.letter, 's' | 'v' | 'q'));
        if is_odd || self.has_zeros && !is_number || self.precision.is_some() && is_number {
            return Err(Fault::Verb(self.letter.to_string()));
        }
        self.write(value, out);
        Ok(())
    }

    pub(super) fn write(self, value: &Value, out: &mut String) {
        match (value, self.letter) {
            (Value::Nil, 'v') => self.pad("<nil>", out),
            (Value::List(list), _) => {
                self.all(list.iter().map(|element| (None, element.clone())), ("[", "]"), out);
            }
            (Value::Map(map), _) => {
                let entries =
                    map.iter().map(|(key, value)| (Some(key.as_str()), Value::from(value.as_str())));
                self.all(entries, ("map[", "]"), out);
            }
            (Value::Text(text), 's' | 'v') => self.pad(&self.cut(text), out),
            (Value::Text(text), 'q') => self.pad(&quoted(&self.cut(text)), out),
            (Value::Text(text), 'x') => self.pad(&hexadecimal(text.as_bytes()), out),
            (Value::Text(text), 'X') => self.pad(&hexadecimal(text.as_bytes()).to_uppercase(), out),
            (Value::Number(number, _), 'd' | 'v') => {
                self.number(*number < 0, &number.unsigned_abs().to_string(), out)
            }
            (Value::Number(number, _), 'x') => {
                self.number(*number < 0, &format!("{:x}", number.unsigned_abs()), out)
            }
            (Value::Number(number, _), 'X') => {
                self.number(*number < 0, &format!("{:X}", number.unsigned_abs()), out)
            }
            (Value::Number(number, _), 'c') => {
                let c = u32::try_from(*number)
                    .ok()
                    .and_then(char::from_u32)
                    .unwrap_or(char::REPLACEMENT_CHARACTER);
                self.pad(c.encode_utf8(&mut [0; 4]), out);
            }
            (Value::Bool(truth), 't' | 'v') => self.pad(if *truth { "true" } else { "false" }, out),
            (Value::Nil | Value::Bool(_) | Value::Number(..) | Value::Text(_), letter) => {
                let _ = write!(out, "%!{letter}({})", typed(self, value));
            }
        }
    }

    fn all<'v>(
        self,
        values: impl Iterator<Item = (Option<&'v str>, Value)>,
        (open, close): (&str, &str),
        out: &mut String,
    ) {
        out.push_str(open);
        for (index, (key, value)) in values.enumerate() {
            if index > 0 {
                out.push(' ');
            }
            if let Some(key) = key {
                self.write(&Value::from(key), out);
                out.push(':');
            }
            match value {
                // Whatever the verb.
                Value::Nil => self.pad("<nil>", out),
                value => self.write(&value, out),
            }
        }
        out.push_str(close);
    }

    fn cut(self, text: &str) -> String {
        self.precision.map_or_else(|| text.to_owned(), |most| text.chars().take(most).collect())
    }

    fn pad(self, text: &str, out: &mut String) {
        let spaces = " ".repeat(self.width.saturating_sub(text.chars().count()));
        if self.is_left {
            out.push_str(text);
            out.push_str(&spaces);
        } else {
            out.push_str(&spaces);
            out.push_str(text);
        }
    }

    fn number(self, is_negative: bool, digits: &str, out: &mut String) {
        let sign = if is_negative { "-" } else { "" };
        if self.has_zeros {
            let zeros = "0".repeat(self.width.saturating_sub(digits.len() + sign.len()));
            let _ = write!(out, "{sign}{zeros}{digits}");
        } else {
            self.pad(&format!("{sign}{digits}"), out);
        }
    }
}

/// Go takes them for characters.
fn has_numbers(value: &Value) -> bool {
    match value {
        Value::Number(..) => true,
        Value::List(list) => list.iter().any(has_numbers),
        _ => false,
    }
}

/// A value that a verb is not for.
pub(super) fn typed(verb: Verb, value: &Value) -> String {
    let mut shown = match value {
        Value::Nil => return "<nil>".to_owned(),
        Value::Bool(_) => "bool=",
        Value::Number(_, Integer::Int) => "int=",
        Value::Number(_, Integer::Int64) => "int64=",
        Value::Number(_, Integer::Uint8) => "uint8=",
        Value::Text(_) => "string=",
        Value::List(_) => "[]=",
        Value::Map(_) => "map[string]string=",
    }
    .to_owned();
    Verb { letter: 'v', ..verb }.write(value, &mut shown);
    shown
}

/// Two digits a byte.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

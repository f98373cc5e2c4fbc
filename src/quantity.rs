//! Quantities as Kubernetes writes them: bytes such as `64Mi` in, whole ones out; and cpu such as `50m`.

use thiserror::Error;

/// Why a text is no quantity.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum QuantityError {
    /// Of bytes.
    #[error("{0:?} is no number of bytes: write 16777216, 16Mi or 16M")]
    Bytes(String),
    /// Of cpu.
    #[error("{0:?} is no amount of cpu: write 50m or 0.5")]
    Cpu(String),
}

/// Units by suffix: powers of 1024, and of 1000.
const UNITS: [(&str, u64); 13] = [
    ("Ki", 1 << 10),
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
    ("Ti", 1 << 40),
    ("Pi", 1 << 50),
    ("Ei", 1 << 60),
    ("k", 1000),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
    ("T", 1_000_000_000_000),
    ("P", 1_000_000_000_000_000),
    ("E", 1_000_000_000_000_000_000),
    ("", 1),
];

/// Reads a quantity of bytes. What is more than a number can be is the most that one can be; a part of a byte is one.
///
/// # Errors
/// What is no such quantity. Exponents (`1e3`) are not read: nobody writes bytes so.
pub fn bytes(text: &str) -> Result<u64, QuantityError> {
    let error = || QuantityError::Bytes(text.chars().take(40).collect());
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at_checked(split).ok_or_else(error)?;
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || part.contains('.') || part.len() > 9 {
        return Err(error());
    }
    let (_, unit) = UNITS.iter().find(|(name, _)| *name == suffix).ok_or_else(error)?;
    let whole: u128 = whole.parse().map_err(|_| error())?;
    let scale = 10_u128.pow(u32::try_from(part.len()).unwrap_or_default());
    let part: u128 = if part.is_empty() { 0 } else { part.parse().map_err(|_| error())? };
    let unit = u128::from(*unit);
    let total = whole.saturating_mul(unit).saturating_add((part * unit).div_ceil(scale));
    Ok(u64::try_from(total).unwrap_or(u64::MAX))
}

/// Reads a quantity of cpu as thousandths of one: `50m`, `0.5` or `2`.
///
/// # Errors
/// What is no such quantity. What is less than a thousandth is not read, either: Kubernetes refuses it.
pub fn millis(text: &str) -> Result<u64, QuantityError> {
    let error = || QuantityError::Cpu(text.chars().take(40).collect());
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let number = |text: &str| if digits(text) { text.parse::<u64>().ok() } else { None };
    if let Some(millis) = text.strip_suffix('m') {
        return number(millis).ok_or_else(error);
    }
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let thousandths = number(&format!("{part:0<3}")).filter(|_| part.len() <= 3).ok_or_else(error)?;
    let whole = number(whole).ok_or_else(error)?;
    Ok(whole.saturating_mul(1000).saturating_add(thousandths))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_is_read_as_kubernetes_writes_it() {
        for (text, expected) in [
            ("50m", Some(50)),
            ("0", Some(0)),
            ("2", Some(2000)),
            ("0.5", Some(500)),
            ("1.25", Some(1250)),
            ("0.001", Some(1)),
            ("18446744073709551615", Some(u64::MAX)),
            ("0.0001", None),
            ("0.5m", None),
            ("", None),
            ("m", None),
            (".5", None),
            ("+5", None),
            ("-1", None),
            ("1k", None),
            ("1 m", None),
        ] {
            assert_eq!(millis(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn bytes_are_read_as_kubernetes_writes_them() {
        for (text, expected) in [
            ("0", Some(0)),
            ("16Mi", Some(16 << 20)),
            ("16M", Some(16_000_000)),
            ("1.5Ki", Some(1536)),
            ("1.0001Ki", Some(1025)),
            ("4k", Some(4000)),
            ("99999999999999999999Ei", Some(u64::MAX)),
            ("", None),
            ("Mi", None),
            ("1mi", None),
            ("1 Mi", None),
            ("-1", None),
            ("1.2.3", None),
            ("1e3", None),
        ] {
            assert_eq!(bytes(text).ok(), expected, "{text}");
        }
    }
}

//! Keys of remote documents as keys of a Secret: converted, then checked.

use super::Values;
use super::error::Cause;
use crate::api::remote_ref::ConversionStrategy;
use crate::go::is_letter_or_number;

/// The longest key of a Secret, in bytes.
const MAX_KEY: usize = 253;

/// Replaces what no key of a Secret has.
pub(super) fn convert(strategy: ConversionStrategy, values: Values) -> Result<Values, Cause> {
    let mut converted = Values::new();
    for (key, value) in values {
        let key = convert_key(strategy, &key);
        if converted.contains_key(&key) {
            return Err(Cause::KeysCollide(key));
        }
        converted.insert(key, value);
    }
    Ok(converted)
}

fn convert_key(strategy: ConversionStrategy, key: &str) -> String {
    let mut converted = String::with_capacity(key.len());
    for c in key.chars() {
        match strategy {
            _ if is_allowed(c) => converted.push(c),
            ConversionStrategy::Default => converted.push('_'),
            ConversionStrategy::Unicode => converted.push_str(&format!("_U{:04x}_", u32::from(c))),
        }
    }
    converted
}

/// Drops the empty key, and checks all others.
pub(super) fn check(mut values: Values) -> Result<Values, Cause> {
    values.remove("");
    for key in values.keys() {
        let cause = if key.len() > MAX_KEY {
            "it has more than 253 bytes"
        } else if !key.chars().all(is_allowed) {
            "only letters, digits, - . and _ are allowed"
        } else {
            continue;
        };
        return Err(Cause::Key { key: key.chars().take(MAX_KEY).collect(), cause });
    }
    Ok(values)
}

fn is_allowed(c: char) -> bool {
    is_letter_or_number(c) || matches!(c, '-' | '.' | '_')
}

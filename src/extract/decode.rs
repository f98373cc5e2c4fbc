//! Decodes values: base64 as Go's `encoding/base64` reads it.

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

use super::error::Cause;
use crate::reference::Decoding;
use crate::secret_value::SecretValue;

/// Padding is needed, the bits behind the last byte are not looked at.
const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, CONFIG);
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, CONFIG);

pub(super) fn decode(decoding: Decoding, value: SecretValue) -> Result<SecretValue, Cause> {
    match decoding {
        Decoding::None => Ok(value),
        Decoding::Base64 => read(&BASE64, &value).ok_or(Cause::Decoding("base64")),
        Decoding::Base64Url => read(&BASE64_URL, &value).ok_or(Cause::Decoding("base64url")),
        Decoding::Auto => {
            let decoded = read(&BASE64, &value).or_else(|| read(&BASE64_URL, &value));
            Ok(decoded.unwrap_or(value))
        }
    }
}

/// Line breaks are passed over.
fn read(engine: &GeneralPurpose, value: &SecretValue) -> Option<SecretValue> {
    let encoded = value.expose();
    let is_break = |b: &u8| matches!(b, b'\r' | b'\n');
    let decoded = if encoded.iter().any(is_break) {
        let joined = encoded.iter().copied().filter(|b| !is_break(b)).collect();
        engine.decode(SecretValue::new(joined).expose())
    } else {
        engine.decode(encoded)
    };
    decoded.ok().map(SecretValue::new)
}

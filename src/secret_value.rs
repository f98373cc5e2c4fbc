//! The bytes of a secret: one type that cannot be printed, compared or serialised by accident.
//!
//! Bytes come in from AWS, from a Kubernetes Secret or from a selection of another value; they go out only
//! where [`SecretValue::expose`] is written.

use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretSlice};

/// A secret's bytes, wiped when the last copy of the handle is dropped. Cloning copies the handle only.
#[derive(Clone)]
pub struct SecretValue(Arc<SecretSlice<u8>>);

impl SecretValue {
    /// Takes the bytes; they are not copied when the vector has no room to spare.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Arc::new(SecretSlice::from(bytes)))
    }

    /// The bytes. Whoever calls this answers for where they go.
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }

    /// How many bytes.
    pub fn len(&self) -> usize {
        self.expose().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }
}

impl From<String> for SecretValue {
    fn from(text: String) -> Self {
        Self::new(text.into_bytes())
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_never_printed() {
        let value = SecretValue::from("hunter2".to_owned());
        assert_eq!(format!("{value:?}"), "[secret]");
        assert_eq!((value.len(), value.expose()), (7, b"hunter2".as_slice()));
    }
}

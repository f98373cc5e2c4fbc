//! Why there is no value: always with the reference, never with a value's text.

use thiserror::Error;

use crate::go::gjson::GjsonError;
use crate::go::json::JsonError;
use crate::go::regexp::RegexpError;
use crate::go::template::TransformError;
use crate::reference::SecretRef;

/// A reference that has no value, and why.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{reference}: {cause}")]
pub struct ExtractError {
    /// As annotations write it.
    pub reference: String,
    /// Why.
    pub cause: Cause,
}

impl ExtractError {
    /// A failure of the reference.
    pub fn new(reference: &SecretRef, cause: Cause) -> Self {
        Self { reference: reference.to_string(), cause }
    }
}

/// Why a document yields no value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Cause {
    /// AWS has no such secret or version.
    #[error("the secret does not exist")]
    NotFound,
    /// AWS will delete the secret; its value cannot be read any more.
    #[error("the secret is marked for deletion")]
    MarkedForDeletion,
    /// The document is JSON, or could be, and has no such property.
    #[error("the secret has no such property")]
    PropertyMissing,
    /// The document has no brackets at all.
    #[error("the secret is no JSON document, so it has no properties")]
    NotJson,
    /// Extract wants an object.
    #[error("keys cannot be extracted: {0}")]
    NotAnObject(JsonError),
    /// The path cannot be answered.
    #[error("the property cannot be read: {0}")]
    Path(GjsonError),
    /// The value is not in the encoding that was asked for.
    #[error("the value is not {0}")]
    Decoding(&'static str),
    /// The same of one of many.
    #[error("the value of key {key:?} is not {encoding}")]
    DecodingOf {
        /// The key.
        key: String,
        /// `base64` or `base64url`.
        encoding: &'static str,
    },
    /// Null bytes where they must not be.
    #[error(
        "the value of key {0:?} contains null bytes; encode it, or leave nullBytePolicy out if it is binary"
    )]
    NullBytes(String),
    /// A rewrite that cannot be applied.
    #[error("rewrite[{index}]: {cause}")]
    Rewrite {
        /// Which one.
        index: usize,
        /// Why.
        cause: RewriteCause,
    },
    /// Two keys that become one.
    #[error("keys that become {0:?} by conversion collide; rewrite them")]
    KeysCollide(String),
    /// A key that no Secret can have.
    #[error("{key:?} is no key of a Secret: {cause}; use rewrite or conversionStrategy")]
    Key {
        /// The key.
        key: String,
        /// Why.
        cause: &'static str,
    },
}

impl Cause {
    /// Whether the secret counts as absent.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::NotFound | Self::MarkedForDeletion)
    }
}

/// Why a rewrite cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum RewriteCause {
    #[error("{0}")]
    Regexp(#[from] RegexpError),
    #[error("it makes a key of more than {0} bytes; keep it short")]
    LongKey(usize),
    #[error("transform: {0}")]
    Template(TransformError),
    #[error("transform of key {key:?}: {error}")]
    Transform { key: String, error: Box<TransformError> },
    #[error("strategy JSON needs the key for the document: into")]
    MergeInto,
    #[error("there is no key {0:?} to give priority to")]
    NoPriorityKey(String),
    #[error("the value of key {key:?} cannot be merged: {cause}")]
    NotAnObject { key: String, cause: JsonError },
    #[error("the merged values share keys: {0}")]
    Conflicts(String),
}

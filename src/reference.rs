//! What somebody asks for: a secret, a version or the tags of it, and a part of that. Annotations write it
//! `[store::]key[?version=STAGE|uuid/ID][&metadata=tags][&decode=base64][#property]`, ExternalSecrets as fields; all
//! become one [`SecretRef`].

mod parse;
mod query;

pub use parse::ReferenceError;
pub use query::{QueryError, SecretQuery};

use std::fmt;

use thiserror::Error;

use crate::api::common::{StoreKind, StoreRef};
use crate::api::remote_ref::{DecodingStrategy, MetadataPolicy, RemoteRef};
use crate::aws::secret_name;

/// The stage that is read when none is asked for.
const CURRENT: &str = "AWSCURRENT";

/// One secret, or a part of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SecretRef {
    /// None: the store that the context says.
    pub store: Option<Store>,
    /// A name, without the store's prefix, or an ARN.
    pub key: String,
    /// What is read of the secret.
    pub content: Content,
    /// A key or path in a JSON document; None: the whole.
    pub property: Option<String>,
    /// How what was read is decoded.
    pub decoding: Decoding,
}

/// A store by kind and name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Store {
    /// Of the namespace or of the cluster.
    pub kind: StoreKind,
    /// Its name.
    pub name: String,
}

/// What is read of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Content {
    /// The value of a version.
    Value(Version),
    /// The tags, as one JSON object.
    Tags,
}

/// Which version of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// The one with this staging label.
    Stage(String),
    /// The one with this VersionId.
    Id(String),
}

/// How a value is decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Decoding {
    /// Not at all.
    #[default]
    None,
    /// Standard alphabet, padded.
    Base64,
    /// URL alphabet, padded.
    Base64Url,
    /// Whichever of the two decodes it, else not at all.
    Auto,
}

impl Default for Version {
    fn default() -> Self {
        Self::Stage(CURRENT.to_owned())
    }
}

/// An ARN that a store does not lead to.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "the store has the prefix {prefix:?}, and the secret's name does not begin with it; read it through a store without"
)]
pub struct OutsidePrefix {
    /// The store's.
    pub prefix: String,
}

impl SecretRef {
    /// The reference of an ExternalSecret's entry.
    ///
    /// # Errors
    /// Keys, versions and properties that no secret has.
    pub fn from_remote(store: Option<Store>, remote: &RemoteRef) -> Result<Self, ReferenceError> {
        let RemoteRef { key, metadata_policy, property, version, decoding_strategy, .. } = remote;
        parse::check_key(key)?;
        let content = match metadata_policy {
            // Tags have no versions.
            Some(MetadataPolicy::Fetch) => Content::Tags,
            Some(MetadataPolicy::None) | None => Content::Value(Version::parse(version)?),
        };
        let property = (!property.is_empty()).then(|| property.clone());
        if let Some(property) = &property {
            parse::check_property(property)?;
        }
        Ok(Self { store, key: key.clone(), content, property, decoding: (*decoding_strategy).into() })
    }

    /// The name or ARN by which AWS knows the secret, in a store with this prefix. An ARN names the secret whole; the prefix
    /// holds for it all the same: who may use the store is not thereby let in everywhere.
    ///
    /// # Errors
    /// An ARN of a secret whose name begins otherwise.
    pub fn secret_id(&self, prefix: &str) -> Result<String, OutsidePrefix> {
        if !self.is_arn() {
            return Ok(format!("{prefix}{}", self.key));
        }
        let name = self.key.split_once(":secret:").map(|(_, name)| name).unwrap_or_default();
        match name.starts_with(prefix) {
            true => Ok(self.key.clone()),
            false => Err(OutsidePrefix { prefix: prefix.to_owned() }),
        }
    }

    /// Whether the key is an ARN.
    pub fn is_arn(&self) -> bool {
        self.key.starts_with("arn:")
    }
}

impl Version {
    /// Reads a staging label, or `uuid/` and a VersionId; nothing is AWSCURRENT.
    ///
    /// # Errors
    /// Versions that no secret has.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        Ok(match secret_name::version(text)? {
            secret_name::Version::Stage(stage) => Self::Stage(stage.to_owned()),
            secret_name::Version::Id(id) => Self::Id(id.to_owned()),
        })
    }

    /// Whether it is the version that a secret has now.
    pub fn is_current(&self) -> bool {
        matches!(self, Self::Stage(stage) if stage == CURRENT)
    }
}

impl From<&StoreRef> for Store {
    fn from(reference: &StoreRef) -> Self {
        Self { kind: reference.kind.unwrap_or_default(), name: reference.name.clone() }
    }
}

impl From<Option<DecodingStrategy>> for Decoding {
    fn from(strategy: Option<DecodingStrategy>) -> Self {
        match strategy {
            None | Some(DecodingStrategy::None) => Self::None,
            Some(DecodingStrategy::Base64) => Self::Base64,
            Some(DecodingStrategy::Base64Url) => Self::Base64Url,
            Some(DecodingStrategy::Auto) => Self::Auto,
        }
    }
}

impl Decoding {
    fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Base64 => "base64",
            Self::Base64Url => "base64url",
            Self::Auto => "auto",
        }
    }
}

/// As annotations write it.
impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            StoreKind::SecretStore => f.write_str(&self.name),
            StoreKind::ClusterSecretStore => write!(f, "cluster/{}", self.name),
        }
    }
}

/// As annotations write it; what is the default is left out.
impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { store, key, content, property, decoding } = self;
        if let Some(store) = store {
            write!(f, "{store}::")?;
        }
        f.write_str(key)?;
        let version = match content {
            Content::Value(version) if version.is_current() => None,
            Content::Value(Version::Stage(stage)) => Some(("version", parse::escape(stage))),
            Content::Value(Version::Id(id)) => Some(("version", format!("uuid/{}", parse::escape(id)))),
            Content::Tags => Some(("metadata", "tags".to_owned())),
        };
        let decode = (*decoding != Decoding::None).then(|| ("decode", decoding.as_str().to_owned()));
        for (index, (name, value)) in version.into_iter().chain(decode).enumerate() {
            write!(f, "{}{name}={value}", if index == 0 { '?' } else { '&' })?;
        }
        match property {
            Some(property) => write!(f, "#{property}"),
            None => Ok(()),
        }
    }
}

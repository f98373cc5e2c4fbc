//! A remote secret in words: what DescribeSecret and GetSecretValue say of it.
//!
//! Source: Secrets Manager API Reference, `DescribeSecret`, `GetSecretValue`.

use std::collections::BTreeMap;

use crate::aws::tags::MANAGED_BY;
use crate::secret_value::SecretValue;

/// The value of [`MANAGED_BY`] on secrets that were pushed from a cluster, and on no others.
pub const MANAGER: &str = "external-secrets";
/// The stage of the version that readers get.
pub const CURRENT: &str = "AWSCURRENT";
/// The stage of the version that was current before.
pub const PREVIOUS: &str = "AWSPREVIOUS";

/// What a version holds.
#[derive(Clone, Debug)]
pub enum Content {
    /// SecretString.
    Text(SecretValue),
    /// SecretBinary.
    Binary(SecretValue),
}

/// The current version.
#[derive(Clone, Debug)]
pub struct Current {
    /// Its id.
    pub version_id: String,
    /// What it holds.
    pub content: Content,
}

/// A secret without its value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Described {
    /// Its ARN.
    pub arn: String,
    /// Its description; empty when there is none.
    pub description: String,
    /// The KMS key as it was named; none: the account's default key.
    pub kms_key_id: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// The date that DescribeSecret has for its deletion, in seconds since 1970; none: it is not deleted.
    pub deleted_at: Option<i64>,
    /// Stages by version id.
    pub stages: BTreeMap<String, Vec<String>>,
    /// Its replicas.
    pub replicas: Vec<Replica>,
}

/// A replica.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replica {
    /// The region.
    pub region: String,
    /// `InSync`, `InProgress` or `Failed`.
    pub status: String,
    /// Why, where it failed.
    pub message: String,
}

impl Content {
    /// The bytes, whichever way they are kept.
    pub fn value(&self) -> &SecretValue {
        match self {
            Self::Text(value) | Self::Binary(value) => value,
        }
    }

    /// Whether the other is kept in the same way and has the same bytes.
    pub fn is(&self, other: &Self) -> bool {
        let same_kind =
            matches!((self, other), (Self::Text(_), Self::Text(_)) | (Self::Binary(_), Self::Binary(_)));
        same_kind && self.has_bytes_of(other)
    }

    /// Whether the other has the same bytes.
    pub fn has_bytes_of(&self, other: &Self) -> bool {
        self.value().expose() == other.value().expose()
    }
}

impl Described {
    /// Whether it was pushed from a cluster; others are nobody's to change.
    pub fn is_managed(&self) -> bool {
        self.tags.get(MANAGED_BY).is_some_and(|manager| manager == MANAGER)
    }

    /// The version that readers get.
    pub fn current(&self) -> Option<&str> {
        self.version_at(CURRENT)
    }

    /// The version that readers got before.
    pub fn previous(&self) -> Option<&str> {
        self.version_at(PREVIOUS)
    }

    fn version_at(&self, stage: &str) -> Option<&str> {
        let at = |(_, stages): &(&String, &Vec<String>)| stages.iter().any(|one| one == stage);
        self.stages.iter().find(at).map(|(version, _)| version.as_str())
    }
}

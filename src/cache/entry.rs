//! What is asked for, what AWS answered, and what is kept of it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::age::Sign;
use crate::aws::failure::{Class, Failure};
use crate::secret_value::SecretValue;
use crate::source::identity::Identity;
use crate::source::plan::StoreId;

/// Somebody to AWS, in one place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Who {
    /// Who asks.
    pub identity: Identity,
    /// Region, and endpoint if it is not AWS's own.
    pub place: Box<str>,
}

/// One answer of AWS: who asks, where, and for what. Cloning copies handles.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Who asks, and where.
    pub who: Arc<Who>,
    /// The secret: its ARN once that is known, or else as it was named.
    pub id: Arc<str>,
    /// What of the secret.
    pub asked: Asked,
}

/// What of a secret is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Asked {
    /// A version's value.
    Value(Version),
    /// The tags, which no version has.
    Tags,
}

/// A version of a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Version {
    /// The one with the stage AWSCURRENT.
    #[default]
    Current,
    /// The one with another stage.
    Stage(Arc<str>),
    /// The one with this VersionId.
    Id(Arc<str>),
}

/// AWS's answer.
#[derive(Debug)]
pub struct Payload {
    /// The secret's ARN.
    pub arn: Arc<str>,
    /// The version's id; none for tags.
    pub version_id: Option<Box<str>>,
    /// The version's stages.
    pub stages: Stages,
    /// What it says.
    pub value: Value,
}

/// The stages of a version. Nearly all that are kept have the same, which take no room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stages {
    /// AWSCURRENT alone.
    Current,
    /// Others.
    Named(Box<[String]>),
}

impl From<Vec<String>> for Stages {
    fn from(stages: Vec<String>) -> Self {
        match stages.as_slice() {
            [only] if only == CURRENT => Self::Current,
            _ => Self::Named(stages.into_boxed_slice()),
        }
    }
}

impl fmt::Display for Stages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Current => f.write_str(CURRENT),
            Self::Named(stages) => f.write_str(&stages.join(", ")),
        }
    }
}

const CURRENT: &str = "AWSCURRENT";

/// What AWS's answer says.
#[derive(Debug)]
pub enum Value {
    /// A SecretString.
    Text(SecretValue),
    /// A SecretBinary.
    Binary(SecretValue),
    /// Tags, sorted by key.
    Tags(Vec<(String, String)>),
}

impl Payload {
    /// Bytes that it takes, about.
    fn weight(&self) -> usize {
        let value = match &self.value {
            Value::Text(bytes) | Value::Binary(bytes) => bytes.len(),
            Value::Tags(tags) => tags.iter().map(|(key, value)| key.len() + value.len() + 48).sum(),
        };
        let stages = match &self.stages {
            Stages::Current => 0,
            Stages::Named(stages) => stages.iter().map(|stage| stage.len() + 40).sum(),
        };
        value + stages + self.arn.len() + 40
    }
}

/// An answer, and where it came from.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What AWS said; shared, never copied.
    pub payload: Arc<Payload>,
    /// Where it came from.
    pub served: Served,
    /// How long ago AWS was asked.
    pub age: Duration,
}

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    /// Kept, and young enough.
    Hit,
    /// From AWS just now.
    Miss,
    /// Kept and older than asked, while AWS cannot be reached.
    Stale,
    /// Kept: there is no such secret, or not for this identity.
    Negative,
}

/// What is kept.
#[derive(Debug)]
pub(super) enum Kept {
    /// An answer.
    Value(Arc<Payload>),
    /// A definite no.
    No(Arc<Failure>),
}

/// A kept answer.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) kept: Kept,
    /// When AWS was asked.
    pub(super) fetched: Instant,
    /// Through which store.
    pub(super) store: Arc<StoreId>,
    /// Which of all entries that ever were.
    pub(super) serial: u64,
    /// When it was last asked for, on the shelf's clock.
    pub(super) used: AtomicU64,
    /// Until when it stands in for AWS without asking: milliseconds after `fetched`.
    held: AtomicU64,
}

/// What an entry takes besides its answer: keys, handles, and the tables that hold them.
const OVERHEAD: usize = 500;

impl Entry {
    pub(super) fn new(kept: Kept, fetched: Instant, store: Arc<StoreId>, serial: u64, used: u64) -> Self {
        Self { kept, fetched, store, serial, used: AtomicU64::new(used), held: AtomicU64::new(0) }
    }

    pub(super) fn sign(&self) -> Sign {
        match &self.kept {
            Kept::Value(_) => Sign::Value,
            Kept::No(failure) if failure.class == Class::Denied => Sign::Denied,
            Kept::No(_) => Sign::NotFound,
        }
    }

    /// Bytes that it takes, about.
    pub(super) fn weight(&self) -> u64 {
        let kept = match &self.kept {
            Kept::Value(payload) => payload.weight(),
            Kept::No(failure) => failure.message.len() + failure.object.len(),
        };
        (OVERHEAD + kept) as u64
    }

    pub(super) fn hold(&self, until: Instant) {
        let after = until.saturating_duration_since(self.fetched).as_millis();
        self.held.store(u64::try_from(after).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) fn is_held(&self, now: Instant) -> bool {
        let after = now.saturating_duration_since(self.fetched).as_millis();
        u128::from(self.held.load(Ordering::Relaxed)) > after
    }
}

//! Why a remote secret is not as it should be, for a condition and for Events.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::aws::failure::Class;
use crate::cluster::Trouble;
use crate::leader::NotLeader;
use crate::loops::write::WriteError;
use crate::push::Cause;
use crate::source::error::SourceError;

/// What went wrong with one remote secret, or with a store.
#[derive(Clone, Debug, Error)]
pub(super) enum PushError {
    /// It cannot be, whatever AWS says.
    #[error(transparent)]
    Cause(#[from] Cause),
    /// The store, or AWS.
    #[error(transparent)]
    Source(SourceError),
    /// The store's credentials, of which not all may know.
    #[error("{0}")]
    Credentials(String),
    /// A status or a finalizer.
    #[error(transparent)]
    Write(Arc<WriteError>),
    /// The API server.
    #[error("{object}: {trouble}")]
    Cluster {
        /// What was read or written.
        object: String,
        /// What it said.
        trouble: Trouble,
    },
    /// Nothing is named.
    #[error("names no Secret; write secret: {{name: NAME}}")]
    NoSource,
    /// What is named is not there.
    #[error("{title} not found, so nothing is pushed")]
    NoSecrets {
        /// What was looked for.
        title: String,
    },
    /// A store that is not there.
    #[error("there is no such store; create it, or take it out of secretStoreRefs")]
    NoStore,
    /// A store that was there when it was pushed to.
    #[error(
        "the store is gone, so what was pushed there cannot be deleted; create it again, or delete the secrets by hand \
         and set deletionPolicy to None"
    )]
    StoreGone,
    /// What this loop does not do.
    #[error("{0} is not supported by Keyhatch; leave it out, or leave the store to the operator")]
    Unsupported(&'static str),
    /// Labels that select nothing anywhere.
    #[error("selector.secret.selector: {0}")]
    Selector(String),
    /// A policy in an object that cannot hold one.
    #[error("resourcePolicy.policySourceRef.kind is {0:?}; it is ConfigMap or Secret")]
    PolicyKind(String),
    /// No such key.
    #[error("there is no policy in {place}; add the key")]
    NoPolicyKey {
        /// Object and key.
        place: String,
    },
    /// Replicas that AWS could not make.
    #[error("{0}; look at the secret in that region")]
    Replicas(String),
    /// It was there a moment ago.
    #[error("the secret changed while it was looked at; it is tried again")]
    Vanished,
    /// AWS knows every id that this version could have.
    #[error("AWS did not make the new version current")]
    NotCurrent,
    /// Versions come too fast for AWS's quota.
    #[error(
        "it was pushed so often that AWS's quota of versions would be spent; its latest value follows in {} s",
        .0.as_secs()
    )]
    TooOften(Duration),
    /// The system has none.
    #[error("the system has no random bytes")]
    NoRandom,
    /// Somebody else goes on.
    #[error(transparent)]
    NotLeader(#[from] NotLeader),
}

impl PushError {
    /// Whether it is only a matter of waiting.
    pub(super) fn passes(&self) -> bool {
        matches!(self, Self::TooOften(_))
    }

    /// Whether a value may be there all the same: AWS may have written it, and its answer was lost, or not waited for.
    pub(super) fn may_have_happened(&self) -> bool {
        let failure = match self {
            Self::NotLeader(_) => return true,
            Self::Source(SourceError::Aws(failure)) => failure,
            _ => return false,
        };
        failure.class == Class::Unavailable && matches!(failure.operation, "CreateSecret" | "PutSecretValue")
    }
}

impl From<WriteError> for PushError {
    fn from(error: WriteError) -> Self {
        Self::Write(Arc::new(error))
    }
}

impl From<SourceError> for PushError {
    fn from(error: SourceError) -> Self {
        Self::Source(error.without_request_id())
    }
}

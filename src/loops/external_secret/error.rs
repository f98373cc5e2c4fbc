//! Why a Secret is not as its ExternalSecret says, for a condition and for Events.

use thiserror::Error;

use crate::cluster::Trouble;
use crate::external_secret::target::TargetError;
use crate::loops::conditions::listed;
use crate::loops::write::WriteError;
use crate::source::external::ExternalError;

/// What went wrong. The messages begin as the operator's do.
#[derive(Debug, Error)]
pub(super) enum KeepError {
    /// Its stores are of two owners.
    #[error(
        "{store} belongs to another controller, and other stores of this ExternalSecret to Keyhatch: nobody serves it; \
             split it, or give all its stores the same spec.controller"
    )]
    Mixed {
        /// The other's.
        store: String,
    },
    /// A store does not work.
    #[error("{store} is not ready: {why}")]
    NotReady {
        /// Which.
        store: String,
        /// What its condition says.
        why: String,
    },
    /// What cannot be read by us.
    #[error("could not get secret data from provider: {0}")]
    Entries(#[from] ExternalError),
    /// What could not be read.
    #[error("could not get secret data from provider: {}", listed(.0))]
    Entry(Vec<(String, String)>),
    /// AWS cannot be reached, and what was read before is not new enough.
    #[error(
        "could not get secret data from provider: AWS cannot be reached; until it can, nothing is changed"
    )]
    Away,
    /// The Secret is another's, or does not change.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The Secret could not be read.
    #[error("Secret {target}: {trouble}")]
    Read {
        /// Which.
        target: String,
        /// Why.
        trouble: Trouble,
    },
    /// Something could not be written.
    #[error("could not update secret: {0}")]
    Write(#[from] WriteError),
}

impl KeepError {
    /// Whether only a change of an object can help: there is no use in trying again and again.
    pub(super) fn is_final(&self) -> bool {
        match self {
            Self::Mixed { .. } | Self::NotReady { .. } | Self::Entries(_) | Self::Target(_) => true,
            Self::Entry(_) | Self::Away | Self::Read { .. } | Self::Write(_) => false,
        }
    }
}

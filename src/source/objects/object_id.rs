//! Which object, in which state, and why it cannot be had.

use std::fmt;

use thiserror::Error;

use crate::source::plan::StoreId;

/// An object of one of the kinds that access depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ObjectId {
    /// A store.
    Store(StoreId),
    /// A Secret.
    Secret {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// A ServiceAccount.
    ServiceAccount {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// A Namespace, whose labels a store may look at.
    Namespace(String),
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(store) => store.fmt(f),
            Self::Secret { namespace, name } => write!(f, "Secret {namespace}/{name}"),
            Self::ServiceAccount { namespace, name } => write!(f, "ServiceAccount {namespace}/{name}"),
            Self::Namespace(name) => write!(f, "Namespace {name}"),
        }
    }
}

/// An object in one state: its UID, and what changes when it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectVersion {
    /// UID; an object that was deleted and made again has another.
    pub uid: String,
    /// Generation of a store, whose status changes often; resourceVersion of others, which have none.
    pub version: String,
}

/// Why an object could not be read.
#[derive(Clone, Debug, Error)]
pub enum ObjectError {
    /// There is none of that name.
    #[error("{object} does not exist")]
    Missing {
        /// Which.
        object: ObjectId,
    },
    /// We may not.
    #[error("{object}: {verb} is not allowed: {cause}")]
    Forbidden {
        /// Which.
        object: ObjectId,
        /// `get` or `create token`.
        verb: &'static str,
        /// The API server's words.
        cause: String,
    },
    /// The API server does not answer, or not in a way that is understood.
    #[error("{object}: the API server cannot say: {cause}")]
    Unavailable {
        /// Which.
        object: ObjectId,
        /// Why.
        cause: String,
    },
    /// There is no cluster to ask, and the files do not have it.
    #[error("{object} is in no file that was given")]
    NotInFiles {
        /// Which.
        object: ObjectId,
    },
    /// The token is one of another ServiceAccount of the same name.
    #[error("{object} was deleted and made again meanwhile")]
    Replaced {
        /// Which.
        object: ObjectId,
    },
}

//! An object that is watched, as far as it can be read, and its changes.

use std::fmt;
use std::sync::Arc;

use kube::Resource;
use kube::api::ObjectMeta;

/// Which object of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey {
    /// Its namespace; empty for objects of the cluster.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.namespace.as_str() {
            "" => f.write_str(&self.name),
            namespace => write!(f, "{namespace}/{}", self.name),
        }
    }
}

/// An object, as far as it can be read.
#[derive(Debug)]
pub enum Kept<T> {
    /// It is this.
    Object(Arc<T>),
    /// It does not fit its type.
    Damaged {
        /// What could be read.
        metadata: Box<ObjectMeta>,
        /// Why, on one line; it may quote the part that does not fit.
        cause: Arc<str>,
    },
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Object(object) => Self::Object(Arc::clone(object)),
            Self::Damaged { metadata, cause } => {
                Self::Damaged { metadata: metadata.clone(), cause: Arc::clone(cause) }
            }
        }
    }
}

impl<T> Kept<T> {
    /// Its metadata, readable or not.
    pub fn metadata(&self) -> &ObjectMeta
    where
        T: Resource,
    {
        match self {
            Self::Object(object) => object.meta(),
            Self::Damaged { metadata, .. } => metadata,
        }
    }

    /// The object, if it can be read.
    pub fn object(&self) -> Option<&Arc<T>> {
        match self {
            Self::Object(object) => Some(object),
            Self::Damaged { .. } => None,
        }
    }
}

/// A change of one object.
#[derive(Debug)]
pub struct Change<T> {
    /// Which.
    pub key: ObjectKey,
    /// What it was before; none if it is new.
    pub before: Option<Kept<T>>,
    /// What it is; none if it is gone.
    pub after: Option<Kept<T>>,
}

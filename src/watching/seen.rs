//! An object as a watch needs it, and what was taken of it while it was read.

use std::borrow::Cow;
use std::fmt::Debug;

use kube::Resource;
use kube::api::ObjectMeta;
use kube::core::ApiResource;
use serde::de::{Deserialize, Deserializer};

/// What is taken of an object while it is read.
pub trait Taken: Clone + Debug + Send + 'static {
    /// Reads an object: the metadata that are kept of it, and what is taken. What does not fit its type must be no error:
    /// one such object would hide all others.
    ///
    /// # Errors
    /// If it is no object.
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(ObjectMeta, Self), D::Error>;
}

/// Metadata, and what was taken.
#[derive(Clone, Debug)]
pub struct Seen<T> {
    metadata: ObjectMeta,
    /// What was taken.
    pub taken: T,
}

impl<T> Seen<T> {
    /// Its namespace; `""` for objects of the cluster.
    pub fn namespace(&self) -> &str {
        self.metadata.namespace.as_deref().unwrap_or_default()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }
}

impl<'de, T: Taken> Deserialize<'de> for Seen<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (metadata, taken) = T::read(deserializer)?;
        Ok(Self { metadata, taken })
    }
}

impl<T> Resource for Seen<T> {
    type DynamicType = ApiResource;
    type Scope = kube::core::DynamicResourceScope;

    fn kind(resource: &ApiResource) -> Cow<'_, str> {
        resource.kind.as_str().into()
    }

    fn group(resource: &ApiResource) -> Cow<'_, str> {
        resource.group.as_str().into()
    }

    fn version(resource: &ApiResource) -> Cow<'_, str> {
        resource.version.as_str().into()
    }

    fn plural(resource: &ApiResource) -> Cow<'_, str> {
        resource.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

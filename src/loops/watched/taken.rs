//! What is taken of an object: all of it, as far as it can be decoded; or what tells that it changed.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use kube::api::ObjectMeta;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error};
use serde_json::Value;

use super::Kept;
use crate::aws::failure::one_line;
use crate::watching::Taken;

/// An object, or why it is none of its kind.
#[derive(Debug)]
pub(super) struct Whole<K>(pub(super) Kept<K>);

impl<K> Clone for Whole<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K: DeserializeOwned + Debug + Send + Sync + 'static> Taken for Whole<K> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(ObjectMeta, Self), D::Error> {
        let value = Value::deserialize(deserializer)?;
        let metadata = value.get("metadata").ok_or_else(|| D::Error::missing_field("metadata"))?;
        let metadata = ObjectMeta::deserialize(metadata).map_err(D::Error::custom)?;
        let kept = match K::deserialize(&value) {
            Ok(object) => Kept::Object(Arc::new(object)),
            Err(error) => Kept::Damaged {
                metadata: Box::new(metadata.clone()),
                cause: one_line(&error.to_string()).into(),
            },
        };
        // The object has all of it.
        let metadata = ObjectMeta {
            name: metadata.name,
            namespace: metadata.namespace,
            resource_version: metadata.resource_version,
            ..ObjectMeta::default()
        };
        Ok((metadata, Self(kept)))
    }
}

/// What is known of an object whose content is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Its UID: one that was deleted and made again has another.
    pub uid: String,
    /// Its resourceVersion, which changes whenever it does.
    pub version: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

impl Trace {
    pub(super) fn of(metadata: &ObjectMeta) -> Self {
        Self {
            uid: metadata.uid.clone().unwrap_or_default(),
            version: metadata.resource_version.clone().unwrap_or_default(),
            labels: metadata.labels.clone().unwrap_or_default(),
        }
    }
}

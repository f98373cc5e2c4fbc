//! What was made last, while this process leads. What is forgotten costs a request, and nothing else.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kube::api::ObjectMeta;

use super::seen::Child;

/// Of all objects, by the UID of whoever made them and by namespace.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<HashMap<String, HashMap<String, Made>>>);

/// What was made, and of what.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Made {
    version: Version,
    child: Child,
}

/// A version of an object of which others are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    generation: Option<i64>,
    annotations: Vec<(String, String)>,
}

impl Version {
    /// The version of an object.
    pub(super) fn of(metadata: &ObjectMeta) -> Self {
        let annotations = metadata.annotations.iter().flatten();
        let annotations = annotations.map(|(key, value)| (key.clone(), value.clone())).collect();
        Self { generation: metadata.generation, annotations }
    }
}

impl Memory {
    /// Whether an object is as it was made of this version.
    pub(super) fn is_as_made(&self, maker: &str, namespace: &str, version: &Version, child: &Child) -> bool {
        let kept = self.lock();
        let made = kept.get(maker).and_then(|of_maker| of_maker.get(namespace));
        made.is_some_and(|made| made.version == *version && made.child == *child)
    }

    /// That it was made.
    pub(super) fn remember(&self, maker: &str, namespace: &str, version: Version, child: Child) {
        self.lock()
            .entry(maker.to_owned())
            .or_default()
            .insert(namespace.to_owned(), Made { version, child });
    }

    /// Only of these makers something is known any more.
    pub(super) fn keep_makers(&self, is_there: impl Fn(&str) -> bool) {
        self.lock().retain(|maker, _| is_there(maker));
    }

    /// Only in these namespaces a maker has something any more.
    pub(super) fn keep_namespaces(&self, maker: &str, is_meant: impl Fn(&str) -> bool) {
        if let Some(made) = self.lock().get_mut(maker) {
            made.retain(|namespace, _| is_meant(namespace));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, HashMap<String, Made>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! What is taken of namespaces and of objects that were made: their metadata in, what decides out. Pure.

use std::collections::BTreeMap;

use kube::api::ObjectMeta;

use crate::facts::Labels;

/// A namespace.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    /// Its labels.
    pub(super) labels: Labels,
    /// What holds it back.
    pub(super) finalizers: Vec<String>,
    /// The version of it that has these.
    pub(super) version: Option<String>,
    /// Whether it is being deleted.
    pub(super) is_leaving: bool,
}

/// An object of the kind that is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Child {
    /// Its UID.
    pub(super) uid: String,
    /// The version of what it says.
    pub(super) generation: Option<i64>,
    /// Its labels.
    pub(super) labels: BTreeMap<String, String>,
    /// Its annotations.
    pub(super) annotations: BTreeMap<String, String>,
    /// Who made it.
    pub(super) maker: Option<Maker>,
    /// Whether it is being deleted.
    pub(super) is_leaving: bool,
}

/// The controller of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Maker {
    /// Its kind.
    pub(super) kind: String,
    /// Its name.
    pub(super) name: String,
    /// Its UID.
    pub(super) uid: String,
}

impl Place {
    /// Takes what matters of a Namespace.
    pub(super) fn of(metadata: &ObjectMeta) -> Self {
        let labels = metadata.labels.iter().flatten();
        Self {
            labels: labels.map(|(key, value)| (key.clone(), value.clone())).collect(),
            finalizers: metadata.finalizers.clone().unwrap_or_default(),
            version: metadata.resource_version.clone(),
            is_leaving: metadata.deletion_timestamp.is_some(),
        }
    }
}

impl Child {
    /// Takes what matters of an object.
    pub(super) fn of(metadata: &ObjectMeta) -> Self {
        let mut owners = metadata.owner_references.iter().flatten();
        let maker = owners.find(|owner| owner.controller == Some(true)).map(|owner| Maker {
            kind: owner.kind.clone(),
            name: owner.name.clone(),
            uid: owner.uid.clone(),
        });
        Self {
            uid: metadata.uid.clone().unwrap_or_default(),
            generation: metadata.generation,
            labels: metadata.labels.clone().unwrap_or_default(),
            annotations: metadata.annotations.clone().unwrap_or_default(),
            maker,
            is_leaving: metadata.deletion_timestamp.is_some(),
        }
    }
}

//! Small facts about the other kinds.

use serde::Deserialize;

use super::{Labels, Owner};
use crate::api::common::StoreKind;

/// What is read of an object's metadata.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Its namespace; none for objects of the cluster.
    #[serde(default)]
    pub namespace: Option<String>,
    /// Its version.
    #[serde(default)]
    pub resource_version: Option<String>,
    /// When it was asked to go.
    #[serde(default)]
    pub deletion_timestamp: Option<String>,
    /// Its labels.
    #[serde(default)]
    pub labels: Labels,
    /// Its annotations.
    #[serde(default)]
    pub annotations: Labels,
    #[serde(default)]
    owner_references: Vec<OwnerReference>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct OwnerReference {
    #[serde(default)]
    kind: Box<str>,
    #[serde(default)]
    name: Box<str>,
    #[serde(default)]
    controller: Option<bool>,
}

impl Metadata {
    /// The object that controls it.
    pub fn owner(&self) -> Option<Owner> {
        let controller = self.owner_references.iter().find(|owner| owner.controller == Some(true))?;
        Some(Owner { kind: controller.kind.clone(), name: controller.name.clone() })
    }
}

/// What an ExternalSecret writes.
#[derive(Clone, Debug)]
pub struct Target {
    /// The name of the Secret.
    pub name: Box<str>,
    /// Whether it makes and owns it.
    pub owns: bool,
    /// The object that made the ExternalSecret.
    pub made_by: Option<Owner>,
}

/// What a PushSecret writes.
#[derive(Clone, Debug, Default)]
pub struct Pushes {
    /// Each entry, to each store that is named.
    pub entries: Box<[Push]>,
    /// The object that made the PushSecret.
    pub made_by: Option<Owner>,
}

/// One remote secret, or a property of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// Kind of the store.
    pub store_kind: StoreKind,
    /// Name of the store.
    pub store: Box<str>,
    /// The remote key, without the store's prefix.
    pub key: Box<str>,
    /// The property; `""` is the whole secret.
    pub property: Box<str>,
    /// What is only applied when the secret is made.
    pub settings: Settings,
    /// Whether it was pushed.
    pub is_synced: bool,
}

/// Parts of a PushSecretMetadata that an existing secret keeps, as hashes: equal or not is all that matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is called what it is")]
pub struct Settings {
    pub format: u64,
    pub description: u64,
    pub kms_key_id: u64,
    pub has_tags: bool,
}

/// What is known of a namespace.
#[derive(Clone, Debug, Default)]
pub struct Namespace {
    /// Its labels.
    pub labels: Labels,
    /// The store of references in its pods that name none.
    pub store: Option<Box<str>>,
    /// How often its pods fetch again, if they do not say.
    pub refresh: Option<Box<str>>,
}

/// What is known of a ServiceAccount.
#[derive(Clone, Copy, Debug)]
pub struct Account {
    /// Whether it is annotated with a role.
    pub has_role: bool,
}

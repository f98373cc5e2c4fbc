//! What a pod asks for, once its annotations are read.

use std::collections::BTreeMap;

use keyhatch_agent::{OnMissing, Permissions};

use super::super::Code;
use super::STORE;
use crate::field::Field;
use crate::finding::Report;
use crate::go::gjson;
use crate::reference::{SecretRef, Store};

/// What a pod asks for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// By path below the mount path.
    pub files: BTreeMap<String, File>,
    /// By variable, for every container that is meant.
    pub env: BTreeMap<String, SecretRef>,
    /// Each key a file.
    pub external_secrets: Vec<String>,
    /// Each key a variable.
    pub external_secret_env: Vec<String>,
    /// The containers that are meant; None: all.
    pub containers: Option<Vec<String>>,
    /// Where secrets are in the containers.
    pub mount_path: String,
    /// How they come there.
    pub mode: Mode,
    /// Seconds after which a new value is there at the latest; 0: never.
    pub refresh: Option<u64>,
    /// What happens if something is not there.
    pub on_missing: OnMissing,
    /// The program of containers without `command`.
    pub entrypoint: BTreeMap<String, Vec<String>>,
    /// How containers without `command` and `entrypoint` get variables.
    pub env_via: EnvVia,
    /// The store of references that name none.
    pub store: DefaultStore,
    /// All references, each with its field.
    pub references: Vec<(SecretRef, String)>,
}

/// A file that is asked for.
#[derive(Clone, Debug)]
pub struct File {
    /// Where its content comes from.
    pub from: SecretRef,
    /// Its own permissions.
    pub permissions: Option<Permissions>,
}

/// How secrets come into the pod.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// By a sidecar if they are to be fetched again and the pod runs on; else once.
    #[default]
    Auto,
    /// Once, before the pod's containers start.
    Init,
    /// And again, as long as the pod lives.
    Sidecar,
}

/// How variables come into a container.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EnvVia {
    /// The agent's program sets them and becomes the container's own, which must be known.
    #[default]
    Exec,
    /// The kubelet sets them, wherever the program is not known.
    Kubelet,
}

/// The store of references that name none.
#[derive(Clone, Debug, Default)]
pub enum DefaultStore {
    /// This one.
    Is(Store),
    /// There is none.
    #[default]
    Missing,
    /// One was named, and told to be none.
    Wrong,
    /// The namespace may have one.
    Unknown,
}

impl Asked {
    /// Reads a reference, with the store that it means.
    pub(in crate::inject) fn reference(
        &mut self,
        text: &str,
        at: &Field<'_>,
        report: &mut Report,
    ) -> Option<SecretRef> {
        let mut reference: SecretRef = match text.parse() {
            Ok(reference) => reference,
            Err(error) => {
                report.text(Code::BadReference.rule(), at, text, error.to_string());
                return None;
            }
        };
        if reference.store.is_none() {
            match &self.store {
                DefaultStore::Is(store) => reference.store = Some(store.clone()),
                DefaultStore::Missing => {
                    let cause = format!("names no store: write store::{text}, or add {STORE}");
                    report.text(Code::NoStore.rule(), at, text, cause);
                }
                DefaultStore::Wrong | DefaultStore::Unknown => {}
            }
        }
        if let Some(doubt) = reference.property.as_deref().and_then(gjson::doubtful) {
            report.text(Code::PropertyDoubtful.rule(), at, text, doubt.to_string());
        }
        self.references.push((reference.clone(), at.to_string()));
        Some(reference)
    }
}

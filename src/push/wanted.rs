//! What a PushSecret wants of one store: its spec and its Secrets in, a target for each remote secret out, and the
//! entries that cannot be, each with its cause. One bad entry takes only its own remote secret with it.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::common::StoreKind;
use crate::api::push_metadata::PushSecretMetadata;
use crate::api::push_secret::{PushData, PushSecretSpec};
use crate::aws::secret_name;
use crate::extract::Values;
use crate::facts::Labels;
use crate::finding::Report;
use crate::rule::Level;
use crate::validate::push_metadata;

use super::document::{Change, Edit, Property};
use super::error::{Cause, EntryError};
use super::expand::{self, Entry};

/// A Secret that is pushed.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Its data.
    pub data: Values,
}

/// A store that is pushed to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoreKey {
    /// SecretStore or ClusterSecretStore.
    pub kind: StoreKind,
    /// Its name.
    pub name: String,
}

impl std::fmt::Display for StoreKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.kind.as_str(), self.name)
    }
}

/// What matters of a store.
#[derive(Clone, Debug)]
pub struct Destination {
    /// Which it is.
    pub store: StoreKey,
    /// Its labels.
    pub labels: Labels,
    /// What it puts before every key.
    pub prefix: String,
}

/// One remote secret as it should be.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its name in AWS: the store's prefix and the remote key.
    pub name: String,
    /// What becomes of its value.
    pub edit: Edit,
    /// All else.
    pub metadata: PushSecretMetadata,
    /// The entries that it is made of, by the key under which the status keeps them.
    pub entries: BTreeMap<String, PushData>,
}

/// Everything that is wanted of one store, by remote key.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// What can be.
    pub targets: BTreeMap<String, Target>,
    /// What cannot.
    pub refused: Vec<EntryError>,
    /// Remote keys that are wanted, though they cannot be now: nothing of them is deleted.
    pub blocked: BTreeSet<String>,
    /// Whether a whole rule could not be applied, so that it is not known which remote keys are wanted.
    pub is_incomplete: bool,
}

impl Wanted {
    /// Whether a remote key may be wanted.
    pub fn may_want(&self, remote_key: &str) -> bool {
        self.is_incomplete || self.blocked.contains(remote_key) || self.targets.contains_key(remote_key)
    }
}

/// Works out what is wanted of a store.
pub fn wanted(spec: &PushSecretSpec, sources: &[Source], destination: &Destination) -> Wanted {
    let mut wanted = Wanted::default();
    let (entries, refused) = expand::entries(spec, sources, destination);
    wanted.is_incomplete = !refused.is_empty();
    wanted.refused = refused;
    let mut by_key: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
    for entry in entries {
        by_key.entry(entry.data.match_.remote_ref.remote_key.clone()).or_default().push(entry);
    }
    for (key, entries) in by_key {
        match target(&key, entries, destination) {
            Ok(target) => _ = wanted.targets.insert(key, target),
            Err(error) => {
                wanted.refused.push(error);
                wanted.blocked.insert(key);
            }
        }
    }
    wanted
}

/// The key under which the status keeps an entry.
pub fn status_key(entry: &PushData) -> String {
    let remote = &entry.match_.remote_ref;
    match remote.property.as_str() {
        "" => remote.remote_key.clone(),
        property => format!("{}/{property}", remote.remote_key),
    }
}

fn target(key: &str, entries: Vec<Entry>, destination: &Destination) -> Result<Target, EntryError> {
    let name = format!("{}{key}", destination.prefix);
    let metadata = metadata(&entries)?;
    let at = |entry: &Entry| entry.at.clone();
    let whole: Vec<&Entry> = entries.iter().filter(|entry| entry.property().is_empty()).collect();
    if let (Some(entry), false) = (whole.first(), whole.len() == entries.len()) {
        return Err(EntryError { at: at(entry), cause: Cause::WholeAndProperty });
    }
    check_places(&entries)?;
    if let Err(error) = secret_name::check(&name) {
        let at = entries.first().map(at).unwrap_or_default();
        return Err(EntryError { at, cause: Cause::RemoteKey { key: name, error } });
    }
    let mut set = Vec::new();
    let mut all = None;
    for entry in &entries {
        let value = entry.value.clone().map_err(|cause| EntryError { at: at(entry), cause })?;
        let key = entry.data.match_.secret_key.clone();
        match entry.property() {
            "" => all = Some(Change::Whole { key, value }),
            path => set.push(Property { path: path.to_owned(), key, value }),
        }
    }
    let change = all.unwrap_or(Change::Properties { set, remove: Vec::new() });
    let edit = Edit { change, format: metadata.secret_push_format };
    let entries = entries.into_iter().map(|entry| (status_key(&entry.data), entry.data)).collect();
    Ok(Target { name, edit, metadata, entries })
}

/// No two entries have one place.
fn check_places(entries: &[Entry]) -> Result<(), EntryError> {
    let mut seen: BTreeMap<&str, &Entry> = BTreeMap::new();
    for entry in entries {
        if let Some(first) = seen.insert(entry.property(), entry) {
            let cause = Cause::Duplicate {
                first: first.title(),
                second: entry.title(),
                place: status_key(&entry.data),
            };
            return Err(EntryError { at: entry.at.clone(), cause });
        }
    }
    Ok(())
}

/// The one metadata of all entries of a secret.
fn metadata(entries: &[Entry]) -> Result<PushSecretMetadata, EntryError> {
    let mut found: Option<(&Entry, PushSecretMetadata)> = None;
    for entry in entries {
        let metadata = read(entry)?;
        match &found {
            Some((first, other)) if *other != metadata => {
                let cause = Cause::MetadataDiffers { first: first.title(), second: entry.title() };
                return Err(EntryError { at: entry.at.clone(), cause });
            }
            Some(_) => {}
            None => found = Some((entry, metadata)),
        }
    }
    Ok(found.map(|(_, metadata)| metadata).unwrap_or_default())
}

fn read(entry: &Entry) -> Result<PushSecretMetadata, EntryError> {
    let Some(written) = &entry.data.metadata else { return Ok(PushSecretMetadata::default()) };
    let mut report = Report::default();
    let metadata = push_metadata(written, &mut report).into_owned();
    match report.into_findings().into_iter().find(|finding| finding.level == Level::Deny) {
        None => Ok(metadata),
        Some(finding) => {
            let cause = Cause::Metadata(format!("{}: {finding}", finding.field));
            Err(EntryError { at: entry.at.clone(), cause })
        }
    }
}

#[cfg(test)]
#[path = "wanted/tests.rs"]
mod tests;

//! What was pushed once and is wanted no more: with `deletionPolicy: Delete` it goes, property by property, and the
//! whole secret only if nothing is left of it.

use std::collections::BTreeMap;

use crate::api::push_secret::PushData;

use super::document::{Change, Edit, is_empty_object};
use super::error::Cause;
use super::remote::{Content, Current, Described};
use super::token::Tokens;
use super::value;
use super::wanted::Wanted;

/// What is to go of one remote secret.
#[derive(Clone, Debug, Default)]
pub struct Removal {
    /// Properties; none: all of the secret.
    pub properties: Vec<String>,
    /// The entries that go, by the key under which the status keeps them.
    pub entries: BTreeMap<String, PushData>,
}

/// One step towards it.
#[derive(Clone, Debug)]
pub enum Step {
    /// It is gone, or is not ours.
    Nothing,
    /// What it holds has to be read first.
    Read,
    /// What is left is to be written.
    Put {
        /// What is left.
        content: Content,
        /// Ids for the new version.
        tokens: Vec<String>,
    },
    /// The whole secret is to go, after its replicas.
    Delete {
        /// The regions of its replicas.
        replicas: Vec<String>,
    },
}

/// Splits what is wanted no more of a store: properties of secrets that stay become part of their edit; the rest is
/// returned by remote key.
pub fn split(recorded: &BTreeMap<String, PushData>, wanted: &mut Wanted) -> BTreeMap<String, Removal> {
    let mut removals: BTreeMap<String, Removal> = BTreeMap::new();
    if wanted.is_incomplete {
        return removals;
    }
    for (status_key, entry) in recorded {
        let remote = &entry.match_.remote_ref;
        if wanted.blocked.contains(&remote.remote_key) {
            continue;
        }
        match wanted.targets.get_mut(&remote.remote_key) {
            Some(target) if target.entries.contains_key(status_key) => {}
            Some(target) => {
                // Of a document that is now written whole, nothing has to be taken away.
                if let (Change::Properties { remove, .. }, false) =
                    (&mut target.edit.change, remote.property.is_empty())
                {
                    remove.push(remote.property.clone());
                }
            }
            None => {
                let removal = removals.entry(remote.remote_key.clone()).or_default();
                removal.entries.insert(status_key.clone(), entry.clone());
                if !remote.property.is_empty() {
                    removal.properties.push(remote.property.clone());
                }
            }
        }
    }
    for removal in removals.values_mut() {
        if removal.properties.len() < removal.entries.len() {
            removal.properties.clear();
        }
    }
    removals
}

/// Decides; a secret that is not tagged as pushed from a cluster is left alone.
///
/// # Errors
/// Properties that cannot be taken away.
pub fn step(
    name: &str,
    removal: &Removal,
    described: Option<&Described>,
    current: Option<&Current>,
    tokens: &Tokens,
) -> Result<Step, Cause> {
    let Some(described) = described.filter(|one| one.is_managed() && one.deleted_at.is_none()) else {
        return Ok(Step::Nothing);
    };
    let replicas = described.replicas.iter().map(|replica| replica.region.clone()).collect();
    if removal.properties.is_empty() || described.current().is_none() {
        return Ok(Step::Delete { replicas });
    }
    let Some(current) = current else { return Ok(Step::Read) };
    let change = Change::Properties { set: Vec::new(), remove: removal.properties.clone() };
    // What is left stays in the form that it has.
    let format = match current.content {
        Content::Text(_) => crate::api::push_metadata::PushFormat::String,
        Content::Binary(_) => crate::api::push_metadata::PushFormat::Binary,
    };
    let content = Edit { change, format: Some(format) }.apply(Some(&current.content))?;
    if is_empty_object(&content) {
        return Ok(Step::Delete { replicas });
    }
    if content.is(&current.content) {
        return Ok(Step::Nothing);
    }
    Ok(match value::put(name, described, Some(current), content, tokens) {
        value::Step::Put { content, tokens } => Step::Put { content, tokens },
        value::Step::Nothing | value::Step::Read | value::Step::Create { .. } | value::Step::Restore => {
            Step::Nothing
        }
    })
}

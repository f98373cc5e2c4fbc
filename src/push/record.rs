//! `status.syncedPushSecrets`: what was pushed, by store and remote key, in External Secrets Operator's form.

use std::collections::BTreeMap;

use crate::api::push_secret::PushData;

/// Entries by store (`Kind/name`), then by remote key (`key` or `key/property`).
pub type Record = BTreeMap<String, BTreeMap<String, PushData>>;

/// What became of one remote secret.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It is as it should be, with all that metadata says.
    Pushed(BTreeMap<String, PushData>),
    /// Its value is; something beside it is not.
    ValuePushed(BTreeMap<String, PushData>),
    /// It may be there, and may not: it is being made, or was and nobody knows what came of it.
    Begun(BTreeMap<String, PushData>),
    /// Nothing of this is there any more.
    Removed(BTreeMap<String, PushData>),
}

/// Writes down what became of a remote secret of a store. What was not touched stays as it was.
pub fn note(record: &mut Record, store: &str, remote_key: &str, outcome: Outcome) {
    let entries = record.entry(store.to_owned()).or_default();
    match outcome {
        Outcome::Pushed(pushed) => {
            entries.retain(|_, entry| entry.match_.remote_ref.remote_key != remote_key);
            entries.extend(pushed);
        }
        Outcome::ValuePushed(pushed) => {
            // A policy is ours to delete only if we have set it: metadata is noted when all of it was applied.
            let before = entries.clone();
            entries.retain(|_, entry| entry.match_.remote_ref.remote_key != remote_key);
            for (key, entry) in pushed {
                let metadata = before.get(&key).and_then(|entry| entry.metadata.clone());
                entries.insert(key, PushData { metadata, ..entry });
            }
        }
        Outcome::Begun(begun) => {
            for (key, entry) in begun {
                entries.entry(key).or_insert(PushData { metadata: None, ..entry });
            }
        }
        Outcome::Removed(removed) => entries.retain(|key, _| !removed.contains_key(key)),
    }
    if entries.is_empty() {
        record.remove(store);
    }
}

/// Forgets entries of a store that are wanted no more, and stay at AWS: nobody deletes them later.
pub fn forget(record: &mut Record, store: &str, is_wanted: impl Fn(&str) -> bool) {
    let Some(entries) = record.get_mut(store) else { return };
    entries.retain(|_, entry| is_wanted(&entry.match_.remote_ref.remote_key));
    if entries.is_empty() {
        record.remove(store);
    }
}

/// Whether the last push of a remote secret had a policy of ours.
pub fn had_policy(recorded: &BTreeMap<String, PushData>, remote_key: &str) -> bool {
    let of_key = recorded.values().filter(|entry| entry.match_.remote_ref.remote_key == remote_key);
    of_key.filter_map(|entry| entry.metadata.as_ref()).any(|metadata| {
        crate::validate::push_metadata(metadata, &mut crate::finding::Report::default())
            .resource_policy
            .is_some()
    })
}

/// Whether a remote secret is among what was pushed.
pub fn has(recorded: &BTreeMap<String, PushData>, remote_key: &str) -> bool {
    recorded.values().any(|entry| entry.match_.remote_ref.remote_key == remote_key)
}

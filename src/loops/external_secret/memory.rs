//! What is remembered while we lead: when it was told that something changed, which Secret is whose, and which Secrets were
//! found to be as they were written.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::loops::watched::ObjectKey;

/// What is remembered.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    told: HashMap<ObjectKey, Told>,
    /// ExternalSecrets by the Secret that they keep.
    targets: HashMap<ObjectKey, BTreeSet<ObjectKey>>,
    /// By Secret: the resourceVersion that was looked at.
    intact: HashMap<ObjectKey, String>,
}

/// What was told of an ExternalSecret since it was looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    /// When: what is fetched after that is new enough.
    pub(super) at: Instant,
    /// Whether a store of it changed: what was read through it counts no more.
    pub(super) has_other_store: bool,
}

impl Memory {
    /// That it changed, or a store of it did.
    pub(super) fn tell(&self, key: &ObjectKey, has_other_store: bool) {
        let told = Told { at: Instant::now(), has_other_store };
        let mut kept = self.lock();
        let before = kept.told.insert(key.clone(), told);
        if let Some(told) = kept.told.get_mut(key) {
            told.has_other_store |= before.is_some_and(|before| before.has_other_store);
        }
    }

    /// What was told of it.
    pub(super) fn told(&self, key: &ObjectKey) -> Option<Told> {
        self.lock().told.get(key).copied()
    }

    /// What was told of it; from now on nothing was.
    pub(super) fn take(&self, key: &ObjectKey) -> Option<Told> {
        self.lock().told.remove(key)
    }

    /// Puts it back: nothing came of it.
    pub(super) fn put_back(&self, key: &ObjectKey, told: Option<Told>) {
        if let Some(told) = told {
            self.lock().told.entry(key.clone()).or_insert(told);
        }
    }

    /// That an ExternalSecret keeps this Secret, and maybe kept another.
    pub(super) fn keeps(&self, object: &ObjectKey, before: Option<&ObjectKey>, now: Option<&ObjectKey>) {
        let mut kept = self.lock();
        if let Some(before) = before.filter(|before| Some(*before) != now)
            && let Some(objects) = kept.targets.get_mut(before)
        {
            objects.remove(object);
            if objects.is_empty() {
                kept.targets.remove(before);
            }
        }
        if let Some(now) = now {
            kept.targets.entry(now.clone()).or_default().insert(object.clone());
        }
    }

    /// ExternalSecrets that keep a Secret.
    pub(super) fn keepers(&self, secret: &ObjectKey) -> Vec<ObjectKey> {
        self.lock().targets.get(secret).into_iter().flatten().cloned().collect()
    }

    /// That a Secret was looked at in this version, and is as it was written.
    pub(super) fn found_intact(&self, secret: &ObjectKey, version: Option<&String>) {
        let mut kept = self.lock();
        match version {
            Some(version) => drop(kept.intact.insert(secret.clone(), version.clone())),
            None => drop(kept.intact.remove(secret)),
        }
    }

    /// Whether it was found to be as it was written in this very version.
    pub(super) fn is_intact(&self, secret: &ObjectKey, version: &str) -> bool {
        self.lock().intact.get(secret).is_some_and(|intact| intact == version)
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

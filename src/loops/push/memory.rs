//! What is remembered while this process leads: which version holds what, and how fast versions came.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::push::known::Known;
use crate::push::pace::Pace;

/// Of all remote secrets. What is forgotten costs a call, and nothing else.
#[derive(Debug)]
pub(super) struct Memory {
    start: Instant,
    interval: Duration,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// By the PushSecret's UID, and by store and name of the secret.
    known: HashMap<(String, String), Known>,
    /// By ARN.
    paces: HashMap<String, Pace>,
}

/// So many are remembered.
const MOST: usize = 100_000;

impl Memory {
    /// With the time between two versions of one secret that is kept up in the long run.
    pub(super) fn new(interval: Duration) -> Self {
        Self { start: Instant::now(), interval, kept: Mutex::default() }
    }

    /// What a PushSecret's secret was last seen to be.
    pub(super) fn known(&self, uid: &str, place: &str) -> Option<Known> {
        self.lock().known.get(&(uid.to_owned(), place.to_owned())).cloned()
    }

    /// That it is as it should be.
    pub(super) fn remember(&self, uid: &str, place: &str, known: Known) {
        let mut kept = self.lock();
        if kept.known.len() >= MOST {
            kept.known.clear();
        }
        kept.known.insert((uid.to_owned(), place.to_owned()), known);
    }

    /// How long the next version of a secret has to wait.
    pub(super) fn wait(&self, arn: &str) -> Duration {
        let now = self.start.elapsed();
        self.lock().paces.get(arn).map_or(Duration::ZERO, |pace| pace.wait(self.interval, now))
    }

    /// That a version was written.
    pub(super) fn written(&self, arn: &str) {
        let now = self.start.elapsed();
        let mut kept = self.lock();
        if kept.paces.len() >= MOST {
            kept.paces.retain(|_, pace| !pace.is_spent(now));
        }
        kept.paces.entry(arn.to_owned()).or_default().written(self.interval, now);
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

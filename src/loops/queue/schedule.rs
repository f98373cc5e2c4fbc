//! Who is due when: keys with times in, the next to be worked on out. Pure; it is told the time, and keeps none.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::Hash;
use std::time::Duration;

use tokio::time::Instant;

/// How work on a key ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Well.
    Done,
    /// Well, and it is due again after this.
    After(Duration),
    /// Not well: it is tried again, later and later.
    Failed,
}

/// The pause after the first failure; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// All keys that wait or are worked on.
#[derive(Debug)]
pub(super) struct Schedule<K> {
    entries: HashMap<K, Entry>,
    ready: VecDeque<K>,
    /// By time, and by when they came.
    later: BTreeMap<(Instant, u64), K>,
    serial: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    place: Place,
    /// Since work on it last ended well.
    failures: u32,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Ready,
    Later(Instant, u64),
    /// Worked on, and due again, if somebody asked for it meanwhile.
    Running(Option<Instant>),
}

impl<K> Default for Schedule<K> {
    fn default() -> Self {
        Self { entries: HashMap::new(), ready: VecDeque::new(), later: BTreeMap::new(), serial: 0 }
    }
}

impl<K: Clone + Eq + Hash> Schedule<K> {
    /// Wants a key to be worked on at a time; the soonest counts. One that is worked on now is worked on again.
    pub(super) fn add(&mut self, key: K, at: Instant, now: Instant) {
        let Some(Entry { place, failures }) = self.entries.get(&key).copied() else {
            return self.put(key, 0, at, now);
        };
        match place {
            Place::Ready => {}
            Place::Later(due, _) if due <= at => {}
            Place::Later(due, serial) => {
                self.later.remove(&(due, serial));
                self.put(key, failures, at, now);
            }
            Place::Running(again) => {
                let again = Some(again.map_or(at, |again| again.min(at)));
                self.entries.insert(key, Entry { place: Place::Running(again), failures });
            }
        }
    }

    /// The next key that is due, which is worked on from now on.
    pub(super) fn next(&mut self, now: Instant) -> Option<K> {
        self.ripen(now);
        let key = self.ready.pop_front()?;
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.place = Place::Running(None);
        }
        Some(key)
    }

    /// Work on a key ended.
    pub(super) fn end(
        &mut self,
        key: &K,
        outcome: Outcome,
        now: Instant,
        jitter: impl FnOnce(Duration) -> Duration,
    ) {
        let Some(Entry { place: Place::Running(again), failures }) = self.entries.get(key).copied() else {
            return;
        };
        let (failures, due) = match outcome {
            Outcome::Done => (0, None),
            Outcome::After(pause) => (0, Some(now + pause)),
            Outcome::Failed => (failures.saturating_add(1), Some(now + jitter(pause_after(failures)))),
        };
        match due.into_iter().chain(again).min() {
            Some(at) => self.put(key.clone(), failures, at, now),
            None => drop(self.entries.remove(key)),
        }
    }

    /// How many are due, and not worked on.
    pub(super) fn depth(&mut self, now: Instant) -> usize {
        self.ripen(now);
        self.ready.len()
    }

    /// When the first of those that wait is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.later.keys().next().map(|(at, _)| *at)
    }

    fn put(&mut self, key: K, failures: u32, at: Instant, now: Instant) {
        let place = if at <= now {
            self.ready.push_back(key.clone());
            Place::Ready
        } else {
            self.serial += 1;
            self.later.insert((at, self.serial), key.clone());
            Place::Later(at, self.serial)
        };
        self.entries.insert(key, Entry { place, failures });
    }

    fn ripen(&mut self, now: Instant) {
        while let Some(first) = self.later.first_entry().filter(|first| first.key().0 <= now) {
            let key = first.remove();
            if let Some(entry) = self.entries.get_mut(&key) {
                entry.place = Place::Ready;
            }
            self.ready.push_back(key);
        }
    }
}

/// The pause after so many failures and one more.
fn pause_after(failures: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1_u32.checked_shl(failures).unwrap_or(u32::MAX)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests;

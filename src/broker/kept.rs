//! Answers of the API server that are believed for a while: asked for once by all who wait, and bounded in number and size.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Answers by what was asked.
pub(super) struct Kept<K, V> {
    limits: Limits<V>,
    slots: Mutex<HashMap<K, Arc<Slot<V>>>>,
    /// Of all answers since the last sweep, also of those that were replaced.
    bytes: AtomicUsize,
}

/// How much is kept: whoever can make large objects must not fill the memory with them.
pub(super) struct Limits<V> {
    /// Answers.
    pub(super) most: usize,
    /// Bytes of all answers. One that takes more than a part of that is not kept at all.
    pub(super) bytes: usize,
    /// What an answer takes, roughly.
    pub(super) weigh: fn(&V) -> usize,
}

/// One answer may take this part of all bytes.
const PART: usize = 64;

/// An answer, and until when it is believed. Whoever asks holds the lock.
type Slot<V> = tokio::sync::Mutex<Option<(V, Instant)>>;

impl<K, V> fmt::Debug for Kept<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {} answers", self.limits.most)
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Kept<K, V> {
    pub(super) fn new(limits: Limits<V>) -> Self {
        Self { limits, slots: Mutex::default(), bytes: AtomicUsize::new(0) }
    }

    /// The answer that is believed, or a new one, which says how long it lasts from the moment of asking.
    pub(super) async fn get<F>(&self, key: &K, ask: impl FnOnce() -> F) -> V
    where
        F: Future<Output = (V, Duration)>,
    {
        let slot = self.slot(key);
        let mut kept = slot.lock().await;
        let now = Instant::now();
        if let Some((value, until)) = &*kept
            && now < *until
        {
            return value.clone();
        }
        let (value, lasts) = ask().await;
        let bytes = (self.limits.weigh)(&value);
        *kept = (bytes <= self.limits.bytes / PART).then(|| (value.clone(), now + lasts));
        drop(kept);
        if self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > self.limits.bytes {
            self.sweep(&mut self.lock());
        }
        value
    }

    fn slot(&self, key: &K) -> Arc<Slot<V>> {
        let mut slots = self.lock();
        if let Some(slot) = slots.get(key) {
            return Arc::clone(slot);
        }
        if slots.len() >= self.limits.most {
            self.sweep(&mut slots);
        }
        Arc::clone(slots.entry(key.clone()).or_default())
    }

    /// Drops what is believed no more; all of it, if too much is left: whoever fills it with what is young costs the others
    /// one question each, and not the sweep every time.
    fn sweep(&self, slots: &mut HashMap<K, Arc<Slot<V>>>) {
        let now = Instant::now();
        slots.retain(|_, slot| is_believed(slot, now));
        let mut bytes = slots.values().map(|slot| self.weight(slot)).sum();
        if slots.len() > self.limits.most / 2 || bytes > self.limits.bytes / 2 {
            slots.clear();
            bytes = 0;
        }
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    fn weight(&self, slot: &Slot<V>) -> usize {
        let weigh = |(value, _): &(V, Instant)| (self.limits.weigh)(value);
        slot.try_lock().map_or(0, |kept| kept.as_ref().map_or(0, weigh))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Arc<Slot<V>>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One that is being asked for just now is.
fn is_believed<V>(slot: &Slot<V>, now: Instant) -> bool {
    slot.try_lock().map_or(true, |kept| kept.as_ref().is_some_and(|(_, until)| now < *until))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn all_who_wait_ask_once_and_a_short_answer_is_asked_for_again() {
        let kept = Arc::new(Kept::new(limits(10, |_| 0)));
        let asked = Arc::new(AtomicUsize::new(0));
        let get = |lasts| {
            let (kept, asked) = (Arc::clone(&kept), Arc::clone(&asked));
            async move {
                kept.get(&1, || async {
                    tokio::task::yield_now().await;
                    (asked.fetch_add(1, Ordering::Relaxed), lasts)
                })
                .await
            }
        };
        let long = Duration::from_secs(60);
        assert_eq!(tokio::join!(get(long), get(long), get(long)), (0, 0, 0));
        kept.slots.lock().unwrap().clear();
        assert_eq!(get(Duration::ZERO).await, 1);
        assert_eq!(get(Duration::ZERO).await, 2);
    }

    fn limits<V>(most: usize, weigh: fn(&V) -> usize) -> Limits<V> {
        Limits { most, bytes: 6400, weigh }
    }

    #[tokio::test]
    async fn answers_are_bounded_in_number_and_in_size() {
        let minute = Duration::from_secs(60);
        let kept = Kept::new(limits(10, |()| 0));
        for key in 0..1000 {
            kept.get(&key, || async { ((), minute) }).await;
            assert!(kept.lock().len() <= 10);
        }
        let kept = Kept::new(limits(10_000, String::len));
        let held = || kept.lock().values().map(|slot| kept.weight(slot)).sum::<usize>();
        for key in 0..1000 {
            kept.get(&key, || async { ("x".repeat(50), minute) }).await;
            assert!(held() <= 6400, "{}", held());
        }
        // Replaced again and again, as what lasts for a moment is.
        for _ in 0..1000 {
            kept.get(&7, || async { ("x".repeat(50), Duration::ZERO) }).await;
        }
        let before = held();
        kept.get(&-1, || async { ("x".repeat(101), minute) }).await;
        assert!(held() <= before, "one that is too large is not kept");
    }
}

//! Answers of the API server that are believed for a while: asked for once by all who wait, and bounded in number.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Answers by what was asked.
pub(super) struct Kept<K, V> {
    most: usize,
    slots: Mutex<HashMap<K, Arc<Slot<V>>>>,
}

/// An answer, and until when it is believed. Whoever asks holds the lock.
type Slot<V> = tokio::sync::Mutex<Option<(V, Instant)>>;

impl<K, V> fmt::Debug for Kept<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {} answers", self.most)
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Kept<K, V> {
    pub(super) fn new(most: usize) -> Self {
        Self { most, slots: Mutex::default() }
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
        *kept = Some((value.clone(), now + lasts));
        value
    }

    fn slot(&self, key: &K) -> Arc<Slot<V>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(key) {
            return Arc::clone(slot);
        }
        if slots.len() >= self.most {
            let now = Instant::now();
            slots.retain(|_, slot| is_believed(slot, now));
            // Whoever fills it with what is young costs the others one question each, and not the sweep every time.
            if slots.len() > self.most / 2 {
                slots.clear();
            }
        }
        Arc::clone(slots.entry(key.clone()).or_default())
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
        let kept = Arc::new(Kept::new(10));
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

    #[tokio::test]
    async fn answers_are_bounded_in_number() {
        let kept = Kept::new(10);
        for key in 0..1000 {
            kept.get(&key, || async { ((), Duration::from_secs(60)) }).await;
            assert!(kept.slots.lock().unwrap().len() <= 10);
        }
    }
}

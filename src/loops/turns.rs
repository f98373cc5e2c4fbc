//! One at a time: whoever works on what others work on, too, takes a turn, in the order of asking.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::{Mutex as Turnstile, OwnedMutexGuard};

/// Turns by key; only keys that somebody has or waits for take room. Whoever takes several takes them one after the other,
/// never a second while having a first.
#[derive(Clone, Debug)]
pub struct Turns<K>(Arc<Mutex<HashMap<K, Weak<Turnstile<()>>>>>);

/// A turn, until it is dropped.
#[derive(Debug)]
pub struct Turn<K: Eq + Hash> {
    key: K,
    turns: Turns<K>,
    /// Always there, but while it is dropped.
    held: Option<OwnedMutexGuard<()>>,
}

impl<K> Default for Turns<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Clone + Eq + Hash> Turns<K> {
    /// Waits for the turn of a key. Whoever gives up waiting is left out.
    pub async fn take(&self, key: K) -> Turn<K> {
        let waiting = {
            let mut turns = self.lock();
            let there = turns.get(&key).and_then(Weak::upgrade);
            there.unwrap_or_else(|| {
                let new = Arc::default();
                turns.insert(key.clone(), Arc::downgrade(&new));
                new
            })
        };
        // Made before the wait, so that one who gives up clears away as well.
        let mut turn = Turn { key, turns: Self(Arc::clone(&self.0)), held: None };
        turn.held = Some(waiting.lock_owned().await);
        turn
    }
}

impl<K> Turns<K> {
    fn lock(&self) -> MutexGuard<'_, HashMap<K, Weak<Turnstile<()>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash> Drop for Turn<K> {
    fn drop(&mut self) {
        drop(self.held.take());
        let mut turns = self.turns.lock();
        if turns.get(&self.key).is_some_and(|turn| turn.strong_count() == 0) {
            turns.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use tokio::task::{JoinSet, yield_now};
    use tokio::time::timeout;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn nobody_has_a_turn_that_another_has() {
        let turns = Turns::default();
        let having: Arc<[AtomicUsize; 3]> = Arc::default();
        let mut all = JoinSet::new();
        for number in 0..300 {
            let (turns, having) = (turns.clone(), Arc::clone(&having));
            all.spawn(async move {
                let key = number % 3;
                let _turn = turns.take(key).await;
                assert_eq!(having[key].fetch_add(1, Ordering::SeqCst), 0);
                yield_now().await;
                having[key].fetch_sub(1, Ordering::SeqCst);
            });
        }
        while let Some(ended) = all.join_next().await {
            ended.unwrap();
        }
        assert_eq!(turns.lock().len(), 0, "nothing is kept of turns that nobody has");
    }

    #[tokio::test]
    async fn one_that_is_given_up_and_other_keys_hold_up_nobody() {
        let (turns, moment) = (Turns::default(), Duration::from_millis(20));
        let first = turns.take("a").await;
        assert!(timeout(moment, turns.take("a")).await.is_err());
        drop(timeout(moment, turns.take("b")).await.unwrap());
        drop(first);
        drop(timeout(moment, turns.take("a")).await.unwrap());
        assert_eq!(turns.lock().len(), 0);
    }
}

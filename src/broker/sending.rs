//! What answers that are on their way may take of memory, and one question of a pod at a time.
//!
//! Small answers have a room of their own: they do not wait behind large ones, whoever does not take those.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What large answers may take at once, in KiB.
const LARGE_KIB: usize = 96 * 1024;
/// What small answers may take at once, in KiB.
const SMALL_KIB: usize = 32 * 1024;
/// The largest of the small ones, in KiB.
const SMALL: usize = 64;

/// All that is on its way.
#[derive(Debug)]
pub(super) struct Sending {
    large: Arc<Semaphore>,
    small: Arc<Semaphore>,
    asking: Arc<Mutex<HashSet<String>>>,
}

/// Room for an answer, until it is dropped.
pub(super) type Room = Option<OwnedSemaphorePermit>;

/// A pod's turn to ask, until it is dropped: when its answer is sent, or given up.
#[derive(Debug)]
pub(super) struct Asking {
    uid: String,
    all: Arc<Mutex<HashSet<String>>>,
}

impl Sending {
    pub(super) fn new() -> Self {
        let room = |kib| Arc::new(Semaphore::new(kib));
        Self { large: room(LARGE_KIB), small: room(SMALL_KIB), asking: Arc::default() }
    }

    /// Waits for room for so many bytes.
    pub(super) async fn room(&self, bytes: usize) -> Room {
        let kib = bytes.div_ceil(1024).max(1);
        let (room, most) = if kib <= SMALL { (&self.small, SMALL_KIB) } else { (&self.large, LARGE_KIB) };
        let share = u32::try_from(kib.min(most)).unwrap_or(u32::MAX);
        Arc::clone(room).acquire_many_owned(share).await.ok()
    }

    /// The turn of a pod; none if it is asking already.
    pub(super) fn ask(&self, uid: &str) -> Option<Asking> {
        let is_first = lock(&self.asking).insert(uid.to_owned());
        is_first.then(|| Asking { uid: uid.to_owned(), all: Arc::clone(&self.asking) })
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        lock(&self.all).remove(&self.uid);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_does_not_take_large_answers_holds_up_no_small_one() {
        let sending = Sending::new();
        let moment = Duration::from_secs(1);
        let _held = [sending.room(48 << 20).await, sending.room(48 << 20).await];
        assert!(timeout(moment, sending.room(1 << 20)).await.is_err());
        let small: Vec<_> = futures_util::future::join_all((0..512).map(|_| sending.room(64 << 10))).await;
        assert!(timeout(moment, sending.room(1)).await.is_err());
        drop(small);
        assert!(timeout(moment, sending.room(1)).await.is_ok());
    }

    #[tokio::test]
    async fn a_pod_asks_one_thing_at_a_time() {
        let sending = Sending::new();
        let first = sending.ask("a");
        assert!(first.is_some() && sending.ask("a").is_none() && sending.ask("b").is_some());
        drop(first);
        assert!(sending.ask("a").is_some());
    }
}

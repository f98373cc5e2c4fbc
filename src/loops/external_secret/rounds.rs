//! Fetching together: whoever is due waits a moment for others, and then everything that is due now or soon is asked for
//! at once, each secret once, however many ExternalSecrets read it.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

/// How long the first waits for others.
const GATHER: Duration = Duration::from_millis(200);
/// How long a round lasts at most: a store that does not answer must not hold up the others. What was asked for goes on
/// being fetched.
const LONGEST: Duration = Duration::from_secs(2);
/// What is due so soon is fetched, too. It is no older than a refresh accepts when its time comes.
pub(super) const AHEAD: Duration = Duration::from_secs(45);

/// One round after the other.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    /// When the last one began.
    last: Mutex<Option<Instant>>,
}

impl Rounds {
    /// Returns after a round that began no earlier than this; it begins one if there was none.
    pub(super) async fn cover<F: Future<Output = ()>>(&self, since: Instant, fetch: impl FnOnce() -> F) {
        let mut last = self.last.lock().await;
        if last.is_some_and(|last| last >= since) {
            return;
        }
        sleep(GATHER).await;
        *last = Some(Instant::now());
        let _ = timeout(LONGEST, fetch()).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn all_who_wait_are_served_by_one_round() {
        let (rounds, count) = (Arc::new(Rounds::default()), Arc::new(AtomicUsize::new(0)));
        let start = Instant::now();
        let cover = |since| {
            let (rounds, count) = (Arc::clone(&rounds), Arc::clone(&count));
            tokio::spawn(async move {
                rounds
                    .cover(since, || async move {
                        count.fetch_add(1, Ordering::SeqCst);
                    })
                    .await;
            })
        };
        let all: Vec<_> = (0..50).map(|_| cover(start)).collect();
        for one in all {
            one.await.unwrap();
        }
        assert_eq!(count.load(Ordering::SeqCst), 1);
        cover(Instant::now()).await.unwrap();
        assert_eq!(count.load(Ordering::SeqCst), 2, "what came later is in another round");
        cover(start).await.unwrap();
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_round_that_hangs_ends() {
        let rounds = Rounds::default();
        rounds.cover(Instant::now(), std::future::pending).await;
    }
}

//! How often one pod may ask: a token bucket each. The clock is an argument.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What one pod may ask.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// Questions at once.
    pub burst: u32,
    /// One more after each of these.
    pub every: Duration,
}

/// An agent asks once every ten seconds at most, and a few times more while it starts.
impl Default for Rate {
    fn default() -> Self {
        Self { burst: 10, every: Duration::from_secs(1) }
    }
}

/// Pods that are counted at the same time.
const MOST: usize = 20_000;

/// All pods that asked lately, by UID.
#[derive(Debug)]
pub(super) struct Rates {
    rate: Rate,
    buckets: Mutex<HashMap<String, Bucket>>,
}

/// When it will be full again.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    full: Instant,
}

impl Rates {
    pub(super) fn new(rate: Rate) -> Self {
        Self { rate, buckets: Mutex::default() }
    }

    /// Whether a pod may ask now.
    pub(super) fn take(&self, uid: &str, now: Instant) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MOST {
            buckets.retain(|_, bucket| bucket.full > now);
        }
        let full = buckets.get(uid).map_or(now, |bucket| bucket.full.max(now)) + self.rate.every;
        let is_within = full.saturating_duration_since(now) <= self.rate.every * self.rate.burst;
        if is_within {
            buckets.insert(uid.to_owned(), Bucket { full });
        }
        is_within
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_asks_a_few_times_at_once_and_then_once_in_a_while() {
        let rates = Rates::new(Rate { burst: 3, every: Duration::from_secs(1) });
        let start = Instant::now();
        let taken: Vec<_> = (0..5).map(|_| rates.take("a", start)).collect();
        assert_eq!(taken, [true, true, true, false, false]);
        assert!(rates.take("b", start), "nobody pays for another");
        assert!(rates.take("a", start + Duration::from_secs(1)));
        assert!(!rates.take("a", start + Duration::from_secs(1)));
        let later = start + Duration::from_secs(60);
        assert_eq!((0..5).filter(|_| rates.take("a", later)).count(), 3);
    }
}

//! How often one remote secret gets a new version: AWS keeps about a hundred for a day, so a key that changes all the
//! time is pushed in a burst and then once in a while, the latest value each time.
//!
//! Source: Secrets Manager API Reference, `PutSecretValue`: "at a sustained rate of more than once every 10 minutes".

use std::time::Duration;

/// Versions at once.
const BURST: u32 = 20;

/// One remote secret's. Times are those since any one moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    /// When the last version that was written would be due, had there been no burst.
    due: Duration,
}

impl Pace {
    /// How long the next version has to wait.
    pub fn wait(&self, interval: Duration, now: Duration) -> Duration {
        self.due.saturating_sub(interval.saturating_mul(BURST - 1)).saturating_sub(now)
    }

    /// A version was written.
    pub fn written(&mut self, interval: Duration, now: Duration) {
        self.due = self.due.max(now).saturating_add(interval);
    }

    /// Whether it can be forgotten.
    pub fn is_spent(&self, now: Duration) -> bool {
        self.due <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_one_in_each_interval() {
        let interval = Duration::from_secs(600);
        let mut pace = Pace::default();
        let mut written = 0_u32;
        for second in 0..3 * 3600_u64 {
            let now = Duration::from_secs(second);
            if pace.wait(interval, now).is_zero() {
                pace.written(interval, now);
                written += 1;
            }
        }
        assert_eq!(written, BURST + 3 * 6 - 1);
        assert!(pace.is_spent(Duration::from_secs(48 * 3600)));
    }
}

//! Staying below AWS's quotas: a token bucket for each account, region and operation. Pure but for the table itself.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Operations of which AWS takes few.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limited {
    /// BatchGetSecretValue, 100 a second.
    Batch,
    /// ListSecrets, 100 a second.
    List,
    /// CreateSecret, 50 a second.
    Create,
    /// PutSecretValue, UpdateSecret, and the two calls that replicate, together 50 a second.
    Write,
    /// TagResource and UntagResource, together 50 a second.
    Tags,
    /// GetResourcePolicy, PutResourcePolicy and DeleteResourcePolicy, together 50 a second.
    Policy,
    /// DeleteSecret, 50 a second.
    Delete,
    /// RestoreSecret, 50 a second.
    Restore,
}

impl Limited {
    /// Calls a second, and how many at once. Rate and burst together stay within AWS's quota in any second, with room for
    /// calls that arrive closer together than they left.
    fn rate(self) -> (f64, f64) {
        match self {
            Self::Batch | Self::List => (80.0, 20.0),
            Self::Create | Self::Write | Self::Tags | Self::Policy | Self::Delete | Self::Restore => {
                (41.0, 2.0)
            }
        }
    }
}

/// Whose quota: an account as far as it is known, in a region.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Payer {
    /// The account, or an identity that may be alone in one.
    pub account: String,
    /// The region, and the endpoint.
    pub place: Box<str>,
}

/// All buckets.
#[derive(Debug, Default)]
pub struct Quotas(Mutex<HashMap<(Payer, Limited), Bucket>>);

impl Quotas {
    /// Takes one call from a quota, if there is one.
    pub fn take(&self, payer: &Payer, limited: Limited, now: Instant) -> bool {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry((payer.clone(), limited)).or_insert_with(|| Bucket::full(limited, now));
        bucket.take(limited, now)
    }
}

/// Tokens at a time.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    fn full(limited: Limited, now: Instant) -> Self {
        Self { tokens: limited.rate().1, at: now }
    }

    fn take(&mut self, limited: Limited, now: Instant) -> bool {
        let (rate, burst) = limited.rate();
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + since * rate).min(burst);
        self.at = now;
        let is_there = self.tokens >= 1.0;
        if is_there {
            self.tokens -= 1.0;
        }
        is_there
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn no_second_has_more_calls_than_aws_takes() {
        let (quotas, start) = (Quotas::default(), Instant::now());
        let payer = Payer { account: "1".into(), place: "eu-central-1".into() };
        let second = Duration::from_secs(1);
        for (limited, rate, bounds) in [(Limited::Batch, 80, 95..=100), (Limited::Write, 41, 40..=43)] {
            let taken: Vec<Duration> = (0..5000)
                .map(Duration::from_millis)
                .filter(|at| quotas.take(&payer, limited, start + *at))
                .collect();
            let within =
                |from: &Duration| taken.iter().filter(|at| (*from..*from + second).contains(*at)).count();
            let most = taken.iter().map(within).max().unwrap_or_default();
            assert!(bounds.contains(&most), "{limited:?}: {most}");
            assert!(taken.len() >= rate * 5, "{limited:?}: {}", taken.len());
        }
        let other = Payer { account: "2".into(), ..payer };
        assert!(quotas.take(&other, Limited::Batch, start + 5 * second));
    }
}

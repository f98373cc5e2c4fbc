//! AWS's request quotas: a bucket of one second's tokens for each account, region and group of operations.

use std::collections::HashMap;
use std::time::Instant;

use super::operation::Operation;

/// The buckets.
#[derive(Debug)]
pub(crate) struct Quotas {
    on: bool,
    buckets: HashMap<(String, String, &'static str), Bucket>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Default for Quotas {
    fn default() -> Self {
        Self { on: true, buckets: HashMap::new() }
    }
}

impl Quotas {
    pub(crate) fn switch(&mut self, on: bool) {
        self.on = on;
    }

    /// Whether a call is within its quota; takes its token.
    pub(crate) fn take(&mut self, account: &str, region: &str, operation: Operation, now: Instant) -> bool {
        let Some((group, rate)) = operation.quota().filter(|_| self.on) else { return true };
        let rate = f64::from(rate);
        let key = (account.to_owned(), region.to_owned(), group);
        let bucket = self.buckets.entry(key).or_insert(Bucket { tokens: rate, at: now });
        let refilled = now.saturating_duration_since(bucket.at).as_secs_f64() * rate;
        bucket.tokens = (bucket.tokens + refilled).min(rate);
        bucket.at = now;
        if bucket.tokens < 1.0 {
            return false;
        }
        bucket.tokens -= 1.0;
        true
    }
}

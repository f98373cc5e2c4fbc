//! Chance, where it keeps those apart who would else come together.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// From half of a pause to all of it.
pub fn jittered(pause: Duration) -> Duration {
    let random = RandomState::new().hash_one(pause) >> 54; // of 1024
    pause / 2 + pause / 2048 * u32::try_from(random).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_spread_from_half_to_all() {
        let second = Duration::from_secs(1);
        let all: Vec<_> = (0..1000).map(|_| jittered(second)).collect();
        assert!(all.iter().all(|one| (second / 2..=second).contains(one)));
        let (least, most) = (all.iter().min().unwrap(), all.iter().max().unwrap());
        assert!(*most - *least > second / 3, "{least:?} {most:?}");
    }
}

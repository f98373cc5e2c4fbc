//! Whether a kept answer may be given: its age and what is asked in, fresh, old or expired out. Pure.

use std::time::Duration;

use tokio::time::Instant;

/// How long answers are kept, and how much of them.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How long an answer lives after it was last asked for, ± 10 %.
    pub idle: Duration,
    /// The oldest answer that stands in while AWS cannot be reached.
    pub max_stale: Duration,
    /// How long "there is no such secret" is believed.
    pub not_found: Duration,
    /// How long "not allowed" is believed.
    pub denied: Duration,
    /// After AWS could not be reached, an answer that stood in does so for this long before AWS is asked again.
    pub hold: Duration,
    /// Bytes of all answers.
    pub bytes: u64,
    /// Bytes of the answers that were fetched through one store.
    pub bytes_per_store: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(5 * 60),
            max_stale: Duration::from_secs(60 * 60),
            not_found: Duration::from_secs(15),
            denied: Duration::from_secs(30),
            hold: Duration::from_secs(5),
            bytes: 64 << 20,
            bytes_per_store: 16 << 20,
        }
    }
}

/// The earliest time at which an answer that is accepted was asked of AWS; `None` inside for any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Oldest(Option<Instant>);

impl Oldest {
    pub(super) fn from(now: Instant, max_age: Option<Duration>) -> Self {
        // Nothing is older than the clock's own beginning.
        Self(max_age.and_then(|age| now.checked_sub(age)))
    }

    pub(super) fn any() -> Self {
        Self(None)
    }

    /// Whether an answer that AWS was asked for at this time is young enough.
    pub(super) fn accepts(self, fetched: Instant) -> bool {
        self.0.is_none_or(|oldest| fetched >= oldest)
    }
}

/// What a kept answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// There is a value.
    Value,
    /// There is none.
    NotFound,
    /// Not for this identity.
    Denied,
}

/// What may be done with a kept answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Freshness {
    /// It may be given.
    Fresh,
    /// It is older than asked; it stands in only while AWS cannot be reached.
    Old,
    /// It may not be given any more.
    Expired,
}

/// Judges a kept answer.
pub(super) fn judge(
    sign: Sign,
    fetched: Instant,
    now: Instant,
    oldest: Oldest,
    limits: &Limits,
) -> Freshness {
    let age = now.saturating_duration_since(fetched);
    let (lives, stands_in) = match sign {
        Sign::Value => (limits.max_stale, true),
        Sign::NotFound => (limits.not_found, false),
        Sign::Denied => (limits.denied, false),
    };
    match (age <= lives, oldest.accepts(fetched)) {
        (true, true) => Freshness::Fresh,
        (true, false) if stands_in => Freshness::Old,
        (true, false) | (false, _) => Freshness::Expired,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn age_and_what_is_asked_decide() {
        let start = Instant::now();
        let (second, hour) = (Duration::from_secs(1), Duration::from_secs(3600));
        let any = None;
        let minute = Some(60 * second);
        for (sign, age, max_age, freshness) in [
            (Sign::Value, Duration::ZERO, minute, Freshness::Fresh),
            (Sign::Value, 60 * second, minute, Freshness::Fresh),
            (Sign::Value, 61 * second, minute, Freshness::Old),
            (Sign::Value, second, Some(Duration::ZERO), Freshness::Old),
            (Sign::Value, Duration::ZERO, Some(Duration::ZERO), Freshness::Fresh),
            (Sign::Value, hour, any, Freshness::Fresh),
            (Sign::Value, hour, minute, Freshness::Old),
            (Sign::Value, hour + second, any, Freshness::Expired),
            (Sign::Value, hour + second, minute, Freshness::Expired),
            (Sign::NotFound, 15 * second, any, Freshness::Fresh),
            (Sign::NotFound, 15 * second, minute, Freshness::Fresh),
            (Sign::NotFound, 16 * second, any, Freshness::Expired),
            (Sign::NotFound, 14 * second, Some(10 * second), Freshness::Expired),
            (Sign::Denied, 30 * second, any, Freshness::Fresh),
            (Sign::Denied, 31 * second, minute, Freshness::Expired),
        ] {
            let now = start + age;
            let judged = judge(sign, start, now, Oldest::from(now, max_age), &Limits::default());
            assert_eq!(judged, freshness, "{sign:?} aged {age:?}, asked for {max_age:?}");
        }
    }
}

//! When an ExternalSecret is fetched: its policy, interval, windows and status in, the time out.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;

use super::windows;
use crate::api::common::Condition;
use crate::api::external_secret::{ExternalSecretSpec, ExternalSecretStatus, RefreshPolicy};
use crate::go::duration;

/// Between two fetches, where the ExternalSecret does not say.
const INTERVAL: Duration = Duration::from_secs(3600);
/// The oldest answer that a refresh accepts.
const FRESH: Duration = Duration::from_secs(60);
/// The most by which a fetch is late, so that not all come at once.
const SPREAD: Duration = Duration::from_secs(40);

/// When it is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Now, and why.
    Now(Why),
    /// After this.
    In(Duration),
    /// When something changes.
    OnChange,
}

/// Why it is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It never was.
    New,
    /// It changed, or somebody asked for it by an annotation.
    Changed,
    /// Its time has come.
    Interval,
    /// It failed before.
    Again,
}

/// Time between two fetches; none: once. A word that is no duration is the default.
pub fn interval(spec: &ExternalSecretSpec) -> Option<Duration> {
    duration::interval(spec.refresh_interval.as_deref(), INTERVAL)
}

/// The oldest answer that is accepted, by why it is fetched. `since`: how long ago it changed, if it did; it may have failed
/// all the time since.
pub fn max_age(spec: &ExternalSecretSpec, why: Why, since: Duration) -> Duration {
    let fresh = interval(spec).unwrap_or(FRESH).min(FRESH);
    match why {
        Why::Changed => since.min(fresh),
        Why::New | Why::Interval | Why::Again => fresh,
    }
}

/// Decides. `version` is the object's now; `uid` spreads those of one interval.
pub fn due(
    spec: &ExternalSecretSpec,
    status: &ExternalSecretStatus,
    version: &str,
    uid: &str,
    now: Timestamp,
) -> Due {
    let synced = status.synced_resource_version.as_deref().filter(|synced| !synced.is_empty());
    let Some(synced) = synced else { return Due::Now(Why::New) };
    let refreshed = status.refresh_time.as_deref().and_then(|text| text.parse::<Timestamp>().ok());
    let interval = match spec.refresh_policy {
        Some(RefreshPolicy::CreatedOnce) => {
            return if refreshed.is_none() { Due::Now(Why::New) } else { Due::OnChange };
        }
        Some(RefreshPolicy::OnChange) => {
            return if synced == version { failed_or(status, Due::OnChange) } else { Due::Now(Why::Changed) };
        }
        Some(RefreshPolicy::Periodic) | None => match interval(spec) {
            Some(interval) => interval,
            None => return Due::OnChange,
        },
    };
    if synced != version {
        return Due::Now(Why::Changed);
    }
    let Some(refreshed) = refreshed.filter(|refreshed| *refreshed <= now) else {
        return Due::Now(Why::Interval);
    };
    // The status has whole seconds: what is left of the second in which it was fetched does not count as gone.
    let since = now.as_second().saturating_sub(refreshed.as_second());
    let since = Duration::from_secs(u64::try_from(since).unwrap_or_default());
    let left = (interval + spread(uid, interval)).saturating_sub(since);
    if !left.is_zero() {
        return failed_or(status, Due::In(left));
    }
    match spec.sync_windows.as_ref().and_then(|windows| windows::wait(windows, now)) {
        Some(wait) => Due::In(wait),
        None => Due::Now(Why::Interval),
    }
}

/// What failed after it was fetched is tried again before its time.
fn failed_or(status: &ExternalSecretStatus, due: Due) -> Due {
    let ready = Condition::ready(&status.conditions);
    match ready {
        Some(ready) if ready.status == "False" => Due::Now(Why::Again),
        Some(_) | None => due,
    }
}

/// How late one is: always the same for the same object, a twentieth of the interval at most.
fn spread(uid: &str, interval: Duration) -> Duration {
    let mut hasher = DefaultHasher::new();
    uid.hash(&mut hasher);
    let share = u32::try_from(hasher.finish() >> 54).unwrap_or_default(); // of 1024
    (interval / 20).min(SPREAD) / 1024 * share
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(spec: &str, synced: &str, refreshed: &str, ready: &str) -> Due {
        let now: Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
        let mut status = serde_json::json!({"syncedResourceVersion": synced, "refreshTime": refreshed});
        status["conditions"] = serde_json::json!([{"type": "Ready", "status": ready}]);
        due(&serde_json::from_str(spec).unwrap(), &serde_json::from_value(status).unwrap(), "1", "uid", now)
    }

    #[test]
    fn policies_decide_when_it_is_fetched() {
        let (hour, day) = ("2026-01-01T11:00:00Z", "2025-12-31T12:00:00Z");
        let every = r#"{"refreshInterval":"2h"}"#;
        for (spec, synced, refreshed, expected) in [
            (every, "", hour, Due::Now(Why::New)),
            (every, "0", hour, Due::Now(Why::Changed)),
            (every, "1", day, Due::Now(Why::Interval)),
            (every, "1", "2027-01-01T00:00:00Z", Due::Now(Why::Interval)),
            (r#"{"refreshInterval":"0s"}"#, "0", day, Due::OnChange),
            (r#"{"refreshInterval":"0s"}"#, "", day, Due::Now(Why::New)),
            (r#"{"refreshPolicy":"CreatedOnce"}"#, "", day, Due::Now(Why::New)),
            (r#"{"refreshPolicy":"CreatedOnce"}"#, "0", day, Due::OnChange),
            (r#"{"refreshPolicy":"OnChange"}"#, "1", day, Due::OnChange),
            (r#"{"refreshPolicy":"OnChange"}"#, "0", day, Due::Now(Why::Changed)),
        ] {
            assert_eq!(told(spec, synced, refreshed, "True"), expected, "{spec} {synced} {refreshed}");
        }
        let Due::In(left) = told(every, "1", hour, "True") else { panic!("it is not due") };
        assert!((3600..=3640).contains(&left.as_secs()), "{left:?}");
    }

    #[test]
    fn what_failed_is_tried_before_its_time_and_windows_hold_back_only_the_interval() {
        let recent = "2026-01-01T11:59:00Z";
        assert_eq!(told("{}", "1", recent, "False"), Due::Now(Why::Again));
        let closed = r#"{"refreshInterval":"1m","syncWindows":{"kind":"allow","windows":[{"schedule":"0 13 * * *","duration":"1h"}]}}"#;
        assert_eq!(told(closed, "1", "2026-01-01T11:00:00Z", "True"), Due::In(Duration::from_secs(3601)));
        assert_eq!(told(closed, "0", recent, "True"), Due::Now(Why::Changed));
    }

    #[test]
    fn answers_are_as_young_as_what_they_are_for() {
        let seconds = Duration::from_secs;
        let spec = |text| serde_json::from_str(text).unwrap();
        let (hour, often) = (spec("{}"), spec(r#"{"refreshInterval":"5s"}"#));
        for (spec, why, since, expected) in [
            (&hour, Why::Interval, 0, 60),
            (&hour, Why::New, 0, 60),
            (&often, Why::Again, 0, 5),
            (&hour, Why::Changed, 0, 0),
            (&hour, Why::Changed, 7, 7),
            (&hour, Why::Changed, 2400, 60),
            (&often, Why::Changed, 7, 5),
        ] {
            assert_eq!(max_age(spec, why, seconds(since)), seconds(expected), "{why:?} {since}");
        }
    }

    #[test]
    fn those_of_one_interval_are_spread() {
        let hour = Duration::from_secs(3600);
        let all: Vec<_> = (0..200).map(|uid| spread(&format!("uid-{uid}"), hour)).collect();
        let (least, most) = (all.iter().min().unwrap(), all.iter().max().unwrap());
        assert!(*most <= SPREAD && *most - *least > SPREAD / 2, "{least:?} {most:?}");
        assert_eq!(spread("a", hour), spread("a", hour));
        assert!(spread("a", Duration::from_secs(20)) <= Duration::from_secs(1));
    }
}

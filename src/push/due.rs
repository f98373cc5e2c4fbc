//! When a PushSecret is pushed: its version, its interval and its status in, the time out.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;

use crate::api::push_secret::{PushSecretSpec, PushSecretStatus};
use crate::go::duration;

/// Between two pushes, where the PushSecret does not say.
const INTERVAL: Duration = Duration::from_secs(3600);

/// When it is time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Now.
    Now,
    /// After this.
    In(Duration),
    /// When something changes.
    OnChange,
}

/// Time between two pushes; none: once for every version. A word that is no duration is the default.
pub fn interval(spec: &PushSecretSpec) -> Option<Duration> {
    duration::interval(spec.refresh_interval.as_deref(), INTERVAL)
}

/// Decides. `has_changed`: a Secret, a store or a policy did since the last push, or nobody looked.
pub fn due(
    spec: &PushSecretSpec,
    status: &PushSecretStatus,
    version: &str,
    has_changed: bool,
    now: Timestamp,
) -> Due {
    if status.synced_resource_version.as_deref() != Some(version) {
        return Due::Now;
    }
    let Some(interval) = interval(spec) else { return Due::OnChange };
    if has_changed {
        return Due::Now;
    }
    let refreshed = status.refresh_time.as_deref().and_then(|text| text.parse::<Timestamp>().ok());
    let Some(refreshed) = refreshed.filter(|refreshed| *refreshed <= now) else { return Due::Now };
    // The status has whole seconds: what is left of the second in which it was pushed does not count as gone.
    let since = now.as_second().saturating_sub(refreshed.as_second());
    let since = Duration::from_secs(u64::try_from(since).unwrap_or_default());
    match interval.checked_sub(since) {
        Some(left) if !left.is_zero() => Due::In(left),
        _ => Due::Now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_that_has_begun_does_not_shorten_the_interval() {
        let spec = PushSecretSpec { refresh_interval: Some("5s".into()), ..PushSecretSpec::default() };
        let status = PushSecretStatus {
            synced_resource_version: Some("1".into()),
            refresh_time: Some("2026-01-01T12:00:00Z".into()),
            ..PushSecretStatus::default()
        };
        // Pushed at .9, and looked at right after, because the status was written.
        for (at, expected) in [
            ("2026-01-01T12:00:00.91Z", Due::In(Duration::from_secs(5))),
            ("2026-01-01T12:00:04.99Z", Due::In(Duration::from_secs(1))),
            ("2026-01-01T12:00:05.91Z", Due::Now),
        ] {
            assert_eq!(due(&spec, &status, "1", false, at.parse().unwrap()), expected, "{at}");
        }
    }

    #[test]
    fn it_is_pushed_when_it_or_what_it_reads_has_changed_or_its_time_has_come() {
        let now: Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
        let status = |version: &str, at: &str| PushSecretStatus {
            synced_resource_version: Some(version.to_owned()),
            refresh_time: Some(at.to_owned()),
            ..PushSecretStatus::default()
        };
        let spec = |interval: Option<&str>| PushSecretSpec {
            refresh_interval: interval.map(str::to_owned),
            ..PushSecretSpec::default()
        };
        let minutes = |minutes: u64| Due::In(Duration::from_secs(60 * minutes));
        for (interval, version, at, has_changed, expected) in [
            (None, "1", "2026-01-01T11:30:00Z", false, minutes(30)),
            (None, "0", "2026-01-01T11:30:00Z", false, Due::Now),
            (None, "1", "2026-01-01T11:30:00Z", true, Due::Now),
            (None, "1", "2026-01-01T11:00:00Z", false, Due::Now),
            (None, "1", "2027-01-01T00:00:00Z", false, Due::Now),
            (None, "1", "", false, Due::Now),
            (Some("10m"), "1", "2026-01-01T11:55:00Z", false, minutes(5)),
            (Some("0s"), "1", "2020-01-01T00:00:00Z", true, Due::OnChange),
            (Some("0s"), "0", "2020-01-01T00:00:00Z", false, Due::Now),
        ] {
            let due = due(&spec(interval), &status(version, at), "1", has_changed, now);
            assert_eq!(due, expected, "{interval:?} {version} {at} {has_changed}");
        }
    }
}

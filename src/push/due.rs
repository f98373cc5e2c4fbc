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
    let Some(text) = &spec.refresh_interval else { return Some(INTERVAL) };
    let parsed = duration::parse(text).ok().and_then(|parsed| u64::try_from(parsed.0).ok());
    match parsed {
        None => Some(INTERVAL),
        Some(0) => None,
        Some(nanos) => Some(Duration::from_nanos(nanos)),
    }
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
    let since = Duration::try_from(now.duration_since(refreshed)).unwrap_or_default();
    match interval.checked_sub(since) {
        Some(left) if !left.is_zero() => Due::In(left),
        _ => Due::Now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

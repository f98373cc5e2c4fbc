//! Sync windows: times at which an ExternalSecret is fetched again, or is not. A window that cannot be read never opens,
//! as with the operator; admission refuses it.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;

use crate::api::external_secret::{SyncWindows, Window, WindowKind};
use crate::go::cron::{self, Schedule};
use crate::go::duration;

/// How often it is looked at where a window never opens again.
const SELDOM: Duration = Duration::from_secs(3600);

/// How long a fetch has to wait; none: it may go on.
pub fn wait(windows: &SyncWindows, now: Timestamp) -> Option<Duration> {
    let open: Vec<Timestamp> = windows.windows.iter().filter_map(|window| open_until(window, now)).collect();
    match windows.kind {
        Some(WindowKind::Deny) => {
            let end = open.into_iter().max()?;
            Some(until(end, now))
        }
        Some(WindowKind::Allow) | None if open.is_empty() => {
            let next = windows.windows.iter().filter_map(|window| parsed(window)?.0.next(now)).min();
            Some(next.map_or(SELDOM, |next| until(next, now)))
        }
        Some(WindowKind::Allow) | None => None,
    }
}

/// Until when a window is open, if it is.
fn open_until(window: &Window, now: Timestamp) -> Option<Timestamp> {
    let (schedule, length) = parsed(window)?;
    let before = now.checked_sub(length).ok()?.checked_sub(Duration::from_secs(1)).ok()?;
    let opened = schedule.next(before)?;
    let end = opened.checked_add(length).ok()?;
    (opened <= now && now <= end).then_some(end)
}

fn parsed(window: &Window) -> Option<(Schedule, Duration)> {
    let length = duration::parse(&window.duration).ok()?;
    let length = Duration::from_nanos(u64::try_from(length.0).ok().filter(|nanos| *nanos > 0)?);
    Some((cron::parse(&window.schedule).ok()?, length))
}

/// A second more: at its very end a window is open still.
fn until(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or_default() + Duration::from_secs(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> Timestamp {
        format!("2026-03-0{time}Z").parse().unwrap()
    }

    fn told(kind: &str, windows: &[(&str, &str)], time: &str) -> Option<u64> {
        let windows: Vec<_> = windows
            .iter()
            .map(|(schedule, duration)| serde_json::json!({"schedule": schedule, "duration": duration}))
            .collect();
        let windows = serde_json::json!({"kind": kind, "windows": windows});
        wait(&serde_json::from_value(windows).unwrap(), at(time)).map(|wait| wait.as_secs())
    }

    #[test]
    fn what_is_allowed_waits_for_a_window_and_what_is_denied_for_its_end() {
        let night = [("0 22 * * *", "8h")];
        for (kind, windows, time, expected) in [
            ("allow", &night[..], "2T21:59:00", Some(61)),
            ("allow", &night, "2T22:00:00", None),
            ("allow", &night, "3T06:00:00", None),
            ("allow", &night, "3T06:00:02", Some(16 * 3600 - 1)),
            ("deny", &night, "3T05:00:00", Some(3601)),
            ("deny", &night, "3T06:00:02", None),
            ("deny", &[("0 22 * * *", "8h"), ("0 3 * * *", "4h")], "3T05:00:00", Some(2 * 3600 + 1)),
            ("allow", &[("0 22 * * *", "8h"), ("@hourly", "1m")], "3T12:30:00", Some(1801)),
            // What cannot be read never opens.
            ("allow", &[("99 99 * * *", "8h")], "3T12:00:00", Some(3600)),
            ("allow", &[("* * * * *", "0s")], "3T12:00:00", Some(3600)),
            ("deny", &[("99 99 * * *", "8h")], "3T12:00:00", None),
            ("deny", &[], "3T12:00:00", None),
        ] {
            assert_eq!(told(kind, windows, time), expected, "{kind} {windows:?} {time}");
        }
    }
}

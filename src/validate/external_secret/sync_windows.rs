//! `syncWindows`: schedules that cron reads, durations that last.

use crate::api::Kind;
use crate::api::external_secret::SyncWindows;
use crate::field::Field;
use crate::finding::Report;
use crate::go::cron::{self, Schedule};
use crate::rule::{Level, Reason, Rule};
use crate::validate::duration;

/// Checks every window.
pub(super) fn check(windows: &SyncWindows, at: &Field<'_>, report: &mut Report) {
    let list = at.key("windows");
    for (index, window) in windows.windows.iter().enumerate() {
        let at = list.index(index);
        let cause = match cron::parse(&window.schedule) {
            Err(error) => Some(error.to_string()),
            Ok(Schedule::Fields(fields)) if !fields.ever_match() => Some(NEVER.to_owned()),
            Ok(Schedule::Fields(_) | Schedule::Every(_)) => None,
        };
        if let Some(cause) = cause {
            report.text(&SYNC_WINDOW, &at.key("schedule"), &window.schedule, cause);
        }
        let length = duration::check(&window.duration, &at.key("duration"), report);
        if length.is_some_and(|length| length.is_zero()) {
            let cause = "a window that closes as it opens; write how long it is open, such as 8h";
            report.text(&SYNC_WINDOW, &at.key("duration"), &window.duration, cause);
        }
    }
}

const NEVER: &str = "no date is like this, so the window never opens; a month has no such day";

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&SYNC_WINDOW];

/// A window that never is.
pub(crate) static SYNC_WINDOW: Rule = Rule {
    id: "sync-window",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::ExternalSecret),
    why: "A window that cannot be read, or never opens, is left out: with kind allow nothing is ever refreshed, with deny always.",
    fix: "Five cron fields in UTC (minute hour day month weekday) or @daily and the like, and a positive duration.",
    example: "syncWindows: {kind: allow, windows: [{schedule: 99 99 * * *, duration: 1h}]}",
};

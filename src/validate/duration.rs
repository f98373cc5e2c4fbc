//! Durations in manifests: Go's grammar, and never negative.

use crate::api::Kind;
use crate::field::Field;
use crate::finding::Report;
use crate::go::duration::{self, GoDuration};
use crate::rule::{Level, Reason, Rule};

/// A text that Go reads no duration from.
pub(crate) static DURATION: Rule = Rule {
    id: "duration",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::PushSecret),
    why: "The schema takes any text. One object with a text that Go cannot read stops the operator's \
          informer of the whole kind: no object of it is reconciled any more, in any namespace.",
    fix: "Write a Go duration: 90s, 15m, 24h, 1h30m. There are no days or weeks.",
    example: "refreshInterval: 1d",
};

/// Reads a duration; a text that is none becomes a finding.
pub(super) fn check(text: &str, at: &Field<'_>, report: &mut Report) -> Option<GoDuration> {
    match duration::parse(text) {
        Ok(duration) if duration.is_negative() => {
            report.text(&DURATION, at, text, "a duration here must not be negative");
            None
        }
        Ok(duration) => Some(duration),
        Err(error) => {
            report.text(&DURATION, at, text, error.to_string());
            None
        }
    }
}

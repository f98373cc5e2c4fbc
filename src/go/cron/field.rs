//! Takes one field of a schedule, such as `*/15` or `mon-fri`, and gives its bits. The rule is robfig/cron's
//! `getField`.

use super::{CronError, STAR};
use crate::go::excerpt;

/// A field of the schedule and its values.
pub(super) struct Spec {
    field: &'static str,
    pub(super) min: u64,
    max: u64,
    /// Names for values from `min` on.
    names: &'static [&'static str],
    names_advice: &'static str,
}

pub(super) const MINUTE: Spec = Spec { field: "minute", min: 0, max: 59, names: &[], names_advice: "" };
pub(super) const HOUR: Spec = Spec { field: "hour", min: 0, max: 23, names: &[], names_advice: "" };
pub(super) const DAY_OF_MONTH: Spec =
    Spec { field: "day of month", min: 1, max: 31, names: &[], names_advice: "" };
pub(super) const MONTH: Spec = Spec {
    field: "month",
    min: 1,
    max: 12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    names_advice: " or the first three letters of a month",
};
pub(super) const DAY_OF_WEEK: Spec = Spec {
    field: "day of week",
    min: 0,
    max: 6,
    names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
    names_advice: " or the first three letters of a day",
};

impl Spec {
    fn range(&self) -> String {
        let Self { field, min, max, .. } = self;
        match (self.names.first(), self.names.last()) {
            (Some(first), Some(last)) => format!("{field} goes from {min} ({first}) to {max} ({last})"),
            _ => format!("{field} goes from {min} to {max}"),
        }
    }
}

/// The bits of a list of ranges. Like robfig/cron it takes an empty list for no value at all.
pub(super) fn parse_field(text: &str, spec: &Spec) -> Result<u64, CronError> {
    text.split(',')
        .filter(|range| !range.is_empty())
        .try_fold(0, |bits, range| Ok(bits | parse_range(range, spec)?))
}

/// The bits of `*`, `5`, `1-5`, `*/15`, `1-30/5` or `5/15`.
fn parse_range(text: &str, spec: &Spec) -> Result<u64, CronError> {
    let field = spec.field;
    let too_many = |sign| CronError::TooMany { field, sign, text: excerpt(text) };
    let (range, step) = text.split_once('/').map_or((text, None), |(range, step)| (range, Some(step)));
    let (low, high) = range.split_once('-').map_or((range, None), |(low, high)| (low, Some(high)));
    // Whatever follows `*-` is ignored.
    let is_star = matches!(low, "*" | "?");
    let (start, mut end) = match high {
        _ if is_star => (spec.min, spec.max),
        Some(high) => {
            let start = parse_value(low, spec)?;
            if high.contains('-') {
                return Err(too_many('-'));
            }
            (start, parse_value(high, spec)?)
        }
        None => parse_value(low, spec).map(|value| (value, value))?,
    };
    let step = match step {
        Some(step) if step.contains('/') => return Err(too_many('/')),
        Some(step) => {
            if high.is_none() {
                end = spec.max;
            }
            parse_number(step, spec)?
        }
        None => 1,
    };
    if let Some(value) = [start, end].into_iter().find(|value| !(spec.min..=spec.max).contains(value)) {
        // A start that is too high is told as such, not as a range that runs backwards.
        return Err(CronError::OutOfRange { field, value, range: spec.range() });
    }
    if start > end {
        let (bounds, allowed) = ((start, end), (spec.min, spec.max));
        return Err(CronError::Backwards { field, text: excerpt(text), bounds, allowed });
    }
    if step == 0 {
        return Err(CronError::ZeroStep { field, text: excerpt(text) });
    }
    let step_by = usize::try_from(step).unwrap_or(usize::MAX);
    let bits = (start..=end).step_by(step_by).fold(0, |bits, value| bits | 1 << value);
    Ok(if is_star && step == 1 { bits | STAR } else { bits })
}

/// All values of a field, as for a star.
pub(super) fn all(spec: &Spec) -> u64 {
    (spec.min..=spec.max).fold(STAR, |bits, value| bits | 1 << value)
}

fn parse_value(text: &str, spec: &Spec) -> Result<u64, CronError> {
    let named = (spec.min..).zip(spec.names).find(|(_, name)| name.eq_ignore_ascii_case(text));
    named.map_or_else(|| parse_number(text, spec), |(value, _)| Ok(value))
}

fn parse_number(text: &str, spec: &Spec) -> Result<u64, CronError> {
    let number = text.parse::<i64>().ok().and_then(|number| u64::try_from(number).ok());
    number.ok_or_else(|| CronError::Value {
        field: spec.field,
        value: excerpt(text),
        names: spec.names_advice,
        range: spec.range(),
    })
}

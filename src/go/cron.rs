//! Takes a cron schedule and gives the bits of its fields, or says why it is refused.
//! The rule is `ParseStandard` of robfig/cron v3.0.1: five fields, descriptors, `@every` and a time zone in front.

mod field;
mod next;
mod zones;

use super::duration::{self, DurationError};
use super::excerpt;
use crate::suggest::nearest;
use field::{DAY_OF_MONTH, DAY_OF_WEEK, HOUR, MINUTE, MONTH, Spec, all, parse_field};
use thiserror::Error;

/// A schedule that robfig/cron accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// Points in time that match every field.
    Fields(Fields),
    /// `@every`: this many seconds apart, at least one.
    Every(i64),
}

/// The values of each field as bits: bit 5 of `minute` is minute 5. The highest bit, [`STAR`], is set for a field
/// written as `*` or `?`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Fields {
    pub minute: u64,
    pub hour: u64,
    pub day_of_month: u64,
    pub month: u64,
    pub day_of_week: u64,
    /// The time zone in front of the schedule; without one the times are the operator's local time.
    pub zone: Option<&'static str>,
}

impl Fields {
    /// Whether any time matches: the 30th of February does not, and neither does a field without values.
    pub fn ever_match(&self) -> bool {
        let Self { minute, hour, day_of_month, month, day_of_week, zone: _ } = self;
        let values = |field: &u64| field & !STAR;
        let has_date = (1..=12).zip(DAYS).any(|(number, days)| {
            month & (1 << number) != 0 && values(day_of_month) & ((1 << (days + 1)) - 1) != 0
        });
        let has_weekday = values(day_of_week) != 0;
        let is_every_day = (day_of_month | day_of_week) & STAR != 0;
        let has_day = if is_every_day { has_date && has_weekday } else { has_date || has_weekday };
        values(minute) != 0 && values(hour) != 0 && values(month) != 0 && has_day
    }
}

/// The days of each month, in a leap year for February.
const DAYS: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// Marks a field that was written as a star: when either day field is, both have to match a day.
pub const STAR: u64 = 1 << 63;

/// Why a schedule is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[allow(missing_docs)] // the messages say it
pub enum CronError {
    #[error(
        "empty schedule; write five fields (minute, hour, day of month, month, day of week), or `@daily`"
    )]
    Empty,
    #[error("expected 5 fields (minute, hour, day of month, month, day of week), found {0}{advice}", advice = fields_advice(*.0))]
    FieldCount(usize),
    #[error("unknown descriptor {text}{advice}")]
    Descriptor { text: String, advice: String },
    #[error("invalid duration after @every: {0}")]
    Every(#[from] DurationError),
    #[error("nothing after the time zone {0}; a space and the schedule follow it")]
    OnlyZone(String),
    #[error("unknown time zone {zone}{advice}")]
    Zone { zone: String, advice: String },
    #[error("{field}: {value} is not a number{names}; {range}")]
    Value { field: &'static str, value: String, names: &'static str, range: String },
    #[error("{field}: {value} is out of range; {range}")]
    OutOfRange { field: &'static str, value: u64, range: String },
    #[error("{field}: range {text} runs backwards; write it as two, {low}-{highest},{lowest}-{high}", low = .bounds.0, high = .bounds.1, lowest = .allowed.0, highest = .allowed.1)]
    Backwards { field: &'static str, text: String, bounds: (u64, u64), allowed: (u64, u64) },
    #[error("{field}: too many {sign} in {text}")]
    TooMany { field: &'static str, sign: char, text: String },
    #[error("{field}: the step in {text} is zero")]
    ZeroStep { field: &'static str, text: String },
}

/// Parses a schedule as `cron.ParseStandard` does.
pub fn parse(schedule: &str) -> Result<Schedule, CronError> {
    if schedule.is_empty() {
        return Err(CronError::Empty);
    }
    let (zone, schedule) = match schedule.strip_prefix("TZ=").or_else(|| schedule.strip_prefix("CRON_TZ=")) {
        Some(zoned) => split_zone(zoned)?,
        None => (None, schedule),
    };
    if schedule.starts_with('@') {
        return parse_descriptor(schedule, zone);
    }
    let mut texts = schedule.split_whitespace();
    let mut next = |spec: &Spec| texts.next().map(|text| parse_field(text, spec));
    let fields =
        (next(&MINUTE), next(&HOUR), next(&DAY_OF_MONTH), next(&MONTH), next(&DAY_OF_WEEK), texts.next());
    let (Some(minute), Some(hour), Some(day_of_month), Some(month), Some(day_of_week), None) = fields else {
        return Err(CronError::FieldCount(schedule.split_whitespace().count()));
    };
    Ok(Schedule::Fields(Fields {
        minute: minute?,
        hour: hour?,
        day_of_month: day_of_month?,
        month: month?,
        day_of_week: day_of_week?,
        zone,
    }))
}

const fn fields_advice(count: usize) -> &'static str {
    match count {
        6 => "; there is no field for seconds",
        _ => "",
    }
}

/// The time zone in front of a schedule, and the rest.
fn split_zone(zoned: &str) -> Result<(Option<&'static str>, &str), CronError> {
    // robfig/cron crashes without a space.
    let (name, rest) = zoned.split_once(' ').ok_or_else(|| CronError::OnlyZone(excerpt(zoned)))?;
    let zone = match name {
        "" => "UTC",
        "Local" => "Local",
        _ => zones::find(name).ok_or_else(|| CronError::Zone {
            zone: excerpt(name),
            advice: advice(nearest(name, zones::ZONES.iter().copied())),
        })?,
    };
    Ok((Some(zone), rest.trim()))
}

fn advice(suggestion: Option<&str>) -> String {
    suggestion.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

fn parse_descriptor(text: &str, zone: Option<&'static str>) -> Result<Schedule, CronError> {
    let first = |spec: &Spec| 1 << spec.min;
    let midnight = Fields {
        minute: first(&MINUTE),
        hour: first(&HOUR),
        day_of_month: all(&DAY_OF_MONTH),
        month: all(&MONTH),
        day_of_week: all(&DAY_OF_WEEK),
        zone,
    };
    let day_of_month = first(&DAY_OF_MONTH);
    let fields = match text {
        "@yearly" | "@annually" => Fields { day_of_month, month: first(&MONTH), ..midnight },
        "@monthly" => Fields { day_of_month, ..midnight },
        "@weekly" => Fields { day_of_week: first(&DAY_OF_WEEK), ..midnight },
        "@daily" | "@midnight" => midnight,
        "@hourly" => Fields { hour: all(&HOUR), ..midnight },
        _ => {
            let Some(delay) = text.strip_prefix("@every ") else {
                let known = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];
                let suggestion = nearest(text.trim_end(), known);
                return Err(CronError::Descriptor { text: excerpt(text), advice: advice(suggestion) });
            };
            return Ok(Schedule::Every((duration::parse(delay)?.0 / 1_000_000_000).max(1)));
        }
    };
    Ok(Schedule::Fields(fields))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fields(schedule: &str) -> Fields {
        match parse(schedule) {
            Ok(Schedule::Fields(fields)) => fields,
            other => panic!("{schedule}: {other:?}"),
        }
    }

    #[test]
    fn fields_become_bits() {
        let every_15 = fields("*/15 0 1,15 jan-MAR ?");
        assert_eq!(every_15.minute, 1 | 1 << 15 | 1 << 30 | 1 << 45);
        assert_eq!(every_15.hour, 1);
        assert_eq!(every_15.day_of_month, 1 << 1 | 1 << 15);
        assert_eq!(every_15.month, 0b1110);
        assert_eq!(every_15.day_of_week, STAR | 0b111_1111);
        assert_eq!(fields("50/5 * * * *").minute, 1 << 50 | 1 << 55);
        assert_eq!(fields("*/1 * * * *").minute, fields("* * * * *").minute);
        assert_eq!(fields("@weekly"), fields("0 0 * * 0"));
        assert_eq!(fields(", * * * *").minute, 0);
        assert_eq!(fields("CRON_TZ=Europe/Berlin 0 6 * * ?").zone, Some("Europe/Berlin"));
        assert_eq!(fields("TZ= @daily").zone, Some("UTC"));
        assert_eq!(parse("@every 1h30m"), Ok(Schedule::Every(5400)));
        assert_eq!(parse("@every -5ms"), Ok(Schedule::Every(1)));
    }

    #[test]
    fn errors_name_the_field_the_value_and_the_range() {
        for (schedule, message) in [
            ("60 * * * *", "minute: 60 is out of range; minute goes from 0 to 59"),
            ("* 24 * * *", "hour: 24 is out of range; hour goes from 0 to 23"),
            ("* * 0 * *", "day of month: 0 is out of range; day of month goes from 1 to 31"),
            ("* * * 13 *", "month: 13 is out of range; month goes from 1 (jan) to 12 (dec)"),
            ("* * * * 7", "day of week: 7 is out of range; day of week goes from 0 (sun) to 6 (sat)"),
            (
                "* * * * monday",
                "day of week: `monday` is not a number or the first three letters of a day; day of week goes from 0 (sun) \
                 to 6 (sat)",
            ),
            ("* 22-4 * * *", "hour: range `22-4` runs backwards; write it as two, 22-23,0-4"),
            ("*/0 * * * *", "minute: the step in `*/0` is zero"),
            ("1-2-3 * * * *", "minute: too many - in `1-2-3`"),
            ("1/2/3 * * * *", "minute: too many / in `1/2/3`"),
            (
                "0 0 * * * *",
                "expected 5 fields (minute, hour, day of month, month, day of week), found 6; there is no field for \
                 seconds",
            ),
            ("@dayly", "unknown descriptor `@dayly`; did you mean `@daily`?"),
            ("@every 1d", "invalid duration after @every: no unit `d` in Go durations; write `24h`"),
            ("TZ=UTC", "nothing after the time zone `UTC`; a space and the schedule follow it"),
            ("TZ=Europe/Berln @daily", "unknown time zone `Europe/Berln`; did you mean `Europe/Berlin`?"),
        ] {
            assert_eq!(parse(schedule).unwrap_err().to_string(), message, "{schedule}");
        }
    }

    #[test]
    fn schedules_that_never_come_are_told_from_rare_ones() {
        for schedule in
            ["0 0 30 2 *", "0 0 31 2 *", "0 0 31 4,6 *", "0 0 31 2,4,6,9,11 ?", ", * * * *", "0 0 * , *"]
        {
            assert!(!fields(schedule).ever_match(), "{schedule}");
        }
        // Two day fields without a star: either is enough.
        for schedule in
            ["0 0 29 2 *", "0 0 30 2 1", "0 0 31 1,2 *", "* * * * *", "0 0 * 2 0", "@yearly", "0 0 31 */2 *"]
        {
            assert!(fields(schedule).ever_match(), "{schedule}");
        }
    }

    #[test]
    fn long_input_makes_a_short_message() {
        for schedule in
            ["*".repeat(1 << 20), format!("TZ={} * * * * *", "x".repeat(1 << 20)), "1 ".repeat(1 << 19)]
        {
            assert!(parse(&schedule).unwrap_err().to_string().len() < 300);
        }
    }

    proptest! {
        #[test]
        fn never_panics(schedule in "(TZ=UTC |@|@every )?[-*?/,0-9 a-z+]{0,40}") {
            let _ = parse(&schedule);
        }
    }
}

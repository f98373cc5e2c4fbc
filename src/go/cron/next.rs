//! When a schedule comes next: robfig/cron's `Next`, in UTC.

use k8s_openapi::jiff::civil::{Date, Time};
use k8s_openapi::jiff::tz::TimeZone;
use k8s_openapi::jiff::{SignedDuration, Timestamp, ToSpan};

use super::{Fields, STAR, Schedule};

/// As far as robfig/cron looks: a 29th of February is at most eight years off, and it gives up after five.
const DAYS: u32 = 5 * 366;

impl Schedule {
    /// The first time after this one; none if there is none within five years.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let whole =
            after.checked_sub(SignedDuration::from_nanos(i64::from(after.subsec_nanosecond()))).ok()?;
        match self {
            Self::Every(seconds) => whole.checked_add(SignedDuration::from_secs(*seconds)).ok(),
            Self::Fields(fields) => fields.next(whole.checked_add(SignedDuration::from_secs(1)).ok()?),
        }
    }
}

impl Fields {
    /// The first time from this one on.
    fn next(&self, from: Timestamp) -> Option<Timestamp> {
        let from = from.to_zoned(TimeZone::UTC).datetime();
        let mut date = from.date();
        let mut earliest = from.time();
        for _ in 0..DAYS {
            if self.has_date(date)
                && let Some(time) = self.time(earliest)
            {
                return date.to_datetime(time).to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
            }
            date = date.checked_add(1.day()).ok()?;
            earliest = Time::midnight();
        }
        None
    }

    /// Either day field may match, unless one is a star: then both have to.
    fn has_date(&self, date: Date) -> bool {
        let has = |field: u64, value: i8| u32::try_from(value).is_ok_and(|value| field & (1 << value) != 0);
        let day = has(self.day_of_month, date.day());
        let weekday = has(self.day_of_week, date.weekday().to_sunday_zero_offset());
        let is_every_day = (self.day_of_month | self.day_of_week) & STAR != 0;
        has(self.month, date.month()) && if is_every_day { day && weekday } else { day || weekday }
    }

    /// The first minute of the day that is not before this time.
    fn time(&self, earliest: Time) -> Option<Time> {
        let has = |field: u64, value: i8| u32::try_from(value).is_ok_and(|value| field & (1 << value) != 0);
        let hours = (0..24_i8).filter(|hour| has(self.hour, *hour));
        let mut times = hours.flat_map(|hour| {
            let minutes = (0..60_i8).filter(|minute| has(self.minute, *minute));
            minutes.filter_map(move |minute| Time::new(hour, minute, 0, 0).ok())
        });
        times.find(|time| *time >= earliest)
    }
}

#[cfg(test)]
mod tests {
    use crate::go::cron::parse;

    #[test]
    fn the_next_time_is_gos() {
        for (schedule, after, expected) in [
            ("0 22 * * *", "2026-03-02T21:59:59Z", "2026-03-02T22:00:00Z"),
            ("0 22 * * *", "2026-03-02T22:00:00Z", "2026-03-03T22:00:00Z"),
            ("*/15 3-4 * * *", "2026-03-02T04:45:00Z", "2026-03-03T03:00:00Z"),
            ("30 8 * * mon-fri", "2026-03-06T09:00:00Z", "2026-03-09T08:30:00Z"),
            // The 13th, or a Friday; the 13th that is any weekday.
            ("0 0 13 * fri", "2026-03-02T00:00:00Z", "2026-03-06T00:00:00Z"),
            ("0 0 13 * *", "2026-03-02T00:00:00Z", "2026-03-13T00:00:00Z"),
            ("0 0 29 2 *", "2026-03-02T00:00:00Z", "2028-02-29T00:00:00Z"),
            ("@monthly", "2026-12-31T23:59:59.5Z", "2027-01-01T00:00:00Z"),
            ("@every 90m", "2026-03-02T00:00:00.25Z", "2026-03-02T01:30:00Z"),
        ] {
            let next = parse(schedule).unwrap().next(after.parse().unwrap());
            assert_eq!(next.map(|next| next.to_string()).as_deref(), Some(expected), "{schedule} {after}");
        }
        assert_eq!(parse("0 0 30 2 *").unwrap().next("2026-03-02T00:00:00Z".parse().unwrap()), None);
    }
}

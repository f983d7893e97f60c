//! What the clock on the wall says where the controller is.

use std::fmt;

use bailee_core::{Error, ErrorKind, Result, Timestamp};
use time::{Date, Duration, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset, Weekday};

/// The offset from UTC at a place.
///
/// The date of a request is the date where the controller is established, and a period ends there at
/// the end of a day. This crate brings no zone database: such a database changes several times a year
/// and a host has one already, in its operating system or in the library that it uses for dates. It
/// is asked one question only, which a host answers in three lines. For Europe and the United States
/// [`SummerTime`] knows the rules in force; a fixed [`UtcOffset`] is a zone as well.
pub trait Zone: fmt::Debug + Send + Sync + 'static {
    /// How far the local time is ahead of UTC at an instant.
    ///
    /// It must give the same answer to the same question for as long as a deadline that was computed
    /// with it runs.
    fn offset_at(&self, at: Timestamp) -> UtcOffset;
}

impl Zone for UtcOffset {
    fn offset_at(&self, _: Timestamp) -> UtcOffset {
        *self
    }
}

/// A zone whose clocks are an hour ahead in summer, by a rule in force today.
///
/// Years before the rule are reckoned by it too: Europe's is that of Directive 2000/84/EC, which the
/// United Kingdom shares (the Summer Time Order 2002), that of the United States from the Energy
/// Policy Act of 2005, 15 USC 260a.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SummerTime {
    standard: UtcOffset,
    rule: Rule,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// From the last Sunday of March to the last of October, at one o'clock UTC everywhere.
    Europe,
    /// From the second Sunday of March to the first of November, at two o'clock local time.
    UnitedStates,
}

impl SummerTime {
    /// Portugal (mainland), Ireland, the United Kingdom.
    pub const WESTERN_EUROPE: Self = Self::europe(UtcOffset::UTC);
    /// From Spain to Poland, from Sweden to Malta.
    pub const CENTRAL_EUROPE: Self = Self::europe(hours(1));
    /// Bulgaria, Cyprus, Estonia, Finland, Greece, Latvia, Lithuania, Romania.
    pub const EASTERN_EUROPE: Self = Self::europe(hours(2));
    /// California, Nevada, Oregon, Washington.
    pub const US_PACIFIC: Self = Self::united_states(hours(-8));

    /// A zone under the European rule, with its offset in winter.
    pub const fn europe(standard: UtcOffset) -> Self {
        Self { standard, rule: Rule::Europe }
    }

    /// A zone under the rule of the United States, with its offset in winter.
    pub const fn united_states(standard: UtcOffset) -> Self {
        Self { standard, rule: Rule::UnitedStates }
    }

    /// From when to when the clocks of a year are ahead, in UTC.
    fn summer(self, year: i32) -> Option<(OffsetDateTime, OffsetDateTime)> {
        let at = |date: Date, hour: u8, offset: UtcOffset| {
            Some(
                PrimitiveDateTime::new(date, Time::from_hms(hour, 0, 0).ok()?)
                    .assume_offset(offset),
            )
        };
        match self.rule {
            Rule::Europe => Some((
                at(sunday_until(year, Month::March, 31)?, 1, UtcOffset::UTC)?,
                at(sunday_until(year, Month::October, 31)?, 1, UtcOffset::UTC)?,
            )),
            // Two o'clock of summer time is one o'clock of standard time.
            Rule::UnitedStates => Some((
                at(sunday_until(year, Month::March, 14)?, 2, self.standard)?,
                at(sunday_until(year, Month::November, 7)?, 1, self.standard)?,
            )),
        }
    }
}

impl Zone for SummerTime {
    fn offset_at(&self, at: Timestamp) -> UtcOffset {
        let Ok(instant) = instant(at) else { return self.standard };
        // No year changes near the end of a summer, so that UTC's year does.
        match self.summer(instant.year()) {
            Some((from, until)) if (from..until).contains(&instant) => {
                let seconds = self.standard.whole_seconds() + 3600;
                UtcOffset::from_whole_seconds(seconds).unwrap_or(self.standard)
            }
            _ => self.standard,
        }
    }
}

/// The date at a place.
pub(super) fn date_at(zone: &dyn Zone, at: Timestamp) -> Result<Date> {
    Ok(local(zone, at)?.date())
}

/// The first instant after a day at a place.
///
/// Where a change of the clocks makes midnight come twice, it is the first one; a day is never taken
/// for longer than it is.
pub(super) fn end_of_day(zone: &dyn Zone, day: Date) -> Result<Timestamp> {
    let midnight = PrimitiveDateTime::new(day.next_day().ok_or_else(out_of_range)?, Time::MIDNIGHT);
    let at_utc = timestamp(midnight.assume_utc())?;
    // Every offset in use is less than a day, and no place changes its clocks twice in two days.
    let around = core::time::Duration::from_secs(24 * 3600);
    let [before, after] = [at_utc.minus(around), at_utc.plus(around)].map(|at| zone.offset_at(at));
    let first = timestamp(midnight.assume_offset(before.max(after)))?;
    let second = timestamp(midnight.assume_offset(before.min(after)))?;
    let is_midnight = |at: Timestamp, offset: UtcOffset| zone.offset_at(at) == offset;
    if is_midnight(first, before.max(after)) {
        return Ok(first);
    }
    if is_midnight(second, before.min(after)) {
        return Ok(second);
    }
    // Midnight is skipped. The clocks change when it would have been midnight, or earlier.
    let just_before = Timestamp::from_micros(second.as_micros().saturating_sub(1));
    Ok(if date_at(zone, just_before)? == day { second } else { first })
}

/// The beginning of the next hour at a place, unless an hour begins at the instant.
pub(super) fn end_of_hour(zone: &dyn Zone, at: Timestamp) -> Timestamp {
    const HOUR: i64 = 3_600_000_000;
    let offset = i64::from(zone.offset_at(at).whole_seconds()) * 1_000_000;
    let into = at.as_micros().saturating_add(offset).rem_euclid(HOUR);
    let rest = if into == 0 { 0 } else { HOUR - into };
    Timestamp::from_micros(at.as_micros().saturating_add(rest))
}

fn local(zone: &dyn Zone, at: Timestamp) -> Result<OffsetDateTime> {
    instant(at)?.checked_to_offset(zone.offset_at(at)).ok_or_else(out_of_range)
}

fn instant(at: Timestamp) -> Result<OffsetDateTime> {
    // No offset and no rule has parts of a second.
    OffsetDateTime::from_unix_timestamp(at.as_seconds()).map_err(|_| out_of_range())
}

fn timestamp(at: OffsetDateTime) -> Result<Timestamp> {
    let micros = at.unix_timestamp().checked_mul(1_000_000).ok_or_else(out_of_range)?;
    Ok(Timestamp::from_micros(micros))
}

/// The Sunday on a day or in the six days before it.
fn sunday_until(year: i32, month: Month, day: u8) -> Option<Date> {
    let day = Date::from_calendar_date(year, month, day).ok()?;
    let after = i64::from(day.weekday().number_days_from_sunday());
    debug_assert_eq!(Weekday::Sunday.number_days_from_sunday(), 0);
    day.checked_sub(Duration::days(after))
}

const fn hours(hours: i8) -> UtcOffset {
    match UtcOffset::from_hms(hours, 0, 0) {
        Ok(offset) => offset,
        Err(_) => UtcOffset::UTC,
    }
}

pub(super) fn out_of_range() -> Error {
    Error::new(ErrorKind::InvalidInput)
        .with_detail("a date outside of the years that can be reckoned")
}

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime};

    use super::*;

    fn at(instant: OffsetDateTime) -> Timestamp {
        timestamp(instant).unwrap()
    }

    #[test]
    fn clocks_change_when_the_law_says() {
        let berlin = SummerTime::CENTRAL_EUROPE;
        for (instant, hours) in [
            (datetime!(2026-03-29 00:59:59 UTC), 1),
            (datetime!(2026-03-29 01:00 UTC), 2),
            (datetime!(2026-10-25 00:59:59 UTC), 2),
            (datetime!(2026-10-25 01:00 UTC), 1),
        ] {
            assert_eq!(berlin.offset_at(at(instant)).whole_hours(), hours, "{instant}");
        }
        let pacific = SummerTime::US_PACIFIC;
        for (instant, hours) in [
            (datetime!(2026-03-08 09:59:59 UTC), -8),
            (datetime!(2026-03-08 10:00 UTC), -7),
            (datetime!(2026-11-01 08:59:59 UTC), -7),
            (datetime!(2026-11-01 09:00 UTC), -8),
        ] {
            assert_eq!(pacific.offset_at(at(instant)).whole_hours(), hours, "{instant}");
        }
    }

    #[test]
    fn a_day_ends_at_midnight_where_the_controller_is() {
        for (zone, day, end) in [
            (SummerTime::CENTRAL_EUROPE, date!(2026 - 07 - 01), datetime!(2026-07-01 22:00 UTC)),
            (SummerTime::CENTRAL_EUROPE, date!(2026 - 12 - 01), datetime!(2026-12-01 23:00 UTC)),
            // The days on which the clocks change have 23 and 25 hours.
            (SummerTime::CENTRAL_EUROPE, date!(2026 - 03 - 29), datetime!(2026-03-29 22:00 UTC)),
            (SummerTime::CENTRAL_EUROPE, date!(2026 - 10 - 25), datetime!(2026-10-25 23:00 UTC)),
            (SummerTime::US_PACIFIC, date!(2026 - 07 - 01), datetime!(2026-07-02 07:00 UTC)),
            // On the Azores midnight is skipped in March and comes twice in October.
            (SummerTime::europe(hours(-1)), date!(2026 - 03 - 28), datetime!(2026-03-29 01:00 UTC)),
            (SummerTime::europe(hours(-1)), date!(2026 - 10 - 24), datetime!(2026-10-25 00:00 UTC)),
        ] {
            assert_eq!(end_of_day(&zone, day).unwrap(), at(end), "{day}");
        }
    }

    #[test]
    fn every_day_of_fifty_years_ends_when_the_next_one_begins() {
        for zone in
            [SummerTime::CENTRAL_EUROPE, SummerTime::US_PACIFIC, SummerTime::europe(hours(-1))]
        {
            let mut day = date!(2000 - 01 - 01);
            while day < date!(2050 - 01 - 01) {
                let end = end_of_day(&zone, day).unwrap();
                let before = Timestamp::from_micros(end.as_micros() - 1);
                assert_eq!(date_at(&zone, before).unwrap(), day);
                assert_eq!(date_at(&zone, end).unwrap(), day.next_day().unwrap());
                day = day.next_day().unwrap();
            }
        }
    }

    #[test]
    fn an_hour_ends_with_the_hour_of_the_place() {
        let nepal = UtcOffset::from_hms(5, 45, 0).unwrap();
        let end = end_of_hour(&nepal, at(datetime!(2026-05-22 10:24 UTC)));
        assert_eq!(end, at(datetime!(2026-05-22 11:15 UTC)));
        let full = at(datetime!(2026-05-22 11:15 UTC));
        assert_eq!(end_of_hour(&nepal, full), full);
    }

    #[test]
    fn no_time_that_a_store_can_keep_makes_a_panic() {
        for micros in [i64::MIN, i64::MIN / 2, i64::MAX / 2, i64::MAX] {
            let at = Timestamp::from_micros(micros);
            assert!(date_at(&SummerTime::CENTRAL_EUROPE, at).is_err());
            end_of_hour(&SummerTime::CENTRAL_EUROPE, at);
        }
        assert!(end_of_day(&UtcOffset::UTC, Date::MAX).is_err());
    }
}

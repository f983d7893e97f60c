//! A deadline and the arithmetic behind it.

use std::{collections::BTreeSet, time};

use ::time::{Date, Duration, Month};
use bailee_core::{Result, Timestamp};

use super::{Calendar, Period, Term, Zone, zone};

/// When something must have been done.
///
/// Both instants are the first that are too late: a deadline of a day ends where that day does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Deadline {
    /// The end by the reading that can never be late. Alarms count from it.
    pub strict: Timestamp,
    /// The end by law, where that is later. For people who ask; nobody plans with it.
    pub legal: Timestamp,
    /// The last day before it gave way to a working day.
    pub raw: Date,
    /// The last day by the strict reading, where the controller is.
    pub strict_day: Date,
    /// The last day by law, where the controller is.
    pub legal_day: Date,
}

impl Deadline {
    /// Whether it is over, by the strict reading.
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.strict
    }

    /// When to warn, in order: those of the warnings that lie after the beginning.
    pub fn warnings(&self, term: &Term, from: Timestamp) -> Vec<Timestamp> {
        let before = |warning: &Period| {
            let hours = match warning {
                Period::Days(days) => u64::from(*days) * 24,
                Period::Hours(hours) => u64::from(*hours),
                // No term has another one: see `Regime::parse`.
                _ => return None,
            };
            Some(self.strict.minus(time::Duration::from_secs(hours * 3600)))
        };
        let mut due: Vec<_> =
            term.warnings.iter().filter_map(before).filter(|at| *at > from).collect();
        due.sort();
        due.dedup();
        due
    }

    /// The deadline of a term that began at an instant, where the controller is.
    ///
    /// `out` are the days that do not count; of those only what lies after the day of the beginning
    /// makes a difference, for that day never counts (Art. 3(1) of Regulation 1182/71).
    pub(super) fn reckon(
        term: &Term,
        readings: (Period, Period),
        from: Timestamp,
        out: &BTreeSet<Date>,
        calendar: &Calendar,
        zone: &dyn Zone,
    ) -> Result<Self> {
        let start = zone::date_at(zone, from)?;
        let (strict, legal) = readings;
        if let (Period::Hours(strict), Period::Hours(legal)) = (strict, legal) {
            let after = |at: Timestamp, hours: u16| {
                at.plus(time::Duration::from_secs(u64::from(hours) * 3600))
            };
            let counted = match term.hour_of_event_out {
                true => zone::end_of_hour(zone, from),
                false => from,
            };
            let (strict, legal) = (after(from, strict), after(counted, legal));
            let day = zone::date_at(zone, strict)?;
            let legal_day = zone::date_at(zone, legal)?;
            return Ok(Self { strict, legal, raw: day, strict_day: day, legal_day });
        }
        let last_day = |period| {
            let raw = last_day(start, period, out, calendar)?;
            let day = if term.rolls { calendar.working_on_or_after(raw)? } else { raw };
            Ok::<_, bailee_core::Error>((raw, day))
        };
        let (raw, strict_day) = last_day(strict)?;
        let (_, legal_day) = if strict == legal { (raw, strict_day) } else { last_day(legal)? };
        Ok(Self {
            strict: zone::end_of_day(zone, strict_day)?,
            legal: zone::end_of_day(zone, legal_day)?,
            raw,
            strict_day,
            legal_day,
        })
    }
}

/// The last day of a period that runs from the event of a day (Art. 3(2) of Regulation 1182/71).
///
/// CJEU C-171/03: weeks, months and years end on the day that answers to that of the event itself,
/// not to the one after it.
fn last_day(
    start: Date,
    period: Period,
    out: &BTreeSet<Date>,
    calendar: &Calendar,
) -> Result<Date> {
    let end = match period {
        Period::Months(months) => months_after(start, months),
        Period::Weeks(weeks) => start.checked_add(Duration::weeks(weeks.into())),
        // Hours alone have no last day; a strict reading in another unit is refused with its term.
        Period::Days(days) => start.checked_add(Duration::days(days.into())),
        Period::Hours(hours) => start.checked_add(Duration::days(i64::from(hours / 24))),
        Period::WorkingDays(days) => {
            let mut day = start;
            let mut left = days;
            while left > 0 {
                day = day.next_day().ok_or_else(zone::out_of_range)?;
                if calendar.is_working(day) && !out.contains(&day) {
                    left -= 1;
                }
            }
            return Ok(day);
        }
    };
    let paused = out.range(start..).filter(|day| **day > start).count();
    let paused = Duration::days(i64::try_from(paused).unwrap_or(i64::MAX));
    end.and_then(|end| end.checked_add(paused)).ok_or_else(zone::out_of_range)
}

/// The same date so many months later, or the last of that month where it has no such date.
///
/// From the day itself, once: through February on the way, a 31st would become a 28th for good.
fn months_after(start: Date, months: u16) -> Option<Date> {
    let months = i32::from(u8::from(start.month())) - 1 + i32::from(months);
    let year = start.year() + months / 12;
    let month = Month::try_from(u8::try_from(months % 12 + 1).ok()?).ok()?;
    Date::from_calendar_date(year, month, start.day().min(month.length(year))).ok()
}

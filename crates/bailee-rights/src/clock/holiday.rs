//! When a holiday is: a date, a distance from Easter, a weekday of a month.

use time::{Date, Duration, Month, Weekday};

use super::{gregorian_easter, orthodox_easter};

/// A holiday and the years in which it is one.
#[derive(Clone, Debug)]
pub(super) struct Holiday {
    pub(super) name: String,
    pub(super) when: When,
    pub(super) from: i32,
    pub(super) until: i32,
    pub(super) except: Vec<i32>,
    pub(super) substitute: Substitute,
}

/// The rule of a holiday.
#[derive(Clone, Debug)]
pub(super) enum When {
    /// The same date each year.
    Date(MonthDay),
    /// So many days after Easter Sunday of the western churches.
    Easter(i16),
    /// The first such weekday on or after a date.
    OnOrAfter(Weekday, MonthDay),
    /// The last such weekday on or before a date.
    OnOrBefore(Weekday, MonthDay),
    /// So many days after Easter Sunday of the orthodox churches.
    Orthodox(i16),
    /// These days alone.
    These(Vec<Date>),
}

/// Which day is off instead when a holiday falls on a weekend. The holiday itself stays one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Substitute {
    /// After a Sunday, the Monday.
    MondayAfterSunday,
    /// The next day that is neither on a weekend nor a holiday or a substitute itself.
    NextWorkingDay,
    /// None.
    #[default]
    None,
}

/// A day of any year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MonthDay {
    month: Month,
    day: u8,
}

impl MonthDay {
    /// Reads `12-25`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (month, day) = text.split_once('-')?;
        let number = |text: &str| match text.as_bytes() {
            [b'0'..=b'9', b'0'..=b'9'] => text.parse::<u8>().ok(),
            _ => None,
        };
        let month = Month::try_from(number(month)?).ok()?;
        let day = number(day)?;
        // A leap year has every day that there is.
        Date::from_calendar_date(2000, month, day).ok().map(|_| Self { month, day })
    }

    fn of(self, year: i32) -> Option<Date> {
        Date::from_calendar_date(year, self.month, self.day).ok()
    }
}

impl Holiday {
    /// Its days of a year, without substitutes: mostly one.
    fn of(&self, year: i32) -> Vec<Date> {
        if !(self.from..=self.until).contains(&year) || self.except.contains(&year) {
            return Vec::new();
        }
        let days_after =
            |date: Option<Date>, days: i16| date?.checked_add(Duration::days(days.into()));
        let one = match &self.when {
            When::Date(day) => day.of(year),
            When::Easter(days) => days_after(gregorian_easter(year), *days),
            When::OnOrAfter(weekday, day) => day.of(year).and_then(|date| {
                let past = date.weekday().number_days_from_monday();
                let ahead = (7 + weekday.number_days_from_monday() - past) % 7;
                date.checked_add(Duration::days(ahead.into()))
            }),
            When::OnOrBefore(weekday, day) => day.of(year).and_then(|date| {
                let past = date.weekday().number_days_from_monday();
                let back = (7 + past - weekday.number_days_from_monday()) % 7;
                date.checked_sub(Duration::days(back.into()))
            }),
            When::Orthodox(days) => days_after(orthodox_easter(year), *days),
            When::These(days) => {
                return days.iter().copied().filter(|day| day.year() == year).collect();
            }
        };
        one.into_iter().collect()
    }
}

/// All days off of a year that the holidays make, with their names, by date.
///
/// The years beside it are looked at as well: a substitute can be carried into the next one, and gives way
/// to what is kept there.
pub(super) fn of_year(holidays: &[Holiday], year: i32, since: i32) -> Vec<(Date, &str)> {
    let mut days: Vec<(Date, &Holiday)> = (year - 1..=year + 1)
        .filter(|year| *year >= since)
        .flat_map(|year| holidays.iter().map(move |holiday| (year, holiday)))
        .flat_map(|(year, holiday)| holiday.of(year).into_iter().map(move |day| (day, holiday)))
        .collect();
    days.sort_by_key(|(day, _)| *day);
    let mut off: Vec<(Date, &str)> =
        days.iter().map(|(day, holiday)| (*day, holiday.name.as_str())).collect();
    // In the order of their dates: of two on one weekend, the first has the first day after it.
    for (day, holiday) in days {
        let instead = match holiday.substitute {
            Substitute::MondayAfterSunday if day.weekday() == Weekday::Sunday => day.next_day(),
            Substitute::NextWorkingDay if is_weekend(day) => {
                let mut next = day.next_day();
                while let Some(candidate) = next
                    && (is_weekend(candidate) || off.iter().any(|(taken, _)| *taken == candidate))
                {
                    next = candidate.next_day();
                }
                next
            }
            _ => None,
        };
        off.extend(instead.map(|day| (day, holiday.name.as_str())));
    }
    off.retain(|(day, _)| day.year() == year);
    off.sort();
    off
}

/// Whether it is a Saturday or a Sunday (Art. 2(2) of Regulation 1182/71).
pub(super) fn is_weekend(day: Date) -> bool {
    matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
}

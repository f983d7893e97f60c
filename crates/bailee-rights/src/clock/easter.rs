//! Easter, from which a third of Europe's holidays count.

use std::ops::RangeInclusive;

use time::{Date, Duration, Month};

/// The years for which a feast can be computed. Before 1583 there was one calendar only.
const YEARS: RangeInclusive<i32> = 1583..=9998;

/// Easter Sunday of the western churches in a year from 1583 to 9998.
///
/// The algorithm that Jones gave in 1922 and Meeus in "Astronomical Algorithms" (1991), chapter 8; it
/// has no exceptions.
pub fn gregorian_easter(year: i32) -> Option<Date> {
    if !YEARS.contains(&year) {
        return None;
    }
    let golden = year % 19;
    let (century, of_century) = (year / 100, year % 100);
    let skipped = (century + 8) / 25;
    let moon = (century - skipped + 1) / 3;
    let epact = (19 * golden + century - century / 4 - moon + 15) % 30;
    let weekday = (32 + 2 * (century % 4) + 2 * (of_century / 4) - epact - of_century % 4) % 7;
    let late = (golden + 11 * epact + 22 * weekday) / 451;
    let days = epact + weekday - 7 * late + 114;
    date(year, days / 31, days % 31 + 1)
}

/// Easter Sunday of the orthodox churches in a year from 1583 to 9998, as a date of today's calendar.
///
/// Reckoned in the Julian calendar (Meeus, as above). The Finnish and Estonian orthodox churches keep
/// the western date; no holiday of a state follows them in that.
pub fn orthodox_easter(year: i32) -> Option<Date> {
    if !YEARS.contains(&year) {
        return None;
    }
    let moon = (19 * (year % 19) + 15) % 30;
    let weekday = (2 * (year % 4) + 4 * (year % 7) - moon + 34) % 7;
    let days = moon + weekday + 114;
    let julian = date(year, days / 31, days % 31 + 1)?;
    // How far the calendars are apart in March of the year.
    let apart = year / 100 - year / 400 - 2;
    julian.checked_add(Duration::days(i64::from(apart)))
}

fn date(year: i32, month: i32, day: i32) -> Option<Date> {
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    Date::from_calendar_date(year, month, u8::try_from(day).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use time::Weekday;

    use super::*;

    #[test]
    fn western_easter_is_where_it_was_printed() {
        // The extremes are 22 March (1818, 2285) and 25 April (1943, 2038).
        for (year, month, day) in [
            (1583, 4, 10),
            (1818, 3, 22),
            (1886, 4, 25),
            (1943, 4, 25),
            (1954, 4, 18),
            (1981, 4, 19),
            (2000, 4, 23),
            (2008, 3, 23),
            (2011, 4, 24),
            (2019, 4, 21),
            (2020, 4, 12),
            (2021, 4, 4),
            (2022, 4, 17),
            (2023, 4, 9),
            (2024, 3, 31),
            (2025, 4, 20),
            (2026, 4, 5),
            (2027, 3, 28),
            (2028, 4, 16),
            (2038, 4, 25),
            (2049, 4, 18),
            (2285, 3, 22),
        ] {
            assert_eq!(gregorian_easter(year), date(year, month, day), "{year}");
        }
    }

    #[test]
    fn orthodox_easter_is_where_it_was_printed() {
        for (year, month, day) in [
            (2008, 4, 27),
            (2010, 4, 4),
            (2013, 5, 5),
            (2016, 5, 1),
            (2019, 4, 28),
            (2020, 4, 19),
            (2021, 5, 2),
            (2022, 4, 24),
            (2023, 4, 16),
            (2024, 5, 5),
            (2025, 4, 20),
            (2026, 4, 12),
            (2027, 5, 2),
            (2028, 4, 16),
            (2034, 4, 9),
        ] {
            assert_eq!(orthodox_easter(year), date(year, month, day), "{year}");
        }
    }

    #[test]
    fn both_are_sundays_in_their_season_of_every_year() {
        for year in YEARS {
            let western = gregorian_easter(year).unwrap();
            assert_eq!(western.weekday(), Weekday::Sunday);
            assert!(date(year, 3, 22) <= Some(western) && Some(western) <= date(year, 4, 25));
            let orthodox = orthodox_easter(year).unwrap();
            assert_eq!(orthodox.weekday(), Weekday::Sunday);
            assert!(western <= orthodox, "{year}");
        }
        assert_eq!((gregorian_easter(1582), orthodox_easter(9999)), (None, None));
    }
}

//! From a time of keeping to the moment before which something is too old.

use bailee_core::Timestamp;
use bailee_registry::Period;
use time::{Date, Duration, Month, OffsetDateTime, util::days_in_month};

/// The moment such that whatever began before it was kept for the whole period.
///
/// Months and years go by the calendar in UTC: what began on 31 August is six months old at the
/// same hour of the last day of February. Out of range it is the first moment that there is, before
/// which nothing is.
pub fn cut_off(now: Timestamp, period: Period) -> Timestamp {
    before(now, period).unwrap_or(Timestamp::from_micros(i64::MIN))
}

fn before(now: Timestamp, period: Period) -> Option<Timestamp> {
    let nanos = i128::from(now.as_micros()) * 1000;
    let time = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?;
    let date = match period {
        Period::Days(days) => time.date().checked_sub(Duration::days(i64::from(days)))?,
        Period::Months(months) => months_before(time.date(), months)?,
        Period::Years(years) => months_before(time.date(), years.checked_mul(12)?)?,
        // A period of a newer release: nothing is too old.
        _ => return None,
    };
    let cut = time.replace_date(date).unix_timestamp_nanos() / 1000;
    i64::try_from(cut).ok().map(Timestamp::from_micros)
}

fn months_before(date: Date, months: u32) -> Option<Date> {
    let number = i64::from(date.year()) * 12 + i64::from(u8::from(date.month())) - 1;
    let number = number - i64::from(months);
    let year = i32::try_from(number.div_euclid(12)).ok()?;
    let month = Month::try_from(u8::try_from(number.rem_euclid(12) + 1).ok()?).ok()?;
    let last = days_in_month(month, year);
    // On the last day of a month everything from a longer month's last days is old enough too.
    let is_last = date.day() == days_in_month(date.month(), date.year());
    let day = if is_last { last } else { date.day().min(last) };
    Date::from_calendar_date(year, month, day).ok()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn at(time: OffsetDateTime) -> Timestamp {
        Timestamp::from_seconds(time.unix_timestamp())
    }

    #[test]
    fn r11_months_and_years_go_by_the_calendar() {
        for (now, period, cut) in [
            (datetime!(2026-03-15 12:00 UTC), Period::Days(30), datetime!(2026-02-13 12:00 UTC)),
            (datetime!(2026-03-15 12:00 UTC), Period::Months(1), datetime!(2026-02-15 12:00 UTC)),
            (datetime!(2026-03-30 12:00 UTC), Period::Months(1), datetime!(2026-02-28 12:00 UTC)),
            (datetime!(2026-02-28 12:00 UTC), Period::Months(6), datetime!(2025-08-31 12:00 UTC)),
            (datetime!(2026-02-27 12:00 UTC), Period::Months(6), datetime!(2025-08-27 12:00 UTC)),
            (datetime!(2024-02-29 12:00 UTC), Period::Years(1), datetime!(2023-02-28 12:00 UTC)),
            (datetime!(2025-02-28 12:00 UTC), Period::Years(1), datetime!(2024-02-29 12:00 UTC)),
            (datetime!(2026-01-31 00:30 UTC), Period::Months(13), datetime!(2024-12-31 00:30 UTC)),
            (datetime!(2026-05-01 00:00 UTC), Period::Years(10), datetime!(2016-05-01 00:00 UTC)),
        ] {
            assert_eq!(cut_off(at(now), period), at(cut), "{now} {period:?}");
        }
    }

    #[test]
    fn r11_nothing_is_older_than_time() {
        let now = Timestamp::from_seconds(0);
        assert_eq!(cut_off(now, Period::Years(36_500)).as_micros(), i64::MIN);
        let far = Timestamp::from_micros(i64::MAX);
        assert_eq!(cut_off(far, Period::Days(1)).as_micros(), i64::MIN);
    }

    #[test]
    fn r11_what_goes_on_a_day_was_kept_for_the_whole_period_and_not_two_days_more() {
        let first = datetime!(2023-12-25 08:00 UTC);
        for months in [1, 2, 6, 11, 12, 13, 24] {
            for day in 0..800 {
                let now = first + Duration::days(day);
                let cut = cut_off(at(now), Period::Months(months));
                let earlier = cut_off(at(now - Duration::days(1)), Period::Months(months));
                assert!(earlier <= cut, "{now}: it never goes back");
                // Counted forward from the last moment that goes: its period is over.
                let began = OffsetDateTime::from_unix_timestamp(cut.as_seconds()).unwrap();
                let over = months_after(began.date(), months);
                assert!(over <= now.date(), "{now} {months}: {began} is kept until {over}");
                let next = months_after(began.date().next_day().unwrap(), months);
                assert!(next > now.date(), "{now} {months}: more would be old enough");
            }
        }
    }

    /// The same day of a later month, or the last that there is.
    fn months_after(date: Date, months: u32) -> Date {
        let number = date.year() * 12 + i32::from(u8::from(date.month())) - 1 + months as i32;
        let month = Month::try_from((number.rem_euclid(12) + 1) as u8).unwrap();
        let year = number.div_euclid(12);
        let day = date.day().min(days_in_month(month, year));
        Date::from_calendar_date(year, month, day).unwrap()
    }
}

//! What holds for every day of four hundred years, after which the calendar repeats itself.

use bailee_core::Timestamp;
use bailee_rights::clock::{
    Deadline, Establishment, Matter, PauseReason, Regime, RequestClock, SummerTime,
};
use time::{Date, Duration, UtcOffset, macros::date};

use crate::{answer, at, calendar, in_utc, rolling};

/// Every day from 1 January 1900 on, once.
fn days() -> impl Iterator<Item = Date> {
    let all = std::iter::successors(Some(date!(1900 - 01 - 01)), |day| day.next_day());
    all.take_while(|day| *day < date!(2300 - 01 - 01))
}

/// Calendars with long and with short runs of days off.
fn places() -> [Establishment; 2] {
    [in_utc(rolling("1 month"), "GB-SCT"), in_utc(rolling("1 month"), "BG")]
}

fn noon(day: Date) -> Timestamp {
    at(day, 12, 0)
}

fn paused(day: Date, reason: PauseReason, waits: &[(i64, i64)], place: &Establishment) -> Deadline {
    let mut clock = RequestClock::start(Matter::Answer, noon(day));
    for (asked, answered) in waits {
        clock.pause(reason, noon(day + Duration::days(*asked))).unwrap();
        clock.resume(noon(day + Duration::days(*answered))).unwrap();
    }
    *clock.read(place).unwrap().running().unwrap()
}

#[test]
fn a_deadline_is_the_first_working_day_from_its_raw_day_on_and_a_month_long() {
    // Properties 1 to 4: length, order, working day, nothing skipped.
    for place in places() {
        let mut earlier = None;
        for day in days() {
            let deadline = answer(&place, noon(day));
            let (raw, last) = (deadline.raw, deadline.strict_day);
            assert!((28..=31).contains(&(raw - day).whole_days()), "{day}");
            // Christmas and the New Year with two weekends are the longest run.
            assert!((raw..=raw + Duration::days(6)).contains(&last), "{day}: {raw} {last}");
            assert!(place.calendar().is_working(last), "{day}");
            let mut between = raw;
            while between < last {
                assert!(!place.calendar().is_working(between), "{day}: {between}");
                between = between.next_day().unwrap();
            }
            assert!(earlier <= Some(deadline.strict), "{day}");
            earlier = Some(deadline.strict);
        }
    }
}

#[test]
fn an_extension_is_counted_from_the_origin() {
    // Properties 5 and 9: three months at once, whatever the first month came to.
    let first = in_utc(rolling("1 month"), "-");
    let whole = in_utc(rolling("3 months"), "-");
    let extended = in_utc(Regime::eu(), "-");
    for day in days() {
        let mut clock = RequestClock::start(Matter::Answer, noon(day));
        let told = noon(day);
        clock.extend(bailee_rights::clock::ExtensionReason::Complexity, told, &extended).unwrap();
        let reading = clock.read(&extended).unwrap();
        assert_eq!(*reading.deadline(), answer(&whole, noon(day)), "{day}");
        assert!(reading.deadline().strict > answer(&first, noon(day)).strict, "{day}");
        let months = i32::from(u8::from(day.month())) + 2;
        let (year, month) = (day.year() + months / 12, u8::try_from(months % 12 + 1).unwrap());
        let month = time::Month::try_from(month).unwrap();
        let expected = Date::from_calendar_date(year, month, day.day().min(month.length(year)));
        assert_eq!(reading.deadline().raw, expected.unwrap(), "{day}");
    }
}

#[test]
fn a_wait_moves_a_deadline_by_its_days_and_one_roll_at_most() {
    // Property 6, for either way of counting in turn.
    let places = places();
    for (n, day) in days().enumerate() {
        let place = &places[n % 2];
        let (reason, ends_out) = match n / 2 % 2 {
            0 => (PauseReason::Identity, 0),
            _ => (PauseReason::Clarification, 1),
        };
        let n = i64::try_from(n % 20).unwrap();
        let plain = answer(place, noon(day));
        let waited = paused(day, reason, &[(3, 3 + n)], place);
        assert_eq!(waited.raw, plain.raw + Duration::days(n + ends_out), "{day} {n}");
        assert!(waited.strict >= plain.strict, "{day} {n}");
        let roll = (waited.strict_day - waited.raw).whole_days();
        assert!((0..=6).contains(&roll), "{day} {n}");
    }
}

#[test]
fn two_waits_that_touch_are_one() {
    // Property 7. Where the day of the answer counts, the second begins on it; where it does not, on
    // the next; and a day that is in both is out once.
    let place = in_utc(rolling("1 month"), "DE");
    for (n, day) in days().enumerate() {
        let middle = 4 + i64::try_from(n % 9).unwrap();
        let (reason, next) = match n % 3 {
            0 => (PauseReason::Identity, middle),
            1 => (PauseReason::Clarification, middle + 1),
            _ => (PauseReason::Clarification, middle),
        };
        let whole = paused(day, reason, &[(2, 14)], &place);
        assert_eq!(paused(day, reason, &[(2, middle), (next, 14)], &place), whole, "{day}");
    }
}

#[test]
fn the_time_of_day_changes_nothing_and_neither_do_the_clocks() {
    // Property 8.
    let berlin = SummerTime::CENTRAL_EUROPE;
    let place = Establishment::new(rolling("1 month"), calendar("DE"), berlin);
    let flat = in_utc(rolling("1 month"), "DE");
    for day in days() {
        let expected = answer(&flat, noon(day)).strict_day;
        // In every season this is the first hour of the day in Berlin and the last but one.
        let eve = day.previous_day().unwrap();
        let [first, last] = [at(eve, 23, 0), at(day, 21, 59)].map(|at| answer(&place, at));
        assert_eq!((first, first.strict_day), (last, expected), "{day}");
        let end = first.strict.as_seconds().rem_euclid(86_400);
        assert!(end == 22 * 3600 || end == 23 * 3600, "{day}: midnight in Berlin");
    }
}

#[test]
fn in_california_no_question_changes_anything_and_no_weekend() {
    // Property 10.
    let place = in_utc(Regime::ccpa(), "US-CA");
    for day in days() {
        let plain = answer(&place, noon(day));
        assert_eq!(plain.strict_day, day + Duration::days(44));
        assert_eq!(plain.legal_day, day + Duration::days(45));
        for reason in [PauseReason::Identity, PauseReason::Clarification, PauseReason::Fee] {
            assert_eq!(paused(day, reason, &[(1, 30)], &place), plain, "{day}");
        }
    }
}

#[test]
fn working_days_are_counted_one_by_one() {
    let regime = "name = \"x\"\nsource = \"x\"\n[terms.answer]\narticle = \"1\"\nperiod = \"10 working days\"\n";
    let place = Establishment::new(Regime::parse(regime).unwrap(), calendar("DE"), UtcOffset::UTC);
    for day in days() {
        let last = answer(&place, noon(day)).strict_day;
        let mut count = 0;
        let mut walked = day;
        while walked < last {
            walked = walked.next_day().unwrap();
            count += u32::from(place.calendar().is_working(walked));
        }
        assert_eq!(count, 10, "{day}");
        assert!(place.calendar().is_working(last), "{day}");
    }
}

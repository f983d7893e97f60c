//! The table of examples, and those that a table cannot hold.

use bailee_rights::clock::{
    Establishment, ExtensionReason, Matter, PauseReason, Period, RequestClock, SummerTime,
};
use time::{UtcOffset, macros::datetime};

use crate::{at, calendar, day, in_utc, noon, regime, rolling, stamp};

#[test]
fn r10_every_example_comes_to_its_day() {
    let mut seen = 0;
    let lines = include_str!("vectors.csv").lines().filter(|line| !line.starts_with('#'));
    for line in lines.skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let [id, law, start, period, asked, answered, area, strict, deadline, _] = fields[..]
        else {
            panic!("{line}")
        };
        let period: Period = period.parse().unwrap();
        // The law's own term where it has one of this length; otherwise the arithmetic alone.
        let law = regime(law);
        let matters = [Matter::Answer, Matter::BreachToAuthority, Matter::Confirm, Matter::OptOut];
        let own = matters
            .into_iter()
            .find(|matter| law.term(*matter).is_some_and(|term| term.period == period));
        let extended = law.term(Matter::Answer).and_then(|term| term.extended) == Some(period);
        let (place, matter) = match own {
            Some(matter) => (in_utc(law, area), matter),
            None if extended => (in_utc(law, area), Matter::Answer),
            None => (in_utc(rolling(&period.to_string()), area), Matter::Answer),
        };
        let mut clock = RequestClock::start(matter, noon(start));
        if extended && own.is_none() {
            clock.extend(ExtensionReason::Complexity, noon(start), &place).unwrap();
        }
        if !asked.is_empty() {
            clock.pause(PauseReason::Clarification, noon(asked)).unwrap();
            clock.resume(noon(answered)).unwrap();
        }
        let reading = clock.read(&place).unwrap();
        let found = reading.running().unwrap();
        assert_eq!(found.raw, day(strict), "{id}");
        assert_eq!(found.legal_day, day(deadline), "{id}");
        assert_eq!(found.legal, at(day(deadline).next_day().unwrap(), 0, 0), "{id}");
        // Where the last day gives way, alarms count from where it went.
        let rolls = place.regime().term(matter).unwrap().rolls;
        assert_eq!(found.strict_day, day(if rolls { deadline } else { strict }), "{id}");
        seen += 1;
    }
    assert_eq!(seen, 31);
}

#[test]
fn g2_h01_hours_run_over_a_holiday_and_only_the_strict_instant_raises_alarms() {
    // 25 May 2026 is Whit Monday.
    let berlin = Establishment::in_europe("DE").unwrap();
    let aware = stamp(datetime!(2026-05-22 10:24 +2));
    let deadline = berlin.deadline(Matter::BreachToAuthority, aware).unwrap();
    assert_eq!(deadline.strict, stamp(datetime!(2026-05-25 10:24 +2)));
    assert_eq!(deadline.legal, stamp(datetime!(2026-05-25 11:00 +2)));
    let warnings = berlin.warnings(Matter::BreachToAuthority, aware).unwrap();
    assert_eq!(
        warnings,
        [
            stamp(datetime!(2026-05-23 10:24 +2)),
            stamp(datetime!(2026-05-24 10:24 +2)),
            stamp(datetime!(2026-05-25 2:24 +2)),
        ]
    );
    assert!(!deadline.is_over(stamp(datetime!(2026-05-25 10:23:59 +2))));
    assert!(deadline.is_over(deadline.strict));
}

#[test]
fn hours_are_hours_when_the_clocks_change() {
    // In the night to 29 March 2026 Berlin's clocks go from two to three.
    let berlin = Establishment::in_europe("DE").unwrap();
    let aware = stamp(datetime!(2026-03-27 10:00 +1));
    let deadline = berlin.deadline(Matter::BreachToAuthority, aware).unwrap();
    assert_eq!(deadline.strict, stamp(datetime!(2026-03-30 11:00 +2)));
    assert_eq!(deadline.legal, deadline.strict, "the hour had just begun");
}

#[test]
fn the_day_of_receipt_is_the_day_where_the_controller_is() {
    let received = stamp(datetime!(2025-03-31 22:30 UTC));
    for (country, last) in [("DE", "2025-05-02"), ("IE", "2025-04-30"), ("FI", "2025-05-02")] {
        let place = Establishment::in_europe(country).unwrap();
        let deadline = place.deadline(Matter::Answer, received).unwrap();
        assert_eq!(deadline.strict_day, day(last), "{country}");
    }
    let pacific = Establishment::new(regime("ccpa"), calendar("US-CA"), SummerTime::US_PACIFIC);
    let received = stamp(datetime!(2025-06-03 06:59 UTC));
    let deadline = pacific.deadline(Matter::Answer, received).unwrap();
    assert_eq!(deadline.strict_day, day("2025-07-16"));
    assert_eq!(deadline.strict, stamp(datetime!(2025-07-17 0:00 -7)));
}

#[test]
fn in_california_an_extension_makes_ninety_days_in_all() {
    let place = in_utc(regime("ccpa"), "US-CA");
    let mut clock = RequestClock::start(Matter::Answer, noon("2025-06-02"));
    clock.extend(ExtensionReason::Number, noon("2025-07-16"), &place).unwrap();
    let reading = clock.read(&place).unwrap();
    assert_eq!(reading.deadline().strict_day, day("2025-08-30"));
    assert_eq!(reading.deadline().legal_day, day("2025-08-31"), "a Sunday, and it stays");
    assert_eq!(clock.read_first(&place).unwrap().deadline().legal_day, day("2025-07-17"));
    let mut late = RequestClock::start(Matter::Answer, noon("2025-06-02"));
    assert!(late.extend(ExtensionReason::Number, noon("2025-07-17"), &place).is_err());
}

#[test]
fn a_law_without_a_number_gives_no_deadline() {
    let place = Establishment::new(regime("eu"), calendar("-"), UtcOffset::UTC);
    let error = place.deadline(Matter::BreachToPeople, noon("2025-06-02")).unwrap_err();
    assert_eq!(error.kind(), bailee_core::ErrorKind::Unsupported);
    assert!(Establishment::in_europe("US").is_err() && Establishment::in_europe("GB").is_err());
}

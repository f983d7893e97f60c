//! The days off that come with the crate.

use bailee_core::ErrorKind;
use bailee_rights::clock::Calendar;
use time::{Date, Weekday, macros::date};

use crate::calendar;

/// The days off of a year that are on no weekend.
fn weekdays(area: &str, year: i32) -> Vec<String> {
    let days = calendar(area).days_off(year);
    let weekday = |day: &Date| !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
    let mut days: Vec<String> = days
        .into_iter()
        .filter(|(day, _)| weekday(day))
        .map(|(day, _)| day.to_string()[5..].to_owned())
        .collect();
    days.dedup();
    days
}

#[test]
fn bank_holidays_of_england_and_wales_are_those_that_were_published() {
    for (year, days) in [
        (2015, "01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-28"),
        (2016, "01-01 03-25 03-28 05-02 05-30 08-29 12-26 12-27"),
        (2017, "01-02 04-14 04-17 05-01 05-29 08-28 12-25 12-26"),
        (2018, "01-01 03-30 04-02 05-07 05-28 08-27 12-25 12-26"),
        (2020, "01-01 04-10 04-13 05-08 05-25 08-31 12-25 12-28"),
        (2021, "01-01 04-02 04-05 05-03 05-31 08-30 12-27 12-28"),
        (2022, "01-03 04-15 04-18 05-02 06-02 06-03 08-29 09-19 12-26 12-27"),
        (2023, "01-02 04-07 04-10 05-01 05-08 05-29 08-28 12-25 12-26"),
        (2024, "01-01 03-29 04-01 05-06 05-27 08-26 12-25 12-26"),
        (2025, "01-01 04-18 04-21 05-05 05-26 08-25 12-25 12-26"),
        (2026, "01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-28"),
        (2027, "01-01 03-26 03-29 05-03 05-31 08-30 12-27 12-28"),
    ] {
        assert_eq!(weekdays("GB-EAW", year).join(" "), days, "{year}");
    }
}

#[test]
fn bank_holidays_of_scotland_and_northern_ireland_are_those_that_were_published() {
    for (area, year, days) in [
        ("GB-SCT", 2022, "01-03 01-04 04-15 05-02 06-02 06-03 08-01 09-19 11-30 12-26 12-27"),
        ("GB-SCT", 2023, "01-02 01-03 04-07 05-01 05-08 05-29 08-07 11-30 12-25 12-26"),
        ("GB-SCT", 2024, "01-01 01-02 03-29 05-06 05-27 08-05 12-02 12-25 12-26"),
        ("GB-SCT", 2025, "01-01 01-02 04-18 05-05 05-26 08-04 12-01 12-25 12-26"),
        ("GB-SCT", 2026, "01-01 01-02 04-03 05-04 05-25 06-15 08-03 11-30 12-25 12-28"),
        ("GB-NIR", 2022, "01-03 03-17 04-15 04-18 05-02 06-02 06-03 07-12 08-29 09-19 12-26 12-27"),
        ("GB-NIR", 2024, "01-01 03-18 03-29 04-01 05-06 05-27 07-12 08-26 12-25 12-26"),
        ("GB-NIR", 2025, "01-01 03-17 04-18 04-21 05-05 05-26 07-14 08-25 12-25 12-26"),
    ] {
        assert_eq!(weekdays(area, year).join(" "), days, "{area} {year}");
    }
}

#[test]
fn a_year_of_other_places_is_theirs() {
    for (area, year, days) in [
        ("DE", 2025, "01-01 04-18 04-21 05-01 05-29 06-09 10-03 12-25 12-26"),
        ("DE", 2017, "04-14 04-17 05-01 05-25 06-05 10-03 10-31 12-25 12-26"),
        ("FR", 2024, "01-01 04-01 05-01 05-08 05-09 05-20 08-15 11-01 11-11 12-25"),
        ("DK", 2023, "04-06 04-07 04-10 05-05 05-18 05-29 12-25 12-26"),
        ("DK", 2024, "01-01 03-28 03-29 04-01 05-09 05-20 12-25 12-26"),
        ("IE", 2024, "01-01 02-05 04-01 05-06 06-03 08-05 10-28 12-25 12-26"),
        ("IE", 2030, "01-01 02-01 04-22 05-06 06-03 08-05 10-28 12-25 12-26"),
        ("GR", 2024, "01-01 03-18 03-25 05-03 05-06 06-24 08-15 10-28 12-25 12-26"),
        ("SE", 2025, "01-01 01-06 04-18 04-21 05-01 05-29 06-06 12-25 12-26"),
        ("BG", 2021, "01-01 03-03 04-30 05-03 05-04 05-06 05-24 09-06 09-22 12-24 12-27 12-28"),
        ("US-CA", 2023, "01-02 01-16 02-20 05-29 06-19 07-04 09-04 11-23 12-25"),
    ] {
        assert_eq!(weekdays(area, year).join(" "), days, "{area} {year}");
    }
}

#[test]
fn every_calendar_is_read_says_where_it_is_from_and_covers_the_coming_years() {
    let areas: Vec<&str> = Calendar::areas().collect();
    assert_eq!(areas.len(), 35);
    let union = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK";
    let area_and_kingdom = "IS LI NO GB-EAW GB-NIR GB-SCT US-CA";
    for code in union.split(' ').chain(area_and_kingdom.split(' ')) {
        assert!(areas.contains(&code), "{code}");
    }
    for code in areas {
        let calendar = Calendar::of(code).unwrap();
        assert_eq!(calendar.area(), code);
        assert!(calendar.source().len() > 10 && calendar.unconfirmed().is_some(), "{code}");
        for year in 2024..2060 {
            let days = weekdays(code, year);
            assert!((4..=16).contains(&days.len()), "{code} {year}: {days:?}");
        }
        // What a list says and what a day is asked are one.
        let mut date = date!(2026 - 01 - 01);
        let listed: Vec<Date> = calendar.days_off(2026).into_iter().map(|(day, _)| day).collect();
        while date.year() == 2026 {
            let weekend = matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
            assert_eq!(calendar.is_working(date), !weekend && !listed.contains(&date), "{date}");
            date = date.next_day().unwrap();
        }
        assert!(calendar.days_off(calendar.first_year() - 1).is_empty(), "{code}");
    }
    assert_eq!(Calendar::of("XX").unwrap_err().kind(), ErrorKind::Configuration);
}

#[test]
fn a_host_adds_and_takes_away_days() {
    let bavaria = calendar("DE").with_days_off([date!(2026 - 01 - 06)]);
    assert!(calendar("DE").is_working(date!(2026 - 01 - 06)));
    assert!(!bavaria.is_working(date!(2026 - 01 - 06)));
    assert!(bavaria.days_off(2026).iter().any(|(day, _)| *day == date!(2026 - 01 - 06)));
    let moved = bavaria.without_days_off([date!(2026 - 05 - 01), date!(2026 - 05 - 02)]);
    assert!(moved.is_working(date!(2026 - 05 - 01)));
    assert!(!moved.is_working(date!(2026 - 05 - 02)), "a Saturday stays one");
    assert!(!moved.days_off(2026).iter().any(|(day, _)| *day == date!(2026 - 05 - 01)));
}

#[test]
fn a_substitute_is_carried_over_the_end_of_a_year() {
    let text = "area = \"X\"\nname = \"X\"\nsince = 2000\nsource = \"a test\"\ndays = [\n  \
                { name = \"Eve\", date = \"12-31\", substitute = \"next-working-day\" },\n  \
                { name = \"Day\", date = \"01-01\" },\n]\n";
    let calendar = Calendar::parse(text).unwrap();
    // 31 December 2023 is a Sunday, and the Monday after it is taken.
    assert!(!calendar.is_working(date!(2024 - 01 - 02)));
    assert!(calendar.is_working(date!(2024 - 01 - 03)));
    assert_eq!(calendar.days_off(2024).iter().filter(|(_, name)| name == "Eve").count(), 2);
}

#[test]
fn what_is_wrong_with_a_calendar_is_said_with_its_line() {
    let head = "area = \"X\"\nname = \"X\"\nsince = 2000\nsource = \"a test\"\ndays = [\n";
    for (rest, line) in [
        ("  { name = \"a\", date = \"02-30\" },\n]", "line 6"),
        ("  { name = \"a\", easter = 1 },\n  { name = \"b\" },\n]", "line 7"),
        ("  { name = \"a\", easter = 1, orthodox = 1 },\n]", "line 6"),
        ("  { name = \"a\", weekday = \"monday\" },\n]", "line 6"),
        ("  { name = \"a\", weekday = \"moonday\", on_or_after = \"05-01\" },\n]", "line 6"),
        ("  { name = \"a\", date = \"05-01\", these = [\"2020-01-01\"] },\n]", "line 6"),
        ("  { name = \"a\", these = [\"2021-02-29\"] },\n]", "line 6"),
        ("  { name = \"a\", date = \"05-01\", from = 2020, until = 2019 },\n]", "line 6"),
        ("  { name = \"a\", date = \"05-01\", colour = 3 },\n]", "line 6"),
        ("]\nweekend = 3", "line 7"),
        ("  { name = ", "line 6"),
    ] {
        let error = Calendar::parse(&format!("{head}{rest}")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.detail().unwrap().contains(line), "{error}: {rest}");
    }
}

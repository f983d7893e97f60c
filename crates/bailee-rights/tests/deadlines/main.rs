//! Deadlines: published examples, properties over four centuries, requests that wait.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

mod calendars;
mod properties;
mod requests;
mod vectors;

use bailee_core::Timestamp;
use bailee_rights::clock::{Calendar, Establishment, Matter, Regime};
use time::{Date, OffsetDateTime, PrimitiveDateTime, UtcOffset, macros::format_description};

/// A day as data files write it.
fn day(text: &str) -> Date {
    Date::parse(text, format_description!("[year]-[month]-[day]")).unwrap()
}

/// An instant of a day in UTC.
fn at(day: Date, hour: u8, minute: u8) -> Timestamp {
    stamp(PrimitiveDateTime::new(day, time::Time::from_hms(hour, minute, 0).unwrap()).assume_utc())
}

fn stamp(instant: OffsetDateTime) -> Timestamp {
    Timestamp::from_seconds(instant.unix_timestamp())
}

fn noon(text: &str) -> Timestamp {
    at(day(text), 12, 0)
}

fn calendar(area: &str) -> Calendar {
    if area == "-" { Calendar::weekends_only() } else { Calendar::of(area).unwrap() }
}

fn regime(name: &str) -> Regime {
    match name {
        "ccpa" => Regime::ccpa(),
        "eu" => Regime::eu(),
        "lgpd" => Regime::lgpd(),
        "uk" => Regime::uk(),
        other => panic!("{other}"),
    }
}

/// A regime of one term, with the pauses of no law.
fn rolling(period: &str) -> Regime {
    let text = format!(
        "name = \"test\"\nsource = \"a test\"\n[pauses]\nidentity = \"answer-day-counts\"\n\
         clarification = \"both-days-out\"\n[terms.answer]\narticle = \"1\"\n\
         period = \"{period}\"\nrolls = true\n"
    );
    Regime::parse(&text).unwrap()
}

fn in_utc(regime: Regime, area: &str) -> Establishment {
    Establishment::new(regime, calendar(area), UtcOffset::UTC)
}

fn answer(at: &Establishment, received: Timestamp) -> bailee_rights::clock::Deadline {
    at.deadline(Matter::Answer, received).unwrap()
}

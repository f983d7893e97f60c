//! Requests that wait, are extended, and come when they please.

use bailee_core::{ErrorKind, Remedy};
use bailee_rights::clock::{
    Establishment, ExtensionReason, Matter, PauseReason, Reading, RequestClock,
};

use crate::{answer, day, in_utc, noon, regime};

fn uk() -> Establishment {
    in_utc(regime("uk"), "GB-EAW")
}

fn eu() -> Establishment {
    in_utc(regime("eu"), "-")
}

#[test]
fn a_clock_stands_still_until_the_person_answers_and_warns_of_nothing_meanwhile() {
    let mut clock = RequestClock::start(Matter::Answer, noon("2026-03-03"));
    let before = *clock.read(&eu()).unwrap().running().unwrap();
    assert_eq!(clock.warnings(&eu()).unwrap().len(), 3);
    clock.pause(PauseReason::Identity, noon("2026-03-10")).unwrap();
    let reading = clock.read(&eu()).unwrap();
    assert_eq!(reading, Reading::Paused { since: noon("2026-03-10"), last: before });
    assert_eq!((reading.running(), reading.deadline()), (None, &before));
    assert!(clock.warnings(&eu()).unwrap().is_empty());
    clock.resume(noon("2026-03-17")).unwrap();
    let after = *clock.read(&eu()).unwrap().running().unwrap();
    assert_eq!(after.raw, day("2026-04-10"), "seven days, the day of the answer counting again");
}

#[test]
fn in_the_united_kingdom_proof_of_identity_begins_the_month_and_a_clarification_interrupts_it() {
    let mut clock = RequestClock::start(Matter::Answer, noon("2026-03-03"));
    clock.pause(PauseReason::Identity, noon("2026-03-05")).unwrap();
    clock.resume(noon("2026-03-09")).unwrap();
    let begun = clock.read(&uk()).unwrap();
    assert_eq!(begun.deadline().raw, day("2026-04-09"));
    // In the Union the same days are four that do not count.
    assert_eq!(clock.read(&eu()).unwrap().deadline().raw, day("2026-04-07"));
    clock.pause(PauseReason::Clarification, noon("2026-03-09")).unwrap();
    clock.resume(noon("2026-03-11")).unwrap();
    // The ninth is the day from which the month runs and is not counted anyway.
    assert_eq!(clock.read(&uk()).unwrap().deadline().raw, day("2026-04-11"));
}

#[test]
fn a_question_after_the_end_revives_nothing() {
    let mut clock = RequestClock::start(Matter::Answer, noon("2026-03-03"));
    let end = *clock.read(&eu()).unwrap().deadline();
    clock.pause(PauseReason::Identity, end.strict).unwrap();
    assert_eq!(clock.read(&eu()).unwrap(), Reading::Running(end));
    clock.resume(noon("2026-05-01")).unwrap();
    assert_eq!(clock.read(&eu()).unwrap(), Reading::Running(end));
}

#[test]
fn a_fee_stops_the_clock_where_the_law_says_so_alone() {
    let mut clock = RequestClock::start(Matter::Answer, noon("2026-03-03"));
    let end = answer(&eu(), noon("2026-03-03"));
    clock.pause(PauseReason::Fee, noon("2026-03-04")).unwrap();
    assert_eq!(clock.read(&eu()).unwrap(), Reading::Running(end));
    assert!(matches!(clock.read(&uk()).unwrap(), Reading::Paused { .. }));
}

#[test]
fn an_extension_is_told_inside_the_first_period_and_once() {
    let received = noon("2026-01-31");
    let mut clock = RequestClock::start(Matter::Answer, received);
    let first = *clock.read_first(&eu()).unwrap().deadline();
    assert_eq!(first.strict_day, day("2026-03-02"));
    let mut late = clock.clone();
    let error = late.extend(ExtensionReason::Complexity, first.strict, &eu()).unwrap_err();
    assert_eq!((error.kind(), error.remedy()), (ErrorKind::Expired, Remedy::None));
    assert_eq!(late, clock, "nothing was noted");

    clock.extend(ExtensionReason::Complexity, noon("2026-03-02"), &eu()).unwrap();
    assert_eq!(clock.read(&eu()).unwrap().deadline().strict_day, day("2026-04-30"));
    assert_eq!(*clock.read_first(&eu()).unwrap().deadline(), first);
    let again = clock.extend(ExtensionReason::Number, noon("2026-03-02"), &eu()).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::AlreadyExists);
    // A refusal has no extension, nor has an answer in Brazil.
    for (matter, place) in [(Matter::Refuse, eu()), (Matter::Answer, in_utc(regime("lgpd"), "BR"))]
    {
        let mut clock = RequestClock::start(matter, received);
        let error = clock.extend(ExtensionReason::Number, received, &place).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
}

#[test]
fn a_wait_after_an_extension_counts_in_the_extended_period() {
    let mut clock = RequestClock::start(Matter::Answer, noon("2026-01-15"));
    clock.extend(ExtensionReason::Number, noon("2026-02-01"), &eu()).unwrap();
    clock.pause(PauseReason::Clarification, noon("2026-03-20")).unwrap();
    clock.resume(noon("2026-03-30")).unwrap();
    assert_eq!(clock.read(&eu()).unwrap().deadline().raw, day("2026-04-25"));
    let first = clock.read_first(&eu()).unwrap();
    assert_eq!(first.deadline().raw, day("2026-02-15"), "that was over by then");
}

#[test]
fn what_cannot_have_happened_is_not_noted() {
    let received = noon("2026-03-03");
    let mut clock = RequestClock::start(Matter::Answer, received);
    assert!(clock.resume(received).is_err(), "nothing was asked");
    assert!(clock.pause(PauseReason::Identity, noon("2026-03-02")).is_err());
    assert!(clock.extend(ExtensionReason::Number, noon("2026-03-02"), &eu()).is_err());
    clock.pause(PauseReason::Identity, noon("2026-03-05")).unwrap();
    let twice = clock.pause(PauseReason::Clarification, noon("2026-03-06")).unwrap_err();
    assert_eq!(twice.kind(), ErrorKind::Conflict);
    assert!(clock.resume(noon("2026-03-04")).is_err(), "an answer before its question");
    clock.resume(noon("2026-03-05")).unwrap();
    assert!(clock.resume(noon("2026-03-05")).is_err(), "it was answered");
    assert!(clock.pause(PauseReason::Identity, noon("2026-03-04")).is_err());
    assert_eq!(clock.pauses().len(), 1);
}

#[test]
fn a_clock_survives_being_kept() {
    let mut clock = RequestClock::start(Matter::Answer, noon("2026-03-03"));
    clock.pause(PauseReason::Identity, noon("2026-03-10")).unwrap();
    clock.resume(noon("2026-03-17")).unwrap();
    clock.extend(ExtensionReason::Complexity, noon("2026-03-20"), &eu()).unwrap();
    clock.pause(PauseReason::Clarification, noon("2026-03-21")).unwrap();
    let kept = serde_json::to_string(&clock).unwrap();
    assert_eq!(serde_json::from_str::<RequestClock>(&kept).unwrap(), clock);
    assert!(kept.contains("\"identity\"") && kept.contains("\"complexity\""), "{kept}");
}

#[test]
fn warnings_that_lie_before_the_receipt_are_none() {
    let place = in_utc(regime("lgpd"), "BR");
    let received = noon("2026-03-06");
    // Three working days are five days here: 48, 24 and 8 hours before their end all come after.
    assert_eq!(place.warnings(Matter::BreachToPeople, received).unwrap().len(), 3);
    let short = "name = \"x\"\nsource = \"x\"\n[terms.answer]\narticle = \"1\"\nperiod = \"3 days\"\nwarnings = [\"7 days\", \"2 days\"]\n";
    let place = in_utc(bailee_rights::clock::Regime::parse(short).unwrap(), "-");
    assert_eq!(place.warnings(Matter::Answer, received).unwrap().len(), 1);
}

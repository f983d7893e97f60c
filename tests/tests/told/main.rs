//! What providers tell of their own accord: that it is theirs, that it is done once and to whom it
//! is about alone, and what each of them is answered.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

#[macro_use]
mod table;

mod deaths;
mod discord;
mod github;
mod google;
mod hubspot;
mod instagram;
mod jira;
mod linear;
mod proofs;
mod repeats;
mod scene;
mod secrets;
mod shopify;
mod slack;
mod stripe;
mod tiktok;
mod x;
mod zoom;

use bailee::SignalOutcome;

/// The status and the body of an answer to what was kept.
fn kept(taken: &bailee::TakenSignal) -> (u16, &str) {
    assert!(matches!(taken.outcome, SignalOutcome::Kept), "{:?}", taken.outcome);
    (taken.answer.status().as_u16(), taken.answer.body())
}

/// The same of what says nothing that matters here.
fn ignored(taken: &bailee::TakenSignal) -> (u16, &str) {
    assert!(matches!(taken.outcome, SignalOutcome::Ignored), "{:?}", taken.outcome);
    (taken.answer.status().as_u16(), taken.answer.body())
}

/// The same of what is refused, with the word for it.
fn refused(taken: &bailee::TakenSignal) -> (&'static str, u16, &str) {
    let SignalOutcome::Refused(word) = taken.outcome else { panic!("{:?}", taken.outcome) };
    (word, taken.answer.status().as_u16(), taken.answer.body())
}

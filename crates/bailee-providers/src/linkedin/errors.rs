//! What LinkedIn's errors mean beyond the table in `spec.toml`.

use std::time::Duration;

use crate::{
    answer::Answer,
    failure::{ErrorRow, Failure, FailureKind},
    retry_after,
    rfc::classify,
    scan::Object,
    spec::{LimitScope, SpecFacts},
};

const DAY: i64 = 86_400;
const DUPLICATE: ErrorRow = ErrorRow::new("DUPLICATE_POST", FailureKind::InvalidInput);
const VERSION: ErrorRow = ErrorRow::new("NONEXISTENT_VERSION", FailureKind::ClientConfiguration);

/// What an answer of the API means.
pub(super) fn classify(spec: &SpecFacts, answer: &Answer) -> Option<Failure> {
    match answer.status.as_u16() {
        409 | 422 if says(answer, "duplicate") => Some(DUPLICATE.failure()),
        426 => Some(VERSION.failure()),
        429 => Some(of_the_day(answer)),
        _ => classify::answer(spec, answer),
    }
}

/// A limit, which lasts until midnight UTC unless the answer says otherwise.
fn of_the_day(answer: &Answer) -> Failure {
    let left = DAY - answer.now.as_seconds().rem_euclid(DAY);
    let midnight = Duration::from_secs(left.unsigned_abs());
    let wait = retry_after::retry_after(answer).unwrap_or(midnight);
    // The application's own day is told by words alone.
    let whole = says(answer, "throttle application day");
    Failure::new(FailureKind::RateLimited)
        .with_retry_after(wait)
        .with_scope(whole.then_some(LimitScope::Registration))
}

fn says(answer: &Answer, words: &str) -> bool {
    answer.is_json()
        && Object::parse(&answer.body)
            .ok()
            .and_then(|document| document.get("message").ok().flatten()?.text())
            .is_some_and(|message| message.to_ascii_lowercase().contains(words))
}

/// What a refresh is told where its token is dead: one of two codes.
pub(super) fn of_refresh(_: &SpecFacts, answer: &Answer) -> Option<Failure> {
    let dead = answer.status.as_u16() == 400
        && answer.is_json()
        && Object::parse(&answer.body)
            .ok()
            .and_then(|document| document.string("error").ok().flatten())
            .is_some_and(|code| code.as_slice() == b"invalid_request");
    dead.then(|| FailureKind::GrantOver.into())
}

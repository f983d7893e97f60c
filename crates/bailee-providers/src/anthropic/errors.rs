//! What Anthropic's answers mean beyond the table in `spec.toml`: overload, unpaid bills under
//! another name, and its own words for waits.

use std::time::Duration;

use http::StatusCode;

use crate::{
    answer::Answer,
    failure::{Failure, FailureKind},
    retry_after,
    rfc::classify,
    scan::Object,
    spec::SpecFacts,
};

/// How long an overload is waited for where the answer does not say.
const OVERLOAD: Duration = Duration::from_secs(30);

/// What an answer of the API means.
pub(super) fn classify(spec: &SpecFacts, answer: &Answer) -> Option<Failure> {
    let failure = classify::answer(spec, answer)?;
    let asked = retry_after::retry_after(answer).or_else(|| milliseconds(answer));
    Some(match answer.status.as_u16() {
        402 => Failure { kind: FailureKind::ClientConfiguration, ..failure },
        404 => Failure { kind: FailureKind::ClientConfiguration, ..failure },
        409 => Failure { kind: FailureKind::Unavailable, ..failure }.with_retry_after(asked),
        // An account without credit is sometimes told so by a 400.
        400 if is_about_money(answer) => FailureKind::ClientConfiguration.into(),
        429 => {
            let wait = asked.or(failure.retry_after);
            failure.with_retry_after(wait)
        }
        529 => failure.with_retry_after(asked.unwrap_or(OVERLOAD)),
        500..=599 => failure.with_retry_after(asked),
        _ if passes(answer) => Failure::new(FailureKind::Unavailable).with_retry_after(asked),
        _ => failure,
    })
}

/// Whether the provider says that the same request may succeed, where its status does not.
fn passes(answer: &Answer) -> bool {
    let about_the_key = matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    !about_the_key
        && !answer.status.is_success()
        && answer.header("x-should-retry").is_some_and(|word| word.eq_ignore_ascii_case("true"))
}

/// `retry-after-ms`, in whole milliseconds or with a part.
fn milliseconds(answer: &Answer) -> Option<Duration> {
    let number: f64 = answer.header("retry-after-ms")?.trim().parse().ok()?;
    if !number.is_finite() {
        return None;
    }
    Duration::try_from_secs_f64((number / 1000.0).max(0.0)).ok()
}

/// The message is looked at here and kept nowhere.
fn is_about_money(answer: &Answer) -> bool {
    let message = || -> Option<bool> {
        let document = Object::parse(&answer.body).ok()?;
        let message = document.object("error").ok()??.string("message").ok()??;
        let text = std::str::from_utf8(&message).ok()?.to_ascii_lowercase();
        Some(["credit balance", "spend limit", "usage limits"].iter().any(|w| text.contains(w)))
    };
    answer.is_json() && message().unwrap_or(false)
}

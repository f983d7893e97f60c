//! X's problems, and what they mean.

use std::time::Duration;

use bailee_core::Timestamp;

use crate::{
    answer::Answer,
    failure::{ErrorRow, Failure, FailureKind},
    rfc::{classify, malformed, oauth_error},
    scan::Object,
    spec::{LimitScope, SpecFacts},
};

/// The types of problems, by the end of their address.
const PROBLEMS: &[ErrorRow] = &[
    ErrorRow::new("client-forbidden", FailureKind::ClientConfiguration),
    ErrorRow::new("disallowed-resource", FailureKind::Blocked),
    ErrorRow::new("internal-error", FailureKind::Unavailable),
    ErrorRow::new("invalid-request", FailureKind::InvalidInput),
    ErrorRow::new("not-authorized-for-resource", FailureKind::Blocked),
    ErrorRow::new("rate-limit-exceeded", FailureKind::RateLimited),
    ErrorRow::new("resource-not-found", FailureKind::InvalidInput),
    ErrorRow::new("resource-unavailable", FailureKind::Blocked),
    // A token of the application where one of a person is needed.
    ErrorRow::new("unsupported-authentication", FailureKind::ClientConfiguration),
    // What the application may use in a month.
    ErrorRow::new("usage-capped", FailureKind::ClientConfiguration),
];

/// The numbers that gateways answer with.
const NUMBERS: &[ErrorRow] = &[
    // The account is suspended, or locked until its owner shows who they are.
    ErrorRow::new("64", FailureKind::Blocked),
    ErrorRow::new("326", FailureKind::Blocked),
];

/// What is told by the words of a problem alone.
const DUPLICATE: ErrorRow = ErrorRow::new("duplicate-content", FailureKind::InvalidInput);

/// What the token endpoint says where a code or a refresh token is not good: `invalid_request`, and
/// a text that names the value.
pub(super) fn of_token(spec: &SpecFacts, answer: &Answer) -> Option<Failure> {
    (oauth_error::by_status(spec, answer).is_none() && is_dead(answer))
        .then(|| FailureKind::GrantOver.into())
}

/// Whether an answer of an OAuth endpoint says that the token or the code that it was given is
/// dead: "Value passed for the token was invalid."
pub(super) fn is_dead(answer: &Answer) -> bool {
    if !answer.is_json() {
        return false;
    }
    let Ok(document) = Object::parse(&answer.body) else { return false };
    let text = |name: &str| document.string(name).ok().flatten();
    let named = text("error_description").is_some_and(|text| {
        std::str::from_utf8(&text)
            .ok()
            .and_then(|text| text.strip_prefix("Value passed for the "))
            .and_then(|text| text.trim_end_matches('.').strip_suffix(" was invalid"))
            .is_some_and(|value| {
                value.ends_with("token") || value == "authorization code" || value == "code"
            })
    });
    named && text("error").is_some_and(|code| code.as_slice() == b"invalid_request")
}

/// What an answer of the API means.
pub(super) fn classify(spec: &SpecFacts, answer: &Answer) -> Option<Failure> {
    let document = answer.is_json().then(|| Object::parse(&answer.body).ok()).flatten();
    let stated = document.as_ref().and_then(stated);
    if answer.status.is_success() {
        let document = document?;
        // Problems beside data are about a part that nobody asked for here.
        let has = |name: &str| matches!(document.get(name), Ok(Some(_)));
        return (!has("data") && (has("errors") || has("type")))
            .then(|| stated.unwrap_or_else(malformed));
    }
    let by_status = oauth_error::by_status(spec, answer);
    match (answer.status.as_u16(), stated) {
        // A cap is no limit that passes, though it comes as one.
        (429, Some(failure)) if failure.kind == FailureKind::ClientConfiguration => Some(failure),
        (429, _) => by_status.map(|failure| of_the_day(answer, failure)),
        (402, _) => Some(FailureKind::ClientConfiguration.into()),
        (403 | 400, Some(failure)) => Some(failure),
        _ => by_status.or_else(|| classify::answer(spec, answer)),
    }
}

/// The failure that a document states, where it is one of the table: the document itself, or the
/// first of its list.
fn stated(document: &Object<'_>) -> Option<Failure> {
    let at = |place: &str| document.pointer(place).ok().flatten();
    let number = at("/errors/0/code")
        .and_then(|code| code.id_text())
        .and_then(|code| ErrorRow::find(NUMBERS, code.as_bytes()));
    let duplicate = ["/detail", "/errors/0/detail", "/errors/0/message"]
        .into_iter()
        .filter_map(|place| at(place)?.text())
        .any(|words| words.to_ascii_lowercase().contains("duplicate content"));
    let of_type = || {
        ["/type", "/errors/0/type"].into_iter().find_map(|place| {
            let address = at(place)?.text()?;
            let (_, kind) = address.rsplit_once("/problems/")?;
            ErrorRow::find(PROBLEMS, kind.as_bytes())
        })
    };
    match number {
        Some(row) => Some(row.failure()),
        None if duplicate => Some(DUPLICATE.failure()),
        None => of_type().map(ErrorRow::failure),
    }
}

/// A limit, which may be that of a day: for the person, or for the whole application.
fn of_the_day(answer: &Answer, failure: Failure) -> Failure {
    for (whose, scope) in [("app", LimitScope::Registration), ("user", LimitScope::Account)] {
        let number = |what: &str| -> Option<i64> {
            answer.header(&format!("x-{whose}-limit-24hour-{what}"))?.trim().parse().ok()
        };
        if number("remaining").is_some_and(|remaining| remaining <= 0) {
            let reset = number("reset").map(|at| Timestamp::from_seconds(at).since(answer.now));
            let wait = reset.filter(|wait| !wait.is_zero()).unwrap_or(HOUR);
            return failure.with_retry_after(wait).with_scope(scope);
        }
    }
    failure
}

const HOUR: Duration = Duration::from_secs(3600);

//! Zoom's numbers, and what they mean.

use crate::{
    answer::Answer,
    failure::{ErrorRow, Failure, FailureKind},
    rfc::{classify, malformed, oauth_error},
    scan::Object,
    spec::SpecFacts,
};

/// The numbers in `reason` at the OAuth endpoints.
const NUMBERS: &[ErrorRow] = &[
    ErrorRow::new("4700", FailureKind::ClientConfiguration),
    ErrorRow::new("4702", FailureKind::ClientConfiguration),
    ErrorRow::new("4704", FailureKind::ClientConfiguration),
    ErrorRow::new("4705", FailureKind::ClientConfiguration),
    ErrorRow::new("4706", FailureKind::ClientConfiguration),
    ErrorRow::new("4709", FailureKind::ClientConfiguration),
    ErrorRow::new("4711", FailureKind::GrantOver),
    ErrorRow::new("4717", FailureKind::ClientConfiguration),
    ErrorRow::new("4724", FailureKind::GrantOver),
    ErrorRow::new("4732", FailureKind::Unavailable),
    ErrorRow::new("4733", FailureKind::GrantOver),
    ErrorRow::new("4734", FailureKind::GrantOver),
    ErrorRow::new("4735", FailureKind::GrantOver),
    ErrorRow::new("4737", FailureKind::GrantOver),
    ErrorRow::new("4738", FailureKind::GrantOver),
    ErrorRow::new("4740", FailureKind::GrantOver),
    ErrorRow::new("4741", FailureKind::GrantOver),
];

/// The numbers by which the API says that the token lacks a scope.
const SCOPE_MISSING: &[ErrorRow] = &[
    ErrorRow::new("4700", FailureKind::ScopeMissing),
    ErrorRow::new("4711", FailureKind::ScopeMissing),
];

/// What the token endpoint says of a dead refresh token, under one code or another.
const DEAD: &[u8] = b"Invalid Token!";

/// What a number in the answer of an OAuth endpoint means. None where there is none: then the
/// status and the code say it.
pub(super) fn by_number(spec: &SpecFacts, answer: &Answer) -> Option<Failure> {
    let reason = reason(spec, answer)?;
    reason
        .split(|byte| !byte.is_ascii_digit())
        .find_map(|number| ErrorRow::find(NUMBERS, number))
        .map(ErrorRow::failure)
}

/// The same at a refresh, where a dead token may come without a number.
pub(super) fn of_refresh(spec: &SpecFacts, answer: &Answer) -> Option<Failure> {
    let dead = || reason(spec, answer).is_some_and(|reason| reason.as_slice() == DEAD);
    by_number(spec, answer).or_else(|| dead().then(|| FailureKind::GrantOver.into()))
}

fn reason(spec: &SpecFacts, answer: &Answer) -> Option<zeroize::Zeroizing<Vec<u8>>> {
    if oauth_error::by_status(spec, answer).is_some() || !answer.is_json() {
        return None;
    }
    Object::parse(&answer.body).ok()?.string("reason").ok().flatten()
}

/// What an answer of the API means: the status first, because the same number stands for several
/// things; of the numbers those alone that the status does not tell.
pub(super) fn classify(spec: &SpecFacts, answer: &Answer) -> Option<Failure> {
    if let Some(failure) = oauth_error::by_status(spec, answer) {
        return Some(failure);
    }
    let document = answer.is_json().then(|| Object::parse(&answer.body).ok()).flatten();
    let number = document
        .as_ref()
        .and_then(|document| document.get("code").ok().flatten())
        .and_then(|code| code.id_text());
    if answer.status.is_success() {
        let told =
            document.is_some_and(|document| document.string("message").ok().flatten().is_some());
        return (number.is_some() && told).then(malformed);
    }
    number
        .filter(|_| matches!(answer.status.as_u16(), 400 | 401 | 403))
        .and_then(|number| ErrorRow::find(SCOPE_MISSING, number.as_bytes()))
        .map(ErrorRow::failure)
        .or_else(|| classify::answer(spec, answer))
}

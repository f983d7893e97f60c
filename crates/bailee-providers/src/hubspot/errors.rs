//! What HubSpot's answers mean (error handling, usage guidelines).

use std::time::Duration;

use bailee_core::ProviderCode;

use crate::{
    answer::Answer,
    failure::{ErrorRow, Failure, FailureKind},
    retry_after,
    rfc::{classify, oauth_error},
    scan::Object,
    spec::{LimitScope, SpecFacts},
};

/// What `status` says beside the RFC's `error`.
const OAUTH: &[ErrorRow] = &[
    ErrorRow::new("BAD_AUTH_CODE", FailureKind::GrantOver),
    ErrorRow::new("BAD_CLIENT_ID", FailureKind::ClientConfiguration),
    ErrorRow::new("BAD_CLIENT_SECRET", FailureKind::ClientConfiguration),
    ErrorRow::new("BAD_REFRESH_TOKEN", FailureKind::GrantOver),
    ErrorRow::new("EXPIRED_AUTH_CODE", FailureKind::GrantOver),
    ErrorRow::new("MISMATCH_REDIRECT_URI_AUTH_CODE", FailureKind::ClientConfiguration),
];

const CATEGORIES: &[ErrorRow] = &[
    ErrorRow::new("BANNED", FailureKind::Blocked),
    ErrorRow::new("CONFLICT", FailureKind::InvalidInput),
    ErrorRow::new("EXPIRED_AUTHENTICATION", FailureKind::AccessRejected),
    ErrorRow::new("INVALID_AUTHENTICATION", FailureKind::AccessRejected),
    ErrorRow::new("MISSING_SCOPES", FailureKind::ScopeMissing),
    ErrorRow::new("OBJECT_NOT_FOUND", FailureKind::InvalidInput),
    ErrorRow::new("VALIDATION_ERROR", FailureKind::InvalidInput),
];

/// The least wait for an account that is locked.
const LOCKED: Duration = Duration::from_secs(2);
/// The wait for an account that is being moved, where none is stated. It can take a day.
const MOVING: Duration = Duration::from_secs(3600);

/// What an error of the OAuth endpoints means by its `status`. The others are the RFC's.
pub(super) fn judge(spec: &SpecFacts, answer: &Answer) -> Option<Failure> {
    if !answer.status.is_client_error() || oauth_error::by_status(spec, answer).is_some() {
        return None;
    }
    member(answer, "status")
        .and_then(|status| ErrorRow::find(OAUTH, &status))
        .map(ErrorRow::failure)
}

/// What passes, at any address.
pub(super) fn passing(spec: &SpecFacts, answer: &Answer) -> Option<Failure> {
    matches!(answer.status.as_u16(), 423 | 429 | 477).then(|| classify(spec, answer)).flatten()
}

/// What an answer of the API means.
pub(super) fn classify(spec: &SpecFacts, answer: &Answer) -> Option<Failure> {
    let asked = retry_after::retry_after(answer);
    match answer.status.as_u16() {
        423 => Some(unavailable("locked", asked.unwrap_or(LOCKED).max(LOCKED))),
        429 => {
            let policy = member(answer, "policyName");
            let wait = match policy.as_ref().map(|policy| policy.as_slice()) {
                // Until midnight of the account; what can be said of it is an hour.
                Some(b"DAILY") => Duration::from_secs(3600),
                Some(b"SECONDLY") => Duration::from_secs(1),
                _ => spec.rate_limit.wait.unwrap_or(Duration::from_secs(10)),
            };
            let failure = Failure::new(FailureKind::RateLimited).with_scope(LimitScope::Account);
            Some(failure.with_retry_after(asked.unwrap_or(wait)))
        }
        477 => Some(unavailable("moving", asked.unwrap_or(MOVING))),
        400..=499 => {
            let failure = classify::answer(spec, answer)?;
            let row = member(answer, "category")
                .and_then(|category| ErrorRow::find(CATEGORIES, &category));
            // A category that contradicts the status of a token's refusal does not undo it.
            Some(match row {
                Some(row) if failure.kind != FailureKind::AccessRejected => row.failure(),
                Some(row) if row.kind == FailureKind::AccessRejected => row.failure(),
                _ => failure,
            })
        }
        _ => classify::answer(spec, answer),
    }
}

/// The same, where the contact that is there already is an outcome.
pub(super) fn classify_creation(spec: &SpecFacts, answer: &Answer) -> Option<Failure> {
    if answer.status.as_u16() == 409 && answer.is_json() {
        return None;
    }
    classify(spec, answer)
}

fn unavailable(code: &'static str, wait: Duration) -> Failure {
    Failure::new(FailureKind::Unavailable)
        .with_code(ProviderCode::known(code))
        .with_retry_after(wait)
}

fn member(answer: &Answer, name: &str) -> Option<zeroize::Zeroizing<Vec<u8>>> {
    let object = answer.is_json().then(|| Object::parse(&answer.body).ok()).flatten()?;
    object.string(name).ok().flatten()
}

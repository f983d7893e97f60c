//! Atlassian's codes, and what they mean (refresh tokens, rate limiting).

use crate::{
    answer::Answer,
    failure::{ErrorRow, Failure, FailureKind},
    rfc::classify,
    scan::Object,
    spec::SpecFacts,
};

/// What `RateLimit-Reason` says a limit is on. Codes of the token endpoint are the RFC's.
pub(super) const CODES: &[ErrorRow] = &[
    ErrorRow::new("jira-burst-based", FailureKind::RateLimited).of_the_account(),
    ErrorRow::new("jira-per-issue-on-write", FailureKind::RateLimited).of_the_account(),
    // The pool that all sites share.
    ErrorRow::new("jira-quota-global-based", FailureKind::RateLimited),
    ErrorRow::new("jira-quota-tenant-based", FailureKind::RateLimited).of_the_account(),
];

/// What an answer of the API means. A token that lacks a scope is no token to renew.
pub(super) fn classify(spec: &SpecFacts, answer: &Answer) -> Option<Failure> {
    let failure = classify::answer(spec, answer)?;
    Some(match answer.status.as_u16() {
        401 if lacks_scope(answer) => FailureKind::ScopeMissing.into(),
        404 => FailureKind::InvalidInput.into(),
        410 => FailureKind::Unsupported.into(),
        429 => {
            let reason = answer.header("ratelimit-reason").map(str::trim).unwrap_or_default();
            match ErrorRow::find(CODES, reason.as_bytes()) {
                Some(row) => row.failure().with_retry_after(failure.retry_after),
                None => failure,
            }
        }
        503 => failure.with_wait_of(answer),
        _ => failure,
    })
}

/// `{ "code": 401, "message": "Unauthorized; scope does not match" }`, as the gateway says it.
fn lacks_scope(answer: &Answer) -> bool {
    let object = answer.is_json().then(|| Object::parse(&answer.body).ok()).flatten();
    let message = object.and_then(|object| object.string("message").ok().flatten());
    let message = message.unwrap_or_default().to_ascii_lowercase();
    message.windows(SCOPE.len()).any(|part| part == SCOPE)
}

const SCOPE: &[u8] = b"scope does not match";

/// What a failure of the token endpoint means. `access_denied` is a wrong secret there.
pub(super) fn at_exchange(failure: Failure) -> Failure {
    let code = failure.code.as_ref().map(|code| code.as_str());
    let kind = match code {
        Some("access_denied") => FailureKind::ClientConfiguration,
        // A code that is not good, or another redirect address: the flow is to be begun anew.
        Some("invalid_request") => FailureKind::GrantOver,
        _ => failure.kind,
    };
    Failure { kind, ..failure }
}

/// The same at a refresh, where `unauthorized_client` is said of the refresh token.
pub(super) fn at_refresh(failure: Failure) -> Failure {
    let code = failure.code.as_ref().map(|code| code.as_str());
    let kind = match code {
        Some("access_denied") => FailureKind::ClientConfiguration,
        Some("unauthorized_client") => FailureKind::GrantOver,
        _ => failure.kind,
    };
    Failure { kind, ..failure }
}

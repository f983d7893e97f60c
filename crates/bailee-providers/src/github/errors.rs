//! What GitHub's answers mean (REST: troubleshooting, rate limits; OAuth: token request errors).

use std::time::Duration;

use bailee_core::ProviderCode;

use crate::{
    answer::Answer,
    failure::{ErrorRow, Failure, FailureKind},
    retry_after,
    rfc::classify,
    scan::Object,
    spec::{LimitScope, SpecFacts},
};

/// The least wait after a secondary limit that does not say how long.
const MINUTE: Duration = Duration::from_secs(60);

/// The codes of the token endpoint, which come with status 200, and of callbacks.
pub(super) const CODES: &[ErrorRow] = &[
    ErrorRow::new("application_suspended", FailureKind::ClientConfiguration),
    ErrorRow::new("bad_refresh_token", FailureKind::GrantOver),
    ErrorRow::new("bad_verification_code", FailureKind::GrantOver),
    ErrorRow::new("incorrect_client_credentials", FailureKind::ClientConfiguration),
    ErrorRow::new("redirect_uri_mismatch", FailureKind::ClientConfiguration),
    ErrorRow::new("unverified_user_email", FailureKind::Blocked),
];

/// What an answer of the API means: limits first, since they come with 403 as well, then what the
/// headers say of scopes and single sign-on, then the status.
pub(super) fn classify(spec: &SpecFacts, answer: &Answer) -> Option<Failure> {
    let status = answer.status.as_u16();
    if !matches!(status, 403 | 404 | 410 | 422 | 429) {
        return classify::answer(spec, answer);
    }
    if let Some(failure) = limited(spec, answer) {
        return Some(failure);
    }
    let known =
        |kind, code: &'static str| Some(Failure::new(kind).with_code(ProviderCode::known(code)));
    match status {
        403 if answer.header("x-github-sso").is_some_and(|value| value.starts_with("required")) => {
            known(FailureKind::Blocked, "sso_required")
        }
        403 if says(answer, |text| text == "Resource not accessible by integration") => {
            known(FailureKind::ClientConfiguration, "permission_missing")
        }
        403 | 404 if lacks_scope(spec, answer) => known(FailureKind::ScopeMissing, "scope_missing"),
        410 => known(FailureKind::Blocked, "gone"),
        422 if says(answer, |text| text.contains("spammed")) => {
            known(FailureKind::Blocked, "spammed")
        }
        422 => known(FailureKind::InvalidInput, "validation_failed"),
        _ => classify::answer(spec, answer),
    }
}

/// The primary limit says that nothing remains; the secondary one says how long to wait, or that it
/// is one.
fn limited(spec: &SpecFacts, answer: &Answer) -> Option<Failure> {
    let status = answer.status.as_u16();
    if !matches!(status, 403 | 429) {
        return None;
    }
    let asked = retry_after::retry_after(answer);
    let used_up = retry_after::used_up(&spec.rate_limit, answer);
    let empty = answer.header("x-ratelimit-remaining").is_some_and(|left| left.trim() == "0");
    let secondary = || says(answer, |text| text.contains("secondary rate limit"));
    if status == 403 && asked.is_none() && !empty && !secondary() {
        return None;
    }
    let wait = asked.or(used_up).unwrap_or(MINUTE);
    Some(
        Failure::new(FailureKind::RateLimited)
            .with_retry_after(wait)
            .with_scope(LimitScope::Account),
    )
}

/// Whether the token has none of the scopes that the answer says would do. Something private looks
/// like something that is not there.
fn lacks_scope(spec: &SpecFacts, answer: &Answer) -> bool {
    let list = |name| -> Option<Vec<bailee_core::ScopeName>> {
        let scopes = answer.header(name)?.split(',').map(str::trim);
        Some(scopes.filter_map(|scope| bailee_core::ScopeName::new(scope).ok()).collect())
    };
    // Tokens of a GitHub App have no such header.
    let (Some(granted), Some(accepted)) = (list("x-oauth-scopes"), list("x-accepted-oauth-scopes"))
    else {
        return false;
    };
    let enough = |scope| granted.contains(scope) || spec.scopes.cover(&granted, scope);
    !accepted.is_empty() && !accepted.iter().any(enough)
}

/// Whether the message is one that is known. It ends here.
fn says(answer: &Answer, known: impl FnOnce(&str) -> bool) -> bool {
    let object = answer.is_json().then(|| Object::parse(&answer.body).ok()).flatten();
    let message = object.and_then(|object| object.string("message").ok().flatten());
    message.is_some_and(|text| std::str::from_utf8(&text).is_ok_and(known))
}

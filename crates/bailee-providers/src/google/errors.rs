//! Google's codes and reasons, and what they mean (OAuth, Gmail, Calendar, Drive).

use std::time::Duration;

use zeroize::Zeroizing;

use crate::{
    answer::Answer,
    failure::{ErrorRow, Failure, FailureKind},
    rfc::{classify, malformed, oauth_error},
    scan::{Object, Value},
    spec::SpecFacts,
};

const MINUTE: Duration = Duration::from_secs(60);
/// The longest wait that is passed on; a day is longer.
const HOUR: Duration = Duration::from_secs(3600);

/// The codes of the OAuth endpoints that the RFCs do not have, and the reasons of the APIs.
pub(super) const CODES: &[ErrorRow] = &[
    // Authorization and token endpoints.
    ErrorRow::new("admin_policy_enforced", FailureKind::Blocked),
    ErrorRow::new("deleted_client", FailureKind::ClientConfiguration),
    ErrorRow::new("disallowed_useragent", FailureKind::ClientConfiguration),
    ErrorRow::new("invalid_rapt", FailureKind::GrantOver),
    ErrorRow::new("org_internal", FailureKind::Blocked),
    ErrorRow::new("redirect_uri_mismatch", FailureKind::ClientConfiguration),
    // Reasons of the APIs, in both of their spellings.
    ErrorRow::new("ACCESS_TOKEN_SCOPE_INSUFFICIENT", FailureKind::ScopeMissing),
    ErrorRow::new("RATE_LIMIT_EXCEEDED", FailureKind::RateLimited).waiting(MINUTE),
    ErrorRow::new("RESOURCE_EXHAUSTED", FailureKind::RateLimited).waiting(MINUTE),
    ErrorRow::new("SERVICE_DISABLED", FailureKind::ClientConfiguration),
    ErrorRow::new("UNAUTHENTICATED", FailureKind::AccessRejected),
    ErrorRow::new("accessNotConfigured", FailureKind::ClientConfiguration),
    ErrorRow::new("appNotAuthorizedToFile", FailureKind::Blocked),
    ErrorRow::new("authError", FailureKind::AccessRejected),
    ErrorRow::new("backendError", FailureKind::Unavailable),
    ErrorRow::new("dailyLimitExceeded", FailureKind::RateLimited).waiting(HOUR),
    ErrorRow::new("domainPolicy", FailureKind::Blocked),
    ErrorRow::new("forbiddenForNonOrganizer", FailureKind::Blocked),
    ErrorRow::new("fullSyncRequired", FailureKind::InvalidInput),
    ErrorRow::new("insufficientPermissions", FailureKind::ScopeMissing),
    ErrorRow::new("notFound", FailureKind::InvalidInput),
    ErrorRow::new("quotaExceeded", FailureKind::RateLimited).waiting(HOUR),
    ErrorRow::new("rateLimitExceeded", FailureKind::RateLimited).waiting(MINUTE),
    ErrorRow::new("storageQuotaExceeded", FailureKind::Blocked),
    ErrorRow::new("updatedMinTooLongAgo", FailureKind::InvalidInput),
    ErrorRow::new("userRateLimitExceeded", FailureKind::RateLimited)
        .waiting(MINUTE)
        .of_the_account(),
];

/// What an answer of an API means: the status where it decides, then the reasons in the body, the
/// most specific one first, then the header and the status. An error is one whatever its status.
pub(super) fn classify(spec: &SpecFacts, answer: &Answer) -> Option<Failure> {
    let success = answer.status.is_success();
    if success && !states_an_error(answer) {
        return None;
    }
    if let Some(failure) = oauth_error::by_status(spec, answer) {
        return Some(failure);
    }
    let known = reasons(answer).iter().find_map(|reason| ErrorRow::find(&spec.errors, reason));
    match known.map(|row| row.failure().with_wait_of(answer)) {
        // `invalid_request` and the like are about the call here, not about the registration.
        Some(failure) if !is_of_the_token_endpoint(&failure) => Some(failure),
        _ if success => Some(malformed()),
        _ => classify::answer(spec, answer),
    }
}

fn states_an_error(answer: &Answer) -> bool {
    answer.is_json()
        && Object::parse(&answer.body)
            .is_ok_and(|document| !matches!(document.get("error"), Ok(None | Some(Value::Null))))
}

fn is_of_the_token_endpoint(failure: &Failure) -> bool {
    let code = failure.code.as_ref().map(bailee_core::ProviderCode::as_str);
    code.is_some_and(|code| !CODES.iter().any(|row| row.code == code))
}

/// The reasons that a body names: those of `errors`, those of `details`, the status.
fn reasons(answer: &Answer) -> Vec<Zeroizing<Vec<u8>>> {
    let mut found = Vec::new();
    if !answer.is_json() {
        return found;
    }
    let Ok(document) = Object::parse(&answer.body) else { return found };
    let Ok(Some(error)) = document.object("error") else { return found };
    for list in ["errors", "details"] {
        let elements = error.get(list).ok().flatten().and_then(|value| value.elements());
        for element in elements.unwrap_or_default().iter().filter_map(Value::object) {
            found.extend(element.string("reason").ok().flatten());
        }
    }
    found.extend(error.string("status").ok().flatten());
    found
}

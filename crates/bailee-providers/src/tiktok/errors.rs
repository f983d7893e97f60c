//! TikTok's codes, and what they mean (API error handling, direct post, video status).

use std::time::Duration;

use crate::{
    answer::Answer,
    failure::{ErrorRow, Failure, FailureKind},
    rfc::{classify, malformed, oauth_error},
    scan::Object,
    spec::SpecFacts,
};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// The codes of the API. Those of the OAuth endpoints are the RFC's.
pub(super) const CODES: &[ErrorRow] = &[
    ErrorRow::new("access_token_invalid", FailureKind::AccessRejected),
    ErrorRow::new("internal_error", FailureKind::Unavailable),
    ErrorRow::new("invalid_file_upload", FailureKind::InvalidInput),
    ErrorRow::new("invalid_params", FailureKind::InvalidInput),
    ErrorRow::new("invalid_publish_id", FailureKind::InvalidInput),
    ErrorRow::new("privacy_level_option_mismatch", FailureKind::InvalidInput),
    ErrorRow::new("rate_limit_exceeded", FailureKind::RateLimited).waiting(MINUTE),
    ErrorRow::new("reached_active_user_cap", FailureKind::ClientConfiguration),
    ErrorRow::new("scope_not_authorized", FailureKind::ScopeMissing),
    ErrorRow::new("scope_permission_missed", FailureKind::ClientConfiguration),
    ErrorRow::new("spam_risk", FailureKind::Blocked),
    // What an account may do in a day: an hour is the longest wait that is passed on.
    ErrorRow::new("spam_risk_too_many_pending_share", FailureKind::RateLimited)
        .waiting(HOUR)
        .of_the_account(),
    ErrorRow::new("spam_risk_too_many_posts", FailureKind::RateLimited)
        .waiting(HOUR)
        .of_the_account(),
    ErrorRow::new("spam_risk_user_banned_from_posting", FailureKind::Blocked),
    ErrorRow::new("token_not_authorized_for_specified_publish_id", FailureKind::InvalidInput),
    ErrorRow::new(
        "unaudited_client_can_only_post_to_private_accounts",
        FailureKind::ClientConfiguration,
    ),
    ErrorRow::new("url_ownership_unverified", FailureKind::ClientConfiguration),
];

/// Why a post failed after it was accepted (`fail_reason`).
pub(super) const FAIL_REASONS: &[ErrorRow] = &[
    ErrorRow::new("auth_removed", FailureKind::GrantOver),
    ErrorRow::new("duration_check_failed", FailureKind::InvalidInput),
    ErrorRow::new("file_format_check_failed", FailureKind::InvalidInput),
    ErrorRow::new("frame_rate_check_failed", FailureKind::InvalidInput),
    ErrorRow::new("internal", FailureKind::Unavailable),
    ErrorRow::new("photo_pull_failed", FailureKind::Unavailable),
    ErrorRow::new("picture_size_check_failed", FailureKind::InvalidInput),
    ErrorRow::new("publish_cancelled", FailureKind::PersonRefused),
    ErrorRow::new("spam_risk", FailureKind::Blocked),
    ErrorRow::new("spam_risk_text", FailureKind::Blocked),
    ErrorRow::new("spam_risk_too_many_posts", FailureKind::RateLimited)
        .waiting(HOUR)
        .of_the_account(),
    ErrorRow::new("spam_risk_user_banned_from_posting", FailureKind::Blocked),
    ErrorRow::new("video_pull_failed", FailureKind::Unavailable),
];

/// What an answer of the API means: the status where it decides, then the code in the envelope,
/// which is `ok` for a success.
pub(super) fn classify(spec: &SpecFacts, answer: &Answer) -> Option<Failure> {
    if let Some(failure) = oauth_error::by_status(spec, answer) {
        return Some(failure);
    }
    let success = answer.status.is_success();
    let by_status = || if success { Some(malformed()) } else { classify::answer(spec, answer) };
    if !answer.is_json() {
        return by_status();
    }
    let Ok(envelope) = Object::parse(&answer.body) else { return by_status() };
    let code = match envelope.object("error") {
        Ok(Some(error)) => error.string("code").ok().flatten(),
        // Gateways in front of the API answer in the form of the OAuth endpoints.
        Ok(None) | Err(_) => envelope.string("error").ok().flatten(),
    };
    match code {
        Some(code) if code.as_slice() == b"ok" || code.is_empty() => {
            if success {
                None
            } else {
                by_status()
            }
        }
        Some(code) => match ErrorRow::find(&spec.errors, &code) {
            Some(row) => Some(row.failure()),
            None => by_status(),
        },
        None if success && matches!(envelope.get("data"), Ok(Some(_))) => None,
        None => by_status(),
    }
}

/// What a `fail_reason` means. One that is not in the table says nothing but that it failed.
pub(super) fn failed_for(reason: Option<&str>) -> Failure {
    reason
        .and_then(|reason| ErrorRow::find(FAIL_REASONS, reason.as_bytes()))
        .map_or(Failure::new(FailureKind::Blocked), ErrorRow::failure)
}

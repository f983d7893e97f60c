//! Slack's codes, and what they mean (the error tables of the methods in `spec.toml`).

use std::time::Duration;

use crate::{
    answer::Answer,
    failure::{ErrorRow, Failure, FailureKind},
    rfc::{classify, malformed, oauth_error},
    scan::{Object, Value},
    spec::SpecFacts,
};

const MINUTE: Duration = Duration::from_secs(60);

/// The codes of the OAuth endpoints and of the Web API: there is one list for both.
pub(super) const CODES: &[ErrorRow] = &[
    ErrorRow::new("accesslimited", FailureKind::Unavailable).waiting(MINUTE),
    ErrorRow::new("account_inactive", FailureKind::GrantOver),
    ErrorRow::new("bad_client_secret", FailureKind::ClientConfiguration),
    ErrorRow::new("bad_redirect_uri", FailureKind::ClientConfiguration),
    ErrorRow::new("channel_not_found", FailureKind::InvalidInput),
    ErrorRow::new("client_id_token_mismatch", FailureKind::ClientConfiguration),
    ErrorRow::new("code_already_used", FailureKind::GrantOver),
    ErrorRow::new("fatal_error", FailureKind::Unavailable),
    ErrorRow::new("internal_error", FailureKind::Unavailable),
    ErrorRow::new("invalid_arg_name", FailureKind::InvalidInput),
    ErrorRow::new("invalid_arguments", FailureKind::InvalidInput),
    // Tokens that ran out and tokens that are nobody's are not always told apart: a refresh says
    // which it is.
    ErrorRow::new("invalid_auth", FailureKind::AccessRejected),
    ErrorRow::new("invalid_blocks", FailureKind::InvalidInput),
    ErrorRow::new("invalid_client_id", FailureKind::ClientConfiguration),
    ErrorRow::new("invalid_code", FailureKind::GrantOver),
    ErrorRow::new("invalid_cursor", FailureKind::InvalidInput),
    ErrorRow::new("invalid_grant_type", FailureKind::ClientConfiguration),
    ErrorRow::new("invalid_json", FailureKind::InvalidInput),
    ErrorRow::new("invalid_refresh_token", FailureKind::GrantOver),
    ErrorRow::new("is_archived", FailureKind::InvalidInput),
    ErrorRow::new("missing_scope", FailureKind::ScopeMissing),
    ErrorRow::new("msg_too_long", FailureKind::InvalidInput),
    ErrorRow::new("no_permission", FailureKind::ScopeMissing),
    ErrorRow::new("no_text", FailureKind::InvalidInput),
    ErrorRow::new("not_allowed_token_type", FailureKind::ScopeMissing),
    ErrorRow::new("not_authed", FailureKind::AccessRejected),
    ErrorRow::new("not_in_channel", FailureKind::InvalidInput),
    ErrorRow::new("oauth_authorization_url_mismatch", FailureKind::ClientConfiguration),
    ErrorRow::new("org_login_required", FailureKind::GrantOver),
    ErrorRow::new("rate_limited", FailureKind::RateLimited).waiting(MINUTE),
    ErrorRow::new("ratelimited", FailureKind::RateLimited).waiting(MINUTE),
    ErrorRow::new("request_timeout", FailureKind::Unavailable),
    ErrorRow::new("restricted_action", FailureKind::Blocked),
    ErrorRow::new("service_unavailable", FailureKind::Unavailable),
    ErrorRow::new("team_added_to_org", FailureKind::GrantOver),
    ErrorRow::new("token_expired", FailureKind::AccessRejected),
    ErrorRow::new("token_revoked", FailureKind::GrantOver),
    ErrorRow::new("too_many_attachments", FailureKind::InvalidInput),
];

/// What an answer of the Web API means: the status where it decides, then `ok` and `error`. An
/// error that is not in the table is a refusal of the call.
pub(super) fn classify(spec: &SpecFacts, answer: &Answer) -> Option<Failure> {
    if let Some(failure) = oauth_error::by_status(spec, answer) {
        return Some(failure);
    }
    let success = answer.status.is_success();
    let by_status = || if success { Some(malformed()) } else { classify::answer(spec, answer) };
    let object = answer.is_json().then(|| Object::parse(&answer.body).ok()).flatten();
    let Some(object) = object else { return by_status() };
    match object.get("ok") {
        Ok(Some(Value::Bool(true))) if success => None,
        Ok(Some(Value::Bool(false))) => {
            let code = object.string("error").ok().flatten().unwrap_or_default();
            match ErrorRow::find(&spec.errors, &code) {
                Some(row) => Some(row.failure().with_wait_of(answer)),
                None if success => Some(FailureKind::Blocked.into()),
                None => by_status(),
            }
        }
        _ => by_status(),
    }
}

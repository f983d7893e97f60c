//! The error codes that the RFCs define, and the parameters that are set here and nowhere else.

use super::vocabulary::code;
use crate::failure::{ErrorRow, FailureKind};

/// Parameters of an authorization request that neither a spec nor a caller may set.
pub(crate) const MANAGED_PARAMETERS: &[&str] = &[
    "client_id",
    "client_secret",
    "code_challenge",
    "code_challenge_method",
    "nonce",
    "redirect_uri",
    "request",
    "request_uri",
    "response_mode",
    "response_type",
    "scope",
    "state",
];

/// RFC 7009 §2.2.1.
pub(crate) const UNSUPPORTED_TOKEN_TYPE: &str = "unsupported_token_type";

/// The rows of a spec, and after them those of the RFCs, which the spec's own come before.
pub(crate) fn with_standard(mut rows: Vec<ErrorRow>) -> Vec<ErrorRow> {
    // RFC 6749 §5.2 and RFC 7009 §2.2.1, in `oauth2`'s words.
    rows.extend(
        [
            (code::invalid_client(), FailureKind::ClientConfiguration),
            (code::invalid_grant(), FailureKind::GrantOver),
            (code::invalid_request(), FailureKind::ClientConfiguration),
            (code::invalid_scope(), FailureKind::ClientConfiguration),
            (code::unauthorized_client(), FailureKind::ClientConfiguration),
            (code::unsupported_grant_type(), FailureKind::ClientConfiguration),
            (code::unsupported_token_type(), FailureKind::Unsupported),
        ]
        .map(|(code, kind)| ErrorRow::of(code, kind)),
    );
    rows.extend(OTHERS.iter().map(|(code, kind)| ErrorRow::new(code, *kind)));
    rows
}

const OTHERS: &[(&str, FailureKind)] = &[
    // RFC 6749 §4.1.2.1, in callbacks.
    ("access_denied", FailureKind::PersonRefused),
    ("server_error", FailureKind::Unavailable),
    ("temporarily_unavailable", FailureKind::Unavailable),
    ("unsupported_response_type", FailureKind::ClientConfiguration),
    // RFC 6750 §3.1.
    ("insufficient_scope", FailureKind::ScopeMissing),
    ("invalid_token", FailureKind::AccessRejected),
    // RFC 8707 §2.
    ("invalid_target", FailureKind::ClientConfiguration),
    // RFC 9449 §5 and §8: tokens bound to a key are not implemented.
    ("invalid_dpop_proof", FailureKind::Unsupported),
    ("use_dpop_nonce", FailureKind::Unsupported),
    // RFC 9470 §3.
    ("insufficient_user_authentication", FailureKind::GrantOver),
    // OpenID Connect Core §3.1.2.6: the person has to be there.
    ("account_selection_required", FailureKind::GrantOver),
    ("consent_required", FailureKind::GrantOver),
    ("interaction_required", FailureKind::GrantOver),
    ("login_required", FailureKind::GrantOver),
    ("invalid_request_object", FailureKind::ClientConfiguration),
    ("invalid_request_uri", FailureKind::ClientConfiguration),
    ("registration_not_supported", FailureKind::ClientConfiguration),
    ("request_not_supported", FailureKind::ClientConfiguration),
    ("request_uri_not_supported", FailureKind::ClientConfiguration),
];

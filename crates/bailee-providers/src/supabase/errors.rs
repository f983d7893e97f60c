//! What Supabase's answers mean (Management API: introduction, errors).

use bailee_core::ProviderCode;
use http::StatusCode;

use crate::{
    answer::Answer,
    failure::{Failure, FailureKind},
    rfc::classify,
    scan::Object,
    spec::SpecFacts,
};

/// What an answer of the API means. A 403 does not say whether the application's scopes or the
/// person's role are missing.
pub(super) fn classify(spec: &SpecFacts, answer: &Answer) -> Option<Failure> {
    let known =
        |kind, code: &'static str| Some(Failure::new(kind).with_code(ProviderCode::known(code)));
    match answer.status {
        StatusCode::PAYMENT_REQUIRED => known(FailureKind::Blocked, "plan_limit"),
        StatusCode::FORBIDDEN => known(FailureKind::Blocked, "scope_or_role_missing"),
        _ => classify::answer(spec, answer),
    }
}

/// What an answer of the token endpoint means that has no `error` in it: a message about what was
/// presented says that the grant is over, any other one nothing that is known.
pub(super) fn judge(_: &SpecFacts, answer: &Answer) -> Option<Failure> {
    if answer.status != StatusCode::BAD_REQUEST || !answer.is_json() {
        return None;
    }
    let object = Object::parse(&answer.body).ok()?;
    if !matches!(object.get("error"), Ok(None)) {
        return None;
    }
    let message = object.string("message").ok().flatten()?;
    let message = std::str::from_utf8(&message).ok()?.to_ascii_lowercase();
    let presented = ["authorization code", "invalid grant", "invalid_grant", "refresh token"];
    presented.iter().any(|words| message.contains(words)).then(|| {
        Failure::new(FailureKind::GrantOver).with_code(ProviderCode::known("invalid_grant"))
    })
}

//! What an answer of an API means (RFC 6750 §3.1, RFC 9110 §15).

use super::www_authenticate;
use crate::{
    answer::Answer,
    failure::{ErrorRow, Failure, FailureKind},
    rfc::oauth_error,
    spec::SpecFacts,
};

/// What the answer means; none where it is a success.
pub(crate) fn answer(spec: &SpecFacts, answer: &Answer) -> Option<Failure> {
    if answer.status.is_success() {
        return None;
    }
    if let Some(failure) = oauth_error::by_status(spec, answer) {
        return Some(failure);
    }
    let challenged = www_authenticate::bearer_error(answer)
        .and_then(|code| ErrorRow::find(&spec.errors, code.as_bytes()).map(ErrorRow::failure));
    let by_status = || {
        Failure::new(match answer.status.as_u16() {
            401 => FailureKind::AccessRejected,
            403 | 451 => FailureKind::Blocked,
            _ => FailureKind::InvalidInput,
        })
    };
    // `invalid_request` is about the call here, and about the registration elsewhere.
    Some(match challenged {
        Some(failure) if failure.kind == FailureKind::ClientConfiguration => {
            Failure { kind: FailureKind::InvalidInput, ..failure }
        }
        Some(failure) => failure,
        None => by_status(),
    })
}

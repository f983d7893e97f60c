//! What an answer of an API means (RFC 6750 §3.1, RFC 9110 §15).

use super::www_authenticate;
use crate::{
    answer::Answer,
    failure::{ErrorRow, Failure, FailureKind},
    rfc::oauth_error,
    scan,
    spec::SpecFacts,
};

/// The code that a body states, where the spec says it stands.
fn stated(spec: &SpecFacts, answer: &Answer) -> Option<String> {
    if spec.error_at.is_empty() || !answer.is_json() {
        return None;
    }
    let document = scan::Value::parse(&answer.body).ok()?;
    spec.error_at.iter().find_map(|pointer| {
        document.pointer(pointer).ok().flatten().and_then(|value| value.id_text())
    })
}

/// What an answer of an API means by the facts of its spec and by the RFCs; none where it is a
/// success. It is a [`Classify`](crate::Classify).
pub fn answer(spec: &SpecFacts, answer: &Answer) -> Option<Failure> {
    let stated = stated(spec, answer);
    if answer.status.is_success() {
        return match stated {
            Some(code) if spec.errors_in_success => Some(
                ErrorRow::find(&spec.errors, code.as_bytes())
                    .map_or_else(|| FailureKind::Blocked.into(), ErrorRow::failure),
            ),
            _ => None,
        };
    }
    if let Some(failure) = oauth_error::by_status(spec, answer) {
        return Some(failure);
    }
    // A code of the table says more than the status.
    let row = stated.and_then(|code| ErrorRow::find(&spec.errors, code.as_bytes()));
    if let Some(row) = row {
        return Some(row.failure().with_wait_of(answer));
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

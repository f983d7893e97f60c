//! What an answer of an OAuth endpoint says that is no success (RFC 6749 §5.2).

use http::StatusCode;

use super::malformed;
use crate::{
    answer::Answer,
    failure::{ErrorRow, Failure, FailureKind},
    retry_after,
    scan::{Object, Value},
    spec::SpecFacts,
};

/// Judges an answer by its status, and what the status leaves open by its body. None where it is a
/// success and its body may be read.
pub(crate) fn judge(spec: &SpecFacts, answer: &Answer) -> Option<Failure> {
    let status = answer.status;
    if let Some(failure) = by_status(spec, answer) {
        return Some(failure);
    }
    if status.is_success() {
        return None;
    }
    // 4xx: the code says more than the status, if there is a known one.
    let known = answer
        .is_json()
        .then(|| Object::parse(&answer.body).ok())
        .flatten()
        .and_then(|object| in_body(spec, &object));
    Some(match known {
        Some(failure) if failure.code.is_some() => failure.with_wait_of(answer),
        // RFC 6749 §5.2: 401 is for a client that could not prove who it is.
        _ if status == StatusCode::UNAUTHORIZED => FailureKind::ClientConfiguration.into(),
        _ => malformed(),
    })
}

/// What the status alone decides: a server that is overloaded or broken says nothing about a
/// grant, whatever its body says.
pub(crate) fn by_status(spec: &SpecFacts, answer: &Answer) -> Option<Failure> {
    let wait = || retry_after::wait(&spec.rate_limit, answer);
    match answer.status.as_u16() {
        408 | 425 | 500..=599 => Some(
            Failure::new(FailureKind::Unavailable)
                .with_retry_after(retry_after::retry_after(answer)),
        ),
        429 => Some(Failure::new(FailureKind::RateLimited).with_retry_after(wait())),
        100..=199 | 300..=399 | 600.. => Some(malformed()),
        _ => None,
    }
}

/// The error that a body states, if it states one: `error` as a code, as an object with a code in
/// it, or `ok` that is `false` (TOK-02). An empty one states nothing.
pub(crate) fn in_body(spec: &SpecFacts, object: &Object<'_>) -> Option<Failure> {
    let denied = matches!(object.get("ok"), Ok(Some(Value::Bool(false))));
    let code = match object.get("error") {
        Err(_) => return Some(malformed()),
        Ok(None | Some(Value::Null)) => None,
        Ok(Some(Value::Object(_))) => {
            let inner = object.object("error").ok().flatten()?;
            Some(
                ["code", "type", "status"]
                    .iter()
                    .find_map(|name| inner.string(name).ok().flatten())
                    .unwrap_or_default(),
            )
        }
        Ok(Some(value)) => Some(value.string().unwrap_or_default())
            .filter(|code| !(code.is_empty() && matches!(value, Value::String(_)))),
    };
    match code {
        None if denied => Some(malformed()),
        None => None,
        Some(code) => {
            Some(ErrorRow::find(&spec.errors, &code).map_or_else(malformed, ErrorRow::failure))
        }
    }
}

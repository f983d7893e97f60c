//! What Asana's statuses mean (the page on errors in `spec.toml`). There are no codes.

use crate::{
    answer::Answer,
    failure::{Failure, FailureKind},
    rfc::classify,
    spec::SpecFacts,
};

/// What an answer of the API means. 402 is a feature that the workspace does not pay for, 424 a
/// fault within Asana.
pub(super) fn classify(spec: &SpecFacts, answer: &Answer) -> Option<Failure> {
    match answer.status.as_u16() {
        402 => Some(FailureKind::Blocked.into()),
        424 => Some(FailureKind::Unavailable.into()),
        _ => classify::answer(spec, answer),
    }
}

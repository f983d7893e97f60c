//! What Airtable's errors mean beyond the table in `spec.toml`.

use crate::{
    answer::Answer,
    failure::{ErrorRow, Failure, FailureKind},
    rfc::classify,
    scan::Object,
    spec::SpecFacts,
};

/// What an answer of the API means: by the table, but for a limit that does not pass.
pub(super) fn classify(spec: &SpecFacts, answer: &Answer) -> Option<Failure> {
    if answer.status.as_u16() == 429
        && let Some(row) = stated(spec, answer).filter(|row| row.kind == FailureKind::Blocked)
    {
        return Some(row.failure());
    }
    classify::answer(spec, answer)
}

fn stated<'a>(spec: &'a SpecFacts, answer: &Answer) -> Option<&'a ErrorRow> {
    if !answer.is_json() {
        return None;
    }
    let document = Object::parse(&answer.body).ok()?;
    let code =
        spec.error_at.iter().find_map(|place| document.pointer(place).ok().flatten()?.text());
    ErrorRow::find(&spec.errors, code?.as_bytes())
}

/// What a refresh is told where another one is under way: that nothing happened.
pub(super) fn of_refresh(_: &SpecFacts, answer: &Answer) -> Option<Failure> {
    (answer.status.as_u16() == 409).then(|| FailureKind::Unavailable.into())
}

//! A step that needs no conversation.

use crate::{
    failure::Failure,
    rfc::misuse,
    step::{Input, Next, Step},
};

/// A step whose outcome is known before anybody is asked. Nothing leaves.
pub(crate) struct AtOnce<T>(Option<Result<T, Failure>>);

impl<T> AtOnce<T> {
    pub(crate) fn new(outcome: Result<T, Failure>) -> Self {
        Self(Some(outcome))
    }
}

impl<T: Send> Step<T> for AtOnce<T> {
    fn next(&mut self, input: Input) -> Result<Next<T>, Failure> {
        match (input, self.0.take()) {
            (Input::Start, Some(outcome)) => outcome.map(Next::Done),
            _ => Err(misuse()),
        }
    }
}

//! Publications that a former process began.

use bailee_core::Timestamp;

use crate::{
    context::Context,
    failure::Failure,
    operation::OperationFacts,
    publish::{MediaFacts, Progress, Publish, PublishNext},
    step::Input,
};

type NextOf = fn(&Context<'_>, &Progress, Input) -> Result<PublishNext, Failure>;
type RecoverOf = fn(&Progress, Timestamp) -> Option<Progress>;

/// Follows a publication to its end from what is stored of it, for
/// [`Provider::follow`](crate::Provider::follow). What was not uploaded stays so.
#[derive(Clone, Copy, Debug)]
pub struct Followed {
    facts: &'static OperationFacts,
    schema: u16,
    next: NextOf,
    recover: RecoverOf,
}

impl Followed {
    /// A publication that was begun with this operation. `next` is its [`Publish::next`] without
    /// what is published, and `schema` its [`Publish::progress_schema`].
    pub fn new(facts: &'static OperationFacts, schema: u16, next: NextOf) -> Self {
        Self { facts, schema, next, recover: |_, _| None }
    }

    /// Sets its [`Publish::recover`], where it has one.
    #[must_use]
    pub fn recovering(mut self, recover: RecoverOf) -> Self {
        self.recover = recover;
        self
    }
}

impl Publish for Followed {
    fn facts(&self) -> &OperationFacts {
        self.facts
    }

    fn digest(&self) -> [u8; 32] {
        [0; 32]
    }

    fn media(&self) -> Option<MediaFacts> {
        None
    }

    fn progress_schema(&self) -> u16 {
        self.schema
    }

    fn next(
        &self,
        cx: &Context<'_>,
        progress: &Progress,
        input: Input,
    ) -> Result<PublishNext, Failure> {
        (self.next)(cx, progress, input)
    }

    fn recover(&self, progress: &Progress, now: Timestamp) -> Option<Progress> {
        (self.recover)(progress, now)
    }
}

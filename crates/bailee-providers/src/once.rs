//! Steps of one request, for adapters.

use crate::{
    answer::Answer,
    context::Context,
    failure::{Failure, FailureKind},
    request::Request,
    rfc::misuse,
    spec::Spec,
    step::{Input, Next, Step},
};

/// A step of one request, whose answer is read by a function: what most steps of an adapter of
/// one's own are. Without a request the provider has no such thing
/// ([`FailureKind::Unsupported`]).
pub fn once<T: 'static>(
    cx: &Context<'_>,
    request: Option<Request>,
    read: impl FnOnce(&Spec, &Answer) -> Result<T, Failure> + Send + 'static,
) -> Box<dyn Step<T>> {
    Box::new(Once { spec: cx.spec.clone(), request, started: false, read: Some(read) })
}

struct Once<F> {
    spec: Spec,
    request: Option<Request>,
    started: bool,
    read: Option<F>,
}

impl<T, F> Step<T> for Once<F>
where
    F: FnOnce(&Spec, &Answer) -> Result<T, Failure> + Send,
{
    fn next(&mut self, input: Input) -> Result<Next<T>, Failure> {
        match input {
            Input::Start if !self.started => {
                self.started = true;
                self.request.take().map(Next::Send).ok_or(FailureKind::Unsupported.into())
            }
            Input::Answer(answer) if self.started => {
                let read = self.read.take().ok_or_else(misuse)?;
                read(&self.spec, &answer).map(Next::Done)
            }
            _ => Err(misuse()),
        }
    }
}

//! Whether a grant still lives.

use super::{classify, identity::question, introspect::IntrospectStep, misuse};
use crate::{
    context::Context,
    failure::{Failure, FailureKind},
    grant::{Alive, Introspection},
    request::Request,
    spec::Spec,
    step::{Input, Next, Step},
};

/// Introspection where there is an endpoint for it, else a request for the identity whose body is
/// not read.
pub(crate) fn step(cx: &Context<'_>) -> Box<dyn Step<Alive>> {
    match IntrospectStep::new(cx) {
        Some(step) => Box::new(ByIntrospection(step)),
        None => Box::new(ByAnswer {
            spec: cx.spec.clone(),
            request: cx.spec.endpoints.userinfo.clone().map(|url| question(cx.spec, url)),
            started: false,
        }),
    }
}

struct ByIntrospection(IntrospectStep);

impl Step<Alive> for ByIntrospection {
    fn next(&mut self, input: Input) -> Result<Next<Alive>, Failure> {
        Ok(match self.0.next(input)? {
            Next::Done(Introspection { active: true, .. }) => Next::Done(Alive::Yes),
            Next::Done(_) => Next::Done(Alive::No),
            Next::Send(request) => Next::Send(request),
            Next::Verify(signed) => Next::Verify(signed),
            Next::Wait(wait) => Next::Wait(wait),
        })
    }
}

struct ByAnswer {
    spec: Spec,
    request: Option<Request>,
    started: bool,
}

impl Step<Alive> for ByAnswer {
    fn next(&mut self, input: Input) -> Result<Next<Alive>, Failure> {
        match input {
            Input::Start if !self.started => {
                self.started = true;
                let request = self.request.take().map(Next::Send);
                request.ok_or_else(|| Failure::new(FailureKind::Unsupported))
            }
            Input::Answer(answer) if self.started => match classify::answer(&self.spec, &answer) {
                None => Ok(Next::Done(Alive::Yes)),
                Some(failure) => match failure.kind {
                    FailureKind::AccessRejected | FailureKind::GrantOver => {
                        Ok(Next::Done(Alive::No))
                    }
                    _ => Err(failure),
                },
            },
            _ => Err(misuse()),
        }
    }
}

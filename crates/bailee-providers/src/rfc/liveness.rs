//! Whether a grant still lives.

use super::{classify, identity::question, introspect::IntrospectStep};
use crate::{
    answer::Answer,
    context::Context,
    failure::{Failure, FailureKind},
    grant::{Alive, Introspection},
    once::once,
    spec::Spec,
    step::{Input, Next, Step},
};

/// Introspection where there is an endpoint for it, else a request for the identity whose body is
/// not read.
pub(crate) fn step(cx: &Context<'_>) -> Box<dyn Step<Alive>> {
    match IntrospectStep::new(cx) {
        Some(step) => Box::new(ByIntrospection(step)),
        None => {
            let userinfo = cx.spec.endpoints.userinfo.clone();
            once(cx, userinfo.map(|url| question(cx.spec, url)), alive)
        }
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

fn alive(spec: &Spec, answer: &Answer) -> Result<Alive, Failure> {
    let Some(failure) = classify::answer(spec, answer) else { return Ok(Alive::Yes) };
    match failure.kind {
        FailureKind::AccessRejected | FailureKind::GrantOver => Ok(Alive::No),
        _ => Err(failure),
    }
}

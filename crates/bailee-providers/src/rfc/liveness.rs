//! Whether a grant still lives.

use super::{classify, identity::question, introspect::IntrospectStep, malformed};
use crate::{
    answer::Answer,
    context::Context,
    failure::{Failure, FailureKind},
    grant::{Alive, Introspection},
    json_call::Classify,
    once::once,
    request::Request,
    step::{Input, Next, Step},
};

/// Introspection where there is an endpoint for it that takes this client (RFC 7662 §2.1: it has to
/// prove who it is), else a request for the identity whose body is not read.
pub(crate) fn step(cx: &Context<'_>) -> Box<dyn Step<Alive>> {
    let introspection = IntrospectStep::new(cx).filter(|_| !cx.registration.public);
    match introspection {
        Some(step) => Box::new(ByIntrospection(step)),
        None => judged(cx, classify::answer),
    }
}

/// The same question for the identity, of a provider that has its own words for what is wrong.
pub(crate) fn judged(cx: &Context<'_>, classify: Classify) -> Box<dyn Step<Alive>> {
    let userinfo = cx.spec.endpoints.userinfo.clone();
    asked(cx, userinfo.map(|url| question(cx.spec, url)), classify)
}

/// Another question, whose answer is JSON that is not read.
pub(crate) fn asked(
    cx: &Context<'_>,
    request: Option<Request>,
    classify: Classify,
) -> Box<dyn Step<Alive>> {
    once(cx, request, move |spec, answer| match classify(spec, answer) {
        Some(failure) => said(failure),
        // A page of a gateway says nothing of the token.
        None if is_a_page(answer) => Err(malformed()),
        None => Ok(Alive::Yes),
    })
}

/// What a refusal says of the grant. One that is over is told as such; all else says nothing.
pub(crate) fn said(failure: Failure) -> Result<Alive, Failure> {
    match failure.kind {
        FailureKind::AccessRejected => Ok(Alive::No),
        // It was taken, and is good for something else (RFC 6750 §3.1).
        FailureKind::ScopeMissing => Ok(Alive::Yes),
        _ => Err(failure),
    }
}

fn is_a_page(answer: &Answer) -> bool {
    let essence = answer.header("content-type").and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("text/html"))
}

pub(crate) struct ByIntrospection(pub(crate) IntrospectStep);

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

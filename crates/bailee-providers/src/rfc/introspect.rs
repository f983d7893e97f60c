//! Introspection (RFC 7662).

use bailee_core::{Effect, Timestamp};
use http::Method;

use super::{malformed, misuse, oauth_error, scope_list};
use crate::{
    answer::Answer,
    context::Context,
    failure::Failure,
    grant::Introspection,
    request::{Endpoint, Request, SecretRef, Value as Template},
    scan::{Object, Value},
    spec::Spec,
    step::{Input, Next, Step},
};

/// Asks about the access token.
pub(crate) struct IntrospectStep {
    spec: Spec,
    request: Option<Request>,
}

impl IntrospectStep {
    /// None where the provider has no endpoint.
    pub(crate) fn new(cx: &Context<'_>) -> Option<Self> {
        let url = cx.spec.endpoints.introspection.clone()?;
        let mut request = Request::new(Method::POST, url, Endpoint::Introspect, Effect::Read);
        request.push_field("token", Template::Secret(SecretRef::AccessToken));
        request.push_field("token_type_hint", Template::text("access_token"));
        cx.authenticate(&mut request);
        Some(Self { spec: cx.spec.clone(), request: Some(request) })
    }
}

impl Step<Introspection> for IntrospectStep {
    fn next(&mut self, input: Input) -> Result<Next<Introspection>, Failure> {
        match (input, self.request.take()) {
            (Input::Start, Some(request)) => Ok(Next::Send(request)),
            (Input::Answer(answer), None) => read(&self.spec, &answer).map(Next::Done),
            _ => Err(misuse()),
        }
    }
}

/// §2.2: `active` decides; the rest is read only where it is `true`.
fn read(spec: &Spec, answer: &Answer) -> Result<Introspection, Failure> {
    if let Some(failure) = oauth_error::judge(spec, answer) {
        return Err(failure);
    }
    if !answer.is_json() {
        return Err(malformed());
    }
    let object = Object::parse(&answer.body).map_err(|_| malformed())?;
    let active = match object.get("active").map_err(|_| malformed())? {
        Some(Value::Bool(active)) => active,
        _ => match oauth_error::in_body(spec, &object) {
            Some(failure) => return Err(failure),
            None => return Err(malformed()),
        },
    };
    if !active {
        return Ok(Introspection { active, scopes: None, expires_at: None });
    }
    // §2.2: the scopes are separated by spaces, whatever the provider does elsewhere, unless it
    // mixes separators.
    let separators = if spec.scopes.answer_mixed { &[' ', ','] } else { &[' '][..] };
    let scopes = object
        .string("scope")
        .map_err(|_| malformed())?
        .map(|list| scope_list::split(&list, separators).ok_or_else(malformed))
        .transpose()?;
    let expires_at = match object.get("exp").map_err(|_| malformed())? {
        Some(Value::Number(number)) => {
            number.parse::<f64>().ok().map(|seconds| Timestamp::from_seconds(seconds as i64))
        }
        _ => None,
    };
    Ok(Introspection { active, scopes, expires_at })
}

//! The token endpoint (RFC 6749 §4.1.3 and §6).

use bailee_core::Effect;
use http::Method;
use url::Url;

use super::{misuse, token_answer};
use crate::{
    answer::Answer,
    context::Context,
    failure::{Failure, FailureKind},
    grant::{CredentialFacts, Grant},
    provider::ExchangeAsk,
    request::{Endpoint, Json, Payload, Request, SecretRef, Value},
    spec::{Encoding, Spec, SpecFacts},
    step::{Input, Next, Step},
};

/// One request to the token endpoint.
pub(crate) struct TokenStep {
    spec: Spec,
    request: Option<Request>,
    started: bool,
    read: Reader,
}

/// What makes a grant of an answer.
type Reader = Box<dyn Fn(&SpecFacts, &Answer) -> Result<Grant, Failure> + Send>;

impl TokenStep {
    /// Exchanges a code (RFC 6749 §4.1.3).
    pub(crate) fn exchange(cx: &Context<'_>, ask: &ExchangeAsk<'_>) -> Self {
        Self::new(cx, cx.spec.endpoints.token.as_ref(), |request| {
            let bare = cx.spec.token.bare;
            if !bare {
                request.push_field("grant_type", Value::text("authorization_code"));
            }
            request.push_field("code", Value::Secret(SecretRef::Code));
            if !bare {
                request.push_field("redirect_uri", Value::text(ask.redirect_uri));
            }
            if ask.pkce {
                request.push_field("code_verifier", Value::Secret(SecretRef::Verifier));
            }
        })
    }

    /// Renews an access token (RFC 6749 §6). The scopes stay, so none are asked for.
    pub(crate) fn refresh(cx: &Context<'_>, facts: &CredentialFacts) -> Self {
        let endpoint = cx.spec.endpoints.refresh.as_ref().or(cx.spec.endpoints.token.as_ref());
        let mut step = Self::new(cx, endpoint, |request| {
            if !cx.spec.refresh.bare {
                request.push_field("grant_type", Value::text("refresh_token"));
            }
            request.push_field("refresh_token", Value::Secret(SecretRef::RefreshToken));
            if let Some(address) = cx.registration.redirect_uri.as_deref()
                && cx.spec.refresh.redirect_uri
            {
                request.push_field("redirect_uri", Value::text(address));
            }
        });
        if !facts.has_refresh {
            step.request = None;
        }
        step.read_by(token_answer::read_renewed)
    }

    fn new(cx: &Context<'_>, endpoint: Option<&Url>, fill: impl FnOnce(&mut Request)) -> Self {
        let request = endpoint.cloned().map(|url| {
            // A code is good once, and a refresh token may be: an answer that is lost is lost.
            let mut request = Request::new(Method::POST, url, Endpoint::Token, Effect::Effect)
                .with_header(http::header::CACHE_CONTROL, Value::text("no-cache"));
            if cx.spec.token.request == Encoding::Json {
                request.payload = Payload::Json(Json::Object(Vec::new()));
            }
            fill(&mut request);
            for (name, value) in &cx.spec.token.parameters {
                request.push_field(name.clone(), Value::text(value));
            }
            cx.authenticate(&mut request);
            request
        });
        Self { spec: cx.spec.clone(), request, started: false, read: Box::new(token_answer::read) }
    }

    /// Reads answers in another way, where a provider writes them differently from RFC 6749 §5.1.
    pub(crate) fn read_by(
        mut self,
        read: impl Fn(&SpecFacts, &Answer) -> Result<Grant, Failure> + Send + 'static,
    ) -> Self {
        self.read = Box::new(read);
        self
    }
}

impl Step<Grant> for TokenStep {
    fn next(&mut self, input: Input) -> Result<Next<Grant>, Failure> {
        match input {
            Input::Start if !self.started => {
                self.started = true;
                self.request
                    .take()
                    .map(Next::Send)
                    .ok_or_else(|| Failure::new(FailureKind::Unsupported))
            }
            Input::Answer(answer) if self.started => {
                (self.read)(&self.spec, &answer).map(Next::Done)
            }
            _ => Err(misuse()),
        }
    }
}

//! The steps at which X differs: what it says of tokens that are dead, and a question that it asks.
//! The rest is facts in `spec.toml` and the defaults.

use bailee_core::IdToken;
use http::StatusCode;
use zeroize::Zeroizing;

use super::{errors, signals};
use crate::{
    answer::Answer,
    context::Context,
    failure::Failure,
    grant::{Account, Alive, CredentialFacts, Grant, GrantFacts, Revoked},
    judged::Judged,
    provider::{ExchangeAsk, Provider},
    rfc::{self, identity::IdentityStep, revoke::RevokeStep, token::TokenStep},
    signal::{Delivery, Opening, SignalRefusal},
    spec::Spec,
    step::{Input, Next, Step},
};

/// X. It holds nothing but its facts.
#[derive(Clone, Debug)]
pub struct X {
    spec: Spec,
}

impl X {
    /// The adapter with the facts that it was built with.
    pub fn new() -> Self {
        let spec = Spec::parse(include_str!("spec.toml"))
            .expect("the embedded file is a constant, and a test parses it");
        Self { spec }
    }
}

impl Default for X {
    fn default() -> Self {
        Self::new()
    }
}

impl Provider for X {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn exchange(&self, cx: &Context<'_>, ask: &ExchangeAsk<'_>) -> Box<dyn Step<Grant>> {
        Judged::boxed(cx, TokenStep::exchange(cx, ask), errors::of_token)
    }

    fn identity(
        &self,
        cx: &Context<'_>,
        grant: &GrantFacts,
        nonce: Option<&str>,
        id_token: Option<IdToken>,
    ) -> Box<dyn Step<Account>> {
        Judged::boxed(cx, IdentityStep::new(cx, grant, nonce, id_token), errors::classify)
    }

    fn refresh(&self, cx: &Context<'_>, facts: &CredentialFacts) -> Box<dyn Step<Grant>> {
        Judged::boxed(cx, TokenStep::refresh(cx, facts), errors::of_token)
    }

    /// The second token may be dead with the first one, and X says so with an error.
    fn revoke(&self, cx: &Context<'_>, facts: &CredentialFacts) -> Box<dyn Step<Revoked>> {
        Box::new(DeadIsRevoked(RevokeStep::new(cx, facts)))
    }

    fn liveness(&self, cx: &Context<'_>) -> Box<dyn Step<Alive>> {
        rfc::liveness::judged(cx, errors::classify)
    }

    fn open_signal(
        &self,
        cx: &Context<'_>,
        delivery: &Delivery<'_>,
    ) -> Result<Opening, SignalRefusal> {
        signals::open(cx, delivery)
    }

    fn classify(&self, cx: &Context<'_>, answer: &Answer) -> Option<Failure> {
        errors::classify(cx.spec, answer)
    }
}

/// Revocation that takes "the token was invalid" for what it is: there is nothing to revoke
/// (RFC 7009 §2.2).
struct DeadIsRevoked(RevokeStep);

impl Step<Revoked> for DeadIsRevoked {
    fn next(&mut self, input: Input) -> Result<Next<Revoked>, Failure> {
        let input = match input {
            Input::Answer(answer)
                if answer.status.is_client_error() && errors::is_dead(&answer) =>
            {
                let Answer { headers, now, .. } = answer;
                let body = Zeroizing::new(Vec::new());
                Input::Answer(Answer::new(StatusCode::OK, headers, body, now))
            }
            other => other,
        };
        self.0.next(input)
    }
}

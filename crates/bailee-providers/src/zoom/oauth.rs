//! The steps at which Zoom differs: what errors mean, and that scopes may be left out. The rest is
//! facts in `spec.toml` and the defaults.

use bailee_core::{IdToken, Result};

use super::{errors, signals};
use crate::{
    answer::Answer,
    context::Context,
    failure::Failure,
    grant::{Account, Alive, CredentialFacts, Grant, GrantFacts},
    judged::Judged,
    provider::{AuthorizationUrl, AuthorizeAsk, ExchangeAsk, Provider},
    rfc::{self, authorize_url, identity::IdentityStep, token::TokenStep},
    signal::{Delivery, Reading, SignalRefusal},
    spec::Spec,
    step::Step,
};

/// Zoom. It holds nothing but its facts.
#[derive(Clone, Debug)]
pub struct Zoom {
    spec: Spec,
    sends_scopes: bool,
    reports_compliance: bool,
}

impl Zoom {
    /// The adapter with the facts that it was built with.
    pub fn new() -> Self {
        let spec = Spec::parse(include_str!("spec.toml"))
            .expect("the embedded file is a constant, and a test parses it");
        Self { spec, sends_scopes: true, reports_compliance: false }
    }

    /// The adapter for an application whose scopes are asked for as they are configured at Zoom:
    /// one with classic scopes, which knows none of the granular names.
    #[must_use]
    pub fn with_the_app_s_scopes(mut self) -> Self {
        self.sends_scopes = false;
        self
    }

    /// Tells Zoom when the data of somebody who removed the application was erased, as older terms
    /// ask for (data compliance API). What the removal said is kept with the request until then.
    #[must_use]
    pub fn reporting_compliance(mut self) -> Self {
        self.reports_compliance = true;
        self
    }
}

impl Default for Zoom {
    fn default() -> Self {
        Self::new()
    }
}

impl Provider for Zoom {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The scopes are checked against the catalogue also where they are not sent.
    fn authorize(&self, cx: &Context<'_>, ask: &AuthorizeAsk<'_>) -> Result<AuthorizationUrl> {
        let url = authorize_url::build(cx, ask)?;
        if self.sends_scopes {
            return Ok(url);
        }
        authorize_url::build(cx, &AuthorizeAsk { scopes: &[], ..*ask })
    }

    fn exchange(&self, cx: &Context<'_>, ask: &ExchangeAsk<'_>) -> Box<dyn Step<Grant>> {
        Judged::boxed(cx, TokenStep::exchange(cx, ask), errors::by_number)
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
        Judged::boxed(cx, TokenStep::refresh(cx, facts), errors::of_refresh)
    }

    fn liveness(&self, cx: &Context<'_>) -> Box<dyn Step<Alive>> {
        rfc::liveness::judged(cx, errors::classify)
    }

    fn read_signal(
        &self,
        cx: &Context<'_>,
        delivery: &Delivery<'_>,
    ) -> std::result::Result<Reading, SignalRefusal> {
        signals::read(cx, delivery, self.reports_compliance)
    }

    fn request_closed(
        &self,
        cx: &Context<'_>,
        details: &[(String, String)],
    ) -> Option<Box<dyn Step<()>>> {
        signals::report(cx, details).filter(|_| self.reports_compliance)
    }

    fn classify(&self, cx: &Context<'_>, answer: &Answer) -> Option<Failure> {
        errors::classify(cx.spec, answer)
    }
}

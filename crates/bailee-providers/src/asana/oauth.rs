//! The steps at which Asana differs: whose account it is stands in the token answer, and a token
//! that may not ask for itself lives all the same. The rest is facts in `spec.toml` and the
//! defaults.

use bailee_core::{Effect, IdToken};
use http::Method;

use super::errors;
use crate::{
    answer::Answer,
    at_once::AtOnce,
    context::Context,
    failure::{Failure, FailureKind},
    grant::{Account, AccountId, Alive, Grant, GrantFacts},
    judged::Judged,
    provider::{ExchangeAsk, Provider},
    request::{Endpoint, Request, Value},
    rfc::{self, identity::IdentityStep, malformed, token::TokenStep, token_answer},
    scan::Object,
    spec::{Spec, SpecFacts},
    step::{Input, Next, Step},
};

/// Asana. It holds nothing but its facts.
#[derive(Clone, Debug)]
pub struct Asana {
    spec: Spec,
}

impl Asana {
    /// The adapter with the facts that it was built with, for an application with granular scopes.
    pub fn new() -> Self {
        let spec = Spec::parse(include_str!("spec.toml"))
            .expect("the embedded file is a constant, and a test parses it");
        Self { spec }
    }

    /// The adapter for an application with full permissions: no scope is sent, every token may do
    /// what the person may do, and they are told so.
    #[must_use]
    pub fn with_full_permissions(self) -> Self {
        let everything = "This application has no smaller permissions at Asana: it is allowed \
            everything that you yourself can do there.";
        Self { spec: self.spec.with_fixed_scopes().with_plain(everything) }
    }
}

impl Default for Asana {
    fn default() -> Self {
        Self::new()
    }
}

impl Provider for Asana {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn exchange(&self, cx: &Context<'_>, ask: &ExchangeAsk<'_>) -> Box<dyn Step<Grant>> {
        Box::new(TokenStep::exchange(cx, ask).read_by(read_with_account))
    }

    /// What the token answer said, or else what `users/me` says, which an application with granular
    /// scopes may ask with `users:read` alone.
    fn identity(
        &self,
        cx: &Context<'_>,
        grant: &GrantFacts,
        nonce: Option<&str>,
        id_token: Option<IdToken>,
    ) -> Box<dyn Step<Account>> {
        if let Some(id) = &grant.account_id {
            let account = Account::new(id.clone()).with_display(grant.display.as_deref());
            return Box::new(AtOnce::new(Ok(account)));
        }
        Judged::boxed(cx, IdentityStep::new(cx, grant, nonce, id_token), errors::classify)
    }

    /// `users/me`. A token without `users:read` is refused there with a 403, and lives.
    fn liveness(&self, cx: &Context<'_>) -> Box<dyn Step<Alive>> {
        // The id, and nothing else of the profile.
        let request = cx.spec.endpoints.userinfo.clone().map(|url| {
            Request::new(Method::GET, url, Endpoint::Identity, Effect::Read)
                .with_query("opt_fields", Value::text("gid"))
                .with_bearer()
        });
        Box::new(Liveness(rfc::liveness::asked(cx, request, errors::classify)))
    }

    fn classify(&self, cx: &Context<'_>, answer: &Answer) -> Option<Failure> {
        errors::classify(cx.spec, answer)
    }
}

/// The grant, with the person whom the answer names beside the tokens. Older answers call the id
/// `id`, and have it as a number.
fn read_with_account(spec: &SpecFacts, answer: &Answer) -> Result<Grant, Failure> {
    let mut grant = token_answer::read(spec, answer)?;
    let document = Object::parse(&answer.body).map_err(|_| malformed())?;
    let Some(data) = document.object("data").map_err(|_| malformed())? else { return Ok(grant) };
    let member = |name| data.get(name).map_err(|_| malformed());
    let id = match member("gid")?.and_then(|value| value.id_text()) {
        Some(id) => Some(id),
        None => member("id")?.and_then(|value| value.id_text()),
    };
    if let Some(id) = id {
        let kind = spec.identity.id_kind.clone();
        grant.account_id = Some(AccountId::new(kind, id).ok_or_else(malformed)?);
        grant.display = member("name")?.and_then(|value| value.text());
    }
    Ok(grant)
}

struct Liveness(Box<dyn Step<Alive>>);

impl Step<Alive> for Liveness {
    fn next(&mut self, input: Input) -> Result<Next<Alive>, Failure> {
        match self.0.next(input) {
            Err(failure) if failure.kind == FailureKind::Blocked => Ok(Next::Done(Alive::Yes)),
            next => next,
        }
    }
}

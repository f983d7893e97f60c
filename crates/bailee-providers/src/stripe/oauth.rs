//! The step at which Stripe differs: the end of an account's access.

use bailee_core::Effect;
use http::{Method, header};

use crate::{
    answer::Answer,
    at_once::AtOnce,
    context::Context,
    failure::{Failure, FailureKind},
    grant::{CredentialFacts, RevokePlan, Revoked, TokenKind},
    once::once,
    provider::Provider,
    request::{Endpoint, Request, SecretRef, Value},
    rfc::oauth_error,
    spec::Spec,
    step::Step,
};

/// Stripe. It holds nothing but its facts.
#[derive(Clone, Debug)]
pub struct Stripe {
    spec: Spec,
}

impl Stripe {
    /// The adapter with the facts that it was built with.
    pub fn new() -> Self {
        let spec = Spec::parse(include_str!("spec.toml"))
            .expect("the embedded file is a constant, and a test parses it");
        Self { spec }
    }
}

impl Default for Stripe {
    fn default() -> Self {
        Self::new()
    }
}

impl Provider for Stripe {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn revoke_plan(&self, cx: &Context<'_>, _facts: &CredentialFacts) -> RevokePlan {
        if cx.account.is_some() { RevokePlan::Ready } else { RevokePlan::Impossible }
    }

    /// Ends the access of the account, whatever tokens there are.
    fn revoke(&self, cx: &Context<'_>, facts: &CredentialFacts) -> Box<dyn Step<Revoked>> {
        let living = facts.tokens();
        let Some((url, account)) = cx.spec.endpoints.revocation.clone().zip(cx.account) else {
            return Box::new(AtOnce::new(Ok(Revoked::leaving(living))));
        };
        let mut request = Request::new(Method::POST, url, Endpoint::Revoke, Effect::Idempotent)
            .with_header(
                header::AUTHORIZATION,
                Value::Joined("Bearer ".into(), SecretRef::ClientSecret),
            );
        request.push_field("client_id", Value::text(&cx.registration.client_id));
        request.push_field("stripe_user_id", Value::text(&account.id));
        once(cx, Some(request), move |spec, answer| revoked(spec, answer, living))
    }
}

fn revoked(spec: &Spec, answer: &Answer, living: Vec<TokenKind>) -> Result<Revoked, Failure> {
    match oauth_error::judge(spec, answer) {
        None => Ok(Revoked::leaving(Vec::new())),
        // `invalid_client` says that the account is not connected to this client.
        Some(failure)
            if failure.is_transient() || failure.kind == FailureKind::ClientConfiguration =>
        {
            Err(failure)
        }
        Some(_) => Ok(Revoked::leaving(living)),
    }
}

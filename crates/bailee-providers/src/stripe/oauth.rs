//! The step at which Stripe differs: the end of an account's access.

use bailee_core::Effect;
use http::{Method, header};

use crate::{
    answer::Answer,
    context::Context,
    failure::{Failure, FailureKind},
    grant::{CredentialFacts, RevokePlan, Revoked, TokenKind},
    provider::Provider,
    request::{Endpoint, Request, SecretRef, Value},
    rfc::{misuse, oauth_error},
    spec::Spec,
    step::{Input, Next, Step},
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
        let url = cx.spec.endpoints.revocation.clone();
        let request = url.zip(cx.account).map(|(url, account)| {
            let mut request = Request::new(Method::POST, url, Endpoint::Revoke, Effect::Idempotent)
                .with_header(
                    header::AUTHORIZATION,
                    Value::Joined("Bearer ".into(), SecretRef::ClientSecret),
                );
            request.push_field("client_id", Value::text(&cx.registration.client_id));
            request.push_field("stripe_user_id", Value::text(&account.id));
            request
        });
        Box::new(Deauthorize {
            spec: cx.spec.clone(),
            request,
            started: false,
            has_refresh: facts.has_refresh,
        })
    }
}

struct Deauthorize {
    spec: Spec,
    request: Option<Request>,
    started: bool,
    has_refresh: bool,
}

impl Deauthorize {
    fn living(&self) -> Vec<TokenKind> {
        if self.has_refresh {
            vec![TokenKind::Refresh, TokenKind::Access]
        } else {
            vec![TokenKind::Access]
        }
    }

    fn judge(&self, answer: &Answer) -> Result<Revoked, Failure> {
        match oauth_error::judge(&self.spec, answer) {
            None => Ok(Revoked::leaving(Vec::new())),
            // `invalid_client` says that the account is not connected to this client.
            Some(failure)
                if failure.is_transient() || failure.kind == FailureKind::ClientConfiguration =>
            {
                Err(failure)
            }
            Some(_) => Ok(Revoked::leaving(self.living())),
        }
    }
}

impl Step<Revoked> for Deauthorize {
    fn next(&mut self, input: Input) -> Result<Next<Revoked>, Failure> {
        match input {
            Input::Start if !self.started => {
                self.started = true;
                Ok(match self.request.take() {
                    Some(request) => Next::Send(request),
                    None => Next::Done(Revoked::leaving(self.living())),
                })
            }
            Input::Answer(answer) if self.started => self.judge(&answer).map(Next::Done),
            _ => Err(misuse()),
        }
    }
}

//! The steps at which LinkedIn differs: who the person is without OpenID Connect, a dead refresh
//! token, and whether a revocation did what it said. The rest is facts in `spec.toml` and the
//! defaults.

use bailee_core::{Effect, IdToken};
use http::Method;

use super::errors;
use crate::{
    answer::Answer,
    context::Context,
    failure::{Failure, FailureKind},
    grant::{
        Account, AccountId, Alive, CredentialFacts, Grant, GrantFacts, Introspection, Revoked,
        TokenKind,
    },
    judged::Judged,
    once::once,
    provider::Provider,
    request::{Endpoint, Request},
    rfc::{
        self, identity::IdentityStep, introspect::IntrospectStep, liveness::ByIntrospection,
        malformed, misuse, revoke::RevokeStep, token::TokenStep,
    },
    scan::Object,
    spec::Spec,
    step::{Input, Next, Step},
};

/// LinkedIn. It holds nothing but its facts.
#[derive(Clone, Debug)]
pub struct LinkedIn {
    spec: Spec,
}

impl LinkedIn {
    /// The adapter with the facts that it was built with.
    pub fn new() -> Self {
        let spec = Spec::parse(include_str!("spec.toml"))
            .expect("the embedded file is a constant, and a test parses it");
        Self { spec }
    }
}

impl Default for LinkedIn {
    fn default() -> Self {
        Self::new()
    }
}

impl Provider for LinkedIn {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Userinfo, unless only a scope of the partner programmes was granted.
    fn identity(
        &self,
        cx: &Context<'_>,
        grant: &GrantFacts,
        nonce: Option<&str>,
        id_token: Option<IdToken>,
    ) -> Box<dyn Step<Account>> {
        let partner = ["r_basicprofile", "r_liteprofile"].iter().any(|name| grant.has_scope(name));
        if partner && !grant.has_scope("openid") {
            return once(cx, me(cx), account);
        }
        Judged::boxed(cx, IdentityStep::new(cx, grant, nonce, id_token), errors::classify)
    }

    fn refresh(&self, cx: &Context<'_>, facts: &CredentialFacts) -> Box<dyn Step<Grant>> {
        Judged::boxed(cx, TokenStep::refresh(cx, facts), errors::of_refresh)
    }

    fn revoke(&self, cx: &Context<'_>, facts: &CredentialFacts) -> Box<dyn Step<Revoked>> {
        Box::new(RevokeAndLook {
            revoke: RevokeStep::new(cx, facts),
            look: IntrospectStep::new(cx),
            revoked: None,
        })
    }

    /// Introspection, which also tells a token that was revoked from one that ran out.
    fn liveness(&self, cx: &Context<'_>) -> Box<dyn Step<Alive>> {
        match IntrospectStep::new(cx).filter(|_| !cx.registration.public) {
            Some(step) => Box::new(Look { step: ByIntrospection(step), revoked: false }),
            None => rfc::liveness::judged(cx, errors::classify),
        }
    }

    fn classify(&self, cx: &Context<'_>, answer: &Answer) -> Option<Failure> {
        errors::classify(cx.spec, answer)
    }
}

struct Look {
    step: ByIntrospection,
    /// Whether the answer says that the token was revoked.
    revoked: bool,
}

impl Step<Alive> for Look {
    fn next(&mut self, input: Input) -> Result<Next<Alive>, Failure> {
        if let Input::Answer(answer) = &input {
            let status = Object::parse(&answer.body).ok().and_then(|o| o.string("status").ok()?);
            self.revoked = status.is_some_and(|status| status.as_slice() == b"revoked");
        }
        match self.step.next(input)? {
            Next::Done(Alive::No) if self.revoked => Err(FailureKind::GrantOver.into()),
            next => Ok(next),
        }
    }
}

/// The question of `/v2/me`, which has the same id under another name.
fn me(cx: &Context<'_>) -> Option<Request> {
    cx.spec.api.clone().map(|mut url| {
        url.set_path("/v2/me");
        Request::new(Method::GET, url, Endpoint::Identity, Effect::Read).with_bearer()
    })
}

fn account(spec: &Spec, answer: &Answer) -> Result<Account, Failure> {
    if let Some(failure) = errors::classify(spec, answer) {
        return Err(failure);
    }
    if !answer.is_json() {
        return Err(malformed());
    }
    let document = Object::parse(&answer.body).map_err(|_| malformed())?;
    let text = |name: &str| {
        let value = document.get(name).map_err(|_| malformed())?;
        Ok::<_, Failure>(value.and_then(|value| value.text()))
    };
    let id = text("id")?
        .and_then(|id| AccountId::new(spec.identity.id_kind.clone(), id))
        .ok_or_else(malformed)?;
    let names = [text("localizedFirstName")?, text("localizedLastName")?];
    let name = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
    Ok(Account::new(id).with_display(Some(name.as_str()).filter(|name| !name.is_empty())))
}

/// Revokes, and asks whether the access token is dead. Where nobody can tell, what the revocation
/// said counts.
struct RevokeAndLook {
    revoke: RevokeStep,
    look: Option<IntrospectStep>,
    /// What the revocation said; it is looked at now.
    revoked: Option<Revoked>,
}

impl Step<Revoked> for RevokeAndLook {
    fn next(&mut self, input: Input) -> Result<Next<Revoked>, Failure> {
        if let Some(mut revoked) = self.revoked.take() {
            let look = self.look.as_mut().ok_or_else(misuse)?;
            if let Ok(Next::Done(Introspection { active: true, .. })) = look.next(input) {
                revoked.remaining.push(TokenKind::Access);
                revoked = Revoked::leaving(revoked.remaining);
            }
            return Ok(Next::Done(revoked));
        }
        match (self.revoke.next(input)?, &mut self.look) {
            (Next::Done(revoked), Some(look))
                if !revoked.remaining.contains(&TokenKind::Access) =>
            {
                self.revoked = Some(revoked);
                match look.next(Input::Start)? {
                    Next::Send(request) => Ok(Next::Send(request)),
                    _ => Err(misuse()),
                }
            }
            (next, _) => Ok(next),
        }
    }
}

//! The steps at which HubSpot differs: optional scopes, whose account it is, how a grant ends.

use bailee_core::{Effect, IdToken, Result, ScopeName};
use http::{Method, StatusCode};

use super::errors;
use crate::{
    answer::Answer,
    context::Context,
    failure::{Failure, FailureKind},
    grant::{
        Account, AccountId, CredentialFacts, Grant, GrantFacts, RevokePlan, Revoked, TokenKind,
    },
    judged::Judged,
    once::once,
    provider::{AuthorizationUrl, AuthorizeAsk, ExchangeAsk, Provider},
    request::{Endpoint, Request, SecretRef, Value},
    rfc::{self, malformed, oauth_error, scope_list},
    scan::{Object, Value as Member},
    spec::Spec,
    step::Step,
};

/// HubSpot. It holds its facts, and which scopes may be ruled out.
#[derive(Clone, Debug)]
pub struct HubSpot {
    spec: Spec,
    optional: Vec<ScopeName>,
}

impl HubSpot {
    /// The adapter with the facts that it was built with. Every scope is demanded.
    pub fn new() -> Self {
        let spec = Spec::parse(include_str!("spec.toml"))
            .expect("the embedded file is a constant, and a test parses it");
        Self { spec, optional: Vec::new() }
    }

    /// Asks for these scopes where they can be had. A person whose account or rights rule one out
    /// connects without it, and what needs it is refused.
    #[must_use]
    pub fn optional(mut self, scopes: impl IntoIterator<Item = ScopeName>) -> Self {
        self.optional.extend(scopes);
        self
    }
}

impl Default for HubSpot {
    fn default() -> Self {
        Self::new()
    }
}

impl Provider for HubSpot {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn authorize(&self, cx: &Context<'_>, ask: &AuthorizeAsk<'_>) -> Result<AuthorizationUrl> {
        let known = |scope: &ScopeName| cx.spec.scope(scope).is_some();
        let (optional, demanded): (Vec<ScopeName>, Vec<ScopeName>) = ask
            .scopes
            .iter()
            .cloned()
            .partition(|scope| self.optional.contains(scope) && known(scope));
        if optional.is_empty() {
            return rfc::authorize_url::build(cx, ask);
        }
        let list = scope_list::join(&optional, cx.spec.scopes.separator);
        let mut extra = ask.extra.to_vec();
        extra.push(("optional_scope", &list));
        let ask = AuthorizeAsk { scopes: &demanded, extra: &extra, ..*ask };
        rfc::authorize_url::build(cx, &ask)
    }

    fn exchange(&self, cx: &Context<'_>, ask: &ExchangeAsk<'_>) -> Box<dyn Step<Grant>> {
        Judged::boxed(cx, rfc::token::TokenStep::exchange(cx, ask), errors::judge)
    }

    fn refresh(&self, cx: &Context<'_>, facts: &CredentialFacts) -> Box<dyn Step<Grant>> {
        Judged::boxed(cx, rfc::token::TokenStep::refresh(cx, facts), errors::judge)
    }

    fn identity(
        &self,
        cx: &Context<'_>,
        _grant: &GrantFacts,
        _nonce: Option<&str>,
        _id_token: Option<IdToken>,
    ) -> Box<dyn Step<Account>> {
        let request = cx.spec.endpoints.userinfo.clone().map(|url| {
            let request = Request::new(Method::POST, url, Endpoint::Identity, Effect::Read);
            about(cx, request, SecretRef::AccessToken, "access_token")
        });
        once(cx, request, account)
    }

    fn revoke_plan(&self, cx: &Context<'_>, facts: &CredentialFacts) -> RevokePlan {
        rfc::revoke::plan(cx, facts)
    }

    fn revoke(&self, cx: &Context<'_>, facts: &CredentialFacts) -> Box<dyn Step<Revoked>> {
        let url = cx.spec.endpoints.revocation.clone().filter(|_| facts.has_refresh);
        let request = url.map(|url| {
            let request = Request::new(Method::POST, url, Endpoint::Revoke, Effect::Idempotent);
            about(cx, request, SecretRef::RefreshToken, "refresh_token")
        });
        once(cx, request, revoked)
    }

    fn classify(&self, cx: &Context<'_>, answer: &Answer) -> Option<Failure> {
        errors::classify(cx.spec, answer)
    }
}

/// A form about a token, with what kind of token it is.
fn about(cx: &Context<'_>, mut request: Request, token: SecretRef, hint: &str) -> Request {
    request.push_field("token", Value::Secret(token));
    request.push_field("token_type_hint", Value::text(hint));
    cx.authenticate(&mut request);
    request
}

/// Portal and person, and the portal's domain. The token that the answer repeats is not read.
fn account(spec: &Spec, answer: &Answer) -> std::result::Result<Account, Failure> {
    if let Some(failure) = errors::classify(spec, answer) {
        return Err(failure);
    }
    if !answer.is_json() {
        return Err(malformed());
    }
    let document = Object::parse(&answer.body).map_err(|_| malformed())?;
    let member = |name| document.get(name).map_err(|_| malformed());
    if matches!(member("active")?, Some(Member::Bool(false))) {
        return Err(FailureKind::AccessRejected.into());
    }
    let number = |name| member(name)?.and_then(|value| value.id_text()).ok_or_else(malformed);
    let id = format!("{}:{}", number("hub_id")?, number("user_id")?);
    let id = AccountId::new(spec.identity.id_kind.clone(), id).ok_or_else(malformed)?;
    let domain = member("hub_domain")?.and_then(|value| value.text());
    Ok(Account::new(id).with_display(domain.as_deref()))
}

/// A refresh token that is unknown is dead already.
fn revoked(spec: &Spec, answer: &Answer) -> std::result::Result<Revoked, Failure> {
    if answer.status.is_success() || answer.status == StatusCode::NOT_FOUND {
        return Ok(Revoked::leaving(Vec::new()));
    }
    let failure = errors::judge(spec, answer).or_else(|| oauth_error::judge(spec, answer));
    match failure {
        Some(failure) if failure.is_transient() => Err(failure),
        Some(failure) if failure.kind == FailureKind::ClientConfiguration => Err(failure),
        Some(failure) if failure.kind == FailureKind::GrantOver => Ok(Revoked::leaving(Vec::new())),
        _ => Ok(Revoked::leaving(vec![TokenKind::Refresh, TokenKind::Access])),
    }
}

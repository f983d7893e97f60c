//! The steps at which GitHub differs: whose account it is, what a token may do, and how a grant
//! ends.

use bailee_core::{Effect, IdToken, Result, ScopeName, Timestamp};
use http::{Method, StatusCode};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{errors, signals};
use crate::{
    answer::Answer,
    context::Context,
    failure::{Failure, FailureKind},
    grant::{
        Account, AccountId, Alive, CredentialFacts, Grant, GrantFacts, Introspection, RevokePlan,
        Revoked, TokenKind,
    },
    once::once,
    provider::{AuthorizationUrl, AuthorizeAsk, ExchangeAsk, Provider},
    request::{Authorization, BasicEncoding, Endpoint, Json, Payload, Request, SecretRef},
    rfc::{self, malformed},
    scan::Object,
    signal::{Delivery, Reading, SignalRefusal},
    spec::{RevokeEnds, Spec},
    step::{Input, Next, Step},
};

/// GitHub, for both kinds of application. It holds nothing but its facts.
#[derive(Clone, Debug)]
pub struct GitHub {
    spec: Spec,
}

impl GitHub {
    /// The adapter with the facts that it was built with. A disconnect deletes the grant.
    pub fn new() -> Self {
        let spec = Spec::parse(include_str!("spec.toml"))
            .expect("the embedded file is a constant, and a test parses it");
        Self { spec: spec.with_errors(errors::CODES) }
    }

    /// Lets a disconnect delete one access token instead of everything that the person gave the
    /// application, so that it stays in their list.
    #[must_use]
    pub fn deleting_tokens_alone(self) -> Self {
        Self { spec: self.spec.with_revoke_ends(RevokeEnds::Token) }
    }
}

impl Default for GitHub {
    fn default() -> Self {
        Self::new()
    }
}

impl Provider for GitHub {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Permissions are not sent, and to a GitHub App nothing is.
    fn authorize(&self, cx: &Context<'_>, ask: &AuthorizeAsk<'_>) -> Result<AuthorizationUrl> {
        let sent: Vec<ScopeName> =
            ask.scopes.iter().filter(|scope| !is_permission(scope)).cloned().collect();
        let is_app = is_app(&cx.registration.client_id);
        let scopes = if is_app && is_known(cx.spec, &sent) { &[] } else { sent.as_slice() };
        rfc::authorize_url::build(cx, &AuthorizeAsk { scopes, ..*ask })
    }

    fn exchange(&self, cx: &Context<'_>, ask: &ExchangeAsk<'_>) -> Box<dyn Step<Grant>> {
        settled(cx, rfc::token::TokenStep::exchange(cx, ask))
    }

    fn refresh(&self, cx: &Context<'_>, facts: &CredentialFacts) -> Box<dyn Step<Grant>> {
        settled(cx, rfc::token::TokenStep::refresh(cx, facts))
    }

    fn identity(
        &self,
        cx: &Context<'_>,
        _grant: &GrantFacts,
        _nonce: Option<&str>,
        _id_token: Option<IdToken>,
    ) -> Box<dyn Step<Account>> {
        once(cx, who(cx), account)
    }

    /// The same question; the body is not read.
    /// The check of the token, which says nothing about the person that GitHub does not show to
    /// everybody. A client without a secret cannot ask it, and asks for the profile.
    fn liveness(&self, cx: &Context<'_>) -> Box<dyn Step<Alive>> {
        if cx.registration.public {
            return rfc::liveness::asked(cx, who(cx), errors::classify);
        }
        let request = about_token(cx, Method::POST, "token", Endpoint::Introspect, Effect::Read);
        once(cx, request, |spec, answer| {
            let active = introspection(spec, answer)?.active;
            Ok(if active { Alive::Yes } else { Alive::No })
        })
    }

    /// A check of the token, which says what it may do by now: people and owners of organisations
    /// change that.
    fn introspect(&self, cx: &Context<'_>) -> Option<Box<dyn Step<Introspection>>> {
        let request = about_token(cx, Method::POST, "token", Endpoint::Introspect, Effect::Read);
        Some(once(cx, request, introspection))
    }

    fn revoke_plan(&self, cx: &Context<'_>, facts: &CredentialFacts) -> RevokePlan {
        // The client's secret goes with it.
        if cx.registration.public {
            return RevokePlan::Impossible;
        }
        rfc::revoke::plan(cx, facts)
    }

    fn revoke(&self, cx: &Context<'_>, facts: &CredentialFacts) -> Box<dyn Step<Revoked>> {
        delete(cx, facts, cx.spec.revoke.ends == RevokeEnds::Account)
    }

    /// The token goes, the grant stays.
    fn revoke_alone(
        &self,
        cx: &Context<'_>,
        facts: &CredentialFacts,
    ) -> Option<Box<dyn Step<Revoked>>> {
        Some(delete(cx, facts, false))
    }

    /// As the facts say, from a form where the webhook is configured so.
    fn read_signal(
        &self,
        cx: &Context<'_>,
        delivery: &Delivery<'_>,
    ) -> std::result::Result<Reading, SignalRefusal> {
        signals::read(cx, delivery)
    }

    fn classify(&self, cx: &Context<'_>, answer: &Answer) -> Option<Failure> {
        errors::classify(cx.spec, answer)
    }
}

/// Deletes the whole grant, or the token alone.
fn delete(cx: &Context<'_>, facts: &CredentialFacts, whole: bool) -> Box<dyn Step<Revoked>> {
    let what = if whole { "grant" } else { "token" };
    let request = about_token(cx, Method::DELETE, what, Endpoint::Revoke, Effect::Idempotent);
    let has_refresh = facts.has_refresh;
    once(cx, request, move |spec, answer| revoked(spec, answer, whole, has_refresh))
}

/// The ids of GitHub Apps begin so, and no others.
fn is_app(client_id: &str) -> bool {
    client_id.starts_with("Iv")
}

/// The words of the catalogue that are permissions of GitHub Apps.
fn is_permission(scope: &ScopeName) -> bool {
    const AREAS: [&str; 5] = ["contents", "email_addresses", "issues", "members", "metadata"];
    let area = scope.as_str().split_once(':').map(|(area, _)| area);
    area.is_some_and(|area| AREAS.contains(&area))
}

fn is_known(spec: &Spec, scopes: &[ScopeName]) -> bool {
    scopes.iter().all(|scope| spec.scope(scope).is_some())
}

/// A token request whose answer says nothing of a GitHub App's permissions: its `scope` is empty,
/// and that does not mean that nothing was granted.
fn settled(cx: &Context<'_>, step: rfc::token::TokenStep) -> Box<dyn Step<Grant>> {
    Box::new(Settled { step, is_app: is_app(&cx.registration.client_id) })
}

struct Settled {
    step: rfc::token::TokenStep,
    is_app: bool,
}

impl Step<Grant> for Settled {
    fn next(&mut self, input: Input) -> std::result::Result<Next<Grant>, Failure> {
        let next = self.step.next(input)?;
        let Next::Done(mut grant) = next else { return Ok(next) };
        for credential in &mut grant.credentials {
            credential.scopes =
                credential.scopes.take().filter(|list| !(self.is_app && list.is_empty()));
        }
        Ok(Next::Done(grant))
    }
}

fn who(cx: &Context<'_>) -> Option<Request> {
    let url = cx.spec.endpoints.userinfo.clone()?;
    Some(Request::new(Method::GET, url, Endpoint::Identity, Effect::Read).with_bearer())
}

/// A request of the application about a token, which stands in a JSON body whatever the method.
fn about_token(
    cx: &Context<'_>,
    method: Method,
    what: &str,
    endpoint: Endpoint,
    effect: Effect,
) -> Option<Request> {
    let mut url = cx.spec.endpoints.revocation.clone()?;
    url.path_segments_mut().ok()?.extend([cx.registration.client_id.as_str(), what]);
    let token = Json::Secret(SecretRef::AccessToken);
    let mut request = Request::new(method, url, endpoint, effect)
        .with_payload(Payload::Json(Json::Object(vec![("access_token".into(), token)])));
    request.authorization = Authorization::ClientBasic(BasicEncoding::Raw);
    Some(request)
}

/// What became of the tokens. 404 says that the access token is dead; of a refresh token beside it
/// that says nothing, and neither does the deletion of the access token alone.
fn revoked(
    spec: &Spec,
    answer: &Answer,
    whole: bool,
    has_refresh: bool,
) -> std::result::Result<Revoked, Failure> {
    let refresh: &[TokenKind] = if has_refresh { &[TokenKind::Refresh] } else { &[] };
    match answer.status {
        status if status.is_success() && whole => Ok(Revoked::leaving(Vec::new())),
        StatusCode::NOT_FOUND => Ok(Revoked::leaving(refresh.to_vec())),
        status if status.is_success() => Ok(Revoked::leaving(refresh.to_vec())),
        StatusCode::UNAUTHORIZED => Err(FailureKind::ClientConfiguration.into()),
        _ => match errors::classify(spec, answer) {
            Some(failure) if failure.is_transient() => Err(failure),
            _ => Ok(Revoked::leaving([refresh, &[TokenKind::Access]].concat())),
        },
    }
}

/// The answer repeats the token and says who the person is; of it no more is read than this.
fn introspection(spec: &Spec, answer: &Answer) -> std::result::Result<Introspection, Failure> {
    let inactive = Introspection { active: false, scopes: None, expires_at: None };
    match answer.status {
        StatusCode::NOT_FOUND => return Ok(inactive),
        StatusCode::UNAUTHORIZED => return Err(FailureKind::ClientConfiguration.into()),
        _ => {}
    }
    let document = document(spec, answer)?;
    let scopes = document.get("scopes").map_err(|_| malformed())?;
    let scopes = scopes.and_then(|scopes| scopes.elements()).map(|scopes| {
        let names = scopes.iter().map(|scope| scope.text().and_then(|s| ScopeName::new(s).ok()));
        names.collect::<Option<Vec<_>>>().ok_or_else(malformed)
    });
    let expires_at = document.get("expires_at").map_err(|_| malformed())?;
    let expires_at = expires_at.and_then(|at| at.text()).and_then(|at| {
        let at = OffsetDateTime::parse(&at, &Rfc3339).ok()?;
        Some(Timestamp::from_seconds(at.unix_timestamp()))
    });
    // Of a GitHub App's permissions it says nothing.
    let scopes = scopes.transpose()?.filter(|scopes| !scopes.is_empty());
    Ok(Introspection { active: true, scopes, expires_at })
}

/// The number, the login and the type, and nothing else of the profile.
fn account(spec: &Spec, answer: &Answer) -> std::result::Result<Account, Failure> {
    let document = document(spec, answer)?;
    let id = document.get("id").map_err(|_| malformed())?.and_then(|id| id.id_text());
    let id = id.and_then(|id| AccountId::new(spec.identity.id_kind.clone(), id));
    let text = |name| document.get(name).ok().flatten().and_then(|value| value.text());
    Ok(Account::new(id.ok_or_else(malformed)?)
        .with_display(text("login").as_deref())
        .with_account_type(text("type").as_deref()))
}

fn document<'a>(spec: &Spec, answer: &'a Answer) -> std::result::Result<Object<'a>, Failure> {
    if let Some(failure) = errors::classify(spec, answer) {
        return Err(failure);
    }
    if !answer.is_json() {
        return Err(malformed());
    }
    Object::parse(&answer.body).map_err(|_| malformed())
}

//! The steps at which HubSpot differs: optional scopes, whose account it is, how a grant ends, and
//! what it tells of its own accord.

use bailee_core::{Effect, IdToken, Result, ScopeName};
use http::{Method, StatusCode};

use super::{
    errors,
    signals::{self, Journal},
};
use crate::{
    answer::Answer,
    context::Context,
    failure::{Failure, FailureKind},
    grant::{
        Account, AccountId, Alive, CredentialFacts, Grant, GrantFacts, RevokePlan, Revoked,
        TokenKind,
    },
    judged::Judged,
    once::once,
    provider::{AuthorizationUrl, AuthorizeAsk, ExchangeAsk, Provider},
    request::{Endpoint, Request, SecretRef, Value},
    rfc::{
        self, introspect::IntrospectStep, liveness::ByIntrospection, malformed, oauth_error,
        scope_list,
    },
    scan::{Object, Value as Member},
    signal::{Delivery, Opening, Polled, Reading, SignalRefusal},
    spec::Spec,
    step::Step,
};

/// HubSpot. It holds its facts, which scopes may be ruled out, and whether the journal is read.
#[derive(Clone, Debug)]
pub struct HubSpot {
    spec: Spec,
    optional: Vec<ScopeName>,
    /// The scopes of the token that the journal is read with; none where it is not read.
    journal: Option<String>,
}

impl HubSpot {
    /// The adapter with the facts that it was built with. Every scope is demanded.
    pub fn new() -> Self {
        let spec = Spec::parse(include_str!("spec.toml"))
            .expect("the embedded file is a constant, and a test parses it");
        Self { spec, optional: Vec::new(), journal: None }
    }

    /// Asks for these scopes where they can be had. A person whose account or rights rule one out
    /// connects without it, and what needs it is refused.
    #[must_use]
    pub fn optional(mut self, scopes: impl IntoIterator<Item = ScopeName>) -> Self {
        self.optional.extend(scopes);
        self
    }

    /// Reads the journal every few minutes, for which the app needs subscriptions (see the
    /// [module](crate::hubspot)). Without it nobody says that the app was uninstalled.
    #[must_use]
    pub fn reading_journal(self) -> Self {
        self.reading_journal_with(JOURNAL_SCOPE)
    }

    /// The same with other scopes, with spaces between: HubSpot's guide and its specification give
    /// them different names.
    #[must_use]
    pub fn reading_journal_with(mut self, scopes: impl Into<String>) -> Self {
        self.journal = Some(scopes.into());
        self
    }

    /// Says on which hosts the files of the journal lie, where they are others than those of the
    /// spec: names, or `*.` and a name for one further label.
    ///
    /// # Errors
    ///
    /// Fails with `Configuration` where one is no such name.
    pub fn journal_hosts(mut self, hosts: Vec<String>) -> Result<Self> {
        self.spec = self.spec.with_journal_hosts(hosts)?;
        Ok(self)
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

    fn open_signal(
        &self,
        cx: &Context<'_>,
        delivery: &Delivery<'_>,
    ) -> std::result::Result<Opening, SignalRefusal> {
        signals::open(cx, delivery)
    }

    fn read_signal(
        &self,
        cx: &Context<'_>,
        delivery: &Delivery<'_>,
    ) -> std::result::Result<Reading, SignalRefusal> {
        signals::read(cx, delivery)
    }

    fn poll(&self, cx: &Context<'_>, progress: Option<&str>) -> Option<Box<dyn Step<Polled>>> {
        // Only a client with a secret gets a token of its own.
        let scopes = self.journal.as_deref().filter(|_| !cx.registration.public)?;
        Journal::new(cx, scopes, progress).map(|step| Box::new(step) as Box<dyn Step<Polled>>)
    }

    /// Introspection, where HubSpot can also say that the account is locked or being moved.
    fn liveness(&self, cx: &Context<'_>) -> Box<dyn Step<Alive>> {
        match IntrospectStep::new(cx) {
            Some(step) => Judged::boxed(cx, ByIntrospection(step), errors::passing),
            None => rfc::liveness::step(cx),
        }
    }

    fn classify(&self, cx: &Context<'_>, answer: &Answer) -> Option<Failure> {
        errors::classify(cx.spec, answer)
    }
}

/// The version that the registration sets, else the spec's.
pub(super) fn version<'a>(cx: &Context<'a>, name: &str) -> &'a str {
    let set = cx.registration.variables.get(name).map(String::as_str);
    let usual = || cx.spec.variables.iter().find(|variable| variable.name == name);
    set.or_else(|| usual().and_then(|variable| variable.default.as_deref())).unwrap_or_default()
}

/// The kind of the id of a HubSpot account, which all who connected it have in common.
pub(super) const PORTAL: &str = "portal";
const JOURNAL_SCOPE: &str = "developer.webhooks_journal.read";

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
    let portal = number("hub_id")?;
    let id = format!("{portal}:{}", number("user_id")?);
    let id = AccountId::new(spec.identity.id_kind.clone(), id).ok_or_else(malformed)?;
    // What HubSpot tells of its own accord names the portal alone.
    let portal = AccountId::new(PORTAL, portal).ok_or_else(malformed)?;
    let domain = member("hub_domain")?.and_then(|value| value.text());
    Ok(Account::new(id).with_display(domain.as_deref()).also_known_as(vec![portal]))
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

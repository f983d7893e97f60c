//! The steps at which Slack differs: two kinds of scope and of token, and errors with status 200.

use bailee_core::{CredentialName, Effect, Error, ErrorKind, IdToken, Result, ScopeName};
use http::Method;

use super::{errors, signals};
use crate::{
    answer::Answer,
    at_once::AtOnce,
    context::Context,
    failure::{Failure, FailureKind},
    grant::{Account, AccountId, Alive, CredentialFacts, Grant, GrantFacts, IssuedCredential},
    provider::{AuthorizationUrl, AuthorizeAsk, ExchangeAsk, Provider},
    request::{Endpoint, Request},
    rfc::{self, malformed, token::TokenStep, token_answer},
    scan::Object,
    signal::{Delivery, Reading, SignalRefusal},
    spec::{Spec, SpecFacts},
    step::Step,
};

/// The name of the credential that acts as the application.
pub const BOT: CredentialName = CredentialName::from_static("bot");

/// The name of the credential that acts as the person.
pub const USER: CredentialName = CredentialName::from_static("user");

/// What stands before a scope of the person in the catalogue.
const OF_USER: &str = "user:";

/// Slack. It holds nothing but its facts.
#[derive(Clone, Debug)]
pub struct Slack {
    spec: Spec,
}

impl Slack {
    /// The adapter with the facts that it was built with.
    pub fn new() -> Self {
        let spec = Spec::parse(include_str!("spec.toml"))
            .expect("the embedded file is a constant, and a test parses it");
        Self { spec: spec.with_errors(errors::CODES) }
    }
}

impl Default for Slack {
    fn default() -> Self {
        Self::new()
    }
}

impl Provider for Slack {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Scopes of the bot go into `scope` and those of the person into `user_scope`.
    fn authorize(&self, cx: &Context<'_>, ask: &AuthorizeAsk<'_>) -> Result<AuthorizationUrl> {
        let wrong = |what: &'static str| {
            Error::new(ErrorKind::InvalidInput).with_provider(cx.spec.id.clone()).with_detail(what)
        };
        if ask.scopes.iter().any(|scope| cx.spec.scope(scope).is_none()) {
            return Err(wrong("a scope is not in the catalogue"));
        }
        if ask.scopes.is_empty() {
            return Err(wrong("Slack is asked for at least one scope"));
        }
        if ask.extra.iter().any(|(name, _)| *name == "user_scope") {
            return Err(wrong("a parameter is not for the caller to set"));
        }
        let (user, bot): (Vec<ScopeName>, Vec<ScopeName>) =
            ask.scopes.iter().cloned().partition(|scope| scope.as_str().starts_with(OF_USER));
        let user: Vec<&str> =
            user.iter().filter_map(|scope| scope.as_str().strip_prefix(OF_USER)).collect();
        let user = user.join(",");
        let mut extra = ask.extra.to_vec();
        if !user.is_empty() {
            extra.push(("user_scope", &user));
        }
        rfc::authorize_url::build(cx, &AuthorizeAsk { scopes: &bot, extra: &extra, ..*ask })
    }

    fn exchange(&self, cx: &Context<'_>, ask: &ExchangeAsk<'_>) -> Box<dyn Step<Grant>> {
        Box::new(TokenStep::exchange(cx, ask).read_by(|spec, answer| {
            let document = token_answer::document(spec, answer).map_err(at_token_endpoint)?;
            let mut grant = Grant::new(credentials(spec, &document)?);
            grant.account_id = Some(account_id(spec, &document)?);
            grant.display = name(&document, "team")?.or(name(&document, "enterprise")?);
            Ok(grant)
        }))
    }

    /// The token answer said whose it is. The place is an id of its own: signals name it alone.
    fn identity(
        &self,
        _cx: &Context<'_>,
        grant: &GrantFacts,
        _nonce: Option<&str>,
        _id_token: Option<IdToken>,
    ) -> Box<dyn Step<Account>> {
        let account = grant.account_id.clone().map(|id| {
            let place = id.value().split_once(':').and_then(|(place, _)| signals::place_id(place));
            Account::new(id)
                .with_display(grant.display.as_deref())
                .also_known_as(place.into_iter().collect())
        });
        Box::new(AtOnce::new(account.ok_or_else(malformed)))
    }

    /// The answer holds the credential that was renewed, wherever in it that stands.
    fn refresh(&self, cx: &Context<'_>, facts: &CredentialFacts) -> Box<dyn Step<Grant>> {
        let wanted = facts.name.clone();
        Box::new(TokenStep::refresh(cx, facts).read_by(move |spec, answer| {
            let document = token_answer::document(spec, answer).map_err(at_token_endpoint)?;
            let mut issued = credentials(spec, &document)?;
            issued.retain(|credential| credential.name == wanted);
            if issued.is_empty() { Err(malformed()) } else { Ok(Grant::new(issued)) }
        }))
    }

    /// `auth.test` needs no scope and takes tokens of either kind.
    fn liveness(&self, cx: &Context<'_>) -> Box<dyn Step<Alive>> {
        let request = cx.spec.endpoints.userinfo.clone().map(|url| {
            Request::new(Method::POST, url, Endpoint::Identity, Effect::Read).with_bearer()
        });
        rfc::liveness::asked(cx, request, errors::classify)
    }

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

/// At the token endpoint there is no access token to renew: what would not be accepted there is
/// the grant.
fn at_token_endpoint(failure: Failure) -> Failure {
    match failure.kind {
        FailureKind::AccessRejected => Failure { kind: FailureKind::GrantOver, ..failure },
        _ => failure,
    }
}

/// The token sets of an answer: one at the top, named by its `token_type`, and that of the person
/// in `authed_user`. A webhook's address beside them is not looked at.
fn credentials(spec: &SpecFacts, document: &Object<'_>) -> Result<Vec<IssuedCredential>, Failure> {
    let mut issued = Vec::with_capacity(2);
    if has_token(document)? {
        issued.push(credential(spec, document)?);
    }
    if let Some(user) = document.object("authed_user").map_err(|_| malformed())?
        && has_token(&user)?
    {
        issued.push(credential(spec, &user)?);
    }
    let twice = issued.len() == 2 && issued[0].name == issued[1].name;
    if issued.is_empty() || twice { Err(malformed()) } else { Ok(issued) }
}

fn has_token(object: &Object<'_>) -> Result<bool, Failure> {
    Ok(object.string("access_token").map_err(|_| malformed())?.is_some())
}

fn credential(spec: &SpecFacts, object: &Object<'_>) -> Result<IssuedCredential, Failure> {
    let kind = object.string("token_type").map_err(|_| malformed())?.ok_or_else(malformed)?;
    if kind.eq_ignore_ascii_case(b"bot") {
        return token_answer::issued(spec, BOT, object);
    }
    if !kind.eq_ignore_ascii_case(b"user") {
        return Err(malformed());
    }
    let mut issued = token_answer::issued(spec, USER, object)?;
    if let Some(scopes) = issued.scopes.take() {
        let own = scopes
            .iter()
            .map(|scope| ScopeName::new(format!("{OF_USER}{scope}")).map_err(|_| malformed()));
        issued.scopes = Some(own.collect::<std::result::Result<_, _>>()?);
    }
    Ok(issued)
}

/// The workspace, or for an installation in a whole organisation that one, and the person in it.
fn account_id(spec: &SpecFacts, document: &Object<'_>) -> Result<AccountId, Failure> {
    let place = match member(document, "team", "id")? {
        Some(team) => team,
        None => member(document, "enterprise", "id")?.ok_or_else(malformed)?,
    };
    let person = member(document, "authed_user", "id")?.ok_or_else(malformed)?;
    AccountId::new(spec.identity.id_kind.clone(), format!("{place}:{person}")).ok_or_else(malformed)
}

fn name(document: &Object<'_>, of: &str) -> Result<Option<String>, Failure> {
    member(document, of, "name")
}

/// A text in an object of the answer, where neither is missing, `null` or empty.
fn member(document: &Object<'_>, object: &str, name: &str) -> Result<Option<String>, Failure> {
    let Some(object) = document.object(object).map_err(|_| malformed())? else { return Ok(None) };
    let text = object.get(name).map_err(|_| malformed())?.and_then(|value| value.text());
    Ok(text.filter(|text| !text.is_empty()))
}

//! The steps at which Atlassian differs: the sites of a grant in the place of an account, and what
//! its codes mean where.

use bailee_core::{Effect, IdToken};
use http::Method;
use url::Url;

use super::{
    errors,
    signals::Report,
    wire::{Me, Resource},
};
use crate::{
    answer::Answer,
    context::Context,
    failure::{Failure, FailureKind},
    grant::{Account, AccountId, Alive, CredentialFacts, Grant, GrantFacts, Place},
    once::once,
    provider::{ExchangeAsk, Provider},
    request::{Endpoint, Request},
    rfc::{malformed, misuse, token::TokenStep, token_answer},
    signal::{WatchFacts, Watched},
    spec::{Spec, SpecFacts},
    step::{Input, Next, Step},
};

/// The kind of an id that `read:me` gives.
pub(super) const ACCOUNT: &str = "account_id";

/// What stands for an account that Atlassian does not name. It is neither stored nor reported.
pub(super) const UNKNOWN: &str = "unknown";

/// Jira Cloud. It holds nothing but its facts.
#[derive(Clone, Debug)]
pub struct Jira {
    spec: Spec,
}

impl Jira {
    /// The adapter with the facts that it was built with.
    pub fn new() -> Self {
        let spec = Spec::parse(include_str!("spec.toml"))
            .expect("the embedded file is a constant, and a test parses it");
        Self { spec: spec.with_errors(errors::CODES) }
    }
}

impl Default for Jira {
    fn default() -> Self {
        Self::new()
    }
}

impl Provider for Jira {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn exchange(&self, cx: &Context<'_>, ask: &ExchangeAsk<'_>) -> Box<dyn Step<Grant>> {
        Box::new(
            TokenStep::exchange(cx, ask).read_by(|spec, answer| {
                token_answer::read(spec, answer).map_err(errors::at_exchange)
            }),
        )
    }

    fn refresh(&self, cx: &Context<'_>, facts: &CredentialFacts) -> Box<dyn Step<Grant>> {
        Box::new(
            TokenStep::refresh(cx, facts).read_by(|spec, answer| {
                token_answer::read(spec, answer).map_err(errors::at_refresh)
            }),
        )
    }

    /// The sites, and the account where `read:me` was granted.
    fn identity(
        &self,
        cx: &Context<'_>,
        grant: &GrantFacts,
        _nonce: Option<&str>,
        _id_token: Option<IdToken>,
    ) -> Box<dyn Step<Account>> {
        let me = cx.spec.api.as_ref().and_then(|api| api.join("/me").ok());
        Box::new(Identity {
            spec: cx.spec.clone(),
            state: State::Begin,
            me: me.filter(|_| grant.has_scope("read:me")),
        })
    }

    /// A grant without a site is over: nobody says otherwise that an application was removed.
    fn liveness(&self, cx: &Context<'_>) -> Box<dyn Step<Alive>> {
        let request = cx.spec.endpoints.userinfo.clone().map(ask);
        once(cx, request, |spec, answer| match resources(spec, answer) {
            Ok(sites) if sites.is_empty() => Err(FailureKind::GrantOver.into()),
            Ok(_) => Ok(Alive::Yes),
            Err(failure) if failure.kind == FailureKind::AccessRejected => Ok(Alive::No),
            Err(failure) => Err(failure),
        })
    }

    /// The account is reported as well, where its id is stored.
    fn watch(&self, cx: &Context<'_>, facts: &WatchFacts) -> Box<dyn Step<Watched>> {
        Box::new(Report::new(cx, self.liveness(cx), facts))
    }

    fn classify(&self, cx: &Context<'_>, answer: &Answer) -> Option<Failure> {
        errors::classify(cx.spec, answer)
    }
}

fn ask(url: Url) -> Request {
    Request::new(Method::GET, url, Endpoint::Identity, Effect::Read).with_bearer()
}

/// The Jira sites in an answer, in the order of their ids. Confluence's stand in the same list.
pub(super) fn resources(spec: &SpecFacts, answer: &Answer) -> Result<Vec<Resource>, Failure> {
    if let Some(failure) = errors::classify(spec, answer) {
        return Err(failure);
    }
    if !answer.is_json() {
        return Err(malformed());
    }
    let all: Vec<Resource> = serde_json::from_slice(&answer.body).map_err(|_| malformed())?;
    jira_sites(all)
}

pub(super) fn jira_sites(mut all: Vec<Resource>) -> Result<Vec<Resource>, Failure> {
    all.retain(|resource| resource.scopes.iter().any(|scope| scope.contains("jira")));
    if !all.iter().all(|resource| is_cloud_id(&resource.id)) {
        return Err(malformed());
    }
    all.sort_by(|one, other| one.id.cmp(&other.id));
    all.dedup_by(|one, other| one.id == other.id);
    Ok(all)
}

/// A UUID, or whatever else of letters, digits and hyphens.
pub(super) fn is_cloud_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

enum State {
    Begin,
    Sites,
    Me(Vec<Place>),
    Over,
}

struct Identity {
    spec: Spec,
    state: State,
    /// Where the account is asked for, if it may be.
    me: Option<Url>,
}

impl Identity {
    fn sites(&mut self, answer: &Answer) -> Result<Next<Account>, Failure> {
        let sites = resources(&self.spec, answer)?;
        // An account without a Jira site has nothing to connect.
        let first = sites.first().ok_or(FailureKind::Blocked)?;
        let id = AccountId::new(self.spec.identity.id_kind.clone(), first.id.clone());
        let names: Vec<&str> = sites.iter().map(|site| site.name.as_str()).collect();
        let names = names.join(", ");
        let places = sites.iter().filter_map(|site| Place::new(site.id.clone(), &site.name));
        let places: Vec<Place> = places.collect();
        match self.me.take() {
            Some(url) => {
                self.state = State::Me(places);
                Ok(Next::Send(ask(url)))
            }
            None => {
                let account = Account::new(id.ok_or_else(malformed)?);
                Ok(Next::Done(account.with_display(Some(&names)).with_places(places)))
            }
        }
    }

    fn account(&self, places: Vec<Place>, answer: &Answer) -> Result<Account, Failure> {
        if let Some(failure) = errors::classify(&self.spec, answer) {
            return Err(failure);
        }
        if !answer.is_json() {
            return Err(malformed());
        }
        let me: Me = serde_json::from_slice(&answer.body).map_err(|_| malformed())?;
        // What Atlassian says of an account that it does not name.
        if me.account_id == UNKNOWN {
            return Err(malformed());
        }
        let id = AccountId::new(ACCOUNT, me.account_id).ok_or_else(malformed)?;
        Ok(Account::new(id).with_display(me.name.as_deref()).with_places(places))
    }
}

impl Step<Account> for Identity {
    fn next(&mut self, input: Input) -> Result<Next<Account>, Failure> {
        match (std::mem::replace(&mut self.state, State::Over), input) {
            (State::Begin, Input::Start) => {
                self.state = State::Sites;
                let url = self.spec.endpoints.userinfo.clone().ok_or(FailureKind::Unsupported)?;
                Ok(Next::Send(ask(url)))
            }
            (State::Sites, Input::Answer(answer)) => self.sites(&answer),
            (State::Me(places), Input::Answer(answer)) => {
                self.account(places, &answer).map(Next::Done)
            }
            _ => Err(misuse()),
        }
    }
}

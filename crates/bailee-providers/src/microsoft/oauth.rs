//! The steps at which Microsoft differs: scopes of token answers, numbers of refusals, and whose
//! accounts a registration takes.

use bailee_core::ScopeName;

use super::errors;
use crate::{
    answer::Answer,
    context::Context,
    failure::{Failure, FailureKind},
    grant::{Account, Alive, CredentialFacts, Grant},
    provider::{ExchangeAsk, Provider},
    rfc::{self, token::TokenStep},
    spec::Spec,
    step::{Input, Next, Step},
};

/// The directory that all personal accounts are in.
const PERSONAL: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// What Graph's scopes may stand behind.
const GRAPH: &str = "https://graph.microsoft.com/";

/// Microsoft. It holds nothing but its facts.
#[derive(Clone, Debug)]
pub struct Microsoft {
    spec: Spec,
}

impl Microsoft {
    /// The adapter with the facts that it was built with.
    pub fn new() -> Self {
        let spec = Spec::parse(include_str!("spec.toml"))
            .expect("the embedded file is a constant, and a test parses it");
        Self { spec: spec.with_errors(errors::CODES) }
    }
}

impl Default for Microsoft {
    fn default() -> Self {
        Self::new()
    }
}

impl Provider for Microsoft {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn exchange(&self, cx: &Context<'_>, ask: &ExchangeAsk<'_>) -> Box<dyn Step<Grant>> {
        Box::new(Tokens { spec: cx.spec.clone(), step: TokenStep::exchange(cx, ask) })
    }

    fn refresh(&self, cx: &Context<'_>, facts: &CredentialFacts) -> Box<dyn Step<Grant>> {
        Box::new(Tokens { spec: cx.spec.clone(), step: TokenStep::refresh(cx, facts) })
    }

    /// A registration for one directory takes its accounts alone, one for `organizations` no
    /// personal ones, one for `consumers` no others. A domain says nothing that can be compared.
    fn eligibility(&self, cx: &Context<'_>, account: &Account) -> Result<(), Failure> {
        let tenant = cx.registration.variables.get("tenant").map_or("common", String::as_str);
        let directory = account.id.value().split(':').next().unwrap_or_default();
        let fits = match tenant {
            "common" => true,
            "consumers" => directory == PERSONAL,
            "organizations" => directory != PERSONAL,
            domain if domain.contains('.') => true,
            id => directory.eq_ignore_ascii_case(id),
        };
        if fits { Ok(()) } else { Err(FailureKind::Blocked.into()) }
    }

    fn liveness(&self, cx: &Context<'_>) -> Box<dyn Step<Alive>> {
        rfc::liveness::judged(cx, errors::classify)
    }

    fn classify(&self, cx: &Context<'_>, answer: &Answer) -> Option<Failure> {
        errors::classify(cx.spec, answer)
    }
}

/// A token request whose answer names scopes in its own way.
struct Tokens {
    spec: Spec,
    step: TokenStep,
}

impl Step<Grant> for Tokens {
    fn next(&mut self, input: Input) -> Result<Next<Grant>, Failure> {
        let numbered = match &input {
            Input::Answer(answer) => errors::numbered(answer),
            _ => None,
        };
        match (self.step.next(input), numbered) {
            (Ok(Next::Done(grant)), _) => Ok(Next::Done(self.settle(grant))),
            (Err(_), Some(failure)) => Err(failure),
            (next, _) => next,
        }
    }
}

impl Tokens {
    /// Gives scopes their names in the catalogue, and adds those that answers leave out: what they
    /// ask for is there.
    fn settle(&self, mut grant: Grant) -> Grant {
        let signed_in = grant.id_token.is_some();
        for credential in &mut grant.credentials {
            let Some(scopes) = &mut credential.scopes else { continue };
            for scope in scopes.iter_mut() {
                *scope = self.named(scope);
            }
            let mut add = |name: &'static str| {
                if !scopes.iter().any(|scope| scope.as_str() == name) {
                    scopes.push(ScopeName::from_static(name));
                }
            };
            if credential.refresh.is_some() {
                add("offline_access");
            }
            if signed_in {
                add("openid");
            }
        }
        grant
    }

    fn named(&self, scope: &ScopeName) -> ScopeName {
        let text = scope.as_str();
        let has_prefix =
            text.get(..GRAPH.len()).is_some_and(|prefix| prefix.eq_ignore_ascii_case(GRAPH));
        let short = if has_prefix { &text[GRAPH.len()..] } else { text };
        let catalogue = self.spec.scopes.catalogue.iter();
        let mut known = catalogue.map(|entry| &entry.name);
        known.find(|name| name.as_str().eq_ignore_ascii_case(short)).unwrap_or(scope).clone()
    }
}

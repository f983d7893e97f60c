//! The steps at which ClickUp differs: codes at the token endpoint, and the workspaces that the
//! person ticked. The rest is facts in `spec.toml` and the defaults.

use bailee_core::IdToken;

use super::{
    errors,
    operations::{ListWorkspaces, Workspace},
};
use crate::{
    context::Context,
    failure::Failure,
    grant::{Account, Grant, GrantFacts, Place},
    judged::Judged,
    operation::Operation,
    provider::{ExchangeAsk, Provider},
    rfc::{identity::IdentityStep, misuse, token::TokenStep},
    spec::Spec,
    step::{Input, Next, Step},
};

/// ClickUp. It holds nothing but its facts.
#[derive(Clone, Debug)]
pub struct ClickUp {
    spec: Spec,
}

impl ClickUp {
    /// The adapter with the facts that it was built with.
    pub fn new() -> Self {
        let spec = Spec::parse(include_str!("spec.toml"))
            .expect("the embedded file is a constant, and a test parses it");
        Self { spec: spec.with_errors(errors::CODES) }
    }
}

impl Default for ClickUp {
    fn default() -> Self {
        Self::new()
    }
}

impl Provider for ClickUp {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn exchange(&self, cx: &Context<'_>, ask: &ExchangeAsk<'_>) -> Box<dyn Step<Grant>> {
        Judged::boxed(cx, TokenStep::exchange(cx, ask), errors::at_token_endpoint)
    }

    /// Who the person is, then the workspaces that they ticked.
    fn identity(
        &self,
        cx: &Context<'_>,
        grant: &GrantFacts,
        nonce: Option<&str>,
        id_token: Option<IdToken>,
    ) -> Box<dyn Step<Account>> {
        Box::new(WithWorkspaces {
            account: IdentityStep::new(cx, grant, nonce, id_token),
            found: None,
            workspaces: ListWorkspaces.start(cx),
        })
    }
}

/// One question after the other.
struct WithWorkspaces {
    account: IdentityStep,
    found: Option<Account>,
    workspaces: Box<dyn Step<Vec<Workspace>>>,
}

impl Step<Account> for WithWorkspaces {
    fn next(&mut self, input: Input) -> Result<Next<Account>, Failure> {
        let input = match self.found {
            Some(_) => input,
            None => match self.account.next(input)? {
                Next::Done(account) => {
                    self.found = Some(account);
                    Input::Start
                }
                next => return Ok(next),
            },
        };
        Ok(match self.workspaces.next(input)? {
            Next::Done(workspaces) => {
                let places = workspaces
                    .iter()
                    .filter_map(|workspace| Place::new(workspace.id.as_str(), &workspace.name));
                let account = self.found.take().ok_or_else(misuse)?;
                Next::Done(account.with_places(places.collect()))
            }
            Next::Send(request) => Next::Send(request),
            Next::Verify(signed) => Next::Verify(signed),
            Next::Wait(wait) => Next::Wait(wait),
        })
    }
}

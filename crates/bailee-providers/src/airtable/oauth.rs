//! The steps at which Airtable differs: a refresh beside another one, and limits. The rest is facts
//! in `spec.toml` and the defaults.

use super::errors;
use crate::{
    answer::Answer,
    context::Context,
    failure::Failure,
    grant::{Alive, CredentialFacts, Grant},
    judged::Judged,
    provider::Provider,
    rfc::{self, token::TokenStep},
    spec::Spec,
    step::Step,
};

/// Airtable. It holds nothing but its facts.
#[derive(Clone, Debug)]
pub struct Airtable {
    spec: Spec,
}

impl Airtable {
    /// The adapter with the facts that it was built with.
    pub fn new() -> Self {
        let spec = Spec::parse(include_str!("spec.toml"))
            .expect("the embedded file is a constant, and a test parses it");
        Self { spec }
    }
}

impl Default for Airtable {
    fn default() -> Self {
        Self::new()
    }
}

impl Provider for Airtable {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn refresh(&self, cx: &Context<'_>, facts: &CredentialFacts) -> Box<dyn Step<Grant>> {
        Judged::boxed(cx, TokenStep::refresh(cx, facts), errors::of_refresh)
    }

    fn liveness(&self, cx: &Context<'_>) -> Box<dyn Step<Alive>> {
        rfc::liveness::judged(cx, errors::classify)
    }

    fn classify(&self, cx: &Context<'_>, answer: &Answer) -> Option<Failure> {
        errors::classify(cx.spec, answer)
    }
}

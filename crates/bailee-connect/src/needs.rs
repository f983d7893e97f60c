//! What a use needs and does, whether an operation or a declared endpoint says it.

use bailee_core::{CredentialName, DataCategory, Effect, ProviderId, ScopeName};
use bailee_providers::OperationFacts;

/// What a use needs and does.
#[derive(Clone, Copy)]
pub(crate) struct Needs<'a> {
    pub(crate) name: &'a str,
    pub(crate) provider: &'a ProviderId,
    pub(crate) scopes: &'a [ScopeName],
    pub(crate) effect: Effect,
    pub(crate) sends: Categories<'a>,
    pub(crate) reads: Categories<'a>,
    pub(crate) credential: &'a CredentialName,
    /// Whether it is an endpoint of the declaration, and no operation of an adapter.
    pub(crate) endpoint: bool,
}

/// Categories of data.
#[derive(Clone, Copy)]
pub(crate) enum Categories<'a> {
    Declared(&'a [DataCategory]),
    Named(&'static [&'static str]),
}

impl Categories<'_> {
    pub(crate) fn all(self) -> impl Iterator<Item = DataCategory> {
        let (declared, named) = match self {
            Self::Declared(declared) => (declared, [].as_slice()),
            Self::Named(named) => ([].as_slice(), named),
        };
        declared.iter().cloned().chain(named.iter().map(|name| DataCategory::from(*name)))
    }
}

impl<'a> From<&'a OperationFacts> for Needs<'a> {
    fn from(facts: &'a OperationFacts) -> Self {
        Self {
            name: facts.name,
            provider: &facts.provider,
            scopes: facts.scopes,
            effect: facts.effect,
            sends: Categories::Named(facts.sends),
            reads: Categories::Named(facts.reads),
            credential: &facts.credential,
            endpoint: false,
        }
    }
}

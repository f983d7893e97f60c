//! Operations: typed calls of a provider's API that a declaration may allow.

use bailee_core::{CredentialName, Effect, ProviderId, ScopeName};
use http::Method;

use crate::{context::Context, spec::Spec, step::Step};

/// A call of a provider's API with a typed outcome. No operation sees a token.
pub trait Operation: Send + Sync {
    /// What the call gives.
    type Output: Send;

    /// What the operation needs and does. The gate decides by this.
    fn facts(&self) -> &OperationFacts;

    /// Begins the call.
    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Self::Output>>;
}

/// Texts in declared fields, as they leave: a JSON object of texts and lists of texts.
pub type Fields = serde_json::Map<String, serde_json::Value>;

/// A call that sends a recipient free texts in named fields: for providers that are told about content
/// and about no person.
///
/// It is no [`Operation`], so that it cannot be called with texts that nobody looked at: whoever calls
/// it hands in fields that the declaration lets the recipient have and that were screened
/// (`bailee_registry::outbound`).
pub trait FieldOperation: Send + Sync {
    /// What the call gives.
    type Output: Send;

    /// What the operation needs and does. The gate decides by this.
    fn facts(&self) -> &OperationFacts;

    /// Begins the call. Nothing of the person is in it but these fields.
    fn start(&self, cx: &Context<'_>, fields: &Fields) -> Box<dyn Step<Self::Output>>;
}

/// What an operation needs and does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationFacts {
    /// Its name, behind the provider's id and a dot (`tiktok.creator_info`).
    pub name: &'static str,
    /// The provider.
    pub provider: ProviderId,
    /// The scopes that it needs, all of them.
    pub scopes: &'static [ScopeName],
    /// What it does at the provider.
    pub effect: Effect,
    /// The method of its first request.
    pub method: Method,
    /// The path of its first request, with `{name}` where a part is filled in.
    pub path: &'static str,
    /// The categories of personal data that it sends.
    pub sends: &'static [&'static str],
    /// The categories of personal data that it reads.
    pub reads: &'static [&'static str],
    /// The credential that it is called with.
    pub credential: CredentialName,
}

impl OperationFacts {
    /// Checks the facts against a spec: the provider, the scopes, the categories, the path.
    ///
    /// # Errors
    ///
    /// Fails with `Configuration` and says what does not fit. A scope that is not in the catalogue
    /// is refused, so that no consent page shows a bare code.
    pub fn check(&self, spec: &Spec) -> bailee_core::Result<()> {
        crate::json_call::check_facts(self, spec)
    }
}

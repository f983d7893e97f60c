//! Anthropic: captions from a few facts about a post, with a key that somebody enters (pages and
//! date in `spec.toml`).
//!
//! Where it differs from the other adapters:
//!
//! - There is no flow. An operator, a tenant's administrator or a person makes a key in the Console
//!   and enters it; keys that administer an organisation (`sk-ant-admin…`) and tokens of people's
//!   own sessions (`sk-ant-oat…`) are refused before anybody is asked about them.
//! - A key names no account: a keyed hash of it stands for one. Whether it is good is asked with
//!   one model of the list.
//! - Nothing is renewed or revoked here. A key lives until somebody deletes it in the Console, and
//!   receipts say so.
//! - [`WriteCaption`] sends declared fields that were screened, and no id of anything. No streaming, no tools, no sampling parameters.
//! - A caption changes nothing but is billed, and the provider has no idempotency: it is an effect,
//!   so it is never sent twice by itself. One whose answer was lost is `Ambiguous`; whoever asks
//!   again pays again.
//! - What comes back is untrusted text: bounded, without control characters, and for a person to
//!   look at. A refusal and an empty answer are no errors but [`NoCaption`].
//! - `529` is an overload and `402` an unpaid bill. `retry-after-ms` is read where `retry-after` is
//!   missing, and `x-should-retry: true` makes a refusal one that passes.
//! - Anthropic deletes inputs and outputs after 30 days by its terms; there is no call for it.
//!
//! Not covered: conversations, pictures, files, batches, counting of tokens, bearer tokens of
//! workload identities, `metadata.user_id`.

mod errors;
mod operations;
mod wire;

use bailee_core::IdToken;

use crate::{
    answer::Answer,
    context::Context,
    failure::Failure,
    grant::{Account, Alive, GrantFacts},
    judged::Judged,
    provider::Provider,
    rfc::{self, identity::IdentityStep},
    spec::Spec,
    step::Step,
};

pub use operations::{
    CAPTION_LIMIT, Caption, CaptionLength, DEFAULT_MODEL, ListModels, Model, NoCaption, Suggestion,
    Tone, WriteCaption,
};

/// Anthropic. It holds nothing but its facts.
#[derive(Clone, Debug)]
pub struct Anthropic {
    spec: Spec,
}

impl Anthropic {
    /// The adapter with the facts that it was built with.
    pub fn new() -> Self {
        let spec = Spec::parse(include_str!("spec.toml"))
            .expect("the embedded file is a constant, and a test parses it");
        Self { spec }
    }
}

impl Default for Anthropic {
    fn default() -> Self {
        Self::new()
    }
}

impl Provider for Anthropic {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn identity(
        &self,
        cx: &Context<'_>,
        grant: &GrantFacts,
        nonce: Option<&str>,
        id_token: Option<IdToken>,
    ) -> Box<dyn Step<Account>> {
        Judged::boxed(cx, IdentityStep::new(cx, grant, nonce, id_token), errors::classify)
    }

    fn liveness(&self, cx: &Context<'_>) -> Box<dyn Step<Alive>> {
        rfc::liveness::judged(cx, errors::classify)
    }

    fn classify(&self, cx: &Context<'_>, answer: &Answer) -> Option<Failure> {
        errors::classify(cx.spec, answer)
    }
}

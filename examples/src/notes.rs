//! An operation of the host's own, for a provider that a TOML file describes.

use bailee::{
    ProviderId,
    core::{CredentialName, Effect, ScopeName},
    providers::{Context, JsonCall, Operation, OperationFacts, Step},
};

/// Writes a note.
#[derive(Debug)]
pub struct WriteNote<'a>(pub &'a str);

impl Operation for WriteNote<'_> {
    type Output = u64;

    fn facts(&self) -> &OperationFacts {
        static FACTS: OperationFacts = OperationFacts {
            name: "notes.write",
            provider: ProviderId::from_static("notes"),
            scopes: &[ScopeName::from_static("notes.write")],
            effect: Effect::Effect,
            method: http::Method::POST,
            path: "/notes",
            sends: &["content"],
            reads: &[],
            credential: CredentialName::from_static("user"),
        };
        &FACTS
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<u64>> {
        JsonCall::new(cx, self.facts())
            .body(&serde_json::json!({ "text": self.0 }))
            .read(|note: serde_json::Value| Ok(note["id"].as_u64().unwrap_or_default()))
    }
}

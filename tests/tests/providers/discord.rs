//! Discord: the cases.

use std::sync::Arc;

use async_trait::async_trait;
use bailee::{
    Acting, ConnectionRef, Result,
    core::{CredentialName, Effect, ProviderId, ScopeName},
    providers::{Context, JsonCall, Operation, OperationFacts, Provider, Step},
};
use bailee_testkit::{
    conformance::Contender,
    emulator::{self, Played},
};
use http::Method;

use crate::held::{adapter, canary, hold};

/// The servers that a person is in.
struct Guilds;

static FACTS: OperationFacts = OperationFacts {
    name: "discord.guilds",
    provider: ProviderId::from_static("discord"),
    scopes: &[ScopeName::from_static("guilds")],
    effect: Effect::Read,
    method: Method::GET,
    path: "/users/@me/guilds",
    sends: &[],
    reads: &["content"],
    credential: CredentialName::from_static("user"),
};

impl Operation for Guilds {
    type Output = Vec<serde_json::Value>;

    fn facts(&self) -> &OperationFacts {
        &FACTS
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Vec<serde_json::Value>>> {
        JsonCall::new(cx, &FACTS).read(Ok)
    }
}

struct Contending;

#[async_trait]
impl Contender for Contending {
    fn provider(&self) -> Arc<dyn Provider> {
        adapter("discord")
    }

    fn played(&self) -> Played {
        emulator::discord::Discord::new().into()
    }

    fn scopes(&self) -> Vec<ScopeName> {
        ["identify", "guilds"].map(ScopeName::from_static).to_vec()
    }

    fn left_out(&self) -> Option<ScopeName> {
        Some(ScopeName::from_static("guilds"))
    }

    fn operation(&self) -> OperationFacts {
        FACTS.clone()
    }

    async fn probe(&self, acting: &Acting, connection: &ConnectionRef) -> Result<()> {
        acting.call(connection, &Guilds).await.map(|_| ())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn discord_passes_every_case() {
    hold(Arc::new(Contending)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_05_no_secret_of_discord_is_stored_in_the_clear() {
    canary(&Contending).await;
}

//! Linear: the cases.

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

/// Issues.
struct Issues;

#[derive(serde::Deserialize)]
struct Answered {
    data: serde_json::Value,
}

static FACTS: OperationFacts = OperationFacts {
    name: "linear.issues",
    provider: ProviderId::from_static("linear"),
    scopes: &[ScopeName::from_static("read")],
    effect: Effect::Read,
    method: Method::POST,
    path: "/graphql",
    sends: &[],
    reads: &["content"],
    credential: CredentialName::from_static("user"),
};

impl Operation for Issues {
    type Output = serde_json::Value;

    fn facts(&self) -> &OperationFacts {
        &FACTS
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<serde_json::Value>> {
        JsonCall::new(cx, &FACTS)
            .body(&serde_json::json!({"query": "{ issues { nodes { id title } } }"}))
            .read(|answer: Answered| Ok(answer.data))
    }
}

struct Contending;

#[async_trait]
impl Contender for Contending {
    fn provider(&self) -> Arc<dyn Provider> {
        adapter("linear")
    }

    fn played(&self) -> Played {
        emulator::linear::Linear::new().into()
    }

    fn scopes(&self) -> Vec<ScopeName> {
        ["read", "write"].map(ScopeName::from_static).to_vec()
    }

    fn operation(&self) -> OperationFacts {
        FACTS.clone()
    }

    async fn probe(&self, acting: &Acting, connection: &ConnectionRef) -> Result<()> {
        acting.call(connection, &Issues).await.map(|_| ())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn linear_passes_every_case() {
    hold(Arc::new(Contending)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_05_no_secret_of_linear_is_stored_in_the_clear() {
    canary(&Contending).await;
}

//! Salesforce: the cases.

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

/// What is left of the allowances.
struct Limits;

#[derive(serde::Deserialize)]
struct Limited {
    #[serde(rename = "DailyApiRequests")]
    requests: serde_json::Value,
}

static FACTS: OperationFacts = OperationFacts {
    name: "salesforce.limits",
    provider: ProviderId::from_static("salesforce"),
    scopes: &[ScopeName::from_static("api")],
    effect: Effect::Read,
    method: Method::GET,
    path: "/services/data/v67.0/limits",
    sends: &[],
    reads: &["content"],
    credential: CredentialName::from_static("user"),
};

impl Operation for Limits {
    type Output = serde_json::Value;

    fn facts(&self) -> &OperationFacts {
        &FACTS
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<serde_json::Value>> {
        JsonCall::new(cx, &FACTS).read(|limits: Limited| Ok(limits.requests))
    }
}

struct Contending;

#[async_trait]
impl Contender for Contending {
    fn provider(&self) -> Arc<dyn Provider> {
        adapter("salesforce")
    }

    fn played(&self) -> Played {
        emulator::salesforce::Salesforce::new().into()
    }

    fn scopes(&self) -> Vec<ScopeName> {
        ["id", "refresh_token", "api"].map(ScopeName::from_static).to_vec()
    }

    fn operation(&self) -> OperationFacts {
        FACTS.clone()
    }

    async fn probe(&self, acting: &Acting, connection: &ConnectionRef) -> Result<()> {
        acting.call(connection, &Limits).await.map(|_| ())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn salesforce_passes_every_case() {
    hold(Arc::new(Contending)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_05_no_secret_of_salesforce_is_stored_in_the_clear() {
    canary(&Contending).await;
}

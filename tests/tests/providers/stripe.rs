//! Stripe: the cases.

use std::sync::Arc;

use async_trait::async_trait;
use bailee::{
    Acting, ConnectionRef, Result,
    core::{CredentialName, Effect, ProviderId, ScopeName},
    providers::{Context, JsonCall, Operation, OperationFacts, Provider, Step},
};
use bailee_testkit::{
    conformance::{Case, Contender},
    emulator::{self, Played},
};
use http::Method;

use crate::held::{adapter, canary, hold};

/// What is in an account.
struct Balance;

#[derive(serde::Deserialize)]
struct Held {
    available: serde_json::Value,
}

static FACTS: OperationFacts = OperationFacts {
    name: "stripe.balance",
    provider: ProviderId::from_static("stripe"),
    scopes: &[ScopeName::from_static("read_only")],
    effect: Effect::Read,
    method: Method::GET,
    path: "/balance",
    sends: &[],
    reads: &["content"],
    credential: CredentialName::from_static("user"),
};

impl Operation for Balance {
    type Output = serde_json::Value;

    fn facts(&self) -> &OperationFacts {
        &FACTS
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<serde_json::Value>> {
        JsonCall::new(cx, &FACTS).read(|balance: Held| Ok(balance.available))
    }
}

struct Contending;

#[async_trait]
impl Contender for Contending {
    fn provider(&self) -> Arc<dyn Provider> {
        adapter("stripe")
    }

    fn played(&self) -> Played {
        emulator::stripe::Stripe::new().into()
    }

    fn scopes(&self) -> Vec<ScopeName> {
        ["read_only"].map(ScopeName::from_static).to_vec()
    }

    fn operation(&self) -> OperationFacts {
        FACTS.clone()
    }

    async fn probe(&self, acting: &Acting, connection: &ConnectionRef) -> Result<()> {
        acting.call(connection, &Balance).await.map(|_| ())
    }

    fn why_not(&self, case: Case) -> Option<&'static str> {
        match case {
            Case::RotatedRefresh => Some("tokens do not run out"),
            _ => None,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stripe_passes_every_case() {
    hold(Arc::new(Contending)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_05_no_secret_of_stripe_is_stored_in_the_clear() {
    canary(&Contending).await;
}

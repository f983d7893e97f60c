//! Notion: the cases.

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

/// The pages that were shared.
struct Search;

#[derive(serde::Deserialize)]
struct List {
    results: Vec<serde_json::Value>,
}

static FACTS: OperationFacts = OperationFacts {
    name: "notion.search",
    provider: ProviderId::from_static("notion"),
    scopes: &[ScopeName::from_static("read_content")],
    effect: Effect::Read,
    method: Method::POST,
    path: "/search",
    sends: &[],
    reads: &["content"],
    credential: CredentialName::from_static("user"),
};

impl Operation for Search {
    type Output = Vec<serde_json::Value>;

    fn facts(&self) -> &OperationFacts {
        &FACTS
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Vec<serde_json::Value>>> {
        JsonCall::new(cx, &FACTS).body(&serde_json::json!({})).read(|list: List| Ok(list.results))
    }
}

struct Contending;

#[async_trait]
impl Contender for Contending {
    fn provider(&self) -> Arc<dyn Provider> {
        adapter("notion")
    }

    fn played(&self) -> Played {
        emulator::notion::Notion::new().into()
    }

    fn scopes(&self) -> Vec<ScopeName> {
        ["read_content", "read_user_without_email"].map(ScopeName::from_static).to_vec()
    }

    fn operation(&self) -> OperationFacts {
        FACTS.clone()
    }

    async fn probe(&self, acting: &Acting, connection: &ConnectionRef) -> Result<()> {
        acting.call(connection, &Search).await.map(|_| ())
    }

    fn why_not(&self, case: Case) -> Option<&'static str> {
        match case {
            Case::ScopeShrink => Some("there is no scope to leave out"),
            _ => None,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notion_passes_every_case() {
    hold(Arc::new(Contending)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_05_no_secret_of_notion_is_stored_in_the_clear() {
    canary(&Contending).await;
}

//! Dropbox: the cases.

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

/// What is in a folder.
struct ListFolder;

#[derive(serde::Deserialize)]
struct List {
    entries: Vec<serde_json::Value>,
}

static FACTS: OperationFacts = OperationFacts {
    name: "dropbox.list_folder",
    provider: ProviderId::from_static("dropbox"),
    scopes: &[ScopeName::from_static("files.metadata.read")],
    effect: Effect::Read,
    method: Method::POST,
    path: "/files/list_folder",
    sends: &[],
    reads: &["content"],
    credential: CredentialName::from_static("user"),
};

impl Operation for ListFolder {
    type Output = Vec<serde_json::Value>;

    fn facts(&self) -> &OperationFacts {
        &FACTS
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Vec<serde_json::Value>>> {
        JsonCall::new(cx, &FACTS)
            .body(&serde_json::json!({"path": ""}))
            .read(|list: List| Ok(list.entries))
    }
}

struct Contending;

#[async_trait]
impl Contender for Contending {
    fn provider(&self) -> Arc<dyn Provider> {
        adapter("dropbox")
    }

    fn played(&self) -> Played {
        emulator::dropbox::Dropbox::new().into()
    }

    fn scopes(&self) -> Vec<ScopeName> {
        ["account_info.read", "files.metadata.read"].map(ScopeName::from_static).to_vec()
    }

    fn operation(&self) -> OperationFacts {
        FACTS.clone()
    }

    async fn probe(&self, acting: &Acting, connection: &ConnectionRef) -> Result<()> {
        acting.call(connection, &ListFolder).await.map(|_| ())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropbox_passes_every_case() {
    hold(Arc::new(Contending)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_05_no_secret_of_dropbox_is_stored_in_the_clear() {
    canary(&Contending).await;
}

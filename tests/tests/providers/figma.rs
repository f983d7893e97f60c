//! Figma: the cases.

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

/// A file.
struct File;

#[derive(serde::Deserialize)]
struct Named {
    name: String,
}

static FACTS: OperationFacts = OperationFacts {
    name: "figma.file",
    provider: ProviderId::from_static("figma"),
    scopes: &[ScopeName::from_static("file_content:read")],
    effect: Effect::Read,
    method: Method::GET,
    path: "/files/{key}",
    sends: &[],
    reads: &["content"],
    credential: CredentialName::from_static("user"),
};

impl Operation for File {
    type Output = String;

    fn facts(&self) -> &OperationFacts {
        &FACTS
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<String>> {
        JsonCall::new(cx, &FACTS).part("key", "fake-key").read(|file: Named| Ok(file.name))
    }
}

struct Contending;

#[async_trait]
impl Contender for Contending {
    fn provider(&self) -> Arc<dyn Provider> {
        adapter("figma")
    }

    fn played(&self) -> Played {
        emulator::figma::Figma::new().into()
    }

    fn scopes(&self) -> Vec<ScopeName> {
        ["current_user:read", "file_content:read"].map(ScopeName::from_static).to_vec()
    }

    fn operation(&self) -> OperationFacts {
        FACTS.clone()
    }

    async fn probe(&self, acting: &Acting, connection: &ConnectionRef) -> Result<()> {
        acting.call(connection, &File).await.map(|_| ())
    }

    fn why_not(&self, case: Case) -> Option<&'static str> {
        match case {
            Case::ScopeShrink => Some("answers name no scopes"),
            _ => None,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figma_passes_every_case() {
    hold(Arc::new(Contending)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_05_no_secret_of_figma_is_stored_in_the_clear() {
    canary(&Contending).await;
}

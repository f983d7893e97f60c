//! GitLab: the cases.

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

use crate::{
    held::{adapter, canary, hold},
    late::late,
};

/// The projects of a person.
struct Projects;

static FACTS: OperationFacts = OperationFacts {
    name: "gitlab.projects",
    provider: ProviderId::from_static("gitlab"),
    scopes: &[ScopeName::from_static("read_api")],
    effect: Effect::Read,
    method: Method::GET,
    path: "/projects",
    sends: &[],
    reads: &["content"],
    credential: CredentialName::from_static("user"),
};

impl Operation for Projects {
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
        adapter("gitlab")
    }

    fn played(&self) -> Played {
        emulator::gitlab::GitLab::new().into()
    }

    fn scopes(&self) -> Vec<ScopeName> {
        ["read_user", "read_api"].map(ScopeName::from_static).to_vec()
    }

    fn operation(&self) -> OperationFacts {
        FACTS.clone()
    }

    async fn probe(&self, acting: &Acting, connection: &ConnectionRef) -> Result<()> {
        acting.call(connection, &Projects).await.map(|_| ())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gitlab_passes_every_case() {
    hold(Arc::new(Contending)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_05_no_secret_of_gitlab_is_stored_in_the_clear() {
    canary(&Contending).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ref_06_late_tokens_of_a_host_that_the_registration_names_are_revoked_there() {
    late(&Contending, |registration| registration.variable("host", "gitlab.com")).await;
}

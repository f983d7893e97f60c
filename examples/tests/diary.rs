//! The provider of the host's own passes what the adapters of the libraries pass.

use std::sync::Arc;

use async_trait::async_trait;
use bailee::{
    Acting, ConnectionRef, Result,
    core::{ProviderId, RegistrationId, ScopeName},
    providers::{Operation, OperationFacts, Provider, Registration},
};
use bailee_emulator::{Endpoint, Played, oidc::Issuer};
use bailee_examples::diary::{Diary, Entries};
use bailee_testkit::conformance::{Case, Contender, Outcome, run};

struct Contending;

#[async_trait]
impl Contender for Contending {
    fn provider(&self) -> Arc<dyn Provider> {
        Arc::new(Diary::new().expect("the file has no fault"))
    }

    fn played(&self) -> Played {
        Issuer::new("https://diary.example.test").into()
    }

    fn scopes(&self) -> Vec<ScopeName> {
        ["openid", "notes.read", "notes.write"].map(ScopeName::from_static).to_vec()
    }

    fn left_out(&self) -> Option<ScopeName> {
        Some(ScopeName::from_static("notes.write"))
    }

    fn operation(&self) -> OperationFacts {
        Entries::default().facts().clone()
    }

    async fn probe(&self, acting: &Acting, connection: &ConnectionRef) -> Result<()> {
        acting.call(connection, &Entries::default()).await.map(|_| ())
    }

    fn probed(&self) -> Endpoint {
        Endpoint::Api
    }
}

#[test]
fn its_facts_and_steps_pass_the_list() {
    let provider = Diary::new().expect("the file has no fault");
    let id = ProviderId::from_static("diary");
    let registration = Registration::new(RegistrationId::from_static("diary"), id, "fake-client");
    bailee_providers::conformance::check(&provider, &registration);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_passes_every_case_end_to_end() {
    let report = run(Arc::new(Contending)).await;
    assert_eq!(report.outcomes.len(), Case::ALL.len());
    assert!(report.outcomes.iter().all(|(_, outcome)| *outcome == Outcome::Passed));
}

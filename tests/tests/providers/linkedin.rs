//! LinkedIn: the cases, and a life of sixty days with posts.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bailee::{
    Acting, BeginOptions, ConnectionRef, ErrorKind, Remedy, Result,
    core::ScopeName,
    providers::{
        Operation, OperationFacts, Provider,
        linkedin::{CreatePost, DeletePost, LinkedIn, ReadProfile, Visibility},
    },
};
use bailee_testkit::{
    Declared, PURPOSE,
    conformance::Contender,
    emulator::{self, Account, Endpoint, Played, linkedin::Revocation},
};

use crate::{held::hold, stored::Stored};

struct Contending;

#[async_trait]
impl Contender for Contending {
    fn provider(&self) -> Arc<dyn Provider> {
        Arc::new(LinkedIn::new())
    }

    /// As an application that LinkedIn approved for refresh tokens.
    fn played(&self) -> Played {
        approved().into()
    }

    fn scopes(&self) -> Vec<ScopeName> {
        ["openid", "profile", "w_member_social"].map(ScopeName::from_static).to_vec()
    }

    fn operation(&self) -> OperationFacts {
        ReadProfile.facts().clone()
    }

    async fn probe(&self, acting: &Acting, connection: &ConnectionRef) -> Result<()> {
        acting.call(connection, &ReadProfile).await.map(|_| ())
    }

    /// The only thing to read is whose account it is.
    fn probed(&self) -> Endpoint {
        Endpoint::Identity
    }
}

fn approved() -> emulator::linkedin::LinkedIn {
    let mut played = emulator::linkedin::LinkedIn::new();
    played.programmatic_refresh = true;
    played
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn linkedin_passes_every_case() {
    hold(Arc::new(Contending)).await;
}

async fn stored(played: emulator::linkedin::LinkedIn) -> Stored {
    let declared = Declared::of(LinkedIn::new().spec())
        .operation(ReadProfile.facts())
        .operation(CreatePost::new("", Visibility::Public).facts())
        .operation(DeletePost::new("").facts());
    let stored = Stored::play(&declared, played).await;
    stored.world.site("linkedin").add_account(Account::new("ada"));
    stored
}

#[tokio::test]
async fn a_post_is_made_and_deleted_and_after_sixty_days_the_person_is_asked_again() {
    let stored = stored(emulator::linkedin::LinkedIn::new()).await;
    let w = &stored.world;
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "linkedin", &[PURPOSE]).await.unwrap();
    let connections = w.bailee.connections();
    let status = connections.status(&ada, &connection).await.unwrap();
    assert_eq!(status.display.as_deref(), Some("Display ada"));
    let sixty_days = Duration::from_secs(60 * 86_400);
    assert_eq!(status.expires_at.unwrap().since(status.connected_at), sixty_days);

    let acting = w.bailee.acting(&ada, &PURPOSE);
    assert_eq!(
        acting.call(&connection, &ReadProfile).await.unwrap().locale.as_deref(),
        Some("en-US")
    );
    let post = CreatePost::new("Hello (all) of #LinkedIn", Visibility::Connections);
    let urn = acting.call(&connection, &post).await.unwrap();
    let written = w.site("linkedin").written("post");
    assert_eq!(written[0].value["commentary"], r"Hello \(all\) of {hashtag|\#|LinkedIn}");
    let error = acting.call(&connection, &post).await.unwrap_err();
    assert_eq!(error.code().unwrap().as_str(), "DUPLICATE_POST");
    acting.call(&connection, &DeletePost::new(&urn)).await.unwrap();
    assert!(w.site("linkedin").written("post").is_empty());

    // There is nothing to renew it with, and nobody tries.
    w.advance(sixty_days);
    w.settle().await;
    let error = acting.call(&connection, &ReadProfile).await.unwrap_err();
    assert_eq!((error.kind(), error.remedy()), (ErrorKind::NeedsReconnect, Remedy::Reconnect));
    assert_eq!(w.site("linkedin").count(Endpoint::Refresh), 0);
    let mut options = BeginOptions::default();
    options.reconnect = Some(connection.clone());
    let allow = emulator::Decision::Allow;
    let again = w.connect_as(&ada, "linkedin", &[PURPOSE], options, allow, "ada").await.unwrap();
    assert_eq!(again.unwrap().connection, connection);
    acting.call(&connection, &ReadProfile).await.unwrap();

    let receipt = connections.disconnect(&ada, &connection).await.unwrap();
    assert!(receipt.confirmed, "{receipt:?}");
    assert!(receipt.steps.iter().any(|step| step.contains("Permitted services")));
    assert!(w.site("linkedin").live_tokens().is_empty());
    stored.assert_nothing_shows(&["Display ada", "Hello "]).await;
}

#[tokio::test]
async fn a_revocation_that_did_nothing_is_not_confirmed() {
    for how in [Revocation::Idle, Revocation::Missing] {
        let mut played = emulator::linkedin::LinkedIn::new();
        played.revocation = how;
        let stored = stored(played).await;
        let w = &stored.world;
        let ada = w.visitor("ada");
        let connection = w.connect(&ada, "linkedin", &[PURPOSE]).await.unwrap();
        let connections = w.bailee.connections();
        let receipt = connections.disconnect(&ada, &connection).await.unwrap();
        assert!(!receipt.confirmed && !receipt.remains.is_empty(), "{how:?}: {receipt:?}");
        assert!(!receipt.steps.is_empty());
    }
}

#[tokio::test]
async fn a_version_that_is_gone_is_a_fault_of_the_configuration() {
    let mut played = emulator::linkedin::LinkedIn::new();
    played.versions = vec!["202612".into()];
    let stored = stored(played).await;
    let w = &stored.world;
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "linkedin", &[PURPOSE]).await.unwrap();
    let acting = w.bailee.acting(&ada, &PURPOSE);
    let post = CreatePost::new("Hello", Visibility::Public);
    let error = acting.call(&connection, &post).await.unwrap_err();
    assert_eq!(error.remedy(), Remedy::FixConfiguration);
    // The person's connection is as it was.
    acting.call(&connection, &ReadProfile).await.unwrap();
}

#[tokio::test]
async fn a_year_of_renewals_ends_whatever_was_done_in_it() {
    let stored = stored(approved()).await;
    let w = &stored.world;
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "linkedin", &[PURPOSE]).await.unwrap();
    let acting = w.bailee.acting(&ada, &PURPOSE);
    for _ in 0..6 {
        w.advance(Duration::from_secs(60 * 86_400));
        acting.call(&connection, &ReadProfile).await.unwrap();
    }
    assert_eq!(w.site("linkedin").count(Endpoint::Refresh), 6);
    w.advance(Duration::from_secs(60 * 86_400));
    let error = acting.call(&connection, &ReadProfile).await.unwrap_err();
    assert_eq!(error.remedy(), Remedy::Reconnect);
}

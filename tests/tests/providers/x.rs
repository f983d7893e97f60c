//! X: the cases, and a whole life with posts that must not be made twice.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bailee::{
    Acting, BeginOptions, ConnectionRef, ErrorKind, Remedy, Result,
    core::ScopeName,
    providers::{
        Operation, OperationFacts, Provider,
        x::{CreatePost, DeletePost, ReadProfile, ReplySettings, X},
    },
};
use bailee_testkit::{
    Declared, PURPOSE,
    conformance::Contender,
    emulator::{self, Account, Decision, Endpoint, Fault, Played},
};

use crate::{held::hold, stored::Stored};

struct Contending;

#[async_trait]
impl Contender for Contending {
    fn provider(&self) -> Arc<dyn Provider> {
        Arc::new(X::new())
    }

    fn played(&self) -> Played {
        emulator::x::X::new().into()
    }

    fn scopes(&self) -> Vec<ScopeName> {
        let names = ["offline.access", "tweet.read", "tweet.write", "users.read"];
        names.map(ScopeName::from_static).to_vec()
    }

    fn left_out(&self) -> Option<ScopeName> {
        Some(ScopeName::from_static("tweet.write"))
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn x_passes_every_case() {
    hold(Arc::new(Contending)).await;
}

async fn stored(played: emulator::x::X) -> Stored {
    let declared = Declared::of(X::new().spec())
        .scopes(["offline.access"])
        .operation(ReadProfile.facts())
        .operation(CreatePost::new("").facts())
        .operation(DeletePost::new("").facts());
    let stored = Stored::play(&declared, played).await;
    for name in ["ada", "grace"] {
        let account = Account::new(name).fact("username", format!("{name}_handle"));
        stored.world.site("x").add_account(account);
    }
    stored
}

#[tokio::test]
async fn a_post_is_made_once_renewed_for_and_deleted() {
    let mut played = emulator::x::X::new();
    // Neither is documented: the adapter has to live with both.
    (played.revokes_pair, played.refuses_dead) = (true, true);
    let stored = stored(played).await;
    let w = &stored.world;
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "x", &[PURPOSE]).await.unwrap();
    let connections = w.bailee.connections();
    let status = connections.status(&ada, &connection).await.unwrap();
    assert_eq!(status.display.as_deref(), Some("ada_handle"));

    let acting = w.bailee.acting(&ada, &PURPOSE);
    let profile = acting.call(&connection, &ReadProfile).await.unwrap();
    assert_eq!(profile.username.as_deref(), Some("ada_handle"));
    w.advance(Duration::from_secs(7201));
    let hello = CreatePost::new("Hello from a test").replies(ReplySettings::Following);
    let post = acting.call(&connection, &hello).await.unwrap();
    assert_eq!(w.site("x").count(Endpoint::Refresh), 1);

    // X remembers what was posted: nothing was posted twice, and the person keeps their account.
    let error = acting.call(&connection, &hello).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(error.code().unwrap().as_str(), "duplicate-content");
    assert_eq!(w.site("x").written("post").len(), 1);

    assert!(acting.call(&connection, &DeletePost::new(&post.id)).await.unwrap());
    assert!(w.site("x").written("post").is_empty());

    let receipt = connections.disconnect(&ada, &connection).await.unwrap();
    assert!(receipt.confirmed, "{receipt:?}");
    assert!(receipt.steps.iter().any(|step| step.contains("Connected apps")));
    assert!(w.site("x").live_tokens().is_empty());
    stored.assert_nothing_shows(&["ada_handle", "Hello from a test"]).await;
}

#[tokio::test]
async fn a_post_whose_answer_was_lost_is_not_made_again() {
    let stored = stored(emulator::x::X::new()).await;
    let w = &stored.world;
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "x", &[PURPOSE]).await.unwrap();
    let acting = w.bailee.acting(&ada, &PURPOSE);
    for fault in [Fault::DropAfterEffect, Fault::CutOff] {
        w.site("x").fault(Endpoint::Api, fault);
        let post = CreatePost::new(format!("Post {}", w.site("x").written("post").len()));
        let error = acting.call(&connection, &post).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Ambiguous);
    }
    assert_eq!(w.site("x").count(Endpoint::Api), 2);
    assert_eq!(w.site("x").written("post").len(), 2);
}

#[tokio::test]
async fn without_offline_access_the_connection_ends_with_its_token() {
    let declared = Declared::of(X::new().spec()).operation(ReadProfile.facts());
    let stored = Stored::play(&declared, emulator::x::X::new()).await;
    let w = &stored.world;
    w.site("x").add_account(Account::new("ada"));
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "x", &[PURPOSE]).await.unwrap();
    let acting = w.bailee.acting(&ada, &PURPOSE);
    acting.call(&connection, &ReadProfile).await.unwrap();
    w.advance(Duration::from_secs(7201));
    let error = acting.call(&connection, &ReadProfile).await.unwrap_err();
    assert_eq!((error.kind(), error.remedy()), (ErrorKind::NeedsReconnect, Remedy::Reconnect));
    assert_eq!(w.site("x").count(Endpoint::Refresh), 0);
}

#[tokio::test]
async fn a_limit_of_the_application_s_day_holds_up_everybody() {
    let stored = stored(emulator::x::X::new()).await;
    let w = &stored.world;
    let (ada, grace) = (w.visitor("ada"), w.visitor("grace"));
    let hers = w.connect(&ada, "x", &[PURPOSE]).await.unwrap();
    let other = w
        .connect_as(&grace, "x", &[PURPOSE], BeginOptions::default(), Decision::Allow, "grace")
        .await
        .unwrap()
        .unwrap()
        .connection;
    assert!(w.site("x").switches(|x: &mut emulator::x::X| x.daily_cap = true));
    let post = CreatePost::new("Hello");
    let error = w.bailee.acting(&ada, &PURPOSE).call(&hers, &post).await.unwrap_err();
    assert_eq!(error.remedy(), Remedy::Wait(Duration::from_secs(3000)));
    let sent = w.site("x").count(Endpoint::Api);
    let error = w.bailee.acting(&grace, &PURPOSE).call(&other, &post).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(w.site("x").count(Endpoint::Api), sent);
}

#[tokio::test]
async fn an_account_that_is_locked_and_a_budget_that_is_used_up_cost_nobody_their_connection() {
    let stored = stored(emulator::x::X::new()).await;
    let w = &stored.world;
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "x", &[PURPOSE]).await.unwrap();
    let acting = w.bailee.acting(&ada, &PURPOSE);
    w.site("x").add_account(Account::new("ada").fact("locked", true));
    let error = acting.call(&connection, &CreatePost::new("Hello")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProviderRefused);
    assert!(w.site("x").switches(|x: &mut emulator::x::X| x.usage_capped = true));
    let error = acting.call(&connection, &ReadProfile).await.unwrap_err();
    assert_eq!(error.remedy(), Remedy::FixConfiguration);
    assert!(w.site("x").switches(|x: &mut emulator::x::X| x.usage_capped = false));
    acting.call(&connection, &ReadProfile).await.unwrap();
}

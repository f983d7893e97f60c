//! Slack: the cases, and what two credentials of one connection mean.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{sync::Arc, time::Duration};

use crate::{held::hold, stored::Stored};
use async_trait::async_trait;
use bailee::{
    Acting, ConnectionRef, ConnectionState, Declaration, ErrorKind, PurposeId, Remedy, Result,
    core::ScopeName,
    providers::{
        Operation, OperationFacts, Paged, Provider,
        slack::{ListChannels, PostMessage, Slack},
    },
};
use bailee_testkit::{
    Declared, PURPOSE,
    conformance::Contender,
    emulator::{self, Account, Decision, Endpoint, Played, TokenKind},
};

struct Contending;

#[async_trait]
impl Contender for Contending {
    fn provider(&self) -> Arc<dyn Provider> {
        Arc::new(Slack::new())
    }

    /// Whether a refresh token can be revoked is not documented. The cases are played where it can;
    /// what is told where it cannot is tested below.
    fn played(&self) -> Played {
        let mut slack = emulator::slack::Slack::new();
        slack.revokes_refresh = true;
        slack.incoming_webhook = true;
        slack.into()
    }

    fn scopes(&self) -> Vec<ScopeName> {
        ["channels:read", "chat:write", "user:chat:write"].map(ScopeName::from_static).to_vec()
    }

    fn operation(&self) -> OperationFacts {
        ListChannels::new().facts().clone()
    }

    async fn probe(&self, acting: &Acting, connection: &ConnectionRef) -> Result<()> {
        acting.call(connection, &ListChannels::new()).await.map(|_| ())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slack_passes_every_case() {
    hold(Arc::new(Contending)).await;
}

/// A world in which Ada's account is connected with both credentials.
async fn connected(change: impl FnOnce(&mut emulator::slack::Slack)) -> (Stored, ConnectionRef) {
    let post = PostMessage::new("C0GENERAL", "hello");
    let declared = Declared::of(Slack::new().spec())
        .operation(post.facts())
        .operation(post.clone().as_person().facts())
        .operation(ListChannels::new().facts())
        .operation(ListChannels::new().as_person().facts());
    let mut slack = emulator::slack::Slack::new();
    slack.incoming_webhook = true;
    slack.rate_limits = false;
    change(&mut slack);
    let stored = Stored::play(&declared, slack).await;
    let connection = stored.world.connect(&stored.world.visitor("ada"), "slack", &[PURPOSE]).await;
    (stored, connection.unwrap())
}

const PERSONAL: &[&str] = &["Example Workspace", "T0EXAMPLE", "hooks.slack.com", "hello"];

#[tokio::test(flavor = "multi_thread")]
async fn the_application_and_the_person_post_each_with_their_own_token() {
    let (stored, connection) = connected(|_| {}).await;
    let world = &stored.world;
    let ada = world.visitor("ada");
    let status = world.bailee.connections().status(&ada, &connection).await.unwrap();
    assert_eq!(status.display.as_deref(), Some("Example Workspace"));
    let acting = world.bailee.acting(&ada, &PURPOSE);
    let post = PostMessage::new("C0GENERAL", "hello");
    let first = acting.call(&connection, &post).await.unwrap();
    acting.call(&connection, &post.clone().as_person().in_thread(first.ts.clone())).await.unwrap();
    let written = world.site("slack").written("message");
    let authors: Vec<_> = written.iter().map(|message| message.value["user"].clone()).collect();
    assert_eq!(authors.len(), 2);
    assert_ne!(authors[0], authors[1]);
    assert_eq!(written[1].value["thread_ts"], first.ts.as_str());

    let list = ListChannels::new().limit(1);
    let page = acting.call(&connection, &list).await.unwrap();
    assert_eq!(page.items[0].name, "general");
    let rest = list.after(page.next.expect("there is a second one"));
    let page = acting.call(&connection, &rest).await.unwrap();
    assert_eq!(page.items[0].name, "random");
    assert!(page.next.is_none());
    let own = ListChannels::new().as_person();
    assert_eq!(acting.call(&connection, &own).await.unwrap().items.len(), 2);

    // A message that was refused was not posted, and is not tried again.
    let before = world.site("slack").count(Endpoint::Api);
    let nowhere = PostMessage::new("C0NOWHERE", "hello");
    let refused = acting.call(&connection, &nowhere).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    assert_eq!(world.site("slack").count(Endpoint::Api), before + 1);
    stored.assert_nothing_shows(PERSONAL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_credential_is_renewed_by_itself() {
    for nested in [false, true] {
        let (stored, connection) = connected(|slack| slack.nested_refresh = nested).await;
        let world = &stored.world;
        let ada = world.visitor("ada");
        let site = world.site("slack");
        world.advance(Duration::from_secs(12 * 3600 + 1));
        let acting = world.bailee.acting(&ada, &PURPOSE);
        let post = PostMessage::new("C0GENERAL", "hello").as_person();
        acting.call(&connection, &post).await.unwrap();
        assert_eq!(site.count(Endpoint::Refresh), 1, "that of the person alone");
        acting.call(&connection, &ListChannels::new()).await.unwrap();
        assert_eq!(site.count(Endpoint::Refresh), 2);
        assert!(site.reuse_alarms().is_empty());
        stored.assert_nothing_shows(PERSONAL).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_that_may_live_on_is_told() {
    let (stored, connection) = connected(|_| {}).await;
    let world = &stored.world;
    let ada = world.visitor("ada");
    let receipt = world.bailee.connections().disconnect(&ada, &connection).await.unwrap();
    assert!(!receipt.confirmed, "nobody says that refresh tokens can be revoked");
    assert_eq!(receipt.also_ends.len(), 2);
    assert!(receipt.steps.iter().any(|step| step.contains("Manage apps")));
    let site = world.site("slack");
    assert_eq!(site.count(Endpoint::Revoke), 4, "two tokens of each of two credentials");
    let living: Vec<_> = site.live_tokens().iter().map(|token| token.kind).collect();
    assert_eq!(living, [TokenKind::Refresh, TokenKind::Refresh]);
    stored.assert_nothing_shows(PERSONAL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_without_rotation_live_until_they_are_revoked() {
    let (stored, connection) = connected(|slack| slack.rotation = false).await;
    let world = &stored.world;
    let ada = world.visitor("ada");
    world.advance(Duration::from_secs(400 * 86_400));
    world.settle().await;
    let acting = world.bailee.acting(&ada, &PURPOSE);
    acting.call(&connection, &ListChannels::new()).await.unwrap();
    assert_eq!(world.site("slack").count(Endpoint::Refresh), 0);
    let receipt = world.bailee.connections().disconnect(&ada, &connection).await.unwrap();
    assert!(receipt.confirmed);
    assert!(world.site("slack").live_tokens().is_empty());
    stored.assert_nothing_shows(PERSONAL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_dead_credential_asks_for_the_person_and_the_other_is_checked_too() {
    let (stored, connection) = connected(|_| {}).await;
    let world = &stored.world;
    let ada = world.visitor("ada");
    let site = world.site("slack");
    for token in site.live_tokens() {
        if token.value.contains("xoxp") {
            site.end_token(&token.value);
        }
    }
    let state = world.bailee.connections().check(&ada, &connection).await.unwrap();
    assert!(matches!(state, ConnectionState::NeedsReconnect(_)), "{state:?}");
    let acting = world.bailee.acting(&ada, &PURPOSE);
    let refused = acting.call(&connection, &ListChannels::new()).await.unwrap_err();
    assert_eq!(refused.remedy(), Remedy::Reconnect);
    let again = world.connect(&ada, "slack", &[PURPOSE]).await.unwrap();
    assert_eq!(again, connection, "the same workspace and the same person");
    acting.call(&connection, &ListChannels::new().as_person()).await.unwrap();
    stored.assert_nothing_shows(PERSONAL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_person_in_another_workspace_is_another_account() {
    let (stored, connection) = connected(|_| {}).await;
    let world = &stored.world;
    let ada = world.visitor("ada");
    let site = world.site("slack");
    for (account, facts) in [
        ("there", Account::new("there").fact("user_id", "U0SAME").fact("team_id", "T0OTHER")),
        ("org", Account::new("org").fact("user_id", "U0SAME").fact("org_wide", true)),
    ] {
        site.add_account(facts);
        let other = world
            .connect_as(&ada, "slack", &[PURPOSE], Default::default(), Decision::Allow, account)
            .await
            .unwrap()
            .unwrap();
        assert_ne!(other.connection, connection);
    }
    assert_eq!(world.bailee.connections().of_visitor(&ada).await.unwrap().len(), 3);
    stored.assert_nothing_shows(PERSONAL).await;
}

/// Posting as the application, and posting as the person.
const POSTING: PurposeId = PurposeId::from_static("test.use");
const SPEAKING: PurposeId = PurposeId::from_static("test.speak");

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_a_reconnect_does_not_bring_stays_and_ends_with_the_others() {
    let post = PostMessage::new("C0GENERAL", "hello");
    let as_person = post.clone().as_person();
    // One purpose needs the application alone, the other one the person.
    let text = Declared::of(Slack::new().spec())
        .operation(post.facts())
        .operation(as_person.facts())
        .to_toml()
        .replace("\"user:chat:write\" = [\"test.use\"]", "\"user:chat:write\" = [\"test.speak\"]")
        .replace(
            "\"slack.post_message_as_person\" = [\"test.use\"]",
            "\"slack.post_message_as_person\" = [\"test.speak\"]",
        )
        .replace("purposes = [\"test.use\"]", "purposes = [\"test.use\", \"test.speak\"]")
        .replace(
            "[recipients.slack]",
            "[purposes.\"test.speak\"]\ntitle = \"Speak for you\"\nplain = \"We post in your name.\"\n\
             use = \"service\"\nbasis = \"consent\"\n\n[recipients.slack]",
        );
    let mut slack = emulator::slack::Slack::new();
    slack.rotation = false;
    slack.rate_limits = false;
    let stored = Stored::under(Declaration::parse(&text).unwrap(), slack).await;
    let world = &stored.world;
    let ada = world.visitor("ada");
    let connection = world.connect(&ada, "slack", &[POSTING, SPEAKING]).await.unwrap();
    let again = world.connect(&ada, "slack", &[POSTING]).await.unwrap();
    assert_eq!(again, connection);
    let (posting, speaking) =
        (world.bailee.acting(&ada, &POSTING), world.bailee.acting(&ada, &SPEAKING));
    posting.call(&connection, &post).await.unwrap();
    speaking.call(&connection, &as_person).await.unwrap();
    assert_eq!(stored.count("credential").await, 2);
    let before = world.site("slack").count(Endpoint::Revoke);
    world.bailee.connections().disconnect(&ada, &connection).await.unwrap();
    assert_eq!(world.site("slack").count(Endpoint::Revoke), before + 2);
    assert_eq!(stored.count("credential").await, 0, "nothing stays behind");
    stored.assert_nothing_shows(&["Example Workspace"]).await;
}

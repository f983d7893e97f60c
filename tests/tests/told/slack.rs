//! Slack: workspaces, organisations, and tokens of two kinds.

use bailee::{
    ConnectionRef, ConnectionState, Happened, ReconnectReason, Visitor, WithdrawalReason,
};
use bailee_testkit::emulator::{
    Account,
    slack::{Revoked, Slack},
};

use crate::{
    ignored, kept, refused,
    scene::Scene,
    table::{SLACK, Teller},
};

/// The application and the person have tokens of their own.
const BOTH: Teller = Teller { scopes: &["chat:write", "user:chat:write"], ..SLACK };

fn revokes(scene: &Scene, whose: Revoked) {
    assert!(scene.site().switches(|slack: &mut Slack| slack.revoked = whose));
}

/// Connects somebody who has an account of their own name.
async fn joined(scene: &Scene, account: Account) -> (Visitor, ConnectionRef) {
    let name = account.id.clone();
    scene.site().add_account(account);
    let visitor = scene.world.visitor(&name);
    let connection = scene.connect(&visitor, &name).await;
    (visitor, connection)
}

#[tokio::test]
async fn slack_s_question_is_answered_with_its_own_text_once_it_is_proved() {
    let scene = Scene::of(SLACK).await;
    let asked = scene.announce("url_verification", "");
    let document: serde_json::Value = serde_json::from_slice(&asked.body).unwrap();
    let taken = scene.deliver(&asked).await;
    assert_eq!(ignored(&taken), (200, document["challenge"].as_str().unwrap()));
    let media = taken.answer.headers()["content-type"].to_str().unwrap();
    assert!(media.starts_with("text/plain"), "{media}");
    let mut unsigned = asked.clone();
    unsigned.headers.retain(|(name, _)| name != "X-Slack-Signature");
    assert_eq!(refused(&scene.deliver(&unsigned).await), ("unsigned", 401, ""));
}

#[tokio::test]
async fn an_application_that_is_removed_from_a_workspace_is_gone_for_everybody_in_it() {
    let scene = Scene::of(BOTH).await;
    let (ada, hers) = joined(&scene, Account::new("ada").fact("team_id", "T0ONE")).await;
    let (bob, bobs) = joined(&scene, Account::new("bob").fact("team_id", "T0ONE")).await;
    let (eve, eves) = joined(&scene, Account::new("eve").fact("team_id", "T0TWO")).await;
    scene.world.settle().await;
    kept(&scene.told("app_uninstalled", "ada").await);
    for (visitor, connection) in [(&ada, &hers), (&bob, &bobs)] {
        assert_eq!(scene.state(visitor, connection).await, None);
        let reason = WithdrawalReason::AccessRemoved;
        assert_eq!(scene.happened(connection).last(), Some(&Happened::Withdrawn { reason }));
    }
    assert_eq!(scene.state(&eve, &eves).await, Some(ConnectionState::Active));
    assert!(scene.site().live_tokens().iter().all(|token| token.account == "eve"));
    scene.assert_clean().await;
}

#[tokio::test]
async fn an_application_that_is_removed_from_an_organisation_is_gone_for_everybody_in_it() {
    for names in [true, false] {
        let scene = Scene::playing(SLACK, |site| {
            assert!(site.switches(|slack: &mut Slack| slack.names_authorizations = names));
        });
        let scene = scene.await;
        let wide = |name: &str| {
            let account = Account::new(name).fact("org_wide", true);
            account.fact("enterprise_id", "E0ONE").fact("team_id", format!("T0{name}"))
        };
        let (ada, hers) = joined(&scene, wide("ada")).await;
        let (bob, bobs) = joined(&scene, wide("bob")).await;
        let (eve, eves) = joined(&scene, Account::new("eve").fact("team_id", "T0TWO")).await;
        scene.world.settle().await;
        kept(&scene.told("app_uninstalled", "ada").await);
        for (visitor, connection) in [(&ada, &hers), (&bob, &bobs)] {
            // Without the word on where it was installed, Slack is asked.
            let state = scene.state(visitor, connection).await;
            let over = matches!(state, None | Some(ConnectionState::NeedsReconnect(_)));
            assert!(over && (state.is_none() || !names), "{state:?} where {names}");
        }
        assert_eq!(scene.state(&eve, &eves).await, Some(ConnectionState::Active));
        scene.assert_clean().await;
    }
}

#[tokio::test]
async fn revoked_tokens_of_a_person_leave_the_application_s_and_everybody_else_s() {
    let scene = Scene::of(BOTH).await;
    revokes(&scene, Revoked::Person);
    let (ada, hers) = joined(&scene, Account::new("ada").fact("team_id", "T0ONE")).await;
    let (bob, bobs) = joined(&scene, Account::new("bob").fact("team_id", "T0ONE")).await;
    scene.world.settle().await;
    let connections = scene.world.bailee.connections();
    assert_eq!(connections.status(&ada, &hers).await.unwrap().scopes.len(), 2);
    let before = scene.entries("acme", "credential.revoked").await.len();
    kept(&scene.told("tokens_revoked", "ada").await);
    let status = connections.status(&ada, &hers).await.unwrap();
    assert_eq!(status.state, ConnectionState::Active);
    let told = [
        Happened::Connected,
        Happened::NeedsReconnect { reason: ReconnectReason::Revoked },
        Happened::Recovered,
    ];
    // It was connected a moment ago, so Slack was asked.
    assert_eq!(scene.happened(&hers), told);
    assert_eq!(connections.check(&ada, &hers).await.unwrap(), ConnectionState::Active);
    let scopes: Vec<_> = status.scopes.iter().map(|scope| scope.as_str()).collect();
    assert_eq!(scopes, ["chat:write"]);
    assert_eq!(connections.status(&bob, &bobs).await.unwrap().scopes.len(), 2);
    let entries = scene.entries("acme", "credential.revoked").await;
    assert_eq!(entries.len(), before + 1);
    let word = |name| crate::scene::word(entries.last().unwrap(), name);
    assert_eq!(word("actor").as_deref(), Some("provider"));
    assert_eq!(word("reason").as_deref(), Some("tokens_revoked"));
    // The other credential is now all there is.
    revokes(&scene, Revoked::Bot);
    scene.world.advance(std::time::Duration::from_secs(600));
    kept(&scene.told("tokens_revoked", "ada").await);
    assert_eq!(scene.state(&ada, &hers).await, None);
    assert_eq!(scene.state(&bob, &bobs).await, Some(ConnectionState::Active));
    assert_eq!(connections.status(&bob, &bobs).await.unwrap().scopes.len(), 2);
    scene.assert_clean().await;
}

#[tokio::test]
async fn a_revoked_token_of_the_application_ends_those_of_whom_it_was() {
    for one_bot in [false, true] {
        let scene = Scene::playing(SLACK, |site| {
            assert!(site.switches(|slack: &mut Slack| slack.one_bot = one_bot));
        });
        let scene = scene.await;
        revokes(&scene, Revoked::Bot);
        let (ada, hers) = joined(&scene, Account::new("ada").fact("team_id", "T0ONE")).await;
        let (bob, bobs) = joined(&scene, Account::new("bob").fact("team_id", "T0ONE")).await;
        scene.world.settle().await;
        scene.world.advance(std::time::Duration::from_secs(3600));
        kept(&scene.told("tokens_revoked", "ada").await);
        assert_eq!(scene.state(&ada, &hers).await, None);
        let left = scene.state(&bob, &bobs).await;
        assert_eq!(left, (!one_bot).then_some(ConnectionState::Active), "{one_bot}");
        scene.assert_clean().await;
    }
}

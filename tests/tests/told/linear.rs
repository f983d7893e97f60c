//! Linear: one person's authorization, and that of a whole organization.

use bailee::{ConnectionState, Happened, ReconnectReason, WithdrawalReason};
use bailee_testkit::emulator::{Account, linear::Linear};

use crate::{kept, scene::Scene, table::LINEAR};

#[tokio::test]
async fn an_application_that_an_organization_takes_away_is_gone_for_everybody_in_it() {
    let scene = Scene::of(LINEAR).await;
    let mut people = Vec::new();
    for (name, organization) in [("ada", "one"), ("bob", "one"), ("eve", "two")] {
        scene.site().add_account(Account::new(name).fact("organization_id", organization));
        let visitor = scene.world.visitor(name);
        let connection = scene.connect(&visitor, name).await;
        people.push((visitor, connection, organization));
    }
    scene.world.settle().await;
    assert_eq!(kept(&scene.told("OAuthApp", "ada").await), (200, ""));
    for (visitor, connection, organization) in &people {
        let state = scene.state(visitor, connection).await;
        let stays = *organization == "two";
        assert_eq!(state, stays.then_some(ConnectionState::Active));
        let reason = WithdrawalReason::AccessRemoved;
        let told = scene.happened(connection);
        assert_eq!(told.contains(&Happened::Withdrawn { reason }), !stays);
    }
    scene.assert_clean().await;
}

#[tokio::test]
async fn one_of_several_tokens_that_is_revoked_is_a_reason_to_ask() {
    let scene = Scene::playing(LINEAR, |site| {
        assert!(site.switches(|linear: &mut Linear| linear.active_tokens_left = 1));
    });
    let scene = scene.await;
    let ada = scene.world.visitor("ada");
    let hers = scene.connect(&ada, "ada").await;
    scene.world.settle().await;
    kept(&scene.told("OAuthAuthorization", "ada").await);
    assert_eq!(scene.state(&ada, &hers).await, Some(ConnectionState::Active));
    assert_eq!(scene.site().withdraw("ada", LINEAR.client), 1);
    scene.world.advance(std::time::Duration::from_secs(5));
    kept(&scene.told("OAuthAuthorization", "ada").await);
    let over = ConnectionState::NeedsReconnect(ReconnectReason::Revoked);
    assert_eq!(scene.state(&ada, &hers).await, Some(over));
    scene.assert_clean().await;
}

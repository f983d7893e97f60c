//! Jira: accounts are reported once in a cycle, and Atlassian says which of them are closed.

use std::time::Duration;

use bailee::{ConnectionState, Happened, ReconnectReason, RequestKind, WithdrawalReason};
use bailee_testkit::emulator::{Account, jira::Jira};

use crate::{scene::Scene, table::JIRA};

const DAY: Duration = Duration::from_secs(86_400);

/// Lets days pass, one by one.
async fn days(scene: &Scene, number: u32) {
    for _ in 0..number {
        scene.world.advance(DAY);
        scene.world.settle().await;
    }
}

fn reports(scene: &Scene) -> usize {
    scene.site().written("report").len()
}

#[tokio::test]
async fn an_account_that_is_closed_is_to_be_erased_and_its_connection_ends() {
    let scene = Scene::of(JIRA).await;
    let (ada, grace) = (scene.world.visitor("ada"), scene.world.visitor("grace"));
    let hers = scene.connect(&ada, "ada").await;
    let graces = scene.connect(&grace, "grace").await;
    scene.world.settle().await;
    days(&scene, 8).await;
    assert_eq!(reports(&scene), 2);
    assert_eq!(scene.state(&ada, &hers).await, Some(ConnectionState::Active));
    scene.site().add_account(Account::new("ada").fact("report", "closed"));
    days(&scene, 9).await;
    assert_eq!(scene.state(&ada, &hers).await, None);
    assert_eq!(scene.state(&grace, &graces).await, Some(ConnectionState::Active));
    let requests = scene.requests().await;
    let [request] = requests.as_slice() else { panic!("{requests:?}") };
    assert_eq!((request.kind, &request.connection), (RequestKind::Erasure, &hers));
    assert_eq!(request.subject, hers.owner().subject());
    let (id, kind, due) = (request.id, request.kind, request.due_at);
    let reason = WithdrawalReason::AccountClosed;
    let told = [
        Happened::Connected,
        Happened::RequestOpened { request: id, kind, due },
        Happened::Withdrawn { reason },
    ];
    assert_eq!(scene.happened(&hers), told);
    scene.assert_clean().await;
}

#[tokio::test]
async fn an_account_that_changed_is_asked_about_and_one_is_reported_once_in_a_cycle() {
    let scene = Scene::playing(JIRA, |site| {
        assert!(site.switches(|jira: &mut Jira| jira.cycle_period = Some("P14D")));
    });
    let scene = scene.await;
    let ada = scene.world.visitor("ada");
    let hers = scene.connect(&ada, "ada").await;
    scene.world.settle().await;
    days(&scene, 8).await;
    assert_eq!(reports(&scene), 1);
    days(&scene, 10).await;
    assert_eq!(reports(&scene), 1, "the cycle is two weeks, as Atlassian said");
    scene.site().add_account(Account::new("ada").fact("report", "updated"));
    days(&scene, 8).await;
    assert_eq!(reports(&scene), 2);
    assert_eq!(scene.state(&ada, &hers).await, Some(ConnectionState::Active));
    assert!(scene.requests().await.is_empty());
    assert_eq!(scene.happened(&hers), [Happened::Connected]);
    // What is stored was got again, so that the next report states a later day.
    days(&scene, 15).await;
    let stated: Vec<String> = scene
        .site()
        .written("report")
        .iter()
        .map(|report| report.value["accounts"][0]["updatedAt"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!((stated.len(), &stated[0]), (3, &stated[1]), "{stated:?}");
    assert!(stated[1] < stated[2], "{stated:?}");

    assert_eq!(scene.site().withdraw("ada", JIRA.client), 1);
    days(&scene, 18).await;
    let over = ConnectionState::NeedsReconnect(ReconnectReason::Revoked);
    assert_eq!(scene.state(&ada, &hers).await, Some(over));
    scene.assert_clean().await;
}

//! ClickUp: the cases, and a life without scopes, expiry, refresh and revocation.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bailee::{
    Acting, ConnectionRef, ConnectionState, Error, ErrorKind, Remedy, Result,
    core::ScopeName,
    providers::{
        Operation, OperationFacts, Provider,
        clickup::{ClickUp, CreateTask, ListLists, ListSpaces, ListWorkspaces},
    },
};
use bailee_testkit::{
    Declared, PURPOSE,
    conformance::{Case, Contender},
    emulator::{self, Decision, Endpoint, Played},
};
use serde_json::json;

use crate::{held::hold, stored::Stored};

struct Contending;

#[async_trait]
impl Contender for Contending {
    fn provider(&self) -> Arc<dyn Provider> {
        Arc::new(ClickUp::new())
    }

    fn played(&self) -> Played {
        emulator::clickup::ClickUp::new().into()
    }

    fn scopes(&self) -> Vec<ScopeName> {
        ["profile", "workspaces"].map(ScopeName::from_static).to_vec()
    }

    fn operation(&self) -> OperationFacts {
        ListWorkspaces.facts().clone()
    }

    async fn probe(&self, acting: &Acting, connection: &ConnectionRef) -> Result<()> {
        let workspaces = acting.call(connection, &ListWorkspaces).await?;
        if workspaces.len() == 1 { Ok(()) } else { Err(Error::new(ErrorKind::InvalidInput)) }
    }

    fn why_not(&self, case: Case) -> Option<&'static str> {
        (case == Case::ScopeShrink).then_some("there are no scopes")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clickup_passes_every_case() {
    hold(Arc::new(Contending)).await;
}

fn review() -> CreateTask {
    CreateTask::new("920101", "Review of the quarter")
}

fn declared() -> Declared {
    Declared::of(ClickUp::new().spec())
        .operation(ListWorkspaces.facts())
        .operation(ListSpaces::new("92").facts())
        .operation(ListLists::new("9201").facts())
        .operation(review().facts())
}

/// A world in which Ada ticked one of her two workspaces.
async fn ticked() -> (Stored, ConnectionRef) {
    let stored = Stored::play(&declared(), emulator::clickup::ClickUp::new()).await;
    let w = &stored.world;
    let ada = emulator::Account::new("ada").fact("workspaces", json!(["91", "92"]));
    w.site("clickup").add_account(ada);
    let ada = w.visitor("ada");
    let options = bailee::BeginOptions::default();
    let only = Decision::AllowOnly(vec!["92".into()]);
    let completed = w.connect_as(&ada, "clickup", &[PURPOSE], options, only, "ada").await;
    let connection = completed.expect("it begins").expect("it completes").connection;
    (stored, connection)
}

#[tokio::test]
async fn a_task_is_made_in_the_workspace_that_was_ticked_and_years_later_too() {
    let (stored, connection) = ticked().await;
    let w = &stored.world;
    let ada = w.visitor("ada");
    let connections = w.bailee.connections();
    let status = connections.status(&ada, &connection).await.unwrap();
    assert_eq!(status.display.as_deref(), Some("Display ada"));

    let acting = w.bailee.acting(&ada, &PURPOSE);
    let workspaces = acting.call(&connection, &ListWorkspaces).await.unwrap();
    assert_eq!(workspaces.len(), 1);
    let spaces = acting.call(&connection, &ListSpaces::new(&workspaces[0].id)).await.unwrap();
    let lists = acting.call(&connection, &ListLists::new(&spaces[0].id)).await.unwrap();
    w.advance(Duration::from_secs(2 * 365 * 86_400));
    let task = CreateTask::new(&lists[0].id, "Review of the quarter");
    let task = acting.call(&connection, &task).await.unwrap();
    assert_eq!(task.name.as_deref(), Some("Review of the quarter"));
    assert_eq!(w.site("clickup").written("task").len(), 1);

    let receipt = connections.disconnect(&ada, &connection).await.unwrap();
    assert!(!receipt.confirmed && !receipt.remains.is_empty(), "{receipt:?}");
    assert!(receipt.steps.iter().any(|step| step.contains("Settings")), "{receipt:?}");
    // ClickUp has no way to end it: it lives there, and nowhere with us.
    assert_eq!(w.site("clickup").live_tokens().len(), 1);
    assert_eq!(w.site("clickup").count(Endpoint::Revoke), 0);
    stored.assert_nothing_shows(&["Review of the quarter", "Workspace 92"]).await;
}

#[tokio::test]
async fn a_workspace_that_was_not_ticked_costs_the_connection_nothing() {
    let (stored, connection) = ticked().await;
    let w = &stored.world;
    let ada = w.visitor("ada");
    let acting = w.bailee.acting(&ada, &PURPOSE);
    let before = w.site("clickup").count(Endpoint::Api);
    let error = acting.call(&connection, &ListSpaces::new("91")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(w.site("clickup").count(Endpoint::Api), before);

    let elsewhere = CreateTask::new("910101", "Review");
    let error = acting.call(&connection, &elsewhere).await.unwrap_err();
    assert_eq!(error.remedy(), Remedy::Reconnect);
    let status = w.bailee.connections().status(&ada, &connection).await.unwrap();
    assert_eq!(status.state, ConnectionState::Active);
    assert_eq!(acting.call(&connection, &ListWorkspaces).await.unwrap().len(), 1);

    // Going through ClickUp's page again adds it.
    let mut again = bailee::BeginOptions::default();
    again.reconnect = Some(connection.clone());
    let allow = Decision::Allow;
    let completed = w.connect_as(&ada, "clickup", &[PURPOSE], again, allow, "ada").await;
    assert_eq!(completed.expect("it begins").expect("it completes").connection, connection);
    acting.call(&connection, &elsewhere).await.unwrap();
    acting.call(&connection, &ListSpaces::new("91")).await.unwrap();
}

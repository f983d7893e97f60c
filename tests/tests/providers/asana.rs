//! Asana: the cases, and a life with a refresh token that stays.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bailee::{
    Acting, ConnectionRef, ConnectionState, Error, ErrorKind, Remedy, Result,
    core::ScopeName,
    providers::{
        Operation, OperationFacts, Paged, Provider,
        asana::{Asana, Assignee, Container, CreateTask, Due, ListProjects, ListWorkspaces},
    },
};
use bailee_testkit::{
    Declared, PURPOSE, World,
    conformance::{Case, Contender},
    emulator::{self, Endpoint, Played},
};
use serde_json::json;

use crate::{held::hold, stored::Stored};

struct Contending;

#[async_trait]
impl Contender for Contending {
    fn provider(&self) -> Arc<dyn Provider> {
        Arc::new(Asana::new())
    }

    fn played(&self) -> Played {
        emulator::asana::Asana::new().into()
    }

    fn scopes(&self) -> Vec<ScopeName> {
        ["users:read", "workspaces:read"].map(ScopeName::from_static).to_vec()
    }

    fn operation(&self) -> OperationFacts {
        ListWorkspaces::new().facts().clone()
    }

    async fn probe(&self, acting: &Acting, connection: &ConnectionRef) -> Result<()> {
        let page = acting.call(connection, &ListWorkspaces::new()).await?;
        if page.items.len() == 1 { Ok(()) } else { Err(Error::new(ErrorKind::InvalidInput)) }
    }

    fn why_not(&self, case: Case) -> Option<&'static str> {
        (case == Case::ScopeShrink).then_some("answers do not name the scopes")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asana_passes_every_case() {
    hold(Arc::new(Contending)).await;
}

fn review(project: &str) -> CreateTask {
    CreateTask::new(Container::Projects(vec![project.into()]), "Review of the quarter")
        .assign(Assignee::Me)
        .due(Due::On("2026-12-01".into()))
}

fn declared() -> Declared {
    Declared::of(Asana::new().spec())
        .operation(ListWorkspaces::new().facts())
        .operation(ListProjects::new("1").facts())
        .operation(review("1").facts())
}

fn ada() -> emulator::Account {
    let ada = emulator::Account::new("ada").fact("gid", "1209876543210987651");
    ada.fact("workspaces", json!(["91", "92"]))
}

#[tokio::test]
async fn a_task_is_made_and_one_refresh_token_serves_for_months() {
    let stored = Stored::play(&declared(), emulator::asana::Asana::new()).await;
    let w = &stored.world;
    w.site("asana").add_account(ada());
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "asana", &[PURPOSE]).await.unwrap();
    let connections = w.bailee.connections();
    let status = connections.status(&ada, &connection).await.unwrap();
    assert_eq!(status.display.as_deref(), Some("Display ada"));
    assert_eq!(w.site("asana").count(Endpoint::Identity), 0, "the token answer named the person");

    let acting = w.bailee.acting(&ada, &PURPOSE);
    let list = ListWorkspaces::new().page_size(1);
    let first = acting.call(&connection, &list).await.unwrap();
    let rest = acting.call(&connection, &list.after(first.next.unwrap())).await.unwrap();
    assert_eq!((rest.items[0].gid.as_str(), rest.next), ("92", None));
    let projects = acting.call(&connection, &ListProjects::new("92")).await.unwrap();
    let task = acting.call(&connection, &review(&projects.items[0].gid)).await.unwrap();
    assert_eq!(task.name.as_deref(), Some("Review of the quarter"));
    let written = w.site("asana").written("task");
    assert_eq!(written[0].value["assignee"]["gid"], "1209876543210987651");

    for _ in 0..3 {
        w.advance(Duration::from_secs(40 * 86_400));
        acting.call(&connection, &list).await.unwrap();
    }
    assert_eq!(w.site("asana").count(Endpoint::Refresh), 3);

    let receipt = connections.disconnect(&ada, &connection).await.unwrap();
    assert!(receipt.confirmed, "{receipt:?}");
    assert!(receipt.steps.iter().any(|step| step.contains("Deauthorize")));
    assert!(w.site("asana").live_tokens().is_empty());
    stored.assert_nothing_shows(&["Review of the quarter", "1209876543210987651"]).await;
}

#[tokio::test]
async fn an_administrator_who_turns_the_application_off_costs_one_refresh_and_no_grant() {
    let stored = Stored::play(&declared(), emulator::asana::Asana::new()).await;
    let w = &stored.world;
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "asana", &[PURPOSE]).await.unwrap();
    let acting = w.bailee.acting(&ada, &PURPOSE);
    let off = |off| {
        let site = w.site("asana");
        assert!(site.switches(|asana: &mut emulator::asana::Asana| asana.disabled = off));
    };
    off(true);
    let error = acting.call(&connection, &ListWorkspaces::new()).await.unwrap_err();
    assert_eq!(error.remedy(), Remedy::Reconnect);
    assert_eq!(w.site("asana").count(Endpoint::Refresh), 1);
    assert_eq!(w.site("asana").count(Endpoint::Api), 2);
    off(false);
    acting.call(&connection, &ListWorkspaces::new()).await.unwrap();
    let status = w.bailee.connections().status(&ada, &connection).await.unwrap();
    assert_eq!(status.state, ConnectionState::Active);
}

#[tokio::test]
async fn an_application_with_full_permissions_sends_no_scope_and_works_the_same() {
    let mut played = emulator::asana::Asana::new();
    (played.granular, played.old_ids) = (false, true);
    let full = Asana::new().with_full_permissions();
    let w = World::builder(Declared::of(full.spec()).operation(review("1").facts()).declaration())
        .play_provider(played, Arc::new(full), |registration| registration)
        .build()
        .await
        .unwrap();
    w.site("asana").add_account(ada());
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "asana", &[PURPOSE]).await.unwrap();
    w.bailee.acting(&ada, &PURPOSE).call(&connection, &review("911")).await.unwrap();
    assert_eq!(w.site("asana").written("task").len(), 1);
}

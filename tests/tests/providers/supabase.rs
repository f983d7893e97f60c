//! Supabase: the cases, and what is special about it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bailee::{
    Acting, ConnectionRef, Result,
    core::ScopeName,
    providers::{
        Operation, OperationFacts, Provider,
        supabase::{ListOrganizations, ListProjects, Supabase},
    },
};
use bailee_testkit::{
    Declared, PURPOSE,
    conformance::{Case, Contender},
    emulator::{self, Endpoint, Fault, Played},
};

use crate::{held::hold, stored::Stored};

struct Contending;

#[async_trait]
impl Contender for Contending {
    fn provider(&self) -> Arc<dyn Provider> {
        Arc::new(Supabase::new())
    }

    fn played(&self) -> Played {
        emulator::supabase::Supabase::new().into()
    }

    fn scopes(&self) -> Vec<ScopeName> {
        ["organizations:read", "projects:read"].map(ScopeName::from_static).to_vec()
    }

    fn operation(&self) -> OperationFacts {
        ListProjects.facts().clone()
    }

    async fn probe(&self, acting: &Acting, connection: &ConnectionRef) -> Result<()> {
        acting.call(connection, &ListProjects).await.map(|_| ())
    }

    fn why_not(&self, case: Case) -> Option<&'static str> {
        (case == Case::ScopeShrink).then_some("scopes are set at the application")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn supabase_passes_every_case() {
    hold(Arc::new(Contending)).await;
}

fn declared() -> Declared {
    Declared::of(Supabase::new().spec())
        .operation(ListOrganizations.facts())
        .operation(ListProjects.facts())
}

#[tokio::test(flavor = "multi_thread")]
async fn organisations_and_projects_from_connect_to_disconnect() {
    let stored = Stored::play(&declared(), emulator::supabase::Supabase::new()).await;
    let w = &stored.world;
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "supabase", &[PURPOSE]).await.unwrap();
    let connections = w.bailee.connections();
    let status = connections.status(&ada, &connection).await.unwrap();
    let name = status.display.unwrap();
    assert!(name.starts_with("Organisation "), "{name}");

    let acting = w.bailee.acting(&ada, &PURPOSE);
    let organizations = acting.call(&connection, &ListOrganizations).await.unwrap();
    assert_eq!(organizations[0].name, name);
    let projects = acting.call(&connection, &ListProjects).await.unwrap();
    assert_eq!(projects[0].organization.as_deref(), Some(organizations[0].slug.as_str()));

    w.advance(Duration::from_secs(3600));
    acting.call(&connection, &ListProjects).await.unwrap();
    assert_eq!(w.site("supabase").count(Endpoint::Refresh), 1);
    assert!(w.site("supabase").reuse_alarms().is_empty());

    let receipt = connections.disconnect(&ada, &connection).await.unwrap();
    assert!(receipt.confirmed);
    assert!(receipt.also_ends.iter().any(|sentence| sentence.contains("other organisations")));
    assert!(w.site("supabase").live_tokens().is_empty());
    w.settle().await;
    stored.assert_nothing_shows(&[&name, &organizations[0].slug, &projects[0].reference]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_is_waited_out_by_the_seconds_of_its_header() {
    let w = bailee_testkit::World::builder(declared().declaration())
        .play(emulator::supabase::Supabase::new())
        .build()
        .await
        .unwrap();
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "supabase", &[PURPOSE]).await.unwrap();
    let acting = w.bailee.acting(&ada, &PURPOSE);
    let limited = Fault::RateLimited { retry_after: Some("7".into()) };
    w.site("supabase").fault(Endpoint::Api, limited.once());
    let refused = acting.call(&connection, &ListProjects).await.unwrap_err();
    assert_eq!(refused.remedy(), bailee::Remedy::Wait(Duration::from_secs(7)));
    w.advance(Duration::from_secs(8));
    acting.call(&connection, &ListProjects).await.unwrap();
}

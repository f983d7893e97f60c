//! HubSpot: the cases, and what is special about it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bailee::{
    Acting, BeginOptions, ConnectionRef, ErrorKind, Result,
    core::ScopeName,
    providers::{
        Operation, OperationFacts, Paged, Provider,
        hubspot::{CreateContact, CreatedContact, HubSpot, ListOwners},
    },
};
use bailee_testkit::{
    Declared, PURPOSE, World,
    conformance::Contender,
    emulator::{self, Account, Decision, Endpoint, Played},
};

use crate::{held::hold, stored::Stored};

struct Contending;

#[async_trait]
impl Contender for Contending {
    fn provider(&self) -> Arc<dyn Provider> {
        Arc::new(HubSpot::new())
    }

    fn played(&self) -> Played {
        emulator::hubspot::HubSpot::new().into()
    }

    fn scopes(&self) -> Vec<ScopeName> {
        ["crm.objects.owners.read", "oauth"].map(ScopeName::from_static).to_vec()
    }

    fn operation(&self) -> OperationFacts {
        ListOwners::new().facts().clone()
    }

    async fn probe(&self, acting: &Acting, connection: &ConnectionRef) -> Result<()> {
        acting.call(connection, &ListOwners::new()).await.map(|_| ())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hubspot_passes_every_case() {
    hold(Arc::new(Contending)).await;
}

fn declared() -> Declared {
    Declared::of(HubSpot::new().spec())
        .scopes(["oauth"])
        .operation(CreateContact::new("a@b").facts())
        .operation(ListOwners::new().facts())
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_and_owners_from_connect_to_disconnect() {
    let stored = Stored::play(&declared(), emulator::hubspot::HubSpot::new()).await;
    let w = &stored.world;
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "hubspot", &[PURPOSE]).await.unwrap();
    let connections = w.bailee.connections();
    let domain = connections.status(&ada, &connection).await.unwrap().display.unwrap();
    assert!(domain.starts_with("portal-"), "{domain}");

    let acting = w.bailee.acting(&ada, &PURPOSE);
    let grace = CreateContact::new("grace@people.example").first_name("Grace");
    let created = acting.call(&connection, &grace).await.unwrap();
    let CreatedContact::Created { id } = created else { panic!("{created:?}") };
    // The same again is no second contact.
    let again = acting.call(&connection, &grace).await.unwrap();
    assert_eq!(again, CreatedContact::Existing { id });
    assert_eq!(w.site("hubspot").written("contact").len(), 1);

    let first = acting.call(&connection, &ListOwners::new()).await.unwrap();
    let next = ListOwners::new().after(first.next.unwrap());
    let last = acting.call(&connection, &next).await.unwrap();
    assert_eq!((first.items.len(), last.items.len()), (2, 1));

    // By the clock, before a call could be refused.
    w.advance(Duration::from_secs(1800));
    acting.call(&connection, &ListOwners::new()).await.unwrap();
    assert_eq!(w.site("hubspot").count(Endpoint::Refresh), 1);

    let receipt = connections.disconnect(&ada, &connection).await.unwrap();
    assert!(receipt.confirmed);
    assert!(receipt.remains.iter().any(|sentence| sentence.contains("30 minutes")));
    assert!(receipt.remains.iter().any(|sentence| sentence.contains("stays installed")));
    // And so it is: what was given lives out its half hour.
    assert!(!w.site("hubspot").live_tokens().is_empty());
    w.advance(Duration::from_secs(1800));
    assert!(w.site("hubspot").live_tokens().is_empty());
    w.settle().await;
    stored.assert_nothing_shows(&["grace@people.example", "Grace", &domain]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_that_the_account_rules_out_costs_what_needs_it_and_no_more() {
    let owners = ScopeName::from_static("crm.objects.owners.read");
    let provider: Arc<dyn Provider> = Arc::new(HubSpot::new().optional([owners.clone()]));
    let w = World::builder(declared().declaration())
        .play_provider(emulator::hubspot::HubSpot::new(), provider, |registration| registration)
        .build()
        .await
        .unwrap();
    let poor = Account::new("ada").fact("rules_out", vec![owners.as_str()]);
    w.site("hubspot").add_account(poor);
    let ada = w.visitor("ada");
    let completed = w
        .connect_as(&ada, "hubspot", &[PURPOSE], BeginOptions::default(), Decision::Allow, "ada")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(completed.missing, [owners]);
    let acting = w.bailee.acting(&ada, &PURPOSE);
    let connection = &completed.connection;
    let refused = acting.call(connection, &ListOwners::new()).await.unwrap_err();
    assert_eq!(refused.remedy(), bailee::Remedy::AskConsent);
    assert_eq!(w.site("hubspot").count(Endpoint::Api), 0, "nothing left");
    acting.call(connection, &CreateContact::new("grace@people.example")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_portals_of_one_person_are_two_connections() {
    let w = World::builder(declared().declaration())
        .play(emulator::hubspot::HubSpot::new())
        .build()
        .await
        .unwrap();
    let ada = w.visitor("ada");
    let mut connections = Vec::new();
    for hub in [7, 8] {
        w.site("hubspot").add_account(Account::new("ada").fact("hub_id", hub));
        connections.push(w.connect(&ada, "hubspot", &[PURPOSE]).await.unwrap());
    }
    assert_ne!(connections[0], connections[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_being_moved_is_waited_for() {
    let mut played = emulator::hubspot::HubSpot::new();
    played.moving = Some(300);
    let w = World::builder(declared().declaration()).play(played).build().await.unwrap();
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "hubspot", &[PURPOSE]).await.unwrap();
    let acting = w.bailee.acting(&ada, &PURPOSE);
    let refused = acting.call(&connection, &ListOwners::new()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ProviderUnavailable);
    let moved = w.site("hubspot").switches(|hubspot: &mut emulator::hubspot::HubSpot| {
        hubspot.moving = None;
    });
    assert!(moved);
    w.advance(Duration::from_secs(301));
    acting.call(&connection, &ListOwners::new()).await.unwrap();
}

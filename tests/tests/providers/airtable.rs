//! Airtable: the cases, and a life with bases and records.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bailee::{
    Acting, ConnectionRef, ConnectionState, ErrorKind, Remedy, Result,
    core::ScopeName,
    providers::{
        Operation, OperationFacts, Paged, Provider,
        airtable::{Airtable, CreateRecords, ListBases, ListRecords},
    },
};
use bailee_testkit::{
    Declared, PURPOSE,
    conformance::Contender,
    emulator::{self, Account, Endpoint, Fault, Played},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{held::hold, stored::Stored};

struct Contending;

#[async_trait]
impl Contender for Contending {
    fn provider(&self) -> Arc<dyn Provider> {
        Arc::new(Airtable::new())
    }

    fn played(&self) -> Played {
        emulator::airtable::Airtable::new().into()
    }

    fn scopes(&self) -> Vec<ScopeName> {
        ["data.records:read", "schema.bases:read"].map(ScopeName::from_static).to_vec()
    }

    fn operation(&self) -> OperationFacts {
        ListBases::new().facts().clone()
    }

    async fn probe(&self, acting: &Acting, connection: &ConnectionRef) -> Result<()> {
        acting.call(connection, &ListBases::new()).await.map(|_| ())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn airtable_passes_every_case() {
    hold(Arc::new(Contending)).await;
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Task {
    #[serde(rename = "Name")]
    name: String,
}

fn tasks() -> ListRecords<Task> {
    ListRecords::new("appPicked1", "Tasks")
}

fn create(names: &[&str]) -> CreateRecords {
    names.iter().fold(CreateRecords::new("appPicked1", "Tasks"), |create, name| {
        create.record(&Task { name: (*name).into() }).expect("a record")
    })
}

async fn stored() -> Stored {
    let declared = Declared::of(Airtable::new().spec())
        .scopes(["user.email:read"])
        .operation(ListBases::new().facts())
        .operation(tasks().facts())
        .operation(create(&[]).facts());
    let stored = Stored::play(&declared, emulator::airtable::Airtable::new()).await;
    let columns = json!({"Tasks": {"Name": "text"}});
    let base = |id: &str| json!({"id": id, "name": format!("Plans of {id}"), "tables": columns});
    let bases = json!([base("appPicked1"), base("appPicked2"), base("appPicked3")]);
    stored.world.site("airtable").add_account(Account::new("ada").fact("bases", bases));
    stored
}

#[tokio::test]
async fn records_are_created_and_listed_and_a_renewal_ends_both_tokens() {
    let stored = stored().await;
    let w = &stored.world;
    let site = w.site("airtable");
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "airtable", &[PURPOSE]).await.unwrap();
    let connections = w.bailee.connections();
    let status = connections.status(&ada, &connection).await.unwrap();
    assert_eq!(status.display.as_deref(), Some("ada@person.example"));

    let acting = w.bailee.acting(&ada, &PURPOSE);
    let bases = acting.call(&connection, &ListBases::new()).await.unwrap();
    let rest =
        acting.call(&connection, &ListBases::new().after(bases.next.unwrap())).await.unwrap();
    assert_eq!((bases.items.len(), rest.items.len(), rest.next), (2, 1, None));

    let ids = acting.call(&connection, &create(&["Water the roses", "Rest", "Sow"])).await.unwrap();
    w.advance(Duration::from_secs(3601));
    let sorted = tasks().sorted_by("Name").page_size(2);
    let first = acting.call(&connection, &sorted).await.unwrap();
    assert_eq!(site.count(Endpoint::Refresh), 1);
    assert_eq!(first.items[1].fields.name, "Sow");
    let cursor = first.next.unwrap();
    let last = acting.call(&connection, &sorted.after(cursor.clone())).await.unwrap();
    assert_eq!((&last.items[0].id, last.next), (&ids[0], None));

    // A cursor that is too old says so, and costs nobody anything.
    w.advance(Duration::from_secs(300));
    let error = acting.call(&connection, &sorted.after(cursor)).await.unwrap_err();
    assert_eq!(error.code().unwrap().as_str(), "LIST_RECORDS_ITERATOR_NOT_AVAILABLE");
    assert!(site.reuse_alarms().is_empty());

    // Nothing can be revoked: the person is told what they can do.
    let receipt = connections.disconnect(&ada, &connection).await.unwrap();
    assert!(!receipt.confirmed && !receipt.remains.is_empty(), "{receipt:?}");
    assert!(receipt.steps.iter().any(|step| step.contains("Third-party integrations")));
    assert_eq!(site.count(Endpoint::Revoke), 0);
    stored.assert_nothing_shows(&["ada@person.example", "Water the roses", "Plans of"]).await;
}

#[tokio::test]
async fn a_base_that_was_not_picked_asks_nobody_to_reconnect_by_itself() {
    let stored = stored().await;
    let w = &stored.world;
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "airtable", &[PURPOSE]).await.unwrap();
    let acting = w.bailee.acting(&ada, &PURPOSE);
    let closed = ListRecords::<Task>::new("appOther", "Tasks");
    let error = acting.call(&connection, &closed).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProviderRefused);
    assert_eq!(error.code().unwrap().as_str(), "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND");
    let status = w.bailee.connections().status(&ada, &connection).await.unwrap();
    assert_eq!(status.state, ConnectionState::Active);
    assert_eq!(w.site("airtable").count(Endpoint::Refresh), 0);
}

#[tokio::test]
async fn one_request_too_many_is_waited_for_and_a_quota_is_not() {
    let stored = stored().await;
    let w = &stored.world;
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "airtable", &[PURPOSE]).await.unwrap();
    let acting = w.bailee.acting(&ada, &PURPOSE);
    for _ in 0..5 {
        acting.call(&connection, &tasks()).await.unwrap();
    }
    let error = acting.call(&connection, &tasks()).await.unwrap_err();
    assert_eq!(error.remedy(), Remedy::Wait(Duration::from_secs(30)));
    w.advance(Duration::from_secs(31));
    acting.call(&connection, &tasks()).await.unwrap();
    type Switches = emulator::airtable::Airtable;
    assert!(w.site("airtable").switches(|airtable: &mut Switches| airtable.quota_used = true));
    let error = acting.call(&connection, &tasks()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProviderRefused);
    assert_eq!(error.code().unwrap().as_str(), "PUBLIC_API_BILLING_LIMIT_EXCEEDED");
}

#[tokio::test]
async fn records_whose_answer_was_lost_are_not_created_again() {
    let stored = stored().await;
    let w = &stored.world;
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "airtable", &[PURPOSE]).await.unwrap();
    let acting = w.bailee.acting(&ada, &PURPOSE);
    w.site("airtable").fault(Endpoint::Api, Fault::DropAfterEffect);
    let error = acting.call(&connection, &create(&["Once"])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ambiguous);
    assert_eq!(w.site("airtable").written("record").len(), 1);
}

#[tokio::test]
async fn a_conflict_of_renewals_is_tried_again_later() {
    let stored = stored().await;
    let w = &stored.world;
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "airtable", &[PURPOSE]).await.unwrap();
    let acting = w.bailee.acting(&ada, &PURPOSE);
    w.site("airtable").fault(Endpoint::Refresh, Fault::Status(409));
    w.advance(Duration::from_secs(3601));
    acting.call(&connection, &ListBases::new()).await.unwrap_err();
    w.advance(Duration::from_secs(1800));
    w.settle().await;
    acting.call(&connection, &ListBases::new()).await.unwrap();
    assert!(w.site("airtable").reuse_alarms().is_empty());
}

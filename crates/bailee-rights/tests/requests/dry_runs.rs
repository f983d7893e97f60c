//! Whoever looks what an erasure would do leaves no trace of it but the answer.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use bailee_core::{HostError, HostId, TenantId};
use bailee_registry::Declaration;
use bailee_rights::{
    clock::Establishment,
    request::{Ask, Identifiers, Rights, WithoutConnections},
    source::{DataSource, MemorySource, SourceFacts, Sources},
};
use bailee_store::{Query, Window};

use crate::world::{
    ACME, CANARY, DECLARED, Hand, Memberships, OPERATOR, World, ada, bills, content,
};

struct Addresses;

#[async_trait]
impl Identifiers for Addresses {
    async fn of(
        &self,
        _: &TenantId,
        _: &HostId,
        names: &[&str],
    ) -> Result<BTreeMap<String, Vec<HostId>>, HostError> {
        let address = || vec![HostId::text("canary@people.example")];
        Ok(names.iter().map(|name| ((*name).to_owned(), address())).collect())
    }
}

/// A desk over the same store whose source has to be told an address.
fn desk(world: &World) -> Rights {
    let declaration = Declaration::parse(DECLARED).unwrap();
    let asking: SourceFacts = content().needing("email");
    let sources: Vec<Arc<dyn DataSource>> =
        vec![Arc::new(MemorySource::new(asking, 3)), Arc::new(MemorySource::new(bills(), 3))];
    let sources = Sources::new(&declaration, sources).unwrap();
    let without = WithoutConnections::new(world.vault.clone(), declaration.clone());
    Rights::builder(
        world.vault.clone(),
        declaration,
        Establishment::in_europe("DE").unwrap(),
        sources,
        Arc::new(Memberships::default()),
        Arc::new(without),
        Arc::new(Hand::default()),
    )
    .identifiers(Arc::new(Addresses))
    .build()
    .unwrap()
}

#[tokio::test]
async fn a_dry_run_writes_nothing() {
    let world = World::new().await;
    let whose = world.fill(&ACME, &ada(), CANARY).await;
    let rights = desk(&world);
    let visitor = world.visitor(&ACME, &ada());
    let id = rights.ask(&visitor, world.now(), Ask::Erasure).await.unwrap().id;
    let all = async || {
        let records = Query::of_subject(whose.subject()).limit(1000);
        let records = world.store.find(&ACME, &records).await.unwrap().records;
        let entries = world.store.entries(&ACME, Window::default()).await.unwrap();
        let keys: Vec<_> = records.into_iter().map(|record| (record.key, record.version)).collect();
        (keys, entries.len())
    };
    let before = all().await;
    let runs = rights.operator(OPERATOR).dry_run(&ACME, id).await.unwrap();
    assert!(runs[0].sources.iter().all(|(_, count)| count.is_ok()), "{runs:?}");
    assert_eq!(all().await, before);
}

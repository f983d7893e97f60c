//! Processes that die, and workers that come late.

use bailee_core::{ErrorKind, Result};
use bailee_rights::{
    package::Spool,
    request::Right,
    source::{
        Correction, Count, DataSource, MemorySource, Remaining, RowSink, SourceFacts, SourceRow,
        Step, TableFacts, Value, Whose,
    },
};
use bailee_store::Fence;

use crate::{
    archive::Archive,
    world::{self, World, row, text},
};

/// A source whose rows come as a test says, and may break off.
struct Told {
    facts: SourceFacts,
    batches: Vec<(&'static str, Vec<SourceRow>)>,
    breaks: bool,
}

#[async_trait::async_trait]
impl DataSource for Told {
    fn facts(&self) -> &SourceFacts {
        &self.facts
    }

    async fn count(&self, _: &Whose) -> Result<Count> {
        Err(ErrorKind::Unsupported.into())
    }

    async fn collect(&self, _: &Whose, sink: &mut dyn RowSink) -> Result<()> {
        for (table, rows) in &self.batches {
            let unknown =
                TableFacts::new(*table, "content", bailee_rights::source::Strategy::Delete);
            let table = self.facts.table(table).unwrap_or(&unknown);
            sink.take(table, rows.clone()).await?;
        }
        if self.breaks { Err(ErrorKind::HostFailed.into()) } else { Ok(()) }
    }

    async fn erase(&self, _: &Whose) -> Result<Step> {
        Err(ErrorKind::Unsupported.into())
    }

    async fn correct(&self, _: &Whose, _: &Correction) -> Result<()> {
        Err(ErrorKind::Unsupported.into())
    }

    async fn restrict(&self, _: &Whose, _: bool) -> Result<Step> {
        Err(ErrorKind::Unsupported.into())
    }

    async fn remaining(&self, _: &Whose) -> Result<Remaining> {
        Err(ErrorKind::Unsupported.into())
    }
}

fn told(batches: Vec<(&'static str, Vec<SourceRow>)>, breaks: bool) -> Told {
    Told { facts: world::facts(), batches, breaks }
}

fn visit(key: &str) -> SourceRow {
    row(key, vec![Value::Integer(1)])
}

#[tokio::test]
async fn a_segment_that_broke_off_is_made_again_and_every_row_is_there_once() {
    let world = World::new().await;
    let order = world.order(Right::Access);
    let rows: Vec<_> = (0..5_000).map(|n| visit(&n.to_string())).collect();
    let breaks = told(vec![("visits", rows.clone())], true);
    let packages = &world.packages;
    let broken =
        packages.collect_source(&order, &world.declaration, &breaks, &world.ada, Fence(1)).await;
    assert_eq!(broken.unwrap_err().kind(), ErrorKind::HostFailed);
    let whole = told(vec![("visits", rows)], false);
    let segment = world.collect_of(&order, &whole, &world.ada, Fence(2)).await;
    let stored = world.close(&order, &[segment]).await;
    let archive = Archive::read(&world.bytes(&stored).await);
    assert_eq!(archive.lines("data/acme/main/visits.jsonl").len(), 5_000);
}

#[tokio::test]
async fn a_worker_that_comes_late_writes_into_nothing_that_was_committed() {
    let world = World::new().await;
    let order = world.order(Right::Access);
    let source = world::source(&world.ada);
    let committed = world.collect_of(&order, &source, &world.ada, Fence(2)).await;
    let before = world.spool.contents();
    source.insert(&world.ada, "visits", visit("later"));
    let stale = world.collect_of(&order, &source, &world.ada, Fence(1)).await;
    let stored = world.close(&order, std::slice::from_ref(&committed)).await;
    for object in committed.objects() {
        assert_eq!(world.spool.contents()[object], before[object], "{object}");
    }
    // What the late one left is found and goes.
    let swept = world.packages.sweep_orphans(order.request, stored.objects()).await.unwrap();
    assert_eq!(swept as usize, stale.objects().count() + 1);
    let left: Vec<_> = world.spool.contents().into_keys().collect();
    let mut kept: Vec<_> = stored.objects().cloned().collect();
    kept.sort();
    assert_eq!(left, kept);
    let archive = Archive::read(&world.bytes(&stored).await);
    assert_eq!(archive.lines("data/acme/main/visits.jsonl").len(), 1);
}

#[tokio::test]
async fn the_same_fence_again_gives_the_same_segment() {
    let world = World::new().await;
    let order = world.order(Right::Access);
    let source = world::source(&world.ada);
    let one = world.collect(&order, &source).await;
    let two = world.collect(&order, &source).await;
    assert_eq!(one, two);
    let stored = world.close(&order, std::slice::from_ref(&one)).await;
    assert_eq!(world.close(&order, &[one]).await, stored);
}

#[tokio::test]
async fn a_sweep_leaves_other_requests_alone() {
    let world = World::new().await;
    let order = world.order(Right::Access);
    let mut other = order.clone();
    other.request = bailee_core::Id::from_bytes([0x5b; 16]);
    let source = MemorySource::new(world::facts(), 1);
    world.collect(&order, &source).await;
    let kept = world.collect(&other, &source).await;
    world.packages.sweep_orphans(order.request, []).await.unwrap();
    let left = world.spool.list("").await.unwrap();
    assert_eq!(left.len(), kept.objects().count());
    assert!(left.iter().all(|name| kept.objects().any(|object| object == name)));
}

#[tokio::test]
async fn a_source_that_breaks_its_contract_makes_no_package() {
    let world = World::new().await;
    let order = world.order(Right::Access);
    let back = vec![
        ("visits", vec![visit("1")]),
        ("drafts", vec![row("1", vec![text("x")])]),
        ("visits", vec![visit("2")]),
    ];
    let short = vec![("messages", vec![row("1", vec![text("x")])])];
    let unknown = vec![("elsewhere", vec![row("1", vec![text("x")])])];
    for batches in [back, short, unknown] {
        let source = told(batches, false);
        let collected = world.packages.collect_source(
            &order,
            &world.declaration,
            &source,
            &world.ada,
            Fence(1),
        );
        assert_eq!(collected.await.unwrap_err().kind(), ErrorKind::Configuration);
    }
}

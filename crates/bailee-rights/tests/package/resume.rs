//! Processes that die, and workers that come late.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bailee_core::{ErrorKind, Result};
use bailee_rights::{
    package::{MemorySpool, ObjectName, Spool, SpoolWriter, stream},
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
async fn r1_a_segment_that_broke_off_is_made_again_and_every_row_is_there_once() {
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

/// A host spawns what it waits for.
#[tokio::test]
async fn whatever_is_waited_for_can_move_to_another_thread() {
    fn is_send(_: &(impl Future + Send)) {}
    let world = World::new().await;
    let (order, closing) = (world.order(Right::Access), world.closing());
    let source = world::source(&world.ada);
    let packages = &world.packages;
    let collected =
        packages.collect_source(&order, &world.declaration, &source, &world.ada, Fence(1));
    is_send(&collected);
    let segments = [collected.await.unwrap()];
    let closed = packages.close(&order, &closing, &segments, Fence(1));
    is_send(&closed);
    let stored = closed.await.unwrap();
    let package = packages.open(&stored);
    is_send(&package.read(0, 1));
    is_send(&packages.sweep_orphans(order.request, stored.objects()));
    is_send(&packages.delete(&stored));
    let sources: [(&dyn DataSource, &Whose); 1] = [(&source, &world.ada)];
    let mut sink = Vec::new();
    is_send(&stream(&order, &closing, &sources, &mut sink));
    let recipient = "age1usxde9k5assupql38muy07d9at3vsjk7awkjf8ajetyezzl96saq9a3qd2";
    let recipient = bailee_rights::package::AgeRecipient::parse(recipient).unwrap();
    is_send(&packages.encrypt(&order, &stored, &recipient));
}

/// A spool that has room for so many bytes.
struct Full(MemorySpool, Arc<AtomicUsize>);

struct FullWriter(Box<dyn SpoolWriter>, Arc<AtomicUsize>);

#[async_trait::async_trait]
impl Spool for Full {
    async fn write(&self, name: &ObjectName) -> Result<Box<dyn SpoolWriter>> {
        Ok(Box::new(FullWriter(self.0.write(name).await?, Arc::clone(&self.1))))
    }

    async fn read(&self, name: &ObjectName, offset: u64, length: usize) -> Result<Vec<u8>> {
        self.0.read(name, offset, length).await
    }

    async fn length(&self, name: &ObjectName) -> Result<Option<u64>> {
        self.0.length(name).await
    }

    async fn delete(&self, name: &ObjectName) -> Result<()> {
        self.0.delete(name).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectName>> {
        self.0.list(prefix).await
    }
}

#[async_trait::async_trait]
impl SpoolWriter for FullWriter {
    async fn put(&mut self, bytes: Vec<u8>) -> Result<()> {
        let room = self.1.load(Ordering::SeqCst);
        let left = room.checked_sub(bytes.len()).ok_or(ErrorKind::HostFailed)?;
        self.1.store(left, Ordering::SeqCst);
        self.0.put(bytes).await
    }

    async fn finish(self: Box<Self>) -> Result<()> {
        self.0.finish().await
    }
}

#[tokio::test]
async fn a_spool_that_is_full_makes_no_segment_and_no_package_and_it_goes_on_when_there_is_room() {
    let world = World::new().await;
    let order = world.order(Right::Access);
    let source = world::source(&world.ada);
    let closing = world.closing();
    let mut failed = 0;
    for room in (0..).step_by(4_000) {
        let left = Arc::new(AtomicUsize::new(room));
        let packages = world.over(Arc::new(Full(world.spool.clone(), Arc::clone(&left))));
        let fence = Fence(i64::try_from(room).unwrap());
        let collect =
            packages.collect_source(&order, &world.declaration, &source, &world.ada, fence);
        let closed = match collect.await {
            Ok(segment) => packages.close(&order, &closing, &[segment], fence).await,
            Err(error) => Err(error),
        };
        match closed {
            Ok(stored) => {
                Archive::read(&world.bytes(&stored).await);
                world.packages.sweep_orphans(order.request, stored.objects()).await.unwrap();
                assert_eq!(world.spool.contents().len(), stored.parts.len());
                break;
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::HostFailed),
        }
        failed += 1;
    }
    assert!(failed > 5, "{failed}");
}

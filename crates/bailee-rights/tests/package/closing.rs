//! The end of a package is written in steps, whatever it holds.

use bailee_rights::{
    package::{CloseStep, Order, PartlyClosed, Segment},
    request::Right,
    source::{MemorySource, Value, Whose},
};
use bailee_store::Fence;

use crate::{
    archive::Archive,
    world::{self, World, row, text},
};

/// A source with so many files of a person's.
fn files(of: &Whose, many: u32) -> MemorySource {
    let source = MemorySource::new(world::facts(), 500);
    for n in 0..many {
        let bytes = Value::Bytes(n.to_le_bytes().to_vec());
        let values = vec![text("t"), text("b"), bytes, Value::Null, Value::Null];
        source.insert(of, "posts", row(n.to_string(), values));
    }
    source
}

/// A step of a process that knows nothing but what was committed.
async fn step(
    world: &World,
    order: &Order,
    segments: &[Segment],
    so_far: Option<&PartlyClosed>,
    fence: i64,
) -> CloseStep {
    let written = serde_json::to_string(&so_far).unwrap();
    let read: Option<PartlyClosed> = serde_json::from_str(&written).unwrap();
    let closing = world.closing();
    let packages = world.over(std::sync::Arc::new(world.spool.clone()));
    let step =
        packages.close_step(order, &closing, segments, read.as_ref(), Fence(fence), &|| true);
    step.await.unwrap()
}

#[tokio::test]
async fn a_package_that_is_closed_in_steps_is_the_same_file() {
    let world = World::new().await;
    let mut order = world.order(Right::Access);
    order.apart_from = 1;
    let source = files(&world.ada, 2_500);
    let there = files(&world.ada_at_globex, 1_600);
    let segments = [
        world.collect(&order, &source).await,
        world.collect_of(&order, &there, &world.ada_at_globex, Fence(8)).await,
    ];
    let at_once = world.bytes(&world.close(&order, &segments).await).await;

    let mut so_far = None;
    let mut steps = 0;
    let stored = loop {
        steps += 1;
        // A process that dies after it wrote leaves what nobody knows, and no harm.
        step(&world, &order, &segments, so_far.as_ref(), 100 + steps).await;
        match step(&world, &order, &segments, so_far.as_ref(), 200 + steps).await {
            CloseStep::Closed(stored) => break stored,
            CloseStep::Open(partly) => so_far = Some(partly),
        }
    };
    assert_eq!(steps, 5, "four times a thousand files and the rest");
    assert!(world.bytes(&stored).await == at_once);
    assert_eq!(Archive::read(&at_once).names.len() as u64, stored.entries);
    let swept = world.packages.sweep_orphans(order.request, stored.objects()).await.unwrap();
    assert_eq!(swept, 2 + 5 + 1, "indexes, steps of dead processes, the package in one go");
}

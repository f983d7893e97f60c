//! What lies in a spool, and what happens to whoever touches it.

use bailee_core::ErrorKind;
use bailee_registry::DataOrigin;
use bailee_rights::{
    package::{ObjectName, Spool, StoredPackage},
    request::Right,
    source::{MemorySource, SourceFacts, Strategy, TableFacts, Value},
};
use bailee_store::Fence;

use crate::world::{self, CANARY, World, field, row, text};

const FRAME: usize = 61_440;
const SEALED: usize = FRAME + 90;

/// A package whose strand of files spans some frames, as bytes do not shrink.
async fn long(world: &World) -> StoredPackage {
    let table = TableFacts::new("t", "content", Strategy::Delete)
        .with_field(field("b", "content", DataOrigin::Provided))
        .with_field(field("c", "content", DataOrigin::Provided));
    let source = MemorySource::new(SourceFacts::new("main", vec![table]), 10);
    let mut seed = 1_u32;
    let noise = (0..300_000).map(|_| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 24) as u8
    });
    source.insert(&world.ada, "t", row("1", vec![Value::Bytes(noise.collect()), text(CANARY)]));
    world.package_of(Right::Access, &source).await
}

fn longest(world: &World, stored: &StoredPackage) -> (ObjectName, Vec<u8>) {
    let contents = world.spool.contents();
    let part = stored.parts.iter().max_by_key(|part| part.piece.length).unwrap();
    (part.piece.object.clone(), contents[&part.piece.object].clone())
}

#[tokio::test]
async fn nothing_of_a_person_lies_in_the_spool() {
    let world = World::new().await;
    let stored = world.package_of(Right::Access, &world::source(&world.ada)).await;
    assert!(!world.spool.contents().is_empty());
    for (name, bytes) in world.spool.contents() {
        for shown in [CANARY.as_bytes(), b"posts", b"PK\x03\x04", b"\x89PNG", b"acme", b"hello"] {
            let found = bytes.windows(shown.len()).any(|window| window == shown);
            assert!(!found, "{name}: {}", String::from_utf8_lossy(shown));
        }
        assert!(!name.as_str().contains("acme") && !name.as_str().contains("main"), "{name}");
    }
    let printed = format!("{stored:?}");
    assert!(!printed.contains(CANARY), "{printed}");
}

#[tokio::test]
async fn every_range_is_what_a_whole_download_has_there() {
    let world = World::new().await;
    let stored = long(&world).await;
    let whole = world.bytes(&stored).await;
    let package = world.packages.open(&stored);
    let mut edges = vec![0, 1, whole.len() - 1, whole.len()];
    let mut begins = 0;
    for part in &stored.parts {
        let length = part.piece.length as usize;
        for frame in 0..=length / FRAME {
            let at = begins + frame * FRAME;
            edges.extend([at.saturating_sub(1), at, at + 1]);
        }
        begins += length;
        edges.extend([begins - 1, begins, begins + 1]);
    }
    edges.retain(|edge| *edge <= whole.len());
    edges.sort_unstable();
    edges.dedup();
    assert!(edges.len() > 20, "there are edges");
    for from in &edges {
        for to in edges.iter().filter(|to| *to >= from) {
            let read = package.read(*from as u64, to - from).await.unwrap();
            assert!(read == whole[*from..*to], "{from}..{to}");
        }
    }
    let length = whole.len();
    for (from, length) in [(0, length + 1), (length, 1), (length + 1, 0), (1, usize::MAX)] {
        let error = package.read(from as u64, length).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
}

#[tokio::test]
async fn what_was_changed_moved_or_cut_off_is_an_error() {
    let world = World::new().await;
    let stored = long(&world).await;
    let (name, good) = longest(&world, &stored);
    assert!(good.len() > 4 * SEALED);
    let frame = |n: usize| &good[n * SEALED..(n + 1) * SEALED];
    let swapped = [frame(1), frame(0), &good[2 * SEALED..]].concat();
    let repeated = [frame(0), frame(0), &good[2 * SEALED..]].concat();
    let left_out = [frame(0), &good[2 * SEALED..]].concat();
    let mut flipped = good.clone();
    flipped[2 * SEALED + 300] ^= 1;
    let cut_at_a_frame = good[..3 * SEALED].to_vec();
    let cut = good[..good.len() - 1].to_vec();
    for bad in [swapped, repeated, left_out, flipped, cut_at_a_frame, cut, Vec::new()] {
        world.spool.tamper(&name, bad);
        let package = world.packages.open(&stored);
        let read = package.stream_to(0..package.len(), &mut Vec::new()).await;
        assert_eq!(read.unwrap_err().kind(), ErrorKind::Unopenable);
    }
    world.spool.delete(&name).await.unwrap();
    let package = world.packages.open(&stored);
    let read = package.stream_to(0..package.len(), &mut Vec::new()).await;
    assert_eq!(read.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn an_object_opens_in_its_own_place_alone() {
    let world = World::new().await;
    let order = world.order(Right::Access);
    let source = world::source(&world.ada);
    let one = world.collect_of(&order, &source, &world.ada, Fence(1)).await;
    let two = world.collect_of(&order, &source, &world.ada, Fence(2)).await;
    let contents = world.spool.contents();
    // What one fence wrote is put where another's lies: same person, same request, same bytes.
    let (from, to) = (&one.strands[0].piece, &two.strands[0].piece);
    assert_eq!(from.digest, to.digest);
    world.spool.tamper(&to.object, contents[&from.object].clone());
    let stored = world.close(&order, &[two]).await;
    let read = world.packages.open(&stored).read(0, 1).await;
    assert_eq!(read.unwrap_err().kind(), ErrorKind::Unopenable);
}

#[tokio::test]
async fn an_erasure_of_the_person_ends_the_package() {
    let world = World::new().await;
    let stored = world.package_of(Right::Access, &world::source(&world.ada)).await;
    let package = world.packages.open(&stored);
    package.read(0, 10).await.unwrap();
    world.destroy_key(&world.ada).await;
    let error = package.read(0, 10).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shredded);
}

#[tokio::test]
async fn a_package_that_is_deleted_leaves_nothing() {
    let world = World::new().await;
    let order = world.order(Right::Access);
    let segment = world.collect(&order, &world::source(&world.ada)).await;
    let stored = world.close(&order, std::slice::from_ref(&segment)).await;
    let swept = world.packages.sweep_orphans(order.request, stored.objects()).await.unwrap();
    assert_eq!(swept, 1, "the index is not needed any more");
    world.bytes(&stored).await;
    for _ in 0..2 {
        world.packages.delete(&stored).await.unwrap();
        assert!(world.spool.contents().is_empty());
    }
}

#[tokio::test]
async fn what_is_known_of_a_package_survives_a_record() {
    let world = World::new().await;
    let order = world.order(Right::Access);
    let segment = world.collect(&order, &world::source(&world.ada)).await;
    let written = serde_json::to_string(&segment).unwrap();
    assert!(written.len() < 2_000, "a record holds it: {written}");
    assert_eq!(serde_json::from_str::<bailee_rights::package::Segment>(&written).unwrap(), segment);
    let stored = world.close(&order, &[segment]).await;
    let written = serde_json::to_string(&stored).unwrap();
    assert_eq!(serde_json::from_str::<StoredPackage>(&written).unwrap(), stored);
}

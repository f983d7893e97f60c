//! What every spool promises, as functions for the tests of any.
//!
//! A host gives a [`Fixture`] and calls [`all`], or each function from a test of its own. They panic
//! where a promise is broken.

#![expect(clippy::unwrap_used, reason = "a broken promise fails the test that asked for it")]

use std::sync::Arc;

use async_trait::async_trait;
use bailee_core::ErrorKind;

use super::{ObjectName, Spool};

/// An empty spool, made anew for each test.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// The spool. Each call gives a new one over the same objects, as after a restart.
    async fn spool(&self) -> Arc<dyn Spool>;
}

/// Asks for every promise, each on a fixture of its own.
pub async fn all<F: Fixture, M: AsyncFn() -> F>(make: M) {
    what_was_written_is_read_from_any_place(&make().await).await;
    a_read_gives_all_or_fails(&make().await).await;
    what_is_not_finished_is_not_there(&make().await).await;
    an_object_is_replaced_whole_and_at_the_end(&make().await).await;
    what_is_deleted_is_gone_and_can_be_deleted_again(&make().await).await;
    names_are_listed_in_order_and_once(&make().await).await;
}

/// Any range of an object is what was put there, by another instance too.
pub async fn what_was_written_is_read_from_any_place(fixture: &impl Fixture) {
    let bytes = pattern(200_001);
    write(fixture, "object", &bytes).await;
    let spool = fixture.spool().await;
    assert_eq!(spool.length(&name("object")).await.unwrap(), Some(200_001));
    for (from, length) in [(0, 200_001), (0, 0), (0, 1), (65_535, 3), (200_000, 1), (200_001, 0)] {
        let read = spool.read(&name("object"), from, length).await.unwrap();
        let from = usize::try_from(from).unwrap();
        assert_eq!(read, bytes[from..from + length], "{from}, {length}");
    }
    write(fixture, "empty", b"").await;
    assert_eq!(spool.length(&name("empty")).await.unwrap(), Some(0));
    assert!(spool.read(&name("empty"), 0, 0).await.unwrap().is_empty());
}

/// Nothing is given for less than was asked for.
pub async fn a_read_gives_all_or_fails(fixture: &impl Fixture) {
    write(fixture, "object", b"0123456789").await;
    let spool = fixture.spool().await;
    for (from, length) in [(0, 11), (10, 1), (11, 0), (u64::MAX, 1), (5, usize::MAX)] {
        let error = spool.read(&name("object"), from, length).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{from}, {length}");
    }
    let error = spool.read(&name("nothing"), 0, 0).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(spool.length(&name("nothing")).await.unwrap(), None);
}

/// A writer that goes leaves nothing that can be read, and what it leaves can be deleted.
pub async fn what_is_not_finished_is_not_there(fixture: &impl Fixture) {
    let spool = fixture.spool().await;
    let mut writer = spool.write(&name("object")).await.unwrap();
    writer.put(pattern(100_000)).await.unwrap();
    assert_eq!(spool.length(&name("object")).await.unwrap(), None);
    assert!(spool.read(&name("object"), 0, 1).await.is_err());
    drop(writer);
    assert_eq!(fixture.spool().await.length(&name("object")).await.unwrap(), None);
    for left in spool.list("").await.unwrap() {
        spool.delete(&left).await.unwrap();
    }
    assert!(spool.list("").await.unwrap().is_empty());
}

/// Readers see the old object until the new one is finished.
pub async fn an_object_is_replaced_whole_and_at_the_end(fixture: &impl Fixture) {
    write(fixture, "object", b"the old one, which is longer").await;
    let spool = fixture.spool().await;
    let mut writer = spool.write(&name("object")).await.unwrap();
    writer.put(b"the ".to_vec()).await.unwrap();
    writer.put(b"new".to_vec()).await.unwrap();
    assert_eq!(spool.read(&name("object"), 4, 3).await.unwrap(), b"old");
    writer.finish().await.unwrap();
    assert_eq!(spool.length(&name("object")).await.unwrap(), Some(7));
    assert_eq!(spool.read(&name("object"), 0, 7).await.unwrap(), b"the new");
}

/// Deleting ends an object and nothing else.
pub async fn what_is_deleted_is_gone_and_can_be_deleted_again(fixture: &impl Fixture) {
    write(fixture, "object", b"x").await;
    write(fixture, "object.2", b"y").await;
    let spool = fixture.spool().await;
    for _ in 0..2 {
        spool.delete(&name("object")).await.unwrap();
        assert_eq!(spool.length(&name("object")).await.unwrap(), None);
        assert!(spool.read(&name("object"), 0, 1).await.is_err());
    }
    assert_eq!(spool.read(&name("object.2"), 0, 1).await.unwrap(), b"y");
}

/// A list has what begins like the prefix, and no more.
pub async fn names_are_listed_in_order_and_once(fixture: &impl Fixture) {
    for object in ["b.2", "a.1", "b.1", "b.10", "ba"] {
        write(fixture, object, b"x").await;
    }
    write(fixture, "b.1", b"again").await;
    let spool = fixture.spool().await;
    let listed = spool.list("b.").await.unwrap();
    assert_eq!(listed, ["b.1", "b.10", "b.2"].map(name));
    assert_eq!(spool.list("").await.unwrap().len(), 5);
    assert!(spool.list("c").await.unwrap().is_empty());
}

async fn write(fixture: &impl Fixture, object: &str, bytes: &[u8]) {
    let mut writer = fixture.spool().await.write(&name(object)).await.unwrap();
    for piece in bytes.chunks(61_530) {
        writer.put(piece.to_vec()).await.unwrap();
    }
    writer.finish().await.unwrap();
}

fn name(name: &str) -> ObjectName {
    ObjectName::new(name).unwrap()
}

/// Bytes of which no two neighbouring pages are the same.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n % 251) as u8 ^ (n / 65_536) as u8).collect()
}

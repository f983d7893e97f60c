use bailee_core::{BatchId, Clock, ErrorKind, Id, SystemRandom, TenantId, audit::Entry};
use bailee_store::*;

use crate::fresh;

#[tokio::test]
async fn smoke() {
    let (_database, clock, store) = fresh().await;
    let tenant = TenantId::from_static("acme");
    let key = Key::new(Kind::from_static("thing"), Id::from_bytes([1; 16]));
    let record = Record { key: key.clone(), subject: None, facet: Facet(3), expires: None, version: Version::first(clock.now()), body: Sealed::new(vec![1,2,3]) };
    let batch = Batch::builder(BatchId::generate(&SystemRandom).unwrap())
        .put(record.clone(), Expect::Absent)
        .schedule(key.clone(), None, Due::At(clock.now()))
        .audit(Entry::new("x", clock.now())).build().unwrap();
    assert_eq!(store.commit(&tenant, &batch).await.unwrap(), Committed::Applied);
    assert_eq!(store.commit(&tenant, &batch).await.unwrap(), Committed::AlreadyApplied);
    let s = store.read(&tenant, &[key.clone()]).await.unwrap();
    assert_eq!(s.records, vec![Some(record)]);
    assert_eq!(s.now, clock.now());
    let l = store.claim(Claim::Due { tasks: &[Kind::from_static("thing")], lease: std::time::Duration::from_secs(5), limit: 3 }).await.unwrap();
    assert_eq!(l.len(), 1, "{l:?}");
    let batch = Batch::builder(BatchId::generate(&SystemRandom).unwrap())
        .check(key.clone(), Expect::Present)
        .finish(l[0].task.clone(), l[0].fence, Due::Never)
        .audit(Entry::new("x", clock.now())).build().unwrap();
    assert_eq!(store.commit(&tenant, &batch).await.unwrap(), Committed::Applied);
    let (h, leaves) = store.open(10).await.unwrap();
    assert_eq!(leaves.len(), 2);
    let h2 = store.fold(h, &leaves).await.unwrap();
    assert_eq!(h2.size, 2);
    assert_eq!(store.fold(h, &leaves).await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(store.entries(&tenant, Window::default()).await.unwrap().len(), 2);
    assert_eq!(store.tally(None, &key.kind).await.unwrap(), store.tally(Some(&tenant), &key.kind).await.unwrap());
    assert_eq!(store.sweep(3).await.unwrap(), 0);
    assert_eq!(store.find(&tenant, &Query::of_kind(key.kind.clone())).await.unwrap().records.len(), 1);
}

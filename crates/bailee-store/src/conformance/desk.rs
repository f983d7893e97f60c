//! What the sentences are written with: one store, its clock, and short words for batches.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bailee_core::{
    BatchId, Clock, Error, ErrorKind, Id, ManualClock, Result, SubjectId, TenantId, Timestamp,
    audit::Entry,
};

use super::Harness;
use crate::{
    Batch, BatchBuilder, Claim, Committed, Conflict, Due, Expect, Facet, Key, Kind, Lease, Query,
    Record, Sealed, Store, Version,
};

pub(super) const ACME: TenantId = TenantId::from_static("acme");
pub(super) const GLOBEX: TenantId = TenantId::from_static("globex");
pub(super) const NOTE: Kind = Kind::from_static("note");
pub(super) const OTHER: Kind = Kind::from_static("other");
pub(super) const REFRESH: Kind = Kind::from_static("refresh");
pub(super) const BREACH: Kind = Kind::from_static("breach");
pub(super) const MINUTE: Duration = Duration::from_secs(60);

/// An empty store and its clock.
pub(super) struct Desk {
    pub(super) store: Arc<dyn Store>,
    clock: ManualClock,
}

impl Desk {
    pub(super) async fn new(harness: &dyn Harness) -> Self {
        Self { store: harness.store().await, clock: harness.clock().clone() }
    }

    pub(super) fn advance(&self, duration: Duration) {
        self.clock.advance(duration);
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A record of no subject that never expires, as it is first written.
    pub(super) fn note(&self, key: &Key) -> Record {
        Record {
            key: key.clone(),
            subject: None,
            facet: Facet(0),
            expires: None,
            version: Version::first(self.now()),
            body: Sealed::new(key.to_string().into_bytes()),
        }
    }

    /// A batch of a new id with one audit entry.
    pub(super) fn batch(&self) -> BatchBuilder {
        Batch::builder(new_batch()).audit(Entry::new("suite.changed", self.now()))
    }

    pub(super) async fn commit(&self, tenant: &TenantId, batch: BatchBuilder) -> Result<Committed> {
        self.store.commit(tenant, &batch.build().unwrap()).await
    }

    pub(super) async fn applied(&self, tenant: &TenantId, batch: BatchBuilder) {
        assert_eq!(self.commit(tenant, batch).await.unwrap(), Committed::Applied);
    }

    /// The batch is refused because of this key.
    pub(super) async fn conflicts(&self, tenant: &TenantId, batch: BatchBuilder, key: &Key) {
        assert_conflict(self.commit(tenant, batch).await, key);
    }

    /// Writes a record that is absent, and gives its version.
    pub(super) async fn put(&self, tenant: &TenantId, record: Record) -> Version {
        let version = record.version;
        self.applied(tenant, self.batch().put(record, Expect::Absent)).await;
        version
    }

    /// Writes a record that is absent under lookups.
    pub(super) async fn put_under(&self, tenant: &TenantId, record: Record, lookups: &[Id]) {
        let put =
            crate::Op::Put { record, expect: Expect::Absent, lookups: Some(lookups.to_vec()) };
        self.applied(tenant, self.batch().op(put)).await;
    }

    pub(super) async fn get(&self, tenant: &TenantId, key: &Key) -> Option<Record> {
        let snapshot = self.store.read(tenant, std::slice::from_ref(key)).await.unwrap();
        assert_eq!(snapshot.records.len(), 1);
        snapshot.records.into_iter().next().flatten()
    }

    pub(super) async fn found(&self, tenant: &TenantId, query: &Query) -> Vec<Key> {
        let page = self.store.find(tenant, query).await.unwrap();
        page.records.into_iter().map(|record| record.key).collect()
    }

    pub(super) async fn schedule(&self, tenant: &TenantId, task: &Key, due: Due) {
        self.applied(tenant, self.batch().schedule(task.clone(), None, due)).await;
    }

    /// Claims one piece of work for a minute.
    pub(super) async fn claim(&self, tenant: &TenantId, task: &Key) -> Option<Lease> {
        let leases = self.store.claim(Claim::One { tenant, task, lease: MINUTE }).await.unwrap();
        assert!(leases.len() <= 1);
        leases.into_iter().next()
    }

    /// Claims what is due for a minute.
    pub(super) async fn claim_due(&self, tasks: &[Kind], limit: u32) -> Vec<Lease> {
        self.store.claim(Claim::Due { tasks, lease: MINUTE, limit }).await.unwrap()
    }

    /// How many audit entries the tenant has.
    pub(super) async fn entries(&self, tenant: &TenantId) -> usize {
        self.store.entries(tenant, crate::Window::default()).await.unwrap().len()
    }
}

/// A number that this process did not give before.
pub(super) fn fresh() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

pub(super) fn new_batch() -> BatchId {
    BatchId::from_id(Id::derive(&[b"batch", &fresh().to_be_bytes()]))
}

/// An id whose order is that of its number.
pub(super) fn id(number: u64) -> Id {
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    Id::from_bytes(bytes)
}

pub(super) fn key(kind: Kind, number: u64) -> Key {
    Key::new(kind, id(number))
}

pub(super) fn subject(number: u64) -> SubjectId {
    SubjectId::from_id(Id::derive(&[b"subject", &number.to_be_bytes()]))
}

/// What the record is written as over its version.
pub(super) fn next(record: &Record, body: &[u8]) -> (Record, Expect) {
    let written = Record {
        version: record.version.next(),
        body: Sealed::new(body.to_vec()),
        ..record.clone()
    };
    (written, Expect::Version(record.version))
}

pub(super) fn assert_conflict<T: std::fmt::Debug>(result: Result<T>, key: &Key) {
    let error = result.expect_err("a conflict");
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
    assert_eq!(Conflict::of(&error), Some(key), "{error:?}");
}

pub(super) fn assert_kind<T: std::fmt::Debug>(result: Result<T>, kind: ErrorKind) {
    assert_eq!(result.expect_err("an error").kind(), kind);
}

pub(super) fn is_conflict<T>(result: &Result<T>) -> bool {
    result.as_ref().err().map(Error::kind) == Some(ErrorKind::Conflict)
}

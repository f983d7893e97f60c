//! Taking a change to every tenant, and there to everybody whom it concerns.

use std::time::Duration;

use bailee_core::{ErrorKind, Id, Result, SubjectId, TenantId, audit::Entry};
use bailee_registry::{Standing, versions::Way};
use bailee_store::{Due, Expect, Key, Lease, Op, Query, Record};
use bailee_vault::{Draft, Holder, kind as vault_kind};

use super::{
    Notices,
    announcement::{Change, IS, WAS},
    body::{SCHEMA, SpreadBody, decode},
    desk::MAX_TRIES,
    kind,
};

/// How many tenants one step takes a change to.
const TENANTS: u32 = 50;
/// How many people one step tells. A choice of one of them makes the step begin again, so it is short.
const PEOPLE: u32 = 50;

impl Notices {
    /// Due in the system's tenant: take the change to the next tenants.
    pub(super) async fn carry_due(&self, lease: &Lease) -> Result<()> {
        let vault = self.vault();
        let id = lease.task.id;
        let entry =
            Entry::new("announcement.carried", vault.clock().now()).with("announcement", id);
        let Some((view, mut body)) = self.read_announcement(id).await? else {
            return self.finish(lease, Due::Never, entry.with("count", 0_i64)).await;
        };
        if body.done {
            return self.finish(lease, Due::Never, entry.with("count", 0_i64)).await;
        }
        // A tenant's entry goes by the hash of its name alone, so the id is the whole of its place.
        let after = body.after.map(|id| Key::new(vault_kind::TENANT, id));
        let (tenants, next) = vault.tenants(after.as_ref(), TENANTS).await?;
        let mut reached = 0;
        for tenant in &tenants {
            match self.plant(tenant, id).await {
                Ok(()) => reached += 1,
                // Its keys were destroyed: there is nobody in it.
                Err(error) if error.kind() == ErrorKind::Shredded => {}
                Err(error) => return Err(error),
            }
        }
        body.tenants += reached;
        body.done = next.is_none();
        body.after = next.map(|key| key.id);
        let draft = Draft::new(Key::new(kind::ANNOUNCEMENT, id), Holder::Tenant)
            .json(SCHEMA, &body)?
            .keep(WAS)
            .keep(IS);
        let due = if body.done { Due::Never } else { Due::After(Duration::ZERO) };
        let batch = vault
            .batch()?
            .op(vault.put(&TenantId::SYSTEM, draft, view.record(0)).await?)
            .finish(lease.task.clone(), lease.fence, due)
            .audit(entry.with("count", i64::try_from(reached).unwrap_or(i64::MAX)));
        vault.commit(&TenantId::SYSTEM, batch).await.map(|_| ())
    }

    /// Plans the spreading of a change in a tenant, once.
    async fn plant(&self, tenant: &TenantId, announcement: Id) -> Result<()> {
        let vault = self.vault();
        let key = Key::new(kind::SPREAD, announcement);
        let asked = std::slice::from_ref(&key);
        if vault.store().read(tenant, asked).await?.records.iter().any(Option::is_some) {
            return Ok(());
        }
        let draft = Draft::new(key, Holder::Tenant).json(SCHEMA, &SpreadBody::default())?;
        let batch = vault
            .batch()?
            .op(vault.put(tenant, draft, None).await?)
            .schedule(Key::new(kind::SPREADING, announcement), None, Due::After(Duration::ZERO))
            .audit(
                Entry::new("announcement.reached", vault.clock().now())
                    .with("announcement", announcement),
            );
        match vault.commit(tenant, batch).await {
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
            done => done.map(|_| ()),
        }
    }

    /// Due in a tenant: tell the next people.
    pub(super) async fn spread_due(&self, lease: &Lease) -> Result<()> {
        let change = self.change(lease.task.id).await?;
        for _ in 0..MAX_TRIES {
            match self.tell_page(lease, &change).await {
                // One of them chose something, or was erased, meanwhile. Or the claim is over, which
                // the next turn finds as well.
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => return done,
            }
        }
        Err(ErrorKind::Conflict.into())
    }

    async fn tell_page(&self, lease: &Lease, change: &Change) -> Result<()> {
        let (vault, tenant) = (self.vault(), &lease.tenant);
        let now = vault.clock().now();
        let entry = Entry::new("announcement.spread", now).with("announcement", change.id);
        let place = Key::new(kind::SPREAD, change.id);
        let view = vault.read(tenant, Holder::Tenant, std::slice::from_ref(&place)).await?;
        let Some(facts) = view.facts(0)? else {
            return self.finish(lease, Due::Never, entry.with("count", 0_i64)).await;
        };
        let mut spread: SpreadBody = decode(&facts)?;
        if spread.done {
            return self.finish(lease, Due::Never, entry.with("count", 0_i64)).await;
        }
        let mut query =
            Query::of_kind(vault_kind::SUBJECT).facet(vault_kind::SUBJECT_LIVE).limit(PEOPLE);
        if let Some(after) = spread.after {
            query = query.after(Key::new(vault_kind::SUBJECT, after));
        }
        let page = vault.store().find(tenant, &query).await?;
        let known = self.known_notices(tenant, change.id, &page.records).await?;
        let mut batch = vault.batch()?;
        let mut told = 0;
        for (record, known) in page.records.iter().zip(known) {
            let subject = SubjectId::from_id(record.key.id);
            // Whatever is found of them, they are still who they were when it is written.
            let expect = Expect::Version(record.version);
            batch = batch.op(Op::Check { key: record.key.clone(), expect });
            let way = match self.tells(tenant, change, record).await {
                Ok(Some(way)) => way,
                Ok(None) => {
                    spread.others += 1;
                    continue;
                }
                // Erased since the page was read: the page is read again.
                Err(error) if is_gone(error.kind()) => return Err(ErrorKind::Conflict.into()),
                // It says nothing of the others. That somebody may not be told is counted and seen.
                Err(error) if is_unreadable(error.kind()) => {
                    spread.unreadable += 1;
                    continue;
                }
                Err(error) => return Err(error),
            };
            told += 1;
            if known {
                continue;
            }
            let notice = notice_id(change.id, subject);
            let body = change.notice(way, now);
            let put = match self.put_notice(tenant, subject, notice, &body, None).await {
                Ok(put) => put,
                Err(error) if is_gone(error.kind()) => return Err(ErrorKind::Conflict.into()),
                Err(error) => return Err(error),
            };
            batch = batch.op(put).audit(
                Entry::new("notice.queued", now)
                    .about(subject)
                    .with("notice", notice)
                    .with("version", body.version),
            );
            if way == Way::ByMessage {
                let task = Key::new(kind::SENDING, notice);
                batch = batch.schedule(task, Some(subject), Due::After(Duration::ZERO));
            }
        }
        spread.told += told;
        spread.done = page.next.is_none();
        spread.after = page.next.map(|key| key.id);
        let due = if spread.done { Due::Never } else { Due::After(Duration::ZERO) };
        let draft = Draft::new(place, Holder::Tenant).json(SCHEMA, &spread)?;
        batch = batch
            .op(vault.put(tenant, draft, view.record(0)).await?)
            .finish(lease.task.clone(), lease.fence, due)
            .audit(entry.with("count", i64::try_from(told).unwrap_or(i64::MAX)));
        vault.commit(tenant, batch).await.map(|_| ())
    }

    /// Which of these people have their notice of the change already. None does, as people and place
    /// are written together; but a place that was lost must not stop everything behind it.
    async fn known_notices(
        &self,
        tenant: &TenantId,
        announcement: Id,
        people: &[Record],
    ) -> Result<Vec<bool>> {
        let of = |record: &Record| {
            let subject = SubjectId::from_id(record.key.id);
            Key::new(kind::NOTICE, notice_id(announcement, subject))
        };
        let keys: Vec<Key> = people.iter().map(of).collect();
        let snapshot = self.vault().store().read(tenant, &keys).await?;
        Ok(snapshot.records.iter().map(Option::is_some).collect())
    }

    async fn tells(
        &self,
        tenant: &TenantId,
        change: &Change,
        record: &Record,
    ) -> Result<Option<Way>> {
        let holder = Holder::Subject(SubjectId::from_id(record.key.id));
        let facts = self.vault().open(tenant, holder, record).await?.facts()?;
        Ok(change.diff.tells(&Standing::read(&facts)?))
    }
}

/// The id of what a person is told of a change. It comes of both, so that nobody is told twice.
pub(super) fn notice_id(announcement: Id, subject: SubjectId) -> Id {
    Id::derive(&[b"notice", announcement.as_bytes(), subject.id().as_bytes()])
}

/// Whether there is nobody any more whose record it was.
pub(crate) fn is_gone(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::Shredded)
}

/// Whether it is the fault of one record alone.
fn is_unreadable(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::KeyMissing | ErrorKind::Unopenable | ErrorKind::UnknownSchema)
}

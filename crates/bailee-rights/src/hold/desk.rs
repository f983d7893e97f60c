//! The desk at which holds are placed, looked at again and lifted.

use std::{fmt, sync::Arc, time::Duration};

use bailee_core::{Actor, ErrorKind, Id, Result, SubjectId, TenantId, Timestamp, audit::Entry};
use bailee_registry::Declaration;
use bailee_store::{BatchBuilder, Due, Expect, Facet, Key, Kind, Op, Query, Record};
use bailee_vault::{Draft, Holder, Vault, View};

use super::{
    Covers, Ended, Hold, Placing,
    body::{HoldBody, SCHEMA, decode},
    kind,
    legal::check_until,
};

/// Places, renews and ends holds. Cheap to clone.
#[derive(Clone)]
pub struct Holds(Arc<Inner>);

struct Inner {
    vault: Vault,
    declaration: Declaration,
    warning: Duration,
}

impl Holds {
    /// A desk over a vault. A hold names sets of this declaration.
    pub fn new(vault: Vault, declaration: Declaration) -> Self {
        Self(Arc::new(Inner { vault, declaration, warning: WARNING }))
    }

    /// Says how long before its end a reviewer is to look at a hold again. The default is thirty
    /// days; of a short hold it is never more than its second half.
    #[must_use]
    pub fn warns_before(self, warning: Duration) -> Self {
        let Inner { vault, declaration, .. } = &*self.0;
        Self(Arc::new(Inner { vault: vault.clone(), declaration: declaration.clone(), warning }))
    }

    /// The kinds of work that [`do_due`](Self::do_due) does.
    pub fn tasks() -> [Kind; 1] {
        [kind::HOLD]
    }

    /// Places a hold on a person's data: an operator's act. It keeps what is left from now on, also
    /// in an erasure that is under way.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for a reason that holds no erasure, a set that is not declared, an
    /// end that is past or more than ten years away, and words that are too long or hold an address;
    /// [`ErrorKind::NotFound`] and [`ErrorKind::Shredded`] where there is nobody; what the store and
    /// the vault say.
    pub async fn place(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        placing: &Placing,
    ) -> Result<Hold> {
        let vault = self.vault();
        for _ in 0..MAX_TRIES {
            let now = vault.clock().now();
            placing.check(&self.0.declaration, now)?;
            let view = vault.read(tenant, Holder::Subject(subject), &[]).await?;
            let sets = match &placing.covers {
                Covers::All => None,
                Covers::Sets(sets) => Some(sets.clone()),
            };
            let body = HoldBody {
                subject,
                sets,
                reason: placing.reason,
                sentence: placing.sentence.clone(),
                reference: placing.reference.clone(),
                placed_at: now,
                reviewer: placing.reviewer,
                reviewed_at: now,
                until: placing.until,
                warned: false,
                ended: None,
                waiting: Default::default(),
            };
            let id = Id::generate(&**vault.random())?;
            let entry = Entry::new("rights.hold_placed", now)
                .about(subject)
                .by(&Actor::Operator { operator: placing.reviewer });
            let batch = self.told(vault.batch()?, entry, id, &body).op(view.fence()?);
            let batch = batch.op(self.put(tenant, id, &body, None).await?).schedule(
                work(id),
                Some(subject),
                Due::At(self.warns_at(&body)),
            );
            match vault.commit(tenant, batch).await {
                // Something of the person was written meanwhile. They may have been erased.
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => return done.map(|_| Hold::of(id, body)),
            }
        }
        Err(ErrorKind::Conflict.into())
    }

    /// Lets a hold go on after a reviewer looked at it again, for at most ten years from now. Its
    /// end may also come earlier.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] for a hold that is over or was never placed; [`ErrorKind::InvalidInput`]
    /// for an end that is past or too far; what the store and the vault say.
    pub async fn renew(
        &self,
        tenant: &TenantId,
        hold: Id,
        reviewer: Id,
        until: Timestamp,
    ) -> Result<Hold> {
        self.change(tenant, hold, |body, now| {
            check_until(until, now)?;
            body.reviewer = reviewer;
            body.reviewed_at = now;
            body.until = until;
            body.warned = false;
            Ok("rights.hold_renewed")
        })
        .await
    }

    /// Ends a hold before its time: an operator's act. The requests that wait for it go on.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] for a hold that is over or was never placed; what the store and the
    /// vault say.
    pub async fn lift(&self, tenant: &TenantId, hold: Id, reviewer: Id) -> Result<Hold> {
        self.change(tenant, hold, |body, now| {
            body.reviewer = reviewer;
            body.reviewed_at = now;
            body.ended = Some((now, Ended::Lifted));
            Ok("rights.hold_ended")
        })
        .await
    }

    /// Every hold on a person's data, in the order of their ids, those included that ended within the
    /// last three years. It answers also for somebody who was erased.
    ///
    /// # Errors
    ///
    /// What the store and the vault say.
    pub async fn of_subject(&self, tenant: &TenantId, subject: SubjectId) -> Result<Vec<Hold>> {
        self.found(tenant, Query::of_kind(kind::HOLD).subject(subject)).await
    }

    /// The holds that keep a set of a person's data at a time.
    ///
    /// # Errors
    ///
    /// What the store and the vault say: then nobody knows, and nothing may be erased.
    pub async fn covering(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        set: &str,
        now: Timestamp,
    ) -> Result<Vec<Hold>> {
        let mut holds = self.of_subject(tenant, subject).await?;
        holds.retain(|hold| hold.keeps(set, now));
        Ok(holds)
    }

    /// Every hold that stands in a tenant, whosever data it keeps. Those that end soon say so
    /// ([`Hold::due`]).
    ///
    /// # Errors
    ///
    /// What the store and the vault say.
    pub async fn standing(&self, tenant: &TenantId) -> Result<Vec<Hold>> {
        let now = self.vault().clock().now();
        let mut holds = Vec::new();
        for facet in [kind::STANDS, kind::DUE] {
            holds.extend(self.found(tenant, Query::of_kind(kind::HOLD).facet(facet)).await?);
        }
        holds.retain(|hold| hold.stands(now));
        Ok(holds)
    }

    /// Makes a request wait for a hold: the operations for the commit that makes it wait. `None` where
    /// the hold is over, so that there is nothing to wait for.
    ///
    /// A hold that ends or changes before that commit makes it a conflict. When the hold ends, the
    /// work `rights.part` of the request is due in the tenant.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] for a hold that was never placed; [`ErrorKind::TooLarge`] where too many
    /// wait already; what the store and the vault say.
    pub async fn wait_for(
        &self,
        tenant: &TenantId,
        hold: Id,
        request: Id,
    ) -> Result<Option<Vec<Op>>> {
        let (view, mut body) = self.read(tenant, hold).await?.ok_or(ErrorKind::NotFound)?;
        if body.ended.is_some() {
            return Ok(None);
        }
        let record = view.record(0).ok_or(ErrorKind::NotFound)?;
        if !body.waiting.insert(request) {
            let expect = Expect::Version(record.version);
            return Ok(Some(vec![Op::Check { key: record.key.clone(), expect }]));
        }
        if body.waiting.len() > MAX_WAITING {
            return Err(ErrorKind::TooLarge.into());
        }
        Ok(Some(vec![self.put(tenant, hold, &body, Some(record)).await?]))
    }

    /// Changes a hold that is not over.
    async fn change(
        &self,
        tenant: &TenantId,
        hold: Id,
        change: impl Fn(&mut HoldBody, Timestamp) -> Result<&'static str>,
    ) -> Result<Hold> {
        let vault = self.vault();
        for _ in 0..MAX_TRIES {
            let (view, mut body) = self.read(tenant, hold).await?.ok_or(ErrorKind::NotFound)?;
            let now = vault.clock().now();
            if body.ended.is_some() {
                return Err(ErrorKind::NotFound.into());
            }
            let event = change(&mut body, now)?;
            let entry = Entry::new(event, now)
                .about(body.subject)
                .by(&Actor::Operator { operator: body.reviewer });
            let due = match body.ended {
                Some(_) => Due::Never,
                None => Due::At(self.warns_at(&body)),
            };
            let batch = self.told(vault.batch()?, entry, hold, &body);
            let batch = batch.op(self.put(tenant, hold, &body, view.record(0)).await?).schedule(
                work(hold),
                Some(body.subject),
                due,
            );
            match vault.commit(tenant, go_on(batch, &body)).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => return done.map(|_| Hold::of(hold, body)),
            }
        }
        Err(ErrorKind::Conflict.into())
    }

    /// Adds the entry of what was done to a hold.
    pub(super) fn told(
        &self,
        batch: BatchBuilder,
        entry: Entry,
        hold: Id,
        body: &HoldBody,
    ) -> BatchBuilder {
        batch.audit(
            entry
                .with("hold", hold)
                .with_some("outcome", body.ended.map(|(_, ended)| ended.as_str()))
                .with("reason", body.reason.as_str())
                .with("until", body.until),
        )
    }

    pub(super) async fn read(
        &self,
        tenant: &TenantId,
        hold: Id,
    ) -> Result<Option<(View, HoldBody)>> {
        let view = self.vault().read(tenant, Holder::Tenant, &[work(hold)]).await?;
        let body = view.facts(0)?.map(|facts| decode(&facts)).transpose()?;
        Ok(body.map(|body| (view, body)))
    }

    pub(super) async fn put(
        &self,
        tenant: &TenantId,
        hold: Id,
        body: &HoldBody,
        replaces: Option<&Record>,
    ) -> Result<Op> {
        let facet: Facet = body.facet();
        let draft = Draft::new(work(hold), Holder::Tenant)
            .about(body.subject)
            .facet(facet)
            .expires(body.ended.map(|(at, _)| at.plus(EVIDENCE)))
            .json(SCHEMA, body)?;
        self.vault().put(tenant, draft, replaces).await
    }

    async fn found(&self, tenant: &TenantId, query: Query) -> Result<Vec<Hold>> {
        let vault = self.vault();
        let mut query = query.limit(1000);
        let mut holds = Vec::new();
        loop {
            let page = vault.store().find(tenant, &query).await?;
            for record in &page.records {
                let facts = vault.open(tenant, Holder::Tenant, record).await?.facts()?;
                holds.push(Hold::of(record.key.id, decode(&facts)?));
            }
            match page.next {
                Some(next) => query = query.after(next),
                None => return Ok(holds),
            }
        }
    }

    /// When a reviewer is to look at it again.
    pub(super) fn warns_at(&self, body: &HoldBody) -> Timestamp {
        let half = body.until.since(body.reviewed_at) / 2;
        body.until.minus(self.0.warning.min(half))
    }

    pub(super) fn vault(&self) -> &Vault {
        &self.0.vault
    }
}

impl fmt::Debug for Holds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Holds").field("warning", &self.0.warning).finish_non_exhaustive()
    }
}

/// The record of a hold and the work that ends it have one key.
pub(super) fn work(hold: Id) -> Key {
    Key::new(kind::HOLD, hold)
}

/// Lets the requests go on that waited for a hold which is over now.
pub(super) fn go_on(mut batch: BatchBuilder, body: &HoldBody) -> BatchBuilder {
    if body.ended.is_some() {
        for request in &body.waiting {
            let task = Key::new(kind::PART, *request);
            batch = batch.schedule(task, Some(body.subject), Due::After(Duration::ZERO));
        }
    }
    batch
}

/// How long before its end a hold is looked at again.
const WARNING: Duration = Duration::from_secs(30 * 86_400);

/// How often a write is tried again after somebody else wrote the same record.
const MAX_TRIES: u32 = 8;

/// How long it can be shown that there was a hold, after its end.
const EVIDENCE: Duration = Duration::from_secs(3 * 366 * 86_400);

/// How many requests may wait for one hold.
const MAX_WAITING: usize = 64;

//! One step in a tenant: look at the tables, begin to erase what is too old in one, or go on with it.

use std::{collections::BTreeMap, time::Duration};

use bailee_core::{ErrorKind, HostId, Id, Result, TenantId, Timestamp, audit::Entry};
use bailee_store::{BatchBuilder, Due, Facet, Key, Lease, Record};
use bailee_vault::{Draft, Holder, View};

use super::{
    Retention, TimedTable,
    body::{LookBody, SCHEMA, SweepBody, decode},
    kind,
    state::place,
};

/// When what failed is looked at again.
const AGAIN: Duration = Duration::from_secs(3600);

impl Retention {
    /// Due in a tenant: the next step. Each is one commit under the claim.
    pub(super) async fn sweep_due(&self, lease: &Lease) -> Result<()> {
        let tenant = &lease.tenant;
        let (view, former) = match self.look(tenant).await {
            // The tenant's keys were destroyed: there is nothing to look at.
            Err(error) if error.kind() == ErrorKind::Shredded => {
                let entry = Entry::new("rights.retention_begun", self.vault().clock().now());
                let batch = self.vault().batch()?.audit(entry);
                let batch = batch.finish(lease.task.clone(), lease.fence, Due::Never);
                return self.vault().commit(tenant, batch).await.map(|_| ());
            }
            found => found?,
        };
        // A clock of this process that is ahead of the store's would erase what is not too old.
        let now = self.vault().clock().now().min(lease.now);
        let look = match former {
            Some(former) if former.ended.is_none() => former,
            former => LookBody::begin(now, former.as_ref()),
        };
        let rules = self.rules(tenant).await?;
        match look.sweep {
            Some(sweep) => self.go_on(lease, &view, look, sweep, &rules.tables, now).await,
            None => self.next_table(lease, &view, look, rules.tables, now).await,
        }
    }

    /// Looks at the tables in turn until one has something too old; that is written down before anything
    /// is done to it.
    async fn next_table(
        &self,
        lease: &Lease,
        view: &View,
        mut look: LookBody,
        mut tables: Vec<TimedTable>,
        now: Timestamp,
    ) -> Result<()> {
        let tenant = &lease.tenant;
        tables.sort_by(|a, b| (&a.source, &a.table).cmp(&(&b.source, &b.table)));
        // What is not declared any more, or has no source, fails no longer.
        look.failing.retain(|failure| {
            let is = |t: &TimedTable| t.source == failure.source && t.table == failure.table;
            tables.iter().any(is)
        });
        for timed in tables {
            let name = (timed.source.clone(), timed.table.clone());
            if look.after.as_ref().is_some_and(|after| name <= *after) {
                continue;
            }
            let Some(source) = self.sources().source(&timed.source) else { continue };
            let before = timed.cut_off(look.began);
            look.after = Some(name);
            let Some(except) = readable(self.left_out(tenant, source.facts()).await)? else {
                look.fails(&timed.source, &timed.table, now);
                continue;
            };
            let found = match source.count_older(tenant, &timed.table, before, &except).await {
                Ok(0) => {
                    look.is_well(&timed.source, &timed.table);
                    continue;
                }
                Ok(found) => found,
                Err(_) => {
                    look.fails(&timed.source, &timed.table, now);
                    continue;
                }
            };
            let sweep = sweep_id(&look, &timed);
            look.sweep = Some(sweep);
            let body = SweepBody {
                source: timed.source,
                table: timed.table,
                data_set: timed.data_set,
                before,
                began: now,
                found,
                changed: BTreeMap::new(),
                left_out: except.len() as u64,
                interrupted: false,
                ended: None,
                left: None,
            };
            let entry = told("rights.sweep_begun", now, sweep, found).with("before", before);
            let batch = self.vault().batch()?.audit(entry);
            let batch = self.put_sweep(tenant, batch, sweep, &body, kind::UNDER_WAY, None).await?;
            return self.leave(lease, view, &look, batch, Due::After(Duration::ZERO)).await;
        }
        look.ended = Some(now);
        let failing = i64::try_from(look.failing.len()).unwrap_or(i64::MAX);
        let due = if failing > 0 { AGAIN.min(self.every()) } else { self.every() };
        if failing == 0 {
            look.whole = Some(now);
        }
        let entry = Entry::new("rights.retention_looked", now)
            .with("rows", i64::try_from(look.rows).unwrap_or(i64::MAX))
            .with("failing", failing);
        let batch = self.vault().batch()?.audit(entry);
        self.leave(lease, view, &look, batch, Due::After(due)).await
    }

    /// Does the next step of what is under way.
    async fn go_on(
        &self,
        lease: &Lease,
        view: &View,
        mut look: LookBody,
        sweep: Id,
        tables: &[TimedTable],
        now: Timestamp,
    ) -> Result<()> {
        let tenant = &lease.tenant;
        let key = Key::new(kind::SWEEP, sweep);
        let found = self.vault().read(tenant, Holder::Tenant, &[key]).await?;
        let body = found.facts(0)?.map(|facts| decode(&facts)).transpose()?;
        let batch = self.vault().batch()?;
        let Some(mut body): Option<SweepBody> = body else {
            // Its evidence is gone; the next look finds what is left.
            look.sweep = None;
            let batch = batch.audit(told("rights.sweep_failed", now, sweep, 0));
            return self.leave(lease, view, &look, batch, Due::After(Duration::ZERO)).await;
        };
        // Whoever held it before may have done a step that nobody noted.
        body.interrupted |= lease.tries > 1;
        let rows = body.changed.values().sum::<u64>();
        let done = self.erase(tenant, &look, &mut body, tables).await?;
        let changed = body.changed.values().sum::<u64>().saturating_sub(rows);
        look.rows = look.rows.saturating_add(changed);
        let (event, facet) = match done {
            Done::More => ("rights.swept", kind::UNDER_WAY),
            Done::End { left } => {
                body.ended = Some(now);
                body.left = left;
                look.sweep = None;
                match left {
                    Some(0) => {
                        look.is_well(&body.source, &body.table);
                        ("rights.swept", kind::DONE)
                    }
                    _ => {
                        look.fails(&body.source, &body.table, now);
                        ("rights.sweep_failed", kind::FAILED)
                    }
                }
            }
        };
        let batch = batch.audit(told(event, now, sweep, changed));
        let batch = self.put_sweep(tenant, batch, sweep, &body, facet, found.record(0)).await?;
        self.leave(lease, view, &look, batch, Due::After(Duration::ZERO)).await
    }

    /// Has the source do a step, if the table still has a time.
    async fn erase(
        &self,
        tenant: &TenantId,
        look: &LookBody,
        body: &mut SweepBody,
        tables: &[TimedTable],
    ) -> Result<Done> {
        const UNKNOWN: Done = Done::End { left: None };
        let is = |timed: &&TimedTable| timed.source == body.source && timed.table == body.table;
        // Another declaration may keep it longer by now. It is never swept further than before.
        let Some(timed) = tables.iter().find(is) else { return Ok(UNKNOWN) };
        body.before = body.before.min(timed.cut_off(look.began));
        let Some(source) = self.sources().source(&body.source) else { return Ok(UNKNOWN) };
        let Some(except) = readable(self.left_out(tenant, source.facts()).await)? else {
            return Ok(UNKNOWN);
        };
        body.left_out = body.left_out.max(except.len() as u64);
        let (table, before) = (&body.table, body.before);
        let Ok(step) = source.erase_older(tenant, table, before, &except).await else {
            return Ok(UNKNOWN);
        };
        for touched in &step.touched {
            let rows = body.changed.entry(touched.table.clone()).or_default();
            *rows = rows.saturating_add(touched.rows);
        }
        if step.more && step.rows() > 0 {
            return Ok(Done::More);
        }
        // It says that there is no more, or does nothing. It is asked, and not believed.
        let left = source.count_older(tenant, table, before, &except).await;
        Ok(Done::End { left: left.ok() })
    }

    async fn put_sweep(
        &self,
        tenant: &TenantId,
        batch: BatchBuilder,
        sweep: Id,
        body: &SweepBody,
        facet: Facet,
        replaces: Option<&Record>,
    ) -> Result<BatchBuilder> {
        let draft = Draft::new(Key::new(kind::SWEEP, sweep), Holder::Tenant)
            .facet(facet)
            .expires(body.began.plus(self.evidence()))
            .json(SCHEMA, body)?;
        Ok(batch.op(self.vault().put(tenant, draft, replaces).await?))
    }

    /// Ends a step.
    async fn leave(
        &self,
        lease: &Lease,
        view: &View,
        look: &LookBody,
        batch: BatchBuilder,
        due: Due,
    ) -> Result<()> {
        let (vault, tenant) = (self.vault(), &lease.tenant);
        let draft = Draft::new(place(), Holder::Tenant).json(SCHEMA, look)?;
        let batch = batch.op(vault.put(tenant, draft, view.record(0)).await?).finish(
            lease.task.clone(),
            lease.fence,
            due,
        );
        vault.commit(tenant, batch).await.map(|_| ())
    }
}

/// What came of a step.
enum Done {
    /// It is over, with so many rows left that are too old; `None` where nobody knows.
    End { left: Option<u64> },
    /// There may be more to do.
    More,
}

/// Whose rows stay; `None` where somebody's record cannot be read, who may be one of them.
fn readable(people: Result<Vec<HostId>>) -> Result<Option<Vec<HostId>>> {
    match people {
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::KeyMissing | ErrorKind::Unopenable | ErrorKind::UnknownSchema
            ) =>
        {
            Ok(None)
        }
        people => people.map(Some),
    }
}

/// The sweep of a table in one look has one id, whoever begins it.
fn sweep_id(look: &LookBody, timed: &TimedTable) -> Id {
    let began = look.began.as_micros().to_be_bytes();
    Id::derive(&[b"sweep", &began, timed.source.as_bytes(), timed.table.as_bytes()])
}

fn told(event: &'static str, at: Timestamp, sweep: Id, rows: u64) -> Entry {
    let rows = i64::try_from(rows).unwrap_or(i64::MAX);
    Entry::new(event, at).with("sweep", sweep).with("rows", rows)
}

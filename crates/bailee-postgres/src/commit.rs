//! Committing a batch: two round trips, one for everything and one for COMMIT.
//!
//! The audit rows go in first. Where one of them is there already, this batch was committed
//! before; where another connection is just committing the same batch, the insertion waits for it.
//! Then come the operations in the order of their keys, records before work before the control
//! row, so that two commits never wait for each other in a circle. Nothing is looked at before all
//! answers are there; then the row counts say whether everything was as expected.

use tokio_postgres::types::Type;

use bailee_core::{Error, ErrorKind, Result, SubjectId, TenantId, Timestamp};
use bailee_store::{Batch, Committed, Conflict, Due, Expect, Fence, Key, Op, Record, Version};

use crate::{
    PostgresStore,
    failure::Failure,
    statement::{Answer, Statement},
    store::enter,
    value::{Time, Uuid},
};

impl PostgresStore {
    pub(crate) async fn commit_batch(&self, tenant: &TenantId, batch: &Batch) -> Result<Committed> {
        batch.check_for(tenant)?;
        let mut steps = Steps { tenant, now: self.now(), all: Vec::new() };
        steps.add(enter(tenant), Wanted::Anything);
        steps.add(audit(tenant, batch), Wanted::New(batch.audit().len() as u64));
        let mut ops: Vec<&Op> = batch.ops().iter().collect();
        ops.sort_by_key(|op| place(op));
        for op in ops {
            steps.operation(op);
        }
        let (statements, wanted): (Vec<_>, Vec<_>) = steps.all.into_iter().unzip();

        let mut session = self.pool.session().await?;
        let answers = session.begin(statements).await?;
        match judge(&wanted, answers) {
            Ok(Committed::Applied) => {}
            other => {
                session.roll_back().await;
                return other;
            }
        }
        match session.commit().await {
            Ok(()) => Ok(Committed::Applied),
            Err(failure) if failure.undid_the_commit() => Err(failure.into()),
            Err(failure) => Err(Error::new(ErrorKind::Ambiguous).with_source(failure)),
        }
    }
}

/// What has to come back from a statement.
enum Wanted<'a> {
    /// Whatever it is.
    Anything,
    /// So many rows, or the batch was applied before.
    New(u64),
    /// One row, or this key is in conflict.
    One(&'a Key),
    /// One row, or the control row is in conflict.
    OneControl,
}

fn judge(wanted: &[Wanted<'_>], answers: Vec<Result<Answer, Failure>>) -> Result<Committed> {
    for (wanted, answer) in wanted.iter().zip(answers) {
        let count = answer?.count;
        match wanted {
            Wanted::Anything => {}
            Wanted::New(rows) if count != *rows => return Ok(Committed::AlreadyApplied),
            Wanted::One(key) if count != 1 => return Err(Conflict::at((*key).clone()).into()),
            Wanted::OneControl if count != 1 => return Err(Conflict::at_control().into()),
            Wanted::New(_) | Wanted::One(_) | Wanted::OneControl => {}
        }
    }
    Ok(Committed::Applied)
}

/// Where an operation stands in the order in which locks are taken.
fn place(op: &Op) -> (u8, Option<&Key>) {
    match op {
        Op::Check { key, .. } | Op::Delete { key, .. } => (0, Some(key)),
        Op::Put { record, .. } => (0, Some(&record.key)),
        Op::Finish { task, .. } | Op::Schedule { task, .. } => (1, Some(task)),
        Op::Control { .. } => (2, None),
    }
}

fn audit<'a>(tenant: &'a TenantId, batch: &'a Batch) -> Statement<'a> {
    let entries = batch.audit();
    let id = batch.id().id();
    let numbers: Vec<i16> = (0..).take(entries.len()).collect();
    let hashes: Vec<Vec<u8>> =
        (0..).zip(entries).map(|(n, entry)| entry.hash(tenant, id, n).to_vec()).collect();
    let times: Vec<Time> = entries.iter().map(|entry| Time(entry.at())).collect();
    let subjects: Vec<Option<Uuid>> =
        entries.iter().map(|entry| entry.subject().map(|subject| Uuid(subject.id()))).collect();
    let payloads: Vec<Vec<u8>> = entries.iter().map(|entry| entry.payload()).collect();
    Statement::new(
        "INSERT INTO bailee.audit (tenant, batch, n, at, event, subject, payload, hash)
         SELECT $1, $2, e.n, e.at, e.event, e.subject, e.payload, e.hash
         FROM unnest($3, $4, $5, $6, $7, $8) AS e(n, at, event, subject, payload, hash)
         ON CONFLICT DO NOTHING",
    )
    .text(tenant.as_str())
    .id(id)
    .with(numbers, Type::INT2_ARRAY)
    .with(times, Type::TIMESTAMPTZ_ARRAY)
    .texts(entries.iter().map(|entry| entry.event()).collect())
    .with(subjects, Type::UUID_ARRAY)
    .with(payloads, Type::BYTEA_ARRAY)
    .with(hashes, Type::BYTEA_ARRAY)
}

/// The statements of a commit, in their order.
struct Steps<'a> {
    tenant: &'a TenantId,
    now: Option<Timestamp>,
    all: Vec<(Statement<'a>, Wanted<'a>)>,
}

impl<'a> Steps<'a> {
    fn add(&mut self, statement: Statement<'a>, wanted: Wanted<'a>) {
        self.all.push((statement, wanted));
    }

    fn operation(&mut self, op: &'a Op) {
        match op {
            Op::Check { key, expect: Expect::Absent } => self.check_absent(key),
            Op::Check { key, expect } => self.check(key, version(expect)),
            Op::Control { body, expect } => {
                let statement = Statement::new(
                    "UPDATE bailee.control SET version = $1 + 1, body = $2 WHERE version = $1",
                )
                .number(expect.0)
                .bytes(body.as_bytes());
                self.add(statement, Wanted::OneControl);
            }
            Op::Delete { key, expect } => {
                let statement = self.at(
                    "DELETE FROM bailee.record
                     WHERE tenant = $1 AND kind = $2 AND id = $3
                       AND (expires IS NULL OR expires > coalesce($4, clock_timestamp()))
                       AND ($5 IS NULL OR version = $5)",
                    key,
                );
                let statement = statement.number(version(expect));
                self.add(statement, Wanted::One(key));
            }
            Op::Finish { task, fence, due } => self.finish(task, *fence, *due),
            Op::Put { record, expect: Expect::Version(version), lookups } => {
                self.replace(record, *version);
                if let Some(lookups) = lookups {
                    let statement = Statement::new(
                        "DELETE FROM bailee.lookup
                         WHERE tenant = $1 AND kind = $2 AND id = $3 AND hash <> ALL ($4)",
                    );
                    let statement = self.named(statement, &record.key).ids(lookups.iter().copied());
                    self.add(statement, Wanted::Anything);
                    self.find_under(&record.key, lookups);
                }
            }
            Op::Put { record, lookups, .. } => {
                self.delete_expired(&record.key);
                self.insert(record);
                if let Some(lookups) = lookups {
                    self.find_under(&record.key, lookups);
                }
            }
            Op::Schedule { task, subject, due } => self.schedule(task, *subject, *due),
        }
    }

    /// The lock stands until the end of the transaction, against writers and for other checks.
    fn check(&mut self, key: &'a Key, version: Option<i64>) {
        let statement = self
            .at(
                "SELECT FROM bailee.record
                 WHERE tenant = $1 AND kind = $2 AND id = $3
                   AND (expires IS NULL OR expires > coalesce($4, clock_timestamp()))
                   AND ($5 IS NULL OR version = $5)
                 FOR SHARE",
                key,
            )
            .number(version);
        self.add(statement, Wanted::One(key));
    }

    /// There is no row to lock, so one is made and taken away again: until this transaction ends,
    /// whoever inserts the same key waits for it. An expired row is locked by the update and goes
    /// with the made one.
    fn check_absent(&mut self, key: &'a Key) {
        let statement = self.at(
            "INSERT INTO bailee.record AS r (tenant, kind, id, expires, version, body)
             VALUES ($1, $2, $3, '-infinity', 0, '')
             ON CONFLICT (tenant, kind, id) DO UPDATE SET expires = r.expires
             WHERE r.expires <= coalesce($4, clock_timestamp())",
            key,
        );
        self.add(statement, Wanted::One(key));
        self.delete_expired(key);
    }

    fn delete_expired(&mut self, key: &'a Key) {
        let statement = self.at(
            "DELETE FROM bailee.record
             WHERE tenant = $1 AND kind = $2 AND id = $3
               AND expires <= coalesce($4, clock_timestamp())",
            key,
        );
        self.add(statement, Wanted::Anything);
    }

    fn insert(&mut self, record: &'a Record) {
        let statement = Statement::new(
            "INSERT INTO bailee.record (tenant, kind, id, subject, facet, expires, version, body)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT DO NOTHING",
        );
        let statement = self.columns(statement, record);
        self.add(statement, Wanted::One(&record.key));
    }

    fn replace(&mut self, record: &'a Record, version: Version) {
        let statement = Statement::new(
            "UPDATE bailee.record
             SET subject = $4, facet = $5, expires = $6, version = $7, body = $8
             WHERE tenant = $1 AND kind = $2 AND id = $3 AND version = $9
               AND (expires IS NULL OR expires > coalesce($10, clock_timestamp()))",
        );
        let statement = self.columns(statement, record).number(version.0).time(self.now);
        self.add(statement, Wanted::One(&record.key));
    }

    /// The record may be in conflict: then there is nothing to refer to, and no statement may fail
    /// for that.
    fn find_under(&mut self, key: &'a Key, hashes: &[bailee_core::Id]) {
        let statement = Statement::new(
            "INSERT INTO bailee.lookup (tenant, kind, id, hash)
             SELECT r.tenant, r.kind, r.id, h.hash
             FROM bailee.record r CROSS JOIN unnest($4) AS h(hash)
             WHERE r.tenant = $1 AND r.kind = $2 AND r.id = $3
             ON CONFLICT DO NOTHING",
        );
        let statement = self.named(statement, key).ids(hashes.iter().copied());
        self.add(statement, Wanted::Anything);
    }

    fn schedule(&mut self, task: &'a Key, subject: Option<SubjectId>, due: Due) {
        if due == Due::Never {
            let statement = self.at(
                "DELETE FROM bailee.work
                 WHERE tenant = $1 AND task = $2 AND id = $3
                   AND leased <= coalesce($4, clock_timestamp())",
                task,
            );
            self.add(statement, Wanted::Anything);
            return;
        }
        // A lease that is over lies in the past, and so does its end: it moves nothing.
        let statement = self
            .at(
                "INSERT INTO bailee.work AS w (tenant, task, id, subject, due)
                 VALUES ($1, $2, $3, $7,
                   coalesce($5, coalesce($4, clock_timestamp()) + $6 * interval '1 microsecond'))
                 ON CONFLICT (tenant, task, id) DO UPDATE SET
                   subject = excluded.subject,
                   due = CASE WHEN w.leased > coalesce($4, clock_timestamp())
                     THEN greatest(excluded.due, w.leased) ELSE excluded.due END",
                task,
            )
            .time(at(due))
            .number(after(due))
            .id(subject.map(SubjectId::id));
        self.add(statement, Wanted::One(task));
    }

    fn finish(&mut self, task: &'a Key, fence: Fence, due: Due) {
        let statement = if due == Due::Never {
            self.at(
                "DELETE FROM bailee.work
                 WHERE tenant = $1 AND task = $2 AND id = $3
                   AND leased > coalesce($4, clock_timestamp()) AND fence = $5",
                task,
            )
            .number(fence.0)
        } else {
            self.at(
                "UPDATE bailee.work
                 SET due = coalesce($6,
                       coalesce($4, clock_timestamp()) + $7 * interval '1 microsecond'),
                     leased = '-infinity', tries = 0, since = NULL
                 WHERE tenant = $1 AND task = $2 AND id = $3
                   AND leased > coalesce($4, clock_timestamp()) AND fence = $5",
                task,
            )
            .number(fence.0)
            .time(at(due))
            .number(after(due))
        };
        self.add(statement, Wanted::One(task));
    }

    /// `$1` to `$3` are the row, `$4` is the clock.
    fn at(&self, sql: &'static str, key: &'a Key) -> Statement<'a> {
        self.named(Statement::new(sql), key).time(self.now)
    }

    fn named(&self, statement: Statement<'a>, key: &'a Key) -> Statement<'a> {
        statement.text(self.tenant.as_str()).text(key.kind.as_str()).id(key.id)
    }

    fn columns(&self, statement: Statement<'a>, record: &'a Record) -> Statement<'a> {
        self.named(statement, &record.key)
            .id(record.subject.map(SubjectId::id))
            .small(record.facet.0)
            .time(record.expires)
            .number(record.version.0)
            .bytes(record.body.as_bytes())
    }
}

fn version(expect: &Expect) -> Option<i64> {
    match expect {
        Expect::Version(version) => Some(version.0),
        Expect::Absent | Expect::Present => None,
    }
}

fn at(due: Due) -> Option<Timestamp> {
    match due {
        Due::At(time) => Some(time),
        Due::After(delay) if delay.as_micros() > LONGEST => Some(Timestamp::from_micros(i64::MAX)),
        Due::After(_) | Due::Never => None,
    }
}

fn after(due: Due) -> Option<i64> {
    match due {
        Due::After(delay) => i64::try_from(delay.as_micros().min(LONGEST)).ok(),
        Due::At(_) | Due::Never => None,
    }
}

/// About a thousand years: a longer wait is for ever, before an interval overflows.
const LONGEST: u128 = 1_000 * 366 * 86_400 * 1_000_000;

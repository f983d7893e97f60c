//! `commit`: a batch inside a transaction.

use bailee_core::{BatchId, Id, SubjectId, TenantId, Timestamp};
use bailee_store::{
    Batch, Committed, Conflict, Due, Expect, Fence, Key, Op, Record, Sealed, Version,
};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    fault::Result,
    row::{bytes, subject_bytes},
    writer::{Change, Done},
};

/// A batch on its way to the writer. What can be computed before it holds the lock is.
pub(crate) struct Commit {
    tenant: TenantId,
    batch: BatchId,
    ops: Vec<Op>,
    audit: Vec<AuditRow>,
}

struct AuditRow {
    at: Timestamp,
    event: String,
    subject: Option<SubjectId>,
    payload: Vec<u8>,
    hash: [u8; 32],
}

impl Commit {
    pub(crate) fn new(tenant: &TenantId, batch: &Batch) -> Self {
        let audit = (0..).zip(batch.audit()).map(|(n, entry)| AuditRow {
            at: entry.at(),
            event: entry.event().to_owned(),
            subject: entry.subject(),
            payload: entry.payload(),
            hash: entry.hash(tenant, batch.id().id(), n),
        });
        Self {
            tenant: tenant.clone(),
            batch: batch.id(),
            audit: audit.collect(),
            ops: batch.ops().to_vec(),
        }
    }
}

impl Change for Commit {
    type Output = Committed;

    fn apply(&self, connection: &Connection, now: Timestamp) -> Result<Done<Committed>> {
        let scene = Scene { connection, tenant: self.tenant.as_str(), now };
        // First of all: that they are there already is how a batch is known.
        if !scene.note(self.batch, &self.audit)? {
            return Ok(Done { output: Committed::AlreadyApplied, freed: false });
        }
        let mut freed = false;
        for op in &self.ops {
            match op {
                Op::Check { key, expect } => scene.check(key, *expect)?,
                Op::Control { body, expect } => scene.control(body, *expect)?,
                Op::Delete { key, expect } => {
                    scene.delete(key, *expect)?;
                    freed = true;
                }
                Op::Finish { task, fence, due } => scene.finish(task, *fence, *due)?,
                Op::Put { record, expect, lookups } => {
                    scene.put(record, *expect, lookups.as_deref())?;
                }
                Op::Schedule { task, subject, due } => scene.schedule(task, *subject, *due)?,
            }
        }
        Ok(Done { output: Committed::Applied, freed })
    }
}

struct Scene<'a> {
    connection: &'a Connection,
    tenant: &'a str,
    now: Timestamp,
}

impl Scene<'_> {
    /// Writes the audit rows; `false` when this batch wrote its rows before.
    fn note(&self, batch: BatchId, audit: &[AuditRow]) -> Result<bool> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO bailee_audit (tenant, batch, n, at, event, subject, payload, hash) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
             ON CONFLICT (tenant, batch, n) DO NOTHING",
        )?;
        for (n, entry) in (0_i64..).zip(audit) {
            let written = statement.execute(params![
                self.tenant,
                bytes(&batch.id()),
                n,
                entry.at.as_micros(),
                entry.event,
                subject_bytes(entry.subject),
                entry.payload,
                entry.hash,
            ])?;
            if written == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn check(&self, key: &Key, expect: Expect) -> Result<()> {
        let found: Option<i64> = self
            .connection
            .prepare_cached(
                "SELECT version FROM bailee_record WHERE tenant = ?1 AND kind = ?2 AND id = ?3 \
                 AND (expires IS NULL OR expires > ?4)",
            )?
            .query_row(
                params![self.tenant, key.kind.as_str(), bytes(&key.id), self.now.as_micros()],
                |row| row.get(0),
            )
            .optional()?;
        let so = match expect {
            Expect::Absent => found.is_none(),
            Expect::Present => found.is_some(),
            Expect::Version(Version(version)) => found == Some(version),
        };
        if so { Ok(()) } else { Err(Conflict::at(key.clone()).into()) }
    }

    fn control(&self, body: &Sealed, Version(expect): Version) -> Result<()> {
        let written = self
            .connection
            .prepare_cached(
                "UPDATE bailee_control SET version = version + 1, body = ?1 \
                 WHERE one = 1 AND version = ?2",
            )?
            .execute(params![body.as_bytes(), expect])?;
        if written == 1 { Ok(()) } else { Err(Conflict::at_control().into()) }
    }

    fn delete(&self, key: &Key, expect: Expect) -> Result<()> {
        let version = match expect {
            Expect::Version(Version(version)) => Some(version),
            Expect::Absent | Expect::Present => None,
        };
        let deleted = self
            .connection
            .prepare_cached(
                "DELETE FROM bailee_record WHERE tenant = ?1 AND kind = ?2 AND id = ?3 \
                 AND (expires IS NULL OR expires > ?4) AND (?5 IS NULL OR version = ?5)",
            )?
            .execute(params![
                self.tenant,
                key.kind.as_str(),
                bytes(&key.id),
                self.now.as_micros(),
                version
            ])?;
        if deleted != 1 {
            return Err(Conflict::at(key.clone()).into());
        }
        delete_lookups(self.connection, self.tenant, key.kind.as_str(), bytes(&key.id))
    }

    fn put(&self, record: &Record, expect: Expect, lookups: Option<&[Id]>) -> Result<()> {
        let key = &record.key;
        let written = match expect {
            Expect::Version(version) => self.replace(record, version)?,
            // A batch is not built with a put that expects `Present`.
            Expect::Absent | Expect::Present => self.create(record)?,
        };
        if !written {
            return Err(Conflict::at(key.clone()).into());
        }
        // A new record has the lookups of this put and none that an expired one left.
        if lookups.is_some() || expect == Expect::Absent {
            delete_lookups(self.connection, self.tenant, key.kind.as_str(), bytes(&key.id))?;
        }
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO bailee_lookup (tenant, kind, hash, id) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT DO NOTHING",
        )?;
        for hash in lookups.unwrap_or_default() {
            statement.execute(params![
                self.tenant,
                key.kind.as_str(),
                bytes(hash),
                bytes(&key.id)
            ])?;
        }
        Ok(())
    }

    /// Writes a record where there is none, or an expired one.
    fn create(&self, record: &Record) -> Result<bool> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO bailee_record (tenant, kind, id, subject, facet, expires, version, body) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
             ON CONFLICT (tenant, kind, id) DO UPDATE SET subject = excluded.subject, \
             facet = excluded.facet, expires = excluded.expires, version = excluded.version, \
             body = excluded.body WHERE bailee_record.expires <= ?9",
        )?;
        let written = statement.execute(params![
            self.tenant,
            record.key.kind.as_str(),
            bytes(&record.key.id),
            subject_bytes(record.subject),
            record.facet.0,
            record.expires.map(Timestamp::as_micros),
            record.version.0,
            record.body.as_bytes(),
            self.now.as_micros(),
        ])?;
        Ok(written == 1)
    }

    fn replace(&self, record: &Record, Version(version): Version) -> Result<bool> {
        let mut statement = self.connection.prepare_cached(
            "UPDATE bailee_record SET subject = ?4, facet = ?5, expires = ?6, version = ?7, \
             body = ?8 WHERE tenant = ?1 AND kind = ?2 AND id = ?3 AND version = ?9 \
             AND (expires IS NULL OR expires > ?10)",
        )?;
        let written = statement.execute(params![
            self.tenant,
            record.key.kind.as_str(),
            bytes(&record.key.id),
            subject_bytes(record.subject),
            record.facet.0,
            record.expires.map(Timestamp::as_micros),
            record.version.0,
            record.body.as_bytes(),
            version,
            self.now.as_micros(),
        ])?;
        Ok(written == 1)
    }

    fn schedule(&self, task: &Key, subject: Option<SubjectId>, due: Due) -> Result<()> {
        let now = self.now.as_micros();
        let Some(due) = due.time(self.now) else {
            self.connection
                .prepare_cached(
                    "DELETE FROM bailee_work WHERE tenant = ?1 AND task = ?2 AND id = ?3 \
                     AND (leased IS NULL OR leased <= ?4)",
                )?
                .execute(params![self.tenant, task.kind.as_str(), bytes(&task.id), now])?;
            return Ok(());
        };
        self.connection
            .prepare_cached(
                "INSERT INTO bailee_work (tenant, task, id, subject, due, fence, tries) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0) \
                 ON CONFLICT (tenant, task, id) DO UPDATE SET subject = excluded.subject, \
                 due = CASE WHEN leased > ?7 THEN max(excluded.due, leased) \
                 ELSE excluded.due END",
            )?
            .execute(params![
                self.tenant,
                task.kind.as_str(),
                bytes(&task.id),
                subject_bytes(subject),
                due.as_micros(),
                Fence::first(self.now).0,
                now,
            ])?;
        Ok(())
    }

    fn finish(&self, task: &Key, Fence(fence): Fence, due: Due) -> Result<()> {
        let (kind, now) = (task.kind.as_str(), self.now.as_micros());
        let finished = match due.time(self.now) {
            None => self
                .connection
                .prepare_cached(
                    "DELETE FROM bailee_work WHERE tenant = ?1 AND task = ?2 AND id = ?3 \
                     AND fence = ?4 AND leased > ?5",
                )?
                .execute(params![self.tenant, kind, bytes(&task.id), fence, now])?,
            Some(due) => self
                .connection
                .prepare_cached(
                    "UPDATE bailee_work SET due = ?6, leased = NULL, tries = 0, since = NULL \
                     WHERE tenant = ?1 AND task = ?2 AND id = ?3 AND fence = ?4 AND leased > ?5",
                )?
                .execute(params![
                    self.tenant,
                    kind,
                    bytes(&task.id),
                    fence,
                    now,
                    due.as_micros()
                ])?,
        };
        if finished == 1 { Ok(()) } else { Err(Conflict::at(task.clone()).into()) }
    }
}

/// Deletes the lookups of a record, expired or not.
pub(crate) fn delete_lookups(
    connection: &Connection,
    tenant: &str,
    kind: &str,
    id: &[u8],
) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM bailee_lookup WHERE tenant = ?1 AND kind = ?2 AND id = ?3")?
        .execute(params![tenant, kind, id])?;
    Ok(())
}

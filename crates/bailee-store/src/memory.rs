//! The contract in memory: for tests, and as the shortest statement of what a store does.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bailee_core::{BatchId, Clock, Error, ErrorKind, Id, Result, SubjectId, TenantId, Timestamp};

use crate::{
    Batch, Claim, Committed, Conflict, Control, Count, Due, Expect, Facet, Fence, Head, Key, Kind,
    Leaf, Lease, Log, LoggedEntry, Op, Page, Query, Record, Sealed, Snapshot, Store, Version,
    Window, query::MAX_PAGE, store::MAX_KEYS,
};

/// A [`Store`] that keeps everything in memory behind one mutex and loses it when it is dropped.
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    control: Control,
    records: BTreeMap<(TenantId, Key), Row>,
    /// Tenant, kind, hash, id.
    lookups: BTreeSet<(TenantId, Kind, Id, Id)>,
    work: BTreeMap<(TenantId, Key), Work>,
    /// In the order of their commits.
    log: Vec<LoggedEntry>,
    batches: BTreeSet<(TenantId, BatchId)>,
    head: u64,
}

struct Row {
    record: Record,
    lookups: Vec<Id>,
}

struct Work {
    subject: Option<SubjectId>,
    due: Timestamp,
    leased: Option<Timestamp>,
    fence: Fence,
    tries: u32,
    since: Option<Timestamp>,
}

impl MemoryStore {
    /// An empty store whose clock is the one given.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            state: Mutex::new(State {
                control: Control { version: Version(0), body: Sealed::new(Vec::new()) },
                records: BTreeMap::new(),
                lookups: BTreeSet::new(),
                work: BTreeMap::new(),
                log: Vec::new(),
                batches: BTreeSet::new(),
                head: 0,
            }),
        }
    }

    // The clock is read under the lock, so that what comes later never sees an earlier time than
    // what came before because of the order of two threads.
    fn enter(&self) -> (Timestamp, MutexGuard<'_, State>) {
        // No method leaves the state half changed: each checks first and then changes.
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (self.clock.now(), state)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("clock", &self.clock).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn read(&self, tenant: &TenantId, keys: &[Key]) -> Result<Snapshot> {
        if keys.len() > MAX_KEYS {
            return Err(Error::new(ErrorKind::InvalidInput).with_detail("too many keys in a read"));
        }
        let (now, state) = self.enter();
        let records = keys.iter().map(|key| state.live(tenant, key, now).cloned()).collect();
        Ok(Snapshot { now, control: state.control.clone(), records })
    }

    async fn find(&self, tenant: &TenantId, query: &Query) -> Result<Page> {
        query.check()?;
        let limit = query.limit.clamp(1, MAX_PAGE) as usize;
        let (now, state) = self.enter();
        let mut records: Vec<_> = state
            .keys_of(tenant, query)
            .filter(|key| query.after.as_ref().is_none_or(|after| key > after))
            .filter_map(|key| state.live(tenant, &key, now))
            .filter(|record| query.subject.is_none_or(|subject| record.subject == Some(subject)))
            .filter(|record| query.facet.is_none_or(|facet| record.facet == facet))
            .take(limit + 1)
            .cloned()
            .collect();
        let more = records.len() > limit;
        records.truncate(limit);
        let next = if more { records.last().map(|record| record.key.clone()) } else { None };
        Ok(Page { records, next })
    }

    async fn commit(&self, tenant: &TenantId, batch: &Batch) -> Result<Committed> {
        batch.check_for(tenant)?;
        let (now, mut state) = self.enter();
        if state.batches.contains(&(tenant.clone(), batch.id())) {
            return Ok(Committed::AlreadyApplied);
        }
        // No two operations of a batch name the same key for the same purpose, so each can be
        // checked against the state before all of them.
        for op in batch.ops() {
            state.expect(tenant, op, now)?;
        }
        for op in batch.ops() {
            state.apply(tenant, op, now);
        }
        state.batches.insert((tenant.clone(), batch.id()));
        for (n, entry) in (0_u16..).zip(batch.audit()) {
            state.log.push(LoggedEntry {
                tenant: tenant.clone(),
                batch: batch.id(),
                n,
                entry: entry.clone(),
                hash: entry.hash(tenant, batch.id().id(), n),
                leaf: None,
            });
        }
        Ok(Committed::Applied)
    }

    async fn claim(&self, claim: Claim<'_>) -> Result<Vec<Lease>> {
        claim.check()?;
        let (now, mut state) = self.enter();
        let (chosen, lease) = match claim {
            Claim::One { tenant, task, lease } => {
                let key = (tenant.clone(), task.clone());
                let free = state.work.get(&key).is_some_and(|work| !work.is_held(now));
                (if free { vec![key] } else { Vec::new() }, lease)
            }
            Claim::Due { tasks, lease, limit } => (state.due(tasks, limit, now), lease),
        };
        Ok(chosen.into_iter().filter_map(|key| state.lease(key, lease, now)).collect())
    }

    async fn sweep(&self, limit: u32) -> Result<u64> {
        let (now, mut state) = self.enter();
        let mut over: Vec<_> = state
            .records
            .iter()
            .filter(|(_, row)| !is_live(&row.record, now))
            .map(|(key, row)| (row.record.expires, key.clone()))
            .collect();
        over.sort();
        over.truncate(limit as usize);
        for (_, (tenant, key)) in &over {
            state.remove(tenant, key);
        }
        Ok(over.len() as u64)
    }

    async fn tally(&self, tenant: Option<&TenantId>, kind: &Kind) -> Result<Vec<Count>> {
        let (now, state) = self.enter();
        let mut counts: BTreeMap<Facet, u64> = BTreeMap::new();
        for ((whose, key), row) in &state.records {
            if tenant.is_none_or(|tenant| tenant == whose)
                && key.kind == *kind
                && is_live(&row.record, now)
            {
                *counts.entry(row.record.facet).or_default() += 1;
            }
        }
        Ok(counts.into_iter().map(|(facet, records)| Count { facet, records }).collect())
    }
}

#[async_trait]
impl Log for MemoryStore {
    async fn entries(&self, tenant: &TenantId, window: Window) -> Result<Vec<LoggedEntry>> {
        let (_, state) = self.enter();
        let mut entries: Vec<_> = state
            .log
            .iter()
            .filter(|logged| logged.tenant == *tenant)
            .filter(|logged| (window.from..window.until).contains(&logged.entry.at()))
            .filter(|logged| {
                window.subject.is_none_or(|subject| logged.entry.subject() == Some(subject))
            })
            .filter(|logged| window.after.is_none_or(|after| place(logged) > after))
            .collect();
        entries.sort_by_key(|logged| place(logged));
        entries.truncate(window.limit.clamp(1, MAX_PAGE) as usize);
        Ok(entries.into_iter().cloned().collect())
    }

    async fn open(&self, limit: u32) -> Result<(Head, Vec<Leaf>)> {
        let (_, state) = self.enter();
        let mut open: Vec<_> = state.log.iter().filter(|logged| logged.leaf.is_none()).collect();
        // A stable sort: of one moment, what was committed first comes first.
        open.sort_by_key(|logged| logged.entry.at());
        open.truncate(limit as usize);
        Ok((Head { size: state.head }, open.into_iter().map(leaf_of).collect()))
    }

    async fn numbered(&self, from: u64, limit: u32) -> Result<Vec<(u64, Leaf)>> {
        let (_, state) = self.enter();
        let numbered = state.log.iter().filter_map(|logged| Some((logged.leaf?, logged)));
        let mut numbered: Vec<_> = numbered.filter(|(number, _)| *number >= from).collect();
        numbered.sort_by_key(|(number, _)| *number);
        numbered.truncate(limit as usize);
        Ok(numbered.into_iter().map(|(number, logged)| (number, leaf_of(logged))).collect())
    }

    async fn fold(&self, head: Head, leaves: &[Leaf]) -> Result<Head> {
        let (_, mut state) = self.enter();
        let mut chosen = Vec::with_capacity(leaves.len());
        for leaf in leaves {
            let found = state.log.iter().position(|logged| {
                logged.tenant == leaf.tenant
                    && logged.batch == leaf.batch
                    && logged.n == leaf.n
                    && logged.hash == leaf.hash
                    && logged.leaf.is_none()
            });
            match found {
                Some(index) if !chosen.contains(&index) => chosen.push(index),
                _ => return Err(ErrorKind::Conflict.into()),
            }
        }
        if state.head != head.size {
            return Err(ErrorKind::Conflict.into());
        }
        for (number, index) in (head.size..).zip(chosen) {
            state.log[index].leaf = Some(number);
        }
        state.head += leaves.len() as u64;
        Ok(Head { size: state.head })
    }
}

fn leaf_of(logged: &LoggedEntry) -> Leaf {
    Leaf {
        tenant: logged.tenant.clone(),
        batch: logged.batch,
        n: logged.n,
        at: logged.entry.at(),
        hash: logged.hash,
    }
}

impl State {
    fn remove(&mut self, tenant: &TenantId, key: &Key) {
        if let Some(row) = self.records.remove(&(tenant.clone(), key.clone())) {
            for hash in row.lookups {
                self.lookups.remove(&(tenant.clone(), key.kind.clone(), hash, key.id));
            }
        }
    }

    fn insert(&mut self, tenant: &TenantId, record: &Record, lookups: Vec<Id>) {
        let key = record.key.clone();
        self.remove(tenant, &key);
        for hash in &lookups {
            self.lookups.insert((tenant.clone(), key.kind.clone(), *hash, key.id));
        }
        self.records.insert((tenant.clone(), key), Row { record: record.clone(), lookups });
    }

    fn apply(&mut self, tenant: &TenantId, op: &Op, now: Timestamp) {
        match op {
            Op::Check { .. } => {}
            Op::Control { body, expect } => {
                self.control = Control { version: expect.next(), body: body.clone() };
            }
            Op::Delete { key, .. } => self.remove(tenant, key),
            Op::Finish { task, due, .. } => {
                let key = (tenant.clone(), task.clone());
                match (due.time(now), self.work.get_mut(&key)) {
                    (Some(due), Some(work)) => {
                        *work = Work { due, leased: None, tries: 0, since: None, ..*work };
                    }
                    _ => {
                        self.work.remove(&key);
                    }
                }
            }
            Op::Put { record, expect, lookups } => {
                let kept = match expect {
                    Expect::Version(_) => self
                        .records
                        .get(&(tenant.clone(), record.key.clone()))
                        .map(|row| row.lookups.clone()),
                    Expect::Absent | Expect::Present => None,
                };
                let lookups = lookups.clone().or(kept).unwrap_or_default();
                self.insert(tenant, record, lookups);
            }
            Op::Schedule { task, subject, due } => self.schedule(tenant, task, *subject, *due, now),
        }
    }

    fn schedule(
        &mut self,
        tenant: &TenantId,
        task: &Key,
        subject: Option<SubjectId>,
        due: Due,
        now: Timestamp,
    ) {
        let key = (tenant.clone(), task.clone());
        match (due.time(now), self.work.get_mut(&key)) {
            (None, Some(work)) if work.is_held(now) => {}
            (None, _) => {
                self.work.remove(&key);
            }
            (Some(due), Some(work)) => {
                work.subject = subject;
                work.due = match work.leased {
                    Some(until) if until > now => due.max(until),
                    _ => due,
                };
            }
            (Some(due), None) => {
                let fence = Fence::first(now);
                let work = Work { subject, due, leased: None, fence, tries: 0, since: None };
                self.work.insert(key, work);
            }
        }
    }

    fn lease(&mut self, key: (TenantId, Key), lease: Duration, now: Timestamp) -> Option<Lease> {
        let work = self.work.get_mut(&key)?;
        let until = now.plus(lease);
        work.due = until;
        work.leased = Some(until);
        work.fence = work.fence.next();
        work.tries = work.tries.saturating_add(1);
        let since = *work.since.get_or_insert(now);
        let (tenant, task) = key;
        Some(Lease {
            tenant,
            task,
            subject: work.subject,
            fence: work.fence,
            tries: work.tries,
            since,
            now,
            until,
        })
    }

    fn expect(&self, tenant: &TenantId, op: &Op, now: Timestamp) -> Result<(), Conflict> {
        match op {
            Op::Check { key, expect }
            | Op::Delete { key, expect }
            | Op::Put { record: Record { key, .. }, expect, .. } => {
                let live = self.live(tenant, key, now).map(|record| record.version);
                let so = match expect {
                    Expect::Absent => live.is_none(),
                    Expect::Present => live.is_some(),
                    Expect::Version(version) => live == Some(*version),
                };
                if so { Ok(()) } else { Err(Conflict::at(key.clone())) }
            }
            Op::Control { expect, .. } if self.control.version == *expect => Ok(()),
            Op::Control { .. } => Err(Conflict::at_control()),
            Op::Finish { task, fence, .. } => {
                let work = self.work.get(&(tenant.clone(), task.clone()));
                if work.is_some_and(|work| work.fence == *fence && work.is_held(now)) {
                    Ok(())
                } else {
                    Err(Conflict::at(task.clone()))
                }
            }
            Op::Schedule { .. } => Ok(()),
        }
    }

    fn live(&self, tenant: &TenantId, key: &Key, now: Timestamp) -> Option<&Record> {
        let row = self.records.get(&(tenant.clone(), key.clone()))?;
        Some(&row.record).filter(|record| is_live(record, now))
    }

    /// The keys among which the answer lies, in their order.
    fn keys_of(&self, tenant: &TenantId, query: &Query) -> Box<dyn Iterator<Item = Key> + '_> {
        let tenant = tenant.clone();
        match (query.kind.clone(), query.lookup) {
            (Some(kind), Some(hash)) => {
                let first = (tenant.clone(), kind.clone(), hash, Id::ZERO);
                Box::new(
                    self.lookups
                        .range(first..)
                        .take_while(move |(whose, what, of, _)| {
                            *whose == tenant && *what == kind && *of == hash
                        })
                        .map(|(_, kind, _, id)| Key::new(kind.clone(), *id)),
                )
            }
            (kind, _) => {
                let from = kind.clone().unwrap_or(Kind::from_static(""));
                Box::new(
                    self.records
                        .range((tenant.clone(), Key::new(from, Id::ZERO))..)
                        .take_while(move |((whose, key), _)| {
                            *whose == tenant && kind.as_ref().is_none_or(|kind| key.kind == *kind)
                        })
                        .map(|((_, key), _)| key.clone()),
                )
            }
        }
    }

    /// Turn by turn the longest due of each lane, until the limit; then the longest due first.
    fn due(&self, tasks: &[Kind], limit: u32, now: Timestamp) -> Vec<(TenantId, Key)> {
        let mut lanes: BTreeMap<&Kind, Vec<_>> = tasks.iter().map(|task| (task, vec![])).collect();
        for (key, work) in &self.work {
            if work.due <= now
                && !work.is_held(now)
                && let Some(lane) = lanes.get_mut(&key.1.kind)
            {
                lane.push((work.due, key));
            }
        }
        let mut turns: Vec<_> = Vec::new();
        for lane in lanes.values_mut() {
            lane.sort();
            turns.extend(lane.iter().enumerate().map(|(turn, (due, key))| (turn, *due, *key)));
        }
        turns.sort();
        turns.truncate(limit as usize);
        turns.sort_by_key(|(_, due, key)| (*due, *key));
        turns.into_iter().map(|(_, _, key)| key.clone()).collect()
    }
}

impl Work {
    fn is_held(&self, now: Timestamp) -> bool {
        self.leased.is_some_and(|until| until > now)
    }
}

fn is_live(record: &Record, now: Timestamp) -> bool {
    record.expires.is_none_or(|expires| expires > now)
}

fn place(logged: &LoggedEntry) -> (Timestamp, BatchId, u16) {
    (logged.entry.at(), logged.batch, logged.n)
}

//! The worker: the one place from which anything happens later.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bailee_core::{ErrorKind, Result, TenantId, audit::Entry};
use bailee_store::{Claim, Due, Lease};
use futures_channel::oneshot;

use crate::{engine::Engine, kind};

/// How long a claim of the worker holds. A task that takes longer comes again.
const LEASE: Duration = Duration::from_secs(90);
/// How many tasks are claimed at once.
const BATCH: u32 = 32;
/// How long it rests when nothing is due.
const REST: Duration = Duration::from_secs(1);
/// How often disclosures are written and expired records are swept.
const KEEP_HOUSE: Duration = Duration::from_secs(30);

/// Does what is due: renewals, unfinished disconnects, publications, events, notices.
///
/// Any number of processes may run one; each piece of work is one's at a time.
#[derive(Debug)]
pub struct Worker {
    engine: Engine,
    stopping: AtomicBool,
    /// Work of others that is under way, with the place of whose it is: it may take minutes, and
    /// nobody who needs a token waits for it.
    patient: Mutex<Vec<(usize, oneshot::Receiver<()>)>>,
}

impl Engine {
    /// A worker over this engine.
    pub fn worker(&self) -> Worker {
        Worker { engine: self.clone(), stopping: AtomicBool::new(false), patient: Mutex::default() }
    }
}

impl Worker {
    /// Works until [`Worker::stop`] is called; then it ends what it has claimed and writes what it
    /// holds.
    ///
    /// # Errors
    ///
    /// None of the work ends it: faults are logged by kind and the work comes again. Only a
    /// database of another instance does ([`ErrorKind::Quarantined`]).
    pub async fn run(&self) -> Result<()> {
        let engine = &self.engine;
        let mut kept = engine.0.clock.monotonic();
        while !self.stopping.load(Ordering::SeqCst) && !engine.is_draining() {
            let done = match self.work().await {
                Err(error) if error.kind() == ErrorKind::Quarantined => return Err(error),
                Err(error) => {
                    tracing::warn!(kind = ?error.kind(), "the worker could not claim");
                    0
                }
                Ok(done) => done,
            };
            if engine.0.clock.monotonic().since(kept) >= KEEP_HOUSE {
                kept = engine.0.clock.monotonic();
                self.keep_house().await;
            }
            if done == 0 {
                engine.0.runtime.sleep(REST).await;
            }
        }
        self.patience().await;
        engine.0.disclosures.flush().await.map(|_| ())
    }

    /// Asks a running worker to end.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    /// Does everything that is due now and returns how many tasks that were: for a host that has
    /// a scheduler of its own, and for tests on a manual clock.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Quarantined`], [`ErrorKind::StoreUnavailable`]. A fault of one task is logged
    /// and does not end the others.
    pub async fn settle(&self) -> Result<u64> {
        let mut all = 0;
        self.engine.replay().await;
        loop {
            let done = self.work().await?;
            self.patience().await;
            if done == 0 {
                break;
            }
            all += done;
        }
        self.engine.0.disclosures.flush().await?;
        self.engine.0.vault.wake();
        self.sweep().await?;
        Ok(all)
    }

    async fn work(&self) -> Result<u64> {
        let engine = &self.engine;
        let snapshot = engine.0.vault.store().read(&TenantId::SYSTEM, &[]).await?;
        engine.admit_instance(&snapshot.control).await?;
        let Some(_begun) = engine.begin_unless_draining() else { return Ok(0) };
        let mut leases = Vec::new();
        // What can wait is never in front of what somebody waits for.
        for tasks in [kind::LANES.as_slice(), kind::PATIENT_LANES.as_slice()] {
            let claim = Claim::Due { tasks, lease: LEASE, limit: BATCH };
            leases.extend(engine.0.vault.store().claim(claim).await?);
        }
        let mut count = leases.len();
        let tasks: Vec<_> = leases.into_iter().map(|lease| self.begin(lease)).collect();
        // What is begun is waited for, whatever becomes of the work of others.
        let others = self.claim_for_others().await.map(|others| {
            count += others.len();
            let others: Vec<_> =
                others.into_iter().map(|(whose, lease)| (whose, self.begin(lease))).collect();
            self.under_way().extend(others);
        });
        futures_util::future::join_all(tasks).await;
        others.map(|()| count as u64)
    }

    /// Claims as much work of others as may be under way at once: so much of each of them, so that what
    /// one does for minutes keeps nobody else's from being done.
    async fn claim_for_others(&self) -> Result<Vec<(usize, Lease)>> {
        let engine = &self.engine;
        let running: Vec<usize> = {
            let mut patient = self.under_way();
            patient.retain_mut(|(_, told)| matches!(told.try_recv(), Ok(None)));
            patient.iter().map(|(whose, _)| *whose).collect()
        };
        let mut leases = Vec::new();
        for (whose, duties) in engine.0.duties.iter().enumerate() {
            let running = running.iter().filter(|other| **other == whose).count();
            let room = BATCH.saturating_sub(u32::try_from(running).unwrap_or(BATCH));
            if room == 0 {
                continue;
            }
            let (tasks, lease) = (&duties.tasks, duties.given.claim());
            let claim = Claim::Due { tasks, lease, limit: room };
            let claimed = engine.0.vault.store().claim(claim).await?;
            leases.extend(claimed.into_iter().map(|lease| (whose, lease)));
        }
        Ok(leases)
    }

    /// Does a piece of work in a task of its own: a host that drops its worker must not cut off a
    /// renewal.
    fn begin(&self, lease: Lease) -> oneshot::Receiver<()> {
        let (engine, (tell, told)) = (self.engine.clone(), oneshot::channel());
        self.engine.spawn(async move {
            engine.do_due(&lease).await;
            // Nobody may be waiting any more.
            let _ = tell.send(());
        });
        told
    }

    /// Waits for the work of others that is under way.
    async fn patience(&self) {
        let patient = std::mem::take(&mut *self.under_way());
        futures_util::future::join_all(patient.into_iter().map(|(_, told)| told)).await;
    }

    fn under_way(&self) -> MutexGuard<'_, Vec<(usize, oneshot::Receiver<()>)>> {
        self.patient.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn keep_house(&self) {
        let Some(_begun) = self.engine.begin_unless_draining() else { return };
        self.engine.0.vault.wake();
        self.engine.replay().await;
        if let Err(error) = self.engine.0.disclosures.flush().await {
            tracing::warn!(kind = ?error.kind(), "disclosures are written later");
        }
        if let Err(error) = self.sweep().await {
            tracing::warn!(kind = ?error.kind(), "expired records are swept later");
        }
    }

    async fn sweep(&self) -> Result<()> {
        let swept = self.engine.0.vault.store().sweep(1000).await?;
        if swept == 0 {
            return Ok(());
        }
        let entry = Entry::new("records.swept", self.engine.0.clock.now())
            .with("count", i64::try_from(swept).unwrap_or(i64::MAX));
        let batch = self.engine.0.vault.batch()?.audit(entry);
        self.engine.0.vault.commit(&TenantId::SYSTEM, batch).await.map(|_| ())
    }
}

impl Engine {
    async fn do_due(&self, lease: &Lease) {
        let task = &lease.task.kind;
        let others = self.0.duties.iter().find(|duties| duties.tasks.contains(task));
        let outcome = if let Some(duties) = others {
            duties.given.do_due(lease).await
        } else if *task == kind::REFRESH {
            self.refresh_due(lease).await
        } else if *task == kind::DISCONNECT {
            self.disconnect_due(lease).await
        } else if *task == kind::PUBLISH {
            self.publication_due(lease).await
        } else if *task == kind::ORPHAN {
            self.orphan_due(lease).await
        } else if *task == kind::EFFECT {
            self.effect_due(lease).await
        } else if *task == kind::SIGNAL {
            self.signal_due(lease).await
        } else if *task == kind::REQUEST_DUE {
            self.request_due(lease).await
        } else if *task == kind::WATCH {
            self.watch_due(lease).await
        } else if *task == kind::FETCH {
            self.fetch_due(lease).await
        } else {
            self.notify(lease).await
        };
        if let Err(error) = outcome {
            // Not finished: the work is due again when its claim ends.
            tracing::warn!(task = task.as_str(), kind = ?error.kind(), "due work failed");
        }
    }

    /// Due: an effect whose outcome nobody wrote down. Whether it happened, nobody can tell.
    async fn effect_due(&self, lease: &Lease) -> Result<()> {
        let entry = Entry::new("call.effect_done", self.0.clock.now())
            .about(lease.subject)
            .with("effect", lease.task.id)
            .with("outcome", "unknown");
        let batch =
            self.0.vault.batch()?.finish(lease.task.clone(), lease.fence, Due::Never).audit(entry);
        match self.0.vault.commit(&lease.tenant, batch).await {
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
            done => done.map(|_| ()),
        }
    }
}

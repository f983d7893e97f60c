//! The steps of a victim: each is said before it is taken, and at one of them it stands still.

use std::{
    fmt,
    io::Write,
    sync::atomic::{AtomicU32, Ordering},
};

use async_trait::async_trait;
use bailee::{
    http::{HttpSend, Opened, Request, Reqwest, Response, SendError},
    store::{
        Batch, Claim, Committed, Count, Head, Key, Kind, Leaf, Lease, Log, LoggedEntry, Page,
        Query, Snapshot, Window,
    },
};

use super::*;

/// Says something to the parent. A line is whole or not there.
pub(crate) fn say(what: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n{MARK}{what}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// Stands still for ever, and with it everything on this runtime.
fn stand_still() -> ! {
    loop {
        std::thread::park();
    }
}

/// Counts the steps of a victim and ends it at one.
#[derive(Clone)]
pub(crate) struct Steps {
    pub(crate) taken: Arc<AtomicU32>,
    pub(crate) end: Option<(u32, Moment)>,
}

impl Steps {
    /// Takes a step.
    async fn step<T>(&self, name: &str, step: impl Future<Output = T>) -> T {
        let number = self.taken.fetch_add(1, Ordering::SeqCst);
        say(&format!("step {number} {name}"));
        let moment = self.end.filter(|(at, _)| *at == number).map(|(_, moment)| moment);
        match moment {
            None => {
                let outcome = step.await;
                say(&format!("took {number}"));
                outcome
            }
            Some(Moment::Before) => {
                say("dying");
                stand_still()
            }
            Some(Moment::During) => {
                say("dying");
                step.await;
                stand_still()
            }
            Some(Moment::After) => {
                step.await;
                say(&format!("took {number}"));
                say("dying");
                stand_still()
            }
        }
    }
}

pub(crate) struct SteppedStore(pub(crate) Arc<dyn Store>, pub(crate) Steps);

#[async_trait]
impl Store for SteppedStore {
    async fn read(&self, tenant: &TenantId, keys: &[Key]) -> Result<Snapshot> {
        self.0.read(tenant, keys).await
    }

    async fn find(&self, tenant: &TenantId, query: &Query) -> Result<Page> {
        self.0.find(tenant, query).await
    }

    async fn commit(&self, tenant: &TenantId, batch: &Batch) -> Result<Committed> {
        let name = batch.audit()[0].event().to_owned();
        self.1.step(&name, self.0.commit(tenant, batch)).await
    }

    async fn claim(&self, claim: Claim<'_>) -> Result<Vec<Lease>> {
        self.1.step("claim", self.0.claim(claim)).await
    }

    async fn sweep(&self, limit: u32) -> Result<u64> {
        self.0.sweep(limit).await
    }

    async fn tally(&self, tenant: Option<&TenantId>, kind: &Kind) -> Result<Vec<Count>> {
        self.0.tally(tenant, kind).await
    }
}

#[async_trait]
impl Log for SteppedStore {
    async fn entries(&self, tenant: &TenantId, window: Window) -> Result<Vec<LoggedEntry>> {
        self.0.entries(tenant, window).await
    }

    async fn open(&self, limit: u32) -> Result<(Head, Vec<Leaf>)> {
        self.0.open(limit).await
    }

    async fn fold(&self, head: Head, leaves: &[Leaf]) -> Result<Head> {
        self.0.fold(head, leaves).await
    }
}

pub(crate) struct SteppedHttp(pub(crate) Reqwest, pub(crate) Steps);

impl fmt::Debug for SteppedHttp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SteppedHttp")
    }
}

#[async_trait]
impl HttpSend for SteppedHttp {
    async fn open(&self, request: Request) -> Result<Opened, SendError> {
        self.0.open(request).await
    }

    async fn send(&self, request: Request) -> Result<Response, SendError> {
        let path = request.url.path().to_owned();
        self.1.step(&path, self.0.send(request)).await
    }
}

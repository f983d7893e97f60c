//! The store: what it answers itself, and what it hands to its threads.

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, mpsc::Sender},
};

use async_trait::async_trait;
use bailee_core::{Clock, Error, ErrorKind, Result, TenantId};
use bailee_store::{
    Batch, Claim, Committed, Count, Head, Key, Kind, Leaf, Lease, Log, LoggedEntry, MAX_KEYS, Page,
    Query, Snapshot, Store, Window,
};

use crate::{
    SqliteStoreBuilder,
    answer::{self, Answer},
    claim::Wanted,
    commit::Commit,
    fault::Fault,
    find,
    log::{self, Fold},
    read::{self, KEYS_IN_STATEMENT},
    readers::Readers,
    sweep::Sweep,
    writer::{Change, Message, Waiting},
};

/// A [`Store`] in a file of SQLite.
///
/// Dropping it ends its threads once what was sent to them is done; [`SqliteStore::close`] waits
/// for that.
pub struct SqliteStore {
    clock: Arc<dyn Clock>,
    messages: Sender<Message>,
    readers: Readers,
    ends: Vec<Answer<()>>,
}

impl SqliteStore {
    /// Opens a file as it is usual; see [`SqliteStoreBuilder::open`].
    ///
    /// # Errors
    ///
    /// Those of [`SqliteStoreBuilder::open`].
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self> {
        Self::builder(path).open().await
    }

    /// Begins to open a file, with options.
    pub fn builder(path: impl Into<PathBuf>) -> SqliteStoreBuilder {
        SqliteStoreBuilder::new(path.into())
    }

    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        messages: Sender<Message>,
        readers: Readers,
        ends: Vec<Answer<()>>,
    ) -> Self {
        Self { clock, messages, readers, ends }
    }

    /// Moves the write-ahead log into the database and cuts it to nothing; says `false` where a
    /// reader of an older moment is in the way.
    ///
    /// Commits that delete do this by themselves. A host may call it before it copies the file.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::StoreUnavailable`].
    pub async fn checkpoint(&self) -> Result<bool> {
        let (reply, answer) = answer::channel();
        self.messages.send(Message::Checkpoint(reply)).map_err(|_| Fault::Ended)?;
        Ok(answer.await.unwrap_or(Err(Fault::Ended))?)
    }

    /// Ends the store: when this returns, all that was sent is done and the files are closed.
    pub async fn close(self) {
        let Self { clock: _, messages, readers, ends } = self;
        drop((messages, readers));
        for end in ends {
            end.await;
        }
    }

    async fn change<C: Change>(&self, change: C) -> Result<C::Output> {
        let (reply, answer) = answer::channel();
        let job = Box::new(Waiting::new(change, reply));
        self.messages.send(Message::Change(job)).map_err(|_| Fault::Ended)?;
        // A thread that ended after it was sent the change may have done it.
        answer
            .await
            .unwrap_or_else(|| Err(Error::new(ErrorKind::Ambiguous).with_source(Fault::Ended)))
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("clock", &self.clock).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn read(&self, tenant: &TenantId, keys: &[Key]) -> Result<Snapshot> {
        if keys.len() > MAX_KEYS {
            return Err(Error::new(ErrorKind::InvalidInput).with_detail("too many keys in a read"));
        }
        let now = self.clock.now();
        if keys.len() <= KEYS_IN_STATEMENT
            && let Some(snapshot) =
                self.readers.inline(|connection| read::few(connection, tenant, keys, now))
        {
            return Ok(snapshot);
        }
        let (tenant, keys) = (tenant.clone(), keys.to_vec());
        Ok(self.readers.ask(move |connection| read::many(connection, &tenant, &keys, now)).await?)
    }

    async fn find(&self, tenant: &TenantId, query: &Query) -> Result<Page> {
        query.check()?;
        let (tenant, query, now) = (tenant.clone(), query.clone(), self.clock.now());
        Ok(self.readers.ask(move |connection| find::find(connection, &tenant, &query, now)).await?)
    }

    async fn commit(&self, tenant: &TenantId, batch: &Batch) -> Result<Committed> {
        batch.check_for(tenant)?;
        self.change(Commit::new(tenant, batch)).await
    }

    async fn claim(&self, claim: Claim<'_>) -> Result<Vec<Lease>> {
        claim.check()?;
        self.change(Wanted::from(claim)).await
    }

    async fn sweep(&self, limit: u32) -> Result<u64> {
        self.change(Sweep(limit)).await
    }

    async fn tally(&self, tenant: Option<&TenantId>, kind: &Kind) -> Result<Vec<Count>> {
        let (tenant, kind, now) = (tenant.cloned(), kind.clone(), self.clock.now());
        let tally = move |connection: &_| find::tally(connection, tenant.as_ref(), &kind, now);
        Ok(self.readers.ask(tally).await?)
    }
}

#[async_trait]
impl Log for SqliteStore {
    async fn entries(&self, tenant: &TenantId, window: Window) -> Result<Vec<LoggedEntry>> {
        let tenant = tenant.clone();
        Ok(self.readers.ask(move |connection| log::entries(connection, &tenant, window)).await?)
    }

    async fn open(&self, limit: u32) -> Result<(Head, Vec<Leaf>)> {
        Ok(self.readers.ask(move |connection| log::open(connection, limit)).await?)
    }

    async fn numbered(&self, from: u64, limit: u32) -> Result<Vec<(u64, Leaf)>> {
        Ok(self.readers.ask(move |connection| log::numbered(connection, from, limit)).await?)
    }

    async fn fold(&self, head: Head, leaves: &[Leaf]) -> Result<Head> {
        self.change(Fold { head, leaves: leaves.to_vec() }).await
    }
}

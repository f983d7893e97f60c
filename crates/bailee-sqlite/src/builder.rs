//! How a store is opened.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{Receiver, channel},
    },
    thread,
    time::Duration,
};

use bailee_core::{Clock, Result, SystemClock};
use rusqlite::Connection;

use crate::{
    SqliteStore,
    answer::{self, Reply},
    connection::{self, BUSY, Held},
    fault::{self, Fault},
    file, migration,
    readers::Readers,
    writer::{Message, Writer},
};

/// Opens a [`SqliteStore`]; made by [`SqliteStore::builder`].
#[derive(Clone, Debug)]
pub struct SqliteStoreBuilder {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    readers: usize,
    inline_reads: bool,
    held: Held,
}

impl SqliteStoreBuilder {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            clock: Arc::new(SystemClock),
            readers: 4,
            inline_reads: true,
            held: Held::default(),
        }
    }

    /// Sets the store's clock, which decides leases and expiry. The system's by default.
    ///
    /// Processes that share a file share its machine's clock; another one is for tests.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets how many connections read, 1 to 64; 4 by default.
    #[must_use]
    pub fn readers(mut self, readers: usize) -> Self {
        self.readers = readers.clamp(1, 64);
        self
    }

    /// Sets whether a read of at most eight keys happens on the caller's thread; it does by
    /// default.
    ///
    /// From the page cache that takes microseconds, less than handing it to another thread. Where
    /// the file does not fit into the page cache it would keep the executor's thread waiting for
    /// the disk: say `false` there, and every read goes to threads of the store's own.
    #[must_use]
    pub fn inline_reads(mut self, inline: bool) -> Self {
        self.inline_reads = inline;
        self
    }

    /// Sets how much of the file each connection that reads keeps in memory, in bytes; 16 MiB by
    /// default. What lies there is sealed as it is in the file.
    ///
    /// It is taken as it is needed, and read anew after each commit. A file whose often read part
    /// is larger costs a read a few system calls more.
    #[must_use]
    pub fn page_cache(mut self, bytes: usize) -> Self {
        self.held.cached = bytes;
        self
    }

    /// Lets the connections that read map so much of the file into memory, in bytes; nothing is
    /// mapped by default.
    ///
    /// Reads are cheaper then, and no commit makes them dearer: the pages are those of the
    /// operating system. The price: where the disk fails under a mapped page, the system ends the
    /// whole process with a signal (SIGBUS on Unix) instead of answering an error, and the same
    /// happens when somebody shortens the file from outside. It is for a local disk that is
    /// trusted, and never for a network's.
    #[must_use]
    pub fn memory_map(mut self, bytes: u64) -> Self {
        self.held.mapped = bytes;
        self
    }

    /// Opens the file, makes it where it is missing, and brings its schema up to date.
    ///
    /// A missing folder is made with mode 0700 and the file with mode 0600; an existing file is
    /// narrowed to 0600. This is done on Unix; elsewhere the folder's access list is the host's.
    ///
    /// # Errors
    ///
    /// [`bailee_core::ErrorKind::Configuration`] for a folder that group or others may write to,
    /// for a path that cannot be used, and for a file that is no database or cannot be kept in
    /// write-ahead mode; [`bailee_core::ErrorKind::UnknownSchema`] for a file of a newer release;
    /// [`bailee_core::ErrorKind::StoreUnavailable`] for everything that may pass.
    pub async fn open(self) -> Result<SqliteStore> {
        let (messages, queue) = channel();
        let (opened, opening) = answer::channel();
        let (ended, end) = answer::channel();
        let clock = Arc::clone(&self.clock);
        // Opening waits for the disk: that is for the thread that will write.
        thread::Builder::new()
            .name("bailee-sqlite-writer".into())
            .spawn(move || self.serve(&queue, opened, ended))
            .map_err(Fault::from)?;
        let readers = opening.await.unwrap_or(Err(Fault::Ended))?;
        let (readers, mut ends) = Readers::start(readers.pool, readers.threads)?;
        ends.push(end);
        Ok(SqliteStore::new(clock, messages, readers, ends))
    }

    fn serve(
        self,
        messages: &Receiver<Message>,
        opened: Reply<fault::Result<Opened>>,
        ended: Reply<()>,
    ) {
        match self.connect() {
            Ok((writer, readers)) => {
                opened.send(Ok(readers));
                writer.run(messages);
            }
            Err(fault) => opened.send(Err(fault)),
        }
        ended.send(());
    }

    fn connect(self) -> fault::Result<(Writer, Opened)> {
        let path = file::prepare(&self.path)?;
        let mut connection = connection::writer(&path)?;
        migration::run(&mut connection, &self.clock)?;
        let (inline, threads) = if self.inline_reads {
            (self.readers, self.readers.min(THREADS))
        } else {
            (0, self.readers)
        };
        let readers = |count, busy| -> fault::Result<Vec<Connection>> {
            (0..count).map(|_| connection::reader(&path, busy, self.held)).collect()
        };
        let opened = Opened {
            // On a caller's thread nothing is waited for.
            pool: readers(inline, Duration::ZERO)?,
            threads: readers(threads, BUSY)?,
        };
        Ok((Writer::new(path, self.clock, connection), opened))
    }
}

struct Opened {
    pool: Vec<Connection>,
    threads: Vec<Connection>,
}

/// The most threads that read besides the pool.
const THREADS: usize = 2;

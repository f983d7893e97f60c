//! The thread that writes: whatever waits goes into one transaction, and is answered after it.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Duration,
};

use bailee_core::{Clock, Error, ErrorKind, Timestamp};
use rusqlite::Connection;

use crate::{
    answer::Reply,
    connection::{self, BUSY, patiently},
    fault::{Fault, Result},
};

/// A change that can be done inside a transaction.
pub(crate) trait Change: Send + 'static {
    type Output: Send + 'static;

    /// Does it. On an error whatever it did is undone.
    fn apply(&self, connection: &Connection, now: Timestamp) -> Result<Done<Self::Output>>;
}

/// What a change did.
pub(crate) struct Done<T> {
    pub(crate) output: T,
    /// Whether it deleted bodies, so that the log has to be emptied of them.
    pub(crate) freed: bool,
}

/// What the thread is sent.
pub(crate) enum Message {
    Change(Box<dyn Job>),
    /// Empties the write-ahead log and says whether that was possible.
    Checkpoint(Reply<Result<bool>>),
}

/// A change with the caller who waits for it.
pub(crate) trait Job: Send {
    /// Does the change inside the open transaction. On an error it must be undone.
    fn run(&mut self, connection: &Connection, now: Timestamp) -> Result<(), Undo>;

    /// Whether it deleted bodies.
    fn freed(&self) -> bool;

    /// Gives the outcome to the caller: the transaction it was decided in has been committed.
    fn committed(self: Box<Self>);

    /// Tells the caller of a failure of the transaction.
    fn failed(self: Box<Self>, error: Error);
}

/// Says that a change must be undone. Its job knows why.
pub(crate) struct Undo;

pub(crate) struct Waiting<C: Change> {
    change: C,
    reply: Reply<bailee_core::Result<C::Output>>,
    outcome: Option<Result<Done<C::Output>>>,
}

pub(crate) struct Writer {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    /// `None` after it could not be brought back to order; opened again with the next change.
    connection: Option<Connection>,
    /// Whether the log holds what was deleted.
    unclean: bool,
}

impl<C: Change> Waiting<C> {
    pub(crate) fn new(change: C, reply: Reply<bailee_core::Result<C::Output>>) -> Self {
        Self { change, reply, outcome: None }
    }
}

impl<C: Change> Job for Waiting<C> {
    fn run(&mut self, connection: &Connection, now: Timestamp) -> Result<(), Undo> {
        let outcome = self.outcome.insert(self.change.apply(connection, now));
        if outcome.is_ok() { Ok(()) } else { Err(Undo) }
    }

    fn freed(&self) -> bool {
        matches!(&self.outcome, Some(Ok(done)) if done.freed)
    }

    fn committed(self: Box<Self>) {
        let outcome = self.outcome.unwrap_or(Err(Fault::Ended));
        self.reply.send(outcome.map(|done| done.output).map_err(Error::from));
    }

    fn failed(self: Box<Self>, error: Error) {
        self.reply.send(Err(error));
    }
}

impl Writer {
    pub(crate) fn new(path: PathBuf, clock: Arc<dyn Clock>, connection: Connection) -> Self {
        Self { path, clock, connection: Some(connection), unclean: true }
    }

    /// Serves until every sender is gone and what they sent is done.
    pub(crate) fn run(mut self, messages: &Receiver<Message>) {
        // What an earlier process deleted may still be in the log.
        let _ = self.checkpoint(Duration::ZERO);
        while let Some(first) = self.next(messages) {
            let mut jobs = Vec::new();
            let mut checkpoints = Vec::new();
            let waiting = std::iter::from_fn(|| messages.try_recv().ok());
            for message in std::iter::once(first).chain(waiting).take(GROUP) {
                match message {
                    Message::Change(job) => jobs.push(job),
                    Message::Checkpoint(reply) => checkpoints.push(reply),
                }
            }
            if !jobs.is_empty() {
                self.commit(jobs);
            }
            for reply in checkpoints {
                reply.send(self.checkpoint(READERS));
            }
        }
        // The last one to close the file does this too, but a reader may outlive this thread.
        let _ = self.checkpoint(READERS);
    }

    /// The next message; until it comes, what could not be emptied is tried again.
    fn next(&mut self, messages: &Receiver<Message>) -> Option<Message> {
        while self.unclean {
            match messages.recv_timeout(RETRY) {
                Ok(message) => return Some(message),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => drop(self.checkpoint(Duration::ZERO)),
            }
        }
        messages.recv().ok()
    }

    /// Does the jobs in one transaction, each of them wholly or not at all.
    pub(crate) fn commit(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        match self.transact(&mut jobs) {
            Ok(()) => {
                // Whoever deleted something hears of it when the log is empty, the others at once.
                let (freed, rest): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|job| job.freed());
                rest.into_iter().for_each(Job::committed);
                if !freed.is_empty() {
                    self.unclean = true;
                    // It stays unclean where a reader is in the way, and is tried again.
                    let _ = self.checkpoint(READERS);
                    freed.into_iter().for_each(Job::committed);
                }
            }
            Err((stage, fault)) => {
                self.roll_back();
                let open = stage == Stage::Commit && fault.leaves_commit_open();
                let kind = if open { ErrorKind::Ambiguous } else { ErrorKind::StoreUnavailable };
                for job in jobs {
                    job.failed(Error::new(kind).with_source(fault.clone()));
                }
            }
        }
    }

    fn transact(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(), (Stage, Fault)> {
        let clock = Arc::clone(&self.clock);
        let connection = self.connection().map_err(|fault| (Stage::Begin, fault))?;
        let run = |sql| execute(connection, sql).map_err(|fault| (Stage::Begin, fault));
        // Takes the lock at once, so that nothing that was looked at changes before the end.
        patiently(BEGIN_TRIES, || execute(connection, "BEGIN IMMEDIATE"))
            .map_err(|fault| (Stage::Begin, fault))?;
        for job in jobs {
            run("SAVEPOINT job")?;
            if let Err(Undo) = job.run(connection, clock.now()) {
                // Where a fault ended the whole transaction this fails, and all of it is over.
                run("ROLLBACK TO job")?;
            }
            run("RELEASE job")?;
        }
        execute(connection, "COMMIT").map_err(|fault| (Stage::Commit, fault))
    }

    fn roll_back(&mut self) {
        let in_order = self.connection.as_ref().is_some_and(|connection| {
            connection.is_autocommit() || execute(connection, "ROLLBACK").is_ok()
        });
        if !in_order {
            self.connection = None;
        }
    }

    /// Moves the log into the database and cuts it to nothing, so that what was deleted is in
    /// neither. Says `false` where a reader who looks at an older moment did not end in time.
    fn checkpoint(&mut self, patience: Duration) -> Result<bool> {
        let connection = self.connection()?;
        connection.busy_timeout(patience)?;
        let busy = connection
            .prepare_cached("PRAGMA wal_checkpoint(TRUNCATE)")
            .and_then(|mut statement| statement.query_row([], |row| row.get::<_, i64>(0)));
        connection.busy_timeout(BUSY)?;
        self.unclean = !matches!(busy, Ok(0));
        busy?;
        Ok(!self.unclean)
    }

    fn connection(&mut self) -> Result<&Connection> {
        match &mut self.connection {
            Some(connection) => Ok(connection),
            none => Ok(none.insert(connection::writer(&self.path)?)),
        }
    }
}

/// How far a transaction came.
#[derive(PartialEq, Eq)]
enum Stage {
    Begin,
    Commit,
}

fn execute(connection: &Connection, sql: &str) -> Result<()> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}

/// How often a transaction is begun where the lock is not to be had.
const BEGIN_TRIES: u32 = 2;

/// The most changes in one transaction: a bound on how long the first of them waits.
const GROUP: usize = 256;

/// How long a checkpoint waits for readers of an older moment.
const READERS: Duration = Duration::from_millis(100);

/// How long the thread waits for changes before it tries again to empty the log.
const RETRY: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use bailee_core::ManualClock;
    use rusqlite::{ffi, params};
    use tempfile::TempDir;

    use super::*;
    use crate::answer::{self, Answer};

    /// Writes a blob of this many bytes into a table.
    struct Write {
        table: &'static str,
        bytes: usize,
    }

    impl Change for Write {
        type Output = ();

        fn apply(&self, connection: &Connection, _: Timestamp) -> Result<Done<()>> {
            let sql = match self.table {
                "thing" => "INSERT INTO thing VALUES (zeroblob(?1))",
                // Found wrong at the end of the transaction, not before.
                "child" => "INSERT INTO child VALUES (?1)",
                _ => "INSERT INTO missing VALUES (?1)",
            };
            connection.execute(sql, params![self.bytes as i64])?;
            Ok(Done { output: (), freed: false })
        }
    }

    fn writer() -> (TempDir, Writer) {
        let folder = tempfile::tempdir().unwrap();
        let path = crate::file::prepare(&folder.path().join("vault.db")).unwrap();
        let connection = connection::writer(&path).unwrap();
        connection
            .execute_batch(
                "PRAGMA foreign_keys = ON;
                 CREATE TABLE thing (a);
                 CREATE TABLE parent (a PRIMARY KEY);
                 CREATE TABLE child (a REFERENCES parent DEFERRABLE INITIALLY DEFERRED);",
            )
            .unwrap();
        (folder, Writer::new(path, Arc::new(ManualClock::default()), connection))
    }

    fn job(table: &'static str, bytes: usize) -> (Box<dyn Job>, Answer<bailee_core::Result<()>>) {
        let (reply, answer) = answer::channel();
        (Box::new(Waiting::new(Write { table, bytes }, reply)), answer)
    }

    /// Does these in one transaction and says how each ended.
    async fn group(writer: &mut Writer, jobs: &[(&'static str, usize)]) -> Vec<Option<ErrorKind>> {
        let (jobs, answers): (Vec<_>, Vec<_>) =
            jobs.iter().map(|(table, bytes)| job(table, *bytes)).unzip();
        writer.commit(jobs);
        let mut kinds = Vec::new();
        for answer in answers {
            kinds.push(answer.await.unwrap().err().map(|error| error.kind()));
        }
        kinds
    }

    fn things(writer: &mut Writer) -> i64 {
        let connection = writer.connection().unwrap();
        connection.query_row("SELECT count(*) FROM thing", [], |row| row.get(0)).unwrap()
    }

    const UNAVAILABLE: Option<ErrorKind> = Some(ErrorKind::StoreUnavailable);

    #[tokio::test]
    async fn a_change_that_fails_does_not_take_others_with_it() {
        let (_folder, mut writer) = writer();
        let ends = group(&mut writer, &[("thing", 1), ("missing", 1), ("thing", 1)]).await;
        assert_eq!(ends, [None, UNAVAILABLE, None]);
        assert_eq!(things(&mut writer), 2);
    }

    #[tokio::test]
    async fn a_failed_commit_leaves_nothing_and_is_told_to_everybody() {
        let (_folder, mut writer) = writer();
        let ends = group(&mut writer, &[("thing", 1), ("child", 1), ("thing", 1)]).await;
        assert_eq!(ends, [UNAVAILABLE; 3]);
        assert_eq!(things(&mut writer), 0);
        assert_eq!(group(&mut writer, &[("thing", 1)]).await, [None], "and it goes on");
    }

    #[tokio::test]
    async fn aud_01_a_full_disk_leaves_nothing_and_passes() {
        let (_folder, mut writer) = writer();
        let limit = |writer: &mut Writer, pages: i64| {
            let pragma = format!("PRAGMA max_page_count = {pages}");
            let connection = writer.connection().unwrap();
            connection.query_row(&pragma, [], |_| Ok(())).unwrap();
        };
        limit(&mut writer, 10);
        for _ in 0..3 {
            assert_eq!(group(&mut writer, &[("thing", 100_000)]).await, [UNAVAILABLE]);
            assert_eq!(things(&mut writer), 0);
        }
        limit(&mut writer, 1_000_000);
        assert_eq!(group(&mut writer, &[("thing", 100_000)]).await, [None]);
        assert_eq!(things(&mut writer), 1);
    }

    #[tokio::test]
    async fn a_lock_of_another_process_makes_the_store_unavailable_until_it_ends() {
        let (_folder, mut writer) = writer();
        writer.connection().unwrap().busy_timeout(Duration::ZERO).unwrap();
        let other = Connection::open(&writer.path).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert_eq!(group(&mut writer, &[("thing", 1), ("thing", 1)]).await, [UNAVAILABLE; 2]);
        other.execute_batch("COMMIT").unwrap();
        assert_eq!(group(&mut writer, &[("thing", 1), ("thing", 1)]).await, [None; 2]);
        assert_eq!(things(&mut writer), 2);
    }

    #[tokio::test]
    async fn a_lost_connection_is_opened_again() {
        let (_folder, mut writer) = writer();
        writer.connection = None;
        assert_eq!(group(&mut writer, &[("thing", 1)]).await, [None]);
    }

    #[tokio::test]
    async fn an_error_says_a_code_and_no_text_of_the_database() {
        let (_folder, mut writer) = writer();
        let (job, answer) = job("missing", 1);
        writer.commit(vec![job]);
        let error = answer.await.unwrap().unwrap_err();
        let text = format!("{error:?}");
        assert!(text.contains(&format!("code {}", ffi::SQLITE_ERROR)), "{text}");
        assert!(!text.contains("missing"), "{text}");
    }
}

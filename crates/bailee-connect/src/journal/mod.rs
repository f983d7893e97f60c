//! The journal: what providers answered to renewals and the store has not taken yet (REF-07).
//!
//! An answer is sealed by the vault before it comes here. A thread of the journal's own writes and
//! syncs the file, so that no task of the host waits for a disk, and so that answers are on the disk
//! in the order in which they came.

mod answer;
pub(crate) mod file;

use std::{
    collections::BTreeMap,
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
};

use bailee_core::{Error, ErrorKind, Id, InstanceId, Result, TenantId};
use futures_channel::oneshot;

pub(crate) use answer::{Answer, AnswerBody};

use file::{Fault, JournalFile, Mark, Standing};

/// The largest file. An answer has about two kilobytes.
const LIMIT: u64 = 64 * 1024 * 1024;
/// A file that is longer than this, and of which less than half still counts, is written anew.
const COMPACT: u64 = 1024 * 1024;

/// The journal of one process.
pub(crate) struct Journal {
    open: Mutex<BTreeMap<Id, Open>>,
    /// Gone when the journal is dropped, which ends the thread.
    sender: Option<mpsc::Sender<Message>>,
    thread: Option<thread::JoinHandle<()>>,
}

/// An answer that is not in the store, as far as is known.
struct Open {
    answer: Arc<Answer>,
    /// Whether somebody is bringing it there.
    taken: bool,
}

/// What the thread is sent.
enum Message {
    Answer(Id, Vec<u8>, oneshot::Sender<Result<(), Fault>>),
    Done(Id, oneshot::Sender<Result<(), Fault>>),
}

/// What is known of a credential's answers.
pub(crate) enum Known {
    /// One waits, and is the caller's now.
    Waits(Entry),
    /// One is being brought to the store.
    UnderWay,
    /// There is none.
    Nothing,
}

/// An answer in the hands of one task. Dropped without being done, it waits again.
pub(crate) struct Entry {
    journal: Arc<Journal>,
    id: Id,
    answer: Arc<Answer>,
}

impl Journal {
    /// Opens the file in a thread of its own.
    pub(crate) async fn open(path: PathBuf, instance: InstanceId) -> Result<Arc<Self>> {
        let (sender, messages) = mpsc::channel();
        let (tell, told) = oneshot::channel();
        let thread = thread::Builder::new().name("bailee-journal".into()).spawn(move || {
            match JournalFile::open(&path, &instance, LIMIT) {
                Ok((file, standing)) => {
                    let kept = standing.iter().map(|one| (one.id, one.payload.clone())).collect();
                    if tell.send(Ok(standing)).is_ok() {
                        Writer { file, standing: kept }.run(&messages);
                    }
                }
                Err(fault) => drop(tell.send(Err(fault))),
            }
        });
        let thread =
            thread.map_err(|_| Error::from(Fault::File(std::io::ErrorKind::OutOfMemory)))?;
        let standing = told.await.map_err(|_| ended())??;
        let mut open = BTreeMap::new();
        for Standing { id, payload } in standing {
            match Answer::parse(id, &payload) {
                Ok(answer) => {
                    open.insert(id, Open { answer: Arc::new(answer), taken: false });
                }
                // It stays in the file: a later release may read it.
                Err(error) => {
                    tracing::error!(kind = ?error.kind(), "an answer cannot be read");
                }
            }
        }
        Ok(Arc::new(Self { open: Mutex::new(open), sender: Some(sender), thread: Some(thread) }))
    }

    /// Writes an answer down. When this returns it is on the disk, and in the caller's hands.
    pub(crate) async fn append(self: &Arc<Self>, answer: Answer) -> Result<Entry> {
        let (id, payload) = (answer.id(), answer.write()?);
        self.ask(|reply| Message::Answer(id, payload, reply)).await?;
        let answer = Arc::new(answer);
        self.entries().insert(id, Open { answer: answer.clone(), taken: true });
        Ok(Entry { journal: self.clone(), id, answer })
    }

    /// The answers that wait, as names to take them by.
    pub(crate) fn waiting(&self) -> Vec<Id> {
        self.entries().iter().filter(|(_, open)| !open.taken).map(|(id, _)| *id).collect()
    }

    /// Whether there is an answer for a credential that the store may not have.
    pub(crate) fn has(&self, tenant: &TenantId, credential: Id) -> bool {
        self.entries().values().any(|open| open.answer.is_for(tenant, credential))
    }

    /// Takes an answer that waits.
    pub(crate) fn take(self: &Arc<Self>, id: Id) -> Option<Entry> {
        let mut entries = self.entries();
        let open = entries.get_mut(&id).filter(|open| !open.taken)?;
        open.taken = true;
        Some(Entry { journal: self.clone(), id, answer: open.answer.clone() })
    }

    /// Takes an answer for a credential.
    pub(crate) fn take_for(self: &Arc<Self>, tenant: &TenantId, credential: Id) -> Known {
        let mut entries = self.entries();
        let mut known = Known::Nothing;
        for (id, open) in entries.iter_mut() {
            if !open.answer.is_for(tenant, credential) {
                continue;
            }
            if open.taken {
                known = Known::UnderWay;
                continue;
            }
            open.taken = true;
            return Known::Waits(Entry {
                journal: self.clone(),
                id: *id,
                answer: open.answer.clone(),
            });
        }
        known
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<Id, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(
        &self,
        message: impl FnOnce(oneshot::Sender<Result<(), Fault>>) -> Message,
    ) -> Result<()> {
        let (reply, answer) = oneshot::channel();
        let sender = self.sender.as_ref().ok_or_else(ended)?;
        sender.send(message(reply)).map_err(|_| ended())?;
        Ok(answer.await.map_err(|_| ended())??)
    }
}

impl Entry {
    /// What was answered.
    pub(crate) fn answer(&self) -> &Answer {
        &self.answer
    }

    /// Says that the answer is where it belongs, or is wanted no more.
    pub(crate) async fn done(self) {
        let (journal, id) = (self.journal.clone(), self.id);
        journal.entries().remove(&id);
        if let Err(error) = journal.ask(|reply| Message::Done(id, reply)).await {
            // It is looked at once more at the next start, and found to be done.
            tracing::warn!(kind = ?error.kind(), "a finished answer stays in the journal");
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(open) = self.journal.entries().get_mut(&self.id) {
            open.taken = false;
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        drop(self.sender.take());
        if let Some(thread) = self.thread.take() {
            // It ends what it was given; then another engine can have the file.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("open", &self.entries().len()).finish_non_exhaustive()
    }
}

/// The thread's side.
struct Writer {
    file: JournalFile,
    /// What stands in the file and is not done.
    standing: BTreeMap<Id, Vec<u8>>,
}

impl Writer {
    /// Serves until the journal is dropped.
    fn run(mut self, messages: &mpsc::Receiver<Message>) {
        while let Ok(message) = messages.recv() {
            match message {
                Message::Answer(id, payload, reply) => drop(reply.send(self.answer(id, payload))),
                Message::Done(id, reply) => drop(reply.send(self.done(id))),
            }
        }
    }

    fn answer(&mut self, id: Id, payload: Vec<u8>) -> Result<(), Fault> {
        let mut written = self.file.append(Mark::Answer, id, &payload);
        if matches!(written, Err(Fault::Full)) && !self.standing.is_empty() {
            self.compact()?;
            written = self.file.append(Mark::Answer, id, &payload);
        }
        written?;
        self.standing.insert(id, payload);
        Ok(())
    }

    fn done(&mut self, id: Id) -> Result<(), Fault> {
        if self.standing.remove(&id).is_none() {
            return Ok(());
        }
        if self.standing.is_empty() {
            return self.file.clear();
        }
        self.file.append(Mark::Done, id, &[])?;
        let counts: usize = self.standing.values().map(Vec::len).sum();
        if self.file.length() > COMPACT.max(counts as u64 * 2) {
            self.compact()?;
        }
        Ok(())
    }

    fn compact(&mut self) -> Result<(), Fault> {
        self.file.rewrite(self.standing.iter().map(|(id, payload)| (*id, payload.as_slice())))
    }
}

fn ended() -> Error {
    Error::new(ErrorKind::StoreUnavailable).with_detail("the journal of renewals has ended")
}

#[cfg(test)]
mod tests;

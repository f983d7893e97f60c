//! Connections that only read: a pool for the caller's own thread, and threads of the store's own.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

use rusqlite::Connection;

use crate::{
    answer::{self, Answer},
    fault::{Fault, Result},
};

type Question = Box<dyn FnOnce(&Connection) + Send>;

/// Asks on whatever connection is free.
pub(crate) struct Readers {
    pool: Mutex<Vec<Connection>>,
    questions: Sender<Question>,
}

impl Readers {
    /// Takes the connections of the pool, and starts a thread for each other one. Each answer
    /// given back ends with its thread.
    pub(crate) fn start(
        pool: Vec<Connection>,
        threads: Vec<Connection>,
    ) -> Result<(Self, Vec<Answer<()>>)> {
        let (questions, queue) = channel::<Question>();
        let queue = Arc::new(Mutex::new(queue));
        let mut ends = Vec::with_capacity(threads.len());
        for connection in threads {
            let queue = Arc::clone(&queue);
            let (ended, end) = answer::channel();
            thread::Builder::new().name("bailee-sqlite-reader".into()).spawn(move || {
                serve(&queue, &connection);
                drop(connection);
                ended.send(());
            })?;
            ends.push(end);
        }
        Ok((Self { pool: Mutex::new(pool), questions }, ends))
    }

    /// Asks on this thread, if a connection is free and nothing is in the way.
    pub(crate) fn inline<T>(&self, question: impl FnOnce(&Connection) -> Result<T>) -> Option<T> {
        let connection = self.pool.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
        let answer = question(&connection);
        self.pool.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        // What fails here (another process recovers the log, say) may be waited for elsewhere.
        answer.ok()
    }

    /// Asks on one of the store's threads.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = answer::channel();
        let question: Question = Box::new(move |connection| reply.send(question(connection)));
        self.questions.send(question).map_err(|_| Fault::Ended)?;
        answer.await.unwrap_or(Err(Fault::Ended))
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").finish_non_exhaustive()
    }
}

fn serve(queue: &Mutex<Receiver<Question>>, connection: &Connection) {
    loop {
        // One thread waits in the queue, the others for their turn to wait.
        let question = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match question {
            Ok(question) => question(connection),
            Err(_) => return,
        }
    }
}

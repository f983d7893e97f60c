//! What this process has begun and must not leave half done: tasks that outlive their callers, and
//! waiting for them when the process is to end.

use std::{
    future::Future,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bailee_core::{ConnectionRef, Error, ErrorKind, Remedy, Result};
use futures_channel::oneshot;

use crate::engine::Engine;

/// When a caller may ask again, another process or this one's successor.
const SOON: Duration = Duration::from_secs(1);

/// The tasks of this process.
#[derive(Debug, Default)]
pub(crate) struct Running(Mutex<Tasks>);

#[derive(Debug, Default)]
struct Tasks {
    count: usize,
    /// Nothing that could wait is begun any more.
    draining: bool,
    waiting: Vec<oneshot::Sender<()>>,
}

impl Running {
    fn tasks(&self) -> std::sync::MutexGuard<'_, Tasks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts as long as it lives, however its task ends.
pub(crate) struct Counted(Engine);

impl Drop for Counted {
    fn drop(&mut self) {
        let mut tasks = self.0.0.running.tasks();
        tasks.count -= 1;
        if tasks.count == 0 {
            for waiting in tasks.waiting.drain(..) {
                // Who waited may have gone.
                let _ = waiting.send(());
            }
        }
    }
}

impl Engine {
    /// Runs something to its end, whatever becomes of whoever wants it.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let begun = self.begin_task();
        self.0.runtime.spawn(Box::pin(async move {
            task.await;
            drop(begun);
        }));
    }

    fn begin_task(&self) -> Counted {
        self.0.running.tasks().count += 1;
        Counted(self.clone())
    }

    /// Begins something that another process can do as well, unless this one is to end.
    pub(crate) fn begin_unless_draining(&self) -> Option<Counted> {
        let mut tasks = self.0.running.tasks();
        if tasks.draining {
            return None;
        }
        tasks.count += 1;
        Some(Counted(self.clone()))
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.0.running.tasks().draining
    }

    /// Refuses a renewal in a process that is to end: there, its answer could be lost.
    pub(crate) fn admit_renewal(&self, connection: &ConnectionRef) -> Result<()> {
        if !self.is_draining() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::ProviderUnavailable)
            .with_detail("this process is ending and renews no more tokens")
            .with_remedy(Remedy::Wait(SOON))
            .with_connection(connection.connection()))
    }

    /// Prepares the end of this process: nothing new is claimed and no renewal is begun, the workers
    /// end, and this waits until everything that was begun has come to its end and what is held in
    /// memory is written.
    ///
    /// Call it when the server takes no more requests, and give it the time that the process has: a
    /// renewal takes as long as its provider, at most a minute, an upload as long as it takes. Whatever
    /// is cut off all the same is found by the other processes as after a crash. It can be called
    /// more than once; there is no way back.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::StoreUnavailable`] when what is held in memory could not be written. Everything
    /// else has come to its end then too.
    pub async fn drain(&self) -> Result<()> {
        let over = {
            let mut tasks = self.0.running.tasks();
            tasks.draining = true;
            (tasks.count > 0).then(|| {
                let (tell, over) = oneshot::channel();
                tasks.waiting.push(tell);
                over
            })
        };
        if let Some(over) = over {
            // The sender stays until it was used.
            let _ = over.await;
        }
        self.0.disclosures.flush().await.map(|_| ())
    }
}

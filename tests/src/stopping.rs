//! A store that a process stops at: what a crash leaves behind.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

use bailee::{Error, ErrorKind, Result, store::Store};
use tokio::sync::watch;

use crate::{Around, Step, Wrapped};

/// What happens at the commit that was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// The process dies before the commit: nothing that it asks of the store is answered again.
    DiesBefore,
    /// The process dies after the commit, before it hears of it.
    DiesAfter,
    /// The store fails this commit and whatever it is asked from then on, until it is disarmed.
    Down,
    /// The store fails this commit and works again.
    Fails,
    /// The store fails this commit and every later one, until it is disarmed; it reads and claims.
    Full,
    /// The commit waits until the test lets it go.
    Waits,
}

/// A store between one process and the real one, which stops the process at a commit.
pub type Stopping = Wrapped<Stops>;

/// What stops it.
#[derive(Clone, Debug)]
pub struct Stops(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// How many commits still go through; negative is for ever.
    left: AtomicI64,
    halt: std::sync::Mutex<Halt>,
    dead: AtomicBool,
    down: AtomicBool,
    reached: watch::Sender<bool>,
    open: watch::Sender<bool>,
}

impl Stopping {
    /// Stands before a store and lets everything through.
    #[must_use]
    pub fn before(store: Arc<dyn Store>) -> Self {
        let stops = Stops(Arc::new(Inner {
            left: AtomicI64::new(-1),
            halt: std::sync::Mutex::new(Halt::Fails),
            dead: AtomicBool::new(false),
            down: AtomicBool::new(false),
            reached: watch::Sender::new(false),
            open: watch::Sender::new(false),
        }));
        Self::over(store, stops)
    }

    /// The real store.
    #[must_use]
    pub fn store(&self) -> Arc<dyn Store> {
        self.inner()
    }
}

impl Stops {
    /// Lets `commits` more commits through and halts at the next.
    ///
    /// # Panics
    ///
    /// When another test panicked here.
    pub fn arm(&self, commits: u32, halt: Halt) {
        *self.0.halt.lock().expect("nobody panics with the lock") = halt;
        self.0.reached.send_replace(false);
        self.0.left.store(i64::from(commits), Ordering::SeqCst);
    }

    /// Lets everything through again that is not dead.
    pub fn disarm(&self) {
        self.0.down.store(false, Ordering::SeqCst);
        self.0.left.store(-1, Ordering::SeqCst);
    }

    /// Waits until the chosen commit is reached.
    pub async fn until_reached(&self) {
        // The sender lives as long as `self`, so the wait cannot end with an error.
        let _ = self.0.reached.subscribe().wait_for(|reached| *reached).await;
    }

    /// Whether the chosen commit was reached.
    #[must_use]
    pub fn reached(&self) -> bool {
        *self.0.reached.borrow()
    }

    /// Lets a commit go that waits.
    pub fn release(&self) {
        self.0.open.send_replace(true);
    }

    /// A dead process hears nothing any more, and a store that is down fails.
    async fn alive(&self) -> Result<()> {
        if self.0.dead.load(Ordering::SeqCst) {
            pending::<()>().await;
        }
        if self.0.down.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::StoreUnavailable));
        }
        Ok(())
    }

    async fn die<T>(&self) -> T {
        self.0.dead.store(true, Ordering::SeqCst);
        self.0.reached.send_replace(true);
        pending().await
    }
}

impl Around for Stops {
    async fn around<T: Send>(
        &self,
        step: Step<'_>,
        taken: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        self.alive().await?;
        let Step::Commit(..) = step else { return taken.await };
        let count = |left: i64| (left >= 0).then(|| left - 1);
        let before = self.0.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, count);
        if before != Ok(0) {
            return taken.await;
        }
        let halt = *self.0.halt.lock().expect("nobody panics with the lock");
        match halt {
            Halt::DiesBefore => self.die().await,
            Halt::DiesAfter => {
                taken.await?;
                self.die().await
            }
            Halt::Down | Halt::Full => {
                // So that the next one stops here as well.
                self.0.left.store(0, Ordering::SeqCst);
                self.0.down.store(halt == Halt::Down, Ordering::SeqCst);
                self.0.reached.send_replace(true);
                Err(Error::new(ErrorKind::StoreUnavailable))
            }
            Halt::Fails => {
                self.0.reached.send_replace(true);
                Err(Error::new(ErrorKind::StoreUnavailable))
            }
            Halt::Waits => {
                self.0.reached.send_replace(true);
                let _ = self.0.open.subscribe().wait_for(|open| *open).await;
                taken.await
            }
        }
    }
}

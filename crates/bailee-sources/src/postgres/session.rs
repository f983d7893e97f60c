//! What is asked of a connection, whichever driver has it.

use async_trait::async_trait;
use bailee_rights::source::Value;

use crate::{fault::Result, statement::Statement};

/// Where transactions come from.
#[async_trait]
pub(super) trait Connections: Send + Sync {
    /// Begins a transaction.
    async fn begin(&self, begin: Begin) -> Result<Box<dyn Session>>;
}

/// A transaction. Dropped before its commit, it is rolled back.
#[async_trait]
pub(super) trait Session: Send {
    /// Does a statement and says how many rows it changed.
    async fn execute(&mut self, statement: &Statement) -> Result<u64>;

    /// Asks for rows, all of them at once: the caller keeps them few. Columns are of the types that
    /// [`Value`] has.
    async fn query(&mut self, statement: &Statement) -> Result<Vec<Vec<Value>>>;

    /// Ends it for good.
    async fn commit(self: Box<Self>) -> Result<()>;
}

/// How a transaction begins.
#[derive(Clone, Copy, Debug)]
pub(super) enum Begin {
    /// Each statement sees what was there when it began: what waits for a lock goes on with the row
    /// as it then is.
    Changing,
    /// All statements see one state of the database.
    Reading,
}

impl Begin {
    pub(super) fn sql(self) -> &'static str {
        match self {
            Self::Changing => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
            Self::Reading => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }
}

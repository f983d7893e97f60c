//! A bounded set of connections.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
};
use tokio_postgres::{Client, Config};

use crate::{
    connector::Connector,
    failure::Failure,
    read::MOST_KEYS,
    statement::{Answer, Prepared, Statement, pipeline},
};

/// Connections that are used by one caller at a time; whoever finds none waits in turn.
pub(crate) struct Pool {
    config: Config,
    connector: Box<dyn Connector>,
    runtime: Handle,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
    /// Whether reads are prepared: whether a connection is the same server process each time.
    prepares: AtomicBool,
}

/// A connection, with what has a name on it.
struct Connection {
    client: Client,
    /// The direct reads, by how many keys they read.
    reads: [Option<Prepared>; MOST_KEYS + 1],
}

/// A connection in the hands of one caller.
///
/// A session that is dropped while the server may still be inside its transaction takes the
/// connection with it, so that no setting and no lock of one caller reaches the next.
pub(crate) struct Session {
    connection: Option<Connection>,
    clean: bool,
    pool: Arc<Pool>,
    _permit: OwnedSemaphorePermit,
}

impl Pool {
    pub(crate) fn new(
        config: Config,
        connector: Box<dyn Connector>,
        runtime: Handle,
        size: usize,
        prepares: bool,
    ) -> Self {
        Self {
            config,
            connector,
            runtime,
            permits: Arc::new(Semaphore::new(size)),
            idle: Mutex::new(Vec::with_capacity(size)),
            prepares: AtomicBool::new(prepares),
        }
    }

    /// Whether reads are prepared.
    pub(crate) fn prepares(&self) -> bool {
        self.prepares.load(Ordering::Relaxed)
    }

    /// Never again: somebody between us and the server changes its connections.
    pub(crate) fn stop_preparing(&self) {
        self.prepares.store(false, Ordering::Relaxed);
    }

    /// A connection, once one is free.
    pub(crate) async fn session(self: &Arc<Self>) -> Result<Session, Failure> {
        let permit =
            self.permits.clone().acquire_owned().await.map_err(|_| Failure::RuntimeGone)?;
        let connection = match self.take_idle() {
            Some(connection) => connection,
            None => Connection { client: self.open().await?, reads: Default::default() },
        };
        Ok(Session {
            connection: Some(connection),
            clean: true,
            pool: self.clone(),
            _permit: permit,
        })
    }

    fn take_idle(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(connection) = idle.pop() {
            if !connection.client.is_closed() {
                return Some(connection);
            }
        }
        None
    }

    /// Opens a connection in a task on the runtime under which the store was connected, and lets
    /// that task drive it. A caller who goes away meanwhile leaves the connection to end.
    pub(crate) async fn open(&self) -> Result<Client, Failure> {
        let opening = self.connector.open(self.config.clone());
        let (sender, receiver) = oneshot::channel();
        self.runtime.spawn(async move {
            match opening.await {
                Ok((client, driving)) => {
                    if sender.send(Ok(client)).is_ok() {
                        driving.await;
                    }
                }
                Err(error) => {
                    // Whoever asked may be gone.
                    let _ = sender.send(Err(Failure::of_connecting(&error)));
                }
            }
        });
        receiver.await.map_err(|_| Failure::RuntimeGone)?
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("connector", &self.connector).finish_non_exhaustive()
    }
}

impl Session {
    /// One statement that is a transaction of its own.
    pub(crate) async fn ask(&mut self, statement: &Statement<'_>) -> Result<Answer, Failure> {
        self.clean = false;
        let answer = statement.send(self.client()?).await;
        // A statement that the server refused has ended its transaction too.
        self.clean = !matches!(answer, Err(Failure::Lost));
        answer
    }

    /// The direct read of so many keys, a transaction of its own. The first one on a connection
    /// takes a round trip more, which prepares it.
    pub(crate) async fn ask_directly(
        &mut self,
        keys: usize,
        statement: &Statement<'_>,
    ) -> Result<Answer, Failure> {
        let connection = self.connection.as_mut().ok_or(Failure::Lost)?;
        let place = connection.reads.get_mut(keys).ok_or(Failure::StrangeRow)?;
        self.clean = false;
        let answer = async {
            let prepared = match place {
                Some(prepared) => prepared,
                None => place.insert(statement.prepare(&connection.client).await?),
            };
            statement.send_as(prepared, &connection.client).await
        };
        let answer = answer.await;
        // What the server refused has ended its transaction too.
        self.clean = !matches!(answer, Err(Failure::Lost));
        answer
    }

    /// A whole transaction in one round trip, BEGIN and COMMIT included: when a statement fails,
    /// the server takes the COMMIT for a ROLLBACK. The answers are those of the statements.
    pub(crate) async fn transact(
        &mut self,
        statements: Vec<Statement<'_>>,
    ) -> Result<Vec<Answer>, Failure> {
        let mut all = Vec::with_capacity(statements.len() + 2);
        all.push(Statement::new(BEGIN));
        all.extend(statements);
        all.push(Statement::new(COMMIT));
        self.clean = false;
        let mut answers = pipeline(self.client()?, &all).await;
        // The transaction is over when its last statement was answered, whichever way it went.
        self.clean = answers.pop().is_some_and(|end| end.is_ok());
        let mut answers: Vec<_> = answers.into_iter().collect::<Result<_, _>>()?;
        answers.remove(0);
        Ok(answers)
    }

    /// Begins a transaction and does these statements in it, in one round trip. What follows is
    /// `commit` or `roll_back`.
    pub(crate) async fn begin(
        &mut self,
        statements: Vec<Statement<'_>>,
    ) -> Result<Vec<Result<Answer, Failure>>, Failure> {
        let mut all = Vec::with_capacity(statements.len() + 1);
        all.push(Statement::new(BEGIN));
        all.extend(statements);
        self.clean = false;
        let mut answers = pipeline(self.client()?, &all).await;
        answers.remove(0)?;
        Ok(answers)
    }

    pub(crate) async fn commit(&mut self) -> Result<(), Failure> {
        Statement::new(COMMIT).send(self.client()?).await?;
        self.clean = true;
        Ok(())
    }

    /// Undoes what `begin` began. A failure here leaves the connection to end, which undoes it
    /// too.
    pub(crate) async fn roll_back(&mut self) {
        if let Ok(client) = self.client()
            && Statement::new("ROLLBACK").send(client).await.is_ok()
        {
            self.clean = true;
        }
    }

    fn client(&self) -> Result<&Client, Failure> {
        self.connection.as_ref().map(|connection| &connection.client).ok_or(Failure::Lost)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take()
            && self.clean
            && !connection.client.is_closed()
        {
            self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
}

/// The level is named: the contract is proved for this one, whatever the database's default is.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

const COMMIT: &str = "COMMIT";

//! The host's connections by tokio-postgres.

use std::{
    fmt,
    ops::DerefMut,
    sync::Arc,
    task::{Context, Waker},
};

use async_trait::async_trait;
use bailee_core::Result;
use bailee_rights::source::Value;
use tokio_postgres::{
    Client, Row,
    types::{ToSql, Type},
};

use super::{
    session::{Begin, Connections, Session},
    state::State,
};
use crate::{
    fault::{self, Fault},
    statement::{Bound, Statement},
};

/// A connection of the host's, for the length of one call. Dropping it gives it back.
pub trait PostgresClient: DerefMut<Target = Client> + Send + Sync {}

impl<C: DerefMut<Target = Client> + Send + Sync> PostgresClient for C {}

/// Where connections come from: a host's pool, or whatever opens one. TLS and the role are its
/// choice.
///
/// A connection *must not* be in a transaction, and *must not* be used by anybody else until it was
/// dropped. What drives it is the host's. Waiting for one *should* have a limit.
#[async_trait]
pub trait PostgresClients: Send + Sync {
    /// A connection.
    ///
    /// # Errors
    ///
    /// None was to be had.
    async fn client(&self) -> Result<Box<dyn PostgresClient>>;
}

pub(super) struct Clients(pub(super) Arc<dyn PostgresClients>);

#[async_trait]
impl Connections for Clients {
    async fn begin(&self, begin: Begin) -> fault::Result<Box<dyn Session>> {
        let client = self.0.client().await?;
        // From here on a call that is dropped rolls back, also while the server begins.
        let transaction = Transaction { client, open: true };
        transaction.client.batch_execute(begin.sql()).await.map_err(failed)?;
        Ok(Box::new(transaction))
    }
}

struct Transaction {
    client: Box<dyn PostgresClient>,
    open: bool,
}

#[async_trait]
impl Session for Transaction {
    async fn execute(&mut self, statement: &Statement) -> fault::Result<u64> {
        let values = typed(&statement.values);
        self.client.execute_typed(&statement.sql, &values).await.map_err(failed)
    }

    async fn query(&mut self, statement: &Statement) -> fault::Result<Vec<Vec<Value>>> {
        let values = typed(&statement.values);
        let rows = self.client.query_typed(&statement.sql, &values).await.map_err(failed)?;
        rows.iter().map(read).collect()
    }

    async fn commit(mut self: Box<Self>) -> fault::Result<()> {
        self.client.batch_execute("COMMIT").await.map_err(failed)?;
        self.open = false;
        Ok(())
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if !self.open {
            return;
        }
        // The first poll sends it, before anything that the next user of the connection sends. The
        // answer is nobody's.
        let mut rolling = Box::pin(self.client.batch_execute("ROLLBACK"));
        let _ = rolling.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }
}

impl fmt::Debug for dyn PostgresClients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PostgresClients")
    }
}

impl fmt::Debug for dyn PostgresClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PostgresClient")
    }
}

fn typed(values: &[Bound]) -> Vec<(&(dyn ToSql + Sync), Type)> {
    fn one(value: &Bound) -> (&(dyn ToSql + Sync), Type) {
        match value {
            Bound::Bytes(bytes) => (bytes, Type::BYTEA),
            Bound::Integer(number) => (number, Type::INT8),
            // Statements have a word for it and no place.
            Bound::Null => (&None::<String>, Type::TEXT),
            Bound::Real(number) => (number, Type::FLOAT8),
            Bound::Text(text) => (text, Type::TEXT),
        }
    }
    values.iter().map(one).collect()
}

fn read(row: &Row) -> fault::Result<Vec<Value>> {
    let columns = row.columns().iter().enumerate();
    let value = |(at, column): (usize, &tokio_postgres::Column)| {
        let read = match *column.type_() {
            Type::BOOL => row.try_get::<_, Option<bool>>(at).map(|bit| bit.map(Value::Bool)),
            Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(at).map(|all| all.map(Value::Bytes)),
            Type::FLOAT8 => row.try_get::<_, Option<f64>>(at).map(|one| one.map(Value::Real)),
            Type::INT8 => row.try_get::<_, Option<i64>>(at).map(|one| one.map(Value::Integer)),
            _ => row.try_get::<_, Option<String>>(at).map(|text| text.map(Value::Text)),
        };
        Ok(read.map_err(|_| Fault::Value)?.unwrap_or(Value::Null))
    };
    columns.map(value).collect()
}

fn failed(error: tokio_postgres::Error) -> Fault {
    State::of(error.code().map(|state| state.code())).into()
}

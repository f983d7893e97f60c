//! The host's connections by sqlx.

use async_trait::async_trait;
use bailee_rights::source::Value;
use sqlx::{
    Column as _, Executor as _, PgPool, Postgres, Row as _, Transaction, TypeInfo as _,
    postgres::{PgArguments, PgRow},
    query::Query,
};

use super::{
    session::{Begin, Connections, Session},
    state::State,
};
use crate::{
    fault::{Fault, Result},
    statement::{Bound, Statement},
};

#[async_trait]
impl Connections for PgPool {
    async fn begin(&self, begin: Begin) -> Result<Box<dyn Session>> {
        Ok(Box::new(self.begin_with(begin.sql()).await.map_err(failed)?))
    }
}

#[async_trait]
impl Session for Transaction<'static, Postgres> {
    async fn execute(&mut self, statement: &Statement) -> Result<u64> {
        let done = (**self).execute(bound(statement)).await.map_err(failed)?;
        Ok(done.rows_affected())
    }

    async fn query(&mut self, statement: &Statement) -> Result<Vec<Vec<Value>>> {
        let rows = (**self).fetch_all(bound(statement)).await.map_err(failed)?;
        rows.iter().map(read).collect()
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        Transaction::commit(*self).await.map_err(failed)
    }
}

fn bound(statement: &Statement) -> Query<'_, Postgres, PgArguments> {
    // Nothing of one call is of use to the next on a connection of the host's.
    let query = sqlx::query(&statement.sql).persistent(false);
    statement.values.iter().fold(query, |query, value| match value {
        Bound::Bytes(bytes) => query.bind(bytes),
        Bound::Integer(number) => query.bind(number),
        // Statements have a word for it and no place.
        Bound::Null => query.bind(None::<String>),
        Bound::Real(number) => query.bind(number),
        Bound::Text(text) => query.bind(text),
    })
}

fn read(row: &PgRow) -> Result<Vec<Value>> {
    let value = |(at, column): (usize, &sqlx::postgres::PgColumn)| {
        let read = match column.type_info().name() {
            "BOOL" => row.try_get::<Option<bool>, _>(at).map(|bit| bit.map(Value::Bool)),
            "BYTEA" => row.try_get::<Option<Vec<u8>>, _>(at).map(|all| all.map(Value::Bytes)),
            "FLOAT8" => row.try_get::<Option<f64>, _>(at).map(|one| one.map(Value::Real)),
            "INT8" => row.try_get::<Option<i64>, _>(at).map(|one| one.map(Value::Integer)),
            _ => row.try_get::<Option<String>, _>(at).map(|text| text.map(Value::Text)),
        };
        Ok(read.map_err(|_| Fault::Value)?.unwrap_or(Value::Null))
    };
    row.columns().iter().enumerate().map(value).collect()
}

fn failed(error: sqlx::Error) -> Fault {
    let state = error.as_database_error().and_then(|error| error.code());
    State::of(state.as_deref()).into()
}

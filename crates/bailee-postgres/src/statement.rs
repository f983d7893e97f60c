//! A statement with its parameters, and several of them in one round trip.

use std::{error::Error, fmt, future::Future, pin::Pin, task::Poll};

use bytes::BytesMut;
use futures_util::{TryStreamExt, future::MaybeDone};
use tokio_postgres::{
    Client, Row,
    types::{FromSql, IsNull, ToSql, Type},
};

use bailee_core::{Id, Timestamp};

use crate::{
    failure::Failure,
    value::{Time, Uuid},
};

/// A text of this crate and parameters for it. The text is never put together at run time.
///
/// Statements go unnamed and with their types: one round trip without a preparation, also through
/// a pooler that changes the server connection with each transaction. The one exception is the
/// direct read ([`crate::read`]), which is prepared once for each connection. (The driver's calls of
/// prepared statements print their parameters at the debug level; ours show nothing there.)
pub(crate) struct Statement<'a> {
    sql: &'static str,
    parameters: Vec<(Box<dyn ToSql + Sync + Send + 'a>, Type)>,
}

/// What the server answered.
pub(crate) struct Answer {
    pub(crate) rows: Vec<Row>,
    /// How many rows the statement touched.
    pub(crate) count: u64,
}

impl<'a> Statement<'a> {
    pub(crate) fn new(sql: &'static str) -> Self {
        Self { sql, parameters: Vec::new() }
    }

    pub(crate) fn text(self, text: impl Into<Option<&'a str>>) -> Self {
        self.with(text.into(), Type::TEXT)
    }

    pub(crate) fn texts(self, texts: Vec<&'a str>) -> Self {
        self.with(texts, Type::TEXT_ARRAY)
    }

    pub(crate) fn id(self, id: impl Into<Option<Id>>) -> Self {
        self.with(id.into().map(Uuid), Type::UUID)
    }

    pub(crate) fn ids(self, ids: impl IntoIterator<Item = Id>) -> Self {
        self.with(ids.into_iter().map(Uuid).collect::<Vec<_>>(), Type::UUID_ARRAY)
    }

    pub(crate) fn time(self, time: impl Into<Option<Timestamp>>) -> Self {
        self.with(time.into().map(Time), Type::TIMESTAMPTZ)
    }

    pub(crate) fn small(self, number: impl Into<Option<i16>>) -> Self {
        self.with(number.into(), Type::INT2)
    }

    pub(crate) fn number(self, number: impl Into<Option<i64>>) -> Self {
        self.with(number.into(), Type::INT8)
    }

    pub(crate) fn bytes(self, bytes: &'a [u8]) -> Self {
        self.with(bytes, Type::BYTEA)
    }

    pub(crate) fn with(mut self, value: impl ToSql + Sync + Send + 'a, of: Type) -> Self {
        self.parameters.push((Box::new(value), of));
        self
    }

    pub(crate) async fn send(&self, client: &Client) -> Result<Answer, Failure> {
        let parameters = self
            .parameters
            .iter()
            .map(|(value, of)| (value.as_ref() as &(dyn ToSql + Sync), of.clone()));
        let answer = async {
            let stream = client.query_typed_raw(self.sql, parameters).await?;
            let mut stream = std::pin::pin!(stream);
            let mut rows = Vec::new();
            while let Some(row) = stream.try_next().await? {
                rows.push(row);
            }
            let count = stream.rows_affected().unwrap_or(0);
            Ok(Answer { rows, count })
        };
        answer.await.map_err(|error: tokio_postgres::Error| Failure::of(&error))
    }

    /// Gives it a name on a connection, so that the server parses and plans it once.
    pub(crate) async fn prepare(&self, client: &Client) -> Result<Prepared, Failure> {
        let types: Vec<Type> = self.parameters.iter().map(|(_, of)| of.clone()).collect();
        client.prepare_typed(self.sql, &types).await.map_err(|error| Failure::of(&error))
    }

    /// Sends what was prepared from the same text, with these parameters.
    pub(crate) async fn send_as(
        &self,
        prepared: &Prepared,
        client: &Client,
    ) -> Result<Answer, Failure> {
        let parameters = self.parameters.iter().map(|(value, _)| Unshown(value.as_ref()));
        let answer = async {
            let stream = client.query_raw(prepared, parameters).await?;
            let mut stream = std::pin::pin!(stream);
            let mut rows = Vec::with_capacity(4);
            while let Some(row) = stream.try_next().await? {
                rows.push(row);
            }
            let count = stream.rows_affected().unwrap_or(0);
            Ok(Answer { rows, count })
        };
        answer.await.map_err(|error: tokio_postgres::Error| Failure::of(&error))
    }
}

/// A statement that has a name on one connection.
pub(crate) type Prepared = tokio_postgres::Statement;

/// A parameter that the driver's log shows nothing of.
struct Unshown<'a>(&'a (dyn ToSql + Sync));

impl fmt::Debug for Unshown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

impl ToSql for Unshown<'_> {
    fn to_sql(
        &self,
        of: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        self.0.to_sql_checked(of, out)
    }

    fn accepts(_: &Type) -> bool {
        // What is inside is asked by `to_sql_checked`.
        true
    }

    fn to_sql_checked(
        &self,
        of: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        self.0.to_sql_checked(of, out)
    }
}

/// Sends statements without waiting in between and collects their answers, in this order.
///
/// The driver sends a statement when its future is polled for the first time, so all of them are
/// polled once, one after the other, before any is waited for.
pub(crate) async fn pipeline(
    client: &Client,
    statements: &[Statement<'_>],
) -> Vec<Result<Answer, Failure>> {
    let mut answers: Vec<Pin<Box<MaybeDone<_>>>> = statements
        .iter()
        .map(|statement| Box::pin(futures_util::future::maybe_done(statement.send(client))))
        .collect();
    std::future::poll_fn(|context| {
        for answer in &mut answers {
            // Whether it is done already is looked at below.
            let _ = answer.as_mut().poll(context);
        }
        Poll::Ready(())
    })
    .await;
    let mut collected = Vec::with_capacity(answers.len());
    for mut answer in answers {
        answer.as_mut().await;
        collected.push(answer.as_mut().take_output().unwrap_or(Err(Failure::Lost)));
    }
    collected
}

/// A column of a row.
pub(crate) fn get<'a, T: FromSql<'a>>(row: &'a Row, column: usize) -> Result<T, Failure> {
    row.try_get(column).map_err(|_| Failure::StrangeRow)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sec_08_the_drivers_log_shows_nothing_of_a_parameter() {
        let text = "canary";
        assert_eq!(format!("{:?}", [Unshown(&text)]), "[..]");
    }
}

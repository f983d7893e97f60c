#![doc = include_str!("../README.md")]

#[cfg(any(feature = "postgres", feature = "sqlite", feature = "sqlx"))]
mod fault;
#[cfg(feature = "sqlite")]
mod handoff;
#[cfg(any(feature = "object-store", feature = "postgres", feature = "sqlite", feature = "sqlx"))]
mod ids;
#[cfg_attr(
    not(any(feature = "postgres", feature = "sqlite", feature = "sqlx")),
    expect(dead_code, reason = "without a database a mapping is only checked")
)]
mod mapping;
#[cfg(feature = "object-store")]
mod objects;
#[cfg(any(feature = "postgres", feature = "sqlx"))]
mod postgres;
mod problem;
#[cfg(any(feature = "postgres", feature = "sqlite", feature = "sqlx"))]
mod pseudonym;
#[cfg(any(feature = "postgres", feature = "sqlite", feature = "sqlx"))]
mod row;
#[cfg(any(feature = "postgres", feature = "sqlite", feature = "sqlx"))]
mod schema;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(any(feature = "postgres", feature = "sqlite", feature = "sqlx"))]
mod statement;

pub use mapping::Mapping;
#[cfg(feature = "object-store")]
pub use objects::{ObjectSource, People};
#[cfg(any(feature = "postgres", feature = "sqlx"))]
pub use postgres::PostgresSource;
#[cfg(feature = "postgres")]
pub use postgres::{PostgresClient, PostgresClients};
pub use problem::{Problem, Problems};
#[cfg(any(feature = "postgres", feature = "sqlite", feature = "sqlx"))]
pub use pseudonym::PseudonymKey;
#[cfg(feature = "sqlite")]
pub use sqlite::{Blocking, Job, SqliteSource};

//! Tables in a PostgreSQL database.

#[cfg(feature = "postgres")]
mod clients;
mod layout;
mod session;
mod source;
#[cfg(feature = "sqlx")]
mod sqlx;
mod state;
mod work;

#[cfg(feature = "postgres")]
pub use clients::{PostgresClient, PostgresClients};
pub use source::PostgresSource;
pub(crate) use state::State;

#![doc = include_str!("../README.md")]

mod builder;
mod claim;
mod commit;
mod connector;
mod failure;
mod inspection;
mod log;
mod migration;
mod pool;
mod read;
mod statement;
mod store;
mod sweep;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "rustls")]
mod tls;
mod value;

pub use builder::Builder;
pub use migration::{MIGRATIONS, Migration, ROLES, migrations_sql};
pub use store::PostgresStore;

#[doc = include_str!("../ENGINES.md")]
pub mod engines {}

#![doc = include_str!("../README.md")]

mod answer;
mod builder;
mod claim;
mod commit;
mod connection;
mod fault;
mod file;
mod find;
mod log;
mod migration;
mod read;
mod readers;
mod row;
mod store;
mod sweep;
mod writer;

pub use builder::SqliteStoreBuilder;
pub use store::SqliteStore;

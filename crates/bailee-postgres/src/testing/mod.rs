//! A private PostgreSQL for tests: real row security, real roles, real locks.
//!
//! [`Cluster::shared`] makes a cluster once per test process out of the installed programs
//! (Debian and Ubuntu: `postgresql-15`, `postgresql-16`, …); [`Cluster::database`] gives each test
//! a database of its own, migrated, in some tens of milliseconds. Nothing is skipped: where no
//! PostgreSQL is installed, the error says which package to install.
//!
//! Only for tests: it spawns processes, and the cluster does not survive a crash of the machine.

mod cluster;
mod database;
mod link;
mod programs;

pub use cluster::Cluster;
pub use database::Database;
pub use link::{Cut, Link};

#![doc = include_str!("../README.md")]

#[cfg(feature = "sqlite")]
mod handoff;
#[cfg_attr(
    not(feature = "sqlite"),
    expect(dead_code, reason = "without a database a mapping is only checked")
)]
mod mapping;
mod problem;
#[cfg(feature = "sqlite")]
mod pseudonym;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "sqlite")]
mod statement;

pub use mapping::Mapping;
pub use problem::{Problem, Problems};
#[cfg(feature = "sqlite")]
pub use pseudonym::PseudonymKey;
#[cfg(feature = "sqlite")]
pub use sqlite::{Blocking, Job, SqliteSource};

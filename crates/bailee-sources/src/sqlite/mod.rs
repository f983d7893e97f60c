//! Tables in an SQLite database.

mod blocking;
mod fault;
mod schema;
mod session;
mod source;

pub use blocking::{Blocking, Job};
pub use source::SqliteSource;

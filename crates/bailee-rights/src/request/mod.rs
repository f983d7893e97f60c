//! Requests of people about their data.

mod reason;
mod right;

pub use reason::Reason;
pub use right::Right;

//! What the measurements share: a service with many live connections, a meter, medians.
//!
//! Each figure compares two things that take turns in one run, so that a busy machine slows down
//! both, and is the median of many rounds. `BENCHMARKS.md` at the root names the command beside
//! each figure.

mod meter;
mod service;

pub use meter::{Meter, Round, median, wanted};
pub use service::{Look, PUBLISH, Service};

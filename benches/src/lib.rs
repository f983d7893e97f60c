//! What the measurements share: a service with many live connections, a meter, medians.
//!
//! Each figure compares two things that take turns in one run, so that a busy machine slows down
//! both, and is the median of many rounds. `BENCHMARKS.md` at the root names the command beside
//! each figure.

mod bare;
mod meter;
mod service;
mod share;

pub use bare::{Uuid, bare};
pub use meter::{Meter, Round, median, sizes, wanted};
pub use service::{Look, PUBLISH, Service};
pub use share::share;

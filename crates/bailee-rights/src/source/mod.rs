//! Where a host's own data lies: the seam behind which rows are found, shown, corrected, restricted
//! and erased, and the second look that says whether all of it was.
//!
//! A host implements [`DataSource`] for what only it knows how to reach; for SQL tables
//! `bailee-sources` does it from a mapping. Nobody has to trust an implementation: the suite in
//! `conformance` (a feature) asks each promise of it.

#[cfg(feature = "conformance")]
pub mod conformance;
mod correction;
mod count;
mod data_source;
mod facts;
mod look;
#[cfg(feature = "conformance")]
mod memory;
mod no_rows;
mod row;
mod sources;
mod step;
mod supplement;
mod whose;

pub use correction::Correction;
pub use count::{Count, TableCount};
pub use data_source::DataSource;
pub use facts::{FieldFacts, Kept, SourceFacts, Strategy, TableFacts};
pub(crate) use look::whole;
pub use look::{Remaining, SecondLook, SourceAnswer, TableRemaining};
#[cfg(feature = "conformance")]
pub use memory::{Manner, MemorySource};
pub(crate) use no_rows::NoRows;
pub use row::{Gathered, RowSink, SourceRow, Value};
pub use sources::Sources;
pub use step::{Step, Touched};
pub use supplement::Supplement;
pub use whose::Whose;

//! Copies of people's data, to be fetched once and then gone.
//!
//! A package is a ZIP file that a person can open anywhere: for each table a file of JSON Lines and one
//! for spreadsheets, with a manifest for machines, a page for people and the information of Art. 15(1)
//! GDPR. It is made source by source: each becomes a [`Segment`] in the host's [`Spool`], in constant
//! memory, committed by the caller under its fence; a process that dies loses the segment that it was
//! at. [`Packages::close`] writes the rest and the directory over all segments, and the result is read
//! from any place on ([`Package`]), so that a download goes on where it broke off.
//!
//! - Nothing of it lies in the spool unsealed. Every frame is sealed under the key of the person whose
//!   data it is, in its own place: an erasure of the person ends the package as well.
//! - What is another person's is masked (Art. 15(4) GDPR); with [`Right::Portability`] only what is
//!   portable is in it (Art. 20 GDPR).
//! - A package is fetched over a link that is secret, ends, and opens for its person alone ([`Links`]).
//! - [`stream`] makes the same file directly into whatever takes bytes, without a spool.
//!
//! [`Right::Portability`]: crate::request::Right::Portability

#[cfg(feature = "age")]
mod age;
mod byte_sink;
mod close;
mod collect;
#[cfg(feature = "conformance")]
pub mod conformance;
mod directory;
mod index;
mod links;
mod manifest;
#[cfg(feature = "conformance")]
mod memory;
mod object_name;
mod order;
mod packages;
mod page;
mod path;
mod piece;
mod range;
mod reader;
mod segment;
mod spool;
mod stream;
mod value;
mod wrap;
mod zip;

#[cfg(feature = "age")]
pub use age::AgeRecipient;
pub use byte_sink::ByteSink;
pub use close::{CloseStep, Closing, PartlyClosed};
pub use directory::DirectorySpool;
pub use links::{Fetch, Link, LinkToken, Links};
#[cfg(feature = "conformance")]
pub use memory::MemorySpool;
pub use object_name::ObjectName;
pub use order::Order;
pub use packages::Packages;
pub use piece::Piece;
pub use range::RangeAnswer;
pub use reader::{Form, Package, Part, StoredPackage};
pub use segment::{Segment, Strand};
pub use spool::{Spool, SpoolWriter};
pub use stream::{Streamed, stream};

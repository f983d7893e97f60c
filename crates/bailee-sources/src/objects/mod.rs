//! Objects in an object store.

mod source;
mod template;

pub use source::ObjectSource;
pub use template::People;

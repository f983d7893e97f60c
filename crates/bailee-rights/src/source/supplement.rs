//! A statement that completes data (Art. 16 GDPR, second sentence).

use std::fmt;

/// What a person says beside one of their rows that is incomplete.
#[derive(Clone, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "a statement has all of this")]
pub struct Supplement {
    /// The table.
    pub table: String,
    /// The row, by the key that a collection gave it.
    pub key: String,
    /// What they say.
    pub text: String,
}

impl fmt::Debug for Supplement {
    /// Without what they say.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supplement").field("table", &self.table).finish_non_exhaustive()
    }
}

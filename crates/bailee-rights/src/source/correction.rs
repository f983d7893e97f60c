//! One value that is put right (Art. 16 GDPR).

use super::Value;

/// A new value for one field of one row. The row has to be the person's.
#[derive(Clone, Debug, PartialEq)]
pub struct Correction {
    /// The table.
    pub table: String,
    /// The row, by the key that a collection gave it.
    pub key: String,
    /// The field.
    pub field: String,
    /// What it shall hold.
    pub value: Value,
}

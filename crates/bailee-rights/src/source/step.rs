//! One bounded step of something that changes rows.

/// What one step did. The caller notes it before it asks for the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// The tables that were changed, with how many rows of each.
    pub touched: Vec<Touched>,
    /// Whether there may be more to do. A caller asks until there is not.
    pub more: bool,
}

/// How many rows of a table were changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touched {
    /// The table.
    pub table: String,
    /// The rows.
    pub rows: u64,
}

impl Step {
    /// How many rows were changed in all.
    pub fn rows(&self) -> u64 {
        self.touched.iter().map(|touched| touched.rows).sum()
    }
}

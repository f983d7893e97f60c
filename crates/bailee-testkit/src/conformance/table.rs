//! The table of adapters and cases, as Markdown.

use std::fmt::Write;

use super::{Case, Outcome, Report};

/// The head of the table.
pub fn head() -> String {
    let mut text = String::from("| |");
    for case in Case::ALL {
        // Writing to a string does not fail.
        let _ = write!(text, " {} |", case.title());
    }
    text.push_str("\n|---|");
    text.push_str(&"---|".repeat(Case::ALL.len()));
    text
}

impl Report {
    /// The adapter's line of the table. What does not apply stands there with its reason.
    pub fn row(&self) -> String {
        let mut text = format!("| {} |", self.title);
        for (_, outcome) in &self.outcomes {
            let _ = match outcome {
                Outcome::NotApplicable(reason) => write!(text, " – {reason} |"),
                Outcome::Passed => write!(text, " ✓ |"),
            };
        }
        text
    }
}

//! What is wrong with a mapping: where, what, and how to mend it.

use std::{error::Error as StdError, fmt, ops::Range};

use bailee_core::{Error, ErrorKind};

/// One thing that is wrong with a mapping.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Problem {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong or missing, as a clause.
    pub what: String,
    /// How to mend it, as a clause.
    pub mend: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, what, mend } = self;
        write!(f, "line {line}: {what}; {mend}")
    }
}

/// Everything that is wrong with a mapping, in the order of its text. Never empty.
///
/// It is the source of the [`Error`] that [`Mapping::parse`](crate::Mapping::parse) gives. `Display`
/// writes a line for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// The problems.
    pub fn list(&self) -> &[Problem] {
        &self.0
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            fmt::Display::fmt(problem, f)?;
        }
        Ok(())
    }
}

impl StdError for Problems {}

impl From<Problems> for Error {
    fn from(problems: Problems) -> Self {
        let detail = match problems.list() {
            [only] => format!("the mapping, {only}"),
            [first, rest @ ..] => format!("the mapping, {first} (and {} more)", rest.len()),
            [] => String::from("the mapping"),
        };
        Self::new(ErrorKind::Configuration).with_detail(detail).with_source(problems)
    }
}

/// Collects problems while a text is read.
pub(crate) struct Report<'a> {
    text: &'a str,
    problems: Vec<Problem>,
}

impl<'a> Report<'a> {
    pub(crate) fn on(text: &'a str) -> Self {
        Self { text, problems: Vec::new() }
    }

    pub(crate) fn add(
        &mut self,
        span: &Range<usize>,
        what: impl Into<String>,
        mend: impl Into<String>,
    ) {
        let before = self.text.as_bytes().iter().take(span.start);
        let line = 1 + before.filter(|byte| **byte == b'\n').count();
        self.problems.push(Problem { line, what: what.into(), mend: mend.into() });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// The problems that there are.
    pub(crate) fn finish(mut self) -> Problems {
        self.problems.sort();
        self.problems.dedup();
        Problems(self.problems)
    }
}

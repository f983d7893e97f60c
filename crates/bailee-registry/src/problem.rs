//! What is wrong with a declaration: where, what, and how to mend it.

use std::{error::Error as StdError, fmt, ops::Range};

use bailee_core::{Error, ErrorKind};

/// A place in a declaration's text, both counted from 1. Columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// One thing that is wrong with a declaration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Problem {
    /// Where.
    pub position: Position,
    /// What is wrong or missing, as a clause.
    pub what: String,
    /// How to mend it, as a clause.
    pub mend: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { position: Position { line, column }, what, mend } = self;
        write!(f, "line {line}, column {column}: {what}; {mend}")
    }
}

/// Everything that is wrong with a declaration or an overlay, in the order of its text. Never empty.
///
/// It is the source of the [`Error`] that [`Declaration::parse`](crate::Declaration::parse) and
/// [`Overlay::parse`](crate::versions::Overlay::parse) give.
/// `Display` writes a line for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// The problems.
    pub fn list(&self) -> &[Problem] {
        &self.0
    }

    /// The error that they are, of a text that is called so.
    pub(crate) fn of(self, text: &str) -> Error {
        let detail = match self.list() {
            [only] => format!("{text}, {only}"),
            [first, rest @ ..] => format!("{text}, {first} (and {} more)", rest.len()),
            [] => text.to_owned(),
        };
        Error::new(ErrorKind::Configuration).with_detail(detail).with_source(self)
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
        problems.of("the declaration")
    }
}

/// Collects problems while a text is read.
pub(crate) struct Report {
    /// The offset of the first byte of each line.
    lines: Vec<usize>,
    text: String,
    problems: Vec<Problem>,
}

impl Report {
    pub(crate) fn on(text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        Self { lines, text: text.to_owned(), problems: Vec::new() }
    }

    pub(crate) fn position(&self, at: usize) -> Position {
        let at = at.min(self.text.len());
        let line = self.lines.partition_point(|start| *start <= at);
        let start = self.lines[line - 1];
        let before = String::from_utf8_lossy(&self.text.as_bytes()[start..at]);
        Position { line, column: before.chars().count() + 1 }
    }

    pub(crate) fn add(
        &mut self,
        span: &Range<usize>,
        what: impl Into<String>,
        mend: impl Into<String>,
    ) {
        let position = self.position(span.start);
        self.problems.push(Problem { position, what: what.into(), mend: mend.into() });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// The value, unless there were problems.
    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<T, Problems> {
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(sorted(self.problems)),
        }
    }
}

/// Problems found after the text was read, at positions kept from then.
pub(crate) fn sorted(mut problems: Vec<Problem>) -> Problems {
    problems.sort();
    problems.dedup();
    Problems(problems)
}

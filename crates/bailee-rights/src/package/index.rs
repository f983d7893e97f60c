//! What is in a segment, line by line beside its data, so that no record grows with it.

use bailee_core::{Error, ErrorKind, Result};
use bailee_registry::DataOrigin;
use serde::{Deserialize, Serialize};

use super::{ByteSink, piece::PieceReader, zip::Entry};
use crate::hex;

/// A line of an index.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Line {
    /// An entry of the ZIP file.
    #[serde(rename = "e")]
    Entry(Entry),
    /// A table, after all entries.
    #[serde(rename = "t")]
    Table(Table),
}

/// A table as it was collected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) data_set: String,
    /// How many rows came. All of them, whatever of them is in the package.
    pub(super) rows: u64,
    /// The file with its rows; none where no field of it is in scope.
    pub(super) jsonl: Option<FileFacts>,
    pub(super) csv: Option<FileFacts>,
    /// How many values are files of their own.
    pub(super) files: u64,
    pub(super) fields: Vec<Column>,
}

/// A file of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileFacts {
    pub(super) path: String,
    pub(super) bytes: u64,
    #[serde(with = "hex")]
    pub(super) sha256: [u8; 32],
}

/// A field of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) category: String,
    pub(super) origin: String,
    /// By whom it was given, where that was somebody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<String>,
    /// Whether it is another person's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) masked: bool,
    /// Whether its values are in the package.
    pub(super) included: bool,
}

/// The word for an origin, and who gave it.
pub(super) fn origin(origin: &DataOrigin) -> (&'static str, Option<String>) {
    match origin {
        DataOrigin::Derived => ("derived", None),
        DataOrigin::Inferred => ("inferred", None),
        DataOrigin::Observed => ("observed", None),
        DataOrigin::Obtained { from } => ("obtained", Some(from.clone())),
        DataOrigin::Provided => ("provided", None),
        _ => ("other", None),
    }
}

/// Writes a line.
pub(super) async fn write(sink: &mut dyn ByteSink, line: &Line) -> Result<()> {
    let mut bytes = serde_json::to_vec(line).map_err(|_| unreadable())?;
    bytes.push(b'\n');
    sink.take(&bytes).await
}

/// Where an index is read from.
pub(super) enum Source<'a> {
    Memory(&'a [u8]),
    Piece(PieceReader<'a>),
}

/// Reads an index line by line.
pub(super) struct Lines<'a> {
    source: Source<'a>,
    read: Vec<u8>,
    at: usize,
    /// How many bytes the lines had that were read.
    passed: u64,
}

impl<'a> Lines<'a> {
    pub(super) fn new(source: Source<'a>) -> Self {
        Self { source, read: Vec::new(), at: 0, passed: 0 }
    }

    /// How many bytes the lines had that it gave.
    pub(super) fn passed(&self) -> u64 {
        self.passed
    }

    /// The next line; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Line>> {
        loop {
            let rest = &self.read[self.at..];
            if let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line = serde_json::from_slice(&rest[..end]).map_err(|_| unreadable())?;
                self.at += end + 1;
                self.passed += end as u64 + 1;
                return Ok(Some(line));
            }
            self.read.drain(..self.at);
            self.at = 0;
            let more = match &mut self.source {
                Source::Memory(bytes) => {
                    let (now, later) = bytes.split_at(bytes.len().min(64 * 1024));
                    self.read.extend_from_slice(now);
                    *bytes = later;
                    !now.is_empty()
                }
                Source::Piece(piece) => piece.next(&mut self.read).await?,
            };
            if !more {
                return if self.read.is_empty() { Ok(None) } else { Err(unreadable()) };
            }
        }
    }
}

fn unreadable() -> Error {
    Error::new(ErrorKind::UnknownSchema).with_detail("the index of a segment cannot be read")
}

//! A package without a spool.

use bailee_core::Result;

use super::{
    ByteSink, Closing, Order,
    close::{Close, Index, Laid},
    collect::{Collected, Collector, Lane, Out},
    index::{self, Line},
};
use crate::source::{DataSource, Whose};

/// What was streamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Streamed {
    /// How many files are in the package.
    pub entries: u64,
    /// How many rows.
    pub rows: u64,
}

/// Makes a whole package directly into a sink: a file, the body of an answer.
///
/// It cannot be resumed, and nothing of it is kept. A ZIP file has one entry after the other, so a
/// source is asked once for its rows, again for CSV, and again where values are files of their own;
/// whoever changes rows meanwhile makes these differ, and each has its own checksum. In memory are a batch
/// of rows and what the directory says of each file.
///
/// # Errors
///
/// As [`Packages::collect_source`](super::Packages::collect_source), and what the sink says. What was
/// given is then no ZIP file.
pub async fn stream(
    order: &Order,
    closing: &Closing<'_>,
    sources: &[(&dyn DataSource, &Whose)],
    sink: &mut dyn ByteSink,
) -> Result<Streamed> {
    let mut laid = Vec::with_capacity(sources.len());
    let mut rows = 0;
    for (source, whose) in sources {
        let (facts, mut index) = (source.facts(), Vec::new());
        let pass = Pass { order, closing, source: *source, whose };
        let first = pass.run(Lane::rows(Out::Sink(&mut *sink), order), &mut index).await?;
        let (mut tables, mut lengths) = (first.tables, first.lengths);
        rows += first.rows;
        if order.csv {
            let lane = Lane::csv(Out::Sink(&mut *sink), order);
            let second = pass.run(lane, &mut index).await?;
            lengths.extend(second.lengths);
            for (table, seen) in tables.iter_mut().zip(second.tables) {
                table.csv = seen.csv;
            }
        }
        if tables.iter().any(|table| table.files > 0) {
            let lane = Lane::files(Out::Sink(&mut *sink), order);
            lengths.extend(pass.run(lane, &mut index).await?.lengths);
        }
        let entries_end = index.len() as u64;
        for table in tables {
            index::write(&mut index, &Line::Table(table)).await?;
        }
        laid.push(Laid {
            tenant: whose.tenant(),
            source: &facts.name,
            strands: lengths,
            index: Index::Memory(index),
            entries_end,
        });
    }
    let entries = Close { order, closing, packages: None }.write(&laid, sink).await?;
    Ok(Streamed { entries, rows })
}

/// One look at a source, for one strand.
struct Pass<'a> {
    order: &'a Order,
    closing: &'a Closing<'a>,
    source: &'a dyn DataSource,
    whose: &'a Whose,
}

impl Pass<'_> {
    async fn run<'l>(&self, lane: Lane<'l>, index: &mut Vec<u8>) -> Result<Collected<'l>> {
        let Self { order, closing, source, whose } = self;
        let facts = source.facts();
        let collector = Collector::new(order, closing.declaration, facts, whose.tenant());
        collector.lane(lane).run(*source, whose, &mut Out::Sink(index)).await
    }
}

//! Rows on their way into the strands of a ZIP file.

use std::collections::BTreeSet;

use async_trait::async_trait;
use bailee_core::{Error, ErrorKind, Result, TenantId, sha256};
use bailee_registry::{Declaration, LegalBasis};

use super::{
    ByteSink, ObjectName, Order, Piece,
    index::{self, Column, FileFacts, Line, Table},
    path,
    piece::PieceWriter,
    value::{self, Apart},
    zip::{Ended, Strand},
};
use crate::source::{
    DataSource, FieldFacts, RowSink, SourceFacts, SourceRow, TableFacts, Value, Whose,
};

/// Where the bytes of a strand go.
pub(super) enum Out<'a> {
    Sealed(Box<PieceWriter>),
    Sink(&'a mut dyn ByteSink),
}

impl Out<'_> {
    pub(super) fn sink(&mut self) -> &mut dyn ByteSink {
        match self {
            Self::Sealed(piece) => &mut **piece,
            Self::Sink(sink) => *sink,
        }
    }

    /// How many bytes an object has so far.
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Sealed(piece) => piece.length(),
            Self::Sink(_) => 0,
        }
    }

    /// Ends the object, where it is one. One that holds nothing is never brought to the disk: it is
    /// dropped, and its name given back.
    pub(super) async fn finish_unless_empty(self) -> Result<Result<Piece, ObjectName>> {
        match self {
            Self::Sealed(piece) if piece.length() == 0 => Ok(Err(piece.drop_unfinished())),
            out => out.finish().await.map(Ok),
        }
    }

    /// Ends the object, where it is one.
    pub(super) async fn finish(self) -> Result<Piece> {
        match self {
            Self::Sealed(piece) => piece.finish().await,
            Self::Sink(_) => Err(ErrorKind::Unsupported.into()),
        }
    }
}

/// A strand that is being written.
pub(super) struct Lane<'a> {
    number: u8,
    strand: Strand,
    out: Out<'a>,
}

impl<'a> Lane<'a> {
    pub(super) fn rows(out: Out<'a>, order: &Order) -> Self {
        Self::new(ROWS, out, order)
    }

    pub(super) fn csv(out: Out<'a>, order: &Order) -> Self {
        Self::new(CSV, out, order)
    }

    pub(super) fn files(out: Out<'a>, order: &Order) -> Self {
        Self::new(FILES, out, order)
    }

    fn new(number: u8, out: Out<'a>, order: &Order) -> Self {
        Self { number, strand: Strand::new(number, order.at), out }
    }
}

/// Takes the rows of a source. What it writes depends on the lanes that it was given: with a spool all
/// of them in one pass, in a stream one lane a pass.
pub(super) struct Collector<'a> {
    tables: Vec<Plan>,
    apart_from: usize,
    rows: Option<Lane<'a>>,
    csv: Option<Lane<'a>>,
    files: Option<Lane<'a>>,
    index: Vec<Line>,
    current: Option<usize>,
    entries: u64,
}

/// A table, and how far it is.
struct Plan {
    table: Table,
    folder: String,
    included: Vec<usize>,
    /// The beginning of each field on a line, name and colon.
    names: Vec<Vec<u8>>,
    begun: bool,
}

/// What came of a collection.
pub(super) struct Collected<'a> {
    pub(super) lanes: Vec<(u8, Out<'a>)>,
    pub(super) lengths: Vec<(u8, u64)>,
    pub(super) tables: Vec<Table>,
    pub(super) rows: u64,
    pub(super) entries: u64,
    pub(super) not_in_scope: u64,
}

impl<'a> Collector<'a> {
    pub(super) fn new(
        order: &Order,
        declaration: &Declaration,
        facts: &SourceFacts,
        tenant: &TenantId,
    ) -> Self {
        let folder = path::folder(tenant, &facts.name);
        let mut names = BTreeSet::new();
        let plan = |table: &TableFacts| {
            let folder = format!("{folder}/{}", path::part_beside(&table.name, &mut names));
            Plan::new(order, declaration, table, folder)
        };
        Self {
            tables: facts.tables.iter().map(plan).collect(),
            apart_from: order.apart_from,
            rows: None,
            csv: None,
            files: None,
            index: Vec::new(),
            current: None,
            entries: 0,
        }
    }

    pub(super) fn lane(mut self, lane: Lane<'a>) -> Self {
        match lane.number {
            ROWS => self.rows = Some(lane),
            CSV => self.csv = Some(lane),
            _ => self.files = Some(lane),
        }
        self
    }

    /// Collects, and writes what is in the strands to an index.
    pub(super) async fn run(
        mut self,
        source: &dyn DataSource,
        whose: &Whose,
        index: &mut Out<'_>,
    ) -> Result<Collected<'a>> {
        let mut handed = Handed { collector: &mut self, index: index.sink() };
        source.collect(whose, &mut handed).await?;
        self.end_table().await?;
        // Nothing in a table is an answer, and has its file.
        for at in 0..self.tables.len() {
            if !self.tables[at].begun {
                self.begin_table(at);
                self.end_table().await?;
            }
        }
        self.write_index(index.sink()).await?;

        let (mut lanes, mut lengths) = (Vec::new(), Vec::new());
        for mut lane in [self.rows, self.csv, self.files].into_iter().flatten() {
            lane.strand.flush(lane.out.sink()).await?;
            lengths.push((lane.number, lane.strand.length()));
            lanes.push((lane.number, lane.out));
        }
        let tables: Vec<_> = self.tables.into_iter().map(|plan| plan.table).collect();
        let left_out = |table: &Table| table.fields.iter().filter(|it| !it.included).count();
        Ok(Collected {
            lanes,
            lengths,
            rows: tables.iter().map(|table| table.rows).sum(),
            entries: self.entries,
            not_in_scope: tables.iter().map(|table| left_out(table) as u64).sum(),
            tables,
        })
    }

    /// Begins the entries of a table of which something is in scope.
    fn begin_table(&mut self, at: usize) {
        let plan = &mut self.tables[at];
        plan.begun = true;
        self.current = Some(at);
        if plan.included.is_empty() {
            return;
        }
        if let Some(lane) = &mut self.rows {
            lane.strand.begin(format!("{}.jsonl", plan.folder));
        }
        if let Some(lane) = &mut self.csv {
            lane.strand.begin(format!("{}.csv", plan.folder));
            let out = lane.strand.plain();
            // Without it a spreadsheet takes UTF-8 for something else.
            out.extend_from_slice("\u{feff}".as_bytes());
            for (n, at) in plan.included.iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                value::cell(out, &plan.table.fields[*at].name);
            }
            out.extend_from_slice(b"\r\n");
        }
    }

    async fn end_table(&mut self) -> Result<()> {
        let Some(at) = self.current.take() else { return Ok(()) };
        if self.tables[at].included.is_empty() {
            return Ok(());
        }
        for lane in [&mut self.rows, &mut self.csv].into_iter().flatten() {
            let Ended { entry, digest } = lane.strand.end(lane.out.sink()).await?;
            let facts = FileFacts { path: entry.path.clone(), bytes: entry.plain, sha256: digest };
            let table = &mut self.tables[at].table;
            if lane.number == ROWS {
                table.jsonl = Some(facts);
            } else {
                table.csv = Some(facts);
            }
            self.index.push(Line::Entry(entry));
            self.entries += 1;
        }
        Ok(())
    }

    async fn take_row(&mut self, at: usize, row: &SourceRow) -> Result<()> {
        let plan = &mut self.tables[at];
        if row.values.len() != plan.table.fields.len() {
            return Err(broken("a row has other values than its table has fields"));
        }
        plan.table.rows += 1;
        if plan.included.is_empty() {
            return Ok(());
        }
        let mut apart: Vec<Option<Apart>> = Vec::new();
        let large =
            |value: &Value| matches!(value, Value::Bytes(it) if it.len() >= self.apart_from);
        if row.values.iter().any(large) {
            for at in &plan.included {
                apart.push(match &row.values[*at] {
                    Value::Bytes(bytes) if bytes.len() >= self.apart_from => {
                        plan.table.files += 1;
                        let field = path::part(&plan.table.fields[*at].name);
                        let (rows, ending) = (plan.table.rows, path::ending(bytes));
                        let path = format!("{}.files/{rows}-{field}.{ending}", plan.folder);
                        Some(Apart { path, digest: sha256(bytes) })
                    }
                    _ => None,
                });
            }
        }
        let value = |at: usize| masked(&plan.table.fields[at], &row.values[at]);
        let beside = |n: usize| apart.get(n).and_then(Option::as_ref);
        if let Some(lane) = &mut self.rows {
            let out = lane.strand.plain();
            for (n, at) in plan.included.iter().enumerate() {
                out.push(if n == 0 { b'{' } else { b',' });
                out.extend_from_slice(&plan.names[n]);
                value::json(out, value(*at), beside(n));
            }
            out.extend_from_slice(b"}\n");
            lane.strand.advance(lane.out.sink()).await?;
        }
        if let Some(lane) = &mut self.csv {
            let out = lane.strand.plain();
            for (n, at) in plan.included.iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                value::csv(out, value(*at), beside(n));
            }
            out.extend_from_slice(b"\r\n");
            lane.strand.advance(lane.out.sink()).await?;
        }
        if let Some(lane) = &mut self.files {
            for (at, apart) in plan.included.iter().zip(apart) {
                if let (Some(Apart { path, .. }), Value::Bytes(bytes)) = (apart, &row.values[*at]) {
                    let entry = lane.strand.whole(lane.out.sink(), path, bytes).await?;
                    self.index.push(Line::Entry(entry));
                    self.entries += 1;
                }
            }
        }
        Ok(())
    }

    async fn write_index(&mut self, sink: &mut dyn ByteSink) -> Result<()> {
        for line in self.index.drain(..) {
            index::write(sink, &line).await?;
        }
        Ok(())
    }
}

/// A collector with the index that it writes to as it goes.
struct Handed<'a, 'b> {
    collector: &'a mut Collector<'b>,
    index: &'a mut dyn ByteSink,
}

#[async_trait]
impl RowSink for Handed<'_, '_> {
    async fn take(&mut self, table: &TableFacts, rows: Vec<SourceRow>) -> Result<()> {
        let collector = &mut *self.collector;
        let at = collector.tables.iter().position(|plan| plan.table.name == table.name);
        let at = at.ok_or_else(|| broken("a source handed over a table that it does not have"))?;
        if collector.current != Some(at) {
            if collector.tables[at].begun {
                return Err(broken("a source came back to a table that it had left"));
            }
            collector.end_table().await?;
            collector.begin_table(at);
        }
        for row in &rows {
            collector.take_row(at, row).await?;
        }
        collector.write_index(self.index).await
    }
}

impl Plan {
    fn new(order: &Order, declaration: &Declaration, table: &TableFacts, folder: String) -> Self {
        let column = |field: &FieldFacts| {
            let (origin, from) = index::origin(&field.origin);
            Column {
                name: field.name.clone(),
                category: field.category.as_str().to_owned(),
                origin: origin.to_owned(),
                from,
                masked: field.masked,
                included: !order.is_portable() || is_portable(declaration, table, field),
            }
        };
        let fields: Vec<_> = table.fields.iter().map(column).collect();
        let included: Vec<_> = (0..fields.len()).filter(|at| fields[*at].included).collect();
        let name = |at: &usize| {
            let mut out = Vec::new();
            value::text(&mut out, &fields[*at].name);
            out.push(b':');
            out
        };
        let names = included.iter().map(name).collect();
        let table = Table {
            name: table.name.clone(),
            data_set: table.data_set.clone(),
            rows: 0,
            jsonl: None,
            csv: None,
            files: 0,
            fields,
        };
        Self { table, folder, included, names, begun: false }
    }
}

/// Whether a person can take a field with them: they gave it or it was observed, it is no other
/// person's, and it is used on consent or for a contract (Art. 20(1) and (4) GDPR).
fn is_portable(declaration: &Declaration, table: &TableFacts, field: &FieldFacts) -> bool {
    let items = declaration.data_set(&table.data_set).map(|set| set.data.as_slice());
    let mut used = items.unwrap_or_default().iter().filter(|it| it.category == field.category);
    let agreed = used.any(|item| {
        let basis = declaration.purpose(&item.purpose).map(|purpose| &purpose.basis);
        matches!(basis, Some(LegalBasis::Consent | LegalBasis::Contract))
    });
    field.origin.is_portable() && !field.masked && agreed
}

/// What is another person's is not shown, also where a source forgot to mask it.
fn masked<'a>(field: &Column, value: &'a Value) -> &'a Value {
    if field.masked && *value != Value::Null { &Value::Masked } else { value }
}

fn broken(what: &'static str) -> Error {
    Error::new(ErrorKind::Configuration).with_detail(what)
}

/// The numbers of the strands.
pub(super) const ROWS: u8 = 0;
pub(super) const CSV: u8 = 1;
pub(super) const FILES: u8 = 2;

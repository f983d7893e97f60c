//! The page that a person opens first.

use bailee_registry::{Block, Document, Line, Span};
use time::OffsetDateTime;

use super::{
    Closing, Order,
    close::Laid,
    index::{FileFacts, Table},
    manifest::{self, Named},
};
use crate::sentences;

/// The page while it is written.
pub(super) struct Page<'a> {
    order: &'a Order,
    closing: &'a Closing<'a>,
    /// Whether each tenant has a heading of its own.
    several: bool,
    tenants: Vec<(String, Vec<Vec<Line>>)>,
    empty: Vec<String>,
    left_out: Vec<Line>,
    masked: bool,
    apart: bool,
    rows: u64,
}

impl<'a> Page<'a> {
    pub(super) fn new(order: &'a Order, closing: &'a Closing<'a>, laid: &[Laid<'_>]) -> Self {
        let several = laid.windows(2).any(|pair| pair[0].tenant != pair[1].tenant);
        Self {
            order,
            closing,
            several,
            tenants: Vec::new(),
            empty: Vec::new(),
            left_out: Vec::new(),
            masked: false,
            apart: false,
            rows: 0,
        }
    }

    /// Adds a source.
    pub(super) fn source(&mut self, named: &Named<'_>, tables: &[Table]) {
        let declaration = self.closing.declaration;
        let mut rows = Vec::new();
        for table in tables {
            self.rows += table.rows;
            let set = declaration.data_set(&table.data_set);
            let title = match set {
                Some(set) => set.title.clone(),
                None => self.own(&table.name).unwrap_or_else(|| table.data_set.clone()),
            };
            self.leave_out(&title, table);
            self.apart |= table.files > 0;
            self.masked |= table.fields.iter().any(|field| field.masked && field.included);
            if table.rows == 0 {
                self.empty.push(format!("{title} ({}: {})", named.source, table.name));
                continue;
            }
            rows.push(vec![
                Line::text(format!("{title} ({}: {})", named.source, table.name)),
                Line::text(self.meanings(table)),
                Line::text(table.rows.to_string()),
                self.files(table),
            ]);
        }
        match self.tenants.iter_mut().find(|(tenant, _)| tenant == named.tenant) {
            Some((_, all)) => all.append(&mut rows),
            None => self.tenants.push((named.tenant.to_owned(), rows)),
        }
    }

    /// The page.
    pub(super) fn finish(self) -> Document {
        let controller = self.closing.declaration.controller();
        let name = [("controller", controller.name.as_str())];
        let mut page =
            Document::new(self.say("title", &name), self.closing.catalogue.locale().clone());
        let (received, date) = (self.date(self.closing.received), self.date(self.order.at));
        let places = [name[0], ("received", received.as_str()), ("date", date.as_str())];
        page.say(
            self.say(if self.order.is_portable() { "intro_portability" } else { "intro" }, &places),
        );
        if self.rows == 0 {
            page.say(self.say("nothing", &name));
        }

        page.heading(self.say("inside_heading", &[]));
        page.list(vec![
            link("information.html", &self.say("information", &name)),
            link("manifest.json", &self.say("manifest", &[])),
        ]);
        let columns = ["column_what", "column_meaning", "column_rows", "column_files"];
        let columns: Vec<_> = columns.iter().map(|key| self.say(key, &[])).collect();
        for (tenant, rows) in &self.tenants {
            if self.several {
                page.heading(self.say("tenant_heading", &[("tenant", tenant)]));
            }
            if !rows.is_empty() {
                page.blocks.push(Block::Table { columns: columns.clone(), rows: rows.clone() });
            }
        }
        if !self.empty.is_empty() {
            page.heading(self.say("empty_heading", &[]));
            page.say(self.say("empty", &[]));
            page.list(self.empty.iter().map(Line::text).collect());
        }
        if self.masked || !self.left_out.is_empty() {
            page.heading(self.say("left_out_heading", &[]));
            if self.masked {
                page.say(self.say("masked", &[]));
            }
            if !self.left_out.is_empty() {
                page.say(self.say("left_out", &[]));
                page.list(self.left_out.clone());
            }
        }
        page.heading(self.say("reading_heading", &[]));
        let mut reading = vec![self.say("reading_jsonl", &[])];
        if self.order.csv {
            reading.push(self.say("reading_csv", &[]));
        }
        if self.apart {
            reading.push(self.say("reading_files", &[]));
        }
        reading.push(self.say("reading_digest", &[]));
        page.list(reading.into_iter().map(Line::text).collect());
        self.rights(&mut page);
        page
    }

    fn rights(&self, page: &mut Document) {
        let declaration = self.closing.declaration;
        let controller = declaration.controller();
        page.heading(self.say("rights_heading", &[]));
        page.say(self.say("rights", &[]));
        page.paragraph(Line::text(self.say("contact", &[])).contact(&controller.contact));
        match declaration.authorities().first() {
            Some(authority) => {
                let text = self.say("complaint_named", &[("authority", &authority.name)]);
                page.paragraph(Line::text(text).contact(&authority.contact));
            }
            None => page.say(self.say("complaint", &[])),
        }
        let request = self.order.request.to_string();
        page.say(self.say("request", &[("request", &request)]));
    }

    /// What a table is called that these libraries keep themselves, and nobody declares.
    fn own(&self, table: &str) -> Option<String> {
        OWN.contains(&table).then(|| self.say(&format!("records_{table}"), &[]))
    }

    /// What the fields of a table mean, each meaning once.
    fn meanings(&self, table: &Table) -> String {
        let declared = self.closing.declaration.data_set(&table.data_set);
        if declared.is_none() && OWN.contains(&table.name.as_str()) {
            return self.say("records_meaning", &[]);
        }
        let mut meanings: Vec<&str> = Vec::new();
        for column in table.fields.iter().filter(|column| column.included) {
            let meaning = manifest::meaning(self.closing.declaration, column);
            let meaning = meaning.unwrap_or(&column.category);
            if !meanings.contains(&meaning) {
                meanings.push(meaning);
            }
        }
        meanings.join("; ")
    }

    fn files(&self, table: &Table) -> Line {
        let mut spans = Vec::new();
        let named: [(_, &Option<FileFacts>); 2] = [("JSON", &table.jsonl), ("CSV", &table.csv)];
        for (text, file) in named {
            if let Some(file) = file {
                if !spans.is_empty() {
                    spans.push(Span::Text(", ".to_owned()));
                }
                spans.push(Span::Link { text: text.to_owned(), to: file.path.clone() });
            }
        }
        if table.files > 0 {
            let count = table.files.to_string();
            spans.push(Span::Text(format!(", {}", self.say("files", &[("count", &count)]))));
        }
        Line(spans)
    }

    fn leave_out(&mut self, title: &str, table: &Table) {
        let left: Vec<_> = table.fields.iter().filter(|it| !it.included).collect();
        if !left.is_empty() && table.rows > 0 {
            let names: Vec<_> = left.iter().map(|column| column.name.as_str()).collect();
            self.left_out.push(Line::text(format!("{title}: {}", names.join(", "))));
        }
    }

    fn date(&self, at: bailee_core::Timestamp) -> String {
        match OffsetDateTime::from_unix_timestamp(at.as_seconds()) {
            Ok(at) => self.closing.catalogue.date(at.date()),
            Err(_) => at.to_string(),
        }
    }

    fn say(&self, key: &str, places: &[(&str, &str)]) -> String {
        self.closing.catalogue.sentence(sentences(), &format!("package.{key}"), places)
    }
}

fn link(to: &str, text: &str) -> Line {
    Line(vec![Span::Link { text: text.to_owned(), to: to.to_owned() }])
}

/// The tables of what these libraries keep of a person themselves.
const OWN: [&str; 7] =
    ["choices", "connections", "disclosures", "handovers", "letters", "log", "requests"];

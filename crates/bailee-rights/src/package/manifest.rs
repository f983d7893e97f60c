//! What a package says of itself to machines.

use bailee_core::Result;
use bailee_registry::Declaration;
use serde::Serialize;
use std::collections::BTreeSet;

use super::{
    Closing, Order,
    close::Laid,
    index::{Column, FileFacts, Table},
};
use crate::hex;

/// Of which source.
pub(super) struct Named<'a> {
    pub(super) tenant: &'a str,
    pub(super) source: &'a str,
}

/// The first part, up to the list of sources. What it says of the request, of the package's form and of
/// every source that was asked is all that a program has to know to read it.
pub(super) fn begin(
    out: &mut Vec<u8>,
    order: &Order,
    closing: &Closing<'_>,
    laid: &[Laid<'_>],
) -> Result<()> {
    #[derive(Serialize)]
    struct Head<'a> {
        schema: &'a str,
        version: u32,
        request: String,
        right: &'a str,
        article: &'a str,
        regime: &'a str,
        received: String,
        prepared: String,
        controller: &'a str,
        contact: &'a str,
        declaration: String,
        tenants: BTreeSet<&'a str>,
        formats: Formats,
    }
    #[derive(Serialize)]
    struct Formats {
        jsonl: &'static str,
        csv: &'static str,
    }
    let controller = closing.declaration.controller();
    let head = Head {
        schema: "bailee.package",
        version: 1,
        request: order.request.to_string(),
        right: order.right.as_str(),
        article: order.right.article(),
        regime: closing.regime,
        received: closing.received.to_string(),
        prepared: order.at.to_string(),
        controller: &controller.name,
        contact: &controller.contact,
        declaration: hex::text(&closing.declaration.version()),
        tenants: laid.iter().map(|it| it.tenant.as_str()).collect(),
        formats: Formats { jsonl: JSONL, csv: CSV },
    };
    write(out, &head);
    // The object goes on with its sources.
    out.pop();
    out.extend_from_slice(b",\n\"sources\":[");
    Ok(())
}

/// A source.
pub(super) fn source(
    out: &mut Vec<u8>,
    n: usize,
    declaration: &Declaration,
    named: &Named<'_>,
    tables: &[Table],
) -> Result<()> {
    #[derive(Serialize)]
    struct SourceForm<'a> {
        tenant: &'a str,
        source: &'a str,
        status: &'a str,
        rows: u64,
        tables: Vec<TableForm<'a>>,
    }
    #[derive(Serialize)]
    struct TableForm<'a> {
        table: &'a str,
        data_set: &'a str,
        title: Option<&'a str>,
        rows: u64,
        jsonl: Option<&'a FileFacts>,
        csv: Option<&'a FileFacts>,
        files: u64,
        fields: Vec<Field<'a>>,
    }
    #[derive(Serialize)]
    struct Field<'a> {
        #[serde(flatten)]
        column: &'a Column,
        meaning: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        why_not: Option<&'a str>,
    }
    let field = |column| Field {
        column,
        meaning: meaning(declaration, column),
        why_not: (!column.included).then_some("not_in_scope"),
    };
    let mut forms = Vec::with_capacity(tables.len());
    for table in tables {
        forms.push(TableForm {
            table: &table.name,
            data_set: &table.data_set,
            title: declaration.data_set(&table.data_set).map(|set| set.title.as_str()),
            rows: table.rows,
            jsonl: table.jsonl.as_ref(),
            csv: table.csv.as_ref(),
            files: table.files,
            fields: table.fields.iter().map(field).collect(),
        });
    }
    let rows = tables.iter().map(|table| table.rows).sum();
    if n > 0 {
        out.push(b',');
    }
    out.push(b'\n');
    write(
        out,
        &SourceForm {
            tenant: named.tenant,
            source: named.source,
            status: if rows == 0 { "empty" } else { "collected" },
            rows,
            tables: forms,
        },
    );
    Ok(())
}

/// The last part.
pub(super) fn end(out: &mut Vec<u8>) {
    out.extend_from_slice(b"\n]}\n");
}

/// What a category means, in the words of the declaration.
pub(super) fn meaning<'a>(declaration: &'a Declaration, column: &Column) -> Option<&'a str> {
    let mut declared = declaration.declared_categories();
    let found = declared.find(|(category, _)| category.as_str() == column.category);
    found.map(|(_, category)| category.plain.as_str())
}

fn write(out: &mut Vec<u8>, form: &impl Serialize) {
    // Strings, numbers and lists of them always have a JSON.
    let _ = serde_json::to_writer(out, form);
}

const JSONL: &str = "UTF-8, one JSON object a line with the fields in their order. \
{\"base64\": …} holds bytes, {\"file\": …, \"bytes\": …, \"sha256\": …} names a file of this package that \
does, {\"masked\": true} stands for what is another person's.";
const CSV: &str = "UTF-8 with a byte order mark, RFC 4180, names of fields in the first line. A text that a \
spreadsheet would take for a formula begins with an apostrophe, [masked] stands for what is another \
person's, bytes are base64 or the name of a file of this package.";

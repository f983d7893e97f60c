//! The form that a mapping has in TOML.

use serde::Deserialize;
use toml::Spanned;

use super::{Form, Unit};
use crate::{Problems, problem::Report};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    pub(super) name: Spanned<String>,
    pub(super) only_tenant: Option<Spanned<String>>,
    pub(super) batch: Option<Spanned<u32>>,
    pub(super) postgres: Option<WrittenPostgres>,
    pub(super) tables: Vec<Spanned<WrittenTable>>,
}

/// What only a PostgreSQL database has.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenPostgres {
    pub(super) schema: Option<Spanned<String>>,
    pub(super) tenant_setting: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenTable {
    pub(super) table: Spanned<String>,
    pub(super) name: Option<Spanned<String>>,
    pub(super) data_set: Spanned<String>,
    pub(super) origin: Spanned<String>,
    pub(super) from: Option<Spanned<String>>,
    pub(super) key: Spanned<Vec<String>>,
    pub(super) tenant: Option<Spanned<WrittenColumn>>,
    pub(super) subject: Option<Spanned<WrittenSubject>>,
    pub(super) parent: Option<Spanned<WrittenParent>>,
    #[serde(default)]
    pub(super) refers_to: Vec<Spanned<String>>,
    pub(super) restriction: Option<Spanned<String>>,
    pub(super) age_column: Option<Spanned<String>>,
    pub(super) age_unit: Option<Spanned<Unit>>,
    #[serde(default)]
    pub(super) others: Vec<Spanned<String>>,
    pub(super) strategy: Spanned<WrittenStrategy>,
    pub(super) fields: Spanned<Vec<Spanned<WrittenField>>>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "the name of a column, or { column = …, type = … }")]
pub(super) enum WrittenColumn {
    Name(String),
    Typed(TypedColumn),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TypedColumn {
    pub(super) column: String,
    #[serde(rename = "type")]
    pub(super) form: Form,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenSubject {
    pub(super) column: String,
    #[serde(rename = "type")]
    pub(super) form: Form,
    pub(super) identifier: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenParent {
    pub(super) table: String,
    pub(super) column: String,
    pub(super) key: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum WrittenStrategy {
    Delete,
    Keep(WrittenKept),
    Null(Vec<String>),
    Pseudonymise(WrittenPseudonymise),
    Unlink,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenKept {
    pub(super) article: String,
    pub(super) reason: String,
    pub(super) until: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenPseudonymise {
    pub(super) fields: Vec<String>,
    /// A constant in the stead of a keyed hash.
    pub(super) with: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenField {
    pub(super) column: String,
    pub(super) name: Option<String>,
    pub(super) pointer: Option<String>,
    pub(super) category: String,
    pub(super) origin: Option<Spanned<String>>,
    pub(super) from: Option<Spanned<String>>,
}

/// Reads the form. What is wrong with it is the only problem that is told.
pub(super) fn read(text: &str) -> Result<Written, Problems> {
    toml::from_str(text).map_err(|error| {
        let mut report = Report::on(text);
        let what = error.message().replace('\n', ", ");
        report.add(&error.span().unwrap_or(0..0), what, "mend the form");
        report.finish()
    })
}

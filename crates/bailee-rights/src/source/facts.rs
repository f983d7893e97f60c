//! What a source says of itself: its tables, what is in them, and what an erasure does to each.

use std::collections::BTreeSet;

use bailee_core::{DataCategory, Error, ErrorKind, Result};
use bailee_registry::{DataOrigin, Declaration};
use serde::Serialize;

/// A source's description of itself. It holds no data and may be shown, printed and kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SourceFacts {
    /// Its name in requests, receipts and logs: stable, and no other source's.
    pub name: String,
    /// Its tables, in the order in which an erasure goes through them.
    pub tables: Vec<TableFacts>,
    /// What it has to be told of a person beside the host's id (`"email"`).
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub identifiers: BTreeSet<String>,
}

/// A table, or whatever kind of thing a source keeps, with one strategy for an erasure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TableFacts {
    /// Its name within the source.
    pub name: String,
    /// The set of the declaration that it belongs to.
    pub data_set: String,
    /// What is handed over of a row, in the order of its values.
    pub fields: Vec<FieldFacts>,
    /// What an erasure does to a row.
    pub strategy: Strategy,
    /// Whether a row can be marked as restricted (Art. 18 GDPR).
    pub restricts: bool,
    /// Whether it knows how old a row is, so that rows can be erased by their age (Art. 5(1)(e)
    /// GDPR).
    pub aged: bool,
}

/// A field of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FieldFacts {
    /// Its name within the table.
    pub name: String,
    /// Its category in the declaration.
    pub category: DataCategory,
    /// How it came about, which decides whether it is portable (Art. 20(1) GDPR).
    pub origin: DataOrigin,
    /// Whether it is another person's and is shown masked (Art. 15(4) GDPR).
    pub masked: bool,
}

/// What an erasure does to the rows of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "strategy", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Strategy {
    /// The row is deleted.
    Delete,
    /// The row stays, because a law says so.
    Keep(Kept),
    /// The row stays without what these fields held.
    Null {
        /// The fields.
        fields: Vec<String>,
    },
    /// The row stays, and these fields hold a value that names nobody.
    Pseudonymise {
        /// The fields.
        fields: Vec<String>,
    },
    /// The row stays and is nobody's.
    Unlink,
}

/// Why something is kept in spite of an erasure (Art. 17(3) GDPR).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Kept {
    /// The provision of law.
    pub article: String,
    /// The reason in words for people.
    pub reason: String,
    /// Until when, in words for people.
    pub until: String,
}

impl SourceFacts {
    /// A source with its tables.
    pub fn new(name: impl Into<String>, tables: Vec<TableFacts>) -> Self {
        Self { name: name.into(), tables, identifiers: BTreeSet::new() }
    }

    /// Says what it has to be told of a person beside the host's id.
    #[must_use]
    pub fn needing(mut self, identifier: impl Into<String>) -> Self {
        self.identifiers.insert(identifier.into());
        self
    }

    /// The sets of the declaration that it answers for.
    pub fn data_sets(&self) -> BTreeSet<&str> {
        self.tables.iter().map(|table| table.data_set.as_str()).collect()
    }

    /// A table.
    pub fn table(&self, name: &str) -> Option<&TableFacts> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// Checks the facts for themselves and against the declaration: every set and every category is
    /// declared, no name stands twice, what is kept has its reason and is not erased by its age.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] with the source, the table and what is wrong.
    pub fn check(&self, declaration: &Declaration) -> Result<()> {
        let categories: BTreeSet<_> =
            declaration.declared_categories().map(|(category, _)| category).collect();
        let mut names = BTreeSet::new();
        for table in &self.tables {
            let wrong = |what: String| {
                let detail = format!("the source `{}`, table `{}`: {what}", self.name, table.name);
                Err(Error::new(ErrorKind::Configuration).with_detail(detail))
            };
            if !names.insert(&table.name) {
                return wrong("its name stands twice".into());
            }
            if declaration.data_set(&table.data_set).is_none() {
                return wrong(format!("the data set `{}` is not declared", table.data_set));
            }
            let mut fields = BTreeSet::new();
            for field in &table.fields {
                if !fields.insert(&field.name) {
                    return wrong(format!("the field `{}` stands twice", field.name));
                }
                if !categories.contains(&field.category) {
                    let category = field.category.as_str();
                    return wrong(format!("the category `{category}` is not declared"));
                }
            }
            match &table.strategy {
                Strategy::Keep(_) if table.aged => {
                    return wrong("what a law keeps is not erased by its age".into());
                }
                Strategy::Keep(kept) if kept.article.is_empty() || kept.reason.is_empty() => {
                    return wrong("it is kept without an article and a reason".into());
                }
                Strategy::Null { fields } | Strategy::Pseudonymise { fields }
                    if fields.is_empty() =>
                {
                    return wrong("an erasure would change no field of it".into());
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl TableFacts {
    /// A table of a set, without fields yet.
    pub fn new(name: impl Into<String>, data_set: impl Into<String>, strategy: Strategy) -> Self {
        let (name, data_set) = (name.into(), data_set.into());
        Self { name, data_set, fields: Vec::new(), strategy, restricts: false, aged: false }
    }

    /// Adds a field.
    #[must_use]
    pub fn with_field(mut self, field: FieldFacts) -> Self {
        self.fields.push(field);
        self
    }

    /// Says that its rows can be marked as restricted.
    #[must_use]
    pub fn restricting(mut self) -> Self {
        self.restricts = true;
        self
    }

    /// Says that it knows how old its rows are.
    #[must_use]
    pub fn knowing_age(mut self) -> Self {
        self.aged = true;
        self
    }
}

impl FieldFacts {
    /// A field of the person's own.
    pub fn new(name: impl Into<String>, category: DataCategory, origin: DataOrigin) -> Self {
        Self { name: name.into(), category, origin, masked: false }
    }

    /// Says that it is another person's.
    #[must_use]
    pub fn of_another(mut self) -> Self {
        self.masked = true;
        self
    }
}

impl Kept {
    /// What is kept by which provision, why, and until when.
    pub fn new(
        article: impl Into<String>,
        reason: impl Into<String>,
        until: impl Into<String>,
    ) -> Self {
        Self { article: article.into(), reason: reason.into(), until: until.into() }
    }
}

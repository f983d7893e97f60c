//! What a database has to have for a mapping, whichever it is.

use std::collections::BTreeSet;

use crate::{
    fault::{Fault, Result},
    mapping::{Action, Checked, Column, Link, Table},
};

/// The columns that are compared with ids.
pub(crate) fn ids(table: &Table) -> impl Iterator<Item = &Column> {
    let subject = match &table.link {
        Link::Parent { .. } => None,
        Link::Subject { column, .. } => Some(column),
    };
    table.tenant.iter().chain(subject)
}

/// Every column of a table that some statement names.
pub(crate) fn named(mapping: &Checked, at: usize) -> impl Iterator<Item = &str> {
    let table = &mapping.tables[at];
    // What children refer to stands here too.
    let referred = mapping.tables.iter().filter_map(move |child| match &child.link {
        Link::Parent { table, key, .. } if *table == at => Some(key.as_str()),
        _ => None,
    });
    let own = table.key.iter().chain(table.tenant.iter().map(|tenant| &tenant.name));
    let own = own.chain(&table.restriction).chain(table.age.as_ref().map(|age| &age.column));
    let own = own.chain(table.fields.iter().map(|field| &field.column));
    own.map(String::as_str).chain([table.link_column()]).chain(referred)
}

/// The columns in which an erasure puts nothing.
pub(crate) fn emptied(table: &Table) -> Vec<&str> {
    match &table.action {
        Action::Delete | Action::Keep | Action::Pseudonymise { .. } => Vec::new(),
        Action::Null(fields) => {
            let fields = fields.iter().map(|at| &table.fields[*at]);
            fields
                .filter(|field| field.path.is_empty())
                .map(|field| field.column.as_str())
                .collect()
        }
        Action::Unlink => vec![table.link_column()],
    }
}

/// A foreign key that deletes rows along with those that they refer to.
#[derive(Debug)]
pub(crate) struct Cascade {
    pub(crate) child: String,
    pub(crate) parent: String,
    /// The columns of the child, as names are compared.
    pub(crate) columns: BTreeSet<String>,
}

/// Refuses a foreign key that deletes rows along with those of a mapped table, unless the mapping
/// finds these rows by that very key: then they are counted, and gone before.
pub(crate) fn cascades(
    mapping: &Checked,
    keys: impl Iterator<Item = Cascade>,
    folded: fn(&str) -> String,
) -> Result<()> {
    for Cascade { child, parent, columns } in keys {
        let deleted = |table: &&Table| {
            matches!(table.action, Action::Delete) && folded(&table.sql) == folded(&parent)
        };
        let found = mapping.tables.iter().any(|table| match &table.link {
            Link::Parent { table: above, column, .. } => {
                let tenant = table.tenant.iter().map(|tenant| &tenant.name);
                let known: BTreeSet<_> = tenant.chain([column]).map(|name| folded(name)).collect();
                matches!(table.action, Action::Delete | Action::Unlink)
                    && folded(&table.sql) == folded(&child)
                    && columns.contains(&folded(column))
                    && columns.is_subset(&known)
                    && folded(&mapping.tables[*above].sql) == folded(&parent)
            }
            Link::Subject { .. } => false,
        });
        if let Some(parent) = mapping.tables.iter().find(deleted).filter(|_| !found) {
            return Err(Fault::Cascade { child, parent: parent.sql.clone() });
        }
    }
    Ok(())
}

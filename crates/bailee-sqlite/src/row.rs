//! Columns to values and back.

use bailee_core::{BatchId, Id, SubjectId, TenantId, Timestamp};
use bailee_store::{Facet, Key, Kind, Record, Sealed, Version};
use rusqlite::Row;

use crate::fault::{Fault, Result};

/// An id's bytes, as they are bound.
pub(crate) fn bytes(id: &Id) -> &[u8] {
    id.as_bytes()
}

pub(crate) fn subject_bytes(subject: Option<SubjectId>) -> Option<[u8; 16]> {
    subject.map(|subject| *subject.id().as_bytes())
}

pub(crate) fn array<const N: usize>(row: &Row<'_>, column: usize) -> Result<[u8; N]> {
    let bytes = row.get_ref(column)?.as_blob().map_err(|_| Fault::Row)?;
    bytes.try_into().map_err(|_| Fault::Row)
}

pub(crate) fn id(row: &Row<'_>, column: usize) -> Result<Id> {
    array(row, column).map(Id::from_bytes)
}

pub(crate) fn batch(row: &Row<'_>, column: usize) -> Result<BatchId> {
    id(row, column).map(BatchId::from_id)
}

pub(crate) fn subject(row: &Row<'_>, column: usize) -> Result<Option<SubjectId>> {
    if row.get_ref(column)? == rusqlite::types::ValueRef::Null {
        return Ok(None);
    }
    id(row, column).map(|id| Some(SubjectId::from_id(id)))
}

pub(crate) fn tenant(row: &Row<'_>, column: usize) -> Result<TenantId> {
    TenantId::new(row.get::<_, String>(column)?).map_err(|_| Fault::Row)
}

pub(crate) fn kind(row: &Row<'_>, column: usize) -> Result<Kind> {
    Kind::new(row.get::<_, String>(column)?).map_err(|_| Fault::Row)
}

pub(crate) fn time(row: &Row<'_>, column: usize) -> Result<Timestamp> {
    Ok(Timestamp::from_micros(row.get(column)?))
}

pub(crate) fn optional_time(row: &Row<'_>, column: usize) -> Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_micros))
}

pub(crate) fn body(row: &Row<'_>, column: usize) -> Result<Sealed> {
    let bytes = row.get_ref(column)?.as_blob().map_err(|_| Fault::Row)?;
    Ok(Sealed::new(bytes.to_vec()))
}

/// A record whose key is known, out of subject, facet, expires, version and body from a column on.
pub(crate) fn record(key: Key, row: &Row<'_>, first: usize) -> Result<Record> {
    Ok(Record {
        key,
        subject: subject(row, first)?,
        facet: Facet(row.get(first + 1)?),
        expires: optional_time(row, first + 2)?,
        version: Version(row.get(first + 3)?),
        body: body(row, first + 4)?,
    })
}

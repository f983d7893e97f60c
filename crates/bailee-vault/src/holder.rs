//! Whose key seals.

use bailee_core::{ConnectionId, Id, SubjectId, TenantId};
use bailee_store::Key;

use crate::{context::Context, kind};

/// Whose key seals a record. It must be the same for every writing of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Holder {
    /// A connection that no subject owns. Its key is destroyed when it is disconnected.
    Connection(ConnectionId),
    /// A person. The key is destroyed in the erasure.
    Subject(SubjectId),
    /// Nobody: operator data, flows, directory entries, tombstones of the tenant.
    Tenant,
}

impl Holder {
    /// The record that is fence and standing for this holder.
    pub fn standing(self) -> Key {
        match self {
            Self::Subject(subject) => Key::new(kind::SUBJECT, subject.id()),
            Self::Connection(_) | Self::Tenant => Key::new(kind::OWNER, Id::ZERO),
        }
    }

    /// The person, where it is one.
    pub fn subject(self) -> Option<SubjectId> {
        match self {
            Self::Subject(subject) => Some(subject),
            Self::Connection(_) | Self::Tenant => None,
        }
    }
}

/// A row of wrapped keys under a tenant key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Slot {
    Connection(ConnectionId),
    Index,
    Subject(SubjectId),
    Tenant,
}

impl Slot {
    pub(crate) fn row(self) -> Key {
        match self {
            Self::Connection(connection) => Key::new(kind::CONNECTION_KEY, connection.id()),
            Self::Index => Key::new(kind::INDEX_KEY, Id::ZERO),
            Self::Subject(subject) => Key::new(kind::SUBJECT_KEY, subject.id()),
            Self::Tenant => Key::new(kind::SUBJECT_KEY, Id::ZERO),
        }
    }

    /// The slot whose row this is.
    pub(crate) fn of_row(row: &Key) -> Option<Self> {
        if row.kind == kind::CONNECTION_KEY {
            Some(Self::Connection(ConnectionId::from_id(row.id)))
        } else if row.kind == kind::INDEX_KEY && row.id == Id::ZERO {
            Some(Self::Index)
        } else if row.kind == kind::SUBJECT_KEY && row.id == Id::ZERO {
            Some(Self::Tenant)
        } else if row.kind == kind::SUBJECT_KEY {
            Some(Self::Subject(SubjectId::from_id(row.id)))
        } else {
            None
        }
    }

    /// What a wrapped key of this row is bound to.
    pub(crate) fn context(self, tenant: &TenantId, key: Id) -> Context {
        match self {
            Self::Connection(connection) => {
                Context::connection_key(tenant, b"", connection.id(), key)
            }
            Self::Index => Context::subject_key(tenant, b"\0index", key),
            Self::Subject(subject) => Context::subject_key(tenant, subject.id().as_bytes(), key),
            Self::Tenant => Context::subject_key(tenant, b"", key),
        }
    }

    pub(crate) fn subject(self) -> Option<SubjectId> {
        match self {
            Self::Subject(subject) => Some(subject),
            Self::Connection(_) | Self::Index | Self::Tenant => None,
        }
    }
}

impl From<Holder> for Slot {
    fn from(holder: Holder) -> Self {
        match holder {
            Holder::Connection(connection) => Self::Connection(connection),
            Holder::Subject(subject) => Self::Subject(subject),
            Holder::Tenant => Self::Tenant,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_name_their_slot() {
        let id = Id::from_bytes([3; 16]);
        for slot in [
            Slot::Connection(ConnectionId::from_id(id)),
            Slot::Index,
            Slot::Subject(SubjectId::from_id(id)),
            Slot::Tenant,
        ] {
            assert_eq!(Slot::of_row(&slot.row()), Some(slot));
        }
        assert_eq!(Slot::of_row(&Key::new(kind::TENANT_KEY, id)), None);
    }
}

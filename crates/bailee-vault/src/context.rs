//! What a sealed body is bound to.
//!
//! ```text
//! lp(x)   = u32 length || bytes
//! context = 0x01 || lp("record")         || lp(tenant) || lp(kind) || lp(id) || lp(part)
//!           0x01 || lp("subject-key")    || lp(tenant) || lp(subject) || lp(subject key id)
//!           0x01 || lp("tenant-key")     || lp(tenant) || lp(tenant key id)
//!           0x01 || lp("connection-key") || lp(tenant) || lp(subject) || lp(connection) || lp(connection key id)
//! ```
//!
//! The label that goes into the derivation is `bailee1/rec`, `bailee1/sub`, `bailee1/ten`,
//! `bailee1/con`.

use bailee_core::{Id, TenantId};

use crate::{envelope::HEADER, error::Fault};

/// A context with room in front for the header, so that both are the additional data at once.
pub(crate) struct Context {
    label: &'static [u8],
    buffer: Vec<u8>,
}

impl Context {
    /// A part of a record, or a host's field. `id` and `part` are 1 to 255 bytes.
    pub(crate) fn record(
        tenant: &TenantId,
        kind: &[&str],
        id: &[u8],
        part: &str,
    ) -> Result<Self, Fault> {
        let length = kind.iter().map(|piece| piece.len()).sum::<usize>();
        for length in [tenant.as_str().len(), length, id.len(), part.len()] {
            if !(1..=255).contains(&length) {
                return Err(Fault::Malformed);
            }
        }
        let mut context =
            Self::begin(b"bailee1/rec", "record", tenant, 12 + length + id.len() + part.len());
        context.buffer.extend_from_slice(&(length as u32).to_be_bytes());
        for piece in kind {
            context.buffer.extend_from_slice(piece.as_bytes());
        }
        context.push(id);
        context.push(part.as_bytes());
        Ok(context)
    }

    /// A wrapped key of a subject: its sixteen bytes, nothing (the tenant's own key), or
    /// `"\0index"`.
    pub(crate) fn subject_key(tenant: &TenantId, subject: &[u8], key: Id) -> Self {
        let mut context = Self::begin(b"bailee1/sub", "subject-key", tenant, 24 + subject.len());
        context.push(subject);
        context.push(key.as_bytes());
        context
    }

    /// A wrapped tenant key.
    pub(crate) fn tenant_key(tenant: &TenantId, key: Id) -> Self {
        let mut context = Self::begin(b"bailee1/ten", "tenant-key", tenant, 20);
        context.push(key.as_bytes());
        context
    }

    /// A wrapped key of a connection; the subject is empty where no subject owns it.
    pub(crate) fn connection_key(
        tenant: &TenantId,
        subject: &[u8],
        connection: Id,
        key: Id,
    ) -> Self {
        let mut context = Self::begin(b"bailee1/con", "connection-key", tenant, 44 + subject.len());
        context.push(subject);
        context.push(connection.as_bytes());
        context.push(key.as_bytes());
        context
    }

    pub(crate) fn label(&self) -> &'static [u8] {
        self.label
    }

    /// The context alone.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer[HEADER..]
    }

    /// Header and context, one after the other.
    pub(crate) fn behind(&mut self, header: &[u8; HEADER]) -> &[u8] {
        self.buffer[..HEADER].copy_from_slice(header);
        &self.buffer
    }

    fn begin(label: &'static [u8], word: &str, tenant: &TenantId, rest: usize) -> Self {
        let length = HEADER + 9 + word.len() + tenant.as_str().len() + rest;
        let mut context = Self { label, buffer: Vec::with_capacity(length) };
        context.buffer.resize(HEADER, 0);
        context.buffer.push(1);
        context.push(word.as_bytes());
        context.push(tenant.as_str().as_bytes());
        context
    }

    fn push(&mut self, piece: &[u8]) {
        // Names are checked names or at most 255 bytes, ids sixteen bytes.
        self.buffer.extend_from_slice(&(piece.len() as u32).to_be_bytes());
        self.buffer.extend_from_slice(piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_take_exactly_the_room_that_was_made() {
        let tenant = TenantId::from_static("acme");
        let id = Id::from_bytes([7; 16]);
        for context in [
            Context::record(&tenant, &["host.", "users"], b"42", "email").unwrap(),
            Context::subject_key(&tenant, id.as_bytes(), id),
            Context::tenant_key(&tenant, id),
            Context::connection_key(&tenant, b"", id, id),
        ] {
            assert_eq!(context.buffer.len(), context.buffer.capacity());
        }
    }

    #[test]
    fn empty_and_long_pieces_are_refused() {
        let tenant = TenantId::from_static("acme");
        let long = "x".repeat(256);
        for (kind, id, part) in [
            ("", "i", "p"),
            ("k", "", "p"),
            ("k", "i", ""),
            (&long, "i", "p"),
            ("k", &long, "p"),
            ("k", "i", &long),
        ] {
            assert!(Context::record(&tenant, &[kind], id.as_bytes(), part).is_err());
        }
    }
}

//! Host fields: columns of the host's own tables, sealed under the subject's key, so that they die
//! with it.

use std::{fmt, sync::Arc};

use bailee_core::{ErrorKind, Plaintext, Result, SubjectId, TenantId};

use crate::{
    Vault,
    cache::KeySet,
    context::Context,
    envelope::{self, Envelope},
    error::{Fault, invalid},
    holder::Slot,
    vault::Shared,
};

/// Seals and opens fields of one subject, with one look for its key.
///
/// It serves for as long as a cached key does, a minute at most; then it refuses
/// ([`ErrorKind::Conflict`]: ask for another one).
pub struct Fields {
    vault: Arc<Shared>,
    tenant: TenantId,
    keys: Arc<KeySet>,
}

/// The place of a field: what its sealed bytes are bound to.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    /// The host's table, 1 to 250 bytes.
    pub table: &'a str,
    /// The row's own key as bytes, 1 to 255.
    pub row: &'a [u8],
    /// The column, 1 to 255 bytes.
    pub column: &'a str,
    /// The version of the row that the write makes; 0 where the host keeps none. Then nobody
    /// notices when a whole old value is put back.
    pub version: u64,
}

impl Vault {
    /// The fields of a subject.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] when there is no such subject, [`ErrorKind::Shredded`] when it was
    /// erased, [`ErrorKind::KeyMissing`] when it lives and its key is gone.
    pub async fn fields(&self, tenant: &TenantId, subject: SubjectId) -> Result<Fields> {
        let keys = self.0.keys(tenant, Slot::Subject(subject)).await?;
        let keys = keys.ok_or(ErrorKind::KeyMissing)?;
        Ok(Fields { vault: Arc::clone(&self.0), tenant: tenant.clone(), keys })
    }
}

impl Fields {
    /// Seals values for their fields, in that order. Each is 90 bytes longer than its plaintext.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for another number of plaintexts and for a name that is empty
    /// or too long; [`ErrorKind::TooLarge`] over 64 KiB; [`ErrorKind::Conflict`] after a minute.
    pub fn seal(&self, fields: &[Field<'_>], plaintexts: &[Plaintext]) -> Result<Vec<Vec<u8>>> {
        same_number(fields.len(), plaintexts.len())?;
        let now = self.vault.clock.monotonic();
        let random = &*self.vault.random;
        fields
            .iter()
            .zip(plaintexts)
            .map(|(field, plaintext)| {
                let key = self.keys.active(now)?;
                let context = self.context(field)?;
                plaintext.expose(|plaintext| {
                    envelope::seal(key, context, field.version, &[plaintext], random)
                })
            })
            .collect()
    }

    /// Opens sealed values of their fields, in that order.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unopenable`] when one was not sealed for its field and version; else as
    /// [`Fields::seal`].
    pub fn open(
        &self,
        fields: &[Field<'_>],
        sealed: &[impl AsRef<[u8]>],
    ) -> Result<Vec<Plaintext>> {
        same_number(fields.len(), sealed.len())?;
        let now = self.vault.clock.monotonic();
        fields
            .iter()
            .zip(sealed)
            .map(|(field, sealed)| {
                let envelope = Envelope::parse(sealed.as_ref())?;
                let key = self.keys.by_id(envelope.key_id(), now)?;
                let context = self.context(field)?;
                if envelope.seq() != field.version {
                    return Err(Fault::Refused.into());
                }
                Ok(Plaintext::new(envelope.open(&key.material, context)?))
            })
            .collect()
    }

    fn context(&self, field: &Field<'_>) -> Result<Context> {
        Context::record(&self.tenant, &["host.", field.table], field.row, field.column)
            .map_err(|_| invalid("the name of a field is empty or too long"))
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fields").field("tenant", &self.tenant).field("keys", &self.keys).finish()
    }
}

fn same_number(fields: usize, values: usize) -> Result<()> {
    if fields == values { Ok(()) } else { Err(invalid("not one value for each field")) }
}

//! The control row, sealed under the key of the system's tenant.

use bailee_core::{Result, TenantId};
use bailee_store::{Control, Op, Sealed};

use crate::{
    Facts, Vault,
    context::Context,
    draft::{BODY, seq_of},
    envelope,
    holder::Slot,
    open::Opener,
};

impl Vault {
    /// Opens the control row of a read. `None` before anybody wrote it.
    ///
    /// # Errors
    ///
    /// [`bailee_core::ErrorKind::Unopenable`] when it is not what was sealed for this version, and
    /// for the keys of the system's tenant as [`Vault::read`].
    pub async fn open_control(&self, control: &Control) -> Result<Option<Facts>> {
        if control.version.0 == 0 && control.body.as_bytes().is_empty() {
            return Ok(None);
        }
        let system = TenantId::SYSTEM;
        let keys = self.0.keys(&system, Slot::Tenant).await?;
        let opener = Opener {
            clock: &*self.0.clock,
            tenant: &system,
            keys: keys.as_deref(),
            place: &Control::KEY,
            version: control.version,
            body: control.body.as_bytes(),
        };
        opener.facts_and_seqs().map(|(facts, _)| Some(facts))
    }

    /// Seals a new control row and gives the operation that puts it into the place of the one that
    /// was read. It is committed in the system's tenant.
    ///
    /// # Errors
    ///
    /// [`bailee_core::ErrorKind::UnknownSchema`] when a newer release wrote the row that it
    /// replaces; else as [`Vault::put`].
    pub async fn seal_control(&self, schema: u16, bytes: &[u8], replaces: &Control) -> Result<Op> {
        if self.open_control(replaces).await?.is_some_and(|facts| facts.schema() > schema) {
            return Err(bailee_core::ErrorKind::UnknownSchema.into());
        }
        let system = TenantId::SYSTEM;
        let keys = self.0.sealing_keys(&system, Slot::Tenant).await?;
        let key = keys.active(self.0.clock.monotonic())?;
        let place = Control::KEY;
        let context = Context::record(&system, &[place.kind.as_str()], place.id.as_bytes(), BODY)?;
        let seq = seq_of(replaces.version.next());
        let prefix = Facts::prefix(schema, [].into_iter())?;
        let body = envelope::seal(key, context, seq, &[&prefix, bytes], &*self.0.random)?;
        Ok(Op::Control { body: Sealed::new(body), expect: replaces.version })
    }
}

//! What happened to a person's accounts, for the person.

use bailee_core::{Result, Timestamp, Visitor};
use bailee_store::{LoggedEntry, Window};

use crate::connections::Connections;

impl Connections {
    /// What the audit log of the visitor's tenant says of them, from a time on and until another,
    /// oldest first: that an account was connected, that a provider told that access was removed
    /// there, what followed. Entries name no account and no token; `bailee_audit::to_line` makes a
    /// line of each.
    ///
    /// All of it is held in memory, so a page of history is best a few weeks.
    ///
    /// # Errors
    ///
    /// [`bailee_core::ErrorKind::StoreUnavailable`] and what the vault says.
    pub async fn history(
        &self,
        visitor: &Visitor,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<LoggedEntry>> {
        let engine = &self.engine;
        let tenant = visitor.tenant();
        let Some(subject) = engine.subject_of(tenant, visitor.person()).await? else {
            return Ok(Vec::new());
        };
        let mut window = Window { from, until, subject: Some(subject), ..Window::default() };
        let mut own = Vec::new();
        loop {
            let entries = engine.0.vault.store().entries(tenant, window).await?;
            let Some(last) = entries.last() else { return Ok(own) };
            window.after = Some((last.entry.at(), last.batch, last.n));
            own.extend(entries);
        }
    }
}

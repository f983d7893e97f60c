//! Doing again the erasures that a database lacks.

use bailee_core::{ErrorKind, Result, TenantId, audit::Entry};
use bailee_vault::Holder;

use super::{EraseAgain, Erasures, entry::AnchorEntry, kind, ledger::key};

/// How far a replay came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Replayed {
    /// How many of the missing erasures the database has now.
    pub done: u64,
    /// How many people had to be erased again.
    pub erased: u64,
    /// How many are under way. The replay is called again until there are none.
    pub left: u64,
}

impl Erasures {
    /// Does again what the database lacks: erases whoever lives in it although they were erased, and
    /// notes the others. When nothing is left, the database is served again
    /// ([`is_behind`](Self::is_behind)).
    ///
    /// It can be called at will and from where it stopped; two at a time do nothing wrong.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check), and what the erasure of somebody says. What was done stays.
    pub async fn replay(&self, again: &dyn EraseAgain) -> Result<Replayed> {
        let mut replayed = Replayed::default();
        for entry in self.missing().await? {
            match self.replay_one(&entry, again).await? {
                Some(erased) => {
                    replayed.done += 1;
                    replayed.erased += u64::from(erased);
                }
                None => replayed.left += 1,
            }
        }
        self.set_behind(replayed.left);
        if replayed.left == 0 {
            let vault = self.vault();
            let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
            let entry = Entry::new("rights.erasures_replayed", vault.clock().now())
                .with("count", count(replayed.done))
                .with("erased", count(replayed.erased));
            vault.commit(&TenantId::SYSTEM, vault.batch()?.audit(entry)).await?;
            self.plan_tidying().await?;
        }
        Ok(replayed)
    }

    /// Sees that one erasure is done in this database. Says whether somebody had to be erased; `None`
    /// where it is under way.
    async fn replay_one(
        &self,
        entry: &AnchorEntry,
        again: &dyn EraseAgain,
    ) -> Result<Option<bool>> {
        let (tenant, subject) = (&entry.tenant, entry.body.subject);
        let lived = self.lives(entry).await?;
        if lived {
            let said = again.erase_again(tenant, subject, entry.body.request).await?;
            // It is looked at, and not believed.
            if !said || self.lives(entry).await? {
                return Ok(None);
            }
        }
        self.note(entry).await?;
        Ok(Some(lived))
    }

    /// Whether the person of an entry lives in this database.
    async fn lives(&self, entry: &AnchorEntry) -> Result<bool> {
        let holder = Holder::Subject(entry.body.subject);
        match self.vault().read(&entry.tenant, holder, &[]).await {
            Ok(_) => Ok(true),
            Err(error) => match error.kind() {
                ErrorKind::NotFound | ErrorKind::Shredded => Ok(false),
                // Their key was not put back with them; what they left is there.
                ErrorKind::KeyMissing => Ok(true),
                _ => Err(error),
            },
        }
    }

    /// Notes an erasure that the anchor knows, where the erasure itself did not.
    async fn note(&self, entry: &AnchorEntry) -> Result<()> {
        let (vault, tenant) = (self.vault(), &entry.tenant);
        let view = vault.read(tenant, Holder::Tenant, &[key(entry.person)]).await?;
        let known = view.facts(0)?.map(|facts| super::body::decode(&facts)).transpose()?;
        if known.is_some_and(|known| known.at >= entry.body.at) {
            return Ok(());
        }
        let put = self.put(tenant, entry.person, &entry.body, kind::ANCHORED, view.record(0));
        let told = Entry::new("rights.erasure_replayed", vault.clock().now())
            .about(entry.body.subject)
            .with("request", entry.body.request);
        let batch = vault.batch()?.op(put.await?).audit(told);
        match vault.commit(tenant, batch).await {
            // Somebody else noted it.
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
            done => done.map(|_| ()),
        }
    }
}

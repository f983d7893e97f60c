//! The end of a hold, and the warning before it.

use bailee_core::{ErrorKind, Result, audit::Entry};
use bailee_store::{Due, Lease};

use super::{
    Ended, Hold, Holds,
    desk::{go_on, work},
};

/// What came of a hold's time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Passed {
    /// It is over, and the requests that waited for it go on.
    Ended(Hold),
    /// It ends soon: a reviewer should look at it again.
    ReviewDue(Hold),
}

impl Holds {
    /// Does a piece of work that a worker claimed: warns of the end of a hold, or ends it. Says what it
    /// did, for whoever tells reviewers; `None` where there was nothing to do.
    ///
    /// # Errors
    ///
    /// What the store and the vault say; the work is due again when its claim ends.
    pub async fn do_due(&self, lease: &Lease) -> Result<Option<Passed>> {
        let (vault, tenant, hold) = (self.vault(), &lease.tenant, lease.task.id);
        let at = vault.clock().now();
        let found = self.read(tenant, hold).await?;
        let Some((view, mut body)) = found.filter(|(_, body)| body.ended.is_none()) else {
            // It was lifted, or went with its person.
            let entry = Entry::new("rights.hold_checked", at).with("hold", hold);
            let batch =
                vault.batch()?.finish(lease.task.clone(), lease.fence, Due::Never).audit(entry);
            return match vault.commit(tenant, batch).await {
                Err(error) if error.kind() == ErrorKind::Conflict => Ok(None),
                done => done.map(|_| None),
            };
        };
        // By the clock that said that it is due: another one could ask for it again and again.
        let (event, due) = if body.until <= lease.now {
            body.ended = Some((at, Ended::Over));
            ("rights.hold_ended", Due::Never)
        } else if !body.warned && self.warns_at(&body) <= lease.now {
            body.warned = true;
            ("rights.hold_due", Due::At(body.until))
        } else {
            // A renewal came before.
            let next = if body.warned { body.until } else { self.warns_at(&body) };
            ("rights.hold_checked", Due::At(next))
        };
        let entry = Entry::new(event, at).about(body.subject);
        let mut batch =
            self.told(vault.batch()?, entry, hold, &body).finish(work(hold), lease.fence, due);
        if event != "rights.hold_checked" {
            batch = batch.op(self.put(tenant, hold, &body, view.record(0)).await?);
        }
        vault.commit(tenant, go_on(batch, &body)).await?;
        let hold = Hold::of(hold, body);
        Ok(match event {
            "rights.hold_ended" => Some(Passed::Ended(hold)),
            "rights.hold_due" => Some(Passed::ReviewDue(hold)),
            _ => None,
        })
    }
}

//! Somebody who came back while a hold kept their erasure open. What they asked to have erased does not
//! reach what they entrusted since: nothing goes by itself, and an operator says what does.

use std::{collections::BTreeMap, time::Duration};

use bailee_core::{ErrorKind, Id, Result, SubjectId, TenantId, Timestamp};
use bailee_registry::Standing;
use bailee_store::{Due, Key, Lease, Op};
use bailee_vault::{Holder, View};
use serde::{Deserialize, Serialize};

use super::{
    Reason,
    body::{PartBody, RequestBody, Stage},
    desk::Rights,
    drive::LOOK_AGAIN,
    kind,
    operator::OperatorRights,
    state::{Move, State},
};
use crate::source::{SourceFacts, Whose};

/// What goes of a person who came back before a hold was over, as an operator says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AfterReturn {
    /// Everything, with what came since: they want nothing of it kept.
    Everything,
    /// What was held alone. Whatever else there is now rests on what they agreed to since, and stays,
    /// as their connections do.
    OnlyHeld,
}

impl AfterReturn {
    /// The word that records, the log and receipts use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Everything => "everything",
            Self::OnlyHeld => "only_held",
        }
    }
}

impl OperatorRights {
    /// Says what goes of a person who came back while a hold kept their erasure open
    /// ([`State::Returned`]), in every tenant in which they did. Best they are asked first.
    ///
    /// [`AfterReturn::OnlyHeld`] holds for what later holds of this request keep as well;
    /// [`AfterReturn::Everything`] does not: whoever comes back once more is asked about once more.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Rejected`] where nobody came back, [`ErrorKind::NotFound`], and what the store and
    /// the vault say.
    pub async fn after_return(&self, tenant: &TenantId, id: Id, what: AfterReturn) -> Result<()> {
        let rights = self.rights();
        for _ in 0..8 {
            let (view, mut body) = rights.read_request(tenant, id).await?;
            body.state = body.state.after(Move::Weighed, body.right)?;
            for (n, (place, _)) in (0_u32..).zip(&body.places) {
                if rights.read_part(place, id).await?.1.stage == Stage::Returned {
                    body.weighed.insert(n, what);
                }
            }
            let subject = body.places.first().map(|(_, subject)| *subject);
            let entry = rights
                .about(&body, rights.entry("rights.return_weighed", id))
                .by(&self.actor())
                .with("outcome", what.as_str());
            let now = Due::After(Duration::ZERO);
            let batch = rights
                .vault()
                .batch()?
                .op(rights.put_request(tenant, id, &body, Some(&view)).await?)
                .schedule(Key::new(kind::REQUEST_DUE, id), subject, now)
                .audit(entry);
            match rights.vault().commit(tenant, batch).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => return done.map(|_| ()),
            }
        }
        Err(ErrorKind::Conflict.into())
    }
}

impl Rights {
    /// Looks at a part that waits for holds. Whether something changed that has to be written down.
    pub(super) async fn hold_moved(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        part: &mut PartBody,
    ) -> Result<bool> {
        let held: BTreeMap<String, (Id, Reason, Timestamp)> =
            self.holds_now(tenant, subject).await?;
        if held == part.held {
            return Ok(false);
        }
        let over = part.held.keys().filter(|set| !held.contains_key(*set));
        part.released.extend(over.cloned());
        part.held = held;
        if part.stage == Stage::Held && part.released.iter().any(|set| !part.held.contains_key(set))
        {
            let asks = !part.keeps_what_came() && self.came_back(tenant, subject, part).await?;
            match asks {
                true => part.stage = Stage::Returned,
                false => part.begin_again(),
            }
        }
        Ok(true)
    }

    /// What makes a part wait for the holds that keep something in it.
    pub(super) async fn wait_for_holds(
        &self,
        tenant: &TenantId,
        id: Id,
        part: &PartBody,
    ) -> Result<Vec<Op>> {
        let mut ops = Vec::new();
        if part.stage.is_held() {
            let mut holds: Vec<Id> = part.held.values().map(|held| held.0).collect();
            holds.sort_unstable();
            holds.dedup();
            for hold in holds {
                let waits = self.0.holds.wait_for(tenant, hold, id).await?;
                // One that ended meanwhile keeps nothing any more: it is looked at anew.
                ops.extend(waits.ok_or(ErrorKind::Conflict)?);
            }
        }
        Ok(ops)
    }

    /// Whether a person came back after everything was erased but what is held: something is
    /// connected again, or they agreed to something that stands.
    async fn came_back(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        part: &PartBody,
    ) -> Result<bool> {
        let Some(since) = part.clear_at else { return Ok(false) };
        let view = match self.vault().read(tenant, Holder::Subject(subject), &[]).await {
            // Erased by another request, to the end.
            Err(error) if error.kind() == ErrorKind::Shredded => return Ok(false),
            view => view?,
        };
        let (standing, now) = (Standing::read(&view.standing()?)?, self.now());
        let agrees =
            standing.consents().any(|(_, _, consent)| consent.at >= since && consent.stands(now));
        Ok(agrees || !self.0.accounts.connections(tenant, subject).await?.is_empty())
    }

    /// Says to the sources which sets stay: those that are held, and of somebody who came back all but
    /// those that were.
    pub(super) fn sparing(&self, whose: Whose, part: &PartBody) -> Whose {
        let sets = self.0.declaration.data_sets().map(|set| set.id.as_str());
        sets.filter(|set| part.spares(set)).fold(whose, |whose, set| whose.sparing(set))
    }

    /// Notes that nothing is left of what should go.
    pub(super) fn cleared(&self, part: &mut PartBody) {
        part.stage = match (part.held.is_empty(), part.keeps_what_came()) {
            (true, false) => Stage::Cleared,
            // What is left of them is what came since.
            (true, true) => Stage::Done,
            (false, _) => Stage::Held,
        };
        if part.stage == Stage::Held && !part.keeps_what_came() {
            part.clear_at = Some(self.now());
            part.released.clear();
        }
    }

    /// A hold may be over: then its part has erased what it kept, or is at it, or asks.
    pub(super) async fn look_at_holds(
        &self,
        lease: &Lease,
        view: &View,
        mut body: RequestBody,
    ) -> Result<()> {
        let id = lease.task.id;
        let (mut until, mut asks) = (None, false);
        let weighed = std::mem::take(&mut body.weighed);
        for (n, (tenant, _)) in (0_u32..).zip(&body.places) {
            let (part_view, mut part) = self.read_part(tenant, id).await?;
            match (part.stage, weighed.get(&n)) {
                (Stage::Returned, Some(what)) => {
                    part.after = Some(*what);
                    part.said = false;
                    part.begin_again();
                    self.wake_part(tenant, id, &part_view, &part).await?;
                }
                (Stage::Returned, None) => asks = true,
                (Stage::Held, _) => {
                    let ends = part.held.values().map(|held| held.2).min();
                    // It ended, or goes on for longer: the part finds out which.
                    if ends.is_none_or(|ends| ends <= self.now()) {
                        self.wake_part(tenant, id, &part_view, &part).await?;
                    }
                    until = until.into_iter().chain(ends).min();
                }
                _ => {}
            }
        }
        if asks {
            return self.ask_operator(lease, view, body).await;
        }
        if let Some(until) = until {
            // The end of the hold wakes its part, and that this request.
            let due = Due::At(until.plus(LOOK_AGAIN).max(self.now().plus(LOOK_AGAIN)));
            // Written, so that a part of another tenant that is woken now is not missed.
            let entry = self.entry("rights.looked", id);
            return self.step(lease, view, &body, due, entry).await;
        }
        body.state = body.state.after(Move::Released, body.right)?;
        let entry = self.entry("rights.released", id);
        self.step(lease, view, &body, Due::After(Duration::ZERO), entry).await
    }

    /// Leaves it to an operator what goes of somebody who came back, and has the overseer told.
    async fn ask_operator(&self, lease: &Lease, view: &View, mut body: RequestBody) -> Result<()> {
        let (tenant, id) = (&lease.tenant, lease.task.id);
        body.state = body.state.after(Move::CameBack, body.right)?;
        let subject = body.places.first().map(|(_, subject)| *subject);
        let entry = self.about(&body, self.entry("rights.came_back", id));
        let batch = self
            .vault()
            .batch()?
            .op(self.put_request(tenant, id, &body, Some(view)).await?)
            .finish(lease.task.clone(), lease.fence, Due::Never)
            .schedule(Key::new(kind::CLOCK_DUE, id), subject, Due::After(Duration::ZERO))
            .audit(entry.with("state", State::Returned.as_str()));
        self.vault().commit(tenant, batch).await.map(|_| ())
    }
}

impl PartBody {
    /// Whether what came after the person came back stays.
    pub(super) fn keeps_what_came(&self) -> bool {
        self.after == Some(AfterReturn::OnlyHeld)
    }

    /// Whether a set stays as it is.
    fn spares(&self, set: &str) -> bool {
        self.held.contains_key(set) || (self.keeps_what_came() && !self.released.contains(set))
    }

    /// Whether what a look says of a table is about what was asked to go. What came since is not, and
    /// its rows are not counted.
    pub(super) fn is_about(&self, facts: &SourceFacts, table: &str) -> bool {
        let set = facts.table(table).map(|table| table.data_set.as_str());
        !self.keeps_what_came()
            || set.is_some_and(|set| self.held.contains_key(set) || self.released.contains(set))
    }
}

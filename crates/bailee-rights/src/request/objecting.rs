//! What becomes of an objection whose request is closed without being upheld: the ledger says so.

use bailee_core::{Actor, ErrorKind, Id, ProviderId, PurposeId, Result, SubjectId, TenantId};
use bailee_registry::{Choice, Grounds, Ledger, Standing};
use bailee_store::{Due, Expect, Key, Lease, Query};
use bailee_vault::Holder;

use super::{
    Right, Word,
    body::{MatterBody, OutcomeBody, RequestBody, decode},
    desk::Rights,
    drive::spoken_by,
    kind,
    state::State,
};

impl RequestBody {
    /// Whether the ledger has to be told that an objection is taken back or overridden.
    pub(super) fn ends_objection(&self) -> bool {
        let ended = matches!(self.closed, Some((_, OutcomeBody::Cancelled | OutcomeBody::Refused)));
        self.right == Right::Objection && ended && self.identity.is_some()
    }
}

impl Rights {
    /// Due: say in the ledger what became of an objection, and forget the grounds when nobody needs
    /// them any more.
    pub(super) async fn objection_due(&self, lease: &Lease, body: &RequestBody) -> Result<()> {
        let (tenant, id) = (&lease.tenant, lease.task.id);
        self.settle_objection(tenant, id, body).await?;
        let entry = self.about(body, self.entry("rights.looked", id));
        // A claim that began before it was closed may have the person's word repeated, and needs them.
        let kept = body.closed.map(|(at, _)| at.plus(Self::CLAIM));
        if let Some(kept) = kept.filter(|kept| *kept > self.now()) {
            return self.finish(lease, Due::At(kept), entry).await;
        }
        let key = Key::new(kind::ASKED, id);
        let found = self.vault().store().read(tenant, std::slice::from_ref(&key)).await?;
        let batch = self.vault().batch()?;
        let batch = match found.records.first().is_some_and(Option::is_some) {
            true => batch.delete(key, Expect::Present),
            false => batch,
        };
        let batch = batch.finish(lease.task.clone(), lease.fence, Due::Never).audit(entry);
        self.vault().commit(tenant, batch).await.map(|_| ())
    }

    /// Says in every tenant what became of the objection of a closed request: the person took it back,
    /// or it is overridden. One that the person made again since then is another one.
    pub(super) async fn settle_objection(
        &self,
        home: &TenantId,
        id: Id,
        body: &RequestBody,
    ) -> Result<()> {
        let MatterBody::Objection { purpose, integration } = &body.matter else { return Ok(()) };
        let Some((at, outcome)) = body.closed else { return Ok(()) };
        for (tenant, subject) in &body.places {
            let made = self.unweighed(tenant, *subject, purpose, integration.as_ref()).await?;
            if made.is_none_or(|made| made > at) {
                continue;
            }
            if self.objects_otherwise(tenant, *subject, id, &body.matter).await? {
                continue;
            }
            let word = match outcome {
                OutcomeBody::Cancelled => Word::ObjectionTakenBack {
                    purpose: purpose.clone(),
                    integration: integration.clone(),
                },
                _ => {
                    let asked = self.asked(home, id).await;
                    let grounds = match asked {
                        Err(error) if error.kind() == ErrorKind::Shredded => return Ok(()),
                        asked => asked?.overridden_on,
                    };
                    let Some(grounds) = grounds else { return Ok(()) };
                    Word::ObjectionOverridden {
                        purpose: purpose.clone(),
                        integration: integration.clone(),
                        grounds: Grounds::new(&grounds),
                    }
                }
            };
            let by = body.closed_by.as_ref().unwrap_or(&Actor::System);
            let said = self.0.accounts.say(tenant, *subject, &spoken_by(by, *subject), &word).await;
            match said {
                // Erased meanwhile; or not to be overridden any more, so that it holds.
                Err(error) if matches!(error.kind(), ErrorKind::Shredded | ErrorKind::Denied) => {}
                said => said?,
            }
        }
        Ok(())
    }

    /// When the objection of a person was made that was not weighed yet; `None` for none, and for
    /// whoever is erased.
    async fn unweighed(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        purpose: &PurposeId,
        integration: Option<&ProviderId>,
    ) -> Result<Option<bailee_core::Timestamp>> {
        let view = match self.vault().read(tenant, Holder::Subject(subject), &[]).await {
            Err(error) if error.kind() == ErrorKind::Shredded => return Ok(None),
            view => view?,
        };
        let standing = Standing::read(&view.standing()?)?;
        let open = standing.objections().any(|(of, through, outcome)| {
            of == *purpose && through == integration && outcome.is_none()
        });
        if !open {
            return Ok(None);
        }
        let history = Ledger::new(self.vault().clone()).history(tenant, subject).await?;
        let made = history.iter().rev().find(|record| {
            matches!(record.choice, Choice::ObjectionMade { .. })
                && record.choice.on() == Some((purpose, integration))
        });
        Ok(made.map(|record| record.at))
    }

    /// Whether another open request says the same objection.
    async fn objects_otherwise(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        id: Id,
        matter: &MatterBody,
    ) -> Result<bool> {
        let mut query = Query::of_kind(kind::REQUEST).subject(subject);
        loop {
            let page = self.vault().store().find(tenant, &query).await?;
            for record in page.records.iter().filter(|record| record.key.id != id) {
                let opened = self.vault().open(tenant, Holder::Tenant, record).await?;
                let other: RequestBody = decode(&opened.facts()?)?;
                if other.matter == *matter
                    && matches!(other.state, State::Deciding | State::Working)
                {
                    return Ok(true);
                }
            }
            match page.next {
                Some(next) => query = query.after(next),
                None => return Ok(false),
            }
        }
    }
}

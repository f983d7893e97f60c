//! What an operator does with requests.

use bailee_core::{Actor, Error, ErrorKind, HostId, Id, RecipientId, Result, TenantId, Timestamp};
use bailee_store::{BatchBuilder, Due, Facet, Key, Query};
use bailee_vault::{Holder, View};

use super::{
    Ask, Channel, IdentifiedBy, Reason, Request, Right, Taken,
    ask::Incoming,
    body::{IdentityBody, OutcomeBody, RecipientBody, RequestBody, decode},
    desk::Rights,
    kind,
    provider::provider_of,
    state::{Move, State},
};
use crate::{
    clock::{ExtensionReason, PauseReason},
    identity::{Attestation, Doubt, Seen, Way},
    message::Content,
    source::Count,
};

/// Requests as an operator handles them, whom the host authenticated as one. Hand this to nobody
/// else; the log names the operator.
#[derive(Clone, Debug)]
pub struct OperatorRights {
    rights: Rights,
    operator: Id,
}

/// What an erasure would do in one tenant, source by source.
#[derive(Debug)]
#[non_exhaustive]
pub struct DryRun {
    /// The tenant.
    pub tenant: TenantId,
    /// What each source says. One that cannot be asked has an error, and an erasure would wait for it.
    pub sources: Vec<(String, Result<Count>)>,
}

impl Rights {
    /// Requests, for an operator as the host names them.
    pub fn operator(&self, operator: Id) -> OperatorRights {
        OperatorRights { rights: self.clone(), operator }
    }
}

impl OperatorRights {
    /// Enters a request that came by another way than the application: a letter, a mail, an agent, a
    /// call. The clock starts with the receipt, not with the entry (R10).
    ///
    /// Whoever asks is asked who they are. What a provider brought with its signature is entered by
    /// [`enter_from_provider`](Self::enter_from_provider), and then is not.
    ///
    /// # Errors
    ///
    /// As [`Rights::ask`]; [`ErrorKind::InvalidInput`] for a receipt in the future.
    pub async fn enter(
        &self,
        tenant: &TenantId,
        person: &HostId,
        ask: Ask,
        channel: Channel,
        received: Timestamp,
    ) -> Result<Taken> {
        let incoming = Incoming {
            id: None,
            tenant,
            person,
            ask,
            locale: bailee_core::Locale::default(),
            channel,
            received,
            by: Some(self.actor()),
        };
        self.rights.take(incoming, None).await
    }

    /// A request as it stands.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`], and what the store and the vault say.
    pub async fn request(&self, tenant: &TenantId, id: Id) -> Result<Request> {
        self.rights.view(tenant, id).await
    }

    /// The open requests of a tenant, those that wait for an operator first, then the one that is due
    /// first.
    ///
    /// # Errors
    ///
    /// What the store and the vault say.
    pub async fn open(&self, tenant: &TenantId) -> Result<Vec<Request>> {
        let mut open = self.of(tenant, kind::WAITS_FOR_OPERATOR).await?;
        let mut working = self.of(tenant, kind::IS_OPEN).await?;
        for requests in [&mut open, &mut working] {
            requests.sort_by_key(|request| request.reading.deadline().strict);
        }
        open.append(&mut working);
        Ok(open)
    }

    /// The closed requests of a tenant.
    ///
    /// # Errors
    ///
    /// What the store and the vault say.
    pub async fn closed(&self, tenant: &TenantId) -> Result<Vec<Request>> {
        self.of(tenant, kind::IS_CLOSED).await
    }

    /// Attests that the person asks: the operator saw something that shows it. A note of it is sealed
    /// under the person's key and deleted when the request is closed, and after ninety days at the
    /// latest.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Rejected`] where that is known already, [`ErrorKind::NotFound`],
    /// [`ErrorKind::TooLarge`] for a long note, and what the store and the vault say.
    pub async fn attest(
        &self,
        tenant: &TenantId,
        id: Id,
        seen: Seen,
        note: Option<&str>,
    ) -> Result<()> {
        let rights = &self.rights;
        let vault = rights.vault();
        for _ in 0..8 {
            let (view, mut body) = rights.read_request(tenant, id).await?;
            let now = rights.now();
            let identity = IdentityBody {
                at: now,
                how: IdentifiedBy::Attested,
                operator: Some(self.operator),
                ask: None,
            };
            let mut batch = vault.batch()?;
            if let (Some(service), Some((_, subject))) = (&rights.0.identity, body.places.first()) {
                let mut attestation = Attestation::new(self.operator, seen);
                if let Some(note) = note {
                    attestation = attestation.with_note(note);
                }
                let person = vault.read(tenant, Holder::Subject(*subject), &[]).await?;
                let until = now.plus(NOTES);
                let (_, additions) =
                    service.attest(tenant, *subject, id, attestation, until).await?;
                batch = additions.add_to(batch.op(person.fence()?));
            }
            let by = self.actor();
            batch =
                rights.establishing(tenant, id, &view, &mut body, &identity, &by, batch).await?;
            match vault.commit(tenant, batch).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => return done.map(|_| ()),
            }
        }
        Err(ErrorKind::Conflict.into())
    }

    /// Asks the person to show who they are, for a reason that can be shown (Art. 12(6) GDPR), and
    /// notes that the request waits for it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Rejected`] where it is known already who asks; as
    /// [`RequestClock::pause`](crate::clock::RequestClock::pause).
    pub async fn ask_identity(
        &self,
        tenant: &TenantId,
        id: Id,
        doubt: Doubt,
        ways: &[Way],
    ) -> Result<()> {
        self.change(tenant, id, "rights.person_asked", Some(doubt.as_str()), |body, now, rights| {
            body.state.after(Move::Identified, body.right)?;
            body.clock.pause(PauseReason::Identity, now)?;
            let paused = body.clock.read(&rights.0.at)?.running().is_none();
            let ways = ways.to_vec();
            Ok(Some(Content::IdentityAsked { doubt, ways, paused, until: None }))
        })
        .await
    }

    /// Answers a complaint; the person reads the answer, and the request is closed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for a request that is none and for an empty answer; as
    /// [`Self::approve`].
    pub async fn answer_complaint(&self, tenant: &TenantId, id: Id, answer: &str) -> Result<()> {
        let rights = &self.rights;
        for _ in 0..8 {
            let (view, mut body) = rights.read_request(tenant, id).await?;
            if body.right != Right::Complaint || answer.trim().is_empty() {
                return Err(Error::new(ErrorKind::InvalidInput)
                    .with_detail("a complaint is answered with words"));
            }
            body.state = body.state.after(Move::Approved, body.right)?;
            body.state = body.state.after(Move::Worked, body.right)?;
            body.decided = Some((rights.now(), self.actor()));
            let content = Content::ComplaintAnswered { answer: answer.to_owned() };
            let outcome = (OutcomeBody::Done, content);
            match rights.close_by(tenant, id, &view, body, &self.actor(), outcome, Vec::new()).await
            {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => return done,
            }
        }
        Err(ErrorKind::Conflict.into())
    }

    /// Notes that the person was asked something that the request has to wait for, with the reason
    /// (Art. 12(6) and recital 63 GDPR). What that does to the deadline the law says.
    ///
    /// # Errors
    ///
    /// As [`RequestClock::pause`](crate::clock::RequestClock::pause); [`ErrorKind::Rejected`] for a
    /// closed request.
    pub async fn asked_person(&self, tenant: &TenantId, id: Id, reason: PauseReason) -> Result<()> {
        self.change(tenant, id, "rights.person_asked", Some(reason_word(reason)), |body, now, _| {
            body.clock.pause(reason, now).map(|()| None)
        })
        .await
    }

    /// Notes that the person answered.
    ///
    /// # Errors
    ///
    /// As [`RequestClock::resume`](crate::clock::RequestClock::resume).
    pub async fn person_answered(&self, tenant: &TenantId, id: Id) -> Result<()> {
        self.change(tenant, id, "rights.person_answered", None, |body, now, _| {
            body.clock.resume(now).map(|()| None)
        })
        .await
    }

    /// Extends a request, of which the person is told now, with the reason (Art. 12(3) GDPR).
    ///
    /// # Errors
    ///
    /// As [`RequestClock::extend`](crate::clock::RequestClock::extend).
    pub async fn extend(&self, tenant: &TenantId, id: Id, reason: ExtensionReason) -> Result<()> {
        let word = match reason {
            ExtensionReason::Complexity => Reason::DelayComplexity,
            ExtensionReason::Number => Reason::DelayVolume,
        };
        self.change(tenant, id, "rights.extended", Some(word.as_str()), |body, now, rights| {
            body.clock.extend(reason, now, &rights.0.at)?;
            let due = body.clock.read(&rights.0.at)?.deadline().strict_day;
            Ok(Some(Content::Extended { due, reason }))
        })
        .await
    }

    /// Takes a request back as the person said, by letter or by word of mouth.
    ///
    /// # Errors
    ///
    /// As [`Rights::cancel`].
    pub async fn cancel(&self, tenant: &TenantId, id: Id) -> Result<()> {
        self.rights.cut_off(tenant, id, &self.actor()).await
    }

    /// Notes that a recipient was told by hand, or cannot be told (Art. 19 GDPR).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for a recipient that does not have to be told, and as
    /// [`Self::approve`].
    pub async fn recipient_told(
        &self,
        tenant: &TenantId,
        id: Id,
        recipient: &RecipientId,
        possible: bool,
    ) -> Result<()> {
        self.change(tenant, id, "rights.recipient_told", None, |body, now, _| {
            match body.recipients.get_mut(recipient) {
                Some(state @ RecipientBody::Untold) => {
                    *state = match possible {
                        true => RecipientBody::Told(now),
                        false => RecipientBody::Impossible(now),
                    };
                    Ok(None)
                }
                _ => Err(Error::new(ErrorKind::InvalidInput)
                    .with_detail("nobody waits for this recipient to be told")),
            }
        })
        .await
    }

    /// What an erasure of a request would do, in every tenant. Nothing is changed by asking.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`], [`ErrorKind::Shredded`] for a person who is erased, and what the
    /// store and the vault say.
    pub async fn dry_run(&self, tenant: &TenantId, id: Id) -> Result<Vec<DryRun>> {
        let (_, body) = self.rights.read_request(tenant, id).await?;
        let mut runs = Vec::with_capacity(body.places.len());
        for (tenant, subject) in body.places {
            let whose = self.rights.whose_kept(&tenant, subject, id, false).await?;
            let mut sources = Vec::new();
            for source in self.rights.0.sources.iter() {
                sources.push((source.facts().name.clone(), source.count(&whose).await));
            }
            runs.push(DryRun { tenant, sources });
        }
        Ok(runs)
    }

    /// Changes what is known of an open request, and has it looked at.
    async fn change(
        &self,
        tenant: &TenantId,
        id: Id,
        event: &'static str,
        reason: Option<&'static str>,
        change: impl Fn(&mut RequestBody, Timestamp, &Rights) -> Result<Option<Content>>,
    ) -> Result<()> {
        let rights = &self.rights;
        for _ in 0..8 {
            let (view, mut body) = rights.read_request(tenant, id).await?;
            if body.state == State::Closed {
                return Err(Error::new(ErrorKind::Rejected).with_detail("the request is closed"));
            }
            let content = change(&mut body, rights.now(), rights)?;
            let subject = body.places.first().map(|(_, subject)| *subject);
            let entry = rights
                .about(&body, rights.entry(event, id))
                .by(&self.actor())
                .with_some("reason", reason);
            let mut batch = rights
                .vault()
                .batch()?
                .op(rights.put_request(tenant, id, &body, Some(&view)).await?)
                .schedule(Key::new(kind::CLOCK_DUE, id), subject, rights.next_warning(&body)?)
                .audit(entry);
            if matches!(body.state, State::Working | State::Held) {
                let now = Due::After(std::time::Duration::ZERO);
                batch = batch.schedule(Key::new(kind::REQUEST_DUE, id), subject, now);
            }
            if let Some(content) = content {
                batch = rights.with_letter(batch, tenant, id, &body, content).await?;
            }
            match rights.vault().commit(tenant, batch).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => return done.map(|_| ()),
            }
        }
        Err(ErrorKind::Conflict.into())
    }

    async fn of(&self, tenant: &TenantId, facet: Facet) -> Result<Vec<Request>> {
        let rights = &self.rights;
        let mut query = Query::of_kind(kind::REQUEST).facet(facet);
        let mut requests = Vec::new();
        loop {
            let page = rights.vault().store().find(tenant, &query).await?;
            for record in &page.records {
                let opened = rights.vault().open(tenant, Holder::Tenant, record).await?;
                let body: RequestBody = decode(&opened.facts()?)?;
                requests.push(rights.view_of(tenant, record.key.id, body).await?);
            }
            match page.next {
                Some(next) => query = query.after(next),
                None => return Ok(requests),
            }
        }
    }

    pub(super) fn rights(&self) -> &Rights {
        &self.rights
    }

    pub(super) fn actor(&self) -> Actor {
        Actor::Operator { operator: self.operator }
    }
}

impl Rights {
    /// Adds to a commit who the person is, and that the request goes on.
    #[expect(clippy::too_many_arguments, reason = "what was read is written in one commit")]
    pub(super) async fn establishing(
        &self,
        tenant: &TenantId,
        id: Id,
        view: &View,
        body: &mut RequestBody,
        identity: &IdentityBody,
        by: &Actor,
        batch: BatchBuilder,
    ) -> Result<BatchBuilder> {
        self.identified(body, identity.clone())?;
        // Who was asked for it has answered.
        let open = body.clock.pauses().last();
        let waits = open
            .is_some_and(|pause| pause.reason == PauseReason::Identity && pause.answered.is_none());
        if waits {
            body.clock.resume(identity.at)?;
        }
        let subject = body.places.first().map(|(_, subject)| *subject);
        let entry = self
            .about(body, self.entry("rights.identified", id))
            .by(by)
            .with_some("provider", provider_of(by))
            .with("method", identity.how.as_str());
        Ok(batch
            .op(self.put_request(tenant, id, body, Some(view)).await?)
            .schedule(Key::new(kind::REQUEST_DUE, id), subject, self.first_due(body))
            .schedule(Key::new(kind::CLOCK_DUE, id), subject, self.next_warning(body)?)
            .audit(entry))
    }
}

fn reason_word(reason: PauseReason) -> &'static str {
    match reason {
        PauseReason::Clarification => "clarification",
        PauseReason::Fee => "fee",
        PauseReason::Identity => "identity",
    }
}

/// For how long a note of what an operator saw is kept at the most.
const NOTES: std::time::Duration = std::time::Duration::from_secs(90 * 86_400);

//! What a person does with requests of their own.

use bailee_core::{Actor, Error, ErrorKind, Id, Result, TenantId, Timestamp, Visitor};
use bailee_store::{Key, Query};

use super::{
    Ask, Channel, IdentifiedBy, Request, Taken,
    ask::Incoming,
    body::{IdentityBody, OutcomeBody, RequestBody, decode},
    desk::Rights,
    kind,
    state::{Move, State},
};
use crate::{
    identity::{Code, Outcome as Guess},
    message::{Cause, Content},
};

impl Rights {
    /// Takes a request of a person whom the host authenticated, and who was signed in at
    /// `authenticated`: a session that is young enough shows who they are (recital 57 GDPR), and
    /// nothing more is asked of them. After an older one the request waits until somebody shows it.
    ///
    /// It is about their data in every tenant that [`Access::tenants`](bailee_core::Access::tenants)
    /// names. Who asks for what they have asked for already gets that request.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for something that nobody can ask for,
    /// [`ErrorKind::HostFailed`] where the host cannot say in which tenants the person has data,
    /// [`ErrorKind::Quarantined`], and what the store and the vault say.
    pub async fn ask(
        &self,
        visitor: &Visitor,
        authenticated: Timestamp,
        ask: Ask,
    ) -> Result<Taken> {
        let now = self.now();
        let young = authenticated <= now && now.since(authenticated) <= self.0.session;
        let identity = young.then_some(IdentityBody {
            at: now,
            how: IdentifiedBy::Session,
            operator: None,
            ask: None,
        });
        let incoming = Incoming {
            id: None,
            tenant: visitor.tenant(),
            person: visitor.person(),
            ask,
            locale: visitor.locale().clone(),
            channel: Channel::Application,
            received: now,
            by: None,
        };
        let taken = self.take(incoming, identity.clone()).await?;
        if let (false, Some(identity)) = (taken.new, identity) {
            let subject = self.own(visitor, taken.id).await?;
            let by = Actor::Subject { subject };
            self.prove(visitor.tenant(), taken.id, &identity, &by).await?;
        }
        Ok(taken)
    }

    /// Who asks for what is open already, and shows now who they are, has shown it for that.
    pub(super) async fn prove(
        &self,
        tenant: &TenantId,
        id: Id,
        identity: &IdentityBody,
        by: &Actor,
    ) -> Result<()> {
        for _ in 0..8 {
            let (view, mut body) = self.read_request(tenant, id).await?;
            if body.state != State::Identifying {
                return Ok(());
            }
            let batch = self.vault().batch()?;
            let batch = self.establishing(tenant, id, &view, &mut body, identity, by, batch);
            match self.vault().commit(tenant, batch.await?).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => return done.map(|_| ()),
            }
        }
        Err(ErrorKind::Conflict.into())
    }

    /// The person's own requests in this tenant, open and closed, the newest first.
    ///
    /// # Errors
    ///
    /// What the store and the vault say.
    pub async fn of_visitor(&self, visitor: &Visitor) -> Result<Vec<Request>> {
        let tenant = visitor.tenant();
        let Some(subject) = self.vault().subject(tenant, visitor.person()).await? else {
            return Ok(Vec::new());
        };
        let mut query = Query::of_kind(kind::REQUEST).subject(subject);
        let mut requests = Vec::new();
        loop {
            let page = self.vault().store().find(tenant, &query).await?;
            for record in &page.records {
                let holder = bailee_vault::Holder::Tenant;
                let opened = self.vault().open(tenant, holder, record).await?;
                let body: RequestBody = decode(&opened.facts()?)?;
                requests.push(self.view_of(tenant, record.key.id, body).await?);
            }
            match page.next {
                Some(next) => query = query.after(next),
                None => break,
            }
        }
        requests.sort_by_key(|request| std::cmp::Reverse(request.clock.received()));
        Ok(requests)
    }

    /// One of the person's own requests.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] for one that is not theirs, and what the store and the vault say.
    pub async fn status(&self, visitor: &Visitor, id: Id) -> Result<Request> {
        self.own(visitor, id).await?;
        self.view(visitor.tenant(), id).await
    }

    /// Takes a request back. An erasure can be taken back until its grace period is over.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] for one that is not theirs, [`ErrorKind::Rejected`] where it is too
    /// late, and what the store and the vault say.
    pub async fn cancel(&self, visitor: &Visitor, id: Id) -> Result<()> {
        let subject = self.own(visitor, id).await?;
        self.cut_off(visitor.tenant(), id, &Actor::Subject { subject }).await
    }

    /// Sends the person a code that shows who they are, to an address that the host knew before. A newer
    /// one takes the place of an older one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] for a request that is not theirs, [`ErrorKind::Rejected`] where nobody
    /// asks who they are, [`ErrorKind::Configuration`] without a way to send letters, and as
    /// [`Identity::ask_code`](crate::identity::Identity::ask_code).
    pub async fn send_code(&self, visitor: &Visitor, id: Id) -> Result<()> {
        let subject = self.own(visitor, id).await?;
        let tenant = visitor.tenant();
        let vault = self.vault();
        for _ in 0..8 {
            let (_, body) = self.read_request(tenant, id).await?;
            body.state.after(Move::Identified, body.right)?;
            let holder = bailee_vault::Holder::Subject(subject);
            let view = vault.read(tenant, holder, &[]).await?;
            let code = self.identity()?.ask_code(tenant, subject, id, body.right).await?;
            let batch = code.add_to(vault.batch()?.op(view.fence()?));
            match vault.commit(tenant, batch).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => return done.map(|_| ()),
            }
        }
        Err(ErrorKind::Conflict.into())
    }

    /// Takes the code that the person entered. The right one lets the request go on.
    ///
    /// # Errors
    ///
    /// As [`Self::send_code`].
    pub async fn enter_code(&self, visitor: &Visitor, id: Id, code: &Code) -> Result<Guess> {
        let subject = self.own(visitor, id).await?;
        let tenant = visitor.tenant();
        let vault = self.vault();
        // Others may guess at the same time, one by one.
        for _ in 0..64 {
            let (view, mut body) = self.read_request(tenant, id).await?;
            body.state.after(Move::Identified, body.right)?;
            let holder = bailee_vault::Holder::Subject(subject);
            let person = vault.read(tenant, holder, &[]).await?;
            let checked = self.identity()?.check_code(tenant, subject, id, code).await?;
            if checked.additions.is_empty() {
                return Ok(checked.outcome);
            }
            let mut batch = checked.additions.add_to(vault.batch()?.op(person.fence()?));
            if let Guess::Proven(_) = checked.outcome {
                let identity = IdentityBody {
                    at: self.now(),
                    how: IdentifiedBy::Code,
                    operator: None,
                    ask: None,
                };
                let by = Actor::Subject { subject };
                batch =
                    self.establishing(tenant, id, &view, &mut body, &identity, &by, batch).await?;
            }
            match vault.commit(tenant, batch).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => return done.map(|_| checked.outcome),
            }
        }
        Err(ErrorKind::Conflict.into())
    }

    pub(super) fn identity(&self) -> Result<&crate::identity::Identity> {
        self.0.identity.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Configuration).with_detail("nobody gave a way to send letters")
        })
    }

    pub(super) async fn own(&self, visitor: &Visitor, id: Id) -> Result<bailee_core::SubjectId> {
        let unknown = || {
            Error::new(ErrorKind::NotFound).with_detail("there is no such request of this person")
        };
        let tenant = visitor.tenant();
        let subject = self.vault().subject(tenant, visitor.person()).await?;
        let subject = subject.ok_or_else(unknown)?;
        let (view, _) = self
            .read_request(tenant, id)
            .await
            .map_err(|error| if error.kind() == ErrorKind::NotFound { unknown() } else { error })?;
        match view.record(0).and_then(|record| record.subject) {
            Some(of) if of == subject => Ok(subject),
            _ => Err(unknown()),
        }
    }

    /// Ends a request that its person takes back.
    pub(super) async fn cut_off(&self, tenant: &TenantId, id: Id, by: &Actor) -> Result<()> {
        for _ in 0..8 {
            let (view, mut body) = self.read_request(tenant, id).await?;
            if body.channel == Channel::Declared {
                return Err(Error::new(ErrorKind::Rejected)
                    .with_detail("nobody asked for it: it ends where another age is known"));
            }
            body.state = body.state.after(Move::Cancelled, body.right)?;
            let outcome = OutcomeBody::Cancelled;
            let content = Content::Cancelled { cause: Cause::Person };
            match self.close_by(tenant, id, &view, body, by, (outcome, content), Vec::new()).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => return done,
            }
        }
        Err(ErrorKind::Conflict.into())
    }

    /// Closes a request outside of its work, which is planned no more, with what else is written.
    #[expect(clippy::too_many_arguments, reason = "what was read is written in one commit")]
    pub(super) async fn close_by(
        &self,
        tenant: &TenantId,
        id: Id,
        view: &bailee_vault::View,
        mut body: RequestBody,
        by: &Actor,
        (outcome, content): (OutcomeBody, Content),
        also: Vec<bailee_store::Op>,
    ) -> Result<()> {
        body.closed = Some((self.now(), outcome));
        body.closed_by = Some(by.clone());
        body.lifting = self.lifting(&body, by);
        let (entry, ops) = self.closing(tenant, id, &body, outcome).await?;
        let subject = body.places.first().map(|(_, subject)| *subject);
        let vault = self.vault();
        let batch = vault
            .batch()?
            .op(self.put_request(tenant, id, &body, Some(view)).await?)
            .ops(ops)
            .ops(also)
            .schedule(Key::new(kind::REQUEST_DUE, id), subject, Self::after_closing(&body))
            .audit(entry.by(by));
        let batch = match body.right.hands_out() {
            // What was collected goes when nobody can be collecting any more.
            true => {
                let swept = bailee_store::Due::After(Self::CLAIM);
                batch.schedule(Key::new(kind::PACKAGE_DUE, id), subject, swept)
            }
            false => batch,
        };
        let batch = self.with_letter(batch, tenant, id, &body, content).await?;
        vault.commit(tenant, batch).await.map(|_| ())
    }
}

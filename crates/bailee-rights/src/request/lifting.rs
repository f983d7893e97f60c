//! The end of a restriction: the person is told, the marks come off the rows, then the gate opens.

use std::time::Duration;

use bailee_core::{Actor, Error, ErrorKind, Id, Result, SubjectId, TenantId, Timestamp};
use bailee_registry::{RestrictionGround, Standing};
use bailee_store::{Due, Key, Lease};
use bailee_vault::{Holder, View};

use super::{
    Right, Word,
    body::{LiftingBody, MatterBody, OutcomeBody, RequestBody},
    desk::Rights,
    drive::{LOOK_AGAIN, spoken_by, unless_erased},
    kind,
    operator::OperatorRights,
    within::{STEP, within},
};
use crate::message::{Content, Fate};

/// So many steps a source may take to change its marks before it is asked again later.
const STEPS: usize = 10_000;
/// How long before the end the person knows of it, so that they can say something.
const NOTICE: Duration = Duration::from_secs(86_400);
/// How soon it is looked at first whether the letter went out, or a source asked again.
const SOON: Duration = Duration::from_secs(5);

impl OperatorRights {
    /// Ends the restriction that a request brought about, once the person was told of it (Art. 18(3)
    /// GDPR).
    ///
    /// With no `told` a letter goes out first, and the restriction ends a day after it was taken. Where
    /// it could not be delivered, nothing ends: the operator tells the person another way and says when
    /// (`told`); then it ends at once. The same is said of a rectification whose letter could not be
    /// delivered: what it restricted is let go then.
    ///
    /// Rows that were marked are freed first, in every tenant and source, and only then the gate opens;
    /// as long as the data is restricted on another ground both stay. It is work that goes on in any
    /// process; [`Request::lifting`](super::Request::lifting) says how far it is.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Rejected`] for a request that restricted nothing; [`ErrorKind::InvalidInput`] for a
    /// time that is to come; [`ErrorKind::Configuration`] for no time where the host gave no way to send
    /// letters; and what the store and the vault say.
    pub async fn end_restriction(
        &self,
        tenant: &TenantId,
        id: Id,
        told: Option<Timestamp>,
    ) -> Result<()> {
        let rights = self.rights();
        if told.is_some_and(|told| told > rights.now()) {
            return Err(Error::new(ErrorKind::InvalidInput)
                .with_detail("the person is told before a restriction ends"));
        }
        if told.is_none() && rights.0.messages.is_none() {
            return Err(Error::new(ErrorKind::Configuration)
                .with_detail("without letters somebody else tells the person, and says when"));
        }
        for _ in 0..8 {
            let (view, mut body) = rights.read_request(tenant, id).await?;
            let mut lifting = match (&body.matter, body.closed, body.lifting.take()) {
                (_, _, Some(lifting)) => lifting,
                (MatterBody::Restriction { ground }, Some((_, OutcomeBody::Done)), None) => {
                    LiftingBody::new(*ground, &self.actor(), rights.now())
                }
                _ => return Err(rejected("this request restricts nothing")),
            };
            if lifting.over.is_some() && body.right == Right::Restriction {
                return Ok(());
            }
            match told {
                Some(told) => {
                    (lifting.told, lifting.due) = (Some(told), None);
                    // Whoever told them answers for the end.
                    if !matches!(lifting.by, Actor::Subject { .. }) {
                        lifting.by = self.actor();
                    }
                }
                // One that could not be delivered is written anew.
                None if lifting.told.is_none() => lifting.letter = None,
                None => {}
            }
            lifting.looks = 0;
            body.lifting = Some(lifting);
            let subject = body.places.first().map(|(_, subject)| *subject);
            let entry = rights.about(&body, rights.entry("rights.restriction_ending", id));
            let batch = rights
                .vault()
                .batch()?
                .op(rights.put_request(tenant, id, &body, Some(&view)).await?)
                .schedule(Key::new(kind::REQUEST_DUE, id), subject, Due::After(Duration::ZERO))
                .audit(entry.by(&self.actor()));
            match rights.vault().commit(tenant, batch).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => return done.map(|_| ()),
            }
        }
        Err(ErrorKind::Conflict.into())
    }
}

impl Rights {
    /// What ends with a request that is being closed: what was restricted until it was weighed.
    pub(super) fn lifting(&self, body: &RequestBody, by: &Actor) -> Option<LiftingBody> {
        let contested = matches!(body.matter, MatterBody::Amendments { .. });
        let restricted = contested && body.identity.is_some();
        let ground = RestrictionGround::AccuracyContested;
        restricted.then(|| LiftingBody::new(ground, by, self.now()))
    }

    /// Due: bring the end of a restriction on.
    pub(super) async fn lift_due(
        &self,
        lease: &Lease,
        view: &View,
        mut body: RequestBody,
    ) -> Result<()> {
        let id = lease.task.id;
        let Some(mut lifting) = body.lifting.take() else { return Err(ErrorKind::NotFound.into()) };
        // A claim that began before it was closed may restrict what is contested after this look.
        let closed = body.closed.map_or(lifting.since, |(at, _)| at).plus(Self::CLAIM);
        let again = match body.right == Right::Rectification && self.now() < closed {
            true => Due::At(closed),
            false => Due::Never,
        };
        let contested = body.right == Right::Rectification && self.is_contested(&body, id).await?;
        // Whoever contests it ends it with their own request.
        if contested || !self.is_restricted(&body, lifting.ground).await? {
            lifting.over.get_or_insert(self.now());
            body.lifting = Some(lifting);
            return self.step(lease, view, &body, again, self.entry("rights.looked", id)).await;
        }
        lifting.over = None;
        let own = matches!(lifting.by, Actor::Subject { .. });
        if !own && lifting.told.is_none() {
            return self.tell_of_end(lease, view, body, lifting).await;
        }
        if let Some(due) = lifting.due.filter(|due| *due > self.now()) {
            return self.finish(lease, Due::At(due), self.entry("rights.looked", id)).await;
        }
        let begun = self.vault().clock().monotonic();
        for (tenant, subject) in &body.places {
            match self.lift(tenant, *subject, id, &lifting).await {
                // Other tenants, or the rest of its rows, in the next claim.
                Ok(true) if !self.is_late(begun) => {}
                Ok(true) => {
                    let now = Due::After(Duration::ZERO);
                    return self.finish(lease, now, self.entry("rights.looked", id)).await;
                }
                Ok(false) => {
                    let wait = Due::After(lifting.wait());
                    body.lifting = Some(lifting);
                    let entry = self.entry("rights.restriction_waits", id);
                    return self.step(lease, view, &body, wait, entry).await;
                }
                Err(error) => return Err(error),
            }
        }
        lifting.over = Some(self.now());
        lifting.looks = 0;
        let by = lifting.by.clone();
        body.lifting = Some(lifting);
        let entry = self.entry("rights.restriction_ended", id).by(&by);
        self.step(lease, view, &body, again, entry).await
    }

    /// The letter goes first. One that could not be delivered ends nothing.
    async fn tell_of_end(
        &self,
        lease: &Lease,
        view: &View,
        mut body: RequestBody,
        mut lifting: LiftingBody,
    ) -> Result<()> {
        let (tenant, id) = (&lease.tenant, lease.task.id);
        let (Some(messages), Some((_, subject))) = (&self.0.messages, body.places.first()) else {
            // The host writes to people itself; an operator says when they were told.
            return self.finish(lease, Due::Never, self.entry("rights.looked", id)).await;
        };
        let subject = *subject;
        if let Some(letter) = lifting.letter {
            let due = match messages.fate(tenant, subject, letter).await {
                // Nobody is left whose data could be used.
                Err(error) if error.kind() == ErrorKind::Shredded => Due::Never,
                Err(error) => return Err(error),
                Ok(Fate::GivenUp) => Due::Never,
                Ok(Fate::Waiting) => Due::After(lifting.wait()),
                Ok(Fate::Sent(at)) => {
                    let due = at.plus(NOTICE);
                    (lifting.told, lifting.due, lifting.looks) = (Some(at), Some(due), 0);
                    Due::At(due)
                }
            };
            body.lifting = Some(lifting);
            return self.step(lease, view, &body, due, self.entry("rights.looked", id)).await;
        }
        let vault = self.vault();
        let person = match vault.read(tenant, Holder::Subject(subject), &[]).await {
            Err(error) if error.kind() == ErrorKind::Shredded => {
                let entry = self.about(&body, self.entry("rights.looked", id));
                return self.finish(lease, Due::Never, entry).await;
            }
            person => person?,
        };
        let on = self.day(self.now().plus(NOTICE))?;
        let content = Content::RestrictionEnding { on, ground: lifting.ground };
        let letter = Id::generate(&**vault.random())?;
        let written = crate::message::Letter::new(id, body.right, content);
        let additions = messages.queue_as(tenant, subject, letter, written, None).await?;
        lifting.letter = Some(letter);
        let entry = self.entry("rights.restriction_ending", id).by(&lifting.by);
        body.lifting = Some(lifting);
        let batch = vault
            .batch()?
            .op(person.fence()?)
            .op(self.put_request(tenant, id, &body, Some(view)).await?)
            .finish(lease.task.clone(), lease.fence, Due::After(SOON))
            .audit(self.about(&body, entry));
        vault.commit(tenant, additions.add_to(batch)).await.map(|_| ())
    }

    /// Whether the person is restricted on this ground in any tenant of a request.
    async fn is_restricted(&self, body: &RequestBody, ground: RestrictionGround) -> Result<bool> {
        for (tenant, subject) in &body.places {
            let grounds = self.grounds(tenant, *subject).await?;
            if grounds.is_some_and(|grounds| grounds.contains(&ground)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// On which grounds a person is restricted in a tenant. Of whoever is erased nothing could be used.
    async fn grounds(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
    ) -> Result<Option<std::collections::BTreeSet<RestrictionGround>>> {
        let view = match self.vault().read(tenant, Holder::Subject(subject), &[]).await {
            Err(error) if error.kind() == ErrorKind::Shredded => return Ok(None),
            view => view?,
        };
        let standing = Standing::read(&view.standing()?)?;
        Ok(standing.restriction().map(|restriction| restriction.grounds.clone()))
    }

    /// Frees a person's rows in a tenant, and then says so at the gate. Whether that is done.
    async fn lift(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        id: Id,
        lifting: &LiftingBody,
    ) -> Result<bool> {
        let ground = lifting.ground;
        let Some(grounds) = self.grounds(tenant, subject).await? else { return Ok(true) };
        if !grounds.contains(&ground) {
            return Ok(true);
        }
        if grounds.iter().all(|other| *other == ground) {
            if !self.mark(tenant, subject, id, false).await? {
                return Ok(false);
            }
            // What was restricted on another ground meanwhile may have lost its marks to this.
            let now = self.grounds(tenant, subject).await?.unwrap_or_default();
            if now.iter().any(|other| *other != ground)
                && !self.mark(tenant, subject, id, true).await?
            {
                return Ok(false);
            }
        }
        let word = Word::RestrictionEnded { ground, told: lifting.told };
        let by = spoken_by(&lifting.by, subject);
        unless_erased(self.0.accounts.say(tenant, subject, &by, &word).await)?;
        self.forget_known(tenant, subject, id).await?;
        Ok(true)
    }

    /// Marks a person's rows in every source that can, or takes the marks away. Whether all are done.
    async fn mark(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        id: Id,
        restricted: bool,
    ) -> Result<bool> {
        let begun = self.vault().clock().monotonic();
        let whose = match self.whose(tenant, subject, id).await {
            Err(error) if error.kind() == ErrorKind::HostFailed => return Ok(false),
            whose => whose?,
        };
        let sources = self.0.sources.iter();
        for source in sources.filter(|source| source.facts().tables.iter().any(|t| t.restricts)) {
            for n in 0.. {
                let step = source.restrict(&whose, restricted);
                match within(&*self.0.timer, STEP, step).await {
                    Ok(step) if !step.more => break,
                    Ok(_) if n < STEPS && !self.is_late(begun) => {}
                    // What is left is found by the next claim.
                    _ => return Ok(false),
                }
            }
        }
        Ok(true)
    }
}

impl LiftingBody {
    fn new(ground: RestrictionGround, by: &Actor, since: Timestamp) -> Self {
        let (by, since) = (by.clone(), since);
        Self { ground, by, since, letter: None, told: None, due: None, over: None, looks: 0 }
    }

    /// How long it waits this time.
    fn wait(&mut self) -> Duration {
        let factor = 2_u32.checked_pow(self.looks.min(10)).unwrap_or(u32::MAX);
        self.looks = self.looks.saturating_add(1);
        SOON.saturating_mul(factor).min(LOOK_AGAIN)
    }
}

fn rejected(what: &'static str) -> Error {
    Error::new(ErrorKind::Rejected).with_detail(what)
}

//! A request's own work: from one state to the next, as its parts come on.

use std::time::Duration;

use bailee_core::{Actor, Error, ErrorKind, Id, Result, SubjectId, TenantId, audit::Entry};
use bailee_registry::{Grounds, RestrictionGround};
use bailee_store::{Due, Key, Lease, Op};
use bailee_vault::View;

use super::{
    Channel, Reason, Right, Word,
    body::{MatterBody, OutcomeBody, PartBody, RefusedBody, RequestBody, SourceBody, Stage},
    desk::Rights,
    hand_out::Packed,
    kind,
    state::{Move, State},
};
use crate::message::Content;

/// How long a request waits for something before it looks again, at first; a part that is done wakes it.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(300);

impl Rights {
    /// Due: bring a request on.
    pub(super) async fn request_due(&self, lease: &Lease) -> Result<()> {
        let (tenant, id) = (&lease.tenant, lease.task.id);
        let (view, mut body) = match self.read_request(tenant, id).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return self.finish(lease, Due::Never, self.entry("rights.dropped", id)).await;
            }
            found => found?,
        };
        match body.state {
            State::Closed if body.lifting.is_some() => self.lift_due(lease, &view, body).await,
            State::Closed if body.ends_objection() => self.objection_due(lease, &body).await,
            State::Identifying | State::Closed => {
                let entry = self.about(&body, self.entry("rights.looked", id));
                self.finish(lease, Due::Never, entry).await
            }
            State::Deciding => self.hold_at_once(lease, &view, body).await,
            State::Grace => match body.grace_until {
                Some(until) if until > self.now() => {
                    let entry = self.about(&body, self.entry("rights.looked", id));
                    self.finish(lease, Due::At(until), entry).await
                }
                _ if body.channel == Channel::Declared && !self.is_child(&body).await? => {
                    // It was learnt meanwhile that they are older.
                    body.state = body.state.after(Move::Cancelled, body.right)?;
                    self.close(lease, &view, body, OutcomeBody::Cancelled, None).await
                }
                _ => {
                    // What is being handed out is handed out first, as long as there is time for it.
                    let strict = body.clock.read(&self.0.at)?.deadline().strict;
                    let in_time = self.now().plus(IN_TIME) < strict;
                    for (tenant, subject) in body.places.clone() {
                        if in_time && self.is_handing_out(&tenant, subject).await? {
                            let entry = self.entry("rights.waits", id);
                            return self.wait(lease, &view, body, LOOK_AGAIN, entry, None).await;
                        }
                    }
                    body.state = body.state.after(Move::GraceOver, body.right)?;
                    body.looks = 0;
                    self.begin(lease, &view, &body).await
                }
            },
            State::Working => self.work(lease, &view, body).await,
            State::Held => self.look_at_holds(lease, &view, body).await,
            State::Returned => {
                let entry = self.about(&body, self.entry("rights.looked", id));
                self.finish(lease, Due::Never, entry).await
            }
            State::Answering => self.answer(lease, &view, body).await,
            State::Ending => self.end(lease, &view, body).await,
        }
    }

    /// From here on it is not taken back. The host's own address of the person may go with the rest.
    async fn begin(&self, lease: &Lease, view: &View, body: &RequestBody) -> Result<()> {
        let (tenant, id) = (&lease.tenant, lease.task.id);
        let vault = self.vault();
        let mut batch = vault.batch()?;
        if let (Some(_), Some((_, subject))) = (&self.0.messages, body.places.first()) {
            let holder = bailee_vault::Holder::Subject(*subject);
            match vault.read(tenant, holder, &[]).await {
                Err(error) if error.kind() == ErrorKind::Shredded => {}
                person => {
                    let reach = self.keep_reach(tenant, *subject, id).await?;
                    batch = reach.add_to(batch.op(person?.fence()?));
                }
            }
        }
        let entry = self.about(body, self.entry("rights.begun", id));
        let batch = batch
            .op(self.put_request(tenant, id, body, Some(view)).await?)
            .finish(lease.task.clone(), lease.fence, Due::After(Duration::ZERO))
            .audit(entry.with("state", body.state.as_str()));
        vault.commit(tenant, batch).await.map(|_| ())
    }

    /// Until an operator has weighed it, the gate goes by what the person says.
    async fn hold_at_once(&self, lease: &Lease, view: &View, mut body: RequestBody) -> Result<()> {
        let id = lease.task.id;
        if body.said {
            let entry = self.about(&body, self.entry("rights.looked", id));
            return self.finish(lease, Due::Never, entry).await;
        }
        let written = match body.right {
            Right::Objection => match self.asked(&lease.tenant, id).await {
                Err(error) if error.kind() == ErrorKind::Shredded => None,
                asked => asked?.words,
            },
            _ => None,
        };
        for (tenant, subject) in &body.places {
            let word = match (&body.matter, body.right) {
                (MatterBody::Objection { purpose, integration }, _) => Word::Objected {
                    purpose: purpose.clone(),
                    integration: integration.clone(),
                    grounds: written.as_deref().map(Grounds::new),
                },
                (MatterBody::Amendments { .. }, _) => {
                    Word::Restricted(RestrictionGround::AccuracyContested)
                }
                _ => break,
            };
            let by = spoken_by(&body.by, *subject);
            unless_erased(self.0.accounts.say(tenant, *subject, &by, &word).await)?;
        }
        body.said = true;
        let entry = self.entry("rights.held_at_once", id);
        let held = self.step(lease, view, &body, Due::Never, entry).await;
        if let Err(ErrorKind::Conflict) = held.as_ref().map_err(Error::kind) {
            // Closed meanwhile: then the word came too late.
            let (_, now) = self.read_request(&lease.tenant, id).await?;
            if now.ends_objection() {
                let closed =
                    (self.now(), now.closed.map_or(OutcomeBody::Cancelled, |(_, how)| how));
                let now = RequestBody { closed: Some(closed), ..now };
                self.settle_objection(&lease.tenant, id, &now).await?;
            }
        }
        held
    }

    /// Sees that every tenant does its part, and goes on when all have.
    async fn work(&self, lease: &Lease, view: &View, mut body: RequestBody) -> Result<()> {
        let id = lease.task.id;
        let mut parts = Vec::with_capacity(body.places.len());
        let mut at_home = None;
        for (tenant, subject) in &body.places {
            parts.push(match self.read_part(tenant, id).await {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    self.begin_part(&lease.tenant, tenant, *subject, id, &body).await?
                }
                found => {
                    let (view, part) = found?;
                    at_home = at_home.or(is_as_read(&view).filter(|_| *tenant == lease.tenant));
                    part
                }
            });
        }
        if parts.iter().any(|part| part.stage < Stage::Cleared) {
            let entry = self.entry("rights.looked", id);
            return self.wait(lease, view, body, LOOK_AGAIN, entry, at_home).await;
        }
        let untold = self.tell_recipients(id, &mut body, &parts).await?;
        if untold > 0 {
            let entry = self
                .entry("rights.recipients", id)
                .with("count", i64::try_from(untold).unwrap_or(i64::MAX));
            return self.wait(lease, view, body, LOOK_AGAIN, entry, None).await;
        }
        body.refused.append(&mut not_held(&body, &parts, self.now()));
        body.looks = 0;
        let held = parts.iter().any(|part| part.stage.is_held());
        let partial = held
            || parts.iter().any(PartBody::keeps)
            || body.refused.iter().any(|refused| refused.set.is_some() || refused.value.is_some());
        if held && body.right.erases() {
            let until = parts.iter().flat_map(|part| part.held.values()).map(|held| held.2).min();
            body.state = body.state.after(Move::WorkedButHeld, body.right)?;
            let due = match parts.iter().any(|part| part.stage == Stage::Returned) {
                true => Due::After(Duration::ZERO),
                false => until.map_or(Due::After(LOOK_AGAIN), Due::At),
            };
            let content = Content::Refused { partly: true, refused: self.kept(&body, &parts) };
            let entry = self.entry("rights.held", id);
            return self.step_telling(lease, view, &body, due, entry, content).await;
        }
        body.state = body.state.after(Move::Worked, body.right)?;
        if body.right.hands_out() {
            return self.close_with_package(lease, view, body, &parts).await;
        }
        let content = self.completed(id, &body, &parts);
        if body.state == State::Closed {
            let outcome = if partial { OutcomeBody::Partial } else { OutcomeBody::Done };
            return self.close(lease, view, body, outcome, Some(content)).await;
        }
        let entry = self.entry("rights.cleared", id);
        let now = Due::After(Duration::ZERO);
        self.step_telling(lease, view, &body, now, entry, content).await
    }

    /// Closes a request whose parts have collected everything: the package is there from then on.
    async fn close_with_package(
        &self,
        lease: &Lease,
        view: &View,
        mut body: RequestBody,
        parts: &[PartBody],
    ) -> Result<()> {
        let (tenant, id) = (&lease.tenant, lease.task.id);
        let package = match self.pack(lease, &body, parts).await {
            // The person was erased meanwhile: there is nobody to hand anything to.
            Err(error) if error.kind() == ErrorKind::Shredded => None,
            packed => match packed? {
                Packed::Nobody => None,
                Packed::Partly(partly) => {
                    body.state = State::Working;
                    body.packing = Some(partly);
                    let entry = self.entry("rights.packing", id);
                    return self.step(lease, view, &body, Due::After(Duration::ZERO), entry).await;
                }
                Packed::Whole(package) => Some(package),
            },
        };
        body.packing = None;
        let outcome = match package {
            Some(_) => OutcomeBody::Done,
            None => OutcomeBody::Cancelled,
        };
        body.closed = Some((self.now(), outcome));
        let until = self.day(self.now().plus(self.0.package_life))?;
        let (entry, ops) = self.closing(tenant, id, &body, outcome).await?;
        let vault = self.vault();
        let mut batch = vault
            .batch()?
            .op(self.put_request(tenant, id, &body, Some(view)).await?)
            .ops(ops)
            .finish(lease.task.clone(), lease.fence, Due::Never)
            .audit(entry);
        if let (Some(package), Some((_, subject))) = (package, body.places.first()) {
            let person = vault.read(tenant, bailee_vault::Holder::Subject(*subject), &[]).await?;
            let content = Content::PackageReady { until };
            let letter = self.letter(tenant, *subject, id, body.right, content).await?;
            batch = letter.add_to(package.add_to(batch.op(person.fence()?)));
        }
        vault.commit(tenant, batch).await?;
        Ok(())
    }

    /// One step of a request that tells its person something.
    async fn step_telling(
        &self,
        lease: &Lease,
        view: &View,
        body: &RequestBody,
        due: Due,
        entry: Entry,
        content: Content,
    ) -> Result<()> {
        let (tenant, id) = (&lease.tenant, lease.task.id);
        let vault = self.vault();
        let batch = vault
            .batch()?
            .op(self.put_request(tenant, id, body, Some(view)).await?)
            .finish(lease.task.clone(), lease.fence, due)
            .audit(self.about(body, entry).with("state", body.state.as_str()));
        let batch = self.with_letter(batch, tenant, id, body, content).await?;
        vault.commit(tenant, batch).await.map(|_| ())
    }

    /// The person is told while there is still a way to.
    async fn answer(&self, lease: &Lease, view: &View, mut body: RequestBody) -> Result<()> {
        let (tenant, id) = (&lease.tenant, lease.task.id);
        if let (Some(messages), Some((_, subject))) = (&self.0.messages, body.places.first())
            && !messages.settled(tenant, *subject, id).await?
        {
            // A carrier may be away for days.
            let entry = self.entry("rights.looked", id);
            return self.wait(lease, view, body, LETTER, entry, None).await;
        }
        body.looks = 0;
        body.state = body.state.after(Move::Answered, body.right)?;
        let entry = self.entry("rights.answered", id);
        self.step(lease, view, &body, Due::After(Duration::ZERO), entry).await
    }

    /// What is left of the person goes, tenant by tenant.
    async fn end(&self, lease: &Lease, view: &View, mut body: RequestBody) -> Result<()> {
        let id = lease.task.id;
        let (mut open, mut partial, mut at_home) = (false, false, None);
        for (tenant, _) in body.places.clone() {
            let (part_view, mut part) = self.read_part(&tenant, id).await?;
            partial |= part.keeps();
            match part.stage {
                Stage::Done => continue,
                Stage::Ending => {
                    at_home = at_home.or(is_as_read(&part_view).filter(|_| tenant == lease.tenant));
                }
                _ => {
                    part.stage = Stage::Ending;
                    self.wake_part(&tenant, id, &part_view, &part).await?;
                }
            }
            open = true;
        }
        if open {
            let entry = self.entry("rights.looked", id);
            return self.wait(lease, view, body, LOOK_AGAIN, entry, at_home).await;
        }
        body.state = body.state.after(Move::Ended, body.right)?;
        let outcome = if partial { OutcomeBody::Partial } else { OutcomeBody::Done };
        // They were told before their key went.
        self.close(lease, view, body, outcome, None).await
    }

    async fn close(
        &self,
        lease: &Lease,
        view: &View,
        mut body: RequestBody,
        outcome: OutcomeBody,
        content: Option<Content>,
    ) -> Result<()> {
        let (tenant, id) = (&lease.tenant, lease.task.id);
        body.closed = Some((self.now(), outcome));
        // What had to be weighed is the word of whoever weighed it.
        let weighed = body.decided.as_ref().map(|(_, by)| by.clone());
        body.lifting = weighed.and_then(|by| self.lifting(&body, &by));
        let (entry, ops) = self.closing(tenant, id, &body, outcome).await?;
        let vault = self.vault();
        let batch = vault
            .batch()?
            .op(self.put_request(tenant, id, &body, Some(view)).await?)
            .ops(ops)
            .finish(lease.task.clone(), lease.fence, Self::after_closing(&body))
            .audit(entry);
        let batch = match content {
            Some(content) => self.with_letter(batch, tenant, id, &body, content).await?,
            None => batch,
        };
        vault.commit(tenant, batch).await.map(|_| ())
    }

    /// When a request that was closed is looked at once more: where a restriction or an objection ends
    /// with it.
    pub(super) fn after_closing(body: &RequestBody) -> Due {
        match body.lifting.is_some() || body.ends_objection() {
            true => Due::After(Duration::ZERO),
            false => Due::Never,
        }
    }

    /// What a closed request leaves: its entry, and the end of its reservation and its clock.
    pub(super) async fn closing(
        &self,
        tenant: &TenantId,
        id: Id,
        body: &RequestBody,
        outcome: OutcomeBody,
    ) -> Result<(Entry, Vec<Op>)> {
        let digest = self.certificate_digest(tenant, id, body).await?;
        let subject = body.places.first().map(|(_, subject)| *subject);
        let entry = self
            .about(body, self.entry("rights.closed", id))
            .with("right", body.right.as_str())
            .with("outcome", outcome.as_str())
            .with("digest", digest);
        let mut ops =
            vec![Op::Schedule { task: Key::new(kind::CLOCK_DUE, id), subject, due: Due::Never }];
        ops.extend(Self::wake_provider(body));
        // An erasure took them with everything else.
        if let (Some(identity), Some(subject)) = (&self.0.identity, subject) {
            match identity.forget(tenant, subject, id).await {
                Err(error) if error.kind() == ErrorKind::Shredded => {}
                forgotten => ops.extend(forgotten?.ops),
            }
        }
        // What the person is known by goes with the request that asked for it.
        let known = Key::new(kind::KNOWN, id);
        for (other, of) in body.places.iter().filter(|(other, _)| other != tenant) {
            self.forget_known(other, *of, id).await?;
        }
        // The grounds on which an objection is overridden lie there until the ledger has them.
        let asked = (!body.ends_objection() || outcome != OutcomeBody::Refused)
            .then(|| Key::new(kind::ASKED, id));
        for key in [Key::new(kind::OPEN, body.open), known].into_iter().chain(asked) {
            let snapshot = self.vault().store().read(tenant, std::slice::from_ref(&key)).await?;
            if snapshot.records.first().is_some_and(Option::is_some) {
                ops.push(Op::Delete { key, expect: bailee_store::Expect::Present });
            }
        }
        Ok((entry, ops))
    }

    /// Forgets what a person is known by in a tenant.
    pub(super) async fn forget_known(
        &self,
        tenant: &TenantId,
        subject: bailee_core::SubjectId,
        id: Id,
    ) -> Result<()> {
        let known = Key::new(kind::KNOWN, id);
        let found = self.vault().store().read(tenant, std::slice::from_ref(&known)).await?;
        if found.records.first().is_some_and(Option::is_some) {
            let entry = self.entry("rights.records_erased", id).about(subject);
            let batch = self.vault().batch()?.audit(entry.with("count", 1_i64));
            let batch = batch.delete(known, bailee_store::Expect::Present);
            self.vault().commit(tenant, batch).await?;
        }
        Ok(())
    }

    /// One step of a request, under its claim.
    pub(super) async fn step(
        &self,
        lease: &Lease,
        view: &View,
        body: &RequestBody,
        due: Due,
        entry: Entry,
    ) -> Result<()> {
        let vault = self.vault();
        let batch = vault
            .batch()?
            .op(self.put_request(&lease.tenant, lease.task.id, body, Some(view)).await?)
            .finish(lease.task.clone(), lease.fence, due)
            .audit(self.about(body, entry).with("state", body.state.as_str()));
        vault.commit(&lease.tenant, batch).await.map(|_| ())
    }

    /// Has a request that found nothing to do look again: later each time, no later than after six
    /// hours, and no later than its next warning. What it waits for wakes it before: so it is written
    /// with what it was read from, because a waking that comes under a claim gives way to its end.
    async fn wait(
        &self,
        lease: &Lease,
        view: &View,
        mut body: RequestBody,
        first: Duration,
        entry: Entry,
        read: Option<Op>,
    ) -> Result<()> {
        let factor = 2_u32.checked_pow(body.looks.min(16)).unwrap_or(u32::MAX);
        body.looks = body.looks.saturating_add(1);
        let until = self.now().plus(first.saturating_mul(factor).min(LONGEST));
        let due = match self.next_warning(&body)? {
            Due::At(warning) => Due::At(warning.min(until)),
            _ => Due::At(until),
        };
        let vault = self.vault();
        let batch = vault
            .batch()?
            .op(self.put_request(&lease.tenant, lease.task.id, &body, Some(view)).await?)
            .ops(read)
            .finish(lease.task.clone(), lease.fence, due)
            .audit(self.about(&body, entry).with("state", body.state.as_str()));
        vault.commit(&lease.tenant, batch).await.map(|_| ())
    }

    async fn begin_part(
        &self,
        home: &TenantId,
        tenant: &TenantId,
        subject: SubjectId,
        id: Id,
        request: &RequestBody,
    ) -> Result<PartBody> {
        let names = match request.right.hands_out() {
            true => self.names_of_sources(request.right),
            false => self.0.sources.iter().map(|source| source.facts().name.clone()).collect(),
        };
        let sources = names.iter().map(|name| SourceBody::new(name));
        // What had to be weighed is the word of whoever weighed it.
        let by = spoken_by(request.decided.as_ref().map_or(&request.by, |(_, by)| by), subject);
        let matter = request.matter.clone();
        let body = PartBody::new(request.right, home.clone(), by, matter, sources.collect());
        let vault = self.vault();
        let batch = vault
            .batch()?
            .op(self.put_part(tenant, subject, id, &body, None).await?)
            .schedule(Key::new(kind::PART_DUE, id), Some(subject), Due::After(Duration::ZERO))
            .audit(
                self.entry("rights.part_begun", id)
                    .about(subject)
                    .with("right", request.right.as_str()),
            );
        match vault.commit(tenant, batch).await {
            // Somebody who died had begun it.
            Err(error) if error.kind() == ErrorKind::Conflict => {
                Ok(self.read_part(tenant, id).await?.1)
            }
            done => done.map(|_| body),
        }
    }

    pub(super) async fn wake_part(
        &self,
        tenant: &TenantId,
        id: Id,
        view: &View,
        part: &PartBody,
    ) -> Result<()> {
        let subject = view.record(0).and_then(|record| record.subject);
        let subject = subject.ok_or_else(|| Error::new(ErrorKind::Unopenable))?;
        let vault = self.vault();
        let batch = vault
            .batch()?
            .op(self.put_part(tenant, subject, id, part, Some(view)).await?)
            .schedule(Key::new(kind::PART_DUE, id), Some(subject), Due::After(Duration::ZERO))
            .audit(self.entry("rights.part_woken", id).about(subject));
        vault.commit(tenant, batch).await.map(|_| ())
    }

    pub(super) fn entry(&self, event: &'static str, request: Id) -> Entry {
        Entry::new(event, self.now()).with("request", request)
    }

    pub(super) fn about(&self, body: &RequestBody, entry: Entry) -> Entry {
        entry.about(body.places.first().map(|(_, subject)| *subject))
    }
}

/// That a record is as it was read when what rests on it is committed.
fn is_as_read(view: &View) -> Option<Op> {
    let record = view.record(0)?;
    let expect = bailee_store::Expect::Version(record.version);
    Some(Op::Check { key: record.key.clone(), expect })
}

/// Who says in a tenant what somebody says: a person is somebody else in each.
pub(super) fn spoken_by(by: &Actor, subject: SubjectId) -> Actor {
    match by {
        // What a provider brings with its proof is the person's own word.
        Actor::Provider { .. } | Actor::Subject { .. } => Actor::Subject { subject },
        by => by.clone(),
    }
}

/// Whoever is erased by now has nothing left that a word could be about.
pub(super) fn unless_erased(said: Result<()>) -> Result<()> {
    match said {
        Err(error) if error.kind() == ErrorKind::Shredded => Ok(()),
        said => said,
    }
}

/// The values that were accepted and that no tenant has, as refusals: the person is told of each why it
/// was not put right.
fn not_held(
    body: &RequestBody,
    parts: &[PartBody],
    at: bailee_core::Timestamp,
) -> Vec<RefusedBody> {
    let (MatterBody::Amendments { count } | MatterBody::Statements { count }) = body.matter else {
        return Vec::new();
    };
    let weighed = |place: &u32| body.refused.iter().any(|refused| refused.value == Some(*place));
    let right = |place: &u32| parts.iter().any(|part| part.put_right.contains(place));
    let left = (0..count).filter(|place| !weighed(place) && !right(place));
    let refused = left.map(|place| {
        let (set, value, by) = (None, Some(place), Actor::System);
        RefusedBody { set, value, reason: Reason::NotHeld, at, by }
    });
    refused.collect()
}

/// How long a request that waits for something is not looked at, at the most.
const LONGEST: Duration = Duration::from_secs(6 * 3600);
/// How soon it is looked at first whether a letter went out.
const LETTER: Duration = Duration::from_secs(5);
/// How long before its deadline an erasure waits for no copy any more.
const IN_TIME: Duration = Duration::from_secs(5 * 86_400);
pub(super) const DAY: Duration = Duration::from_secs(86_400);

impl PartBody {
    /// Whether a law keeps something of what was asked to go.
    pub(super) fn keeps(&self) -> bool {
        self.sources.iter().flat_map(|source| source.tables.values()).any(|table| table.kept > 0)
    }
}

impl OutcomeBody {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Done => "done",
            Self::Partial => "partial",
            Self::Refused => "refused",
        }
    }
}

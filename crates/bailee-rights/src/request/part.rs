//! What is done for a request in one tenant: one claim does as much as a bounded time holds, and
//! writes it down in one commit.

use std::{collections::BTreeMap, time::Duration};

use bailee_core::{
    Error, ErrorKind, HostId, Id, Monotonic, RecipientId, Result, SubjectId, TenantId, Timestamp,
};
use bailee_store::{Due, Key, Lease};
use bailee_vault::{Draft, Holder, View};
use futures_util::future::join_all;

use super::{
    Reason, Right, Word,
    body::{KnownBody, MatterBody, OutcomeBody, PartBody, SCHEMA, SourceBody, Stage, decode},
    desk::Rights,
    kind,
    state::State,
    within::{STEP, within},
};
use crate::source::{Remaining, TableRemaining, Whose, whole};

/// How long a claim goes on with further steps before it writes down what it did.
const BUDGET: Duration = Duration::from_secs(20);
/// How long a source that failed is left alone, at first and at the most.
const AGAIN: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(3600));

impl Rights {
    /// Due: bring a part on.
    pub(super) async fn part_due(&self, lease: &Lease) -> Result<()> {
        let (tenant, id) = (&lease.tenant, lease.task.id);
        let (view, mut part) = match self.read_part(tenant, id).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return self.finish(lease, Due::Never, self.entry("rights.dropped", id)).await;
            }
            found => found?,
        };
        let subject = lease.subject.ok_or_else(|| Error::new(ErrorKind::Unopenable))?;
        let moved = part.stage.is_held() && self.hold_moved(tenant, subject, &mut part).await?;
        part.fault = None;
        let done = match part.stage {
            Stage::Held | Stage::Returned if moved => true,
            Stage::Working if self.is_taken_back(&part.home, id).await? => {
                if let (true, Some(packages)) = (part.right.hands_out(), &self.0.packages) {
                    packages.sweep_orphans(id, []).await?;
                }
                part.stage = Stage::Done;
                true
            }
            Stage::Working => match self.work_part(lease, subject, &mut part).await {
                // Somebody else's request erased the person meanwhile, to the end.
                Err(error) if error.kind() == ErrorKind::Shredded => {
                    part.stage = if part.right.erases() { Stage::Cleared } else { Stage::Done };
                    true
                }
                Err(error) if part.is_stuck_by(error.kind()) => false,
                done => done?,
            },
            Stage::Ending => self.end_part(tenant, subject, id, &mut part).await?,
            Stage::Cleared | Stage::Held | Stage::Returned | Stage::Done => {
                // Whoever dies before its request knows is here again.
                if part.home != *tenant {
                    self.wake_request(&part.home, id).await?;
                }
                let entry = self.entry("rights.looked", id).about(subject);
                let holds = self.wait_for_holds(tenant, id, &part).await?;
                let batch = self.vault().batch()?.ops(holds).audit(entry);
                let batch = batch.finish(lease.task.clone(), lease.fence, Due::Never);
                return self.vault().commit(tenant, batch).await.map(|_| ());
            }
        };
        self.note_part(lease, subject, &view, &mut part, done).await
    }

    /// Whether the request of a part was taken back or refused, so that nothing more is done for it.
    async fn is_taken_back(&self, home: &TenantId, id: Id) -> Result<bool> {
        match self.read_request(home, id).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
            found => Ok(matches!(
                found?.1.closed,
                Some((_, OutcomeBody::Cancelled | OutcomeBody::Refused))
            )),
        }
    }

    /// Writes down how far a part is. One that is done wakes its request.
    async fn note_part(
        &self,
        lease: &Lease,
        subject: SubjectId,
        view: &View,
        part: &mut PartBody,
        done: bool,
    ) -> Result<()> {
        let (tenant, id) = (&lease.tenant, lease.task.id);
        let faulty =
            part.fault.is_some() || part.sources.iter().any(|source| source.fault.is_some());
        part.failed = if faulty { part.failed.saturating_add(1) } else { 0 };
        let at_home = part.home == *tenant;
        let due = match (done, faulty) {
            (true, _) if at_home => Due::Never,
            // It tells its request next.
            (true, _) => Due::After(Duration::ZERO),
            (false, true) => {
                let factor = 2_u32.checked_pow(part.failed.min(10)).unwrap_or(u32::MAX);
                Due::After(AGAIN.0.saturating_mul(factor / 2).min(AGAIN.1))
            }
            (false, false) if part.ended.is_some_and(|ended| ended.left > 0) => Due::After(AGAIN.0),
            (false, false) => Due::After(Duration::ZERO),
        };
        let event = match (done, faulty) {
            (true, _) => "rights.part_done",
            (false, true) => "rights.part_waits",
            (false, false) => "rights.part_step",
        };
        let rows: u64 = part
            .sources
            .iter()
            .flat_map(|source| source.tables.values())
            .fold(0, |rows, table| rows.saturating_add(table.done));
        let entry = self
            .entry(event, id)
            .about(subject)
            .with("right", part.right.as_str())
            .with("state", part.stage.as_str())
            .with("count", i64::try_from(rows).unwrap_or(i64::MAX));
        let vault = self.vault();
        let mut batch = vault
            .batch()?
            .op(self.put_part(tenant, subject, id, part, Some(view)).await?)
            .finish(lease.task.clone(), lease.fence, due)
            .audit(entry);
        batch = batch.ops(self.wait_for_holds(tenant, id, part).await?);
        if done && at_home {
            let request = Key::new(kind::REQUEST_DUE, id);
            batch = batch.schedule(request, Some(subject), Due::After(Duration::ZERO));
        }
        vault.commit(tenant, batch).await?;
        match part.fault.is_some() && part.failed == 1 {
            true => self.tell_stuck(&part.home, id).await,
            false => Ok(()),
        }
    }

    /// Wakes the request of a part in another tenant. It is written as it is, so that whoever is at it
    /// and did not see the part looks again.
    async fn wake_request(&self, home: &TenantId, id: Id) -> Result<()> {
        let (view, body) = match self.read_request(home, id).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            found => found?,
        };
        if body.state == State::Closed {
            return Ok(());
        }
        let of = body.places.first().map(|(_, subject)| *subject);
        let batch = self
            .vault()
            .batch()?
            .op(self.put_request(home, id, &body, Some(&view)).await?)
            .schedule(Key::new(kind::REQUEST_DUE, id), of, Due::After(Duration::ZERO))
            .audit(self.about(&body, self.entry("rights.part_done", id)));
        self.vault().commit(home, batch).await.map(|_| ())
    }

    /// Does what a part does. Whether it has done it.
    async fn work_part(
        &self,
        lease: &Lease,
        subject: SubjectId,
        part: &mut PartBody,
    ) -> Result<bool> {
        let (tenant, id) = (&lease.tenant, lease.task.id);
        let accounts = &*self.0.accounts;
        match part.right {
            Right::Access | Right::Portability => {
                return self.collect(lease, subject, part).await;
            }
            Right::AccountDeletion | Right::Erasure => {
                return self.erase(tenant, subject, id, part).await;
            }
            Right::Complaint => {}
            Right::ConsentWithdrawal => {
                if let MatterBody::Withdrawal { uses } = &part.matter {
                    let word = Word::Withdrawn(uses.clone());
                    accounts.say(tenant, subject, &part.by, &word).await?;
                }
            }
            Right::MarketingOptOut => {
                accounts.say(tenant, subject, &part.by, &Word::OptedOut).await?;
            }
            Right::Objection => {
                if let MatterBody::Objection { purpose, integration } = &part.matter {
                    let (purpose, integration) = (purpose.clone(), integration.clone());
                    let word = Word::ObjectionUpheld { purpose, integration };
                    accounts.say(tenant, subject, &part.by, &word).await?;
                }
            }
            Right::Rectification if matches!(part.matter, MatterBody::Statements { .. }) => {
                if !self.supplement(tenant, subject, id, part).await? {
                    return Ok(false);
                }
            }
            Right::Rectification => {
                // What is contested is free again when the request is closed and the person was told.
                if !self.correct(tenant, subject, id, part).await? {
                    return Ok(false);
                }
            }
            Right::Restriction => {
                if let MatterBody::Restriction { ground } = &part.matter {
                    let word = Word::Restricted(*ground);
                    accounts.say(tenant, subject, &part.by, &word).await?;
                }
                if !self.restrict(tenant, subject, id, part).await? {
                    return Ok(false);
                }
            }
        }
        part.stage = Stage::Done;
        Ok(true)
    }

    /// Erases what the host's sources have, and looks again at all of them.
    async fn erase(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        id: Id,
        part: &mut PartBody,
    ) -> Result<bool> {
        let accounts = &*self.0.accounts;
        // What the host's tables know the person by is asked before anything of it is gone.
        let whose = self.whose(tenant, subject, id).await?;
        part.held = self.holds_now(tenant, subject).await?;
        let whose = self.sparing(whose, part);
        // Whoever came back and goes on uses what they connected since.
        let ends = !part.said || part.ended.is_none_or(|ended| ended.left > 0);
        if ends && !part.keeps_what_came() {
            if self.note_connections(tenant, subject, part).await? {
                return Ok(false);
            }
            self.end_connections(tenant, subject, part).await?;
            let word = Word::Withdrawn(super::Uses::Everything);
            accounts.say(tenant, subject, &part.by, &word).await?;
            part.said = true;
        }
        // What there is now is written down before anything of it is gone: whoever dies then has not
        // taken the count along.
        if self.find_out(part, &whose).await? {
            return Ok(false);
        }
        if !self.erase_sources(part, &whose).await?
            || part.ended.is_some_and(|ended| ended.left > 0)
        {
            return Ok(false);
        }
        self.look_again(part, &whose).await
    }

    /// Asks every source that was not asked yet how much there is. Whether any answered.
    async fn find_out(&self, part: &mut PartBody, whose: &Whose) -> Result<bool> {
        let inner = &*self.0;
        let mut any = false;
        let bodies: Vec<_> = part.sources.iter_mut().filter(|body| !body.found).collect();
        // All at one time: many that do not answer would outlast the claim.
        let looks = bodies.into_iter().map(async |body| {
            let found = match inner.sources.source(&body.name) {
                Some(source) => Some(within(&*inner.timer, STEP, source.remaining(whose)).await),
                None => None,
            };
            (body, found)
        });
        for (body, found) in join_all(looks).await {
            match found {
                // A release that no longer knows a source cannot say that nothing is left there.
                None => body.fault = Some("unknown_source".into()),
                Some(Ok(found)) => {
                    body.found(&found);
                    any = true;
                }
                Some(Err(error)) => body.fault = Some(fault(&error)),
            }
        }
        if any {
            // The others are asked again right after this is written, and need not keep it waiting.
            part.sources.iter_mut().for_each(|source| source.fault = None);
        }
        Ok(any)
    }

    /// Erases what the sources have, as many steps as a claim has time for. Whether each says that it
    /// is done.
    pub(super) async fn erase_sources(&self, part: &mut PartBody, whose: &Whose) -> Result<bool> {
        let begun = self.vault().clock().monotonic();
        let Self(inner) = self;
        let mut order: Vec<usize> = (0..part.sources.len()).collect();
        // One that took its time and failed does not come before the others again.
        order.sort_by_key(|n| part.sources[*n].fault.is_some());
        for n in order {
            let body = &mut part.sources[n];
            // One that did not say how much there is is asked that again first.
            if body.done || !body.found {
                continue;
            }
            if self.is_late(begun) {
                return Ok(false);
            }
            body.fault = None;
            let Some(source) = inner.sources.source(&body.name) else {
                // A release that no longer knows a source cannot say that nothing is left there.
                body.fault = Some("unknown_source".into());
                continue;
            };
            loop {
                match within(&*inner.timer, STEP, source.erase(whose)).await {
                    Ok(step) => {
                        for touched in &step.touched {
                            let table = body.tables.entry(touched.table.clone()).or_default();
                            table.done = table.done.saturating_add(touched.rows);
                        }
                        if !step.more {
                            body.done = true;
                            break;
                        }
                    }
                    Err(error) => {
                        body.fault = Some(fault(&error));
                        break;
                    }
                }
                if self.is_late(begun) {
                    return Ok(false);
                }
            }
        }
        Ok(part.sources.iter().all(|source| source.done))
    }

    /// The sets of a person's data that are held now, each with the hold that ends last.
    pub(super) async fn holds_now(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
    ) -> Result<BTreeMap<String, (Id, Reason, Timestamp)>> {
        let holds = self.0.holds.of_subject(tenant, subject).await?;
        let now = self.now();
        let mut held = BTreeMap::new();
        for set in self.0.declaration.data_sets() {
            let keeps = holds.iter().filter(|hold| hold.keeps(&set.id, now));
            if let Some(hold) = keeps.max_by_key(|hold| hold.until) {
                held.insert(set.id.clone(), (hold.id, hold.reason, hold.until));
            }
        }
        Ok(held)
    }

    /// The second look, at every source at one time. What is left somewhere is erased again.
    pub(super) async fn look_again(&self, part: &mut PartBody, whose: &Whose) -> Result<bool> {
        let inner = &*self.0;
        let mut clear = true;
        // All at one time: many that do not answer would outlast the claim.
        let looks = part.sources.iter().map(async |body| match inner.sources.source(&body.name) {
            Some(source) => {
                let look = within(&*inner.timer, STEP, source.remaining(whose)).await;
                Some((source, look.and_then(|found| whole(source.facts(), whose, found))))
            }
            None => None,
        });
        for (n, look) in join_all(looks).await.into_iter().enumerate() {
            let fault = match look {
                None => "unknown_source".into(),
                Some((_, Err(error))) => fault(&error),
                Some((source, Ok(found))) => {
                    let left = found.left();
                    let about = |table: &str| part.is_about(source.facts(), table);
                    let tables = found.tables.iter().filter(|table| about(&table.table)).collect();
                    part.sources[n].looked(tables);
                    if left > 0 {
                        part.sources[n].done = false;
                        clear = false;
                    }
                    continue;
                }
            };
            part.sources[n].fault = Some(fault);
            part.sources[n].done = false;
            clear = false;
        }
        // A source of the host that this part does not know yet would never be asked.
        for source in inner.sources.iter() {
            let name = &source.facts().name;
            if part.sources.iter().all(|body| body.name != *name) {
                part.sources.push(SourceBody::new(name));
                clear = false;
            }
        }
        if clear {
            self.cleared(part);
        } else if part.sources.iter().all(|source| source.fault.is_none()) {
            // Rows that come while they are erased, or a source that says it is done and is not.
            part.sources
                .iter_mut()
                .filter(|source| !source.done)
                .for_each(|source| source.fault = Some("rows_left".into()));
        }
        Ok(clear)
    }

    /// The person in a tenant, as the host's tables know them. The host is asked once for each
    /// request, and the answer lies sealed under the person's key.
    pub(super) async fn whose(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        id: Id,
    ) -> Result<Whose> {
        self.whose_kept(tenant, subject, id, true).await
    }

    /// The same; whoever only looks keeps nothing of what the host says.
    pub(super) async fn whose_kept(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        id: Id,
        keeps: bool,
    ) -> Result<Whose> {
        let vault = self.vault();
        let holder = Holder::Subject(subject);
        let key = Key::new(kind::KNOWN, id);
        let view = vault.read(tenant, holder, std::slice::from_ref(&key)).await?;
        let person = view.standing_part(HOST)?;
        let person = person.expose(HostId::from_bytes).map_err(|_| ErrorKind::Unopenable)?;
        let names: Vec<&str> = self.names();
        if names.is_empty() {
            return Ok(Whose::new(tenant.clone(), person, subject));
        }
        let known = match view.facts(0)? {
            Some(facts) => decode::<KnownBody>(&facts)?.identifiers,
            None => {
                let identifiers = self.ask_identifiers(tenant, &person, &names).await?;
                if !keeps {
                    return Ok(whose_of(tenant, person, subject, &names, identifiers));
                }
                let body = KnownBody { identifiers };
                let draft = Draft::new(key, holder).json(SCHEMA, &body)?;
                let batch = vault
                    .batch()?
                    .op(view.fence()?)
                    .op(vault.put(tenant, draft, None).await?)
                    .audit(self.entry("rights.identifiers_kept", id).about(subject));
                vault.commit(tenant, batch).await?;
                body.identifiers
            }
        };
        Ok(whose_of(tenant, person, subject, &names, known))
    }

    /// As [`Self::whose`], of a person whom the host named, for what is over when its caller goes: the
    /// host's word is not kept.
    pub(super) async fn whose_now(
        &self,
        tenant: &TenantId,
        person: &HostId,
        subject: SubjectId,
    ) -> Result<Whose> {
        let names = self.names();
        let known = match names.is_empty() {
            true => BTreeMap::new(),
            false => self.ask_identifiers(tenant, person, &names).await?,
        };
        Ok(whose_of(tenant, person.clone(), subject, &names, known))
    }

    async fn ask_identifiers(
        &self,
        tenant: &TenantId,
        person: &HostId,
        names: &[&str],
    ) -> Result<BTreeMap<String, Vec<HostId>>> {
        let identifiers = self.0.identifiers.as_ref().ok_or(ErrorKind::Configuration)?;
        let asked = async {
            identifiers
                .of(tenant, person, names)
                .await
                .map_err(|error| Error::new(ErrorKind::HostFailed).with_source(error))
        };
        within(&*self.0.timer, STEP, asked).await
    }

    /// What sources have to be told of a person beside the host's id.
    fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self
            .0
            .sources
            .iter()
            .flat_map(|source| source.facts().identifiers.iter().map(String::as_str))
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    pub(super) fn is_provider(&self, recipient: &RecipientId) -> bool {
        self.0.declaration.integrations().any(|integration| integration.recipient == *recipient)
    }

    pub(super) fn is_late(&self, begun: Monotonic) -> bool {
        self.vault().clock().monotonic().since(begun) >= BUDGET
    }
}

/// The part of a `subject` record that holds the host's id.
const HOST: &str = "host";

fn whose_of(
    tenant: &TenantId,
    person: HostId,
    subject: SubjectId,
    names: &[&str],
    mut known: BTreeMap<String, Vec<HostId>>,
) -> Whose {
    names.iter().fold(Whose::new(tenant.clone(), person, subject), |whose, name| {
        match known.remove(*name) {
            Some(values) if !values.is_empty() => {
                values.into_iter().fold(whose, |whose, value| whose.known_as(*name, value))
            }
            _ => whose.without(*name),
        }
    })
}

/// The kind of a fault, as a word. What the host's error says is not looked at.
pub(super) fn fault(error: &Error) -> String {
    match error.kind() {
        ErrorKind::Unsupported => "unsupported",
        ErrorKind::Configuration => "configuration",
        ErrorKind::InvalidInput => "invalid_input",
        _ => "no_answer",
    }
    .into()
}

impl SourceBody {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            done: false,
            found: false,
            fault: None,
            rows: 0,
            tables: BTreeMap::new(),
        }
    }

    /// What was there before anything was done.
    fn found(&mut self, found: &Remaining) {
        self.found = true;
        self.fault = None;
        for table in &found.tables {
            let body = self.tables.entry(table.table.clone()).or_default();
            body.found = body.done.saturating_add(table.left);
        }
    }

    /// What is there now. A step whose end nobody noted did what the looks say: what was found and is
    /// gone was erased.
    fn looked(&mut self, found: Vec<&TableRemaining>) {
        for table in found {
            let body = self.tables.entry(table.table.clone()).or_default();
            body.left = table.left;
            body.kept = table.kept;
            body.done = body.done.max(body.found.saturating_sub(table.left));
        }
    }
}

impl Stage {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Cleared => "cleared",
            Self::Held => "held",
            Self::Returned => "returned",
            Self::Ending => "ending",
            Self::Done => "done",
        }
    }
}

//! Renewing a credential: one at a time, in a task that outlives its callers, committed under the
//! fence of its claim.

use std::time::Duration;

use bailee_core::{
    ConnectionRef, ConnectionState, CredentialName, Error, ErrorKind, ReconnectReason,
    RefreshToken, Remedy, Result, audit::Entry, event::Happened,
};
use bailee_providers::{FailureKind, spec::RefreshClass};
use bailee_store::{BatchBuilder, Claim, Due, Key, Lease};
use bailee_vault::View;

use crate::{
    body::{self, CANDIDATE, CredentialBody, Shown},
    drive::{DEADLINE, Halt},
    engine::Engine,
    gate::needs_reconnect,
    keep::Answered,
    kind,
    limiter::{backoff, jitter},
    secrets::StoredSecrets,
    settle::holder_of,
    stored::Found,
};

/// How long a claim to renew holds: longer than a request and its one repetition may take.
pub(crate) const LEASE: Duration = Duration::from_secs(90);
/// How soon a caller looks again while another process renews: most providers answer at once.
const LOOK_SOON: Duration = Duration::from_millis(10);
/// How often at least: who waits goes on so long after the renewal at most.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// How many looks there are between two attempts to claim, which cost the store more.
const LOOKS: usize = 4;
/// The due time of a credential that needs no renewal by itself.
pub(crate) const SOMETIME: Duration = Duration::from_secs(365 * 86_400);
/// When a configuration fault is looked at again.
pub(crate) const MEND: Duration = Duration::from_secs(900);

/// What came of one attempt to renew.
pub(crate) enum Renewal {
    /// The credential has fresh tokens.
    Done,
    /// It failed; the caller is told why.
    Failed(Error),
}

impl Engine {
    pub(crate) async fn renew(
        &self,
        connection: &ConnectionRef,
        name: &CredentialName,
        seen: u64,
    ) -> Result<()> {
        self.admit_renewal(connection)?;
        let task = Key::new(kind::REFRESH, connection.credential(name));
        self.replay_for(connection, task.id, None).await?;
        if let Some(wait) = self.open_for(connection.tenant(), task.id) {
            return Err(Error::new(ErrorKind::ProviderUnavailable)
                .with_remedy(Remedy::Wait(wait))
                .with_connection(connection.connection()));
        }
        let began = self.0.clock.monotonic();
        let mut pause = LOOK_SOON;
        loop {
            let claim = Claim::One { tenant: connection.tenant(), task: &task, lease: LEASE };
            if let Some(lease) = self.0.vault.store().claim(claim).await?.pop() {
                return match self.renew_under(connection, name, seen, &lease).await? {
                    Renewal::Done => Ok(()),
                    Renewal::Failed(error) => Err(error),
                };
            }
            // Somebody else renews. What they commit is the answer, and is looked for before the
            // next claim: a claim of what is renewed already is another commit. Their lease bounds
            // the wait.
            for _ in 0..LOOKS {
                self.0.runtime.sleep(pause).await;
                pause = (2 * pause).min(LOOK_AGAIN);
                let view = self.read_credential(connection, name).await?;
                match credential_of(&view)? {
                    None => return Err(Error::new(ErrorKind::NotFound)),
                    Some(credential) if credential.generation > seen => return Ok(()),
                    Some(_) => {}
                }
            }
            if self.0.clock.monotonic().since(began) > LEASE {
                return Err(Error::new(ErrorKind::ProviderUnavailable)
                    .with_connection(connection.connection()));
            }
        }
    }

    /// Renews under a claim and ends the claim with whatever came of it.
    async fn renew_under(
        &self,
        connection: &ConnectionRef,
        name: &CredentialName,
        seen: u64,
        lease: &Lease,
    ) -> Result<Renewal> {
        // A token whose successor the journal has is not shown again.
        if let Err(error) = self.replay_for(connection, lease.task.id, Some(lease)).await {
            return Ok(Renewal::Failed(error));
        }
        let Some(mut found) = self.find_connection(connection).await? else {
            self.finish(lease, Due::Never).await?;
            return Ok(Renewal::Failed(Error::new(ErrorKind::NotFound)));
        };
        let provider = Some(&found.body.provider);
        match self.admit_control(found.view.control(), connection, provider).await {
            Err(error) if error.kind() == ErrorKind::Frozen => {
                self.finish(lease, Due::After(MEND)).await?;
                return Ok(Renewal::Failed(error));
            }
            admitted => drop(admitted?),
        }
        let Some((mut place, mut credential)) = place_of(&found, name)? else {
            self.finish(lease, Due::Never).await?;
            return Ok(Renewal::Failed(Error::new(ErrorKind::NotFound)));
        };
        let line = self.line_to(&credential).await?;
        if credential.generation > seen {
            self.finish(lease, line.keep_alive(&credential)).await?;
            return Ok(Renewal::Done);
        }
        match found.state {
            ConnectionState::Active | ConnectionState::Degraded => {}
            ConnectionState::NeedsReconnect(reason) => {
                self.finish(lease, Due::After(SOMETIME)).await?;
                return Ok(Renewal::Failed(needs_reconnect(connection, reason)));
            }
            _ => {
                self.finish(lease, Due::After(SOMETIME)).await?;
                return Ok(Renewal::Failed(Error::new(ErrorKind::NotFound)));
            }
        }
        if !line.can_renew(&credential) {
            // A token that extends itself and is refused before its time has been revoked; a key
            // that somebody entered has no time.
            let over = credential.is_over(self.0.clock.now())
                || !(line.extends_itself() || credential.is_entered());
            let reason = if over { ReconnectReason::Expired } else { ReconnectReason::Revoked };
            return self.give_up(connection, name, seen, lease, reason).await;
        }
        // A claim before this one that did not end: its request may have reached the provider.
        let open_before = lease.tries > 1;
        let strict = line.spec.refresh.class == RefreshClass::Strict;
        let mut shown = Shown { seen, grant: credential.grant, candidate: false };
        let (mut repeated, mut lost_before) = (false, false);
        loop {
            let client = self.client_secret(&line.registered).await?;
            let (secrets, facts) = match credential.candidate_facts() {
                Some(facts) if shown.candidate => {
                    (StoredSecrets::of_candidate(&found.view, place, client), facts)
                }
                _ => {
                    let secrets = StoredSecrets::of_credential(&found.view, place, client);
                    (secrets, credential.facts())
                }
            };
            let step = line.registered.provider.refresh(&line.context(), &facts);
            let halt = match line.run(step, &secrets, DEADLINE).await {
                Ok(grant) => {
                    let issued = grant.credentials.into_iter().find(|issued| &issued.name == name);
                    let Some(mut issued) = issued else {
                        self.finish(lease, Due::After(MEND)).await?;
                        let error = line.name(Error::new(ErrorKind::ProviderRefused));
                        return Ok(Renewal::Failed(error));
                    };
                    if shown.candidate && issued.refresh.is_none() {
                        // The token that was shown stays good, and it is not the stored one.
                        let token = found.view.part(place + 1, CANDIDATE.1)?;
                        issued.refresh = Some(RefreshToken::new(token));
                    }
                    let answered_at = self.0.clock.now();
                    let answered = Answered {
                        connection,
                        shown,
                        line: &line,
                        issued,
                        answered_at,
                        fence: lease.fence,
                    };
                    return self.keep(answered, &found).await;
                }
                Err(halt) => halt,
            };
            // A redirect or what is not HTTP is an answer all the same, and no outage.
            let lost = matches!(
                &halt,
                Halt::Ambiguous(error) if error.kind() != ErrorKind::ProviderRefused
            );
            match halt {
                // Always the same token once more: a provider that did not see it answers now, one
                // that did takes it again within its window or says that it was used. Where a
                // second showing may end the grant there is one, and it waits for the claim to
                // end: an outage may be over by then.
                Halt::Ambiguous(_) if lost && strict && open_before => {
                    let reason = ReconnectReason::LostAfterRotation;
                    return self.give_up(connection, name, seen, lease, reason).await;
                }
                Halt::Ambiguous(_) if lost && !strict && !repeated => repeated = true,
                Halt::Ambiguous(error) if lost && strict => {
                    self.leave_open(&found, lease).await?;
                    return Ok(Renewal::Failed(error.with_connection(connection.connection())));
                }
                Halt::Provider(failure) if failure.kind == FailureKind::GrantOver => {
                    if !shown.candidate
                        && let Some(again) = self.with_candidate(connection, name, seen).await?
                    {
                        (found, place, credential) = again;
                        shown.candidate = true;
                        (lost_before, repeated) = (repeated, false);
                        continue;
                    }
                    let lost = repeated || lost_before || open_before || credential.in_doubt;
                    let reason = if lost {
                        ReconnectReason::LostAfterRotation
                    } else {
                        ReconnectReason::Revoked
                    };
                    return self.give_up(connection, name, seen, lease, reason).await;
                }
                Halt::Provider(failure) if failure.kind == FailureKind::ClientConfiguration => {
                    let error = line.error(Halt::Provider(failure));
                    self.note_failure(connection, lease, Due::After(MEND), "configuration").await?;
                    return Ok(Renewal::Failed(error.with_connection(connection.connection())));
                }
                // While an attempt is open the claim stays, so that its memory does.
                halt if strict && open_before => {
                    self.leave_open(&found, lease).await?;
                    return Ok(Renewal::Failed(
                        line.error(halt).with_connection(connection.connection()),
                    ));
                }
                halt => {
                    let mut wait = match &halt {
                        Halt::Provider(failure) if failure.retry_after.is_some() => {
                            failure.retry_after.unwrap_or_default()
                        }
                        _ => backoff(
                            &*self.0.random,
                            lease.tries,
                            Duration::from_secs(5),
                            Duration::from_secs(900),
                        )?,
                    };
                    // An answer that nobody could read may have held the only tokens.
                    let unread = matches!(&halt, Halt::Ambiguous(_))
                        || matches!(&halt, Halt::Provider(failure) if failure.kind == FailureKind::Malformed);
                    if let RefreshClass::Grace(window) = line.spec.refresh.class {
                        wait = wait.min(window / 4);
                    }
                    let error = line.error(halt);
                    let doubt = unread || repeated || lost_before || open_before;
                    self.degrade(&found, lease, Due::After(wait), doubt).await?;
                    return Ok(Renewal::Failed(error.with_connection(connection.connection())));
                }
            }
        }
    }

    /// The connection with tokens of a holder that lost its claim, for when the stored ones are
    /// refused: the provider may have answered twice to the token before, and take the other answer.
    async fn with_candidate(
        &self,
        connection: &ConnectionRef,
        name: &CredentialName,
        seen: u64,
    ) -> Result<Option<(Found, usize, CredentialBody)>> {
        let Some(found) = self.find_connection(connection).await? else { return Ok(None) };
        let usable = matches!(found.state, ConnectionState::Active | ConnectionState::Degraded);
        Ok(match place_of(&found, name)? {
            Some((place, credential))
                if usable && credential.generation == seen && credential.may_show_candidate() =>
            {
                Some((found, place, credential))
            }
            _ => None,
        })
    }

    /// The connection works again only after the person reconnects, unless somebody committed the
    /// very tokens that this one missed.
    async fn give_up(
        &self,
        connection: &ConnectionRef,
        name: &CredentialName,
        seen: u64,
        lease: &Lease,
        reason: ReconnectReason,
    ) -> Result<Renewal> {
        for _ in 0..4 {
            let found = self.find_connection(connection).await?;
            let credential = match &found {
                Some(found) => place_of(found, name)?.map(|(_, credential)| credential),
                None => None,
            };
            let (Some(found), Some(credential)) = (found, credential) else {
                self.finish(lease, Due::Never).await?;
                return Ok(Renewal::Failed(Error::new(ErrorKind::NotFound)));
            };
            if credential.generation > seen {
                return Ok(Renewal::Done);
            }
            match found.state {
                ConnectionState::Active | ConnectionState::Degraded => {}
                ConnectionState::NeedsReconnect(reason) => {
                    return Ok(Renewal::Failed(needs_reconnect(connection, reason)));
                }
                _ => return Ok(Renewal::Failed(Error::new(ErrorKind::NotFound))),
            }
            if is_a_refusal(reason)
                && let Err(error) = self.believe_refusal(&found.body.registration, connection).await
            {
                return self.hold_still(&found, lease, reason, error).await;
            }
            let state = ConnectionState::NeedsReconnect(reason);
            let batch = self.state_batch(&found, state, "credential.refresh_failed", false).await?;
            let batch = batch.finish(lease.task.clone(), lease.fence, Due::After(SOMETIME));
            match self.0.vault.commit(connection.tenant(), batch).await {
                Ok(_) => return Ok(Renewal::Failed(needs_reconnect(connection, reason))),
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        // A later claim stands: it says what becomes of the connection.
        Ok(Renewal::Failed(
            Error::new(ErrorKind::Conflict).with_connection(connection.connection()),
        ))
    }

    /// Too many are refused at once: it stays as it is, and nobody asks again for a while.
    async fn hold_still(
        &self,
        found: &Found,
        lease: &Lease,
        reason: ReconnectReason,
        error: Error,
    ) -> Result<Renewal> {
        let until = self.0.clock.monotonic().plus(LEASE);
        self.0.flights.leave_open((lease.tenant.clone(), lease.task.id), until);
        let due = Due::After(MEND + jitter(&*self.0.random, MEND / 5)?);
        if reason == ReconnectReason::LostAfterRotation {
            // That an answer was lost is not forgotten over it.
            self.degrade(found, lease, due, true).await?;
        } else {
            self.note_failure(&found.reference, lease, due, "brake").await?;
        }
        Ok(Renewal::Failed(error))
    }

    /// The provider said at a call that the grant is over, though the access token had time left.
    pub(crate) async fn note_grant_over(
        &self,
        connection: &ConnectionRef,
        seen: u64,
    ) -> Result<()> {
        self.need_reconnect(connection, seen, ReconnectReason::Revoked).await
    }

    /// Makes a connection wait for its person, unless somebody renewed it since `seen` was read.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ProviderUnavailable`] while the provider refuses too many at once.
    pub(crate) async fn need_reconnect(
        &self,
        connection: &ConnectionRef,
        seen: u64,
        reason: ReconnectReason,
    ) -> Result<()> {
        let Some(found) = self.find_connection(connection).await? else { return Ok(()) };
        let awaited = |name| {
            let journal = self.0.journal.as_ref();
            journal.is_some_and(|known| known.has(connection.tenant(), connection.credential(name)))
        };
        if found.body.credentials.iter().any(awaited) {
            // What was refused is not the newest there is.
            return Ok(());
        }
        let newer = (0..found.body.credentials.len())
            .filter_map(|n| found.credential(n).ok().flatten())
            .any(|credential| credential.generation > seen);
        if newer || !matches!(found.state, ConnectionState::Active | ConnectionState::Degraded) {
            return Ok(());
        }
        if is_a_refusal(reason) {
            self.believe_refusal(&found.body.registration, connection).await?;
        }
        let state = ConnectionState::NeedsReconnect(reason);
        let batch = self.state_batch(&found, state, "connection.state_changed", false).await?;
        match self.0.vault.commit(connection.tenant(), batch).await {
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
            done => done.map(|_| ()),
        }
    }

    async fn state_batch(
        &self,
        found: &Found,
        state: ConnectionState,
        event: &'static str,
        doubt: bool,
    ) -> Result<BatchBuilder> {
        let connection = &found.reference;
        let mut batch = self.0.vault.batch()?.op(found.view.fence()?);
        for op in self.move_in_doubt(found, state, doubt).await? {
            batch = batch.op(op);
        }
        let mut reason = "degraded";
        if let ConnectionState::NeedsReconnect(why) = state {
            reason = reason_word(why);
            let happened = Happened::NeedsReconnect { reason: why };
            for op in self.emit(connection, &found.body.provider, happened).await? {
                batch = batch.op(op);
            }
        }
        Ok(batch.audit(
            Entry::new(event, self.0.clock.now())
                .about(connection.owner().subject())
                .with("connection", connection.connection())
                .with("provider", &found.body.provider)
                .with("reason", reason),
        ))
    }

    /// Nobody can tell whether the provider renewed. The claim is not ended: the work comes again
    /// when it is over, and knows then that an attempt was left open.
    async fn leave_open(&self, found: &Found, lease: &Lease) -> Result<()> {
        let key = (lease.tenant.clone(), lease.task.id);
        let until = self.0.clock.monotonic().plus(LEASE);
        self.0.flights.leave_open(key, until);
        if found.state == ConnectionState::Degraded {
            return Ok(());
        }
        let state = ConnectionState::Degraded;
        let batch = self.state_batch(found, state, "credential.refresh_failed", true).await?;
        match self.0.vault.commit(found.reference.tenant(), batch).await {
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
            done => done.map(|_| ()),
        }
    }

    /// A failure that passes: the connection works as long as its access token does.
    /// A doubt is remembered: what the provider says later is then not held against the person.
    async fn degrade(&self, found: &Found, lease: &Lease, due: Due, doubt: bool) -> Result<()> {
        let known = (0..found.body.credentials.len())
            .filter_map(|n| found.credential(n).ok().flatten())
            .all(|credential| credential.in_doubt);
        if found.state == ConnectionState::Degraded && (known || !doubt) {
            return self.note_failure(&found.reference, lease, due, "unavailable").await;
        }
        let batch = self
            .state_batch(found, ConnectionState::Degraded, "credential.refresh_failed", doubt)
            .await?
            .finish(lease.task.clone(), lease.fence, due);
        match self.0.vault.commit(found.reference.tenant(), batch).await {
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
            done => done.map(|_| ()),
        }
    }

    async fn note_failure(
        &self,
        connection: &ConnectionRef,
        lease: &Lease,
        due: Due,
        reason: &'static str,
    ) -> Result<()> {
        let entry = Entry::new("credential.refresh_failed", self.0.clock.now())
            .about(connection.owner().subject())
            .with("connection", connection.connection())
            .with("reason", reason);
        let batch = self.0.vault.batch()?.finish(lease.task.clone(), lease.fence, due).audit(entry);
        match self.0.vault.commit(connection.tenant(), batch).await {
            // The claim is over: whoever has it now says what comes of it.
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
            done => done.map(|_| ()),
        }
    }

    /// Ends a claim that had nothing to do.
    pub(crate) async fn finish(&self, lease: &Lease, due: Due) -> Result<()> {
        let entry = Entry::new("work.finished", self.0.clock.now())
            .about(lease.subject)
            .with("kind", word_of(&lease.task.kind));
        let batch = self.0.vault.batch()?.finish(lease.task.clone(), lease.fence, due).audit(entry);
        match self.0.vault.commit(&lease.tenant, batch).await {
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
            done => done.map(|_| ()),
        }
    }

    /// Due renewal: ahead of the end, to keep the grant alive, or after a holder that died.
    pub(crate) async fn refresh_due(&self, lease: &Lease) -> Result<()> {
        let connection = self.connection_of(&lease.tenant, lease.subject, lease.task.id).await?;
        let Some(connection) = connection else { return self.finish(lease, Due::Never).await };
        let Some(found) = self.find_connection(&connection).await? else {
            return self.finish(lease, Due::Never).await;
        };
        let name = found
            .body
            .credentials
            .iter()
            .find(|name| connection.credential(name) == lease.task.id)
            .cloned();
        let Some(name) = name else { return self.finish(lease, Due::Never).await };
        let Some((_, credential)) = place_of(&found, &name)? else {
            return self.finish(lease, Due::Never).await;
        };
        let line = self.line_to(&credential).await?;
        // What another attempt left undone, by its claim or by the state that it left behind.
        let interrupted = lease.tries > 1 || found.state == ConnectionState::Degraded;
        if !(interrupted || line.wants_renewal(&credential)) {
            return self.finish(lease, line.keep_alive(&credential)).await;
        }
        match self.renew_under(&connection, &name, credential.generation, lease).await? {
            Renewal::Done => Ok(()),
            Renewal::Failed(error) => Err(error),
        }
    }

    async fn read_credential(
        &self,
        connection: &ConnectionRef,
        name: &CredentialName,
    ) -> Result<View> {
        let key = Key::new(kind::CREDENTIAL, connection.credential(name));
        self.0
            .vault
            .read(connection.tenant(), holder_of(connection), std::slice::from_ref(&key))
            .await
    }
}

fn credential_of(view: &View) -> Result<Option<CredentialBody>> {
    view.facts(0)?.map(|facts| body::decode(&facts)).transpose()
}

pub(crate) fn place_of(
    found: &Found,
    name: &CredentialName,
) -> Result<Option<(usize, CredentialBody)>> {
    let Some(place) = found.body.credentials.iter().position(|known| known == name) else {
        return Ok(None);
    };
    Ok(found.credential(place)?.map(|credential| (place, credential)))
}

/// Whether it is the provider's word, and no time that ran out as it was to.
fn is_a_refusal(reason: ReconnectReason) -> bool {
    matches!(reason, ReconnectReason::Revoked | ReconnectReason::LostAfterRotation)
}

pub(crate) fn reason_word(reason: ReconnectReason) -> &'static str {
    match reason {
        ReconnectReason::Expired => "expired",
        ReconnectReason::LostAfterRotation => "lost_after_rotation",
        ReconnectReason::Revoked => "revoked",
        ReconnectReason::ScopeMissing => "scope_missing",
        _ => "other",
    }
}

fn word_of(task: &bailee_store::Kind) -> &'static str {
    kind::LANES
        .iter()
        .chain(&kind::PATIENT_LANES)
        .position(|lane| lane == task)
        .map_or("other", |place| kind::LANE_WORDS[place])
}

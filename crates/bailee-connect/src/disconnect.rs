//! Disconnecting: unusable in one commit, revoked at the provider, deleted whatever the answer.

use std::time::Duration;

use bailee_core::{
    Act, Actor, ConnectionRef, ConnectionState, Error, ErrorKind, Id, Origin, Owner, ProviderId,
    Result, SubjectId, Timestamp, WithdrawalReason, audit::Entry, event::Happened,
};
use bailee_providers::{
    CredentialFacts, FailureKind, IssuedCredential, RevokePlan,
    spec::{RefreshClass, RevokeEnds},
};
use bailee_store::{BatchBuilder, Claim, Due, Expect, Key, Lease};
use bailee_vault::Holder;
use futures_channel::oneshot;

use crate::{
    body::CredentialBody,
    connections::Connections,
    drive::{Halt, Line},
    engine::Engine,
    gate::Who,
    kind,
    secrets::{HeldSecrets, StoredSecrets},
    settle::holder_of,
    stored::Found,
};

/// The outcome of an end that its provider confirmed.
pub(crate) const CONFIRMED: &str = "confirmed";

/// After so long a worker goes on with a disconnect whose process died.
const RESUME_AFTER: Duration = Duration::from_secs(30);
/// How long a claim to finish it holds.
const LEASE: Duration = Duration::from_secs(30);
/// The whole time that the provider has to confirm.
const REVOKE_WITHIN: Duration = Duration::from_secs(10);

/// What a disconnect did, for the person and for the record. It names no token and no account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DisconnectReceipt {
    /// The connection that is no more.
    pub connection: ConnectionRef,
    /// Its provider.
    pub provider: ProviderId,
    /// Whether the provider confirmed that the tokens are dead. They are deleted here either way.
    /// A key that was entered is not dead: only who made it can remove it at the provider.
    pub confirmed: bool,
    /// What the same revocation ended at the provider beside these tokens, in plain words.
    pub also_ends: Vec<String>,
    /// What remains after the deletion, and for how long.
    pub remains: Vec<String>,
    /// What the person can do at the provider themselves, step by step.
    pub steps: Vec<String>,
    /// When the connection was deleted.
    pub at: Timestamp,
}

impl Connections {
    /// Ends a connection: nothing uses it from the first commit on, its tokens are revoked at the
    /// provider within ten seconds and deleted here whatever the provider says. A process that
    /// dies in between is replaced by a worker within a minute.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] for an unknown or a foreign connection, [`ErrorKind::Denied`] where
    /// the host does not allow it and for a connection of the instance, which an operator ends
    /// ([`crate::InstanceConnections::disconnect`]), [`ErrorKind::StoreUnavailable`]. After an error of the store
    /// the connection is either as it was or on its way out.
    pub async fn disconnect(
        &self,
        who: impl Into<Who>,
        connection: &ConnectionRef,
    ) -> Result<DisconnectReceipt> {
        let who = who.into();
        let engine = &self.engine;
        let unknown = || Error::new(ErrorKind::NotFound).with_connection(connection.connection());
        if connection.owner() != Owner::Instance && who.tenant() != connection.tenant() {
            return Err(unknown());
        }
        let known = engine.subject_of(who.tenant(), who.person()).await?;
        for _ in 0..8 {
            let found = engine.find_connection(connection).await?.ok_or_else(unknown)?;
            engine.admit_instance(found.view.control()).await?;
            // Everybody uses it, so it is no one person's to end, whatever a host answers.
            if connection.owner() == Owner::Instance {
                return Err(Error::new(ErrorKind::Denied)
                    .with_detail("only an operator ends a connection of the instance")
                    .with_connection(connection.connection()));
            }
            engine
                .may(who.person(), known, who.tenant(), Act::Disconnect(connection.owner()))
                .await
                .map_err(|error| error.with_connection(connection.connection()))?;
            // Whoever the host lets in is named by a pseudonym from their first act on.
            let subject = match known {
                Some(subject) => subject,
                None => engine.0.vault.ensure_subject(who.tenant(), who.person()).await?,
            };
            let actor = if connection.owner().subject() == Some(subject) {
                Actor::Subject { subject }
            } else {
                Actor::Member { subject }
            };
            if found.state == ConnectionState::Disconnecting {
                break;
            }
            match engine.make_unusable(&found, &actor).await {
                Ok(()) => break,
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        engine.end(connection).await
    }
}

impl Engine {
    /// Finishes a disconnect that was begun, in a task that goes on when the caller is dropped.
    pub(crate) async fn end(&self, connection: &ConnectionRef) -> Result<DisconnectReceipt> {
        let (tell, told) = oneshot::channel();
        let (task, wanted) = (self.clone(), connection.clone());
        self.spawn(async move {
            drop(tell.send(task.finish_disconnect(&wanted).await));
        });
        told.await.unwrap_or_else(|_| {
            Err(Error::new(ErrorKind::Ambiguous)
                .with_detail("a worker finishes the disconnect")
                .with_connection(connection.connection()))
        })
    }

    pub(crate) async fn make_unusable(&self, found: &Found, actor: &Actor) -> Result<()> {
        let reason = found.body.ending.map(WithdrawalReason::code);
        let batch = self.0.vault.batch()?.op(found.view.fence()?);
        let batch = self.unusable(found, actor, reason, batch).await?;
        self.0.vault.commit(found.reference.tenant(), batch).await.map(|_| ())
    }

    /// Adds to a batch that a connection is unusable from now on, with the work that ends it. The
    /// batch has the lock on its owner's record already.
    pub(crate) async fn unusable(
        &self,
        found: &Found,
        actor: &Actor,
        reason: Option<&'static str>,
        mut batch: BatchBuilder,
    ) -> Result<BatchBuilder> {
        let connection = &found.reference;
        for op in self.move_to(found, ConnectionState::Disconnecting).await? {
            batch = batch.op(op);
        }
        Ok(batch
            .schedule(
                Key::new(kind::DISCONNECT, connection.connection().id()),
                connection.owner().subject(),
                Due::After(RESUME_AFTER),
            )
            .audit(
                Entry::new("connection.disconnecting", self.0.clock.now())
                    .about(connection.owner().subject())
                    .by(actor)
                    .with("connection", connection.connection())
                    .with("provider", &found.body.provider)
                    .with_some("reason", reason),
            ))
    }

    /// Claims the disconnect and brings it to its end.
    async fn finish_disconnect(&self, connection: &ConnectionRef) -> Result<DisconnectReceipt> {
        let task = Key::new(kind::DISCONNECT, connection.connection().id());
        let claim = Claim::One { tenant: connection.tenant(), task: &task, lease: LEASE };
        match self.0.vault.store().claim(claim).await?.pop() {
            Some(lease) => self.disconnect_under(connection, &lease).await,
            // Somebody else is at it, or it is done.
            None => Err(Error::new(ErrorKind::Ambiguous)
                .with_detail("the disconnect is finished elsewhere")
                .with_connection(connection.connection())),
        }
    }

    /// Due disconnect: whoever began it died.
    pub(crate) async fn disconnect_due(&self, lease: &Lease) -> Result<()> {
        let id = bailee_core::ConnectionId::from_id(lease.task.id);
        let owner = match lease.subject {
            Some(subject) => Owner::Subject(subject),
            None if lease.tenant.is_system() => Owner::Instance,
            None => Owner::Tenant,
        };
        let connection = ConnectionRef::new(lease.tenant.clone(), owner, id);
        self.disconnect_under(&connection, lease).await.map(|_| ())
    }

    async fn disconnect_under(
        &self,
        connection: &ConnectionRef,
        lease: &Lease,
    ) -> Result<DisconnectReceipt> {
        let Some(mut found) = self.find_connection(connection).await? else {
            self.finish(lease, Due::Never).await?;
            return Err(Error::new(ErrorKind::NotFound).with_connection(connection.connection()));
        };
        self.admit_instance(found.view.control()).await?;
        // A release that no longer has the registration cannot ask the provider, and deletes.
        let line = match self.registered(&found.body.registration) {
            Ok(registered) => self.line(&registered.clone()).await,
            Err(error) => Err(error),
        };
        // What the provider ended itself is not revoked: it said so.
        let over = found.body.ending.is_some();
        let shared = match &line {
            Ok(line) if !over => self.would_end_others(line, &found).await?,
            _ => false,
        };
        let confirmed = match &line {
            Ok(line) if !over => self.revoke_all(line, &found, shared).await,
            _ => over,
        };
        // A refresh that was under way may have written in between: delete what is there now.
        for _ in 0..8 {
            // What cannot be opened is deleted all the same; its route is then a miss.
            let tokens = self.hashes_of_tokens(&found).await.unwrap_or_else(|error| {
                tracing::warn!(kind = ?error.kind(), "the routes of tokens stay");
                Vec::new()
            });
            // While the connection is there to say under which ids it lies: whoever dies after it is
            // gone would leave routes that nobody can end.
            self.end_routes(&found, &tokens).await;
            match self.delete_connection(&found, lease, confirmed).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {
                    found = self.find_connection(connection).await?.ok_or_else(|| {
                        Error::new(ErrorKind::NotFound).with_connection(connection.connection())
                    })?;
                }
                Err(error) => return Err(error),
                Ok(()) => {
                    self.0.vault.evict(connection.tenant(), holder_of(connection));
                    // Somebody who was connecting it again may have written them anew in between.
                    self.end_routes(&found, &tokens).await;
                    return Ok(self.receipt(&found, line.ok().as_ref(), confirmed, shared));
                }
            }
        }
        Err(Error::new(ErrorKind::Conflict).with_connection(connection.connection()))
    }

    async fn end_routes(&self, found: &Found, tokens: &[Id]) {
        let (registration, account) = (&found.body.registration, &found.body.account);
        if let Err(error) = self.unroute(registration, account, &found.reference, tokens).await {
            // A route without a connection is a miss and no more.
            tracing::warn!(kind = ?error.kind(), "a stale route stays");
        }
    }

    /// Whether a revocation would end the grants of other connections to the same account: there are
    /// some, and the provider ends all that the account gave to this client.
    async fn would_end_others(&self, line: &Line, found: &Found) -> Result<bool> {
        if line.spec.revoke.ends != RevokeEnds::Account {
            return Ok(false);
        }
        let others = self.routed(&found.body.registration, &found.body.account).await?;
        for other in others.iter().filter(|other| **other != found.reference) {
            let other = self.find_connection(other).await?;
            if other.is_some_and(|other| other.state != ConnectionState::Disconnecting) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Revokes every credential, alone where others hold the account; says whether the provider
    /// confirmed all of them.
    async fn revoke_all(&self, line: &Line, found: &Found, alone: bool) -> bool {
        let mut confirmed = true;
        for place in 0..found.body.credentials.len() {
            let outcome = self.revoke_one(line, found, place, alone).await;
            confirmed &= matches!(outcome, Ok(true));
            if let Err(error) = outcome {
                tracing::warn!(kind = ?error.kind(), "a revocation was not confirmed");
            }
        }
        confirmed
    }

    async fn revoke_one(
        &self,
        line: &Line,
        found: &Found,
        place: usize,
        alone: bool,
    ) -> Result<bool> {
        let Some(credential) = found.credential(place)? else { return Ok(true) };
        let line = &line.clone().to(&credential)?;
        let client = || self.client_secret(&line.registered);
        let secrets = StoredSecrets::of_credential(&found.view, place, client().await?);
        let (connection, facts) = (&found.reference, credential.facts());
        let replaced = match may_leave_replaced(line, &credential) && !alone {
            true => self.revoke_by_renewing(line, connection, &facts, &secrets).await,
            false => Ok(true),
        };
        let revoked = self.revoke_stored(line, connection, &facts, &secrets, alone).await;
        // Whatever came of those: nobody else knows the candidate's.
        if let Some(facts) = credential.candidate_facts() {
            let secrets = StoredSecrets::of_candidate(&found.view, place, client().await?);
            match self.revoke_stored(line, connection, &facts, &secrets, alone).await {
                Ok(true) => {}
                // It may have ended them with the others, and does not know them then.
                Err(Halt::Provider(failure)) if !failure.is_transient() => {}
                Ok(false) => return Ok(false),
                Err(halt) => return Err(line.error(halt)),
            }
        }
        match (revoked, replaced) {
            (Ok(confirmed), Ok(ended)) => Ok(confirmed && ended),
            (Err(halt), _) | (_, Err(halt)) => Err(line.error(halt)),
        }
    }

    /// Renews and revokes what comes of that; says whether the provider confirmed it. A token that the
    /// stored one replaced is over when that is used.
    async fn revoke_by_renewing(
        &self,
        line: &Line,
        connection: &ConnectionRef,
        facts: &CredentialFacts,
        secrets: &StoredSecrets<'_>,
    ) -> Result<bool, Halt> {
        let step = line.registered.provider.refresh(&line.context(), facts);
        let grant = match line.run(step, secrets, REVOKE_WITHIN).await {
            Ok(grant) => grant,
            // The grant is over, so nothing is left to revoke.
            Err(Halt::Provider(failure)) if failure.kind == FailureKind::GrantOver => {
                return Ok(true);
            }
            Err(halt) => return Err(halt),
        };
        match grant.credentials.into_iter().find(|issued| issued.name == facts.name) {
            Some(issued) => self.revoke_renewed(line, connection, facts, &issued).await,
            None => Ok(false),
        }
    }

    /// Revokes a token set; says whether the provider confirmed it.
    async fn revoke_stored(
        &self,
        line: &Line,
        connection: &ConnectionRef,
        facts: &CredentialFacts,
        secrets: &StoredSecrets<'_>,
        alone: bool,
    ) -> Result<bool, Halt> {
        let (cx, provider) = (line.context(), &line.registered.provider);
        let step = if alone {
            match provider.revoke_alone(&cx, facts) {
                Some(step) => step,
                None => return Ok(false),
            }
        } else {
            match provider.revoke_plan(&cx, facts) {
                RevokePlan::Impossible => return Ok(false),
                RevokePlan::RefreshFirst => {
                    return self.revoke_by_renewing(line, connection, facts, secrets).await;
                }
                _ => provider.revoke(&cx, facts),
            }
        };
        line.run(step, secrets, REVOKE_WITHIN).await.map(|revoked| revoked.confirmed)
    }

    /// Revokes tokens that were renewed for that alone. Nothing else knows them, so they are held
    /// as long as this process may die over it.
    async fn revoke_renewed(
        &self,
        line: &Line,
        connection: &ConnectionRef,
        facts: &CredentialFacts,
        issued: &IssuedCredential,
    ) -> Result<bool, Halt> {
        let grant = Id::generate(&*self.0.random)?;
        let held = self.hold_unwanted(connection, line, grant, issued).await;
        if let Err(error) = &held {
            tracing::warn!(kind = ?error.kind(), "tokens are revoked without being held");
        }
        let client = self.client_secret(&line.registered).await?;
        let secrets = HeldSecrets::of(issued, client);
        let step = line.registered.provider.revoke(&line.context(), facts);
        let revoked = line.run(step, &secrets, REVOKE_WITHIN).await;
        // What is revoked or was refused is deleted here either way.
        if held.is_ok() {
            let confirmed = revoked.as_ref().is_ok_and(|revoked| revoked.confirmed);
            let outcome = if confirmed { "revoked" } else { "unconfirmed" };
            if let Err(error) = self.drop_grant(grant, outcome).await {
                tracing::warn!(kind = ?error.kind(), "tokens are let go later");
            }
        }
        revoked.map(|revoked| revoked.confirmed)
    }

    async fn delete_connection(&self, found: &Found, lease: &Lease, confirmed: bool) -> Result<()> {
        let connection = &found.reference;
        let tenant = connection.tenant();
        let subject = connection.owner().subject();
        let mut batch = self.0.vault.batch()?;
        // With their last account at a provider goes what the person agreed to there. The write of
        // their standing is then the lock on their record.
        let provider = &found.body.provider;
        let ended = match subject {
            Some(subject) if !self.connected_elsewhere(subject, found).await? => {
                let ledger = &self.0.ledger;
                let actor = match found.body.ending {
                    Some(_) => Actor::Provider { provider: provider.clone() },
                    None => Actor::System,
                };
                ledger.withdraw_all(tenant, &found.view, provider, &actor).await.map(Some)?
            }
            _ => None,
        };
        batch = match ended {
            Some(change) if !change.ops.is_empty() => change.add_to(batch),
            _ => batch.op(found.view.fence()?),
        };
        if let Some(record) = found.record() {
            batch = batch.delete(record.key.clone(), Expect::Version(record.version));
        }
        for (place, name) in found.body.credentials.iter().enumerate() {
            let id = connection.credential(name);
            if let Some(record) = found.view.record(place + 1) {
                batch = batch.delete(record.key.clone(), Expect::Version(record.version));
            }
            batch = batch.schedule(Key::new(kind::REFRESH, id), subject, Due::Never);
        }
        let watch = Key::new(kind::WATCH, connection.connection().id());
        batch = batch.schedule(watch, subject, Due::Never);
        let reservation = Key::new(kind::RESERVATION, found.body.reservation);
        if self.exists(tenant, &reservation).await? {
            batch = batch.delete(reservation, Expect::Present);
        }
        if let Holder::Connection(_) = holder_of(connection) {
            batch = batch.ops(self.0.vault.destroy_key(tenant, holder_of(connection)).await?);
        }
        let happened = match found.body.ending {
            Some(reason) => Happened::Withdrawn { reason },
            None => Happened::Disconnected { confirmed },
        };
        for op in self.emit(connection, &found.body.provider, happened).await? {
            batch = batch.op(op);
        }
        let batch = batch.finish(lease.task.clone(), lease.fence, Due::Never).audit(
            Entry::new("connection.disconnected", self.0.clock.now())
                .about(subject)
                .with("connection", connection.connection())
                .with("provider", &found.body.provider)
                .with("outcome", if confirmed { CONFIRMED } else { "unconfirmed" })
                .with_some("reason", found.body.ending.map(WithdrawalReason::code)),
        );
        self.0.vault.commit(tenant, batch).await.map(|_| ())
    }

    async fn exists(&self, tenant: &bailee_core::TenantId, key: &Key) -> Result<bool> {
        let snapshot = self.0.vault.store().read(tenant, std::slice::from_ref(key)).await?;
        Ok(snapshot.records.first().is_some_and(Option::is_some))
    }

    /// Whether the person has another account connected at this provider.
    async fn connected_elsewhere(&self, subject: SubjectId, found: &Found) -> Result<bool> {
        let all = self.held_by(found.reference.tenant(), subject).await?;
        Ok(all.iter().any(|other| {
            other.reference != found.reference && other.body.provider == found.body.provider
        }))
    }

    fn receipt(
        &self,
        found: &Found,
        line: Option<&Line>,
        confirmed: bool,
        shared: bool,
    ) -> DisconnectReceipt {
        let mut remains = vec![
            "Copies in the database's write-ahead log, replicas and backups stay until those are \
             overwritten or expire; they are sealed."
                .to_owned(),
            "Audit entries stay: they name pseudonyms and times, no account and no token."
                .to_owned(),
        ];
        let entered = found.body.origin == Origin::Entered;
        if entered {
            remains.push(
                "The key stays valid at the provider until somebody removes it there.".to_owned(),
            );
        } else if shared && !confirmed {
            remains.push(
                "The same account is still connected elsewhere in this service, and the provider \
                 ends all of its access at once. So this connection's tokens were deleted here, and \
                 those that could not be ended alone run out there."
                    .to_owned(),
            );
        } else if !confirmed {
            remains.push(
                if line.is_some_and(|line| line.spec.refresh.class == RefreshClass::Static) {
                    "The provider did not confirm the revocation: tokens that it issued do not \
                     run out and may stay valid there until this application is removed there."
                } else {
                    "The provider did not confirm the revocation: tokens that it issued may stay \
                     valid there until they run out."
                }
                .to_owned(),
            );
        } else {
            remains.extend(line.iter().flat_map(|line| line.spec.revoke.leaves.iter().cloned()));
        }
        DisconnectReceipt {
            connection: found.reference.clone(),
            provider: found.body.provider.clone(),
            confirmed,
            also_ends: line.map(|line| line.spec.revoke.also_ends.clone()).unwrap_or_default(),
            remains,
            steps: line.map(|line| line.spec.withdrawal.steps.clone()).unwrap_or_default(),
            at: self.0.clock.now(),
        }
    }
}

/// Whether a token that the stored one replaced may live on: the provider takes it until the stored
/// one is used, and a revocation may end no more than what it is shown.
fn may_leave_replaced(line: &Line, credential: &CredentialBody) -> bool {
    line.spec.refresh.class == RefreshClass::UntilReplacementUsed
        && line.spec.revoke.ends != RevokeEnds::Account
        && credential.has_refresh
        && credential.generation > 1
}

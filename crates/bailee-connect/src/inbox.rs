//! Acting on what a provider told: tenant by tenant, as often as it takes, with the same outcome.
//!
//! A signal names an account. Its routes name connections, and each of them is looked at again
//! inside its tenant: is it of this registration and this account, and did what is told happen
//! after it was connected? A provider's word of something older proves nothing about a connection
//! that was made since, so there the provider is asked. Every step can be repeated: a worker that
//! dies half-way leaves a claim that ends, and the next one finds done what was done.

use std::{collections::BTreeMap, time::Duration};

use bailee_core::{
    Actor, ConnectionRef, ConnectionState, CredentialName, Error, ErrorKind, Id, ReconnectReason,
    RegistrationId, Result, TenantId, Timestamp, WithdrawalReason, audit::Entry, event::Happened,
};
use bailee_providers::{
    AccountId, GrantFacts,
    signal::{About, Signal, What},
};
use bailee_store::{Due, Expect, Key, Lease};
use bailee_vault::{Draft, Holder, View};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::{
    body::{self, AccountBody},
    check::{Heard, Question},
    drive::DEADLINE,
    engine::Engine,
    kind,
    request::Asked,
    route::{Routed, identifier},
    secrets::StoredSecrets,
    stored::Found,
};

/// A connection that was made so shortly before a signal's time may have been made after it: clocks
/// differ.
const APART: Duration = Duration::from_secs(300);
/// How long a connection may be on its way whose route is there already.
const ON_ITS_WAY: Duration = Duration::from_secs(150);
/// How long until a signal that failed is tried again, at first and at most.
const AGAIN: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(3600));

/// `inbox`: what a delivery said.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct InboxBody {
    pub(crate) registration: RegistrationId,
    /// The hash of the delivery, which proves later what came.
    digest: [u8; 32],
    /// The code under which the person asks what became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    received_at: Timestamp,
    /// What is to be done. Nothing is left of it once it is done.
    signals: Vec<Signal>,
    #[serde(default)]
    tries: u32,
}

impl InboxBody {
    pub(crate) fn new(
        registration: RegistrationId,
        digest: [u8; 32],
        code: Option<&str>,
        signals: &[Signal],
        received_at: Timestamp,
    ) -> Self {
        let code = code.map(ToOwned::to_owned);
        Self { registration, digest, code, received_at, signals: signals.to_vec(), tries: 0 }
    }
}

/// What is known of a withdrawal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Over {
    /// It is about something that was before, or the provider says otherwise.
    No,
    /// It is over.
    Yes,
    /// One token set is over, and the provider was asked, so that the whole connection waits for its
    /// person; the others live.
    Alone,
}

/// What came of a signal, as words for the audit log, and how often.
type Outcomes = BTreeMap<&'static str, i64>;

/// A signal that is being followed.
struct Following<'a> {
    inbox: Id,
    body: &'a InboxBody,
    signal: &'a Signal,
    outcomes: &'a mut Outcomes,
    /// The requests that it opened.
    requests: &'a mut Vec<(TenantId, Id)>,
}

impl Engine {
    /// Due: what a provider told.
    pub(crate) async fn signal_due(&self, lease: &Lease) -> Result<()> {
        let key = Key::new(kind::INBOX, lease.task.id);
        let keys = std::slice::from_ref(&key);
        let view = self.0.vault.read(&TenantId::SYSTEM, Holder::Tenant, keys).await?;
        self.admit_instance(view.control()).await?;
        let Some(facts) = view.facts(0)? else { return self.finish(lease, Due::Never).await };
        let mut body: InboxBody = body::decode(&facts)?;
        let mut outcomes = Outcomes::new();
        let mut requests = Vec::new();
        let mut failed = None;
        let mut early = false;
        let mut held: Vec<&About> = Vec::new();
        for signal in &body.signals {
            // A request comes before the end of what it is about, and would not find it any more.
            if held.contains(&&signal.about) {
                continue;
            }
            let mut following = Following {
                inbox: lease.task.id,
                body: &body,
                signal,
                outcomes: &mut outcomes,
                requests: &mut requests,
            };
            match self.follow(&mut following).await {
                Ok(waits) => early |= waits,
                // What is said of others is not held up by it.
                Err(error) => {
                    failed = Some(error);
                    held.push(&signal.about);
                }
            }
        }
        // A connection whose route is there may be on its way: it is looked for once more.
        let due = match &failed {
            Some(error) => {
                tracing::warn!(kind = ?error.kind(), "a signal is acted on later");
                let (least, most) = AGAIN;
                Due::After((least * 2_u32.pow(body.tries.min(7))).min(most))
            }
            None if early && body.tries == 0 => Due::After(ON_ITS_WAY),
            None => Due::Never,
        };
        body.tries = body.tries.saturating_add(1);
        self.close_signal(lease, &view, body, due, &outcomes, &requests).await
    }

    /// Writes down what came of it: once it is done, no account is named any more.
    async fn close_signal(
        &self,
        lease: &Lease,
        view: &View,
        mut body: InboxBody,
        due: Due,
        outcomes: &Outcomes,
        requests: &[(TenantId, Id)],
    ) -> Result<()> {
        let vault = &self.0.vault;
        let now = self.0.clock.now();
        let code = body.code.clone();
        if due == Due::Never {
            body.signals.clear();
        }
        let key = Key::new(kind::INBOX, lease.task.id);
        let draft = Draft::new(key, Holder::Tenant)
            .expires(view.record(0).and_then(|record| record.expires))
            .facts(body::SCHEMA, body::encode(&body)?);
        let put = vault.put(&TenantId::SYSTEM, draft, view.record(0)).await?;
        let mut batch = vault.batch()?.op(put).finish(lease.task.clone(), lease.fence, due);
        if let Some(code) = &code
            && let Some(op) = self.note_requests(code, requests).await?
        {
            batch = batch.op(op);
        }
        let entry = |outcome| {
            Entry::new("signal.applied", now)
                .with("signal", lease.task.id)
                .with("registration", &body.registration)
                .with("outcome", outcome)
        };
        if due != Due::Never {
            batch = batch.audit(entry("later"));
        } else if outcomes.is_empty() {
            batch = batch.audit(entry("nothing"));
        } else {
            for (outcome, count) in outcomes {
                batch = batch.audit(entry(*outcome).with("count", *count));
            }
        }
        match vault.commit(&TenantId::SYSTEM, batch).await {
            // Another worker has it.
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
            done => done.map(|_| ()),
        }
    }

    /// Follows one signal to each connection that it means. Says whether one may still be on its
    /// way.
    async fn follow(&self, following: &mut Following<'_>) -> Result<bool> {
        let registration = &following.body.registration;
        let routes = match &following.signal.about {
            About::Account { id, issuer } => {
                self.routes_of(registration, &account_of(id, issuer.as_deref())).await?
            }
            About::RefreshToken { by, value } => {
                let hash = self.token_hash(registration, *by, value.as_bytes()).await?;
                self.routes(hash).await?
            }
            _ => return Err(Error::new(ErrorKind::Unsupported)),
        };
        if routes.is_empty() {
            following.count("unknown_account");
        }
        let mut early = false;
        let mut failed = None;
        for route in &routes {
            match self.follow_to(following, route).await {
                Ok(Some(outcome)) => following.count(outcome),
                Ok(None) => {
                    following.count("not_there");
                    early = true;
                }
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            Some(error) => Err(error),
            None => Ok(early),
        }
    }

    /// Follows a signal to one connection. None: it is not there.
    async fn follow_to(
        &self,
        following: &mut Following<'_>,
        route: &Routed,
    ) -> Result<Option<&'static str>> {
        let connection = &route.connection;
        let signal = following.signal;
        if route.ended {
            return match &signal.what {
                What::Request { .. } => self.take_up(following, connection).await.map(Some),
                _ => Ok(Some("ended_before")),
            };
        }
        let found = match self.find_connection(connection).await {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(None),
            Err(error) if error.kind() == ErrorKind::Shredded => return Ok(Some("erased")),
            Err(error) => return Err(error),
        };
        if !self.is_meant(&found, following)? {
            return Ok(Some("foreign"));
        }
        if let What::Request { .. } = &signal.what {
            return self.take_up(following, connection).await.map(Some);
        }
        if found.state == ConnectionState::Disconnecting {
            return Ok(Some("ending"));
        }
        match &signal.what {
            What::Withdrawn { reason, credential } => {
                let over = self.is_over(&found, signal.at, credential.as_ref()).await?;
                if over == Over::No {
                    return Ok(Some("outlived"));
                }
                let waits = matches!(found.state, ConnectionState::NeedsReconnect(_));
                let outcome = self.take_back(found, *reason, credential.as_ref()).await?;
                // Whoever took the token set out may have died before it could say so.
                let works = over == Over::Alone
                    || outcome == "no_such_credential" && waits && self.works(connection).await?;
                if works {
                    self.go_on_without(connection).await?;
                }
                Ok(Some(outcome))
            }
            What::Suspended => self.suspend(&found, signal.at, true).await.map(Some),
            What::Resumed => self.suspend(&found, signal.at, false).await.map(Some),
            What::SessionsEnded => {
                self.tell_of(&found, Happened::SessionsEnded).await?;
                Ok(Some("told"))
            }
            What::Updated => {
                self.get_again(&found).await?;
                Ok(Some("updated"))
            }
            What::Check => {
                self.ask_about(&found).await?;
                Ok(Some("asked"))
            }
            _ => Err(Error::new(ErrorKind::Unsupported)),
        }
    }

    /// Opens the request that a signal brings for a connection.
    async fn take_up(
        &self,
        following: &mut Following<'_>,
        connection: &ConnectionRef,
    ) -> Result<&'static str> {
        let What::Request { kind, within, details } = &following.signal.what else {
            return Ok("nothing");
        };
        let asked = Asked {
            inbox: following.inbox,
            kind: *kind,
            within: *within,
            details,
            registration: &following.body.registration,
            received_at: following.body.received_at,
            evidence: following.body.digest,
        };
        let (request, opened) = match self.open_request(connection, &asked).await {
            // The tenant's keys were destroyed: nothing of it is left to ask for.
            Err(error) if error.kind() == ErrorKind::Shredded => return Ok("erased"),
            opened => opened?,
        };
        following.requests.push((connection.tenant().clone(), request));
        Ok(if opened { "request_opened" } else { "request_known" })
    }

    /// Whether a connection is the one that a signal means: of its registration and its account, as
    /// they stand inside the tenant (HOOK-03).
    fn is_meant(&self, found: &Found, following: &Following<'_>) -> Result<bool> {
        if found.body.registration != following.body.registration {
            return Ok(false);
        }
        match &following.signal.about {
            About::Account { id, issuer } => {
                let named = account_of(id, issuer.as_deref());
                Ok(found.body.account.under_each_id().iter().any(|known| {
                    (&known.issuer, &known.id_kind, &known.id)
                        == (&named.issuer, &named.id_kind, &named.id)
                }))
            }
            About::RefreshToken { by, value } => {
                for place in 0..found.body.credentials.len() {
                    if !found.credential(place)?.is_some_and(|credential| credential.has_refresh) {
                        continue;
                    }
                    let token = found.view.part(place + 1, "refresh")?;
                    let named = token.expose(|token| identifier(*by, token));
                    if bool::from(named.as_slice().ct_eq(value.as_bytes())) {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            _ => Ok(false),
        }
    }

    /// Whether a withdrawal is one of this grant: it happened clearly after the person connected, or
    /// else the provider says, when it is asked, that the grant, or the token set that is named, is
    /// over.
    async fn is_over(
        &self,
        found: &Found,
        at: Option<Timestamp>,
        credential: Option<&CredentialName>,
    ) -> Result<Over> {
        let connected = found.body.connected_at;
        let so = |over| if over { Over::Yes } else { Over::No };
        if at.is_some_and(|at| at >= connected.plus(APART)) {
            return Ok(Over::Yes);
        }
        // What is clearly older than the connection has nothing to do with its not working.
        let older = at.is_some_and(|at| at.plus(APART) < connected);
        let several = credential.is_some() && found.body.credentials.len() > 1;
        match found.state {
            ConnectionState::Active | ConnectionState::Degraded => {}
            // The token set that is named may be all that is wrong with it.
            ConnectionState::NeedsReconnect(_) if several => {}
            _ => return Ok(so(!older)),
        }
        let Some(heard) = self.ask_about(found).await? else { return Ok(Over::No) };
        Ok(match credential {
            Some(name) if found.body.credentials.len() > 1 => match heard.over.as_slice() {
                [alone] if alone == name => Over::Alone,
                over => so(over.contains(name)),
            },
            _ => so(match heard.state {
                // A lost answer took the tokens, which says nothing of the grant.
                ConnectionState::NeedsReconnect(ReconnectReason::LostAfterRotation) => !older,
                ConnectionState::NeedsReconnect(_) => true,
                _ => false,
            }),
        })
    }

    /// Asks the provider, and says what it heard; none where the connection is gone.
    async fn ask_about(&self, found: &Found) -> Result<Option<Heard>> {
        let connection = &found.reference;
        self.admit_control(found.view.control(), connection, Some(&found.body.provider)).await?;
        match self.ask(found, Question::Liveness).await {
            Ok(heard) => Ok(Some(heard)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the provider takes everything that a connection has.
    async fn works(&self, connection: &ConnectionRef) -> Result<bool> {
        let Some(found) = self.find_connection(connection).await? else { return Ok(false) };
        Ok(self.ask_about(&found).await?.is_some_and(|heard| heard.over.is_empty()))
    }

    /// Lets a connection work again that was found dead for a token set which it no longer has.
    async fn go_on_without(&self, connection: &ConnectionRef) -> Result<()> {
        let Some(found) = self.find_connection(connection).await? else { return Ok(()) };
        if !matches!(found.state, ConnectionState::NeedsReconnect(_)) {
            return Ok(());
        }
        let provider = &found.body.provider;
        let vault = &self.0.vault;
        let batch = vault
            .batch()?
            .op(found.view.fence()?)
            .ops(self.move_to(&found, ConnectionState::Active).await?)
            .ops(self.emit(connection, provider, Happened::Recovered).await?)
            .audit(
                Entry::new("connection.state_changed", self.0.clock.now())
                    .about(connection.owner().subject())
                    .with("connection", connection.connection())
                    .with("provider", provider)
                    .with("reason", "recovered"),
            );
        match vault.commit(connection.tenant(), batch).await {
            // Somebody else changed it since, and knows more.
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
            done => done.map(|_| ()),
        }
    }

    /// Gets what is known of the account from the provider again, where the grant lives. It is the
    /// same account or nothing is written.
    async fn get_again(&self, found: &Found) -> Result<()> {
        let heard = self.ask_about(found).await?;
        let works = |state| matches!(state, ConnectionState::Active | ConnectionState::Degraded);
        if !heard.is_some_and(|heard| works(heard.state)) {
            return Ok(());
        }
        let connection = &found.reference;
        let Some(mut found) = self.find_connection(connection).await? else { return Ok(()) };
        let Some(credential) = found.credential(0)? else { return Ok(()) };
        let line = self.line_to(&credential).await?;
        let client = self.client_secret(&line.registered).await?;
        let secrets = StoredSecrets::of_credential(&found.view, 0, client);
        let facts = GrantFacts::new(credential.scopes.clone());
        let step = line.registered.provider.identity(&line.context(), &facts, None, None);
        let account = line
            .run(step, &secrets, DEADLINE)
            .await
            .map_err(|halt| line.error(halt).with_connection(connection.connection()))?;
        let account = AccountBody::of(&account);
        if (&account.id_kind, &account.id) != (&found.body.account.id_kind, &found.body.account.id)
        {
            return Ok(());
        }
        found.body.account.display = account.display;
        found.body.account.account_type = account.account_type;
        found.body.got_at = Some(self.0.clock.now());
        let key = Key::new(kind::CONNECTION, connection.connection().id());
        let draft = Draft::new(key, crate::settle::holder_of(connection))
            .facet(found.record().map(|record| record.facet).unwrap_or_default())
            .facts(body::SCHEMA, body::encode(&found.body)?);
        let vault = &self.0.vault;
        let put = vault.put(connection.tenant(), draft, found.record()).await?;
        let batch = vault.batch()?.op(found.view.fence()?).op(put).audit(
            Entry::new("connection.state_changed", self.0.clock.now())
                .about(connection.owner().subject())
                .by(&Actor::Provider { provider: found.body.provider.clone() })
                .with("connection", connection.connection())
                .with("provider", &found.body.provider)
                .with("reason", "account_updated"),
        );
        vault.commit(connection.tenant(), batch).await.map(|_| ())
    }

    /// Ends a connection, or one of its token sets, that is over at the provider.
    async fn take_back(
        &self,
        mut found: Found,
        reason: WithdrawalReason,
        credential: Option<&CredentialName>,
    ) -> Result<&'static str> {
        let connection = found.reference.clone();
        let actor = Actor::Provider { provider: found.body.provider.clone() };
        for _ in 0..8 {
            if let Some(name) = credential {
                if !found.body.credentials.contains(name) {
                    return Ok("no_such_credential");
                }
                if found.body.credentials.len() > 1 {
                    match self.drop_credential(&mut found, name, reason, &actor).await {
                        Err(error) if error.kind() == ErrorKind::Conflict => {
                            match self.find_connection(&connection).await? {
                                Some(again) => found = again,
                                None => return Ok("ended_before"),
                            }
                            continue;
                        }
                        done => return done.map(|()| "credential_ended"),
                    }
                }
            }
            if found.state == ConnectionState::Disconnecting {
                return Ok("ending");
            }
            found.body.ending = Some(reason);
            match self.make_unusable(&found, &actor).await {
                Ok(()) => {
                    // Whoever dies from here on is replaced by a worker.
                    match self.end(&connection).await {
                        Err(error)
                            if !matches!(
                                error.kind(),
                                ErrorKind::Ambiguous | ErrorKind::NotFound
                            ) =>
                        {
                            return Err(error);
                        }
                        _ => return Ok("ended"),
                    }
                }
                Err(error) if error.kind() == ErrorKind::Conflict => {
                    match self.find_connection(&connection).await? {
                        Some(again) => found = again,
                        None => return Ok("ended_before"),
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Err(Error::new(ErrorKind::Conflict).with_connection(connection.connection()))
    }

    /// Deletes one token set; the others stay.
    async fn drop_credential(
        &self,
        found: &mut Found,
        name: &CredentialName,
        reason: WithdrawalReason,
        actor: &Actor,
    ) -> Result<()> {
        let connection = found.reference.clone();
        let subject = connection.owner().subject();
        let place = found.body.credentials.iter().position(|known| known == name);
        let record = place.and_then(|place| found.view.record(place + 1));
        let Some(record) = record.map(|record| (record.key.clone(), record.version)) else {
            return Ok(());
        };
        found.body.credentials.retain(|known| known != name);
        let vault = &self.0.vault;
        let key = Key::new(kind::CONNECTION, connection.connection().id());
        let holder = crate::settle::holder_of(&connection);
        let draft = Draft::new(key, holder)
            .facet(found.record().map(|record| record.facet).unwrap_or_default())
            .facts(body::SCHEMA, body::encode(&found.body)?);
        let names = found.body.credentials.iter();
        let lookups = names.map(|name| connection.credential(name)).collect();
        let (tenant, old) = (connection.tenant(), found.record());
        let put = vault.put_with_lookups(tenant, draft, old, lookups).await?;
        let task = Key::new(kind::REFRESH, connection.credential(name));
        let batch = vault
            .batch()?
            .op(found.view.fence()?)
            .op(put)
            .delete(record.0, Expect::Version(record.1))
            .schedule(task, subject, Due::Never)
            .audit(
                Entry::new("credential.revoked", self.0.clock.now())
                    .about(subject)
                    .by(actor)
                    .with("connection", connection.connection())
                    .with("provider", &found.body.provider)
                    .with("reason", reason.code()),
            );
        vault.commit(tenant, batch).await.map(|_| ())
    }

    /// Stops a connection for as long as the provider says, or lets it work again.
    async fn suspend(
        &self,
        found: &Found,
        at: Option<Timestamp>,
        stop: bool,
    ) -> Result<&'static str> {
        let said = at.unwrap_or_else(|| self.0.clock.now());
        // What is older than the connection, or than what was heard last, is over.
        if said < found.body.connected_at || found.body.heard_at.is_some_and(|heard| said < heard) {
            return Ok("outlived");
        }
        let wanted = if stop { ConnectionState::Frozen } else { ConnectionState::Active };
        let fits = match found.state {
            ConnectionState::Active | ConnectionState::Degraded => stop,
            ConnectionState::Frozen => !stop,
            _ => return Ok("not_usable"),
        };
        let connection = found.reference.clone();
        let mut again = self
            .find_connection(&connection)
            .await?
            .ok_or_else(|| Error::new(ErrorKind::Conflict))?;
        again.body.heard_at = Some(said);
        let state = if fits { wanted } else { again.state };
        let vault = &self.0.vault;
        let subject = connection.owner().subject();
        let mut batch = vault.batch()?.op(again.view.fence()?);
        batch = batch.ops(self.move_to(&again, state).await?);
        if fits {
            let happened = if stop { Happened::Suspended } else { Happened::Resumed };
            batch = batch.ops(self.emit(&connection, &again.body.provider, happened).await?);
        }
        if fits && !stop {
            for name in &again.body.credentials {
                let task = Key::new(kind::REFRESH, connection.credential(name));
                batch = batch.schedule(task, subject, Due::After(Duration::ZERO));
            }
        }
        let reason = if stop { "suspended" } else { "resumed" };
        let batch = batch.audit(
            Entry::new("connection.state_changed", self.0.clock.now())
                .about(subject)
                .by(&Actor::Provider { provider: again.body.provider.clone() })
                .with("connection", connection.connection())
                .with("provider", &again.body.provider)
                .with("reason", reason),
        );
        vault.commit(connection.tenant(), batch).await?;
        Ok(if fits { reason } else { "known" })
    }

    /// Tells the host of something that changes nothing here.
    async fn tell_of(&self, found: &Found, happened: Happened) -> Result<()> {
        let connection = &found.reference;
        let ops = self.emit(connection, &found.body.provider, happened).await?;
        if ops.is_empty() {
            return Ok(());
        }
        let batch = self.0.vault.batch()?.ops(ops).audit(
            Entry::new("connection.state_changed", self.0.clock.now())
                .about(connection.owner().subject())
                .by(&Actor::Provider { provider: found.body.provider.clone() })
                .with("connection", connection.connection())
                .with("provider", &found.body.provider)
                .with("reason", "sessions_ended"),
        );
        self.0.vault.commit(connection.tenant(), batch).await.map(|_| ())
    }
}

impl Following<'_> {
    fn count(&mut self, outcome: &'static str) {
        *self.outcomes.entry(outcome).or_default() += 1;
    }
}

/// An account as routes name it.
fn account_of(id: &AccountId, issuer: Option<&str>) -> AccountBody {
    AccountBody {
        id_kind: id.kind().to_owned(),
        id: id.value().to_owned(),
        issuer: issuer.map(ToOwned::to_owned),
        display: None,
        account_type: None,
        also: Vec::new(),
    }
}

//! The brake on mass failures (REF-11).
//!
//! A provider that has a bad day, a secret that was mixed up, a database from yesterday: grants are
//! refused by the hundred, and nobody has withdrawn anything. When a registration's provider refuses
//! more than [`FEW`] of its connections, and more than one in [`SHARE`], within [`WINDOW`], no further
//! one is told that it needs its person. They stay as they are, ask again every quarter of an hour, and
//! an operator is told. It stays on while more than half as many are refused.
//!
//! Each refusal is a short-lived record in the system's tenant and each connection's route another,
//! both with their registration's number as facet: a tally counts them over all processes and sees
//! nothing of what they say.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bailee_core::{
    ConnectionRef, Error, ErrorKind, Id, Monotonic, ProviderId, RegistrationId, Remedy, Result,
    TenantId, Timestamp, audit::Entry,
};
use bailee_store::{Facet, Key, Kind, Record};
use bailee_vault::{Draft, Holder, View};
use serde::{Deserialize, Serialize};

use crate::{body, engine::Engine, kind, refresh::MEND, registration::Registered};

/// How long a refusal counts.
const WINDOW: Duration = Duration::from_secs(600);
/// So many may be refused in the window, whatever their share.
const FEW: u64 = 20;
/// One connection in so many may be refused in the window.
const SHARE: u64 = 50;
/// How long a process goes by what it counted, and adds only what it saw itself.
const COUNT_AGAIN: Duration = Duration::from_secs(1);
/// The same for the number of connections.
const COUNT_CONNECTIONS_AGAIN: Duration = Duration::from_secs(600);
/// How long it stays on after it was put on or prolonged: longer than it takes until those that it
/// holds have asked again.
const HOLD: Duration = Duration::from_secs(1800);

/// A registration whose brake is on, or was let go.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BrakeStatus {
    /// The registration.
    pub registration: RegistrationId,
    /// Its provider.
    pub provider: ProviderId,
    /// Since when it is on.
    pub since: Timestamp,
    /// How many of its connections were refused within ten minutes when that was last written down.
    pub refused: u64,
    /// How many connections it had then.
    pub connections: u64,
    /// Until when it is let go, where an operator did that.
    pub released_until: Option<Timestamp>,
}

/// `brake`.
#[derive(Clone, Serialize, Deserialize)]
struct BrakeBody {
    since: Timestamp,
    refused: u64,
    connections: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    released_until: Option<Timestamp>,
}

/// `refusal`: that a provider said of a connection that its grant is over. Its facet says all.
#[derive(Serialize, Deserialize)]
struct RefusalBody {}

/// What this process knows of a registration's refusals.
#[derive(Debug, Default)]
pub(crate) struct Brake(Mutex<Marks>);

#[derive(Debug, Default)]
struct Marks {
    refused: Option<Counted>,
    connections: Option<Counted>,
}

#[derive(Clone, Copy, Debug)]
struct Counted {
    count: u64,
    until: Monotonic,
}

impl Brake {
    fn marks(&self) -> std::sync::MutexGuard<'_, Marks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The number that stands for a registration where records are counted. Two registrations of the same
/// number are counted together.
pub(crate) fn number_of(registration: &RegistrationId) -> Facet {
    let id = Id::derive(&[b"registration", registration.as_str().as_bytes()]);
    let [high, low, ..] = *id.as_bytes();
    Facet((i16::from_be_bytes([high, low]) & i16::MAX).max(1))
}

fn brake_key(registration: &RegistrationId) -> Key {
    Key::new(kind::BRAKE, Id::derive(&[b"brake", registration.as_str().as_bytes()]))
}

fn refusal_key(registration: &RegistrationId, connection: &ConnectionRef) -> Key {
    let (tenant, one) = (connection.tenant().as_str(), connection.connection().id());
    let name = registration.as_str().as_bytes();
    let id = Id::derive(&[b"refusal", name, tenant.as_bytes(), one.as_bytes()]);
    Key::new(kind::REFUSAL, id)
}

/// What is said while the brake holds a connection as it is.
fn held(connection: &ConnectionRef) -> Error {
    Error::new(ErrorKind::ProviderUnavailable)
        .with_detail("the provider refuses too many grants at once to be believed")
        .with_remedy(Remedy::Wait(MEND))
        .with_connection(connection.connection())
}

impl Engine {
    /// Notes that a provider said of a connection that its grant is over.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ProviderUnavailable`] while it says so of too many: nothing is to be made of it.
    pub(crate) async fn believe_refusal(
        &self,
        registration: &RegistrationId,
        connection: &ConnectionRef,
    ) -> Result<()> {
        // A release that no longer has the registration does not ask its provider either.
        let Ok(registered) = self.registered(registration) else { return Ok(()) };
        let keys = [refusal_key(registration, connection), brake_key(registration)];
        let view = self.0.vault.read(&TenantId::SYSTEM, Holder::Tenant, &keys).await?;
        let (now, brake) = (view.now(), brake_of(&view, 1)?);
        let released = brake.as_ref().and_then(|brake| brake.released_until);
        let released = released.is_some_and(|until| now < until);
        let holds = brake.is_some() && !released;
        let counts_for = if holds { HOLD } else { WINDOW };
        let new = self.note_refusal(registered, connection, &view, counts_for).await?;
        if released {
            return Ok(());
        }
        let refused = self.refused_of(registered, new).await?;
        if refused <= FEW / 2 || (refused <= FEW && !holds) {
            return if holds { Err(held(connection)) } else { Ok(()) };
        }
        let connections = self.connections_of(registered).await?;
        let most = FEW.max(connections / SHARE);
        if refused > if holds { most / 2 } else { most } {
            self.hold(registered, &view, refused, connections).await?;
        } else if !holds {
            return Ok(());
        }
        Err(held(connection))
    }

    /// Which registrations have their brake on: too many of their grants are refused at once for the
    /// provider to be believed. Their connections stay as they are until it stops, or until an operator
    /// who knows that it is true lets the brake go.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::StoreUnavailable`] and what the vault says.
    pub async fn brakes(&self) -> Result<Vec<BrakeStatus>> {
        let registrations: Vec<_> = self.0.registrations.values().collect();
        let keys: Vec<Key> = registrations.iter().map(|one| brake_key(one.id())).collect();
        let view = self.0.vault.read(&TenantId::SYSTEM, Holder::Tenant, &keys).await?;
        let mut brakes = Vec::new();
        for (n, registered) in registrations.into_iter().enumerate() {
            let Some(body) = brake_of(&view, n)? else { continue };
            brakes.push(BrakeStatus {
                registration: registered.id().clone(),
                provider: registered.facts.provider.clone(),
                since: body.since,
                refused: body.refused,
                connections: body.connections,
                released_until: body.released_until,
            });
        }
        Ok(brakes)
    }

    /// Lets the brake of a registration go for so long: connections whose grant is refused wait for
    /// their people from then on, however many they are. An operator's act, when it is true that the
    /// grants are over. It holds in every process at once.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] for an unknown registration, [`ErrorKind::Quarantined`],
    /// [`ErrorKind::StoreUnavailable`] and what the vault says.
    pub async fn release_brake(&self, registration: &RegistrationId, time: Duration) -> Result<()> {
        let registered = self.registered(registration)?;
        for _ in 0..5 {
            let key = brake_key(registration);
            let view = self
                .0
                .vault
                .read(&TenantId::SYSTEM, Holder::Tenant, std::slice::from_ref(&key))
                .await?;
            self.admit_instance(view.control()).await?;
            let until = view.now().plus(time);
            let body = match brake_of(&view, 0)? {
                Some(body) => BrakeBody { released_until: Some(until), ..body },
                None => BrakeBody {
                    since: view.now(),
                    refused: 0,
                    connections: 0,
                    released_until: Some(until),
                },
            };
            let old = view.record(0);
            match self.write_brake(registered, old, &body, until, "brake.released").await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => return done,
            }
        }
        Err(Error::new(ErrorKind::Conflict))
    }

    /// Writes the refusal down for as long as it counts; says whether it was not there yet.
    async fn note_refusal(
        &self,
        registered: &Registered,
        connection: &ConnectionRef,
        view: &View,
        counts_for: Duration,
    ) -> Result<bool> {
        let (vault, registration) = (&self.0.vault, registered.id());
        let old = view.record(0);
        let end = old.and_then(|record| record.expires);
        if end.is_some_and(|end| view.now() < end.minus(counts_for / 2)) {
            return Ok(false);
        }
        let draft = Draft::new(refusal_key(registration, connection), Holder::Tenant)
            .facet(number_of(registration))
            .expires(view.now().plus(counts_for))
            .facts(body::SCHEMA, body::encode(&RefusalBody {})?);
        let put = vault.put(&TenantId::SYSTEM, draft, old).await?;
        let entry = Entry::new("grant.refused", self.0.clock.now())
            .about(connection.owner().subject())
            .with("connection", connection.connection())
            .with("registration", registration);
        let batch = vault.batch()?.op(put).audit(entry);
        match vault.commit(&TenantId::SYSTEM, batch).await {
            // Somebody else was told the same of it.
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(false),
            done => done.map(|_| old.is_none()),
        }
    }

    /// How many connections are refused; `new` says whether one came to them just now.
    async fn refused_of(&self, registered: &Registered, new: bool) -> Result<u64> {
        let now = self.0.clock.monotonic();
        if let Some(counted) = &mut registered.brake.marks().refused
            && now < counted.until
        {
            counted.count += u64::from(new);
            return Ok(counted.count);
        }
        let count = self.count(&kind::REFUSAL, registered.id()).await?;
        let until = now.plus(COUNT_AGAIN);
        registered.brake.marks().refused = Some(Counted { count, until });
        Ok(count)
    }

    /// How many records of a kind have a registration's number.
    async fn count(&self, kind: &Kind, registration: &RegistrationId) -> Result<u64> {
        let counts = self.0.vault.store().tally(Some(&TenantId::SYSTEM), kind).await?;
        let number = number_of(registration);
        Ok(counts.iter().filter(|count| count.facet == number).map(|count| count.records).sum())
    }

    async fn connections_of(&self, registered: &Registered) -> Result<u64> {
        let now = self.0.clock.monotonic();
        let known = registered.brake.marks().connections.filter(|known| now < known.until);
        if let Some(known) = known {
            return Ok(known.count);
        }
        let count = self.count(&kind::ROUTE, registered.id()).await?;
        let until = now.plus(COUNT_CONNECTIONS_AGAIN);
        registered.brake.marks().connections = Some(Counted { count, until });
        Ok(count)
    }

    /// Puts the brake on, or prolongs it.
    async fn hold(
        &self,
        registered: &Registered,
        view: &View,
        refused: u64,
        connections: u64,
    ) -> Result<()> {
        let (now, old) = (view.now(), view.record(1));
        let end = old.and_then(|record| record.expires);
        if end.is_some_and(|end| now < end.minus(HOLD / 2)) {
            return Ok(());
        }
        // Which one it is, `brakes` and the audit log say.
        tracing::error!(count = refused, "a provider refuses too many grants: connections stay");
        let since = brake_of(view, 1)?.map_or(now, |brake| brake.since);
        let body = BrakeBody { since, refused, connections, released_until: None };
        match self.write_brake(registered, old, &body, now.plus(HOLD), "brake.engaged").await {
            // Another process put it on, or an operator lets it go: the next refusal tells.
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
            done => done,
        }
    }

    async fn write_brake(
        &self,
        registered: &Registered,
        old: Option<&Record>,
        body: &BrakeBody,
        until: Timestamp,
        event: &'static str,
    ) -> Result<()> {
        let vault = &self.0.vault;
        let draft = Draft::new(brake_key(registered.id()), Holder::Tenant)
            .expires(until)
            .facts(body::SCHEMA, body::encode(body)?);
        let put = vault.put(&TenantId::SYSTEM, draft, old).await?;
        let entry = Entry::new(event, self.0.clock.now())
            .with("registration", registered.id())
            .with("count", i64::try_from(body.refused).unwrap_or(i64::MAX))
            .with("until", until);
        let batch = vault.batch()?.op(put).audit(entry);
        vault.commit(&TenantId::SYSTEM, batch).await.map(|_| ())
    }
}

fn brake_of(view: &View, n: usize) -> Result<Option<BrakeBody>> {
    view.facts(n)?.map(|facts| body::decode(&facts)).transpose()
}

//! From a key that the provider takes to its connection: one commit.

use bailee_core::{
    ConnectionRef, ConnectionState, Error, ErrorKind, Origin, Owner, Plaintext, PurposeId, Remedy,
    Result, Timestamp, audit::Entry, event::Happened,
};
use bailee_providers::Account;
use bailee_registry::{Given, How};
use bailee_store::{BatchBuilder, Expect, Facet, Key};
use bailee_vault::{Draft, Holder};

use crate::{
    body::{self, AccountBody, ConnectionBody, CredentialBody, ENTERED, ReservationBody},
    enter::{Entered, Entering, Unentered},
    kind,
    settle::holder_of,
    stored::{Found, Reserved},
};

impl Entering {
    /// Connects the account, again where another process changed what this builds on.
    pub(crate) async fn settle(&mut self, account: &Account) -> Result<Entered, Unentered> {
        for _ in 0..8 {
            match self.commit(account).await {
                Err(Unentered::Failed(error)) if error.kind() == ErrorKind::Conflict => {}
                done => return done,
            }
        }
        Err(Error::new(ErrorKind::Conflict).into())
    }

    async fn commit(&mut self, account: &Account) -> Result<Entered, Unentered> {
        let vault = self.engine.0.vault.clone();
        let tenant = self.asked.tenant.clone();
        let registration = self.line.registered.id();
        let Reserved { key: reservation_key, base, before, connection: reserved } =
            self.engine.reserved(&tenant, self.asked.owner, registration, account).await?;
        let reservation = reservation_key.id;
        let existing = self.replaced(reserved.as_ref(), account).await?;
        if let Some(found) = &existing {
            self.connection = found.reference.clone();
        }
        self.engine
            .route(
                registration,
                &AccountBody::of(account),
                &self.connection,
                self.asked.person,
                Vec::new(),
                Vec::new(),
            )
            .await?;

        let connection = &self.connection;
        let holder = holder_of(connection);
        let now = self.engine.0.clock.now();
        let mut batch = vault.batch()?;
        if existing.is_none() && matches!(holder, Holder::Connection(_)) {
            batch = batch.ops(vault.create_key(&tenant, holder).await?);
        }
        // The person's consent, and with it the lock on their record; beside it, or for an
        // operator in its place, the lock on the tenant's own.
        let person = match (self.asked.owner, self.asked.person) {
            (Owner::Subject(_), _) => Some(before),
            (Owner::Instance | Owner::Tenant, person) => {
                batch = batch.op(before.fence()?);
                match person {
                    Some(person) => Some(vault.read(&tenant, Holder::Subject(person), &[]).await?),
                    None => None,
                }
            }
        };
        if let Some(view) = person {
            // As late as it can be asked.
            self.engine.admit_instance(view.control()).await?.admits_consent()?;
            let consent = self.engine.0.ledger.give(&tenant, &view, &self.given()).await?;
            batch = consent.add_to(batch);
        }

        let connection_body = ConnectionBody {
            provider: self.line.registered.facts.provider.clone(),
            registration: self.line.registered.id().clone(),
            owner: self.asked.owner,
            installer: self.asked.person,
            account: AccountBody::of(account),
            origin: Origin::Entered,
            purposes: self.purposes(existing.as_ref()),
            credentials: vec![self.line.spec.token.credential.clone()],
            reservation,
            connected_at: now,
            ending: None,
            got_at: None,
            heard_at: None,
            asked: None,
        };
        let draft = Draft::new(Key::new(kind::CONNECTION, connection.connection().id()), holder)
            .facet(Facet(ConnectionState::Active.facet()))
            .facts(body::SCHEMA, body::encode(&connection_body)?);
        let replaces = existing.as_ref().and_then(Found::record);
        let lookups = vec![connection.credential(&self.line.spec.token.credential)];
        batch = batch.op(vault.put_with_lookups(&tenant, draft, replaces, lookups).await?);
        if reserved.is_none() {
            let draft = Draft::new(reservation_key, base).facts(
                body::SCHEMA,
                body::encode(&ReservationBody { connection: connection.clone() })?,
            );
            batch = batch.op(vault.put(&tenant, draft, None).await?);
        }
        let former = existing.as_ref().filter(|found| found.body.reservation != reservation);
        if let Some(found) = former {
            let key = Key::new(kind::RESERVATION, found.body.reservation);
            batch = batch.delete(key, Expect::Present);
        }
        batch = self.put_key(batch, existing.as_ref(), account, now).await?;
        batch = batch.schedule(
            Key::new(kind::WATCH, connection.connection().id()),
            connection.owner().subject(),
            self.engine.first_watch(self.line.spec.signals.watch)?,
        );
        let reconnected = existing.is_some();
        let event = if reconnected { "connection.reconnected" } else { "connection.connected" };
        batch = batch.audit(
            Entry::new(event, now)
                .about(connection.owner().subject())
                .by(&self.asked.actor)
                .with("connection", connection.connection())
                .with("provider", &connection_body.provider)
                .with("registration", self.line.registered.id())
                .with("scopes", self.scopes.len() as i64)
                .with("digest", self.disclosure.hash()),
        );
        let happened = if reconnected { Happened::Reconnected } else { Happened::Connected };
        for op in self.engine.emit(connection, &connection_body.provider, happened).await? {
            batch = batch.op(op);
        }
        vault.commit(&tenant, batch).await?;
        if let Some(found) = former {
            let (registration, account) = (&found.body.registration, &found.body.account);
            if let Err(error) = self.engine.unroute(registration, account, connection, &[]).await {
                // A route without a connection is a miss and no more.
                tracing::warn!(kind = ?error.kind(), "a stale route stays");
            }
        }
        Ok(Entered { connection: connection.clone(), reconnected })
    }

    /// The connection that the key goes into, where it is there already.
    async fn replaced(
        &self,
        reserved: Option<&ConnectionRef>,
        account: &Account,
    ) -> Result<Option<Found>, Unentered> {
        let options = &self.asked.options;
        // A new key is another account only where the provider says so.
        let nameless = self.fingerprint.as_ref() == Some(&account.id);
        let mismatch = || {
            let error = Error::new(ErrorKind::AccountMismatch).with_remedy(Remedy::Confirm);
            Unentered::Refused("account_mismatch", self.line.name(error))
        };
        if let Some(wanted) = &options.reconnect
            && self.engine.find_connection(wanted).await?.is_none()
        {
            return Err(Error::new(ErrorKind::NotFound).into());
        }
        let target = match &options.reconnect {
            Some(wanted) if reserved == Some(wanted) => Some(wanted),
            Some(wanted) if nameless && reserved.is_none() => Some(wanted),
            // The key is another connection's already, or another account's.
            Some(_) if nameless || !options.other_account => return Err(mismatch()),
            _ => reserved,
        };
        let found = match target {
            Some(target) => self.engine.find_connection(target).await?,
            None => None,
        };
        let Some(found) = found else { return Ok(None) };
        if found.state == ConnectionState::Disconnecting {
            let error =
                Error::new(ErrorKind::Rejected).with_detail("the connection is being ended");
            return Err(error.with_connection(found.reference.connection()).into());
        }
        if &found.body.registration != self.line.registered.id() {
            return Err(mismatch());
        }
        Ok(Some(found))
    }

    async fn put_key(
        &self,
        batch: BatchBuilder,
        existing: Option<&Found>,
        account: &Account,
        now: Timestamp,
    ) -> Result<BatchBuilder> {
        let name = &self.line.spec.token.credential;
        let key = Key::new(kind::CREDENTIAL, self.connection.credential(name));
        let place = existing
            .and_then(|found| found.body.credentials.iter().position(|known| known == name));
        let (old, generation) = match (existing, place) {
            (Some(found), Some(place)) => {
                let before = found.credential(place)?.map_or(0, |body| body.generation);
                (found.view.record(place + 1), before)
            }
            _ => (None, 0),
        };
        let facts = CredentialBody {
            provider: self.line.registered.facts.provider.clone(),
            registration: self.line.registered.id().clone(),
            name: name.clone(),
            token_type: ENTERED.into(),
            scopes: self.scopes.clone(),
            issued_at: now,
            expires_at: None,
            refresh_until: None,
            has_refresh: false,
            generation: generation + 1,
            in_doubt: false,
            grant: None,
            candidate: None,
            variables: self.asked.options.variables.clone(),
            account: Some(account.facts()),
        };
        let draft = Draft::new(key.clone(), holder_of(&self.connection))
            .facet(Facet(ConnectionState::Active.facet()))
            .facts(body::SCHEMA, body::encode(&facts)?)
            .part("access", self.asked.key.expose(Plaintext::copy_from));
        let put = self.engine.0.vault.put(self.connection.tenant(), draft, old).await?;
        Ok(batch.op(put).schedule(
            Key::new(kind::REFRESH, key.id),
            self.connection.owner().subject(),
            self.line.keep_alive(&facts),
        ))
    }

    fn given(&self) -> Given {
        Given {
            purposes: self.asked.purposes.clone(),
            integration: Some(self.line.registered.facts.provider.clone()),
            declaration: self.engine.0.declaration.version(),
            text: self.disclosure.hash(),
            locale: self.disclosure.locale.clone(),
            how: How::Page,
            by: self.asked.actor.clone(),
            until: None,
            guardian: None,
        }
    }

    /// The purposes asked for now and those from before.
    fn purposes(&self, existing: Option<&Found>) -> Vec<PurposeId> {
        let mut purposes: Vec<PurposeId> = Vec::new();
        let before = existing.iter().flat_map(|found| &found.body.purposes);
        for purpose in self.asked.purposes.iter().chain(before) {
            if !purposes.contains(purpose) {
                purposes.push(purpose.clone());
            }
        }
        purposes
    }
}

//! Finding what is stored about connections, and the names under which it lies.

use bailee_core::{
    ConnectionId, ConnectionRef, ConnectionState, Error, ErrorKind, Id, Owner, RegistrationId,
    Result, SubjectId, TenantId,
};
use bailee_providers::Account;
use bailee_store::{Facet, Key, Op, Query, Record};
use bailee_vault::{Draft, Holder, View};

use crate::{
    body::{self, AccountBody, ConnectionBody, CredentialBody, ReservationBody},
    engine::Engine,
    kind,
    settle::holder_of,
};

/// A connection as it is stored.
pub(crate) struct Found {
    pub(crate) reference: ConnectionRef,
    pub(crate) state: ConnectionState,
    pub(crate) body: ConnectionBody,
    /// What was read: the connection first, then its credentials in the body's order.
    pub(crate) view: View,
}

impl Found {
    pub(crate) fn record(&self) -> Option<&Record> {
        self.view.record(0)
    }

    /// A credential of the connection by its place in the body.
    pub(crate) fn credential(&self, n: usize) -> Result<Option<CredentialBody>> {
        self.view.facts(n + 1)?.map(|facts| body::decode(&facts)).transpose()
    }
}

/// What is reserved for an account of an owner, before it is connected.
pub(crate) struct Reserved {
    /// Where the reservation lies.
    pub(crate) key: Key,
    /// Whose record it lies beside.
    pub(crate) base: Holder,
    /// What was read: the owner's record and the reservation.
    pub(crate) before: View,
    /// The connection that has the account.
    pub(crate) connection: Option<ConnectionRef>,
}

impl Engine {
    /// Whether a connection works and renews itself, so that a flow for more scopes may leave its
    /// refresh token as it is.
    pub(crate) async fn renews(&self, connection: &ConnectionRef) -> Result<bool> {
        let Some(found) = self.find_connection(connection).await? else { return Ok(false) };
        let works = matches!(found.state, ConnectionState::Active | ConnectionState::Degraded);
        for n in 0..found.body.credentials.len() {
            if !found.credential(n)?.is_some_and(|credential| credential.has_refresh) {
                return Ok(false);
            }
        }
        Ok(works)
    }

    /// Reads a connection with its credentials.
    pub(crate) async fn find_connection(
        &self,
        connection: &ConnectionRef,
    ) -> Result<Option<Found>> {
        let (tenant, holder) = (connection.tenant(), holder_of(connection));
        let key = Key::new(kind::CONNECTION, connection.connection().id());
        let view = match self.0.vault.read(tenant, holder, std::slice::from_ref(&key)).await {
            // The key of a connection that nobody owns goes with it, and a tenant that never had
            // one has no owner record: both are as unknown as a connection that never was.
            Err(error)
                if error.kind() == ErrorKind::NotFound
                    || (error.kind() == ErrorKind::KeyMissing
                        && matches!(holder, Holder::Connection(_))) =>
            {
                return Ok(None);
            }
            view => view?,
        };
        // A reference that names another owner than the record's is none of this connection.
        if view.record(0).is_some_and(|record| record.subject != connection.owner().subject()) {
            return Ok(None);
        }
        let Some(facts) = view.facts(0)? else { return Ok(None) };
        let names = body::decode::<ConnectionBody>(&facts)?.credentials;
        let mut keys = vec![key];
        keys.extend(
            names.iter().map(|name| Key::new(kind::CREDENTIAL, connection.credential(name))),
        );
        // All of one moment: the first read only told which credentials there are.
        let view = self.0.vault.read(tenant, holder, &keys).await?;
        let (Some(facts), Some(record)) = (view.facts(0)?, view.record(0)) else {
            return Ok(None);
        };
        let state = ConnectionState::from_facet(record.facet.0)
            .ok_or_else(|| Error::new(ErrorKind::UnknownSchema))?;
        let body: ConnectionBody = body::decode(&facts)?;
        Ok(Some(Found { reference: connection.clone(), state, body, view }))
    }

    /// The connections of a person in a tenant.
    pub(crate) async fn held_by(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
    ) -> Result<Vec<Found>> {
        let mut query = Query::of_kind(kind::CONNECTION).subject(subject);
        let mut all = Vec::new();
        loop {
            let page = self.0.vault.store().find(tenant, &query).await?;
            for record in page.records {
                let id = ConnectionId::from_id(record.key.id);
                let connection = ConnectionRef::new(tenant.clone(), Owner::Subject(subject), id);
                all.extend(self.find_connection(&connection).await?);
            }
            match page.next {
                Some(next) => query = query.after(next),
                None => return Ok(all),
            }
        }
    }

    /// The connection that a credential belongs to.
    pub(crate) async fn connection_of(
        &self,
        tenant: &TenantId,
        subject: Option<SubjectId>,
        credential: Id,
    ) -> Result<Option<ConnectionRef>> {
        let query = Query::of_kind(kind::CONNECTION).lookup(credential).limit(1);
        let page = self.0.vault.store().find(tenant, &query).await?;
        let Some(record) = page.records.first() else { return Ok(None) };
        let connection = ConnectionId::from_id(record.key.id);
        let owner = match subject.or(record.subject) {
            Some(subject) => Owner::Subject(subject),
            None if tenant.is_system() => Owner::Instance,
            None => Owner::Tenant,
        };
        Ok(Some(ConnectionRef::new(tenant.clone(), owner, connection)))
    }

    /// The writes that bring a connection and its credentials into a state, together.
    pub(crate) async fn move_to(&self, found: &Found, state: ConnectionState) -> Result<Vec<Op>> {
        self.move_to_except(found, state, None).await
    }

    /// The same without one credential, which the caller writes itself.
    pub(crate) async fn move_to_except(
        &self,
        found: &Found,
        state: ConnectionState,
        except: Option<usize>,
    ) -> Result<Vec<Op>> {
        self.moves(found, state, except, false).await
    }

    /// The same, noting in the credentials that an answer to a renewal may be lost.
    pub(crate) async fn move_in_doubt(
        &self,
        found: &Found,
        state: ConnectionState,
        doubt: bool,
    ) -> Result<Vec<Op>> {
        self.moves(found, state, None, doubt).await
    }

    async fn moves(
        &self,
        found: &Found,
        state: ConnectionState,
        except: Option<usize>,
        doubt: bool,
    ) -> Result<Vec<Op>> {
        let holder = holder_of(&found.reference);
        let tenant = found.reference.tenant();
        let facet = Facet(state.facet());
        let draft =
            Draft::new(Key::new(kind::CONNECTION, found.reference.connection().id()), holder)
                .facet(facet)
                .facts(body::SCHEMA, body::encode(&found.body)?);
        let mut ops = vec![self.0.vault.put(tenant, draft, found.record()).await?];
        for n in (0..found.body.credentials.len()).filter(|n| Some(*n) != except) {
            let (Some(record), Some(mut credential)) =
                (found.view.record(n + 1), found.credential(n)?)
            else {
                continue;
            };
            credential.in_doubt |= doubt;
            let mut draft = Draft::new(record.key.clone(), holder)
                .facet(facet)
                .facts(body::SCHEMA, body::encode(&credential)?)
                .keep("access");
            if credential.has_refresh {
                draft = draft.keep("refresh");
            }
            let draft = credential.keep_candidate(draft);
            ops.push(self.0.vault.put(tenant, draft, Some(record)).await?);
        }
        Ok(ops)
    }

    /// What is reserved for an owner's account. Nothing is changed, but that a tenant's record is
    /// there from now on.
    pub(crate) async fn reserved(
        &self,
        tenant: &TenantId,
        owner: Owner,
        registration: &RegistrationId,
        account: &Account,
    ) -> Result<Reserved> {
        let vault = &self.0.vault;
        let base = match owner {
            Owner::Subject(subject) => Holder::Subject(subject),
            Owner::Instance | Owner::Tenant => Holder::Tenant,
        };
        if base == Holder::Tenant {
            vault.ensure_owner(tenant).await?;
        }
        let account = AccountBody::of(account);
        let id = self.reservation_id(tenant, owner, registration, &account).await?;
        let key = Key::new(kind::RESERVATION, id);
        let before = vault.read(tenant, base, std::slice::from_ref(&key)).await?;
        let held =
            before.facts(0)?.map(|facts| body::decode::<ReservationBody>(&facts)).transpose()?;
        let connection = held.map(|reservation| reservation.connection);
        Ok(Reserved { key, base, before, connection })
    }

    /// Under which id an account is reserved for an owner: connected once for each registration.
    async fn reservation_id(
        &self,
        tenant: &TenantId,
        owner: Owner,
        registration: &RegistrationId,
        account: &AccountBody,
    ) -> Result<Id> {
        let owner = match owner {
            Owner::Subject(subject) => subject.id().as_bytes().to_vec(),
            Owner::Tenant => b"tenant".to_vec(),
            Owner::Instance => b"instance".to_vec(),
        };
        let mut parts = vec![owner.as_slice()];
        parts.extend(account_parts(registration, account));
        self.0.vault.index(tenant, "reservation", &parts).await
    }
}

pub(crate) fn account_parts<'a>(
    registration: &'a RegistrationId,
    account: &'a AccountBody,
) -> Vec<&'a [u8]> {
    vec![
        registration.as_str().as_bytes(),
        account.issuer.as_deref().unwrap_or_default().as_bytes(),
        account.id_kind.as_bytes(),
        account.id.as_bytes(),
    ]
}

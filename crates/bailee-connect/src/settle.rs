//! From the code to the connection: exchange, identity, eligibility, one commit.
//!
//! The tokens are sealed in a `grant` record before anything else is asked of the provider, with
//! work that revokes them should this never come to its end. So there is no half connection: it is
//! there with all of its parts, or its tokens are revoked. Only tokens whose process dies before
//! that first commit are known to nobody.

use std::sync::Arc;

use async_trait::async_trait;
use bailee_core::{
    Actor, AuthorizationCode, ConnectionId, ConnectionRef, ConnectionState, CredentialName, Error,
    ErrorKind, Id, Origin, Owner, Plaintext, PurposeId, Result, ScopeName, TenantId, Timestamp,
    Verifier, audit::Entry, event::Happened,
};
use bailee_providers::{Account, ExchangeAsk, Grant, IssuedCredential, ScopeComparison, SecretRef};
use bailee_registry::{Given, How};
use bailee_store::{BatchBuilder, Facet, Key};
use bailee_vault::{Draft, Holder, View};
use futures_channel::oneshot;

use crate::{
    body::{
        self, AccountBody, ConnectionBody, CredentialBody, FlowBody, GrantBody, ReservationBody,
    },
    connections::Connections,
    drive::{DEADLINE, Line, OpenSecret},
    engine::Engine,
    kind,
    refusal::{Refusal, RefusalReason},
    registration::Registered,
    secrets::{HeldSecrets, copy, not_at_hand},
    stored::{Found, Reserved},
};

/// A flow whose comparisons all held.
pub(crate) struct Settling {
    pub(crate) flow: Id,
    pub(crate) registered: Arc<Registered>,
    pub(crate) body: FlowBody,
    pub(crate) view: View,
    pub(crate) code: AuthorizationCode,
}

/// What came of it.
pub(crate) struct Settled {
    pub(crate) connection: ConnectionRef,
    pub(crate) reconnected: bool,
    pub(crate) missing: Vec<ScopeName>,
    pub(crate) unasked: Vec<ScopeName>,
}

impl Connections {
    /// Does it in a task of its own, which goes on when the caller is dropped.
    pub(crate) async fn settle(&self, settling: Settling) -> Result<Settled, Refusal> {
        let engine = self.engine.clone();
        let (tell, told) = oneshot::channel();
        self.engine.spawn(async move {
            let settled = engine.settle(settling).await;
            // Nobody may be waiting any more; the connection is there all the same.
            drop(tell.send(settled));
        });
        told.await.unwrap_or_else(|_| {
            Err(Refusal::because(
                RefusalReason::Unavailable,
                Error::new(ErrorKind::Ambiguous).with_detail("the task of the flow was dropped"),
            ))
        })
    }
}

impl Engine {
    async fn settle(&self, settling: Settling) -> Result<Settled, Refusal> {
        let Settling { flow, registered, body, view, code } = settling;
        let failed = |error| Refusal::because(RefusalReason::ExchangeFailed, error);
        let line = self.line(&registered).await.map_err(failed)?;
        let line = line.given(&body.variables).map_err(failed)?;
        if line.token_endpoint().map_err(failed)?.as_str() != body.token_endpoint {
            return Err(Refusal::new(RefusalReason::IssuerMismatch));
        }
        let verifier = if body.pkce {
            Some(Verifier::new(view.part(0, "pkce_verifier").map_err(failed)?))
        } else {
            None
        };
        let client = self.client_secret(&registered).await.map_err(failed)?;
        let secrets = ExchangeSecrets { code, verifier, client };
        let ask = ExchangeAsk { redirect_uri: &body.redirect_uri, pkce: body.pkce };
        let exchange = registered.provider.exchange(&line.context(), &ask);
        // What can fail without the provider fails before there are tokens.
        let connection = ConnectionRef::new(
            body.tenant.clone(),
            body.owner,
            ConnectionId::generate(&*self.0.random).map_err(failed)?,
        );
        let grant = line
            .run(exchange, &secrets, DEADLINE)
            .await
            .map_err(|halt| failed(line.error(halt)))?;
        let mut pending =
            Pending { engine: self, line: &line, flow, body, connection, account: None };
        match pending.run(grant).await {
            Ok(settled) => Ok(settled),
            Err(refusal) => {
                // Best effort now; the work row stays until it is done.
                if let Err(error) = self.revoke_orphan(flow).await {
                    tracing::warn!(kind = ?error.kind(), "tokens of a refused flow wait for their revocation");
                }
                Err(refusal)
            }
        }
    }
}

/// Tokens on their way into a connection.
pub(crate) struct Pending<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) line: &'a Line,
    pub(crate) flow: Id,
    pub(crate) body: FlowBody,
    pub(crate) connection: ConnectionRef,
    /// Whose the tokens are, once that is known.
    pub(crate) account: Option<AccountBody>,
}

impl Pending<'_> {
    async fn run(&mut self, mut grant: Grant) -> Result<Settled, Refusal> {
        let failed = |error| Refusal::because(RefusalReason::ExchangeFailed, error);
        let unavailable = |error| Refusal::because(RefusalReason::Unavailable, error);
        grant.complete_scopes(&self.line.spec.scopes, &self.body.scopes);
        let facts = grant.facts(&self.body.scopes);
        let id_token = grant.id_token.take();
        if grant.credentials.is_empty() {
            return Err(Refusal::new(RefusalReason::ExchangeFailed));
        }
        if let Err(error) = self.hold(&grant).await {
            let body = self.grant_body(&grant);
            self.engine.revoke_unheld(self.line, &body, &grant.credentials).await;
            return Err(unavailable(error));
        }

        let provider = &self.line.registered.provider;
        let step =
            provider.identity(&self.line.context(), &facts, self.body.nonce.as_deref(), id_token);
        let held = HeldSecrets::of(
            &grant.credentials[0],
            self.engine.client_secret(&self.line.registered).await.map_err(failed)?,
        );
        let account = self
            .line
            .run(step, &held, DEADLINE)
            .await
            .map_err(|halt| failed(self.line.error(halt)))?;
        self.name_held(&grant, &account).await.map_err(unavailable)?;
        provider.eligibility(&self.line.context(), &account).map_err(|failure| {
            Refusal::because(RefusalReason::Ineligible, self.line.name(Error::from(failure)))
        })?;
        if let Some(api) = &account.api {
            self.line
                .spec
                .check_account_api(api)
                .map_err(|failure| failed(self.line.name(Error::from(failure))))?;
        }
        let ScopeComparison { missing, unasked, .. } = grant.compare_scopes(&self.body.scopes);

        // Another process may change what this builds on; then it is built again.
        for _ in 0..8 {
            match self.commit(&grant, &account).await {
                Ok(reconnected) => {
                    self.let_go().await;
                    return Ok(Settled {
                        connection: self.connection.clone(),
                        reconnected,
                        missing,
                        unasked,
                    });
                }
                Err(Stop::Refused(reason)) => return Err(Refusal::new(reason)),
                Err(Stop::Failed(error)) if error.kind() == ErrorKind::Conflict => {}
                Err(Stop::Failed(error)) => return Err(unavailable(error)),
            }
        }
        Err(unavailable(Error::new(ErrorKind::Conflict)))
    }

    async fn commit(&mut self, grant: &Grant, account: &Account) -> Result<bool, Stop> {
        let (engine, body) = (self.engine, &self.body);
        let vault = &engine.0.vault;
        let tenant = body.tenant.clone();
        let registration = self.line.registered.id();
        let Reserved { key: reservation_key, base, before, connection: reserved } =
            engine.reserved(&tenant, body.owner, registration, account).await?;

        // Which connection these tokens belong to.
        if let Some(wanted) = &body.reconnect
            && !body.other_account
            && reserved.as_ref() != Some(wanted)
        {
            let lives = engine.find_connection(wanted).await?.is_some();
            if lives || reserved.is_some() {
                return Err(Stop::Refused(RefusalReason::AccountMismatch));
            }
        }
        let existing = match &reserved {
            Some(connection) => engine.find_connection(connection).await?,
            None => None,
        };
        if let Some(found) = &existing {
            if found.state == ConnectionState::Disconnecting {
                return Err(Stop::Failed(
                    Error::new(ErrorKind::Conflict).with_detail("the connection is being ended"),
                ));
            }
            self.connection = found.reference.clone();
        }
        self.route(account, grant).await?;

        let connection = &self.connection;
        let holder = holder_of(connection);
        let now = engine.0.clock.now();
        let mut batch = vault.batch()?;
        if existing.is_none() && matches!(holder, Holder::Connection(_)) {
            batch = batch.ops(vault.create_key(&tenant, holder).await?);
        }
        // The person's consent, and with it the lock on their record.
        let given = Given {
            purposes: body.purposes.clone(),
            integration: Some(self.line.registered.facts.provider.clone()),
            declaration: body.declaration,
            text: body.disclosure_hash,
            locale: body.locale.clone(),
            how: if body.origin == Origin::Loopback { How::Terminal } else { How::Page },
            by: Actor::Subject { subject: body.subject },
            until: None,
            guardian: None,
        };
        let subject_view = match body.owner {
            Owner::Subject(_) => before,
            // The consent is that of the person who connects; the tenant's own record is locked
            // beside it.
            Owner::Tenant | Owner::Instance => {
                batch = batch.op(before.fence()?);
                vault.read(&tenant, Holder::Subject(body.subject), &[]).await?
            }
        };
        let consent = engine.0.ledger.give(&tenant, &subject_view, &given).await?;
        batch = consent.add_to(batch);

        let connection_body = ConnectionBody {
            provider: self.line.registered.facts.provider.clone(),
            registration: self.line.registered.id().clone(),
            owner: body.owner,
            installer: Some(body.subject),
            account: AccountBody::of(account),
            origin: body.origin,
            purposes: purposes(existing.as_ref(), body),
            credentials: credentials(existing.as_ref(), grant),
            reservation: reservation_key.id,
            connected_at: now,
            ending: None,
            got_at: None,
            heard_at: None,
            asked: Some(body.scopes.clone()),
        };
        let draft = Draft::new(Key::new(kind::CONNECTION, connection.connection().id()), holder)
            .facet(Facet(ConnectionState::Active.facet()))
            .facts(body::SCHEMA, body::encode(&connection_body)?);
        let replaces = existing.as_ref().and_then(Found::record);
        // Work names a credential; the connection is found from it.
        let names = connection_body.credentials.iter();
        let lookups = names.map(|name| connection.credential(name)).collect();
        batch = batch.op(vault.put_with_lookups(&tenant, draft, replaces, lookups).await?);
        if reserved.is_none() {
            let draft = Draft::new(reservation_key, base).facts(
                body::SCHEMA,
                body::encode(&ReservationBody { connection: connection.clone() })?,
            );
            batch = batch.op(vault.put(&tenant, draft, None).await?);
        }
        let reconnected = existing.is_some();
        for issued in &grant.credentials {
            batch = self.put_credential(batch, issued, account, now, reconnected).await?;
        }
        batch = batch.schedule(
            Key::new(kind::WATCH, connection.connection().id()),
            connection.owner().subject(),
            engine.first_watch(self.line.spec.signals.watch)?,
        );
        batch = batch.audit(
            Entry::new(
                if reconnected { "connection.reconnected" } else { "connection.connected" },
                now,
            )
            .about(connection.owner().subject())
            .by(&Actor::Subject { subject: body.subject })
            .with("connection", connection.connection())
            .with("provider", &connection_body.provider)
            .with("registration", self.line.registered.id())
            .with("scopes", granted(grant, body))
            .with_some("unasked", unasked_count(grant, body))
            .with("flow", self.flow),
        );
        let happened = if reconnected { Happened::Reconnected } else { Happened::Connected };
        for op in engine.emit(connection, &connection_body.provider, happened).await? {
            batch = batch.op(op);
        }
        vault.commit(&tenant, batch).await?;
        Ok(reconnected)
    }

    async fn put_credential(
        &self,
        batch: BatchBuilder,
        issued: &IssuedCredential,
        account: &Account,
        now: Timestamp,
        existing: bool,
    ) -> Result<BatchBuilder> {
        let vault = &self.engine.0.vault;
        let tenant = self.connection.tenant();
        let holder = holder_of(&self.connection);
        let key = Key::new(kind::CREDENTIAL, self.connection.credential(&issued.name));
        // A new connection that nobody owns has no key to read with yet, and nothing to read.
        let view = if existing {
            Some(vault.read(tenant, holder, std::slice::from_ref(&key)).await?)
        } else {
            None
        };
        let old = view.as_ref().and_then(|view| view.record(0));
        let old_body: Option<CredentialBody> = match &view {
            Some(view) => view.facts(0)?.map(|facts| body::decode(&facts)).transpose()?,
            None => None,
        };
        let keeps_refresh =
            issued.refresh.is_none() && old_body.as_ref().is_some_and(|body| body.has_refresh);
        let facts = CredentialBody {
            provider: self.line.registered.facts.provider.clone(),
            registration: self.line.registered.id().clone(),
            name: issued.name.clone(),
            token_type: "bearer".into(),
            scopes: issued.scopes.clone().unwrap_or_else(|| self.body.scopes.clone()),
            issued_at: now,
            expires_at: issued.expires_in.map(|lifetime| now.plus(lifetime)),
            refresh_until: issued.refresh_expires_in.map(|lifetime| now.plus(lifetime)),
            has_refresh: issued.refresh.is_some() || keeps_refresh,
            generation: old_body.as_ref().map_or(1, |body| body.generation + 1),
            in_doubt: false,
            grant: Some(self.flow),
            candidate: None,
            variables: self.body.variables.clone(),
            account: Some(account.facts()),
        };
        let mut draft = Draft::new(key.clone(), holder)
            .facet(Facet(ConnectionState::Active.facet()))
            .facts(body::SCHEMA, body::encode(&facts)?)
            .part("access", issued.access.expose(Plaintext::copy_from));
        if let Some(refresh) = &issued.refresh {
            draft = draft.part("refresh", refresh.expose(Plaintext::copy_from));
        } else if keeps_refresh {
            draft = draft.keep("refresh");
        }
        let put = vault.put(tenant, draft, old).await?;
        let due = self.line.keep_alive(&facts);
        Ok(batch.op(put).schedule(
            Key::new(kind::REFRESH, key.id),
            self.connection.owner().subject(),
            due,
        ))
    }

    /// Notes which connection the account and the tokens belong to, before the connection is
    /// written.
    async fn route(&self, account: &Account, grant: &Grant) -> Result<()> {
        let vault = &self.engine.0.vault;
        let key = Key::new(kind::GRANT, self.flow);
        let view =
            vault.read(&TenantId::SYSTEM, Holder::Tenant, std::slice::from_ref(&key)).await?;
        let gone = || Error::new(ErrorKind::Conflict).with_detail("the grant is gone");
        let held: GrantBody = body::decode(&view.facts(0)?.ok_or_else(gone)?)?;
        let mut also = Vec::new();
        if held.connection != self.connection {
            let mut draft = Draft::new(key, Holder::Tenant)
                .facts(body::SCHEMA, body::encode(&self.grant_body(grant))?);
            for ((_, has_refresh), (access, refresh)) in held.credentials.iter().zip(PARTS) {
                draft = draft.keep(access);
                if *has_refresh {
                    draft = draft.keep(refresh);
                }
            }
            also.push(vault.put(&TenantId::SYSTEM, draft, view.record(0)).await?);
        }
        let registered = &self.line.registered;
        let mut tokens = Vec::new();
        for token in grant.credentials.iter().filter_map(|issued| issued.refresh.as_ref()) {
            let token = token.expose(Plaintext::copy_from);
            tokens.extend(self.engine.token_hashes(registered, &token).await?);
        }
        let (account, subject) = (AccountBody::of(account), Some(self.body.subject));
        self.engine.route(registered.id(), &account, &self.connection, subject, tokens, also).await
    }
}

/// Why a commit was not made.
enum Stop {
    Failed(Error),
    Refused(RefusalReason),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// The names of the parts that hold the tokens of a grant's credentials.
pub(crate) const PARTS: [(&str, &str); 4] = [
    ("access", "refresh"),
    ("access_2", "refresh_2"),
    ("access_3", "refresh_3"),
    ("access_4", "refresh_4"),
];

/// How many scopes were granted.
fn granted(grant: &Grant, flow: &FlowBody) -> i64 {
    let granted =
        |issued: &IssuedCredential| issued.scopes.as_ref().map_or(flow.scopes.len(), Vec::len);
    grant.credentials.iter().map(granted).sum::<usize>() as i64
}

/// How many scopes were granted that nobody asked for, if any.
fn unasked_count(grant: &Grant, flow: &FlowBody) -> Option<i64> {
    let count = grant.compare_scopes(&flow.scopes).unasked.len();
    (count > 0).then_some(count as i64)
}

/// The purposes of a connection: those asked for now and those from before.
fn purposes(existing: Option<&Found>, flow: &FlowBody) -> Vec<PurposeId> {
    let mut purposes = flow.purposes.clone();
    for purpose in existing.iter().flat_map(|found| &found.body.purposes) {
        if !purposes.contains(purpose) {
            purposes.push(purpose.clone());
        }
    }
    purposes
}

/// The credentials of a connection: those that were just issued, and those of earlier flows that this
/// one did not bring. The provider still takes their tokens, so they are used, checked and revoked
/// with the others.
fn credentials(existing: Option<&Found>, grant: &Grant) -> Vec<CredentialName> {
    let mut names: Vec<CredentialName> =
        grant.credentials.iter().map(|issued| issued.name.clone()).collect();
    for name in existing.iter().flat_map(|found| &found.body.credentials) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

/// The secrets of an exchange.
struct ExchangeSecrets {
    code: AuthorizationCode,
    verifier: Option<Verifier>,
    client: Option<Plaintext>,
}

#[async_trait]
impl OpenSecret for ExchangeSecrets {
    fn open(&self, which: SecretRef) -> Result<Plaintext> {
        match which {
            SecretRef::Code => Ok(self.code.expose(Plaintext::copy_from)),
            SecretRef::Verifier => self
                .verifier
                .as_ref()
                .map(|verifier| verifier.expose(Plaintext::copy_from))
                .ok_or_else(not_at_hand),
            SecretRef::ClientSecret => copy(self.client.as_ref()),
            _ => Err(not_at_hand()),
        }
    }
}

/// Whose key seals a connection's records.
pub(crate) fn holder_of(connection: &ConnectionRef) -> Holder {
    match connection.owner() {
        Owner::Subject(subject) => Holder::Subject(subject),
        Owner::Tenant | Owner::Instance => Holder::Connection(connection.connection()),
    }
}

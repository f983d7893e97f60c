//! Routes: which connections a provider means when it speaks of an account.
//!
//! A signal names an account at a provider and no tenant. Each connection therefore has a record in
//! the system's tenant under each id of its account, found by a keyed hash of that id. It is a
//! record for each pair, so that an id which thousands share (a workspace) is nobody's bottleneck.
//!
//! A route is written before its connection and ended when that is unusable already, before it is
//! deleted: one too many is a miss, one too few would lose a signal, and only the connection says
//! under which ids it lies. Whoever follows one checks the account again inside the tenant.

use bailee_core::{
    ConnectionRef, Error, ErrorKind, Id, Plaintext, RegistrationId, Result, SubjectId, TenantId,
    Timestamp, audit::Entry,
};
use bailee_providers::signal::TokenIdentifier;
use bailee_store::{Expect, Facet, Key, Op, Query};
use bailee_vault::{Draft, Holder};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use ring::digest::{SHA512, digest};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    body::{self, AccountBody, CANDIDATE, TOKENS},
    brake::number_of,
    engine::Engine,
    kind,
    registration::Registered,
    stored::{Found, account_parts},
};

/// `route`: a connection that an id of an account stands for.
#[derive(Clone, Serialize, Deserialize)]
struct RouteBody {
    connection: ConnectionRef,
    /// When the connection ended, where it has; the record is kept for what the provider may still
    /// have to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended: Option<Timestamp>,
}

/// A connection that an id of an account stands for.
#[derive(Clone, Debug)]
pub(crate) struct Routed {
    pub(crate) connection: ConnectionRef,
    pub(crate) ended: bool,
}

impl Engine {
    /// Under which hash the connections of an account lie.
    async fn account_hash(
        &self,
        registration: &RegistrationId,
        account: &AccountBody,
    ) -> Result<Id> {
        let parts = account_parts(registration, account);
        self.0.vault.index(&TenantId::SYSTEM, "route", &parts).await
    }

    /// Under which hash the connection with a refresh token lies, by what the provider calls it.
    pub(crate) async fn token_hash(
        &self,
        registration: &RegistrationId,
        by: TokenIdentifier,
        value: &[u8],
    ) -> Result<Id> {
        let parts = [registration.as_str().as_bytes(), by.code().as_bytes(), value];
        self.0.vault.index(&TenantId::SYSTEM, "route.token", &parts).await
    }

    /// The hashes for a refresh token, where the provider names tokens at all.
    pub(crate) async fn token_hashes(
        &self,
        registered: &Registered,
        token: &Plaintext,
    ) -> Result<Vec<Id>> {
        if !names_tokens(registered) {
            return Ok(Vec::new());
        }
        let mut hashes = Vec::with_capacity(TokenIdentifier::ALL.len());
        for by in TokenIdentifier::ALL {
            let value = token.expose(|token| identifier(by, token));
            hashes.push(self.token_hash(registered.id(), by, &value).await?);
        }
        Ok(hashes)
    }

    /// The hashes for the refresh tokens of a connection. None is opened where the provider names
    /// no tokens.
    pub(crate) async fn hashes_of_tokens(&self, found: &Found) -> Result<Vec<Id>> {
        let registered = match self.registered(&found.body.registration) {
            Ok(registered) if names_tokens(registered) => registered,
            _ => return Ok(Vec::new()),
        };
        let mut hashes = Vec::new();
        for place in 0..found.body.credentials.len() {
            let Some(credential) = found.credential(place)? else { continue };
            let late = credential.candidate.is_some_and(|candidate| candidate.has_refresh);
            for (has, part) in [(credential.has_refresh, TOKENS.1), (late, CANDIDATE.1)] {
                if has {
                    let token = found.view.part(place + 1, part)?;
                    hashes.extend(self.token_hashes(registered, &token).await?);
                }
            }
        }
        Ok(hashes)
    }

    /// The living connections of a provider account, by its first id.
    pub(crate) async fn routed(
        &self,
        registration: &RegistrationId,
        account: &AccountBody,
    ) -> Result<Vec<ConnectionRef>> {
        let hash = self.account_hash(registration, account).await?;
        let routes = self.routes(hash).await?;
        let living = routes.into_iter().filter(|route| !route.ended);
        Ok(living.map(|route| route.connection).collect())
    }

    /// Everything that an account's id stands for.
    pub(crate) async fn routes_of(
        &self,
        registration: &RegistrationId,
        account: &AccountBody,
    ) -> Result<Vec<Routed>> {
        let hash = self.account_hash(registration, account).await?;
        self.routes(hash).await
    }

    /// Everything that a hash stands for.
    pub(crate) async fn routes(&self, hash: Id) -> Result<Vec<Routed>> {
        let vault = &self.0.vault;
        let mut query = Query::of_kind(kind::ROUTE).lookup(hash).limit(1000);
        let mut routes = Vec::new();
        loop {
            let page = vault.store().find(&TenantId::SYSTEM, &query).await?;
            for record in &page.records {
                let opened = vault.open(&TenantId::SYSTEM, Holder::Tenant, record).await?;
                let body: RouteBody = body::decode(&opened.facts()?)?;
                routes.push(Routed { connection: body.connection, ended: body.ended.is_some() });
            }
            match page.next {
                Some(next) => query = query.after(next),
                None => return Ok(routes),
            }
        }
    }

    /// Notes which connection an account belongs to, under each of its ids and under those of its
    /// tokens, before the connection is written. What else belongs to it is committed with it.
    pub(crate) async fn route(
        &self,
        registration: &RegistrationId,
        account: &AccountBody,
        connection: &ConnectionRef,
        about: Option<SubjectId>,
        tokens: Vec<Id>,
        also: Vec<Op>,
    ) -> Result<()> {
        let mut hashes = Vec::new();
        for account in account.under_each_id() {
            hashes.push(self.account_hash(registration, &account).await?);
        }
        let first = hashes.first().copied();
        hashes.extend(tokens);
        self.write_routes(registration, connection, about, (&hashes, first), also).await
    }

    /// The same for hashes that are known.
    pub(crate) async fn route_hashes(
        &self,
        registration: &RegistrationId,
        connection: &ConnectionRef,
        about: Option<SubjectId>,
        hashes: &[Id],
        also: Vec<Op>,
    ) -> Result<()> {
        self.write_routes(registration, connection, about, (hashes, None), also).await
    }

    /// Writes the routes of some hashes. The one that every connection has counts it.
    async fn write_routes(
        &self,
        registration: &RegistrationId,
        connection: &ConnectionRef,
        about: Option<SubjectId>,
        (hashes, first): (&[Id], Option<Id>),
        also: Vec<Op>,
    ) -> Result<()> {
        let vault = &self.0.vault;
        let keys: Vec<Key> = hashes.iter().map(|hash| route_key(*hash, connection)).collect();
        let view = vault.read(&TenantId::SYSTEM, Holder::Tenant, &keys).await?;
        let mut ops = also;
        for (n, (key, hash)) in keys.into_iter().zip(hashes).enumerate() {
            let known =
                view.facts(n)?.map(|facts| body::decode::<RouteBody>(&facts)).transpose()?;
            if known.is_some_and(|route| route.ended.is_none()) {
                continue;
            }
            let route = RouteBody { connection: connection.clone(), ended: None };
            let facet =
                if first == Some(*hash) { number_of(registration) } else { Facet::default() };
            let draft = Draft::new(key, Holder::Tenant)
                .facet(facet)
                .facts(body::SCHEMA, body::encode(&route)?);
            let (old, lookups) = (view.record(n), vec![*hash]);
            ops.push(vault.put_with_lookups(&TenantId::SYSTEM, draft, old, lookups).await?);
        }
        if ops.is_empty() {
            return Ok(());
        }
        let entry = Entry::new("route.added", view.now())
            .about(about)
            .with("connection", connection.connection())
            .with("registration", registration);
        let batch = vault.batch()?.ops(ops).audit(entry);
        vault.commit(&TenantId::SYSTEM, batch).await.map(|_| ())
    }

    /// Takes a connection that is over out of the routes of its account and its tokens. Where the
    /// provider may still have something to say, the routes stay for so long, as ended.
    pub(crate) async fn unroute(
        &self,
        registration: &RegistrationId,
        account: &AccountBody,
        connection: &ConnectionRef,
        tokens: &[Id],
    ) -> Result<()> {
        let vault = &self.0.vault;
        let mut hashes = Vec::new();
        for account in account.under_each_id() {
            hashes.push(self.account_hash(registration, &account).await?);
        }
        let accounts = hashes.len();
        hashes.extend_from_slice(tokens);
        let keys: Vec<Key> = hashes.iter().map(|hash| route_key(*hash, connection)).collect();
        let push = self.registered(registration).ok();
        let push = push.and_then(|registered| registered.provider.spec().signals.push.clone());
        let remembers = push.map(|push| push.remembers).unwrap_or_default();
        for _ in 0..5 {
            let view = vault.read(&TenantId::SYSTEM, Holder::Tenant, &keys).await?;
            let mut batch = vault.batch()?;
            let mut changed = false;
            for (n, key) in keys.iter().enumerate() {
                let Some(record) = view.record(n) else { continue };
                if record.expires.is_some() {
                    continue;
                }
                changed = true;
                if remembers.is_zero() || n >= accounts {
                    batch = batch.delete(key.clone(), Expect::Version(record.version));
                    continue;
                }
                let route = RouteBody { connection: connection.clone(), ended: Some(view.now()) };
                let draft = Draft::new(key.clone(), Holder::Tenant)
                    .expires(view.now().plus(remembers))
                    .facts(body::SCHEMA, body::encode(&route)?);
                batch = batch.op(vault.put(&TenantId::SYSTEM, draft, Some(record)).await?);
            }
            if !changed {
                return Ok(());
            }
            let entry = Entry::new("route.removed", view.now())
                .with("connection", connection.connection())
                .with("registration", registration);
            match vault.commit(&TenantId::SYSTEM, batch.audit(entry)).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => return done.map(|_| ()),
            }
        }
        Err(Error::new(ErrorKind::Conflict))
    }
}

/// Whether the provider may name a refresh token without saying it.
fn names_tokens(registered: &Registered) -> bool {
    registered.provider.spec().signals.push.as_ref().is_some_and(|push| push.names_tokens)
}

fn route_key(hash: Id, connection: &ConnectionRef) -> Key {
    let (tenant, id) = (connection.tenant().as_str(), connection.connection().id());
    Key::new(kind::ROUTE, Id::derive(&[hash.as_bytes(), id.as_bytes(), tenant.as_bytes()]))
}

/// What a provider calls a refresh token.
pub(crate) fn identifier(by: TokenIdentifier, token: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(match by {
        TokenIdentifier::DoubleSha512 => {
            let twice = digest(&SHA512, digest(&SHA512, token).as_ref());
            BASE64_STANDARD.encode(twice).into_bytes()
        }
        // Characters of a token are visible ASCII, so they are bytes.
        _ => token[..token.len().min(16)].to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_called_what_their_provider_calls_them() {
        let token = b"1//0gTestRefreshTokenValue";
        assert_eq!(identifier(TokenIdentifier::Prefix, token).as_slice(), b"1//0gTestRefresh");
        assert_eq!(
            identifier(TokenIdentifier::DoubleSha512, token).as_slice(),
            b"ritccUatp8d9DDUT8XeV5VanOtAhkFTairAGQTu28UcUeW8+PnYgwqQZXdM3LU4GNWWQkWcq6plQ9g1KPqViJA==" // of a fake
        );
        assert_eq!(identifier(TokenIdentifier::Prefix, b"short").as_slice(), b"short");
    }
}

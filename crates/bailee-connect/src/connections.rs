//! The connections of a tenant, as a host works with them.

use bailee_core::{
    ConnectionRef, ConnectionState, Origin, ProviderId, PurposeId, RegistrationId, Result,
    ScopeName, Timestamp, Visitor,
};
use bailee_registry::{ScopeAddition, ScopeDrift};

use crate::{engine::Engine, stored::Found};

/// Connecting, looking at and disconnecting accounts.
#[derive(Clone, Debug)]
pub struct Connections {
    pub(crate) engine: Engine,
}

/// What a person may see of a connection: the limited profile, never a token.
#[derive(Clone)]
#[non_exhaustive]
pub struct ConnectionStatus {
    /// Its reference.
    pub connection: ConnectionRef,
    /// Its provider.
    pub provider: ProviderId,
    /// Its registration.
    pub registration: RegistrationId,
    /// Where it stands.
    pub state: ConnectionState,
    /// How it came to be.
    pub origin: Origin,
    /// The name that the provider shows for the account.
    pub display: Option<String>,
    /// The provider's word for the type of account.
    pub account_type: Option<String>,
    /// What it may be used for.
    pub purposes: Vec<PurposeId>,
    /// The scopes that the person granted.
    pub scopes: Vec<ScopeName>,
    /// How they differ from those that were asked for, and from what is declared now for its
    /// purposes.
    pub drift: ScopeDrift,
    /// When the access token ends, if the provider said so.
    pub expires_at: Option<Timestamp>,
    /// When the account was connected.
    pub connected_at: Timestamp,
}

impl std::fmt::Debug for ConnectionStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectionStatus")
            .field("connection", &self.connection)
            .field("provider", &self.provider)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// The connections.
    pub fn connections(&self) -> Connections {
        Connections { engine: self.clone() }
    }
}

impl Connections {
    /// Where a connection stands.
    ///
    /// # Errors
    ///
    /// [`bailee_core::ErrorKind::NotFound`] for an unknown or a foreign one, [`bailee_core::ErrorKind::Denied`] where the
    /// host does not allow it.
    pub async fn status(
        &self,
        visitor: &Visitor,
        connection: &ConnectionRef,
    ) -> Result<ConnectionStatus> {
        let found = self.seen_by(visitor, connection).await?;
        self.engine.status_of(found)
    }

    /// What more purposes would ask of whoever connected this account, beyond what they granted: each
    /// further scope in plain words, and whether it opens data that is closed now. Nothing where what
    /// they granted is enough.
    ///
    /// For a page on which somebody chooses what to switch on. Before they are sent to the provider
    /// they are shown the whole disclosure.
    ///
    /// # Errors
    ///
    /// As [`Connections::status`]; [`bailee_core::ErrorKind::Denied`] for a purpose that the
    /// integration is not declared for, [`bailee_core::ErrorKind::InvalidInput`] for none.
    pub async fn additions(
        &self,
        visitor: &Visitor,
        connection: &ConnectionRef,
        purposes: &[PurposeId],
    ) -> Result<Vec<ScopeAddition>> {
        let status = self.status(visitor, connection).await?;
        let catalogue = &self.engine.registered(&status.registration)?.provider.spec().scopes;
        self.engine.0.declaration.additions(
            &status.provider,
            &status.scopes,
            purposes,
            &catalogue.catalogue,
        )
    }

    /// The visitor's own connections.
    ///
    /// # Errors
    ///
    /// [`bailee_core::ErrorKind::StoreUnavailable`] and what the vault says.
    pub async fn of_visitor(&self, visitor: &Visitor) -> Result<Vec<ConnectionStatus>> {
        let engine = &self.engine;
        let tenant = visitor.tenant();
        let Some(subject) = engine.subject_of(tenant, visitor.person()).await? else {
            return Ok(Vec::new());
        };
        let all = engine.held_by(tenant, subject).await?.into_iter();
        all.map(|found| engine.status_of(found)).collect()
    }
}

impl Engine {
    pub(crate) fn status_of(&self, found: Found) -> Result<ConnectionStatus> {
        let mut credentials = Vec::new();
        for place in 0..found.body.credentials.len() {
            credentials.extend(found.credential(place)?);
        }
        let mut scopes: Vec<ScopeName> = Vec::new();
        for scope in credentials.iter().flat_map(|credential| &credential.scopes) {
            if !scopes.contains(scope) {
                scopes.push(scope.clone());
            }
        }
        // The connection can do all that it could as long as its shortest token lives.
        let expires_at = credentials.iter().filter_map(|credential| credential.expires_at).min();
        let drift = self.0.declaration.scope_drift(
            &found.body.provider,
            &found.body.purposes,
            found.body.asked.as_deref(),
            &scopes,
        );
        Ok(ConnectionStatus {
            connection: found.reference,
            provider: found.body.provider,
            registration: found.body.registration,
            state: found.state,
            origin: found.body.origin,
            display: found.body.account.display,
            account_type: found.body.account.account_type,
            purposes: found.body.purposes,
            scopes,
            drift,
            expires_at,
            connected_at: found.body.connected_at,
        })
    }
}

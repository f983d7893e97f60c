//! Connections of the instance itself: keys of the service, which an operator enters.
//!
//! They lie in the system's tenant, each under a key of its own, and are used by people of any
//! tenant whom the host lets ([`bailee_core::Act::Use`] of [`Owner::Instance`]). An operator agrees
//! for nobody: whoever uses one for a purpose based on consent has to have agreed themselves.

use bailee_core::{
    Actor, ApiKey, ConnectionId, ConnectionRef, ConnectionState, Error, ErrorKind, Id, Locale,
    Owner, PurposeId, Result, TenantId,
};
use bailee_registry::Disclosure;
use bailee_store::Query;

use crate::{
    connections::ConnectionStatus,
    disconnect::DisconnectReceipt,
    engine::Engine,
    enter::{Asked, EnterOptions, Entered},
    kind,
    stored::Found,
};

/// The connections of the instance, for an operator whom the host authenticated as one. There is
/// no question to [`bailee_core::Access`] here: hand this to nobody else.
#[derive(Clone, Debug)]
pub struct InstanceConnections {
    engine: Engine,
    operator: Id,
    locale: Locale,
}

impl Engine {
    /// The connections of the instance, for an operator as the host names them.
    pub fn instance_connections(&self, operator: Id) -> InstanceConnections {
        InstanceConnections { engine: self.clone(), operator, locale: Locale::default() }
    }
}

impl InstanceConnections {
    /// Says which language the operator reads.
    #[must_use]
    pub fn with_locale(mut self, locale: Locale) -> Self {
        self.locale = locale;
        self
    }

    /// What the operator is told before they enter a key.
    ///
    /// # Errors
    ///
    /// As [`crate::Connections::explain`].
    pub async fn explain(&self, registration: &str, purposes: &[PurposeId]) -> Result<Disclosure> {
        let registered = self.engine.entered_at(registration, &TenantId::SYSTEM)?;
        let (_, declared) = self.engine.declared_in(&TenantId::SYSTEM).await?;
        self.engine.line(&registered).await?.explain(&declared, purposes, &self.locale)
    }

    /// Takes a key of the service, after [`InstanceConnections::explain`] was shown.
    ///
    /// # Errors
    ///
    /// As [`crate::Connections::enter`]; [`ErrorKind::InvalidInput`] for a connection of a tenant.
    pub async fn enter(
        &self,
        registration: &str,
        purposes: &[PurposeId],
        key: ApiKey,
        options: EnterOptions,
    ) -> Result<Entered> {
        if options.for_tenant {
            return Err(Error::new(ErrorKind::InvalidInput)
                .with_detail("an operator's key is the instance's, not a tenant's"));
        }
        let registered = self.engine.entered_at(registration, &TenantId::SYSTEM)?;
        self.engine
            .enter(Asked {
                registered,
                tenant: TenantId::SYSTEM,
                owner: Owner::Instance,
                person: None,
                actor: self.actor(),
                locale: self.locale.clone(),
                purposes: purposes.to_vec(),
                options,
                key,
            })
            .await
    }

    /// All of them.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::StoreUnavailable`] and what the vault says.
    pub async fn all(&self) -> Result<Vec<ConnectionStatus>> {
        let mut query = Query::of_kind(kind::CONNECTION);
        let mut all = Vec::new();
        loop {
            let page = self.engine.0.vault.store().find(&TenantId::SYSTEM, &query).await?;
            for record in page.records {
                let id = ConnectionId::from_id(record.key.id);
                let connection = ConnectionRef::new(TenantId::SYSTEM, Owner::Instance, id);
                if let Some(found) = self.engine.find_connection(&connection).await? {
                    all.push(self.engine.status_of(found)?);
                }
            }
            match page.next {
                Some(next) => query = query.after(next),
                None => return Ok(all),
            }
        }
    }

    /// Asks the provider whether a key is still good, and says where the connection stands then.
    ///
    /// # Errors
    ///
    /// As [`crate::Connections::check`].
    pub async fn check(&self, connection: &ConnectionRef) -> Result<ConnectionState> {
        let found = self.find(connection).await?;
        let provider = Some(&found.body.provider);
        self.engine.admit_control(found.view.control(), connection, provider).await?;
        if !matches!(found.state, ConnectionState::Active | ConnectionState::Degraded) {
            return Ok(found.state);
        }
        self.engine.ask_whether_it_lives(&found).await
    }

    /// Ends a connection: nothing uses its key from the first commit on, and the key is deleted
    /// here with the key that sealed it. The receipt says how to remove it at the provider.
    ///
    /// # Errors
    ///
    /// As [`crate::Connections::disconnect`].
    pub async fn disconnect(&self, connection: &ConnectionRef) -> Result<DisconnectReceipt> {
        for _ in 0..8 {
            let found = self.find(connection).await?;
            self.engine.admit_instance(found.view.control()).await?;
            if found.state == ConnectionState::Disconnecting {
                break;
            }
            match self.engine.make_unusable(&found, &self.actor()).await {
                Ok(()) => break,
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        self.engine.end(connection).await
    }

    async fn find(&self, connection: &ConnectionRef) -> Result<Found> {
        let unknown = || Error::new(ErrorKind::NotFound).with_connection(connection.connection());
        if connection.owner() != Owner::Instance {
            return Err(unknown());
        }
        self.engine.find_connection(connection).await?.ok_or_else(unknown)
    }

    fn actor(&self) -> Actor {
        Actor::Operator { operator: self.operator }
    }
}

//! Asking the provider whether a connection still lives.

use bailee_core::{
    Act, ConnectionRef, ConnectionState, Error, ErrorKind, Owner, ReconnectReason, Result, Visitor,
};
use bailee_providers::{Alive, FailureKind};

use crate::{
    connections::Connections,
    drive::{DEADLINE, Halt},
    engine::Engine,
    refresh::StoredSecrets,
    stored::Found,
};

impl Connections {
    /// Asks the provider with its cheapest question (introspection by RFC 7662 where there is an
    /// endpoint for it, else whose account it is) and says where the connection stands after that.
    /// A token that is no longer taken is renewed; a grant that is over makes the connection
    /// [`ConnectionState::NeedsReconnect`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] for an unknown or a foreign connection, [`ErrorKind::Denied`] where
    /// the host does not allow it, [`ErrorKind::Frozen`], [`ErrorKind::Quarantined`];
    /// [`ErrorKind::ProviderUnavailable`] and [`ErrorKind::RateLimited`] where the provider gave no
    /// answer, and nothing has changed then.
    pub async fn check(
        &self,
        visitor: &Visitor,
        connection: &ConnectionRef,
    ) -> Result<ConnectionState> {
        let engine = &self.engine;
        let found = self.seen_by(visitor, connection).await?;
        let provider = Some(&found.body.provider);
        engine.admit_control(found.view.control(), connection, provider).await?;
        if !matches!(found.state, ConnectionState::Active | ConnectionState::Degraded) {
            return Ok(found.state);
        }
        engine.ask_whether_it_lives(&found).await
    }

    /// A connection that a visitor may see; an unknown, a foreign and one being ended are alike.
    pub(crate) async fn seen_by(
        &self,
        visitor: &Visitor,
        connection: &ConnectionRef,
    ) -> Result<Found> {
        let engine = &self.engine;
        if connection.owner() != Owner::Instance && visitor.tenant() != connection.tenant() {
            return Err(unknown(connection));
        }
        let subject = engine.subject_of(visitor.tenant(), visitor.person()).await?;
        let found = engine.find_connection(connection).await?.ok_or_else(|| unknown(connection))?;
        engine
            .may(visitor.person(), subject, visitor.tenant(), Act::Use(connection.owner()))
            .await
            .map_err(|error| error.with_connection(connection.connection()))?;
        Ok(found)
    }
}

impl Engine {
    /// Asks the provider about every credential, and writes down what it says.
    pub(crate) async fn ask_whether_it_lives(&self, found: &Found) -> Result<ConnectionState> {
        let connection = &found.reference;
        let line = self.line(&self.registered(&found.body.registration)?.clone()).await?;
        for place in 0..found.body.credentials.len() {
            let Some(credential) = found.credential(place)? else { continue };
            let line = line.clone().to(&credential)?;
            let client = self.client_secret(&line.registered).await?;
            let secrets = StoredSecrets { view: &found.view, place, client };
            let alive = if credential.is_over(self.0.clock.now()) {
                Ok(Alive::No)
            } else {
                let step = line.registered.provider.liveness(&line.context());
                line.run(step, &secrets, DEADLINE).await
            };
            let over = match alive {
                Ok(Alive::Yes) => continue,
                Ok(Alive::No) => false,
                Err(Halt::Provider(failure)) if failure.kind == FailureKind::AccessRejected => {
                    false
                }
                Err(Halt::Provider(failure)) if failure.kind == FailureKind::GrantOver => true,
                Err(halt) => {
                    return Err(line.error(halt).with_connection(connection.connection()));
                }
            };
            if over || !credential.has_refresh {
                let reason = if over { ReconnectReason::Revoked } else { credential.why_over() };
                self.need_reconnect(connection, credential.generation, reason).await?;
                continue;
            }
            match self.refresh(connection, &credential.name, credential.generation).await {
                Err(error) if error.kind() != ErrorKind::NeedsReconnect => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        let found = self.find_connection(connection).await?;
        found.map(|found| found.state).ok_or_else(|| unknown(connection))
    }
}

fn unknown(connection: &ConnectionRef) -> Error {
    Error::new(ErrorKind::NotFound).with_connection(connection.connection())
}

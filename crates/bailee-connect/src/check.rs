//! Asking the provider whether a connection still lives.

use std::time::Duration;

use bailee_core::{
    Act, ConnectionRef, ConnectionState, CredentialName, Error, ErrorKind, Owner, ReconnectReason,
    Result, Visitor,
};
use bailee_providers::{
    AccountId, Alive, FailureKind,
    signal::{WatchFacts, What},
};

use crate::{
    body::CredentialBody,
    connections::Connections,
    drive::{DEADLINE, Halt},
    engine::Engine,
    secrets::StoredSecrets,
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

/// How a provider is asked about a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// With its cheapest question.
    Liveness,
    /// With all that its adapter asks by the schedule.
    Schedule,
}

/// What a provider said of a connection.
pub(crate) struct Heard {
    pub(crate) state: ConnectionState,
    /// The credentials that are over.
    pub(crate) over: Vec<CredentialName>,
    /// What it said of the account.
    pub(crate) said: Vec<What>,
    /// When it wants to be asked again.
    pub(crate) again: Option<Duration>,
}

impl Engine {
    /// Asks the provider about every credential, and writes down what it says.
    pub(crate) async fn ask_whether_it_lives(&self, found: &Found) -> Result<ConnectionState> {
        self.ask(found, Question::Liveness).await.map(|heard| heard.state)
    }

    /// The same, with all that there is to hear.
    pub(crate) async fn ask(&self, found: &Found, question: Question) -> Result<Heard> {
        let connection = &found.reference;
        let line = self.line(&self.registered(&found.body.registration)?.clone()).await?;
        let (mut said, mut again, mut dead) = (Vec::new(), None, Vec::new());
        let mut view = None;
        for place in 0..found.body.credentials.len() {
            let Some(mut credential) = found.credential(place)? else { continue };
            // A token that ran out is renewed first: the answer to that says whether the grant
            // lives, and only a living token can ask for more.
            if credential.is_over(self.0.clock.now()) {
                if !credential.has_refresh {
                    let reason = credential.why_over();
                    self.need_reconnect(connection, credential.generation, reason).await?;
                    dead.push(credential.name);
                    continue;
                }
                match self.refresh(connection, &credential.name, credential.generation).await {
                    Err(error) if error.kind() != ErrorKind::NeedsReconnect => return Err(error),
                    Err(_) => {
                        dead.push(credential.name);
                        continue;
                    }
                    Ok(()) if question == Question::Liveness => continue,
                    Ok(()) => {}
                }
                let Some(renewed) = self.find_connection(connection).await? else { break };
                match renewed.credential(place)? {
                    Some(fresh) => credential = fresh,
                    None => continue,
                }
                view = Some(renewed);
            }
            let line = line.clone().to(&credential)?;
            let client = self.client_secret(&line.registered).await?;
            let view = view.as_ref().map_or(&found.view, |renewed| &renewed.view);
            let secrets = StoredSecrets::of_credential(view, place, client);
            let provider = &line.registered.provider;
            let alive = match question {
                Question::Liveness => {
                    line.run(provider.liveness(&line.context()), &secrets, DEADLINE).await
                }
                Question::Schedule => {
                    let facts = watch_facts(found, &credential);
                    let step = provider.watch(&line.context(), &facts);
                    line.run(step, &secrets, DEADLINE).await.map(|watched| {
                        said.extend(watched.said);
                        again = [again, watched.again].into_iter().flatten().min();
                        watched.alive
                    })
                }
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
                dead.push(credential.name);
                continue;
            }
            match self.refresh(connection, &credential.name, credential.generation).await {
                Err(error) if error.kind() != ErrorKind::NeedsReconnect => return Err(error),
                Err(_) => dead.push(credential.name),
                Ok(()) => {}
            }
        }
        let found = self.find_connection(connection).await?;
        let state = found.map(|found| found.state).ok_or_else(|| unknown(connection))?;
        Ok(Heard { state, over: dead, said, again })
    }
}

/// What a provider's own question is told of a connection.
fn watch_facts(found: &Found, credential: &CredentialBody) -> WatchFacts {
    let accounts = found.body.account.under_each_id();
    let accounts =
        accounts.into_iter().filter_map(|account| AccountId::new(account.id_kind, account.id));
    let got_at = found.body.got_at.unwrap_or(found.body.connected_at);
    WatchFacts::new(accounts.collect(), got_at, credential.scopes.clone())
}

fn unknown(connection: &ConnectionRef) -> Error {
    Error::new(ErrorKind::NotFound).with_connection(connection.connection())
}

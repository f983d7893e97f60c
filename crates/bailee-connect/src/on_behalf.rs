//! What a request about a person's data asks of their connections, by the pseudonym: for whoever
//! joins the engine to the rights of people. Nobody is asked here whether they may; whoever calls has
//! established that.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Weak},
    time::Duration,
};

use bailee_core::{
    Actor, ConnectionId, ConnectionState, Error, ErrorKind, Id, ProviderId, PurposeId, Result,
    SubjectId, TenantId, Timestamp,
};
use bailee_registry::{Choice, Grounds, Objection, RestrictionGround};
use bailee_store::{Query, Window};

use crate::{
    body::AccountBody,
    connections::ConnectionStatus,
    disconnect::CONFIRMED,
    engine::{Engine, Inner},
    kind,
    request::{ProviderRequest, RequestOutcome},
    word::{Withdrawal, Withdrawn, Word},
};

/// Words and ends for requests about people, whom the caller knows by their pseudonym. See
/// [`Engine::on_behalf`].
///
/// It does not keep the engine alive: whoever does the engine's work by this is held by the engine.
#[derive(Clone)]
pub struct OnBehalf {
    engine: Weak<Inner>,
}

/// A connection of a person with the account that it is of.
#[non_exhaustive]
pub struct HeldConnection {
    /// Where it stands.
    pub status: ConnectionStatus,
    /// The provider's id of the account, and whatever else it is known by there.
    pub account: Vec<String>,
}

impl fmt::Debug for HeldConnection {
    /// Without the account.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeldConnection").field("status", &self.status).finish_non_exhaustive()
    }
}

impl Engine {
    /// Words and ends for requests about people.
    pub fn on_behalf(&self) -> OnBehalf {
        OnBehalf { engine: Arc::downgrade(&self.0) }
    }
}

impl fmt::Debug for OnBehalf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnBehalf").finish_non_exhaustive()
    }
}

impl OnBehalf {
    /// The engine, as long as anybody has it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] when it was dropped.
    pub fn engine(&self) -> Result<Engine> {
        self.engine.upgrade().map(Engine).ok_or_else(|| {
            Error::new(ErrorKind::Configuration).with_detail("the engine was dropped")
        })
    }

    /// Fails unless this process may act on this database.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Quarantined`], [`ErrorKind::StoreUnavailable`].
    pub async fn admit(&self) -> Result<()> {
        let engine = self.engine()?;
        let snapshot = engine.0.vault.store().read(&TenantId::SYSTEM, &[]).await?;
        engine.admit_instance(&snapshot.control).await.map(drop)
    }

    /// As [`Choices::withdraw`](crate::Choices::withdraw).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn withdraw(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        by: &Actor,
        what: &Withdrawal,
    ) -> Result<Withdrawn> {
        what.check()?;
        let engine = self.engine()?;
        let said = engine.say_of(tenant, subject, by, &Word::Withdrawn(what)).await?;
        Ok(engine.end_all(said).await)
    }

    /// As [`Choices::opt_out_of_marketing`](crate::Choices::opt_out_of_marketing).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn opt_out_of_marketing(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        by: &Actor,
    ) -> Result<()> {
        self.say(tenant, subject, by, &Word::Marketing { objects: true }).await
    }

    /// As [`Choices::object`](crate::Choices::object).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn object(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        by: &Actor,
        objection: &Objection,
    ) -> Result<()> {
        let Objection { purpose, integration, grounds } = objection;
        let (integration, grounds) = (integration.as_ref(), grounds.as_ref());
        self.say(tenant, subject, by, &Word::Objected { purpose, integration, grounds }).await
    }

    /// As [`OperatorChoices::uphold`](crate::OperatorChoices::uphold).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn uphold(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        by: &Actor,
        purpose: &PurposeId,
        integration: Option<&ProviderId>,
    ) -> Result<()> {
        self.say(tenant, subject, by, &Word::Upheld { purpose, integration }).await
    }

    /// As [`OperatorChoices::override_objection`](crate::OperatorChoices::override_objection).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn override_objection(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        by: &Actor,
        purpose: &PurposeId,
        integration: Option<&ProviderId>,
        grounds: &Grounds,
    ) -> Result<()> {
        let engine = self.engine()?;
        let declared = crate::choices::declared_purpose(&engine.0.declaration, purpose)?;
        let word = Word::Overridden { purpose: declared, integration, grounds };
        self.say(tenant, subject, by, &word).await
    }

    /// As [`Choices::end_objection`](crate::Choices::end_objection).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn end_objection(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        by: &Actor,
        purpose: &PurposeId,
        integration: Option<&ProviderId>,
    ) -> Result<()> {
        let choice =
            Choice::ObjectionEnded { purpose: purpose.clone(), integration: integration.cloned() };
        self.say(tenant, subject, by, &Word::Recorded(choice)).await
    }

    /// As [`Choices::restrict`](crate::Choices::restrict).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn restrict(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        by: &Actor,
        ground: RestrictionGround,
    ) -> Result<()> {
        let choice = Choice::RestrictionBegun { ground };
        self.say(tenant, subject, by, &Word::Recorded(choice)).await
    }

    /// As [`OperatorChoices::end_restriction`](crate::OperatorChoices::end_restriction); `told` is
    /// `None` for the word of the person themselves.
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn end_restriction(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        by: &Actor,
        ground: RestrictionGround,
        told: Option<Timestamp>,
    ) -> Result<()> {
        let choice = Choice::RestrictionEnded { ground: Some(ground), told };
        self.say(tenant, subject, by, &Word::Recorded(choice)).await
    }

    /// The connections that a person owns, with the accounts that they are of.
    ///
    /// # Errors
    ///
    /// What the store and the vault say.
    pub async fn connections(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
    ) -> Result<Vec<HeldConnection>> {
        let engine = self.engine()?;
        let found = engine.held_by(tenant, subject).await?;
        found
            .into_iter()
            .map(|found| {
                let AccountBody { id, also, .. } = &found.body.account;
                let also = also.iter().map(|(_, id)| id.clone());
                let account = [id.clone()].into_iter().chain(also).collect();
                let status = engine.status_of(found)?;
                Ok(HeldConnection { status, account })
            })
            .collect()
    }

    /// Which connections a person owns, also those on their way out. Nothing of them is opened.
    ///
    /// # Errors
    ///
    /// What the store says.
    pub async fn connections_of(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
    ) -> Result<Vec<ConnectionId>> {
        let engine = self.engine()?;
        let mut query = Query::of_kind(kind::CONNECTION).subject(subject);
        let mut all = Vec::new();
        loop {
            let page = engine.0.vault.store().find(tenant, &query).await?;
            all.extend(page.records.iter().map(|record| ConnectionId::from_id(record.key.id)));
            match page.next {
                Some(next) => query = query.after(next),
                None => return Ok(all),
            }
        }
    }

    /// A request that a provider brought, whose signature was verified.
    ///
    /// # Errors
    ///
    /// What the store and the vault say.
    pub async fn provider_request(
        &self,
        tenant: &TenantId,
        request: Id,
    ) -> Result<Option<ProviderRequest>> {
        self.engine()?.provider_request(tenant, request).await
    }

    /// Closes a request that a provider brought, as [`Requests::close`](crate::Requests::close):
    /// whoever has its code reads so. `by` is the request of the person's own that did it.
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn close_provider_request(
        &self,
        tenant: &TenantId,
        request: Id,
        outcome: RequestOutcome,
        by: Option<Id>,
    ) -> Result<()> {
        self.engine()?.close_request(tenant, request, outcome, &Actor::System, by).await
    }

    /// Ends connections that a person owns, as
    /// [`Connections::disconnect`](crate::Connections::disconnect) ends one. To be repeated until none of
    /// them is left.
    ///
    /// # Errors
    ///
    /// What the store and the vault say; some may have ended.
    pub async fn end(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        connections: &BTreeSet<ConnectionId>,
        by: &Actor,
    ) -> Result<()> {
        let engine = self.engine()?;
        for found in engine.held_by(tenant, subject).await? {
            if !connections.contains(&found.reference.connection()) {
                continue;
            }
            engine.admit_instance(found.view.control()).await?;
            if found.state != ConnectionState::Disconnecting {
                match engine.make_unusable(&found, by).await {
                    // Whoever wrote it meanwhile: it is looked at again.
                    Err(error) if error.kind() == ErrorKind::Conflict => continue,
                    done => done?,
                }
            }
            if let Err(error) = engine.end(&found.reference).await {
                // Somebody else is at it, or a worker will be.
                tracing::debug!(kind = ?error.kind(), "a connection ends elsewhere");
            }
        }
        Ok(())
    }

    /// Of connections that a person owned and that ended since a time: whether their providers
    /// confirmed it, as the log has it from the commit that deleted each of them. Those that are not in
    /// it are left out.
    ///
    /// # Errors
    ///
    /// What the store says.
    pub async fn how_ended(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        connections: &BTreeSet<ConnectionId>,
        since: Timestamp,
    ) -> Result<BTreeMap<ConnectionId, bool>> {
        let engine = self.engine()?;
        let store = engine.0.vault.store();
        // Whoever ended it may have another clock.
        let (from, subject) = (since.minus(SKEW), Some(subject));
        let mut window = Window { from, subject, ..Window::default() };
        let mut ended = BTreeMap::new();
        while ended.len() < connections.len() {
            let page = store.entries(tenant, window).await?;
            let Some(last) = page.last() else { break };
            window.after = Some((last.entry.at(), last.batch, last.n));
            for entry in page.iter().map(|logged| &logged.entry) {
                if entry.event() != "connection.disconnected" {
                    continue;
                }
                let of = |id: &&ConnectionId| entry.field("connection") == Some(&(**id).into());
                if let Some(id) = connections.iter().find(of) {
                    ended.insert(*id, entry.field("outcome") == Some(&CONFIRMED.into()));
                }
            }
        }
        Ok(ended)
    }

    async fn say(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        by: &Actor,
        word: &Word<'_>,
    ) -> Result<()> {
        self.engine()?.say_of(tenant, subject, by, word).await.map(drop)
    }
}

/// How far the clocks of two processes may be apart.
const SKEW: Duration = Duration::from_secs(300);

//! The control row: which instance this database belongs to, what is frozen, which declaration is
//! in force.
//!
//! It comes with every read and is opened only when its version changed, so what an operator
//! writes holds at the next read of every process.

use std::sync::{Arc, Mutex, PoisonError};

use bailee_core::{
    Actor, ConnectionRef, Error, ErrorKind, ProviderId, Result, TenantId, audit::Entry,
};
use bailee_store::{Control, Op, Version};
use bailee_vault::Facts;
use serde::{Deserialize, Serialize};

use crate::{
    body,
    declarations::{ATTEMPTS, Activation},
    engine::Engine,
    in_force::{ControlBody, InForce},
};

/// What an operator can stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "frozen", content = "what", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Freeze {
    /// Every connection.
    All,
    /// One connection.
    Connection(ConnectionRef),
    /// Every connection at a provider.
    Provider(ProviderId),
    /// Every connection of a tenant.
    Tenant(TenantId),
}

/// What the control row says, as last opened.
#[derive(Debug, Default)]
pub(crate) struct ControlCache(Mutex<Option<(Version, Arc<InForce>)>>);

impl ControlCache {
    fn known(&self, version: Version) -> Option<Arc<InForce>> {
        let cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cached.as_ref().filter(|(of, _)| *of == version).map(|(_, known)| known.clone())
    }

    fn keep(&self, version: Version, read: Arc<InForce>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((version, read));
    }
}

impl Engine {
    /// Whether the database is this instance's, by what its control row says now.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::StoreUnavailable`] and what the vault says.
    pub async fn owns_database(&self) -> Result<bool> {
        let control = self.0.vault.store().read(&TenantId::SYSTEM, &[]).await?.control;
        let stored = self.0.vault.open_control(&control).await?;
        let stored: Option<ControlBody> = stored.map(|facts| decode(&facts)).transpose()?;
        Ok(stored.is_some_and(|stored| stored.instance == self.0.instance))
    }

    /// What the control row of a read says; refuses when the database belongs to another instance, or
    /// is not served now.
    pub(crate) async fn admit_instance(&self, control: &Control) -> Result<Arc<InForce>> {
        if self.0.barrier.as_ref().is_some_and(|barrier| barrier.is_closed()) {
            return Err(Error::new(ErrorKind::Quarantined)
                .with_detail("the database lacks erasures that were done after it was kept"));
        }
        if let Some(known) = self.0.control.known(control.version) {
            return match known.body.instance == self.0.instance {
                true => Ok(known),
                false => Err(Error::new(ErrorKind::Quarantined)),
            };
        }
        let facts = self.0.vault.open_control(control).await?.ok_or_else(|| {
            Error::new(ErrorKind::Quarantined).with_detail("the control row is empty")
        })?;
        let body = decode(&facts)?;
        if body.instance != self.0.instance {
            return Err(Error::new(ErrorKind::Quarantined));
        }
        let read = Arc::new(self.read_in_force(body).await?);
        self.0.control.keep(control.version, read.clone());
        Ok(read)
    }

    /// Refuses when the database belongs to another instance or an operator froze the connection.
    pub(crate) async fn admit_control(
        &self,
        control: &Control,
        connection: &ConnectionRef,
        provider: Option<&ProviderId>,
    ) -> Result<Arc<InForce>> {
        let force = self.admit_instance(control).await?;
        if force.body.freezes(connection, provider) {
            return Err(Error::new(ErrorKind::Frozen).with_connection(connection.connection()));
        }
        Ok(force)
    }

    /// Writes the control row at the first start, with this process's declaration in force, and says
    /// whether the database is this instance's. Another declaration than the one in force changes
    /// nothing here: it is activated by somebody.
    ///
    /// A database of another instance is left as it is: the engine then refuses every call with
    /// [`ErrorKind::Quarantined`] until an operator adopts it.
    pub(crate) async fn start_control(&self, activates: bool) -> Result<bool> {
        let vault = &self.0.vault;
        vault.ensure_owner(&TenantId::SYSTEM).await?;
        let own = self.0.declaration.version();
        for _ in 0..ATTEMPTS {
            let control = vault.store().read(&TenantId::SYSTEM, &[]).await?.control;
            let kept = match vault.open_control(&control).await? {
                None => {
                    let first = ControlBody {
                        instance: self.0.instance.clone(),
                        epoch: 0,
                        frozen: Vec::new(),
                        declaration: own,
                        previous: None,
                        asked: Vec::new(),
                    };
                    let kept = self.keep_declaration(&self.0.declaration).await?;
                    let entry = self.changed(&first);
                    self.put_control(&control, &first, entry, kept).await
                }
                Some(facts) => {
                    let body = decode(&facts)?;
                    if body.instance != self.0.instance {
                        return Ok(false);
                    }
                    match body.is_live(own) {
                        true => self.keep_live_declaration().await,
                        false if activates => self.activate_at_start(&body).await,
                        false => Ok(()),
                    }
                }
            };
            match kept {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => return done.map(|()| true),
            }
        }
        Err(Error::new(ErrorKind::Conflict))
    }

    /// Keeps the text of the declaration in force where a release before this one put it in force.
    async fn keep_live_declaration(&self) -> Result<()> {
        let kept = self.keep_declaration(&self.0.declaration).await?;
        if kept.is_empty() {
            return Ok(());
        }
        let entry = Entry::new("declaration.kept", self.0.clock.now())
            .with("version", self.0.declaration.version());
        let batch = self.0.vault.batch()?.ops(kept).audit(entry);
        self.0.vault.commit(&TenantId::SYSTEM, batch).await.map(|_| ())
    }

    /// Puts a declaration in force that never was, where the host says that starting with it is the
    /// act. One that was replaced does not come back with an old process that starts again.
    async fn activate_at_start(&self, body: &ControlBody) -> Result<()> {
        if self.was_in_force(self.0.declaration.version()).await? {
            return Ok(());
        }
        let activation = Activation::replacing(body.declaration).deliberate();
        self.activate(activation, &Actor::System).await.map(drop)
    }

    /// Says that this database is this instance's from now on: an operator's act, after a restore
    /// or a move, when the original certainly no longer runs.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::StoreUnavailable`] and what the vault says.
    pub async fn danger_adopt_database(&self) -> Result<()> {
        self.write_control(|stored| {
            Ok(stored.map(|stored| ControlBody {
                instance: self.0.instance.clone(),
                epoch: stored.epoch + 1,
                ..stored
            }))
        })
        .await
    }

    /// Stops what is named: from the next read on nothing of it is used, in every process.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Quarantined`], [`ErrorKind::StoreUnavailable`] and what the vault says.
    pub async fn freeze(&self, what: Freeze) -> Result<()> {
        self.change_freezes(|frozen| {
            if !frozen.contains(&what) {
                frozen.push(what.clone());
            }
        })
        .await
    }

    /// Lets it go again.
    ///
    /// # Errors
    ///
    /// As [`Engine::freeze`].
    pub async fn thaw(&self, what: &Freeze) -> Result<()> {
        self.change_freezes(|frozen| frozen.retain(|freeze| freeze != what)).await
    }

    async fn change_freezes(&self, change: impl Fn(&mut Vec<Freeze>) + Send + Sync) -> Result<()> {
        self.write_control(|stored| {
            let mut stored = stored
                .filter(|stored| stored.instance == self.0.instance)
                .ok_or_else(|| Error::new(ErrorKind::Quarantined))?;
            stored.epoch += 1;
            change(&mut stored.frozen);
            Ok(Some(stored))
        })
        .await
    }

    async fn write_control(
        &self,
        change: impl Fn(Option<ControlBody>) -> Result<Option<ControlBody>> + Send + Sync,
    ) -> Result<()> {
        for _ in 0..ATTEMPTS {
            let control = self.0.vault.store().read(&TenantId::SYSTEM, &[]).await?.control;
            let stored = self.0.vault.open_control(&control).await?;
            let stored = stored.map(|facts| decode(&facts)).transpose()?;
            let Some(next) = change(stored)? else { return Ok(()) };
            match self.put_control(&control, &next, self.changed(&next), Vec::new()).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => return done,
            }
        }
        Err(Error::new(ErrorKind::Conflict))
    }

    fn changed(&self, next: &ControlBody) -> Entry {
        Entry::new("control.changed", self.0.clock.now())
            .with("version", i64::try_from(next.epoch).unwrap_or(i64::MAX))
            .with("count", next.frozen.len() as i64)
            .with("digest", next.declaration)
    }

    /// Puts a control row in the place of the one that was read, with what belongs to it.
    pub(crate) async fn put_control(
        &self,
        replaces: &Control,
        next: &ControlBody,
        entry: Entry,
        ops: Vec<Op>,
    ) -> Result<()> {
        let vault = &self.0.vault;
        // A row is never written under an older schema than the one that it replaces.
        let stored = vault.open_control(replaces).await?.map_or(0, |facts| facts.schema());
        let schema = next.schema().max(stored);
        if schema > ControlBody::SCHEMA {
            return Err(Error::new(ErrorKind::UnknownSchema));
        }
        let op = vault.seal_control(schema, &body::encode(next)?, replaces).await?;
        let batch = vault.batch()?.op(op).ops(ops).audit(entry);
        vault.commit(&TenantId::SYSTEM, batch).await.map(|_| ())
    }
}

/// Reads a control row of a schema that this release knows.
fn decode(facts: &Facts) -> Result<ControlBody> {
    if facts.schema() > ControlBody::SCHEMA {
        return Err(Error::new(ErrorKind::UnknownSchema));
    }
    facts.json()
}

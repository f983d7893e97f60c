//! The control row: which instance this database belongs to, what is frozen, which declaration is
//! in force.
//!
//! It comes with every read and is opened only when its version changed, so what an operator
//! writes holds at the next read of every process.

use std::sync::{Arc, Mutex, PoisonError};

use bailee_core::{
    ConnectionRef, Error, ErrorKind, InstanceId, ProviderId, Result, TenantId, audit::Entry,
};
use bailee_registry::Declaration;
use bailee_store::{Control, Version};
use bailee_vault::Vault;
use serde::{Deserialize, Serialize};

use crate::{body, engine::Engine};

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

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ControlBody {
    pub(crate) instance: InstanceId,
    /// Counts the writings of this row by an operator.
    pub(crate) epoch: u64,
    pub(crate) frozen: Vec<Freeze>,
    pub(crate) declaration: [u8; 32],
}

impl ControlBody {
    fn freezes(&self, connection: &ConnectionRef, provider: Option<&ProviderId>) -> bool {
        self.frozen.iter().any(|freeze| match freeze {
            Freeze::All => true,
            Freeze::Connection(frozen) => frozen == connection,
            Freeze::Provider(frozen) => Some(frozen) == provider,
            Freeze::Tenant(frozen) => frozen == connection.tenant(),
        })
    }
}

/// The control row as last opened.
#[derive(Debug, Default)]
pub(crate) struct ControlCache(Mutex<Option<(Version, Arc<ControlBody>)>>);

impl ControlCache {
    async fn open(&self, vault: &Vault, control: &Control) -> Result<Arc<ControlBody>> {
        {
            let cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((version, body)) = &*cached
                && *version == control.version
            {
                return Ok(body.clone());
            }
        }
        let facts = vault.open_control(control).await?.ok_or_else(|| {
            Error::new(ErrorKind::Quarantined).with_detail("the control row is empty")
        })?;
        let body: Arc<ControlBody> = Arc::new(body::decode(&facts)?);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((control.version, body.clone()));
        Ok(body)
    }
}

impl Engine {
    /// Refuses when the database belongs to another instance.
    pub(crate) async fn admit_instance(&self, control: &Control) -> Result<Arc<ControlBody>> {
        let body = self.0.control.open(&self.0.vault, control).await?;
        if body.instance != self.0.instance {
            return Err(Error::new(ErrorKind::Quarantined));
        }
        Ok(body)
    }

    /// Refuses when the database belongs to another instance or an operator froze the connection.
    pub(crate) async fn admit_control(
        &self,
        control: &Control,
        connection: &ConnectionRef,
        provider: Option<&ProviderId>,
    ) -> Result<()> {
        let body = self.admit_instance(control).await?;
        if body.freezes(connection, provider) {
            return Err(Error::new(ErrorKind::Frozen).with_connection(connection.connection()));
        }
        Ok(())
    }

    /// Refuses where no consent can be taken: the database is another instance's.
    pub(crate) async fn admits_consent(&self, tenant: &TenantId) -> Result<()> {
        let snapshot = self.0.vault.store().read(tenant, &[]).await?;
        self.admit_instance(&snapshot.control).await.map(drop)
    }

    /// The declarations under which anything is done.
    pub(crate) async fn live_declarations(&self) -> Result<Vec<Arc<Declaration>>> {
        Ok(vec![self.0.declaration.clone()])
    }

    /// Writes the control row at the first start, notes a changed declaration later, and says
    /// whether the database is this instance's.
    ///
    /// A database of another instance is left as it is: the engine then refuses every call with
    /// [`ErrorKind::Quarantined`] until an operator adopts it.
    pub(crate) async fn start_control(&self) -> Result<bool> {
        self.0.vault.ensure_owner(&TenantId::SYSTEM).await?;
        self.write_control(|stored| match stored {
            None => Ok(Some(ControlBody {
                instance: self.0.instance.clone(),
                epoch: 0,
                frozen: Vec::new(),
                declaration: self.0.declaration.version(),
            })),
            Some(stored) if stored.instance != self.0.instance => Ok(None),
            Some(stored) if stored.declaration == self.0.declaration.version() => Ok(None),
            Some(stored) => {
                Ok(Some(ControlBody { declaration: self.0.declaration.version(), ..stored }))
            }
        })
        .await?;
        let snapshot = self.0.vault.store().read(&TenantId::SYSTEM, &[]).await?;
        match self.admit_instance(&snapshot.control).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::Quarantined => Ok(false),
            Err(error) => Err(error),
        }
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
        for _ in 0..5 {
            let snapshot = self.0.vault.store().read(&TenantId::SYSTEM, &[]).await?;
            let stored = self
                .0
                .vault
                .open_control(&snapshot.control)
                .await?
                .map(|facts| body::decode::<ControlBody>(&facts))
                .transpose()?;
            let Some(next) = change(stored)? else { return Ok(()) };
            let epoch = i64::try_from(next.epoch).unwrap_or(i64::MAX);
            let op = self
                .0
                .vault
                .seal_control(body::SCHEMA, &body::encode(&next)?, &snapshot.control)
                .await?;
            let entry = Entry::new("control.changed", self.0.clock.now())
                .with("version", epoch)
                .with("count", next.frozen.len() as i64)
                .with("digest", next.declaration);
            let batch = self.0.vault.batch()?.op(op).audit(entry);
            match self.0.vault.commit(&TenantId::SYSTEM, batch).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => return done.map(|_| ()),
            }
        }
        Err(Error::new(ErrorKind::Conflict))
    }
}

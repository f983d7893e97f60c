//! The source itself.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bailee_core::{HostId, Result, TenantId, Timestamp};
use bailee_rights::source::{
    Correction, Count, DataSource, Remaining, RowSink, SourceFacts, Step, Whose,
};

#[cfg(feature = "postgres")]
use super::clients::{Clients, PostgresClients};
use super::{
    layout::Looked,
    session::{Begin, Connections},
    work::{Limits, Ready},
};
use crate::{Mapping, PseudonymKey, row::Correcting, statement::Asked};

/// A host's tables in a PostgreSQL database, as a source of data.
///
/// It begins no task. Each call takes one connection of the host's, looks whether the database is
/// still the one that is mapped, and does its work in one transaction; a call that is dropped rolls
/// it back. Whatever it sets on a connection ends with the transaction. A collection keeps its
/// transaction, and its view of the database, until the last row was taken: meanwhile the server
/// does not clean up what others delete.
#[derive(Clone)]
pub struct PostgresSource(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    connections: Arc<dyn Connections>,
    mapping: Mapping,
    key: Arc<PseudonymKey>,
    looked: Arc<Looked>,
    limits: Limits,
}

impl PostgresSource {
    /// Opens a database by connections of tokio-postgres, with a mapping of its tables.
    ///
    /// # Errors
    ///
    /// [`Configuration`](bailee_core::ErrorKind::Configuration) where a mapped table or column is
    /// missing, a view or a part of another one, a key is not unique, a column that an erasure
    /// empties has to hold something, a foreign key deletes rows that the mapping does not find, or
    /// row security may hide rows and the mapping names no setting for it. Otherwise the database
    /// did not answer.
    #[cfg(feature = "postgres")]
    pub async fn open(
        clients: Arc<dyn PostgresClients>,
        mapping: Mapping,
        key: PseudonymKey,
    ) -> Result<Self> {
        Self::over(Arc::new(Clients(clients)), mapping, key).await
    }

    /// Opens a database by a pool of sqlx's, with a mapping of its tables.
    ///
    /// # Errors
    ///
    /// As with connections of tokio-postgres: the database is not the one that is mapped, or did not
    /// answer.
    #[cfg(feature = "sqlx")]
    pub async fn open_pool(
        pool: sqlx::PgPool,
        mapping: Mapping,
        key: PseudonymKey,
    ) -> Result<Self> {
        Self::over(Arc::new(pool), mapping, key).await
    }

    /// The same source that waits so long for another transaction's lock, and for the end of one
    /// statement, at most a day. Without this it waits ten seconds and five minutes.
    #[must_use]
    pub fn waiting(self, lock: Duration, statement: Duration) -> Self {
        let limits = Limits { lock, statement };
        Self(Arc::new(Inner { limits, ..(*self.0).clone() }))
    }

    async fn over(
        connections: Arc<dyn Connections>,
        mapping: Mapping,
        key: PseudonymKey,
    ) -> Result<Self> {
        let limits = Limits { lock: Duration::from_secs(10), statement: Duration::from_secs(300) };
        let (key, looked) = (Arc::new(key), Arc::default());
        let source = Self(Arc::new(Inner { connections, mapping, key, looked, limits }));
        // Nobody is asked for: policies that read the setting see none.
        source.0.begin(Begin::Reading, "").await?;
        Ok(source)
    }
}

impl Inner {
    async fn begin(&self, begin: Begin, tenant: &str) -> Result<Ready> {
        let mapping = &*self.mapping.0;
        Ok(Ready::begin(&*self.connections, begin, mapping, &self.looked, tenant, self.limits)
            .await?)
    }
}

#[async_trait]
impl DataSource for PostgresSource {
    fn facts(&self) -> &SourceFacts {
        self.0.mapping.facts()
    }

    async fn count(&self, whose: &Whose) -> Result<Count> {
        let pseudonym = self.0.key.pseudonym(whose);
        let asked = Asked::Person { whose, pseudonym: &pseudonym };
        let mut ready = self.0.begin(Begin::Reading, whose.tenant().as_str()).await?;
        Ok(ready.count(&self.0.mapping.0, asked).await?)
    }

    async fn collect(&self, whose: &Whose, sink: &mut dyn RowSink) -> Result<()> {
        let asked = Asked::Person { whose, pseudonym: "" };
        let mut ready = self.0.begin(Begin::Reading, whose.tenant().as_str()).await?;
        Ok(ready.collect(&self.0.mapping.0, asked, sink).await?)
    }

    async fn erase(&self, whose: &Whose) -> Result<Step> {
        let pseudonym = self.0.key.pseudonym(whose);
        let asked = Asked::Person { whose, pseudonym: &pseudonym };
        let mut ready = self.0.begin(Begin::Changing, whose.tenant().as_str()).await?;
        let step = ready.erase(&self.0.mapping.0, asked).await?;
        ready.commit().await?;
        Ok(step)
    }

    async fn correct(&self, whose: &Whose, correction: &Correction) -> Result<()> {
        let correcting = Correcting::of(&self.0.mapping.0, correction)?;
        let asked = Asked::Person { whose, pseudonym: "" };
        let mut ready = self.0.begin(Begin::Changing, whose.tenant().as_str()).await?;
        ready.correct(&self.0.mapping.0, asked, correcting).await?;
        Ok(ready.commit().await?)
    }

    async fn restrict(&self, whose: &Whose, restricted: bool) -> Result<Step> {
        let asked = Asked::Person { whose, pseudonym: "" };
        let mut ready = self.0.begin(Begin::Changing, whose.tenant().as_str()).await?;
        let step = ready.restrict(&self.0.mapping.0, asked, restricted).await?;
        ready.commit().await?;
        Ok(step)
    }

    async fn remaining(&self, whose: &Whose) -> Result<Remaining> {
        let pseudonym = self.0.key.pseudonym(whose);
        let asked = Asked::Person { whose, pseudonym: &pseudonym };
        let mut ready = self.0.begin(Begin::Reading, whose.tenant().as_str()).await?;
        Ok(ready.remaining(&self.0.mapping.0, asked).await?)
    }

    async fn count_older(
        &self,
        tenant: &TenantId,
        table: &str,
        before: Timestamp,
        except: &[HostId],
    ) -> Result<u64> {
        let at = self.0.mapping.0.aged(table)?;
        let asked = Asked::Older { at, tenant, before, except };
        let mut ready = self.0.begin(Begin::Reading, tenant.as_str()).await?;
        Ok(ready.count_older(&self.0.mapping.0, asked, at).await?)
    }

    async fn erase_older(
        &self,
        tenant: &TenantId,
        table: &str,
        before: Timestamp,
        except: &[HostId],
    ) -> Result<Step> {
        let at = self.0.mapping.0.aged(table)?;
        let asked = Asked::Older { at, tenant, before, except };
        let mut ready = self.0.begin(Begin::Changing, tenant.as_str()).await?;
        let step = ready.erase(&self.0.mapping.0, asked).await?;
        ready.commit().await?;
        Ok(step)
    }
}

impl fmt::Debug for PostgresSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresSource").field("name", &self.facts().name).finish_non_exhaustive()
    }
}

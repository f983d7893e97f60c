//! Events: written with what they tell of, delivered by the worker.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use async_trait::async_trait;
use bailee_core::{
    ConnectionRef, Error, ErrorKind, HostError, Id, ProviderId, Result, Timestamp,
    audit::Entry,
    event::{Event, Happened},
};
use bailee_store::{Due, Expect, Key, Lease, Op, Query};
use bailee_vault::{Draft, Holder};

use crate::{body, engine::Engine, kind};

/// Where the host hears of what happened. A host plugs it in.
#[async_trait]
pub trait EventSink: Send + Sync + 'static {
    /// Takes an event.
    ///
    /// Each comes at least once; for one connection they come in order. *Must* be prepared to see
    /// the same [`Event::id`] again.
    ///
    /// # Errors
    ///
    /// An error brings the event again later, before any further one of its connection.
    async fn deliver(&self, event: &Event) -> Result<(), HostError>;
}

impl Engine {
    /// The writes that tell the host of something, for the batch of what happened.
    pub(crate) async fn emit(
        &self,
        connection: &ConnectionRef,
        provider: &ProviderId,
        what: Happened,
    ) -> Result<Vec<Op>> {
        if self.0.sink.is_none() {
            return Ok(Vec::new());
        }
        let tenant = connection.tenant();
        self.0.vault.ensure_owner(tenant).await?;
        let at = self.0.clock.now();
        let event = Event {
            id: self.in_order(at, self.last_waiting(connection).await?)?,
            at,
            connection: connection.clone(),
            provider: provider.clone(),
            what,
        };
        // No personal data is in it, so it lives on when the connection's own key does not.
        let draft = Draft::new(Key::new(kind::EVENT, event.id), Holder::Tenant)
            .about(connection.owner().subject())
            .facts(body::SCHEMA, body::encode(&event)?);
        let lookups = vec![connection.connection().id()];
        let put = self.0.vault.put_with_lookups(tenant, draft, None, lookups).await?;
        let task = Key::new(kind::NOTIFY, connection.connection().id());
        let subject = connection.owner().subject();
        let due = Due::After(Duration::ZERO);
        Ok(vec![put, Op::Schedule { task, subject, due }])
    }

    /// The order of the last event of a connection that waits for its delivery, whichever process
    /// wrote it and whatever its clock said.
    async fn last_waiting(&self, connection: &ConnectionRef) -> Result<i64> {
        let id = connection.connection().id();
        let mut query = Query::of_kind(kind::EVENT).lookup(id).limit(1000);
        let mut last = i64::MIN;
        loop {
            let page = self.0.vault.store().find(connection.tenant(), &query).await?;
            if let Some(record) = page.records.last() {
                last = order_of(record.key.id);
            }
            match page.next {
                Some(next) => query = query.after(next),
                None => return Ok(last),
            }
        }
    }

    /// An id whose order is that of time, within this process that of the calls, and after
    /// `before`.
    fn in_order(&self, at: Timestamp, before: i64) -> Result<Id> {
        let at = at.as_micros().max(before.saturating_add(1)).max(0);
        let last = self
            .0
            .last_event
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |last| Some(at.max(last + 1)))
            .unwrap_or_else(|last| last);
        let mut bytes = *Id::generate(&*self.0.random)?.as_bytes();
        bytes[..8].copy_from_slice(&at.max(last + 1).to_be_bytes());
        Ok(Id::from_bytes(bytes))
    }

    /// Delivers the events of one connection, oldest first, until one is not taken.
    pub(crate) async fn notify(&self, lease: &Lease) -> Result<()> {
        let Some(sink) = self.0.sink.clone() else { return self.finish(lease, Due::Never).await };
        let tenant = &lease.tenant;
        let query = Query::of_kind(kind::EVENT).lookup(lease.task.id).limit(100);
        let page = self.0.vault.store().find(tenant, &query).await?;
        let more = page.next.is_some();
        for record in page.records {
            let opened = self.0.vault.open(tenant, Holder::Tenant, &record).await?;
            let event: Event = body::decode(&opened.facts()?)?;
            if let Err(error) = deliver(&sink, &event).await {
                tracing::warn!(kind = ?error.kind(), "an event was not taken and comes again");
                let wait = crate::limiter::backoff(
                    &*self.0.random,
                    lease.tries,
                    Duration::from_secs(5),
                    Duration::from_secs(3600),
                )?;
                return self.finish(lease, Due::After(wait)).await;
            }
            let batch = self
                .0
                .vault
                .batch()?
                .delete(record.key.clone(), Expect::Version(record.version))
                .audit(
                    Entry::new("event.delivered", self.0.clock.now())
                        .about(record.subject)
                        .with("event", event.id),
                );
            self.0.vault.commit(tenant, batch).await?;
        }
        // An event written meanwhile planned this work again; while a claim holds, that plan moves
        // only the due time, so look once more before it is removed.
        let due = if more { Due::After(Duration::ZERO) } else { Due::Never };
        if due == Due::Never {
            let again = self.0.vault.store().find(tenant, &query).await?;
            if !again.records.is_empty() {
                return self.finish(lease, Due::After(Duration::ZERO)).await;
            }
        }
        self.finish(lease, due).await
    }
}

/// The part of an event's id that orders it.
fn order_of(id: Id) -> i64 {
    let mut order = [0; 8];
    order.copy_from_slice(&id.as_bytes()[..8]);
    i64::from_be_bytes(order)
}

async fn deliver(sink: &Arc<dyn EventSink>, event: &Event) -> Result<()> {
    sink.deliver(event).await.map_err(|error| Error::new(ErrorKind::HostFailed).with_source(error))
}

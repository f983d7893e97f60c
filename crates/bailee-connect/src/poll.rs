//! Fetching what a provider keeps for whoever asks, for a registration as a whole.

use std::time::Duration;

use bailee_core::{Error, ErrorKind, Id, RegistrationId, Result, TenantId, audit::Entry};
use bailee_providers::signal::Signal;
use bailee_store::{BatchBuilder, Due, Key, Lease};
use bailee_vault::{Draft, Holder};
use serde::{Deserialize, Serialize};

use crate::{
    body,
    drive::{DEADLINE, OpenSecret},
    engine::Engine,
    inbox::InboxBody,
    kind,
    registration::Registered,
    secrets::{copy, not_at_hand},
};

/// After how long a provider that did not answer is asked again.
const AGAIN: Duration = Duration::from_secs(300);
/// No provider is asked oftener, unless it has more.
const OFTENEST: Duration = Duration::from_secs(60);
/// How long an inbox record of ours is kept: nobody repeats it.
const KEPT: Duration = Duration::from_secs(30 * 86_400);

/// `poll`: how far the signals of a registration were fetched.
#[derive(Clone, Default, Serialize, Deserialize)]
struct PollBody {
    progress: Option<String>,
}

fn poll_id(registration: &RegistrationId) -> Id {
    Id::derive(&[b"poll", registration.as_str().as_bytes()])
}

impl Engine {
    /// Plans the fetching for the registrations whose provider keeps signals, once.
    pub(crate) async fn start_polls(&self) -> Result<()> {
        for registered in self.0.registrations.values() {
            let line = self.line_without_asking(registered);
            if registered.provider.poll(&line.context(), None).is_none() {
                continue;
            }
            let key = Key::new(kind::POLL, poll_id(registered.id()));
            let vault = &self.0.vault;
            let view =
                vault.read(&TenantId::SYSTEM, Holder::Tenant, std::slice::from_ref(&key)).await?;
            if view.record(0).is_some() {
                continue;
            }
            let draft = Draft::new(key.clone(), Holder::Tenant)
                .facts(body::SCHEMA, body::encode(&PollBody::default())?);
            let put = vault.put(&TenantId::SYSTEM, draft, None).await?;
            let batch = vault
                .batch()?
                .op(put)
                .schedule(Key::new(kind::FETCH, key.id), None, Due::After(Duration::ZERO))
                .audit(
                    Entry::new("signals.planned", view.now()).with("registration", registered.id()),
                );
            match vault.commit(&TenantId::SYSTEM, batch).await {
                // Another process of this instance was faster.
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => {
                    done?;
                }
            }
        }
        Ok(())
    }

    /// Due: the signals that a provider keeps.
    pub(crate) async fn fetch_due(&self, lease: &Lease) -> Result<()> {
        let registered = self
            .0
            .registrations
            .values()
            .find(|registered| poll_id(registered.id()) == lease.task.id)
            .cloned();
        let Some(registered) = registered else {
            // Another process of this instance may have it.
            return self.finish(lease, Due::After(KEPT / 30)).await;
        };
        match self.fetch(&registered, lease).await {
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
            Err(error) => {
                tracing::warn!(kind = ?error.kind(), "signals are fetched later");
                self.finish(lease, Due::After(AGAIN)).await
            }
            done => done,
        }
    }

    async fn fetch(&self, registered: &std::sync::Arc<Registered>, lease: &Lease) -> Result<()> {
        let vault = &self.0.vault;
        let key = Key::new(kind::POLL, lease.task.id);
        let view =
            vault.read(&TenantId::SYSTEM, Holder::Tenant, std::slice::from_ref(&key)).await?;
        self.admit_instance(view.control()).await?;
        let body = view.facts(0)?.map(|facts| body::decode::<PollBody>(&facts)).transpose()?;
        let body = body.unwrap_or_default();
        let line = self.line(registered).await?;
        let step = registered.provider.poll(&line.context(), body.progress.as_deref());
        let Some(step) = step else { return self.finish(lease, Due::Never).await };
        let client = self.client_secret(registered).await?;
        let polled = line
            .run(step, &ClientAlone(client), DEADLINE)
            .await
            .map_err(|halt| line.error(halt))?;
        let went_on = polled.progress.is_some();
        let progress = polled.progress.or_else(|| body.progress.clone());
        let again = if went_on { polled.again } else { polled.again.max(OFTENEST) };
        let draft = Draft::new(key, Holder::Tenant)
            .facts(body::SCHEMA, body::encode(&PollBody { progress })?);
        let put = vault.put(&TenantId::SYSTEM, draft, view.record(0)).await?;
        let mut batch = vault
            .batch()?
            .op(put)
            .finish(lease.task.clone(), lease.fence, Due::After(again))
            .audit(
                Entry::new("signals.fetched", self.0.clock.now())
                    .with("registration", registered.id())
                    .with("count", polled.signals.len() as i64),
            );
        if !polled.signals.is_empty() {
            batch = self.told(registered.id(), &polled.signals, batch).await?;
        }
        vault.commit(&TenantId::SYSTEM, batch).await.map(|_| ())
    }

    /// Keeps what a provider answered when it was asked, like anything else that it tells.
    pub(crate) async fn keep_told(
        &self,
        registration: &RegistrationId,
        signals: &[Signal],
    ) -> Result<()> {
        let batch = self.told(registration, signals, self.0.vault.batch()?).await?;
        self.0.vault.commit(&TenantId::SYSTEM, batch).await.map(|_| ())
    }

    async fn told(
        &self,
        registration: &RegistrationId,
        signals: &[Signal],
        batch: BatchBuilder,
    ) -> Result<BatchBuilder> {
        let now = self.0.clock.now();
        let id = Id::generate(&*self.0.random)?;
        let digest = bailee_core::sha256(&body::encode(&signals)?);
        let body = InboxBody::new(registration.clone(), digest, None, signals, now);
        let draft = Draft::new(Key::new(kind::INBOX, id), Holder::Tenant)
            .expires(now.plus(KEPT))
            .facts(body::SCHEMA, body::encode(&body)?);
        let put = self.0.vault.put(&TenantId::SYSTEM, draft, None).await?;
        Ok(batch
            .op(put)
            .schedule(Key::new(kind::SIGNAL, id), None, Due::After(Duration::ZERO))
            .audit(
                Entry::new("signal.received", now)
                    .with("signal", id)
                    .with("registration", registration)
                    .with("digest", digest)
                    .with("count", signals.len() as i64),
            ))
    }
}

/// The client's own secret, and none of a connection.
pub(crate) struct ClientAlone(pub(crate) Option<bailee_core::Plaintext>);

#[async_trait::async_trait]
impl OpenSecret for ClientAlone {
    fn open(&self, which: bailee_providers::SecretRef) -> Result<bailee_core::Plaintext, Error> {
        match which {
            bailee_providers::SecretRef::ClientSecret => copy(self.0.as_ref()),
            _ => Err(not_at_hand()),
        }
    }
}

//! What follows from a use: the credential is renewed ahead of its end while it is in use, and the
//! disclosure is noted.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use bailee_core::{ConnectionRef, Id, audit::Entry};
use bailee_store::{Due, Key};

use crate::{body::CredentialBody, engine::Engine, gate::Pass, kind, limiter::jitter};

/// The token sets whose renewal is planned, by credential and generation.
#[derive(Debug, Default)]
pub(crate) struct Usage(Mutex<HashSet<(Id, u64)>>);

const MOST: usize = 100_000;

impl Engine {
    /// Plans the renewal of a credential at its first use in its lifetime: one that nobody uses is
    /// renewed when it is next used, or kept alive as the provider asks.
    pub(crate) fn plan_renewal(&self, connection: &ConnectionRef, pass: &Pass) {
        let credential: &CredentialBody = &pass.credential;
        let Some(expires_at) = credential.expires_at.filter(|_| credential.has_refresh) else {
            return;
        };
        let id = connection.credential(&credential.name);
        {
            let mut planned = self.0.usage.0.lock().unwrap_or_else(PoisonError::into_inner);
            if planned.len() >= MOST {
                planned.clear();
            }
            if !planned.insert((id, credential.generation)) {
                return;
            }
        }
        let margin = credential.margin();
        let early = jitter(&*self.0.random, margin / 5).unwrap_or_default();
        let due = Due::At(expires_at.minus(margin).minus(early));
        let (engine, connection) = (self.clone(), connection.clone());
        let generation = credential.generation;
        self.spawn(async move {
            let planned = async {
                let batch = engine
                    .0
                    .vault
                    .batch()?
                    .schedule(Key::new(kind::REFRESH, id), connection.owner().subject(), due)
                    .audit(
                        Entry::new("credential.refresh_planned", engine.0.clock.now())
                            .about(connection.owner().subject())
                            .with("connection", connection.connection())
                            .with("credential", id),
                    );
                engine.0.vault.commit(connection.tenant(), batch).await
            };
            if planned.await.is_err() {
                // The next use plans it again; without a plan the token is renewed on use.
                engine
                    .0
                    .usage
                    .0
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .remove(&(id, generation));
            }
        });
    }
}

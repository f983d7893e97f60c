//! The renewals under way in this process: callers that come while one is under way wait for it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bailee_core::{
    ConnectionRef, CredentialName, Error, ErrorKind, Id, Monotonic, Result, TenantId,
};
use futures_channel::oneshot;
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};

use crate::engine::Engine;

/// The renewals under way in this process.
#[derive(Default)]
pub(crate) struct Flights {
    under_way: Mutex<HashMap<(TenantId, Id), Flight>>,
    /// Attempts of this process whose outcome nobody knows, until their claim is over.
    left_open: Mutex<HashMap<(TenantId, Id), Monotonic>>,
}

type Flight = Shared<BoxFuture<'static, Result<(), Arc<Error>>>>;

impl Flights {
    /// Notes that nobody knows what came of an attempt, until its claim is over.
    pub(crate) fn leave_open(&self, key: (TenantId, Id), until: Monotonic) {
        self.left_open.lock().unwrap_or_else(PoisonError::into_inner).insert(key, until);
    }
}

impl Engine {
    /// Renews a credential, unless somebody did since `seen` was read. Callers that come while it
    /// is under way wait for the same renewal.
    pub(crate) async fn refresh(
        &self,
        connection: &ConnectionRef,
        name: &CredentialName,
        seen: u64,
    ) -> Result<()> {
        let id = connection.credential(name);
        let flight = self.flight(connection, name, id, seen);
        flight.await.map_err(|error| error.without_source())
    }

    fn flight(
        &self,
        connection: &ConnectionRef,
        name: &CredentialName,
        id: Id,
        seen: u64,
    ) -> Flight {
        let key = (connection.tenant().clone(), id);
        let mut flights = self.0.flights.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(&key) {
            return flight.clone();
        }
        let (tell, told) = oneshot::channel();
        let flight: Flight = told
            .map(|told: Result<Result<(), Arc<Error>>, _>| {
                told.unwrap_or_else(|_| {
                    Err(Arc::new(
                        Error::new(ErrorKind::Ambiguous)
                            .with_detail("the task of a renewal was dropped"),
                    ))
                })
            })
            .boxed()
            .shared();
        flights.insert(key.clone(), flight.clone());
        drop(flights);
        let (engine, connection, name) = (self.clone(), connection.clone(), name.clone());
        // The request is the engine's own: a caller that goes away changes nothing.
        self.spawn(async move {
            let landed = Landing { engine: engine.clone(), key };
            let outcome = engine.renew(&connection, &name, seen).await;
            drop(landed);
            drop(tell.send(outcome.map_err(Arc::new)));
        });
        flight
    }

    /// How long until an attempt that this process left open may be made again.
    pub(crate) fn open_for(&self, tenant: &TenantId, credential: Id) -> Option<Duration> {
        let now = self.0.clock.monotonic();
        let mut open = self.0.flights.left_open.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (tenant.clone(), credential);
        match open.get(&key) {
            Some(until) if now < *until => Some(until.since(now)),
            Some(_) => {
                open.remove(&key);
                None
            }
            None => None,
        }
    }
}

/// Takes a flight out when its task ends, however it ends.
struct Landing {
    engine: Engine,
    key: (TenantId, Id),
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.engine
            .0
            .flights
            .under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.key);
    }
}

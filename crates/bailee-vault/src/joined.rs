//! Reads of the same records at the same time, made together.
//!
//! Where many wait for one thing (callers of a credential that is being renewed), they all look again
//! at the same moment, and each would ask the store for the same rows. One read answers for all who came
//! before it began. Nobody is answered by a read that was under way when they came: what was committed
//! before somebody asks is always in what they see.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use bailee_core::{Error, Result, TenantId};
use bailee_store::{Key, Snapshot, Store};
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};

/// Where a read is made.
pub(crate) trait Look: Send + Sync + 'static {
    /// As [`Store::read`].
    fn look<'l>(&'l self, tenant: &'l TenantId, keys: &'l [Key])
    -> BoxFuture<'l, Result<Snapshot>>;
}

impl Look for dyn Store {
    fn look<'l>(
        &'l self,
        tenant: &'l TenantId,
        keys: &'l [Key],
    ) -> BoxFuture<'l, Result<Snapshot>> {
        self.read(tenant, keys)
    }
}

/// The reads of one store that are under way.
#[derive(Default)]
pub(crate) struct JoinedReads {
    /// How many are reading, by a part of the first key's id: somebody who is alone reads by themselves.
    reading: Busy,
    places: Arc<Mutex<HashMap<Asked, Place>>>,
}

struct Busy([AtomicUsize; PARTS]);

/// What is asked for.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Asked {
    tenant: TenantId,
    keys: Vec<Key>,
}

/// The read that is under way for it, and the one that begins when that has ended.
struct Place {
    under_way: Waiting,
    next: Option<Waiting>,
}

type Answer = Result<Arc<Snapshot>, Arc<Error>>;
type Flight = Shared<BoxFuture<'static, Answer>>;
/// A flight that nobody waits for any more is gone.
type Waiting = WeakShared<BoxFuture<'static, Answer>>;

impl JoinedReads {
    /// Reads, together with whoever asks for the same.
    ///
    /// # Errors
    ///
    /// As [`Store::read`]; who shares a read shares its error.
    pub(crate) async fn read<S: Look + ?Sized>(
        &self,
        store: &Arc<S>,
        tenant: &TenantId,
        keys: &[Key],
    ) -> Result<Snapshot> {
        let (others, _reading) = self.reading.enter(keys);
        if others == 0 {
            return store.look(tenant, keys).await;
        }
        let asked = Asked { tenant: tenant.clone(), keys: keys.to_vec() };
        let flight = self.join(store, asked);
        match flight.await {
            Ok(snapshot) => Ok(Arc::unwrap_or_clone(snapshot)),
            Err(error) => Err(alike(error)),
        }
    }

    /// The read that begins after now.
    fn join<S: Look + ?Sized>(&self, store: &Arc<S>, asked: Asked) -> Flight {
        let mut places = lock(&self.places);
        if places.len() >= MANY {
            places.retain(|_, place| place.is_alive());
        }
        let under_way = places.get(&asked).and_then(|place| place.under_way.upgrade());
        let Some(before) = under_way else {
            let flight = self.flight(store, asked.clone(), None);
            if let Some(under_way) = flight.downgrade() {
                places.insert(asked, Place { under_way, next: None });
            }
            return flight;
        };
        let next = places.get(&asked).and_then(|place| place.next.as_ref()?.upgrade());
        if let Some(next) = next {
            return next;
        }
        let flight = self.flight(store, asked.clone(), Some(before));
        if let Some(place) = places.get_mut(&asked) {
            place.next = flight.downgrade();
        }
        flight
    }

    /// A read that begins when the one before it has ended, and does not take anybody in from then on.
    fn flight<S: Look + ?Sized>(
        &self,
        store: &Arc<S>,
        asked: Asked,
        before: Option<Flight>,
    ) -> Flight {
        let (store, places) = (Arc::clone(store), Arc::clone(&self.places));
        let read = async move {
            if let Some(before) = before {
                // How it ended is for those who waited for it.
                drop(before.await);
                if let Some(place) = lock(&places).get_mut(&asked)
                    && let Some(next) = place.next.take()
                {
                    place.under_way = next;
                }
            }
            let answer = store.look(&asked.tenant, &asked.keys).await;
            let mut places = lock(&places);
            let waited_for = |next: &Waiting| next.upgrade().is_some();
            if !places.get(&asked).is_some_and(|place| place.next.as_ref().is_some_and(waited_for))
            {
                places.remove(&asked);
            }
            answer.map(Arc::new).map_err(Arc::new)
        };
        read.boxed().shared()
    }
}

impl Place {
    fn is_alive(&self) -> bool {
        let waited_for = |flight: &Waiting| flight.upgrade().is_some();
        waited_for(&self.under_way) || self.next.as_ref().is_some_and(waited_for)
    }
}

impl Busy {
    /// How many others are reading in this part, until the guard goes.
    fn enter(&self, keys: &[Key]) -> (usize, Reading<'_>) {
        let part = keys.first().map_or(0, |key| usize::from(key.id.as_bytes()[0]) % PARTS);
        let count = &self.0[part];
        (count.fetch_add(1, Ordering::SeqCst), Reading(count))
    }
}

impl Default for Busy {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicUsize::new(0)))
    }
}

/// Somebody who is reading.
struct Reading<'b>(&'b AtomicUsize);

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The error that several share, for one of them.
fn alike(error: Arc<Error>) -> Error {
    let same = Error::new(error.kind()).with_remedy(error.remedy());
    match error.detail().map(ToOwned::to_owned) {
        Some(detail) => same.with_detail(detail).with_source(error),
        None => same.with_source(error),
    }
}

fn lock(places: &Mutex<HashMap<Asked, Place>>) -> MutexGuard<'_, HashMap<Asked, Place>> {
    // Nothing under this lock panics half-way through a change.
    places.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Parts of the ids, so that readers of different things rarely meet.
const PARTS: usize = 64;

/// With so many places, those that nobody waits for are looked for.
const MANY: usize = 1024;

#[cfg(test)]
mod tests;

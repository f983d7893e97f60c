//! Unwrapped keys, kept for a while and within limits.

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    mem,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use bailee_core::{Id, Monotonic, Result};
use bailee_store::Version;

use crate::{
    error::{Fault, configuration, too_old},
    key::NamedKey,
};

/// How long and how often an unwrapped key is used before it is unwrapped anew.
///
/// The age of a subject's key is how long *other* processes can still open what an erasure made
/// unreadable here. The defaults are also the most that [`crate::VaultBuilder::open`] accepts.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CacheLimits {
    /// The greatest age of a tenant key. 15 minutes.
    pub tenant_age: Duration,
    /// The greatest age of a subject's or connection's key. 60 seconds.
    pub holder_age: Duration,
    /// How many bodies one unwrapped key seals or opens. 2^20.
    pub uses: u32,
    /// How many tenants, and how many subjects and connections, are kept. 10,000 of each.
    pub entries: usize,
}

impl Default for CacheLimits {
    fn default() -> Self {
        Self {
            tenant_age: Duration::from_secs(15 * 60),
            holder_age: Duration::from_secs(60),
            uses: 1 << 20,
            entries: 10_000,
        }
    }
}

impl CacheLimits {
    pub(crate) fn check(&self) -> Result<()> {
        let most = Self::default();
        if self.tenant_age > most.tenant_age
            || self.holder_age > most.holder_age
            || self.uses > most.uses
            || self.entries > most.entries
            || self.uses == 0
        {
            return Err(configuration(
                "the limits of the key cache are wider than what is promised",
            ));
        }
        Ok(())
    }
}

/// The unwrapped keys of one row, the active one first, with how long and how often they serve.
pub(crate) struct KeySet {
    keys: Vec<NamedKey>,
    version: Version,
    until: Monotonic,
    /// How long before its end it is no longer handed out.
    reserve: Duration,
    /// The same of its uses.
    reserved_uses: u32,
    uses: AtomicU32,
    /// Whether the row is still to be committed.
    pending: AtomicBool,
}

impl KeySet {
    /// `uses` is how many there are left.
    pub(crate) fn new(
        keys: Vec<NamedKey>,
        version: Version,
        now: Monotonic,
        age: Duration,
        uses: u32,
    ) -> Self {
        Self {
            keys,
            version,
            until: now.plus(age),
            reserve: RESERVE.min(age / 6),
            reserved_uses: RESERVED_USES.min(uses / 16),
            uses: AtomicU32::new(uses),
            pending: AtomicBool::new(false),
        }
    }

    /// Says that the row is still to be committed.
    pub(crate) fn pending(self) -> Self {
        self.pending.store(true, Ordering::Relaxed);
        self
    }

    /// Says that the row was committed.
    pub(crate) fn settle(&self) {
        self.pending.store(false, Ordering::Relaxed);
    }

    /// Whether the row is still to be committed, so that nobody wonders where it is.
    pub(crate) fn is_pending(&self) -> bool {
        self.pending.load(Ordering::Relaxed)
    }

    /// The version of the row that they were unwrapped from.
    pub(crate) fn version(&self) -> Version {
        self.version
    }

    /// Whether they may still serve.
    pub(crate) fn is_fresh(&self, now: Monotonic) -> bool {
        now < self.until && self.uses.load(Ordering::Relaxed) > 0
    }

    /// Whether they also serve for a while after they are taken, so that what was read with them
    /// can be opened. Whoever finds less than that unwraps them anew.
    fn is_worth_taking(&self, now: Monotonic) -> bool {
        self.is_fresh(now.plus(self.reserve))
            && self.uses.load(Ordering::Relaxed) > self.reserved_uses
    }

    /// The key that seals, for one use.
    pub(crate) fn active(&self, now: Monotonic) -> Result<&NamedKey> {
        self.spend(now)?;
        self.keys.first().ok_or_else(|| Fault::UnknownKey.into())
    }

    /// The key of this id, for one use. Never another one.
    pub(crate) fn by_id(&self, id: Id, now: Monotonic) -> Result<&NamedKey> {
        self.spend(now)?;
        self.keys.iter().find(|key| key.id == id).ok_or_else(|| Fault::UnknownKey.into())
    }

    pub(crate) fn contains(&self, id: Id) -> bool {
        self.keys.iter().any(|key| key.id == id)
    }

    fn spend(&self, now: Monotonic) -> Result<()> {
        let spent = self
            .uses
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if now >= self.until || spent.is_err() {
            return Err(too_old());
        }
        Ok(())
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySet").field("keys", &self.keys).field("until", &self.until).finish()
    }
}

/// Two generations: what was used since the last turn, and what was used before it. A full young
/// one becomes the old one and the old one goes, so the least recently used go first and each
/// step costs a constant on average.
pub(crate) struct Cache<K> {
    young: HashMap<K, Arc<KeySet>>,
    old: HashMap<K, Arc<KeySet>>,
    half: usize,
    evictions: u64,
}

impl<K: Eq + Hash> Cache<K> {
    pub(crate) fn new(entries: usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            half: (entries / 2).max(1),
            evictions: 0,
        }
    }

    /// The keys, if they are here and still serve for a while.
    pub(crate) fn fresh(&mut self, name: &K, now: Monotonic) -> Option<Arc<KeySet>> {
        if let Some(keys) = self.young.get(name) {
            if keys.is_worth_taking(now) {
                return Some(Arc::clone(keys));
            }
            self.young.remove(name);
            return None;
        }
        let (name, keys) = self.old.remove_entry(name)?;
        if !keys.is_worth_taking(now) {
            return None;
        }
        self.insert(name, Arc::clone(&keys));
        Some(keys)
    }

    pub(crate) fn insert(&mut self, name: K, keys: Arc<KeySet>) {
        self.old.remove(&name);
        if self.young.len() >= self.half && !self.young.contains_key(&name) {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(name, keys);
    }

    /// How often something was forgotten on purpose. Who reads a row remembers this number before
    /// and gives it to [`Cache::insert_since`].
    pub(crate) fn evictions(&self) -> u64 {
        self.evictions
    }

    /// Inserts, unless something was forgotten in between: it may have been this, and the row
    /// that these keys came out of may be gone.
    pub(crate) fn insert_since(&mut self, evictions: u64, name: K, keys: Arc<KeySet>) {
        if self.evictions == evictions {
            self.insert(name, keys);
        }
    }

    pub(crate) fn remove(&mut self, name: &K) {
        self.evictions += 1;
        self.young.remove(name);
        self.old.remove(name);
    }

    pub(crate) fn retain(&mut self, keep: impl Fn(&K, &KeySet) -> bool) {
        self.young.retain(|name, keys| keep(name, keys));
        self.old.retain(|name, keys| keep(name, keys));
    }

    pub(crate) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

/// A call lasts longer than the moment at which its keys were taken: it opens the token with them
/// up to a second later, and a store may be slow.
const RESERVE: Duration = Duration::from_secs(10);

/// More than what calls that run at one moment open with one key.
const RESERVED_USES: u32 = 4096;

#[cfg(test)]
mod tests {
    use bailee_core::{Clock, ManualClock, SystemRandom};

    use super::*;

    fn keys(clock: &ManualClock, uses: u32) -> Arc<KeySet> {
        let key = NamedKey::generate(&SystemRandom).unwrap();
        let (now, age) = (clock.monotonic(), Duration::from_secs(60));
        Arc::new(KeySet::new(vec![key], Version(1), now, age, uses))
    }

    #[test]
    fn the_cache_never_holds_more_than_its_limit_and_keeps_what_is_used() {
        let clock = ManualClock::default();
        let mut cache = Cache::new(10);
        for n in 0..1000 {
            cache.insert(n, keys(&clock, 1));
            assert!(cache.len() <= 10);
            assert!(n == 0 || cache.fresh(&0, clock.monotonic()).is_some(), "{n}");
        }
        assert!(cache.fresh(&1, clock.monotonic()).is_none());
        assert!(cache.fresh(&999, clock.monotonic()).is_some());
    }

    #[test]
    fn a_key_that_was_read_before_it_was_forgotten_is_not_put_back() {
        let clock = ManualClock::default();
        let mut cache = Cache::new(10);
        let before = cache.evictions();
        cache.remove(&1);
        cache.insert_since(before, 1, keys(&clock, 1));
        assert_eq!(cache.len(), 0);
        cache.insert_since(cache.evictions(), 1, keys(&clock, 1));
        assert_eq!(cache.len(), 1);
    }

    #[test]
    fn keys_serve_until_their_age_and_not_at_it() {
        let clock = ManualClock::default();
        let keys = keys(&clock, 10);
        clock.advance(Duration::from_secs(60) - Duration::from_micros(1));
        assert!(keys.active(clock.monotonic()).is_ok());
        clock.advance(Duration::from_micros(1));
        assert!(!keys.is_fresh(clock.monotonic()));
        assert!(keys.active(clock.monotonic()).is_err());
    }

    #[test]
    fn keys_that_are_about_to_end_are_not_handed_out() {
        let clock = ManualClock::default();
        let mut cache = Cache::new(10);
        cache.insert(1, keys(&clock, 10));
        clock.advance(Duration::from_secs(50) - Duration::from_micros(1));
        let taken = cache.fresh(&1, clock.monotonic()).unwrap();
        clock.advance(Duration::from_micros(1));
        assert!(cache.fresh(&1, clock.monotonic()).is_none());
        // Whoever has them goes on.
        clock.advance(Duration::from_secs(9));
        assert!(taken.active(clock.monotonic()).is_ok());

        cache.insert(2, keys(&clock, 32));
        let taken = cache.fresh(&2, clock.monotonic()).unwrap();
        for _ in 0..30 {
            assert!(cache.fresh(&2, clock.monotonic()).is_some());
            assert!(taken.active(clock.monotonic()).is_ok());
        }
        assert!(cache.fresh(&2, clock.monotonic()).is_none());
        assert!(taken.active(clock.monotonic()).is_ok());
    }

    #[test]
    fn keys_serve_so_often_and_not_more() {
        let clock = ManualClock::default();
        let keys = keys(&clock, 3);
        for _ in 0..3 {
            assert!(keys.is_fresh(clock.monotonic()));
            assert!(keys.active(clock.monotonic()).is_ok());
        }
        assert!(!keys.is_fresh(clock.monotonic()));
        assert!(keys.active(clock.monotonic()).is_err());
    }

    #[test]
    fn limits_wider_than_the_promise_are_refused() {
        let wider = CacheLimits { holder_age: Duration::from_secs(61), ..CacheLimits::default() };
        assert!(wider.check().is_err());
        assert!(CacheLimits::default().check().is_ok());
    }
}

//! A limit that a provider imposed, as every process is told of it.
//!
//! A record for each limiter of a registration, in the system's tenant. It is written when an answer
//! imposes a wait that is longer than telling takes and than what is told already, and looked for
//! once a second while the registration is in use; its end is its expiry. A store that cannot be
//! reached leaves each process with what it was told itself.

use std::time::Duration;

use bailee_core::{
    ConnectionId, ErrorKind, Id, Monotonic, Result, TenantId, Timestamp, audit::Entry,
};
use bailee_store::Key;
use bailee_vault::{Draft, Holder};
use serde::{Deserialize, Serialize};

use crate::{
    body,
    engine::Engine,
    kind,
    limiter::{Limiter, Whose},
    registration::Registered,
};

/// How often the record is looked for, and how much longer a limit has to be to be told.
const EVERY: Duration = Duration::from_secs(1);

/// So many accounts are told of, those that wait longest.
const ACCOUNTS: usize = 200;

/// `limit`.
#[derive(Default, Serialize, Deserialize)]
struct LimitBody {
    /// Until when the whole registration waits, by the store's clock.
    until: Option<Timestamp>,
    /// The accounts that wait for themselves, the longest first.
    #[serde(default)]
    accounts: Vec<(ConnectionId, Timestamp)>,
}

impl LimitBody {
    fn of(&self, whose: Whose) -> Option<Timestamp> {
        match whose {
            None => self.until,
            Some(account) => {
                self.accounts.iter().find(|(id, _)| *id == account).map(|(_, until)| *until)
            }
        }
    }

    /// Adds a limit and drops what is over by now. Says whether there was room for it.
    fn add(&mut self, whose: Whose, until: Timestamp, now: Timestamp) -> bool {
        self.until = self.until.filter(|until| *until > now);
        self.accounts.retain(|(id, until)| *until > now && Some(*id) != whose);
        match whose {
            None => self.until = Some(until),
            Some(account) => self.accounts.push((account, until)),
        }
        self.accounts.sort_by_key(|(_, until)| std::cmp::Reverse(*until));
        self.accounts.truncate(ACCOUNTS);
        self.of(whose).is_some()
    }

    /// When the last of them is over.
    fn end(&self) -> Option<Timestamp> {
        self.accounts.first().map(|(_, until)| *until).max(self.until)
    }

    fn learnt_by(&self, limiter: &Limiter, engine: &Engine, now: Timestamp) {
        let clock = &*engine.0.clock;
        let accounts = self.accounts.iter().map(|(account, until)| (Some(*account), *until));
        for (whose, until) in self.until.map(|until| (None, until)).into_iter().chain(accounts) {
            if until > now {
                limiter.learn(clock, whose, until.since(now));
            }
        }
    }
}

fn key(registered: &Registered, limiter: &Limiter) -> Key {
    let id = Id::derive(&[b"limit", registered.id().as_str().as_bytes(), limiter.name.as_bytes()]);
    Key::new(kind::LIMIT, id)
}

impl Engine {
    /// Looks what other processes were told, when that was not done within the last second.
    pub(crate) async fn learn_limits(&self, registered: &Registered) {
        if !registered.look_is_due(self.0.clock.monotonic(), EVERY) {
            return;
        }
        let limiters = registered.limiters();
        let keys = limiters.map(|limiter| key(registered, limiter));
        let Ok(view) = self.0.vault.read(&TenantId::SYSTEM, Holder::Tenant, &keys).await else {
            return;
        };
        for (n, limiter) in limiters.into_iter().enumerate() {
            // What a newer release wrote, or nobody sealed, holds nothing up.
            if let Ok(Some(facts)) = view.facts(n)
                && let Ok(told) = body::decode::<LimitBody>(&facts)
            {
                told.learnt_by(limiter, self, view.now());
            }
        }
    }

    /// Tells the other processes of a limit, if it is long enough and they do not know it.
    pub(crate) async fn tell_limit(
        &self,
        registered: &Registered,
        limiter: &Limiter,
        whose: Whose,
        until: Monotonic,
    ) {
        if !limiter.begin_telling(&*self.0.clock, whose, EVERY) {
            return;
        }
        for _ in 0..5 {
            match self.write_limit(registered, limiter, whose, until).await {
                // Another process wrote at the same moment: its limit and ours.
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Ok(()) => return,
                Err(_) => break,
            }
        }
        limiter.tell_again(whose);
    }

    async fn write_limit(
        &self,
        registered: &Registered,
        limiter: &Limiter,
        whose: Whose,
        until: Monotonic,
    ) -> Result<()> {
        let vault = &self.0.vault;
        let place = key(registered, limiter);
        let keys = std::slice::from_ref(&place);
        let view = vault.read(&TenantId::SYSTEM, Holder::Tenant, keys).await?;
        self.admit_instance(view.control()).await?;
        let now = view.now();
        let until = now.plus(until.since(self.0.clock.monotonic()));
        let mut told: LimitBody =
            view.facts(0)?.map(|facts| body::decode(&facts)).transpose()?.unwrap_or_default();
        if told.of(whose).is_some_and(|known| until <= known.plus(EVERY)) || until <= now {
            return Ok(());
        }
        if !told.add(whose, until, now) {
            return Ok(());
        }
        let draft = Draft::new(place, Holder::Tenant)
            .expires(told.end())
            .facts(body::SCHEMA, body::encode(&told)?);
        let put = vault.put(&TenantId::SYSTEM, draft, view.record(0)).await?;
        let mut entry = Entry::new("registration.limited", self.0.clock.now())
            .with("registration", registered.id())
            .with("provider", &registered.facts.provider)
            .with("kind", limiter.name)
            .with("until", until);
        if let Some(account) = whose {
            entry = entry.with("connection", account);
        }
        let batch = vault.batch()?.op(put).audit(entry);
        vault.commit(&TenantId::SYSTEM, batch).await.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn account(n: u16) -> ConnectionId {
        let mut bytes = [0; 16];
        bytes[..2].copy_from_slice(&n.to_be_bytes());
        ConnectionId::from_id(Id::from_bytes(bytes))
    }

    #[test]
    fn out_08_the_record_keeps_what_waits_longest_and_ends_with_it() {
        let mut told = LimitBody::default();
        assert!(told.add(None, at(20), at(0)));
        for n in 0..ACCOUNTS as u16 {
            assert!(told.add(Some(account(n)), at(100 + i64::from(n)), at(0)));
        }
        assert!(!told.add(Some(account(900)), at(50), at(0)), "there is no room for the shortest");
        assert!(told.add(Some(account(901)), at(150), at(0)));
        assert_eq!(told.of(Some(account(0))), None);
        assert_eq!(told.end(), Some(at(100 + ACCOUNTS as i64 - 1)));
        assert_eq!(told.of(None), Some(at(20)));

        assert!(told.add(Some(account(901)), at(500), at(299)));
        assert_eq!(told.accounts, [(account(901), at(500))], "what is over is dropped");
        assert_eq!(told.of(None), None);
        assert!(body::encode(&told).unwrap().len() < 64 * 1024);
    }

    #[test]
    fn a_full_record_fits_into_a_sealed_part() {
        let mut told = LimitBody::default();
        for n in 0..ACCOUNTS as u16 {
            told.add(Some(account(n)), at(4_000_000_000), at(0));
        }
        assert!(body::encode(&told).unwrap().len() < bailee_store::MAX_PART);
    }
}

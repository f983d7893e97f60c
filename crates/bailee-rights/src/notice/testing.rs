//! Doubles of the host's seams, for tests.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use bailee_core::{HostError, HostId, Id, Locale, TenantId};

use super::{Address, ContactWay, Contacts, Delivery, Evidence, Message, Notify, Reach};

/// An address book in memory. Clones share one.
#[derive(Clone, Debug, Default)]
pub struct AddressBook(Arc<Mutex<Book>>);

type Book = HashMap<(TenantId, HostId), Vec<(ContactWay, String)>>;

impl AddressBook {
    /// Says where a person is reached by mail. No address: nowhere.
    pub fn set(&self, tenant: &TenantId, person: &HostId, mail: &[&str]) {
        let addresses = mail.iter().map(|mail| (ContactWay::Email, (*mail).to_owned())).collect();
        lock(&self.0).insert((tenant.clone(), person.clone()), addresses);
    }
}

#[async_trait]
impl Contacts for AddressBook {
    async fn reach(&self, tenant: &TenantId, person: &HostId) -> Result<Reach, HostError> {
        let known = lock(&self.0).get(&(tenant.clone(), person.clone())).cloned();
        let addresses = known.ok_or("nobody knows this person")?;
        let addresses =
            addresses.into_iter().map(|(way, place)| Address::new(way, place)).collect();
        Ok(Reach { locale: Locale::default(), addresses })
    }
}

/// What a carrier does with what comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Behaviour {
    /// It takes it.
    #[default]
    Accepts,
    /// It fails with an error of the host's own.
    Fails,
    /// It takes it and the answer is lost.
    LosesAnswer,
    /// It refuses every address.
    Refuses,
    /// It is not there.
    Unavailable,
}

/// A carrier in memory that takes each key once, as the contract asks. Clones share one.
#[derive(Clone, Debug, Default)]
pub struct Mailbox(Arc<Mutex<Post>>);

#[derive(Debug, Default)]
struct Post {
    behaviour: Behaviour,
    taken: BTreeMap<Id, (TenantId, String, Message)>,
    newest: Option<Message>,
    asked: u64,
}

impl Mailbox {
    /// Says what it does from now on.
    pub fn behave(&self, behaviour: Behaviour) {
        lock(&self.0).behaviour = behaviour;
    }

    /// What it took: tenant, address and text, each key once.
    pub fn taken(&self) -> Vec<(TenantId, String, Message)> {
        lock(&self.0).taken.values().cloned().collect()
    }

    /// What it took last.
    ///
    /// # Panics
    ///
    /// When it took nothing: a test that asks expects a message.
    #[expect(clippy::expect_used, reason = "a double for tests")]
    pub fn newest(&self) -> Message {
        lock(&self.0).newest.clone().expect("a message was taken")
    }

    /// How often it was asked to send.
    pub fn asked(&self) -> u64 {
        lock(&self.0).asked
    }
}

#[async_trait]
impl Notify for Mailbox {
    async fn send(
        &self,
        tenant: &TenantId,
        to: &Address,
        message: &Message,
        key: Id,
    ) -> Result<Delivery, HostError> {
        let mut post = lock(&self.0);
        post.asked += 1;
        let behaviour = post.behaviour;
        let mut take = || {
            let address = to.expose(str::to_owned);
            if post.taken.insert(key, (tenant.clone(), address, message.clone())).is_none() {
                post.newest = Some(message.clone());
            }
        };
        match behaviour {
            Behaviour::Accepts => {
                take();
                Ok(Delivery::Accepted(Evidence::of(key.as_bytes())))
            }
            Behaviour::Fails => Err("the carrier is broken".into()),
            Behaviour::LosesAnswer => {
                take();
                Err("the answer was lost".into())
            }
            Behaviour::Refuses => Ok(Delivery::Refused),
            Behaviour::Unavailable => Ok(Delivery::Unavailable),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

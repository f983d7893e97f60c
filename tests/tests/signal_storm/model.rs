//! What the parent knows: which connections there are, and what has to have become of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bailee::{
    ConnectionRef, HostId, TenantId, Visitor,
    core::{Timestamp, sha256},
};

use crate::{Sent, cast::CAST};

/// A connection, living or not.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Its place in the cast.
    pub(crate) part: usize,
    pub(crate) account: usize,
    pub(crate) tenant: usize,
    pub(crate) reference: ConnectionRef,
    pub(crate) stands: Stands,
}

/// Where a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stands {
    Active,
    Ended(Timestamp),
    Frozen,
}

/// Whom a delivery means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Account,
    /// Everybody of the account's workspace.
    Place,
}

/// What a delivery has to do, when it is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Ends(Scope),
    Freezes,
    Opens(&'static str, Scope),
    Thaws,
}

/// What has to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Refused,
    /// Taken, and nothing has to be kept.
    Silent,
    Taken,
    /// Taken or refused as too old: it changes nothing.
    TakenOrStale,
}

/// A delivery.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    /// The word for its kind, in the table of counts.
    pub(crate) class: &'static str,
    pub(crate) part: usize,
    pub(crate) account: usize,
    pub(crate) sent: Sent,
    pub(crate) wanted: Wanted,
    pub(crate) effects: Vec<Effect>,
}

impl Delivery {
    /// What makes it the same as another one to its receiver.
    pub(crate) fn identity(&self) -> Identity {
        const IDS: [&str; 3] = ["x-github-delivery", "x-shopify-webhook-id", "linear-delivery"];
        let known = |name: &str| IDS.iter().any(|id| name.eq_ignore_ascii_case(id));
        let id = self.sent.headers.iter().find(|(name, _)| known(name));
        let id = id.map(|(_, value)| value.clone()).unwrap_or_default();
        (self.sent.url.clone(), id, sha256(&self.sent.body))
    }
}

pub(crate) type Identity = (String, String, [u8; 32]);

/// A request, without its id: connection, kind, evidence.
pub(crate) type Opened = (String, &'static str, [u8; 32]);

/// What has to be true.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) connections: Vec<Connection>,
    /// The requests that there have to be.
    pub(crate) requests: BTreeSet<Opened>,
    /// What was kept: one inbox record each.
    pub(crate) kept: BTreeMap<Identity, [u8; 32]>,
}

impl Model {
    /// The connections that a delivery means, ended ones too.
    fn meant(&self, part: usize, account: usize, scope: Scope) -> Vec<usize> {
        let same = |other: usize| match scope {
            Scope::Account => other == account,
            Scope::Place => other / 3 == account / 3,
        };
        let all = self.connections.iter().enumerate();
        all.filter(|(_, known)| known.part == part && same(known.account)).map(|(n, _)| n).collect()
    }

    pub(crate) fn living(&self, part: usize, account: usize) -> impl Iterator<Item = &Connection> {
        let ended = |stands| matches!(stands, Stands::Ended(_));
        self.connections.iter().filter(move |known| {
            known.part == part && known.account == account && !ended(known.stands)
        })
    }

    /// Whether an ended connection is on the verge of being forgotten, so that nobody can say
    /// whether a request about it is still heard.
    pub(crate) fn is_ambiguous(&self, part: usize, account: usize, now: Timestamp) -> bool {
        let remembers = remembers(part);
        let doubt = Duration::from_secs(86_400);
        self.meant(part, account, Scope::Place).into_iter().any(|n| {
            match self.connections[n].stands {
                Stands::Ended(at) if !remembers.is_zero() => {
                    let passed = now.since(at);
                    passed + doubt > remembers && passed < remembers + doubt
                }
                _ => false,
            }
        })
    }

    /// A delivery was taken.
    pub(crate) fn apply(&mut self, delivery: &Delivery, now: Timestamp) {
        for effect in &delivery.effects {
            let (Effect::Ends(scope) | Effect::Opens(_, scope)) = effect else {
                for n in self.meant(delivery.part, delivery.account, Scope::Account) {
                    let stands = &mut self.connections[n].stands;
                    *stands = match (*stands, effect) {
                        (Stands::Ended(at), _) => Stands::Ended(at),
                        (_, Effect::Freezes) => Stands::Frozen,
                        _ => Stands::Active,
                    };
                }
                continue;
            };
            for n in self.meant(delivery.part, delivery.account, *scope) {
                let known = &mut self.connections[n];
                let forgotten = match known.stands {
                    Stands::Ended(at) => now.since(at) >= remembers(delivery.part),
                    _ => false,
                };
                match effect {
                    Effect::Opens(kind, _) if !forgotten => {
                        let evidence = sha256(&delivery.sent.body);
                        let opened = (known.reference.to_string(), *kind, evidence);
                        // A text that comes again, under whatever id, is the same request.
                        self.requests.insert(opened);
                    }
                    Effect::Ends(_) if !matches!(known.stands, Stands::Ended(_)) => {
                        known.stands = Stands::Ended(now);
                    }
                    _ => {}
                }
            }
        }
    }
}

/// For how long a provider may still speak of what has ended.
fn remembers(part: usize) -> Duration {
    let adapter = CAST[part].adapter();
    adapter.spec().signals.push.as_ref().map(|push| push.remembers).unwrap_or_default()
}

pub(crate) fn tenant(n: usize) -> TenantId {
    TenantId::new(format!("tenant-{n}")).unwrap()
}

/// Who connected an account in a tenant.
pub(crate) fn visitor(part: usize, account: usize, of: usize) -> Visitor {
    let person = format!("{} {account}", CAST[part].id);
    Visitor::new(tenant(of), HostId::text(&person), format!("session of {person}"))
}

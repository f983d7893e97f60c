use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::ledger::{Extras, Ledger};
use crate::limits::Limits;
use crate::mint::{Mint, random};
use crate::oauth::Caller;
use crate::oidc::KeySet;
use crate::registration::{Account, Client};

/// What all providers have: clients, accounts, tokens, authorizations on their way.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) accounts: Vec<Account>,
    pub(crate) clients: BTreeMap<String, Client>,
    /// The provider's own signing keys, for those that issue ID tokens.
    pub(crate) keys: KeySet,
    pub(crate) ledger: Ledger,
    pub(crate) limits: Limits,
    pub(crate) mint: Mint,
    pub(crate) tickets: BTreeMap<String, Ticket>,
    /// What API calls have made, oldest first.
    pub(crate) written: Vec<Written>,
    pub(crate) issued: BTreeSet<String>,
}

/// An authorization that waits for the person's decision.
#[derive(Clone, Debug)]
pub(crate) struct Ticket {
    pub(crate) client: String,
    pub(crate) redirect_uri: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) state: Option<String>,
    pub(crate) challenge: Option<String>,
    pub(crate) nonce: Option<String>,
    /// Whether the answer is posted instead of standing in a redirect.
    pub(crate) posts: bool,
    pub(crate) expires_at: i64,
    pub(crate) extras: Extras,
}

/// Something that a call has made at a provider: a meeting, a message, a post.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Written {
    /// In whose account.
    pub account: String,
    /// By which client; empty for a key issued outside OAuth.
    pub client: String,
    /// What it is, in the provider's word: `meeting`.
    pub kind: String,
    /// What the provider keeps of it.
    pub value: Value,
}

impl Desk {
    pub(crate) fn new(mint: Mint) -> Self {
        Self {
            accounts: Vec::new(),
            clients: BTreeMap::new(),
            keys: KeySet::default(),
            ledger: Ledger::default(),
            limits: Limits::default(),
            mint,
            tickets: BTreeMap::new(),
            written: Vec::new(),
            issued: BTreeSet::new(),
        }
    }

    /// Makes a secret and remembers that it was handed out.
    pub(crate) fn issue(&mut self, prefix: &str) -> String {
        let secret = self.mint.secret(prefix);
        self.issued.insert(secret.clone());
        secret
    }

    /// The same with at least so many characters.
    pub(crate) fn issue_long(&mut self, prefix: &str, length: usize) -> String {
        let mut secret = self.mint.secret(prefix);
        while secret.len() < length {
            secret.push_str(&random::<32>());
        }
        self.issued.insert(secret.clone());
        secret
    }

    /// Keeps what a call has made.
    pub(crate) fn write(&mut self, caller: &Caller, kind: &str, value: Value) {
        let (account, client) = (caller.account.id.clone(), caller.client.clone());
        self.written.push(Written { account, client, kind: kind.to_owned(), value });
    }

    /// Remembers a secret that was made elsewhere.
    pub(crate) fn issued(&mut self, secret: &str) {
        self.issued.insert(secret.to_owned());
    }

    pub(crate) fn account(&self, id: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.id == id)
    }

    /// Takes the ticket of a consent form; it is good for one decision.
    pub(crate) fn take_ticket(&mut self, ticket: &str, now: i64) -> Option<Ticket> {
        self.tickets.remove(ticket).filter(|ticket| now < ticket.expires_at)
    }
}

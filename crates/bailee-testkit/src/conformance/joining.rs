//! How an account is connected in the cases: through the flow, or by a key that is entered.

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use bailee::{
    BeginOptions, ConnectionRef, Error, Refusal, RefusalReason,
    core::ScopeName,
    providers::spec::{CredentialKind, SpecFacts},
};
use bailee_emulator::{Decision, Endpoint, Fault};

use super::{CLIENT, Stage};
use crate::PURPOSE;

/// An account that was connected.
#[derive(Debug)]
pub(super) struct Joined {
    pub(super) connection: ConnectionRef,
    pub(super) missing: Vec<ScopeName>,
}

/// Why an account was not connected.
#[derive(Debug)]
pub(super) enum Unjoined {
    Entry(Error),
    Flow(Refusal),
}

impl Unjoined {
    /// Whether a flow ended for this reason; a key that is refused has none.
    pub(super) fn is(&self, reason: RefusalReason) -> bool {
        match self {
            Self::Entry(_) => true,
            Self::Flow(refusal) => refusal.reason() == reason,
        }
    }

    /// All that is told of it.
    pub(super) fn told(&self) -> String {
        match self {
            Self::Entry(error) => format!("{error} {error:?}"),
            Self::Flow(refusal) => format!("{refusal:?} {:?}", refusal.error()),
        }
    }
}

/// How many keys each account has made, where keys are entered.
#[derive(Debug, Default)]
pub(super) struct Keys(Mutex<BTreeMap<String, usize>>);

impl Keys {
    fn made(&self, account: &str) -> usize {
        self.0.lock().map_or(0, |made| made.get(account).copied().unwrap_or(0))
    }

    fn make(&self, account: &str) {
        if let Ok(mut made) = self.0.lock() {
            *made.entry(account.to_owned()).or_default() += 1;
        }
    }
}

/// Whether the provider has keys instead of a flow.
pub(super) fn takes_keys(spec: &SpecFacts) -> bool {
    matches!(spec.credential, CredentialKind::ApiKey(_))
}

impl Stage {
    /// Connects an account: all that the person does.
    pub(super) async fn flow(
        &self,
        options: BeginOptions,
        account: &str,
    ) -> Result<Joined, Unjoined> {
        let visitor = self.visitor();
        if self.keys.is_some() {
            let key = self.key(account);
            let change = |entered: &mut bailee::EnterOptions| {
                entered.reconnect = options.reconnect;
                entered.other_account = options.other_account;
                entered.variables = options.variables;
            };
            let entered =
                self.world.enter(&visitor, &self.provider, &[PURPOSE], &key, change).await;
            return match entered {
                Ok(entered) => Ok(Joined { connection: entered.connection, missing: Vec::new() }),
                Err(error) => Err(Unjoined::Entry(error)),
            };
        }
        let allow = Decision::Allow;
        let completed = self
            .world
            .connect_as(&visitor, &self.provider, &[PURPOSE], options, allow, account)
            .await
            .unwrap_or_else(|error| self.fail(&format!("the flow cannot begin: {error:?}")));
        match completed {
            Ok(completed) => {
                Ok(Joined { connection: completed.connection, missing: completed.missing })
            }
            Err(refusal) => Err(Unjoined::Flow(refusal)),
        }
    }

    /// The person makes a key at the provider, where people make keys.
    pub(super) fn make_key(&self, account: &str) {
        if let Some(keys) = &self.keys {
            keys.make(account);
            let scopes: [&str; 0] = [];
            self.site().add_key(self.key(account), account, scopes);
        }
    }

    /// The person ends what was connected, at the provider.
    pub(super) fn withdraw(&self, account: &str) {
        if self.keys.is_some() {
            self.site().end_token(&self.key(account));
            self.make_key(account);
        } else {
            self.site().withdraw(account, CLIENT);
        }
    }

    /// Spoils the first answer of the provider to whoever connects an account.
    pub(super) fn spoil(&self, fault: Fault) {
        if self.keys.is_some() {
            // It is a read, which would be repeated.
            self.site().fault(Endpoint::Identity, fault.always());
        } else {
            self.site().fault(Endpoint::Exchange, fault.once());
        }
    }

    /// Ends that.
    pub(super) fn mend(&self) {
        if self.keys.is_some() {
            self.site().clear_faults();
            self.world.advance(Duration::from_secs(120));
        }
    }

    fn key(&self, account: &str) -> String {
        let made = self.keys.as_ref().map_or(0, |keys| keys.made(account));
        self.contender.key(account, made)
    }
}

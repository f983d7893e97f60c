//! Who establishes identities, and by which rules.

use std::{fmt, sync::Arc, time::Duration};

use bailee_core::Timestamp;
use bailee_vault::Vault;

use super::Proof;
use crate::message::Messages;

/// Establishes that a request is the person's own. Cheap to clone.
#[derive(Clone)]
pub struct Identity(Arc<IdentityBuilder>);

/// Collects the rules.
#[derive(Clone)]
#[must_use]
pub struct IdentityBuilder {
    messages: Messages,
    pub(super) session_age: Duration,
    pub(super) code_life: Duration,
    pub(super) codes_an_hour: u32,
}

impl Identity {
    /// Begins with the desk that sends codes.
    pub fn builder(messages: Messages) -> IdentityBuilder {
        IdentityBuilder {
            messages,
            session_age: Duration::from_secs(3600),
            code_life: Duration::from_secs(15 * 60),
            codes_an_hour: 5,
        }
    }

    /// The proof that lies in a session, if it is fresh enough: the person showed their password or
    /// passkey not longer ago than the rules allow. A time to come proves nothing.
    pub fn session(&self, authenticated_at: Timestamp) -> Option<Proof> {
        let now = self.vault().clock().now();
        let fresh = authenticated_at <= now && now.since(authenticated_at) <= self.0.session_age;
        fresh.then_some(Proof::Session { authenticated_at })
    }

    pub(super) fn vault(&self) -> &Vault {
        self.0.messages.vault()
    }

    pub(super) fn messages(&self) -> &Messages {
        &self.0.messages
    }

    pub(super) fn rules(&self) -> &IdentityBuilder {
        &self.0
    }
}

impl IdentityBuilder {
    /// Says how old a sign-in may be. The default is an hour.
    pub fn session_age(mut self, age: Duration) -> Self {
        self.session_age = age;
        self
    }

    /// Says how long a code counts, at most an hour. The default is fifteen minutes.
    pub fn code_life(mut self, life: Duration) -> Self {
        self.code_life = life.min(HOUR);
        self
    }

    /// Says how many codes a person can ask for within an hour, at most ten. The default is five.
    pub fn codes_an_hour(mut self, codes: u32) -> Self {
        self.codes_an_hour = codes.clamp(1, 10);
        self
    }

    /// The service.
    #[must_use]
    pub fn build(self) -> Identity {
        Identity(Arc::new(self))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Debug for IdentityBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("session_age", &self.session_age)
            .field("code_life", &self.code_life)
            .field("codes_an_hour", &self.codes_an_hour)
            .finish_non_exhaustive()
    }
}

/// An hour.
pub(super) const HOUR: Duration = Duration::from_secs(3600);

//! Sending a message: the host's act.

use async_trait::async_trait;
use bailee_core::{HostError, Id, TenantId, sha256};

use super::{Address, Message};

/// Sends messages to people.
#[async_trait]
pub trait Notify: Send + Sync + 'static {
    /// Sends a message to an address.
    ///
    /// `key` names the message to this person: a process that died between the sending and its evidence
    /// sends again under the same one. *Must not* send twice under one key, as far as whoever carries
    /// the message can tell. *Must not* keep the address, the person or the text beyond the sending,
    /// nor write any of it to a log. *Must* answer [`Delivery::Accepted`] only when somebody else
    /// answers for the message from then on: a mail server that took it, not a queue in memory.
    ///
    /// # Errors
    ///
    /// An error is as [`Delivery::Unavailable`]. It is logged by kind alone.
    async fn send(
        &self,
        tenant: &TenantId,
        to: &Address,
        message: &Message,
        key: Id,
    ) -> Result<Delivery, HostError>;
}

/// What became of a sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delivery {
    /// Whoever carries it took it.
    Accepted(Evidence),
    /// This address takes nothing, now and later. Another one may.
    Refused,
    /// Not now. It comes again.
    Unavailable,
}

/// What proves that a message was taken: a digest of what the carrier answered. The answer itself may
/// name the person and is kept by nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Evidence([u8; 32]);

impl Evidence {
    /// The evidence of an answer: a queue id, a reference, the whole line.
    pub fn of(answer: impl AsRef<[u8]>) -> Self {
        Self(sha256(answer.as_ref()))
    }

    /// Its SHA-256.
    pub fn digest(&self) -> &[u8; 32] {
        &self.0
    }
}

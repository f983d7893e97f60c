//! Where people can be reached: the host's word.

use std::fmt;

use async_trait::async_trait;
use bailee_core::{HostError, HostId, Locale, SecretText, TenantId};
use serde::{Deserialize, Serialize};

/// Where to reach a person. The host keeps addresses; these libraries keep none.
#[async_trait]
pub trait Contacts: Send + Sync + 'static {
    /// Says in which language a person reads and where they can be reached, the best place first.
    ///
    /// *Must* answer for the person of this tenant alone. *Must* leave out addresses that the person
    /// did not give for this or that nobody confirmed to be theirs. *May* answer no address: the
    /// question comes again later, until the notice is given up.
    ///
    /// What it answers is kept for the length of one sending and wiped.
    ///
    /// # Errors
    ///
    /// An error brings the question again later. It is logged by kind alone.
    async fn reach(&self, tenant: &TenantId, person: &HostId) -> Result<Reach, HostError>;
}

/// In which language a person reads, and where they are.
#[derive(Debug)]
pub struct Reach {
    /// Their language.
    pub locale: Locale,
    /// Their addresses, the best first.
    pub addresses: Vec<Address>,
}

/// One place where a person can be reached. It shows nothing of itself and is wiped.
pub struct Address {
    way: ContactWay,
    place: SecretText,
}

/// By which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ContactWay {
    /// A messenger or a chat.
    Chat,
    /// Electronic mail.
    Email,
    /// A letter.
    Post,
    /// A notification on a device.
    Push,
    /// A short message to a telephone.
    Sms,
    /// A way of a newer release. Serde wants it last.
    #[serde(other)]
    Unknown,
}

impl ContactWay {
    /// The way, as a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Email => "email",
            Self::Post => "post",
            Self::Push => "push",
            Self::Sms => "sms",
            Self::Unknown => "unknown",
        }
    }
}

impl Address {
    /// An address of a way.
    pub fn new(way: ContactWay, place: impl AsRef<str>) -> Self {
        Self { way, place: SecretText::copy_from(place.as_ref().as_bytes()) }
    }

    /// An address that lies in a wiped buffer already.
    pub(crate) fn sealed(way: ContactWay, place: SecretText) -> Self {
        Self { way, place }
    }

    /// By which way it is reached.
    pub fn way(&self) -> ContactWay {
        self.way
    }

    /// Shows the address to a closure: to whoever sends, and to nobody else.
    pub fn expose<T>(&self, look: impl FnOnce(&str) -> T) -> T {
        self.place.expose(|bytes| look(std::str::from_utf8(bytes).unwrap_or_default()))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address").field("way", &self.way).finish_non_exhaustive()
    }
}

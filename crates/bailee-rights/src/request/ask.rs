//! What somebody asks for, in full.

use std::fmt;

use bailee_core::{
    Actor, Error, ErrorKind, HostId, Id, Locale, Plaintext, ProviderId, PurposeId, Result,
    TenantId, Timestamp,
};
use bailee_registry::{Grounds, RestrictionGround};
use serde::{Deserialize, Serialize};

use super::{Right, Statement, Uses};
use crate::source::Correction;

/// What a person asks for.
#[derive(Debug)]
#[non_exhaustive]
pub enum Ask {
    /// What is held of them, with a copy (Art. 15 GDPR).
    Access(Export),
    /// That their account ends with all that belongs to it.
    AccountDeletion,
    /// To be heard.
    Complaint(Words),
    /// To take back what they agreed to (Art. 7(3) GDPR).
    ConsentWithdrawal(Uses),
    /// That their data is erased (Art. 17 GDPR).
    Erasure,
    /// No marketing (Art. 21(2) GDPR).
    MarketingOptOut,
    /// That a use ends (Art. 21(1) GDPR). It stops at once and is weighed then.
    Objection {
        /// Which.
        purpose: PurposeId,
        /// Through what; `None` is the host's own processing.
        integration: Option<ProviderId>,
        /// Why, if they say so.
        grounds: Option<Grounds>,
    },
    /// What they gave, to take with them (Art. 20 GDPR).
    Portability(Export),
    /// That what is wrong is put right (Art. 16 GDPR). Until an operator has weighed it, the data is
    /// restricted (Art. 18(1)(a)).
    Rectification(Vec<Amendment>),
    /// That their data is kept and nothing else (Art. 18 GDPR).
    Restriction(RestrictionGround),
    /// That what is incomplete is completed by statements of theirs (Art. 16 GDPR, second sentence).
    Supplement(Vec<Statement>),
}

/// How a copy is handed out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Export {
    /// Whether there is a file for spreadsheets beside each table.
    #[serde(default)]
    pub csv: bool,
    /// The public key that the copy is encrypted to (`age1…`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
}

impl Export {
    /// JSON Lines alone, for whoever is signed in.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file for spreadsheets beside each table.
    #[must_use]
    pub fn with_csv(mut self) -> Self {
        self.csv = true;
        self
    }

    /// Encrypts it to a key of the person.
    #[must_use]
    pub fn encrypted_to(mut self, recipient: impl Into<String>) -> Self {
        self.recipient = Some(recipient.into());
        self
    }
}

/// One value that the person says is wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Amendment {
    /// In which source.
    pub source: String,
    /// Where, and what it should be.
    pub correction: Correction,
}

/// What somebody wrote: personal data, shown to a closure and printed nowhere.
pub struct Words(Plaintext);

impl Words {
    /// Copies a text into a buffer that is wiped. The caller answers for the original.
    pub fn new(text: &str) -> Self {
        Self(Plaintext::copy_from(text.as_bytes()))
    }

    /// Shows the text to a closure.
    pub fn expose<T>(&self, look: impl FnOnce(&str) -> T) -> T {
        self.0.expose(|bytes| look(std::str::from_utf8(bytes).unwrap_or_default()))
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Words([redacted])")
    }
}

impl Ask {
    /// Which right it is.
    pub fn right(&self) -> Right {
        match self {
            Self::Access(_) => Right::Access,
            Self::AccountDeletion => Right::AccountDeletion,
            Self::Complaint(_) => Right::Complaint,
            Self::ConsentWithdrawal(_) => Right::ConsentWithdrawal,
            Self::Erasure => Right::Erasure,
            Self::MarketingOptOut => Right::MarketingOptOut,
            Self::Objection { .. } => Right::Objection,
            Self::Portability(_) => Right::Portability,
            Self::Rectification(_) | Self::Supplement(_) => Right::Rectification,
            Self::Restriction(_) => Right::Restriction,
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        let refused =
            |what: &'static str| Err(Error::new(ErrorKind::InvalidInput).with_detail(what));
        match self {
            Self::Complaint(words) if words.expose(str::is_empty) => {
                refused("a complaint says something")
            }
            Self::Rectification(amendments) if amendments.is_empty() => {
                refused("nothing was named that should be put right")
            }
            Self::Rectification(amendments) if amendments.len() > MOST_AMENDMENTS => {
                refused("more than a hundred values at once")
            }
            Self::Supplement(statements) if statements.is_empty() => refused("nothing was stated"),
            Self::Supplement(statements) if statements.len() > MOST_AMENDMENTS => {
                refused("more than a hundred statements at once")
            }
            Self::Supplement(statements) => statements.iter().try_for_each(Statement::check),
            Self::Restriction(RestrictionGround::Child | RestrictionGround::Unknown) => {
                refused("nobody asks for a restriction on this ground")
            }
            _ => Ok(()),
        }
    }
}

/// So many values are put right in one request.
const MOST_AMENDMENTS: usize = 100;

/// By which way a request came.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Channel {
    /// Somebody whom the person authorised (R10; 11 CCR 7063).
    Agent,
    /// The host's application, by the person.
    Application,
    /// Nobody asked: it follows from what is declared, as for whoever is too young for the service
    /// (Art. 17(1)(f) GDPR). It is about one tenant, and nobody is written to.
    Declared,
    /// Electronic mail, entered by an operator.
    Email,
    /// A letter, entered by an operator.
    Letter,
    /// By word of mouth (Art. 12(1) GDPR), entered by an operator.
    Oral,
    /// A provider's deletion callback.
    Provider(ProviderId),
}

impl Channel {
    /// The word that the log uses.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Application => "application",
            Self::Declared => "declared",
            Self::Email => "email",
            Self::Letter => "letter",
            Self::Oral => "oral",
            Self::Provider(_) => "provider",
        }
    }
}

/// A request as it comes in.
pub(super) struct Incoming<'a> {
    /// Its id, where that follows from what it came with.
    pub(super) id: Option<Id>,
    pub(super) tenant: &'a TenantId,
    pub(super) person: &'a HostId,
    pub(super) ask: Ask,
    /// The language that they read.
    pub(super) locale: Locale,
    pub(super) channel: Channel,
    /// When it reached the controller (Art. 12(3) GDPR).
    pub(super) received: Timestamp,
    /// Who brings it; the person where nobody is named.
    pub(super) by: Option<Actor>,
}

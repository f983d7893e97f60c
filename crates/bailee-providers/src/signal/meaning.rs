//! What a signal says, in words that are the same for every provider.

use std::time::Duration;

use bailee_core::{CredentialName, Timestamp, WithdrawalReason, event::RequestKind};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD},
};
use serde::{Deserialize, Serialize};

use super::Reply;
use crate::grant::AccountId;

/// What a delivery holds, once it is proved to be the provider's. `Debug` does not show its id, which
/// is the sender's text.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reading {
    /// What is the same for each repetition of the delivery; none where nothing is better than the
    /// delivery's own bytes.
    pub id: Option<String>,
    /// What it says. Empty: nothing that matters here.
    pub signals: Vec<Signal>,
    /// What is answered when it has been kept.
    pub reply: Reply,
}

impl Reading {
    /// A delivery that says nothing and is answered so.
    pub fn answering(reply: Reply) -> Self {
        Self { id: None, signals: Vec::new(), reply }
    }
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reading")
            .field("id", &self.id.is_some())
            .field("signals", &self.signals)
            .field("reply", &self.reply)
            .finish()
    }
}

/// One thing that a provider says of its own accord.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Signal {
    /// Which connections it is about.
    pub about: About,
    /// What happened.
    pub what: What,
    /// When it happened, as the provider says.
    #[serde(default)]
    pub at: Option<Timestamp>,
}

impl Signal {
    /// A signal whose time the provider does not say.
    pub fn new(about: About, what: What) -> Self {
        Self { about, what, at: None }
    }

    /// Says when it happened.
    #[must_use]
    pub fn at(mut self, at: Option<Timestamp>) -> Self {
        self.at = at;
        self
    }
}

/// Which connections a signal is about. It names people at the provider: `Debug` shows the kind.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum About {
    /// Those of an account, by any of the ids under which it was connected. What several accounts
    /// have in common (a workspace) is such an id too, and means all of them.
    Account {
        /// The id.
        id: AccountId,
        /// The issuer that it belongs to, where the provider is one of several.
        #[serde(default)]
        issuer: Option<String>,
    },
    /// The one whose refresh token this identifies.
    RefreshToken {
        /// How it is identified.
        by: TokenIdentifier,
        /// The identifier.
        value: String,
    },
}

/// How a provider names a refresh token without saying it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TokenIdentifier {
    /// By base64 of SHA-512 over its SHA-512.
    DoubleSha512,
    /// By its first sixteen characters.
    Prefix,
}

impl TokenIdentifier {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::DoubleSha512, Self::Prefix];

    /// The word for it.
    pub fn code(self) -> &'static str {
        match self {
            Self::DoubleSha512 => "hash_base64_sha512_sha512",
            Self::Prefix => "prefix",
        }
    }

    /// Reads an identifier as a provider writes it, into the one form that is compared. None for
    /// what no token has: a shorter text would fit too many.
    pub(crate) fn read(self, text: &str) -> Option<String> {
        match self {
            Self::DoubleSha512 => {
                // Which of the two alphabets is meant, and whether with padding, is not said.
                let text: String = text
                    .trim_end_matches('=')
                    .chars()
                    .map(|c| match c {
                        '-' => '+',
                        '_' => '/',
                        other => other,
                    })
                    .collect();
                let digest = BASE64_STANDARD_NO_PAD.decode(text).ok()?;
                (digest.len() == 64).then(|| BASE64_STANDARD.encode(digest))
            }
            Self::Prefix => {
                let whole = text.len() == 16 && text.bytes().all(|b| b.is_ascii_graphic());
                whole.then(|| text.to_owned())
            }
        }
    }
}

impl std::fmt::Debug for About {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Account { id, .. } => f.debug_tuple("Account").field(id).finish(),
            Self::RefreshToken { by, .. } => f.debug_tuple("RefreshToken").field(by).finish(),
        }
    }
}

/// What happened at the provider. `Debug` counts the details of a request: they are ids of people and
/// of what they bought.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum What {
    /// Something about the grant or the account changed: ask the provider.
    Check,
    /// Somebody asks for something about data that was got here: it becomes a request.
    Request {
        /// What for.
        kind: RequestKind,
        /// How long the provider gives; a month where it says nothing.
        #[serde(default)]
        within: Option<Duration>,
        /// The provider's own ids of what it is about, by name. No names, no addresses.
        #[serde(default)]
        details: Vec<(String, String)>,
    },
    /// A suspension is over.
    Resumed,
    /// The person's sessions were ended.
    SessionsEnded,
    /// The account is suspended.
    Suspended,
    /// What was got of the account is no longer what it was: get it again.
    Updated,
    /// The grant is over.
    Withdrawn {
        /// Why.
        reason: WithdrawalReason,
        /// The one token set that is over, where the others live on.
        #[serde(default)]
        credential: Option<CredentialName>,
    },
}

impl std::fmt::Debug for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Request { kind, within, details } => f
                .debug_struct("Request")
                .field("kind", kind)
                .field("within", within)
                .field("details", &details.len())
                .finish(),
            Self::Withdrawn { reason, credential } => f
                .debug_struct("Withdrawn")
                .field("reason", reason)
                .field("credential", credential)
                .finish(),
            other => f.write_str(other.code()),
        }
    }
}

impl What {
    /// That the whole grant is over.
    pub fn withdrawn(reason: WithdrawalReason) -> Self {
        Self::Withdrawn { reason, credential: None }
    }

    /// A request without details, due within what the provider gives.
    pub fn request(kind: RequestKind, within: Option<Duration>) -> Self {
        Self::Request { kind, within, details: Vec::new() }
    }

    /// The word for it, as audit entries use it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Request { kind, .. } => kind.code(),
            Self::Resumed => "resumed",
            Self::SessionsEnded => "sessions_ended",
            Self::Suspended => "suspended",
            Self::Updated => "updated",
            Self::Withdrawn { .. } => "withdrawn",
        }
    }
}

//! What screening finds: of which kind and where, never the text.

use std::{fmt, ops::Range};

use serde::{Deserialize, Serialize};

/// A kind of personal data or of secret that free text may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FindingKind {
    /// An id of a person or an account at a provider: by its shape, or because a name such as
    /// `user_id` stands before it.
    AccountId,
    /// An IBAN (ISO 13616) whose check digits are right.
    BankAccount,
    /// The number of a payment card (ISO/IEC 7812) whose check digit is right.
    Card,
    /// A password, a token, a private key, or what a URL carries of them.
    Credential,
    /// An e-mail address.
    Email,
    /// A name after `@`.
    Handle,
    /// An IP address that is not this host's own (`127.0.0.1`).
    IpAddress,
    /// A name that the host said must not leave.
    KnownTerm,
    /// A telephone number.
    Phone,
    /// The address of a person's or an account's page at a provider.
    ProfileUrl,
}

impl FindingKind {
    /// All kinds, by their names.
    pub const ALL: [Self; 10] = [
        Self::AccountId,
        Self::BankAccount,
        Self::Card,
        Self::Credential,
        Self::Email,
        Self::Handle,
        Self::IpAddress,
        Self::KnownTerm,
        Self::Phone,
        Self::ProfileUrl,
    ];

    /// What it is called in an error and in front of a person.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AccountId => "account id",
            Self::BankAccount => "bank account",
            Self::Card => "card number",
            Self::Credential => "credential",
            Self::Email => "e-mail address",
            Self::Handle => "handle",
            Self::IpAddress => "IP address",
            Self::KnownTerm => "known name",
            Self::Phone => "telephone number",
            Self::ProfileUrl => "profile address",
        }
    }

    /// What stands in its place after redaction. No scanner finds anything in it.
    pub fn replacement(self) -> &'static str {
        match self {
            Self::AccountId => "[account id]",
            Self::BankAccount => "[account]",
            Self::Card => "[card]",
            Self::Credential => "[credential]",
            Self::Email => "[e-mail]",
            Self::Handle => "[handle]",
            Self::IpAddress => "[address]",
            Self::KnownTerm => "[name]",
            Self::Phone => "[phone]",
            Self::ProfileUrl => "[profile]",
        }
    }

    /// Which of two findings in the same place is told: the smaller number.
    pub(super) fn rank(self) -> u8 {
        match self {
            Self::Credential => 0,
            Self::Card => 1,
            Self::BankAccount => 2,
            Self::Email => 3,
            Self::ProfileUrl => 4,
            Self::AccountId => 5,
            Self::IpAddress => 6,
            Self::Phone => 7,
            Self::Handle => 8,
            Self::KnownTerm => 9,
        }
    }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something that was found in a text.
///
/// It does not hold the text: what was found is personal data or a secret, and whoever may see it
/// has the text itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// What it looks like.
    pub kind: FindingKind,
    /// Where it stands, in bytes. Both ends are boundaries of characters.
    pub range: Range<usize>,
}

/// A finding in characters of the folded text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) kind: FindingKind,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// What the scanners add to.
#[derive(Debug, Default)]
pub(super) struct Hits(pub(super) Vec<Hit>);

impl Hits {
    pub(super) fn add(&mut self, kind: FindingKind, start: usize, end: usize) {
        self.0.push(Hit { kind, start, end });
    }
}

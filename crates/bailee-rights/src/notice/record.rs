//! What is known of one notice.

use bailee_core::{Id, Locale, Timestamp};
use bailee_registry::versions::Way;
use serde::{Deserialize, Serialize};

use super::{ContactWay, body::NoticeBody, post::SentBody};

/// What one person is told, and the evidence that they were.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Notice {
    /// Its id.
    pub id: Id,
    /// Of which change it tells.
    pub announcement: Id,
    /// The version of the declaration that it tells of.
    pub version: [u8; 32],
    /// By which way the person is told.
    pub way: Way,
    /// When it was found that the person has to be told.
    pub queued_at: Timestamp,
    /// How often sending was tried without an end.
    pub tries: u32,
    /// That the message was taken.
    pub sent: Option<Sent>,
    /// When it was given up, and why.
    pub given_up: Option<(Timestamp, GivenUp)>,
    /// That it was shown in the application.
    pub shown: Option<Shown>,
}

/// That whoever carries messages took one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sent {
    /// When.
    pub at: Timestamp,
    /// By which way.
    pub way: ContactWay,
    /// In which language.
    pub locale: Locale,
    /// The hash of the text.
    pub text: [u8; 32],
    /// The digest of what the carrier answered.
    pub evidence: [u8; 32],
}

/// That a notice was shown in the application.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shown {
    /// When.
    pub at: Timestamp,
    /// In which language.
    pub locale: Locale,
    /// The hash of the text.
    pub text: [u8; 32],
}

/// Why a message was not sent in the end. It can still be shown in the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GivenUp {
    /// The host could not say where the person is.
    ContactsFailed,
    /// What it says does not count any more: a code whose time is over.
    Expired,
    /// The host knew no address.
    NoAddress,
    /// Nobody may be told any more: the person is too young, and their data has to go.
    NobodyToTell,
    /// Every address refused it.
    Refused,
    /// A newer one took its place.
    Replaced,
    /// Sending failed until the time was over.
    Unavailable,
    /// A reason of a newer release. Serde wants it last.
    #[serde(other)]
    Unknown,
}

impl GivenUp {
    /// Why, as a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ContactsFailed => "contacts_failed",
            Self::Expired => "expired",
            Self::NoAddress => "no_address",
            Self::NobodyToTell => "nobody_to_tell",
            Self::Refused => "refused",
            Self::Replaced => "replaced",
            Self::Unavailable => "unavailable",
            Self::Unknown => "unknown",
        }
    }
}

impl Notice {
    pub(super) fn of(id: Id, body: NoticeBody) -> Self {
        let way = body.way();
        Self {
            id,
            announcement: body.announcement,
            version: body.version,
            way,
            queued_at: body.posting.queued_at,
            tries: body.posting.tries,
            sent: body.posting.sent.map(Sent::of),
            given_up: body.posting.given_up,
            shown: body.shown.map(|shown| Shown {
                at: shown.at,
                locale: shown.locale,
                text: shown.text,
            }),
        }
    }
}

impl Sent {
    pub(crate) fn of(sent: SentBody) -> Self {
        Self {
            at: sent.at,
            way: sent.way,
            locale: sent.locale,
            text: sent.text,
            evidence: sent.evidence,
        }
    }
}

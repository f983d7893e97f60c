//! What a person is told of their request: facts, which become a text when they are sent.

use std::time::Duration;

use bailee_core::{Error, ErrorKind, Id, Result, SecretText};
use bailee_registry::RestrictionGround;
use serde::{Deserialize, Serialize};
use time::Date;

use crate::{
    clock::ExtensionReason,
    identity::{Doubt, Way},
    notice::body::day,
    request::{Reason, Right},
};

/// What a person is told of their request.
///
/// Everything in it lies sealed under the person's key and goes with it. Dates are days where the
/// controller is.
#[derive(Debug)]
#[non_exhaustive]
pub struct Letter {
    /// Of which request.
    pub request: Id,
    /// What the person asked for.
    pub right: Right,
    /// What it says.
    pub content: Content,
    pub(crate) secret: Option<SecretText>,
    pub(crate) patience: Option<Duration>,
}

/// What a letter says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "says")]
#[non_exhaustive]
pub enum Content {
    /// That the request was received.
    Acknowledged {
        /// On which day.
        #[serde(with = "day")]
        received: Date,
        /// Until when it is answered, by the strict reading.
        #[serde(with = "day")]
        due: Date,
        /// Until when the person can cancel it, where what is asked for cannot be undone.
        #[serde(default, with = "maybe_day", skip_serializing_if = "Option::is_none")]
        cancel_until: Option<Date>,
    },
    /// That it ended without anything being done.
    Cancelled {
        /// Why.
        cause: Cause,
    },
    /// What a complaint came to.
    ComplaintAnswered {
        /// The answer, as its writer put it. A line is a paragraph.
        answer: String,
    },
    /// That it is done.
    Completed {
        /// What was done.
        done: Vec<Done>,
        /// What was not, and why.
        refused: Vec<Refusal>,
        /// Who else was told (Art. 19 GDPR).
        recipients: Vec<Told>,
        /// The receipt of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        receipt: Option<Id>,
        /// Whether the person came back meanwhile, and what came since stays.
        #[serde(default)]
        since_stays: bool,
    },
    /// That it takes longer (Art. 12(3) GDPR).
    Extended {
        /// Until when.
        #[serde(with = "day")]
        due: Date,
        /// Why.
        reason: ExtensionReason,
    },
    /// That the person is asked to show who they are (Art. 12(6) GDPR).
    IdentityAsked {
        /// Why there is doubt.
        doubt: Doubt,
        /// How it can be shown.
        ways: Vec<Way>,
        /// Whether the time for the answer stands still meanwhile: the law's word.
        paused: bool,
        /// When the request is closed without an answer.
        #[serde(default, with = "maybe_day", skip_serializing_if = "Option::is_none")]
        until: Option<Date>,
    },
    /// A code that shows who somebody is.
    IdentityCode {
        /// For how many minutes it counts.
        minutes: u32,
    },
    /// That what was asked for can be fetched.
    PackageReady {
        /// Until when.
        #[serde(with = "day")]
        until: Date,
    },
    /// Who was told of a rectification, an erasure or a restriction (Art. 19 GDPR).
    Recipients {
        /// They.
        recipients: Vec<Told>,
    },
    /// That it is not done, or not all of it (Art. 12(4) GDPR).
    Refused {
        /// Whether the rest is done.
        partly: bool,
        /// What is not, and why.
        refused: Vec<Refusal>,
    },
    /// That a restriction is about to end (Art. 18(3) GDPR).
    RestrictionEnding {
        /// On which day.
        #[serde(with = "day")]
        on: Date,
        /// What it rested on.
        ground: RestrictionGround,
    },
}

/// Which letter it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LetterKind {
    /// [`Content::Acknowledged`].
    Acknowledged,
    /// [`Content::Cancelled`].
    Cancelled,
    /// [`Content::ComplaintAnswered`].
    ComplaintAnswered,
    /// [`Content::Completed`].
    Completed,
    /// [`Content::Extended`].
    Extended,
    /// [`Content::IdentityAsked`].
    IdentityAsked,
    /// [`Content::IdentityCode`].
    IdentityCode,
    /// [`Content::PackageReady`].
    PackageReady,
    /// [`Content::Recipients`].
    Recipients,
    /// [`Content::Refused`].
    Refused,
    /// [`Content::RestrictionEnding`].
    RestrictionEnding,
}

/// Why a request ended without anything being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// Whoever made it did not show who they are.
    IdentityNotShown,
    /// The person took it back.
    Person,
    /// A later request of the same kind took its place.
    Replaced,
}

/// What was done with a data set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs, reason = "whoever did it says all of it")]
pub struct Done {
    /// The data set, as it is declared.
    pub what: String,
    /// What was done.
    pub act: Act,
    /// To how many entries.
    pub count: u64,
}

/// What is done with data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Act {
    /// It was corrected.
    Corrected,
    /// An account that was connected was disconnected.
    Disconnected,
    /// It was erased.
    Erased,
    /// A copy of it was made for the person.
    Provided,
    /// It is kept and nothing else is done with it.
    Restricted,
    /// It is not used any more for what the person objected to or took back.
    Stopped,
    /// It names the person no more.
    Unlinked,
}

/// What is not done, and why: per data set, or once for the whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs, reason = "a refusal has all of this (Art. 12(4) GDPR)")]
pub struct Refusal {
    /// The data set, as it is declared. `None`: the whole request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
    /// Which of the values that the person named, counted from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<u32>,
    /// Why.
    pub reason: Reason,
    /// What is kept, in plain words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<String>,
    /// Until when.
    #[serde(default, with = "maybe_day", skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
}

/// A recipient of the data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs, reason = "a recipient was told, or there is a reason")]
pub struct Told {
    /// Who, as it is declared.
    pub name: String,
    /// Why they were not told, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub untold: Option<Reason>,
}

impl Letter {
    /// A letter about a request.
    pub fn new(request: Id, right: Right, content: Content) -> Self {
        Self { request, right, content, secret: None, patience: None }
    }

    /// Adds a link to a package: an `https` address, which is not in the evidence and is deleted when
    /// the letter is sent. Without one the letter asks the person to sign in.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for a letter of another kind, and for another address.
    pub fn with_link(mut self, link: SecretText) -> Result<Self> {
        let fits = link.expose(|link| {
            link.starts_with(b"https://")
                && link.len() <= MAX_LINK
                && link.iter().all(|byte| byte.is_ascii_graphic())
        });
        if !fits || !matches!(self.content, Content::PackageReady { .. }) {
            return Err(invalid("a link is an https address in a letter about a package"));
        }
        self.secret = Some(link);
        Ok(self)
    }

    /// Says after how long it is given up, where that is not what the desk says: the last letter of an
    /// erasure must not keep the person's key for a fortnight because a mailbox is full.
    #[must_use]
    pub fn gives_up_after(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// Which letter it is.
    pub fn kind(&self) -> LetterKind {
        self.content.kind()
    }

    /// Whether its record has room for it and its text is one.
    pub(crate) fn check(&self) -> Result<()> {
        if let Content::ComplaintAnswered { answer } = &self.content {
            let control = |c: char| c.is_control() && c != '\n';
            if answer.trim().is_empty() || answer.chars().any(control) {
                return Err(invalid("an answer to a complaint is plain text"));
            }
            if answer.len() > MAX_ANSWER {
                return Err(Error::new(ErrorKind::TooLarge).with_detail("an answer is too long"));
            }
        }
        let code = matches!(self.content, Content::IdentityCode { .. });
        if code && self.secret.is_none() {
            return Err(invalid("codes are sent by whoever checks them"));
        }
        Ok(())
    }
}

impl Content {
    /// Which letter it is.
    pub fn kind(&self) -> LetterKind {
        match self {
            Self::Acknowledged { .. } => LetterKind::Acknowledged,
            Self::Cancelled { .. } => LetterKind::Cancelled,
            Self::ComplaintAnswered { .. } => LetterKind::ComplaintAnswered,
            Self::Completed { .. } => LetterKind::Completed,
            Self::Extended { .. } => LetterKind::Extended,
            Self::IdentityAsked { .. } => LetterKind::IdentityAsked,
            Self::IdentityCode { .. } => LetterKind::IdentityCode,
            Self::PackageReady { .. } => LetterKind::PackageReady,
            Self::Recipients { .. } => LetterKind::Recipients,
            Self::Refused { .. } => LetterKind::Refused,
            Self::RestrictionEnding { .. } => LetterKind::RestrictionEnding,
        }
    }
}

impl LetterKind {
    /// Which one, as a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::Cancelled => "cancelled",
            Self::ComplaintAnswered => "complaint_answered",
            Self::Completed => "completed",
            Self::Extended => "extended",
            Self::IdentityAsked => "identity_asked",
            Self::IdentityCode => "identity_code",
            Self::PackageReady => "package_ready",
            Self::Recipients => "recipients",
            Self::Refused => "refused",
            Self::RestrictionEnding => "restriction_ending",
        }
    }
}

impl Cause {
    /// Why, as a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IdentityNotShown => "identity_not_shown",
            Self::Person => "person",
            Self::Replaced => "replaced",
        }
    }
}

impl Act {
    /// What, as a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Corrected => "corrected",
            Self::Disconnected => "disconnected",
            Self::Erased => "erased",
            Self::Provided => "provided",
            Self::Restricted => "restricted",
            Self::Stopped => "stopped",
            Self::Unlinked => "unlinked",
        }
    }
}

fn invalid(what: &'static str) -> Error {
    Error::new(ErrorKind::InvalidInput).with_detail(what)
}

/// The longest answer to a complaint, in bytes.
const MAX_ANSWER: usize = 16 * 1024;
/// The longest link, in bytes.
const MAX_LINK: usize = 2048;

/// A day as `2026-05-01`, or none.
mod maybe_day {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use time::Date;

    use crate::notice::body::day;

    #[derive(Serialize, Deserialize)]
    struct Day(#[serde(with = "day")] Date);

    pub(super) fn serialize<S: Serializer>(day: &Option<Date>, to: S) -> Result<S::Ok, S::Error> {
        day.map(Day).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Date>, D::Error> {
        Ok(Option::<Day>::deserialize(from)?.map(|day| day.0))
    }
}

//! Decisions: what a person's choices say about a use.

use bailee_core::{Error, ErrorKind, Remedy, Result};

/// What a person's choices say about one use of their data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Decision {
    /// It may be done.
    Allowed,
    /// It may not, and nothing that the person is asked now would change that.
    Denied(Denial),
    /// It may be done once this has happened.
    Needs(Remedy),
}

/// Why a use is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Denial {
    /// The person's data was erased.
    Erased,
    /// The person objected (Art. 21 GDPR).
    Objected,
    /// Processing is restricted (Art. 18 GDPR).
    Restricted,
}

impl Denial {
    /// Why, as a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Erased => "erased",
            Self::Objected => "objected",
            Self::Restricted => "restricted",
        }
    }

    /// Why, as a clause.
    pub fn plain(self) -> &'static str {
        match self {
            Self::Erased => "the person's data was erased",
            Self::Objected => "the person objected to this purpose",
            Self::Restricted => "the processing of this person's data is restricted",
        }
    }
}

impl Decision {
    /// Whether it may be done.
    pub fn is_allowed(self) -> bool {
        self == Self::Allowed
    }

    /// Nothing, if it may be done.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ConsentMissing`] or [`ErrorKind::Denied`], with the remedy.
    pub fn require(self) -> Result<()> {
        match self {
            Self::Allowed => Ok(()),
            Self::Denied(denial) => Err(Error::new(ErrorKind::Denied).with_detail(denial.plain())),
            Self::Needs(Remedy::AskConsent) => Err(ErrorKind::ConsentMissing.into()),
            Self::Needs(remedy) => Err(Error::new(ErrorKind::Denied).with_remedy(remedy)),
        }
    }
}

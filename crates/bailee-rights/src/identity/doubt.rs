//! Why it is doubted who made a request, and how it can be shown.

use serde::{Deserialize, Serialize};

/// Why it is reasonably doubted that a request is the person's own: a closed list, so that nobody is
/// asked for more without a reason that can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Doubt {
    /// The account was used in an unusual way, or was taken over not long ago.
    AccountAtRisk,
    /// The address of the account was changed not long ago.
    AddressChanged,
    /// What was said of the person is not what is known of them.
    DetailsDiffer,
    /// Nobody was signed in when it was made.
    NotSignedIn,
    /// Somebody else made it for the person.
    SomebodyElse,
    /// The last sign-in was long ago.
    StaleSignIn,
    /// It came from an address that is not known to be theirs.
    UnknownAddress,
}

/// How somebody can show who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Way {
    /// By a code that is sent to an address of theirs.
    Code,
    /// By writing to an operator.
    Operator,
    /// By signing in again.
    SignIn,
}

impl Doubt {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::AccountAtRisk,
        Self::AddressChanged,
        Self::DetailsDiffer,
        Self::NotSignedIn,
        Self::SomebodyElse,
        Self::StaleSignIn,
        Self::UnknownAddress,
    ];

    /// The word that records and the log use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AccountAtRisk => "account_at_risk",
            Self::AddressChanged => "address_changed",
            Self::DetailsDiffer => "details_differ",
            Self::NotSignedIn => "not_signed_in",
            Self::SomebodyElse => "somebody_else",
            Self::StaleSignIn => "stale_sign_in",
            Self::UnknownAddress => "unknown_address",
        }
    }
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Code, Self::Operator, Self::SignIn];

    /// The word that records and the log use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Operator => "operator",
            Self::SignIn => "sign_in",
        }
    }
}

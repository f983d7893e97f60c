//! What a person can ask for.

use serde::{Deserialize, Serialize};

use crate::clock::{Matter, Regime};

/// What a person asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Right {
    /// To see what is held, with a copy of it (Art. 15 GDPR).
    Access,
    /// That the account ends with all that belongs to it (Art. 17 GDPR).
    AccountDeletion,
    /// To be heard about how their data is handled (Art. 77 GDPR; in the United Kingdom to the
    /// controller itself, s. 164A of the Data Protection Act 2018).
    Complaint,
    /// To take back what they agreed to (Art. 7(3) GDPR).
    ConsentWithdrawal,
    /// That their data is erased (Art. 17 GDPR).
    Erasure,
    /// That it is not used for marketing (Art. 21(2) GDPR).
    MarketingOptOut,
    /// That a use of it ends (Art. 21(1) GDPR).
    Objection,
    /// To take what they gave with them (Art. 20 GDPR).
    Portability,
    /// That what is wrong is put right (Art. 16 GDPR).
    Rectification,
    /// That it is kept and nothing else is done with it (Art. 18 GDPR).
    Restriction,
}

impl Right {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Access,
        Self::AccountDeletion,
        Self::Complaint,
        Self::ConsentWithdrawal,
        Self::Erasure,
        Self::MarketingOptOut,
        Self::Objection,
        Self::Portability,
        Self::Rectification,
        Self::Restriction,
    ];

    /// The word that records, the log and receipts use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::AccountDeletion => "account_deletion",
            Self::Complaint => "complaint",
            Self::ConsentWithdrawal => "consent_withdrawal",
            Self::Erasure => "erasure",
            Self::MarketingOptOut => "marketing_opt_out",
            Self::Objection => "objection",
            Self::Portability => "portability",
            Self::Rectification => "rectification",
            Self::Restriction => "restriction",
        }
    }

    /// The provision of the GDPR that grants it.
    pub fn article(self) -> &'static str {
        match self {
            Self::Access => "Art. 15 GDPR",
            Self::AccountDeletion | Self::Erasure => "Art. 17 GDPR",
            Self::Complaint => "Art. 77 GDPR",
            Self::ConsentWithdrawal => "Art. 7(3) GDPR",
            Self::MarketingOptOut => "Art. 21(2) GDPR",
            Self::Objection => "Art. 21(1) GDPR",
            Self::Portability => "Art. 20 GDPR",
            Self::Rectification => "Art. 16 GDPR",
            Self::Restriction => "Art. 18 GDPR",
        }
    }

    /// What the clock of such a request is for, under a law. Where a law has no period of its own for
    /// complaints or for an end of marketing, that for answers holds.
    pub fn matter(self, regime: &Regime) -> Matter {
        let own = match self {
            Self::Complaint => Matter::Complaint,
            Self::MarketingOptOut => Matter::OptOut,
            _ => Matter::Answer,
        };
        if regime.term(own).is_some() { own } else { Matter::Answer }
    }

    /// Whether it destroys what is held.
    pub fn erases(self) -> bool {
        matches!(self, Self::AccountDeletion | Self::Erasure)
    }

    /// Whether it hands out a copy of what is held.
    pub fn hands_out(self) -> bool {
        matches!(self, Self::Access | Self::Portability)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_the_records_say() {
        for right in Right::ALL {
            assert_eq!(serde_json::to_value(right).unwrap(), right.as_str());
        }
    }

    #[test]
    fn a_law_without_a_period_for_complaints_has_that_for_answers() {
        assert_eq!(Right::Complaint.matter(&Regime::uk()), Matter::Complaint);
        assert_eq!(Right::Complaint.matter(&Regime::eu()), Matter::Answer);
        assert_eq!(Right::MarketingOptOut.matter(&Regime::ccpa()), Matter::OptOut);
        assert_eq!(Right::MarketingOptOut.matter(&Regime::eu()), Matter::Answer);
    }
}

//! Why something asked for is not done, not done yet, or not done in full.

use serde::{Deserialize, Serialize};

use super::Right;

/// Why: a closed list, each with the provision that allows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// The data is not wrong (Art. 16 GDPR).
    Accurate,
    /// It is kept for archiving, research or statistics, which the erasure would impair (Art. 17(3)(d) GDPR).
    Archiving,
    /// Compelling legitimate grounds override the objection (Art. 21(1) GDPR).
    CompellingGrounds,
    /// It takes longer because it is complex (Art. 12(3) GDPR).
    DelayComplexity,
    /// It takes longer because the person made many requests (Art. 12(3) GDPR).
    DelayVolume,
    /// It is manifestly excessive, and we can show that (Art. 12(5) GDPR).
    Excessive,
    /// It is kept for the freedom of expression and information (Art. 17(3)(a) GDPR).
    Expression,
    /// The person cannot be identified (Art. 12(2) GDPR).
    IdentityFailed,
    /// It waits for who the person is to be shown (Art. 12(6) GDPR).
    IdentityRequired,
    /// The person is asked which data is meant (Art. 12(3) GDPR).
    InfoRequired,
    /// It is needed for legal claims (Art. 17(3)(e) GDPR).
    LegalClaims,
    /// A law requires that it is kept (Art. 17(3)(b) GDPR).
    LegalDuty,
    /// A law of the Union or a Member State limits the right (Art. 23 GDPR).
    MemberStateLimit,
    /// No such value is held of the person (Art. 16 GDPR).
    NotHeld,
    /// It rests on neither consent nor contract, or was concluded and not given (Art. 20(1) GDPR).
    NotInScope,
    /// It would harm the rights of others (Art. 15(4) GDPR).
    OthersRights,
    /// It is kept for public health (Art. 17(3)(c) GDPR).
    PublicHealth,
    /// It is kept for a task in the public interest (Art. 17(3)(b) GDPR).
    PublicTask,
    /// A recipient cannot be told, or only with disproportionate effort (Art. 19 GDPR).
    RecipientImpossible,
    /// It is manifestly unfounded, and we can show that (Art. 12(5) GDPR).
    Unfounded,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::Accurate,
        Self::Archiving,
        Self::CompellingGrounds,
        Self::DelayComplexity,
        Self::DelayVolume,
        Self::Excessive,
        Self::Expression,
        Self::IdentityFailed,
        Self::IdentityRequired,
        Self::InfoRequired,
        Self::LegalClaims,
        Self::LegalDuty,
        Self::MemberStateLimit,
        Self::NotHeld,
        Self::NotInScope,
        Self::OthersRights,
        Self::PublicHealth,
        Self::PublicTask,
        Self::RecipientImpossible,
        Self::Unfounded,
    ];

    /// The word that records, the log and receipts use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accurate => "accurate",
            Self::Archiving => "archiving",
            Self::CompellingGrounds => "compelling_grounds",
            Self::DelayComplexity => "delay_complexity",
            Self::DelayVolume => "delay_volume",
            Self::Excessive => "excessive",
            Self::Expression => "expression",
            Self::IdentityFailed => "identity_failed",
            Self::IdentityRequired => "identity_required",
            Self::InfoRequired => "info_required",
            Self::LegalClaims => "legal_claims",
            Self::LegalDuty => "legal_duty",
            Self::MemberStateLimit => "member_state_limit",
            Self::NotHeld => "not_held",
            Self::NotInScope => "not_in_scope",
            Self::OthersRights => "others_rights",
            Self::PublicHealth => "public_health",
            Self::PublicTask => "public_task",
            Self::RecipientImpossible => "recipient_impossible",
            Self::Unfounded => "unfounded",
        }
    }

    /// The provision that allows it.
    pub fn article(self) -> &'static str {
        match self {
            Self::Accurate | Self::NotHeld => "Art. 16 GDPR",
            Self::Archiving => "Art. 17(3)(d) GDPR",
            Self::CompellingGrounds => "Art. 21(1) GDPR",
            Self::DelayComplexity | Self::DelayVolume | Self::InfoRequired => "Art. 12(3) GDPR",
            Self::Excessive | Self::Unfounded => "Art. 12(5) GDPR",
            Self::Expression => "Art. 17(3)(a) GDPR",
            Self::IdentityFailed => "Art. 12(2) GDPR",
            Self::IdentityRequired => "Art. 12(6) GDPR",
            Self::LegalClaims => "Art. 17(3)(e) GDPR",
            Self::LegalDuty | Self::PublicTask => "Art. 17(3)(b) GDPR",
            Self::MemberStateLimit => "Art. 23 GDPR",
            Self::NotInScope => "Art. 20(1) GDPR",
            Self::OthersRights => "Art. 15(4) GDPR",
            Self::PublicHealth => "Art. 17(3)(c) GDPR",
            Self::RecipientImpossible => "Art. 19 GDPR",
        }
    }

    /// Its name in the Data Privacy Vocabulary. `g:` is `https://w3id.org/dpv/legal/eu/gdpr#`, `j:` is
    /// `https://w3id.org/dpv/justifications#`.
    pub fn dpv(self) -> &'static str {
        match self {
            Self::Accurate => "j:NonFulfilmentJustification",
            Self::Archiving => "g:JustificationA17Archiving",
            Self::CompellingGrounds => "j:LegitimateInterestOverride",
            Self::DelayComplexity => "g:JustificationA12Complexity",
            Self::DelayVolume => "g:JustificationA12HighVolume",
            Self::Excessive => "g:JustificationA12ManifestlyExcessive",
            Self::Expression => "g:JustificationA17FreedomOfExpression",
            Self::IdentityFailed => "g:JustificationA12IdentityFailure",
            Self::IdentityRequired => "g:JustificationA12IdentityRequired",
            Self::InfoRequired => "g:JustificationA12InformationRequired",
            Self::LegalClaims => "g:JustificationA17LegalClaims",
            Self::LegalDuty => "g:JustificationA17LegallyRequired",
            Self::MemberStateLimit => "j:LegallyExempted",
            Self::NotHeld | Self::NotInScope => "j:FulfilmentImpossible",
            Self::OthersRights => "j:ThirdPartyRightsImpaired",
            Self::PublicHealth => "g:JustificationA17PublicHealth",
            Self::PublicTask => "g:JustificationA17PublicInterest",
            Self::RecipientImpossible => "j:DisproportionateEffortRequired",
            Self::Unfounded => "g:JustificationA12ManifestlyUnfounded",
        }
    }

    /// Whether it can keep data from being erased (Art. 17(3) and 23 GDPR).
    pub fn holds_erasure(self) -> bool {
        matches!(
            self,
            Self::Archiving
                | Self::Expression
                | Self::LegalClaims
                | Self::LegalDuty
                | Self::PublicHealth
                | Self::PublicTask
                | Self::MemberStateLimit
        )
    }

    /// Whether a request for a right can be refused, as a whole or for some data, with it.
    pub fn refuses(self, right: Right) -> bool {
        match self {
            Self::Excessive | Self::MemberStateLimit | Self::Unfounded => true,
            Self::Archiving
            | Self::Expression
            | Self::LegalDuty
            | Self::PublicHealth
            | Self::PublicTask => right.erases(),
            Self::LegalClaims => {
                right.erases() || matches!(right, Right::Objection | Right::Restriction)
            }
            Self::CompellingGrounds => right == Right::Objection,
            Self::IdentityFailed => {
                right.hands_out()
                    || right.erases()
                    || matches!(right, Right::Rectification | Right::Restriction)
            }
            Self::Accurate | Self::NotHeld => right == Right::Rectification,
            Self::OthersRights => right.hands_out(),
            Self::NotInScope => right == Right::Portability,
            Self::DelayComplexity
            | Self::DelayVolume
            | Self::InfoRequired
            | Self::RecipientImpossible
            | Self::IdentityRequired => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_the_records_say() {
        for reason in Reason::ALL {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
            let (prefix, _) = reason.dpv().split_once(':').unwrap();
            assert!(matches!(prefix, "g" | "j"), "{reason:?}");
        }
    }

    #[test]
    fn nobody_is_refused_with_a_reason_of_another_right() {
        assert!(Reason::LegalDuty.refuses(Right::Erasure));
        assert!(!Reason::LegalDuty.refuses(Right::Access));
        assert!(!Reason::CompellingGrounds.refuses(Right::MarketingOptOut));
        assert!(!Reason::DelayComplexity.refuses(Right::Access), "a delay is no refusal");
        assert!(Reason::LegalClaims.holds_erasure() && !Reason::Excessive.holds_erasure());
    }
}

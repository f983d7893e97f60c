//! Restriction: why processing stops at keeping, and what is still allowed (Art. 18 GDPR).

use std::collections::BTreeSet;

use bailee_core::Timestamp;
use serde::{Deserialize, Serialize};

/// Processing is restricted to keeping (Art. 18 GDPR).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Restriction {
    /// Since when.
    pub since: Timestamp,
    /// Why. It lasts until the last of them is over.
    #[serde(default = "unstated", skip_serializing_if = "is_unstated")]
    pub grounds: BTreeSet<RestrictionGround>,
}

/// Why processing is restricted: Art. 18(1) GDPR, point by point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RestrictionGround {
    /// The person says that the data is wrong, and it is being looked into: point (a).
    AccuracyContested,
    /// They are too young for the service, and their data has to go. Only another age ends it.
    Child,
    /// The processing is unlawful, and they want it stopped rather than the data erased: point (b).
    Unlawful,
    /// It is no longer needed here, but by them for legal claims: point (c).
    NeededForClaims,
    /// They objected, and it is being weighed: point (d).
    ObjectionPending,
    /// It was not said, or it is a ground of a newer release. Serde wants it last.
    #[serde(other)]
    Unknown,
}

/// What may be done although processing is restricted: Art. 18(2) GDPR. Keeping always may.
///
/// It lifts the restriction for one use and nothing else: an objection, a missing consent and a
/// child's protection stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Exemption {
    /// The person agreed to this purpose since processing was restricted. The gate looks whether
    /// they did.
    Consent,
    /// It is for the establishment, exercise or defence of legal claims. The caller answers for it.
    LegalClaims,
    /// It protects the rights of another person. The caller answers for it.
    OthersRights,
    /// An important public interest of the Union or a Member State. The caller answers for it.
    PublicInterest,
}

impl Exemption {
    /// The word that the log uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Consent => "consent",
            Self::LegalClaims => "legal_claims",
            Self::OthersRights => "others_rights",
            Self::PublicInterest => "public_interest",
        }
    }
}

impl RestrictionGround {
    /// The word that records and the log use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AccuracyContested => "accuracy_contested",
            Self::Child => "child",
            Self::Unlawful => "unlawful",
            Self::NeededForClaims => "needed_for_claims",
            Self::ObjectionPending => "objection_pending",
            Self::Unknown => "unknown",
        }
    }
}

impl Restriction {
    /// Adds a ground.
    pub(crate) fn begin(restriction: &mut Option<Self>, ground: RestrictionGround, at: Timestamp) {
        let begun = Self { since: at, grounds: BTreeSet::new() };
        restriction.get_or_insert(begun).grounds.insert(ground);
    }

    /// Ends a ground, or every one that a person or an operator can end.
    pub(crate) fn end(restriction: &mut Option<Self>, ground: Option<RestrictionGround>) {
        let Some(current) = restriction else { return };
        match ground {
            Some(RestrictionGround::Child) => {}
            Some(ground) => drop(current.grounds.remove(&ground)),
            None => current.grounds.retain(|ground| *ground == RestrictionGround::Child),
        }
        if current.grounds.is_empty() {
            *restriction = None;
        }
    }

    /// Ends what an age had begun.
    pub(crate) fn end_for_age(restriction: &mut Option<Self>) {
        if let Some(current) = restriction {
            current.grounds.remove(&RestrictionGround::Child);
            if current.grounds.is_empty() {
                *restriction = None;
            }
        }
    }
}

/// What a restriction without a ground reads as.
fn unstated() -> BTreeSet<RestrictionGround> {
    BTreeSet::from([RestrictionGround::Unknown])
}

fn is_unstated(grounds: &BTreeSet<RestrictionGround>) -> bool {
    *grounds == unstated()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restriction_lasts_until_its_last_ground_is_over() {
        use RestrictionGround::{AccuracyContested, Child, ObjectionPending};
        let mut restriction = None;
        let at = Timestamp::from_seconds(1);
        Restriction::begin(&mut restriction, AccuracyContested, at);
        Restriction::begin(&mut restriction, ObjectionPending, Timestamp::from_seconds(2));
        assert_eq!(restriction.as_ref().unwrap().since, at);
        Restriction::end(&mut restriction, Some(AccuracyContested));
        assert!(restriction.is_some());
        Restriction::begin(&mut restriction, Child, at);
        Restriction::end(&mut restriction, None);
        Restriction::end(&mut restriction, Some(Child));
        assert!(restriction.is_some(), "a child's protection is not ended by a word");
        Restriction::end_for_age(&mut restriction);
        assert_eq!(restriction, None);
    }

    #[test]
    fn a_restriction_that_names_no_ground_is_not_ended_by_naming_one() {
        let mut restriction: Option<Restriction> = serde_json::from_str("{\"since\":4}").unwrap();
        assert_eq!(serde_json::to_string(&restriction).unwrap(), "{\"since\":4}");
        Restriction::end(&mut restriction, Some(RestrictionGround::Unlawful));
        assert!(restriction.is_some());
        Restriction::end(&mut restriction, None);
        assert_eq!(restriction, None);
    }

    #[test]
    fn words_are_what_the_records_say() {
        for ground in [
            RestrictionGround::AccuracyContested,
            RestrictionGround::Child,
            RestrictionGround::Unlawful,
            RestrictionGround::NeededForClaims,
            RestrictionGround::ObjectionPending,
            RestrictionGround::Unknown,
        ] {
            assert_eq!(serde_json::to_value(ground).unwrap(), ground.as_str());
        }
    }
}

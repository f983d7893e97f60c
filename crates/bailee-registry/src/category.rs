//! Categories of data: words for people, terms of the Data Privacy Vocabulary for machines.

use serde::{Serialize, Serializer};

/// A category of data as it is declared.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Category {
    /// What it is, in words that a person understands.
    pub plain: String,
    /// What the W3C Data Privacy Vocabulary calls it, in order.
    pub terms: Vec<DataTerm>,
}

/// A term of the Data Privacy Vocabulary for personal data (DPV 2.3, `pd:`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DataTerm(&'static str);

impl Category {
    /// Whether a term of it is a special category of data (Art. 9(1) GDPR).
    pub fn is_special(&self) -> bool {
        self.terms.iter().any(|term| term.is_special())
    }
}

/// One without terms is its words alone, as in a declaration that gives none.
impl Serialize for Category {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.terms.is_empty() {
            return serializer.serialize_str(&self.plain);
        }
        #[derive(Serialize)]
        struct Form<'a> {
            plain: &'a str,
            terms: Vec<&'a str>,
        }
        let terms = self.terms.iter().map(|term| term.0).collect();
        Form { plain: &self.plain, terms }.serialize(serializer)
    }
}

impl DataTerm {
    /// Finds a term by the name that it has in the vocabulary ("EmailAddress"), with or without its
    /// prefix.
    pub(crate) fn find(name: &str) -> Option<Self> {
        let name = name.strip_prefix("pd:").unwrap_or(name);
        TERMS.binary_search(&name).ok().map(|found| Self(TERMS[found]))
    }

    /// Its name, without the prefix.
    pub fn name(self) -> &'static str {
        self.0
    }

    /// Its address in the vocabulary.
    pub fn iri(self) -> String {
        format!("https://w3id.org/dpv/pd#{}", self.0)
    }

    /// Whether it is a special category of data (Art. 9(1) GDPR).
    pub fn is_special(self) -> bool {
        SPECIAL.contains(&self.0)
    }
}

/// The terms of DPV 2.3 (February 2026, <https://w3id.org/dpv/pd>) that a declaration may use, in the
/// order of their names.
const TERMS: [&str; 52] = [
    "AccountIdentifier",
    "Age",
    "AgeRange",
    "Authenticating",
    "AuthenticationHistory",
    "Behavioural",
    "Biometric",
    "BirthDate",
    "BrowserFingerprint",
    "BrowsingBehaviour",
    "Communication",
    "CommunicationsMetadata",
    "Country",
    "Criminal",
    "DeviceBased",
    "EmailAddress",
    "EmailContent",
    "EthnicOrigin",
    "FinancialAccount",
    "Genetic",
    "Health",
    "IPAddress",
    "Identifier",
    "Interest",
    "Language",
    "LinkClicked",
    "Location",
    "MACAddress",
    "Name",
    "OfficialID",
    "Password",
    "PaymentCard",
    "PhysicalAddress",
    "Picture",
    "PoliticalOpinion",
    "Preference",
    "PrivacyPreference",
    "Profile",
    "Purchase",
    "ReligiousBelief",
    "SecretText",
    "ServiceConsumptionBehaviour",
    "Sexual",
    "SocialMedia",
    "SocialMediaCommunication",
    "SocialNetwork",
    "TelephoneNumber",
    "TradeUnionMembership",
    "Transaction",
    "UID",
    "UserAgent",
    "Username",
];

/// Those of Art. 9(1) GDPR.
const SPECIAL: [&str; 8] = [
    "Biometric",
    "EthnicOrigin",
    "Genetic",
    "Health",
    "PoliticalOpinion",
    "ReligiousBelief",
    "Sexual",
    "TradeUnionMembership",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_sorted_and_the_special_ones_are_among_them() {
        assert!(TERMS.is_sorted());
        for name in TERMS {
            assert_eq!(DataTerm::find(name).unwrap().name(), name);
            assert_eq!(DataTerm::find(&format!("pd:{name}")).unwrap().name(), name);
        }
        for name in SPECIAL {
            assert!(DataTerm::find(name).unwrap().is_special(), "{name}");
        }
        assert_eq!(DataTerm::find("Nothing"), None);
        assert_eq!(DataTerm::find("dpv:Name"), None);
    }
}

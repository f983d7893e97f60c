//! Recipients: whoever receives data, where, and under which safeguard.

use std::collections::BTreeSet;

use bailee_core::{DataCategory, PurposeId, RecipientId};
use serde::Serialize;

/// Whoever receives data: a provider, a sub-processor, an authority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Recipient {
    /// Its name in the declaration.
    pub id: RecipientId,
    /// Its name in the world.
    pub name: String,
    /// Where it is established.
    pub country: Country,
    /// What it is to the data.
    pub role: RecipientRole,
    /// For which purposes it receives data.
    pub purposes: BTreeSet<PurposeId>,
    /// Which categories of data it receives.
    pub categories: BTreeSet<DataCategory>,
    /// What protects the data outside the EEA (Art. 45 and 46 GDPR).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub safeguard: Option<Safeguard>,
    /// Where the safeguard can be read (Art. 13(1)(f) GDPR).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// What it does for the service, in plain words ("e-mail delivery").
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The contract with it and its date or number (Art. 28(3) GDPR). A processor has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract: Option<String>,
    /// Since when it receives data, or from when it will.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "crate::read::maybe_iso_date"
    )]
    pub since: Option<time::Date>,
    /// How many days before that people or customers are told (Art. 28(2) GDPR).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice_days: Option<u16>,
    /// What supplements the safeguard where the law of the country is weak, in plain words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supplementary: Option<String>,
    /// When the transfer is looked at again.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "crate::read::maybe_iso_date"
    )]
    pub review: Option<time::Date>,
    /// The names of the only fields that it may be sent, where it is sent fields by name. Empty is
    /// none.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub fields: BTreeSet<String>,
}

/// What a recipient is to the data that it receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RecipientRole {
    /// A public authority.
    Authority,
    /// It decides for itself what it does with the data (most providers).
    Controller,
    /// It acts on instructions (a sub-processor).
    Processor,
}

/// A country: two letters of ISO 3166-1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

/// What protects data that leaves the EEA: Art. 45 and 46 GDPR.
///
/// The derogations of Art. 49 are not here: they are not for transfers that repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Safeguard {
    /// A decision of the Commission that the country protects data well enough: Art. 45(3).
    Adequacy,
    /// Clauses that an authority authorised for this case: Art. 46(3)(a).
    AuthorisedClauses,
    /// Standard clauses of an authority: Art. 46(2)(d).
    AuthorityClauses,
    /// Binding corporate rules: Art. 46(2)(b), 47.
    BindingCorporateRules,
    /// A certification: Art. 46(2)(f).
    Certification,
    /// A code of conduct: Art. 46(2)(e).
    CodeOfConduct,
    /// An instrument between public bodies: Art. 46(2)(a).
    PublicInstrument,
    /// Standard clauses of the Commission: Art. 46(2)(c).
    StandardContractualClauses,
}

impl RecipientRole {
    pub(crate) const ALL: [(&'static str, Self); 3] = [
        ("authority", Self::Authority),
        ("controller", Self::Controller),
        ("processor", Self::Processor),
    ];
}

impl Country {
    /// Reads two capital letters.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.as_bytes() {
            &[a, b] if a.is_ascii_uppercase() && b.is_ascii_uppercase() => Some(Self([a, b])),
            _ => None,
        }
    }

    /// The two letters.
    pub fn as_str(&self) -> &str {
        // Two ASCII letters are always text.
        std::str::from_utf8(&self.0).unwrap_or("")
    }

    /// Whether it is in the European Economic Area, where data needs no safeguard to go.
    pub fn is_in_eea(&self) -> bool {
        EEA.contains(&self.as_str())
    }
}

impl std::fmt::Debug for Country {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Country {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Safeguard {
    pub(crate) const ALL: [(&'static str, Self); 8] = [
        ("adequacy", Self::Adequacy),
        ("authorised_clauses", Self::AuthorisedClauses),
        ("authority_clauses", Self::AuthorityClauses),
        ("binding_corporate_rules", Self::BindingCorporateRules),
        ("certification", Self::Certification),
        ("code_of_conduct", Self::CodeOfConduct),
        ("public_instrument", Self::PublicInstrument),
        ("standard_contractual_clauses", Self::StandardContractualClauses),
    ];

    /// The article and point.
    pub fn article(self) -> &'static str {
        match self {
            Self::Adequacy => "Art. 45(3) GDPR",
            Self::AuthorisedClauses => "Art. 46(3)(a) GDPR",
            Self::AuthorityClauses => "Art. 46(2)(d) GDPR",
            Self::BindingCorporateRules => "Art. 46(2)(b) GDPR",
            Self::Certification => "Art. 46(2)(f) GDPR",
            Self::CodeOfConduct => "Art. 46(2)(e) GDPR",
            Self::PublicInstrument => "Art. 46(2)(a) GDPR",
            Self::StandardContractualClauses => "Art. 46(2)(c) GDPR",
        }
    }
}

/// The members of the European Union and Iceland, Liechtenstein and Norway (EEA Agreement).
const EEA: [&str; 30] = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS",
    "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
];

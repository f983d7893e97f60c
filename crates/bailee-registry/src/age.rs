//! Ages: what is known of a person's, from when their country lets them consent alone, and what
//! follows for a child.

use std::collections::BTreeSet;

use bailee_core::{ProviderId, SubjectId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Change, Country};

/// What is known of a person's age. No date of birth is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Age {
    /// The band.
    pub band: AgeBand,
    /// When it was learnt.
    pub at: Timestamp,
    /// How it was learnt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<AgeMethod>,
}

/// A band of ages (Art. 8 GDPR).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AgeBand {
    /// Old enough to consent alone.
    Adult,
    /// Younger than anybody may be who uses the service: nothing is done with their data, and it is
    /// deleted promptly.
    Child,
    /// Old enough for the service, and to consent only with a guardian.
    Minor,
    /// Nobody knows, or a band of a newer release: no consent of theirs holds without a guardian.
    #[serde(other)]
    Unknown,
}

/// How an age was learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AgeMethod {
    /// The person said so.
    Declared,
    /// An identity document was seen and not kept.
    Document,
    /// It was estimated.
    Estimated,
    /// A guardian said so.
    Guardian,
    /// A provider or a service for that said so.
    Provider,
    /// Somebody reported it, or it showed in what the person did.
    Reported,
    /// A way of a newer release. Serde wants it last.
    #[serde(other)]
    Unknown,
}

/// From when a person consents alone in a country, and which law says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConsentAge {
    /// The country, in two letters of ISO 3166-1.
    pub country: &'static str,
    /// The age in years.
    pub years: u8,
    /// The law.
    pub law: &'static str,
    /// The year whose law this is. It may have changed since: a declaration can say otherwise.
    pub of: u16,
}

/// What learning an age changes.
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct AgeChange {
    /// To be committed.
    pub change: Change,
    /// Whose data has to go, where they are a child. It is due again whenever
    /// [`crate::Standing::child_found`] says so, until it is done: a process that died forgets
    /// nothing.
    pub erase: Option<PromptErasure>,
}

/// That all data of a person has to be deleted without delay, because they are too young for the
/// service.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct PromptErasure {
    /// In which tenant.
    pub tenant: TenantId,
    /// Whose. Their connections are ended, their records deleted and their key is destroyed; what
    /// the host keeps of them goes too.
    pub subject: SubjectId,
    /// Since when it is known.
    pub since: Timestamp,
    /// The integrations through which they, or somebody for them, had said anything: providers that
    /// may have received data.
    pub integrations: BTreeSet<ProviderId>,
}

impl AgeBand {
    /// The band of an age in years: below `minimum` a child, from `consent` on an adult.
    /// The age itself need not be kept.
    pub fn of(years: u8, minimum: u8, consent: u8) -> Self {
        match years {
            years if years < minimum => Self::Child,
            years if years < consent => Self::Minor,
            _ => Self::Adult,
        }
    }

    /// Whether a consent needs a guardian.
    pub(crate) fn needs_guardian(self) -> bool {
        self != Self::Adult
    }
}

impl AgeMethod {
    /// The word that records and the log use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::Document => "document",
            Self::Estimated => "estimated",
            Self::Guardian => "guardian",
            Self::Provider => "provider",
            Self::Reported => "reported",
            Self::Unknown => "unknown",
        }
    }
}

impl ConsentAge {
    /// The lowest age that Art. 8(1) GDPR lets a country say, and below which COPPA (16 CFR 312)
    /// wants a guardian for any data.
    pub const LOWEST: u8 = 13;

    /// Where a country says nothing, is not in the table or is not known: Art. 8(1) GDPR.
    pub const DEFAULT: u8 = 16;

    /// The countries whose age is known, in the order of their letters.
    ///
    /// The ages were collected from overviews, and the laws beside them were not looked up: whoever
    /// relies on one reads the statute, and says in the declaration's `[age]` what it says.
    pub const ALL: [Self; 15] = [
        age("AT", 14, "§ 4(4) DSG", 2018),
        age("BE", 13, "Art. 7 of the law of 30 July 2018", 2018),
        age("CZ", 15, "§ 7 of Act 110/2019", 2019),
        // The Danish act said 13 until it was raised.
        age("DK", 15, "§ 6(2) databeskyttelsesloven", 2024),
        age("ES", 14, "Art. 7 of Organic Law 3/2018", 2018),
        age("FI", 13, "§ 5 of Act 1050/2018", 2019),
        age("FR", 15, "Art. 45 of Law 78-17", 2019),
        age("GB", 13, "section 9 of the Data Protection Act 2018", 2018),
        age("HU", 16, "Art. 8(1) GDPR", 2018),
        age("IE", 16, "section 31 of the Data Protection Act 2018", 2018),
        age("IT", 14, "Art. 2-quinquies of Legislative Decree 196/2003", 2018),
        age("NL", 16, "Art. 5 UAVG", 2018),
        age("PL", 16, "Art. 8(1) GDPR", 2018),
        age("SE", 13, "chapter 2, § 4 of Act 2018:218", 2018),
        age("SK", 16, "§ 15 of Act 18/2018", 2018),
    ];

    /// From when a person of a country consents alone, as far as this table knows; the declaration's
    /// own word comes before it. Where nothing is known it is [`ConsentAge::DEFAULT`].
    pub fn in_country(country: Option<&Country>) -> u8 {
        country
            .and_then(|country| Self::ALL.iter().find(|age| age.country == country.as_str()))
            .map_or(Self::DEFAULT, |age| age.years)
    }
}

const fn age(country: &'static str, years: u8, law: &'static str, of: u16) -> ConsentAge {
    ConsentAge { country, years, law, of }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_a_band_between_the_two_limits() {
        for (years, band) in [
            (0, AgeBand::Child),
            (12, AgeBand::Child),
            (13, AgeBand::Minor),
            (15, AgeBand::Minor),
            (16, AgeBand::Adult),
            (99, AgeBand::Adult),
        ] {
            assert_eq!(AgeBand::of(years, 13, 16), band, "{years}");
        }
        // Where both are the same nobody is in between.
        assert_eq!(AgeBand::of(13, 13, 13), AgeBand::Adult);
    }

    #[test]
    fn every_country_says_13_to_16_and_an_unknown_one_16() {
        assert!(ConsentAge::ALL.is_sorted_by(|a, b| a.country < b.country));
        for age in ConsentAge::ALL {
            let country = Country::parse(age.country).unwrap();
            assert!((ConsentAge::LOWEST..=ConsentAge::DEFAULT).contains(&age.years));
            assert_eq!(ConsentAge::in_country(Some(&country)), age.years);
        }
        assert_eq!(ConsentAge::in_country(Country::parse("QQ").as_ref()), ConsentAge::DEFAULT);
        assert_eq!(ConsentAge::in_country(None), ConsentAge::DEFAULT);
    }

    #[test]
    fn words_are_what_the_records_say() {
        for method in [
            AgeMethod::Declared,
            AgeMethod::Document,
            AgeMethod::Estimated,
            AgeMethod::Guardian,
            AgeMethod::Provider,
            AgeMethod::Reported,
            AgeMethod::Unknown,
        ] {
            assert_eq!(serde_json::to_value(method).unwrap(), method.as_str());
        }
    }
}

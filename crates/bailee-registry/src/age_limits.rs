//! From which age a person may consent to a service of the information society alone (Art. 8 GDPR).

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{AgeBand, Country};

/// The ages of a declaration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AgeLimits {
    /// Nobody younger uses the service.
    pub minimum: u8,
    /// From when a person consents alone, where their country is not named: 16, unless the
    /// declaration says less.
    pub consent: u8,
    /// From when a person consents alone, by country: 13 to 16.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub countries: BTreeMap<Country, u8>,
    /// Whether somebody of an unknown age is taken for a minor although nobody who is one may use
    /// the service: a tenant that raised the minimum knows no more of people's ages for that.
    #[serde(skip)]
    pub(crate) unknown_is_young: bool,
}

impl AgeLimits {
    /// From when a person of a country consents alone. Below it a guardian has to agree; where the
    /// country is not known, the highest age of all counts.
    pub fn consent_in(&self, country: Option<&Country>) -> u8 {
        match country {
            Some(country) => self.countries.get(country).copied().unwrap_or(self.consent),
            None => self.countries.values().copied().fold(self.consent, u8::max),
        }
        .max(self.minimum)
    }

    /// The band of a person of this age, in a country where that is known.
    pub fn band(&self, years: u8, country: Option<&Country>) -> AgeBand {
        AgeBand::of(years, self.minimum, self.consent_in(country))
    }

    /// Whether people use the service who are too young to consent alone somewhere. Then nobody
    /// does whose age is not known.
    pub fn has_minors(&self) -> bool {
        self.unknown_is_young || self.minimum < self.consent_in(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_of_an_unknown_country_is_of_the_strictest() {
        let country = |code| Country::parse(code).unwrap();
        let limits = AgeLimits {
            minimum: 14,
            consent: 15,
            countries: [(country("AT"), 14), (country("DE"), 16), (country("BE"), 13)].into(),
            unknown_is_young: false,
        };
        assert_eq!(limits.consent_in(Some(&country("AT"))), 14);
        assert_eq!(limits.consent_in(Some(&country("DE"))), 16);
        assert_eq!(limits.consent_in(Some(&country("FR"))), 15);
        assert_eq!(limits.consent_in(Some(&country("BE"))), 14, "nobody younger is there");
        assert_eq!(limits.consent_in(None), 16);
        let austria = country("AT");
        for (years, at_home, somewhere) in [
            (13, AgeBand::Child, AgeBand::Child),
            (14, AgeBand::Adult, AgeBand::Minor),
            (16, AgeBand::Adult, AgeBand::Adult),
        ] {
            assert_eq!(limits.band(years, Some(&austria)), at_home);
            assert_eq!(limits.band(years, None), somewhere);
        }
        assert!(limits.has_minors());
        assert!(!AgeLimits { minimum: 18, ..limits }.has_minors());
    }
}

//! The words for what a declaration names by a term: legal bases, times, safeguards, countries.

use crate::{Catalogue, Country, LegalBasis, Period, ProhibitedUse, Retention, Safeguard};

impl Catalogue {
    pub(crate) fn basis(&self, basis: &LegalBasis) -> String {
        match basis {
            LegalBasis::Consent => self.say("basis.consent"),
            LegalBasis::Contract => self.say("basis.contract"),
            LegalBasis::LegalObligation { law } => {
                self.fill("basis.legal_obligation", &[("law", law)])
            }
            LegalBasis::LegitimateInterests { assessment } => {
                self.fill("basis.legitimate_interests", &[("assessment", assessment)])
            }
            LegalBasis::PublicTask { law } => self.fill("basis.public_task", &[("law", law)]),
            LegalBasis::VitalInterests => self.say("basis.vital_interests"),
        }
    }

    pub(crate) fn retention(&self, retention: Retention, provider: &str) -> String {
        let (count, one, many) = match retention {
            Retention::UntilAccountDeleted => return self.say("kept.until_account_deleted"),
            Retention::UntilDisconnected => {
                return self.fill("kept.until_disconnected", &[("provider", provider)]);
            }
            Retention::For(Period::Days(count)) => (count, "kept.day", "kept.days"),
            Retention::For(Period::Months(count)) => (count, "kept.month", "kept.months"),
            Retention::For(Period::Years(count)) => (count, "kept.year", "kept.years"),
        };
        let key = if count == 1 { one } else { many };
        self.fill(key, &[("count", &count.to_string())])
    }

    pub(crate) fn safeguard(&self, safeguard: Safeguard) -> String {
        self.say(match safeguard {
            Safeguard::Adequacy => "safeguard.adequacy",
            Safeguard::AuthorisedClauses => "safeguard.authorised_clauses",
            Safeguard::AuthorityClauses => "safeguard.authority_clauses",
            Safeguard::BindingCorporateRules => "safeguard.binding_corporate_rules",
            Safeguard::Certification => "safeguard.certification",
            Safeguard::CodeOfConduct => "safeguard.code_of_conduct",
            Safeguard::PublicInstrument => "safeguard.public_instrument",
            Safeguard::StandardContractualClauses => "safeguard.standard_contractual_clauses",
        })
    }

    pub(crate) fn prohibited(&self, prohibited: ProhibitedUse) -> String {
        self.say(match prohibited {
            ProhibitedUse::SellData => "disclosure.never_sell",
            ProhibitedUse::TrainPublicModels => "disclosure.never_train",
        })
    }

    /// A country's name, or its two letters where no name is known.
    pub(crate) fn country(&self, country: Country) -> String {
        let name = self.say(&format!("country.{}", country.as_str()));
        if name.is_empty() { country.as_str().to_owned() } else { name }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_without_a_name_are_their_letters() {
        let english = Catalogue::english();
        assert_eq!(english.country(Country::parse("IE").unwrap()), "Ireland");
        assert_eq!(english.country(Country::parse("QQ").unwrap()), "QQ");
    }
}

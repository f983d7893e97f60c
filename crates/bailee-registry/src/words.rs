//! The words of the texts, by language. English is built in and is what others fall back to.

use bailee_core::Locale;

use crate::{Country, LegalBasis, Period, ProhibitedUse, Retention, Safeguard};

/// One language's words.
pub(crate) struct Words {
    pub(crate) locale: &'static str,
    phrase: fn(Phrase) -> &'static str,
    country: fn(&str) -> Option<&'static str>,
}

/// A sentence of a text, with places for what differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phrase {
    AdequacySafeguard,
    AuthorisedClauses,
    AuthorityClauses,
    BasisConsent,
    BasisContract,
    BasisLegalObligation,
    BasisLegitimateInterests,
    BasisPublicTask,
    BasisVitalInterests,
    BindingCorporateRules,
    Certification,
    CodeOfConduct,
    Data,
    Day,
    Days,
    DataHeading,
    KeyCan,
    KeyHeading,
    KeyMay,
    KeyRequest,
    May,
    MayHeading,
    Month,
    Months,
    NeverCategories,
    NeverHeading,
    NeverScopes,
    NeverSell,
    NeverTrain,
    NothingKept,
    Outside,
    OutsideReference,
    PublicInstrument,
    Purpose,
    PurposesHeading,
    Questions,
    QuestionsHeading,
    ReadNotKept,
    ReadOnly,
    Recipient,
    RecipientHeading,
    Request,
    SharedByInstance,
    SharedByTenant,
    SharedCovers,
    SharedHeading,
    SharedRequest,
    SharedSeen,
    SharedTitle,
    SharedYour,
    StandardClauses,
    Term,
    TermWhen,
    NotesHeading,
    TermsHeading,
    Title,
    UntilAccountDeleted,
    UntilDisconnected,
    UntilSharedDisconnected,
    Version,
    Who,
    WithdrawHere,
    WithdrawHereAlone,
    WithdrawKeyHere,
    WithdrawHeading,
    WithdrawSharedHere,
    WithdrawThere,
    Writes,
    Year,
    Years,
}

impl Words {
    /// The words for a reader: their language if it is here, English otherwise.
    pub(crate) fn of(locale: &Locale) -> &'static Self {
        let language = locale.language();
        ALL.iter().find(|words| words.locale == language).unwrap_or(&ENGLISH)
    }

    /// A phrase without places.
    pub(crate) fn say(&self, phrase: Phrase) -> &'static str {
        (self.phrase)(phrase)
    }

    /// A phrase with its places filled. What fills a place is not looked into again.
    pub(crate) fn fill(&self, phrase: Phrase, places: &[(&str, &str)]) -> String {
        let mut rest = self.say(phrase);
        let mut text = String::with_capacity(rest.len() + 64);
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                rest = after;
                break;
            };
            text.push_str(places.iter().find(|(known, _)| *known == name).map_or("", |(_, v)| v));
            rest = after;
        }
        text.push_str(rest);
        text
    }

    /// A country's name, or its two letters where no name is known.
    pub(crate) fn country(&self, country: Country) -> String {
        (self.country)(country.as_str())
            .map_or_else(|| country.as_str().to_owned(), ToOwned::to_owned)
    }

    pub(crate) fn basis(&self, basis: &LegalBasis) -> String {
        match basis {
            LegalBasis::Consent => self.say(Phrase::BasisConsent).to_owned(),
            LegalBasis::Contract => self.say(Phrase::BasisContract).to_owned(),
            LegalBasis::LegalObligation { law } => {
                self.fill(Phrase::BasisLegalObligation, &[("law", law)])
            }
            LegalBasis::LegitimateInterests { assessment } => {
                self.fill(Phrase::BasisLegitimateInterests, &[("assessment", assessment)])
            }
            LegalBasis::PublicTask { law } => self.fill(Phrase::BasisPublicTask, &[("law", law)]),
            LegalBasis::VitalInterests => self.say(Phrase::BasisVitalInterests).to_owned(),
        }
    }

    pub(crate) fn retention(&self, retention: Retention, provider: &str) -> String {
        let (count, one, many) = match retention {
            Retention::UntilAccountDeleted => {
                return self.say(Phrase::UntilAccountDeleted).to_owned();
            }
            Retention::UntilDisconnected => {
                return self.fill(Phrase::UntilDisconnected, &[("provider", provider)]);
            }
            Retention::For(Period::Days(count)) => (count, Phrase::Day, Phrase::Days),
            Retention::For(Period::Months(count)) => (count, Phrase::Month, Phrase::Months),
            Retention::For(Period::Years(count)) => (count, Phrase::Year, Phrase::Years),
        };
        let phrase = if count == 1 { one } else { many };
        self.fill(phrase, &[("count", &count.to_string())])
    }

    pub(crate) fn safeguard(&self, safeguard: Safeguard) -> &'static str {
        self.say(match safeguard {
            Safeguard::Adequacy => Phrase::AdequacySafeguard,
            Safeguard::AuthorisedClauses => Phrase::AuthorisedClauses,
            Safeguard::AuthorityClauses => Phrase::AuthorityClauses,
            Safeguard::BindingCorporateRules => Phrase::BindingCorporateRules,
            Safeguard::Certification => Phrase::Certification,
            Safeguard::CodeOfConduct => Phrase::CodeOfConduct,
            Safeguard::PublicInstrument => Phrase::PublicInstrument,
            Safeguard::StandardContractualClauses => Phrase::StandardClauses,
        })
    }

    pub(crate) fn prohibited(&self, prohibited: ProhibitedUse) -> &'static str {
        self.say(match prohibited {
            ProhibitedUse::SellData => Phrase::NeverSell,
            ProhibitedUse::TrainPublicModels => Phrase::NeverTrain,
        })
    }
}

/// Every language that is here.
const ALL: [Words; 1] = [ENGLISH];

const ENGLISH: Words = Words { locale: "en", phrase: english, country: english_country };

fn english(phrase: Phrase) -> &'static str {
    match phrase {
        Phrase::AdequacySafeguard => {
            "a decision of the European Commission that the country protects data well enough"
        }
        Phrase::AuthorisedClauses => "contract clauses that a data protection authority authorised",
        Phrase::AuthorityClauses => "standard contract clauses of a data protection authority",
        Phrase::BasisConsent => {
            "It is done only if you agree, and you can take your agreement back at any time."
        }
        Phrase::BasisContract => "It is needed for what you agreed with us.",
        Phrase::BasisLegalObligation => "A law demands it: {law}.",
        Phrase::BasisLegitimateInterests => {
            "It rests on our legitimate interests: {assessment} You may object to it."
        }
        Phrase::BasisPublicTask => {
            "It is a task in the public interest: {law}. You may object to it."
        }
        Phrase::BasisVitalInterests => "It protects somebody's life.",
        Phrase::BindingCorporateRules => "binding rules of its group of companies",
        Phrase::Certification => "an approved certification",
        Phrase::CodeOfConduct => "an approved code of conduct",
        Phrase::Data => "{name} ({category}), for “{purpose}”: kept {retention}.",
        Phrase::DataHeading => "What is kept, and how long",
        Phrase::Day => "for {count} day",
        Phrase::Days => "for {count} days",
        Phrase::KeyCan => {
            "Whoever has a key can do with it whatever {provider} lets it do. What this application \
             may do with yours is listed here, and it does nothing else."
        }
        Phrase::KeyHeading => "What the key itself can do",
        Phrase::KeyMay => {
            "This application may {plain}. It concerns {category}; {effect}. Needed for \
             “{purposes}”. It is called {scope} here."
        }
        Phrase::KeyRequest => "{controller} asks for a key of {provider}.",
        Phrase::May => {
            "This application may {plain}. It concerns {category}; {effect}. Needed for “{purposes}”. \
             {provider} calls this permission {scope}."
        }
        Phrase::MayHeading => "What this application may do at {provider}",
        Phrase::Month => "for {count} month",
        Phrase::Months => "for {count} months",
        Phrase::NeverCategories => "It does not access: {categories}.",
        Phrase::NeverHeading => "What this application never does",
        Phrase::NeverScopes => "It does not ask {provider} for: {scopes}.",
        Phrase::NeverSell => "It does not sell your data.",
        Phrase::NeverTrain => "It does not train public models with your data.",
        Phrase::NothingKept => "Nothing but what keeps the connection working.",
        Phrase::Outside => {
            "{country} is outside the European Economic Area. Your data is protected there by {safeguard}."
        }
        Phrase::OutsideReference => {
            "{country} is outside the European Economic Area. Your data is protected there by {safeguard} ({reference})."
        }
        Phrase::PublicInstrument => "a binding agreement between public bodies",
        Phrase::Purpose => "{title}: {plain} {basis} ({article})",
        Phrase::PurposesHeading => "What it is for",
        Phrase::Questions => {
            "Write to {contact}. You may also complain to a data protection authority."
        }
        Phrase::QuestionsHeading => "Questions",
        Phrase::ReadNotKept => "Read and not kept: {categories}.",
        Phrase::ReadOnly => "it is read and not changed",
        Phrase::Recipient => "{name}, {country}.",
        Phrase::RecipientHeading => "Who receives data",
        Phrase::Request => "{controller} asks for access to your {provider} account.",
        Phrase::SharedByInstance => {
            "It is not your account. It belongs to the service that {controller} runs, and others \
             use it too."
        }
        Phrase::SharedByTenant => {
            "It is not your account. Somebody connected it for everybody in the organisation or \
             team in which you use this application."
        }
        Phrase::SharedCovers => {
            "What you agree to here holds for every account at {provider} that you use in this \
             application."
        }
        Phrase::SharedHeading => "Whose account it is",
        Phrase::SharedRequest => "{controller} asks to use an account at {provider} for you.",
        Phrase::SharedSeen => {
            "What is done for you is done in that account, and whoever can see into the account can \
             see it."
        }
        Phrase::SharedTitle => "Use an account at {provider} that is not yours",
        Phrase::SharedYour => {
            "Where a line below says “your” of something at {provider}, it means that account."
        }
        Phrase::StandardClauses => "standard contract clauses of the European Commission",
        Phrase::Term => "{title}: {url}",
        Phrase::TermWhen => "{title}, {when}: {url}",
        Phrase::NotesHeading => "Good to know about {provider}",
        Phrase::TermsHeading => "Terms of {provider} that apply",
        Phrase::Title => "Connect {provider}",
        Phrase::UntilAccountDeleted => "until you delete your account with us",
        Phrase::UntilDisconnected => "until you disconnect {provider}",
        Phrase::UntilSharedDisconnected => "until that account is disconnected",
        Phrase::Version => {
            "Language of this text: {locale}. Version of our declaration: {version}."
        }
        Phrase::Who => "{controller}, {address}.",
        Phrase::WithdrawHereAlone => {
            "Here: disconnect {provider} in this application. Access from here ends at once and the \
             stored tokens are deleted. {provider} has no way for us to revoke them: take the steps \
             there as well."
        }
        Phrase::WithdrawHere => {
            "Here: disconnect {provider} in this application. Access ends at once, the stored tokens \
             are deleted, and {provider} is asked to revoke them."
        }
        Phrase::WithdrawKeyHere => {
            "Here: disconnect {provider} in this application. It stops using the key at once and \
             deletes it. Nobody but you, or whoever made the key, can end it at {provider}."
        }
        Phrase::WithdrawHeading => "How to take it back",
        Phrase::WithdrawSharedHere => {
            "Here: take your agreement back in this application, for one purpose or for several. \
             From then on it does nothing for you at {provider} for that purpose, through that \
             account or another. The account itself stays connected."
        }
        Phrase::WithdrawThere => "At {provider}, step {n}: {step}",
        Phrase::Writes => "it may be changed",
        Phrase::Year => "for {count} year",
        Phrase::Years => "for {count} years",
    }
}

fn english_country(code: &str) -> Option<&'static str> {
    COUNTRIES.iter().find(|(known, _)| *known == code).map(|(_, name)| *name)
}

/// The EEA, the countries with a decision on adequacy, and others where providers are at home.
const COUNTRIES: [(&str, &str); 56] = [
    ("AD", "Andorra"),
    ("AE", "the United Arab Emirates"),
    ("AR", "Argentina"),
    ("AT", "Austria"),
    ("AU", "Australia"),
    ("BE", "Belgium"),
    ("BG", "Bulgaria"),
    ("BR", "Brazil"),
    ("CA", "Canada"),
    ("CH", "Switzerland"),
    ("CN", "China"),
    ("CY", "Cyprus"),
    ("CZ", "Czechia"),
    ("DE", "Germany"),
    ("DK", "Denmark"),
    ("EE", "Estonia"),
    ("ES", "Spain"),
    ("FI", "Finland"),
    ("FR", "France"),
    ("GB", "the United Kingdom"),
    ("GR", "Greece"),
    ("HK", "Hong Kong"),
    ("HR", "Croatia"),
    ("HU", "Hungary"),
    ("IE", "Ireland"),
    ("IL", "Israel"),
    ("IN", "India"),
    ("IS", "Iceland"),
    ("IT", "Italy"),
    ("JP", "Japan"),
    ("KR", "South Korea"),
    ("LI", "Liechtenstein"),
    ("LT", "Lithuania"),
    ("LU", "Luxembourg"),
    ("LV", "Latvia"),
    ("MT", "Malta"),
    ("MX", "Mexico"),
    ("NL", "the Netherlands"),
    ("NO", "Norway"),
    ("NZ", "New Zealand"),
    ("PL", "Poland"),
    ("PT", "Portugal"),
    ("RO", "Romania"),
    ("RS", "Serbia"),
    ("SE", "Sweden"),
    ("SG", "Singapore"),
    ("SI", "Slovenia"),
    ("SK", "Slovakia"),
    ("TH", "Thailand"),
    ("TR", "Türkiye"),
    ("TW", "Taiwan"),
    ("UA", "Ukraine"),
    ("US", "the United States"),
    ("UY", "Uruguay"),
    ("VN", "Vietnam"),
    ("ZA", "South Africa"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_language_falls_back_to_english() {
        for tag in ["en", "en-GB", "EN", "xx", "de-AT"] {
            assert_eq!(Words::of(&Locale::new(tag).unwrap()).locale, "en");
        }
    }

    #[test]
    fn what_fills_a_place_is_not_filled_again() {
        let places = [("provider", "{controller}"), ("controller", "Ada")];
        let text = ENGLISH.fill(Phrase::Request, &places);
        assert_eq!(text, "Ada asks for access to your {controller} account.");
    }

    #[test]
    fn countries_without_a_name_are_their_letters() {
        assert_eq!(ENGLISH.country(Country::parse("IE").unwrap()), "Ireland");
        assert_eq!(ENGLISH.country(Country::parse("QQ").unwrap()), "QQ");
    }
}

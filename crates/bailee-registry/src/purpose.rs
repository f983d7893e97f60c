//! Purposes: the declared reasons to process data, and what none can be.

use bailee_core::PurposeId;
use serde::Serialize;

/// A declared reason to process data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Purpose {
    /// Its name.
    pub id: PurposeId,
    /// What a person reads as its name ("Publish your videos").
    pub title: String,
    /// What is done, as a sentence for the person.
    pub plain: String,
    /// What makes it lawful.
    pub basis: LegalBasis,
    /// What kind of use it is.
    #[serde(rename = "use")]
    pub usage: Use,
    /// Which condition lets it process special categories of data (Art. 9(2) GDPR).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<SpecialCondition>,
    /// Whether the person has to provide the data, and what happens if they do not (Art. 13(2)(e)
    /// GDPR).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub necessity: Option<Necessity>,
    /// The logic of decisions that are made by machines alone, and what they mean for the person (Art.
    /// 13(2)(f) GDPR). None are where this says nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub automated: Option<String>,
}

/// Whether data has to be provided (Art. 13(2)(e) GDPR).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Necessity {
    /// It is the person's choice.
    Optional,
    /// A law or the contract asks for it.
    Required {
        /// What happens without it, as a sentence for the person.
        consequence: String,
    },
}

/// What lets special categories of data be processed: Art. 9(2) GDPR, point by point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SpecialCondition {
    /// The person agreed explicitly: Art. 9(2)(a).
    ExplicitConsent,
    /// Duties of employment and social security law: Art. 9(2)(b).
    EmploymentLaw,
    /// Somebody's life, where the person cannot consent: Art. 9(2)(c).
    VitalInterests,
    /// A foundation's or association's own members: Art. 9(2)(d).
    Members,
    /// The person made it public themselves: Art. 9(2)(e).
    MadePublic,
    /// Legal claims: Art. 9(2)(f).
    LegalClaims,
    /// Substantial public interest, on the basis of a law: Art. 9(2)(g).
    PublicInterest,
    /// Health and social care: Art. 9(2)(h).
    HealthCare,
    /// Public health: Art. 9(2)(i).
    PublicHealth,
    /// Archives, research, statistics: Art. 9(2)(j).
    Research,
}

impl SpecialCondition {
    pub(crate) const ALL: [(&'static str, Self); 10] = [
        ("explicit_consent", Self::ExplicitConsent),
        ("employment_law", Self::EmploymentLaw),
        ("vital_interests", Self::VitalInterests),
        ("members", Self::Members),
        ("made_public", Self::MadePublic),
        ("legal_claims", Self::LegalClaims),
        ("public_interest", Self::PublicInterest),
        ("health_care", Self::HealthCare),
        ("public_health", Self::PublicHealth),
        ("research", Self::Research),
    ];

    /// The article and point.
    pub fn article(self) -> &'static str {
        match self {
            Self::ExplicitConsent => "Art. 9(2)(a) GDPR",
            Self::EmploymentLaw => "Art. 9(2)(b) GDPR",
            Self::VitalInterests => "Art. 9(2)(c) GDPR",
            Self::Members => "Art. 9(2)(d) GDPR",
            Self::MadePublic => "Art. 9(2)(e) GDPR",
            Self::LegalClaims => "Art. 9(2)(f) GDPR",
            Self::PublicInterest => "Art. 9(2)(g) GDPR",
            Self::HealthCare => "Art. 9(2)(h) GDPR",
            Self::PublicHealth => "Art. 9(2)(i) GDPR",
            Self::Research => "Art. 9(2)(j) GDPR",
        }
    }
}

/// What makes a purpose lawful: Art. 6(1) GDPR, point by point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "basis", rename_all = "snake_case")]
#[non_exhaustive]
pub enum LegalBasis {
    /// The person agreed: Art. 6(1)(a).
    Consent,
    /// A contract with the person needs it: Art. 6(1)(b).
    Contract,
    /// A law demands it: Art. 6(1)(c).
    LegalObligation {
        /// Which law (Art. 6(3)).
        law: String,
    },
    /// Somebody's life depends on it: Art. 6(1)(d).
    VitalInterests,
    /// A task in the public interest: Art. 6(1)(e).
    PublicTask {
        /// Which law gives the task (Art. 6(3)).
        law: String,
    },
    /// Legitimate interests that the person's do not override: Art. 6(1)(f).
    LegitimateInterests {
        /// The interests pursued and why they prevail (Art. 13(1)(d)).
        assessment: String,
    },
}

impl LegalBasis {
    /// The article and point.
    pub fn article(&self) -> &'static str {
        match self {
            Self::Consent => "Art. 6(1)(a) GDPR",
            Self::Contract => "Art. 6(1)(b) GDPR",
            Self::LegalObligation { .. } => "Art. 6(1)(c) GDPR",
            Self::VitalInterests => "Art. 6(1)(d) GDPR",
            Self::PublicTask { .. } => "Art. 6(1)(e) GDPR",
            Self::LegitimateInterests { .. } => "Art. 6(1)(f) GDPR",
        }
    }

    /// The words that a declaration may use.
    pub(crate) const WORDS: [&'static str; 6] = [
        "consent",
        "contract",
        "legal_obligation",
        "vital_interests",
        "public_task",
        "legitimate_interests",
    ];
}

/// What kind of use a purpose makes of data. The list is closed: selling data and training public
/// models are not in it, so no purpose can be either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Use {
    /// Keeping the person's account with the service.
    Account,
    /// Seeing how the service is used.
    Analytics,
    /// Writing to the person about the service.
    Communication,
    /// Making the service better.
    Improvement,
    /// Doing what a law demands.
    Legal,
    /// Advertising the service to the person.
    Marketing,
    /// Taking payments.
    Payment,
    /// Fitting the service to the person.
    Personalisation,
    /// Scientific or statistical research.
    Research,
    /// Keeping the service and its people safe.
    Security,
    /// Doing what the person asked the service for.
    Service,
    /// Helping the person.
    Support,
}

impl Use {
    /// Every use that a purpose may be, with its word.
    pub(crate) const ALL: [(&'static str, Self); 12] = [
        ("account", Self::Account),
        ("analytics", Self::Analytics),
        ("communication", Self::Communication),
        ("improvement", Self::Improvement),
        ("legal", Self::Legal),
        ("marketing", Self::Marketing),
        ("payment", Self::Payment),
        ("personalisation", Self::Personalisation),
        ("research", Self::Research),
        ("security", Self::Security),
        ("service", Self::Service),
        ("support", Self::Support),
    ];

    /// The word that a declaration uses.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, known)| *known == self).map_or("", |(word, _)| word)
    }

    #[cfg(test)]
    fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == word).map(|(_, known)| *known)
    }
}

/// A use that no declaration can register, whatever it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ProhibitedUse {
    /// Giving personal data to somebody for money or another advantage.
    SellData,
    /// Training models that others can use.
    TrainPublicModels,
}

impl ProhibitedUse {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::SellData, Self::TrainPublicModels];

    /// What it is, as a clause.
    pub fn plain(self) -> &'static str {
        match self {
            Self::SellData => "selling personal data",
            Self::TrainPublicModels => "training public models with personal data",
        }
    }

    /// Recognises the words that people write for it, in an id or as a use.
    pub(crate) fn recognise(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.split(['.', '-', '_', ' ']).filter(|w| !w.is_empty()).collect();
        let any = |list: &[&str]| words.iter().any(|word| list.contains(word));
        let data = ["data", "information", "profiles", "contacts"];
        let sells = ["sell", "sells", "selling", "sale", "resale", "resell", "broker"];
        if (any(&sells) && any(&data))
            || words.windows(2).any(|pair| pair == ["data", "sales"])
            || matches!(words.as_slice(), ["sell" | "selling" | "resell"])
        {
            return Some(Self::SellData);
        }
        if any(&["train", "trains", "training", "finetune", "finetuning"])
            && any(&["model", "models", "llm", "ai"])
            && !any(&["private", "own"])
        {
            return Some(Self::TrainPublicModels);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prohibited_uses_are_recognised_in_their_usual_spellings() {
        for text in ["sell_data", "data_sales", "selling", "data-broker", "sell.profiles"] {
            assert_eq!(ProhibitedUse::recognise(text), Some(ProhibitedUse::SellData), "{text}");
        }
        for text in ["train_public_models", "model-training", "training.llm", "ai_training"] {
            let found = ProhibitedUse::recognise(text);
            assert_eq!(found, Some(ProhibitedUse::TrainPublicModels), "{text}");
        }
        for text in
            ["publish.video", "sales", "sales_data.show", "training_plan", "train_own_model"]
        {
            assert_eq!(ProhibitedUse::recognise(text), None, "{text}");
        }
    }

    #[test]
    fn every_use_has_its_own_word_and_none_is_prohibited() {
        for (word, usage) in Use::ALL {
            assert_eq!(usage.word(), word);
            assert_eq!(Use::parse(word), Some(usage));
            assert_eq!(ProhibitedUse::recognise(word), None);
        }
    }
}

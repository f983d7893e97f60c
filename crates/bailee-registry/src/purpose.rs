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

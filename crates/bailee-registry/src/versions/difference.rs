//! What a difference between two declarations means for people.

use std::collections::BTreeSet;

use bailee_core::{ProviderId, PurposeId};

use super::Changed;

/// One difference between two declarations, with what follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// What differs.
    pub changed: Changed,
    /// How much it means.
    pub significance: Significance,
    /// Why.
    pub reason: Reason,
    /// Who is told. Nobody has to be where this is empty.
    pub told: BTreeSet<Audience>,
    /// By which way.
    pub way: Way,
    /// The consents that do not cover it: a purpose through an integration, or for the host's own
    /// processing.
    pub asked: BTreeSet<(Option<ProviderId>, PurposeId)>,
}

/// How much a difference means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Significance {
    /// It is noted, and nobody has to be told: less is done than before, or nothing that concerns
    /// people is.
    Editorial,
    /// People have to be told before it holds.
    Informing,
    /// Consents that were given do not cover it: people are told, and asked again.
    AskAnew,
}

/// Who is told of a difference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Audience {
    /// Everybody who uses the service.
    Everybody,
    /// Whoever has an account of theirs connected.
    Account(ProviderId),
    /// Whoever agreed to a purpose through an integration, or for the host's own processing.
    Agreed(Option<ProviderId>, PurposeId),
}

/// By which way people are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Way {
    /// In the application.
    InApplication,
    /// In the application, and by a message as well.
    ByMessage,
}

/// Why people are told or asked, or why they are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// What is done at an account.
    Acts,
    /// The ages from which people use the service or agree alone.
    Ages,
    /// Decisions that machines make alone.
    Automated,
    /// The legal basis.
    Basis,
    /// It concerns nobody yet: whoever connects is told then.
    Connecting,
    /// A consent is for what the person was told, and they were not told this.
    Consent,
    /// How people reach whoever answers for the service, or its officer.
    Contact,
    /// Who answers for the service.
    Identity,
    /// The interests that are pursued.
    Interests,
    /// Who decides together with the controller.
    JointControllers,
    /// Less is done than before.
    Narrower,
    /// Whether data has to be provided.
    Necessity,
    /// Data is used for something else than what it was collected for.
    OtherPurpose,
    /// Somebody else works for the service.
    Processor,
    /// What was said that would never be done, or how data is protected.
    Promise,
    /// Who receives data.
    Recipient,
    /// How long data is kept.
    Retention,
    /// Where data comes from, or what is kept.
    Source,
    /// A special category of data.
    Special,
    /// It changes nothing that concerns people.
    Technical,
    /// Where data goes, and what protects it there.
    Transfer,
    /// What people read is said otherwise. Whether it means the same, only a person can say; until
    /// one does, it is told.
    Words,
}

impl Reason {
    /// The article, where one asks for it.
    pub fn article(self) -> Option<&'static str> {
        Some(match self {
            Self::Acts | Self::Promise => "Art. 5(1)(a) GDPR",
            Self::Connecting => "Art. 13(1) GDPR",
            Self::Ages => "Art. 8(1) GDPR",
            Self::Automated => "Art. 13(2)(f) and 13(3) GDPR",
            Self::Basis => "Art. 13(1)(c) and 13(3) GDPR",
            Self::Consent => "Art. 4(11) and 7(1) GDPR",
            Self::Contact => "Art. 13(1)(a) and (b) GDPR",
            Self::Identity => "Art. 13(1)(a) GDPR",
            Self::Interests => "Art. 13(1)(d) GDPR",
            Self::JointControllers => "Art. 26(2) GDPR",
            Self::Narrower | Self::Technical => return None,
            Self::Necessity => "Art. 13(2)(e) GDPR",
            Self::OtherPurpose => "Art. 6(4) and 13(3) GDPR",
            Self::Processor => "Art. 13(1)(e) and 28(2) GDPR",
            Self::Recipient => "Art. 13(1)(e) GDPR",
            Self::Retention => "Art. 13(2)(a) GDPR",
            Self::Source => "Art. 13(3) and 14(2)(f) GDPR",
            Self::Special => "Art. 9(2) GDPR",
            Self::Transfer => "Art. 13(1)(f) GDPR",
            Self::Words => "Art. 12(1) GDPR",
        })
    }

    /// Why, as a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Acts => "acts",
            Self::Ages => "ages",
            Self::Automated => "automated",
            Self::Basis => "basis",
            Self::Connecting => "connecting",
            Self::Consent => "consent",
            Self::Contact => "contact",
            Self::Identity => "identity",
            Self::Interests => "interests",
            Self::JointControllers => "joint_controllers",
            Self::Narrower => "narrower",
            Self::Necessity => "necessity",
            Self::OtherPurpose => "other_purpose",
            Self::Processor => "processor",
            Self::Promise => "promise",
            Self::Recipient => "recipient",
            Self::Retention => "retention",
            Self::Source => "source",
            Self::Special => "special",
            Self::Technical => "technical",
            Self::Transfer => "transfer",
            Self::Words => "words",
        }
    }
}

impl Significance {
    /// How much it means, as a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Editorial => "editorial",
            Self::Informing => "informing",
            Self::AskAnew => "ask_anew",
        }
    }
}

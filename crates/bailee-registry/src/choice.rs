//! The ledger's records: a person's choices, each written once.

use std::fmt;

use bailee_core::{Actor, Id, Locale, ProviderId, PurposeId, SubjectId, Timestamp, audit::Entry};
use serde::{Deserialize, Serialize};

use crate::{AgeBand, AgeMethod, GuardianCheck, How, RestrictionGround, hex};

/// One record of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ConsentRecord {
    /// Its id. It is the key of the stored record and does not stand in its body.
    #[serde(skip, default = "unstored")]
    pub id: Id,
    /// When it was recorded.
    pub at: Timestamp,
    /// The writing of the person's standing that it belongs to: what orders the ledger.
    pub seq: i64,
    /// Its place in that writing.
    pub n: u16,
    /// Who told us.
    pub by: Actor,
    /// What was chosen.
    pub choice: Choice,
}

/// What a person can choose, or what was found out or decided about their choices.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "choice", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Choice {
    /// It was learnt how old they are, as a band (Art. 8 GDPR).
    AgeLearnt {
        /// The band.
        band: AgeBand,
        /// How it was learnt.
        method: AgeMethod,
    },
    /// Their agreement ran out, or they have to be asked anew.
    ConsentExpired {
        /// The purpose.
        purpose: PurposeId,
        /// Through which integration.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        integration: Option<ProviderId>,
    },
    /// They agreed to a purpose, or their guardian did.
    ConsentGiven {
        /// The purpose.
        purpose: PurposeId,
        /// Through which integration.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        integration: Option<ProviderId>,
        /// The version of the declaration that was shown.
        #[serde(with = "hex")]
        declaration: [u8; 32],
        /// The hash of the text that was shown.
        #[serde(with = "hex")]
        text: [u8; 32],
        /// The language of that text.
        locale: Locale,
        /// How they said it.
        how: How,
        /// Until when it holds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
        /// That it is their guardian's, and how that was verified.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        guardian: Option<GuardianCheck>,
    },
    /// Somebody says that they once agreed, and cannot show what they were told. It is no consent
    /// until they confirm it.
    ConsentImported {
        /// The purpose.
        purpose: PurposeId,
        /// Through which integration.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        integration: Option<ProviderId>,
    },
    /// They were asked and said no.
    ConsentRefused {
        /// The purpose.
        purpose: PurposeId,
        /// Through which integration.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        integration: Option<ProviderId>,
        /// The version of the declaration that was shown.
        #[serde(with = "hex")]
        declaration: [u8; 32],
        /// The hash of the text that was shown.
        #[serde(with = "hex")]
        text: [u8; 32],
        /// The language of that text.
        locale: Locale,
        /// How they said it.
        how: How,
    },
    /// They took an agreement back.
    ConsentWithdrawn {
        /// The purpose.
        purpose: PurposeId,
        /// Through which integration.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        integration: Option<ProviderId>,
    },
    /// Their browser said Global Privacy Control, and it was honoured: they object to all
    /// marketing, until they themselves say otherwise.
    GpcHonoured,
    /// They no longer object to all marketing.
    MarketingObjectionEnded,
    /// They object to all marketing, also to what is declared later (Art. 21(2) GDPR).
    MarketingObjectionMade,
    /// They took an objection back.
    ObjectionEnded {
        /// The purpose.
        purpose: PurposeId,
        /// Through which integration.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        integration: Option<ProviderId>,
    },
    /// They object to a purpose (Art. 21 GDPR). Their grounds, if they named any, are a sealed part
    /// of the record: [`crate::Ledger::grounds`].
    ObjectionMade {
        /// The purpose.
        purpose: PurposeId,
        /// Through which integration; none is all of them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        integration: Option<ProviderId>,
    },
    /// An objection was weighed and overridden on compelling grounds (Art. 21(1) GDPR), which are a
    /// sealed part of the record.
    ObjectionOverridden {
        /// The purpose.
        purpose: PurposeId,
        /// Through which integration.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        integration: Option<ProviderId>,
    },
    /// An objection was weighed and holds for good.
    ObjectionUpheld {
        /// The purpose.
        purpose: PurposeId,
        /// Through which integration.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        integration: Option<ProviderId>,
    },
    /// Processing is restricted (Art. 18 GDPR).
    RestrictionBegun {
        /// Why.
        #[serde(default = "unstated")]
        ground: RestrictionGround,
    },
    /// It is no longer restricted on this ground.
    RestrictionEnded {
        /// Which ground is over; none is every one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ground: Option<RestrictionGround>,
        /// When the person was told of it, before it was done (Art. 18(3) GDPR). Where they ask for
        /// it themselves, nobody has to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        told: Option<Timestamp>,
    },
}

fn unstored() -> Id {
    Id::ZERO
}

fn unstated() -> RestrictionGround {
    RestrictionGround::Unknown
}

impl ConsentRecord {
    /// The schema that this release writes.
    pub const SCHEMA: u16 = 2;

    /// What the log says of it: declared names, hashes, pseudonyms. No ages and no grounds.
    pub(crate) fn entry(&self, subject: SubjectId) -> Entry {
        let entry = Entry::new(self.choice.event(), self.at).about(subject).by(&self.by);
        let entry = match self.choice.on() {
            Some((purpose, integration)) => {
                entry.with("purpose", purpose).with_some("provider", integration)
            }
            None => entry,
        };
        match &self.choice {
            Choice::AgeLearnt { method, .. } => entry.with("method", method.as_str()),
            Choice::ConsentGiven { declaration, text, until, guardian, .. } => entry
                .with("version", *declaration)
                .with("digest", *text)
                .with_some("until", *until)
                .with_some("method", guardian.map(GuardianCheck::as_str)),
            Choice::ConsentRefused { declaration, text, .. } => {
                entry.with("version", *declaration).with("digest", *text)
            }
            Choice::RestrictionBegun { ground } => entry.with("reason", ground.as_str()),
            Choice::RestrictionEnded { ground, .. } => {
                entry.with_some("reason", ground.map(RestrictionGround::as_str))
            }
            _ => entry,
        }
    }
}

impl Choice {
    /// The purpose that it is about, and through which integration, where it names one.
    pub fn on(&self) -> Option<(&PurposeId, Option<&ProviderId>)> {
        match self {
            Self::ConsentExpired { purpose, integration }
            | Self::ConsentGiven { purpose, integration, .. }
            | Self::ConsentImported { purpose, integration }
            | Self::ConsentRefused { purpose, integration, .. }
            | Self::ConsentWithdrawn { purpose, integration }
            | Self::ObjectionEnded { purpose, integration }
            | Self::ObjectionMade { purpose, integration }
            | Self::ObjectionOverridden { purpose, integration }
            | Self::ObjectionUpheld { purpose, integration } => {
                Some((purpose, integration.as_ref()))
            }
            Self::AgeLearnt { .. }
            | Self::GpcHonoured
            | Self::MarketingObjectionEnded
            | Self::MarketingObjectionMade
            | Self::RestrictionBegun { .. }
            | Self::RestrictionEnded { .. } => None,
        }
    }

    /// The event that the log calls it.
    fn event(&self) -> &'static str {
        match self {
            Self::AgeLearnt { band: AgeBand::Child, .. } => "child.found",
            Self::AgeLearnt { .. } => "age.learnt",
            Self::ConsentExpired { .. } => "consent.expired",
            Self::ConsentGiven { .. } => "consent.given",
            Self::ConsentImported { .. } => "consent.imported",
            Self::ConsentRefused { .. } => "consent.refused",
            Self::ConsentWithdrawn { .. } => "consent.withdrawn",
            Self::GpcHonoured => "gpc.honoured",
            Self::MarketingObjectionEnded => "marketing.objection_ended",
            Self::MarketingObjectionMade => "marketing.objection_made",
            Self::ObjectionEnded { .. } => "objection.ended",
            Self::ObjectionMade { .. } => "objection.made",
            Self::ObjectionOverridden { .. } => "objection.overridden",
            Self::ObjectionUpheld { .. } => "objection.upheld",
            Self::RestrictionBegun { .. } => "restriction.begun",
            Self::RestrictionEnded { .. } => "restriction.ended",
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::AgeLearnt { .. } => "AgeLearnt",
            Self::ConsentExpired { .. } => "ConsentExpired",
            Self::ConsentGiven { .. } => "ConsentGiven",
            Self::ConsentImported { .. } => "ConsentImported",
            Self::ConsentRefused { .. } => "ConsentRefused",
            Self::ConsentWithdrawn { .. } => "ConsentWithdrawn",
            Self::GpcHonoured => "GpcHonoured",
            Self::MarketingObjectionEnded => "MarketingObjectionEnded",
            Self::MarketingObjectionMade => "MarketingObjectionMade",
            Self::ObjectionEnded { .. } => "ObjectionEnded",
            Self::ObjectionMade { .. } => "ObjectionMade",
            Self::ObjectionOverridden { .. } => "ObjectionOverridden",
            Self::ObjectionUpheld { .. } => "ObjectionUpheld",
            Self::RestrictionBegun { .. } => "RestrictionBegun",
            Self::RestrictionEnded { .. } => "RestrictionEnded",
        }
    }
}

impl fmt::Debug for Choice {
    /// What and about which purpose; never an age.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.on() {
            Some((purpose, integration)) => {
                f.debug_tuple(self.word()).field(purpose).field(&integration).finish()
            }
            None => f.write_str(self.word()),
        }
    }
}

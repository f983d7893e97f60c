//! The ledger's records: a person's choices, each written once.

use std::fmt;

use bailee_core::{
    Actor, Error, ErrorKind, Locale, ProviderId, PurposeId, Result, SubjectId, Timestamp,
    audit::Entry,
};
use serde::{Deserialize, Serialize};

use crate::hex;

/// A consent as it is given: one act, for one purpose or several.
#[derive(Clone, Debug)]
pub struct Given {
    /// What the person agreed to.
    pub purposes: Vec<PurposeId>,
    /// Through which integration; `None` is the host's own processing.
    pub integration: Option<ProviderId>,
    /// The version of the declaration that was shown.
    pub declaration: [u8; 32],
    /// The hash of the text that was shown.
    pub text: [u8; 32],
    /// The language of that text.
    pub locale: Locale,
    /// How the person said it.
    pub how: How,
    /// Who told us: the person, or an operator who has it in writing.
    pub by: Actor,
}

/// How a person expressed a consent (Art. 7(1) GDPR asks for proof of it).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum How {
    /// It was recorded by an earlier system and taken over.
    Imported,
    /// On a page of the service.
    Page,
    /// In speech, to an operator.
    Spoken,
    /// In a terminal.
    Terminal,
    /// In a letter, a form or a message to an operator.
    Written,
}

/// One record of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ConsentRecord {
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

/// What a person can choose.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "choice", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Choice {
    /// They agreed to a purpose.
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
    },
    /// They took an agreement back.
    ConsentWithdrawn {
        /// The purpose.
        purpose: PurposeId,
        /// Through which integration.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        integration: Option<ProviderId>,
    },
    /// An objection is over: taken back, or overridden on recorded grounds (Art. 21(1) GDPR).
    ObjectionEnded {
        /// The purpose.
        purpose: PurposeId,
        /// Through which integration.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        integration: Option<ProviderId>,
    },
    /// They object to a purpose (Art. 21 GDPR).
    ObjectionMade {
        /// The purpose.
        purpose: PurposeId,
        /// Through which integration; none is all of them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        integration: Option<ProviderId>,
    },
    /// Processing is restricted (Art. 18 GDPR).
    RestrictionBegun,
    /// It is no longer restricted (Art. 18(3) GDPR: the person is told before).
    RestrictionEnded,
}

impl Given {
    /// Refuses what is no consent of this person.
    pub(crate) fn check(&self, subject: SubjectId) -> Result<()> {
        if self.purposes.is_empty() {
            return Err(Error::new(ErrorKind::InvalidInput).with_detail("a consent to no purpose"));
        }
        let own = matches!(self.by, Actor::Subject { subject: by } if by == subject);
        let recorded = match self.how {
            How::Imported => matches!(self.by, Actor::Operator { .. } | Actor::System),
            How::Spoken | How::Written => matches!(self.by, Actor::Operator { .. }),
            How::Page | How::Terminal => false,
        };
        if own || recorded {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Denied)
            .with_detail("only the person whose data it is can give this consent"))
    }

    /// The choices that it makes, each purpose once.
    pub(crate) fn choices(&self) -> Vec<Choice> {
        let first = |n: &usize| !self.purposes[..*n].contains(&self.purposes[*n]);
        (0..self.purposes.len())
            .filter(first)
            .map(|n| Choice::ConsentGiven {
                purpose: self.purposes[n].clone(),
                integration: self.integration.clone(),
                declaration: self.declaration,
                text: self.text,
                locale: self.locale.clone(),
                how: self.how,
            })
            .collect()
    }
}

impl ConsentRecord {
    /// The schema that this release writes.
    pub const SCHEMA: u16 = 1;

    /// What the log says of it: declared names, hashes, pseudonyms.
    pub(crate) fn entry(&self, subject: SubjectId) -> Entry {
        let entry = |event| Entry::new(event, self.at).about(subject).by(&self.by);
        let on = |event, purpose: &PurposeId, integration: &Option<ProviderId>| {
            entry(event).with("purpose", purpose).with_some("provider", integration.as_ref())
        };
        match &self.choice {
            Choice::ConsentGiven { purpose, integration, declaration, text, .. } => {
                on("consent.given", purpose, integration)
                    .with("version", *declaration)
                    .with("digest", *text)
            }
            Choice::ConsentWithdrawn { purpose, integration } => {
                on("consent.withdrawn", purpose, integration)
            }
            Choice::ObjectionEnded { purpose, integration } => {
                on("objection.ended", purpose, integration)
            }
            Choice::ObjectionMade { purpose, integration } => {
                on("objection.made", purpose, integration)
            }
            Choice::RestrictionBegun => entry("restriction.begun"),
            Choice::RestrictionEnded => entry("restriction.ended"),
        }
    }
}

impl fmt::Debug for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, on) = match self {
            Self::ConsentGiven { purpose, integration, .. } => {
                ("ConsentGiven", Some((purpose, integration)))
            }
            Self::ConsentWithdrawn { purpose, integration } => {
                ("ConsentWithdrawn", Some((purpose, integration)))
            }
            Self::ObjectionEnded { purpose, integration } => {
                ("ObjectionEnded", Some((purpose, integration)))
            }
            Self::ObjectionMade { purpose, integration } => {
                ("ObjectionMade", Some((purpose, integration)))
            }
            Self::RestrictionBegun => ("RestrictionBegun", None),
            Self::RestrictionEnded => ("RestrictionEnded", None),
        };
        match on {
            Some((purpose, integration)) => {
                f.debug_tuple(word).field(purpose).field(integration).finish()
            }
            None => f.write_str(word),
        }
    }
}

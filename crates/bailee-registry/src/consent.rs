//! A consent as it is given or refused: what was shown, and who may say so.

use bailee_core::{
    Actor, Error, ErrorKind, Locale, ProviderId, PurposeId, Result, SubjectId, Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::Choice;

/// A consent as it is given, or refused: one act, for one purpose or several.
#[derive(Clone, Debug)]
pub struct Given {
    /// What the person was asked.
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
    /// Who told us: the person, or an operator who has it in writing; for a guardian's word see
    /// [`Given::guardian`].
    pub by: Actor,
    /// When the person has to be asked anew. The gate sees that by the clock, so nobody has to
    /// write anything then.
    pub until: Option<Timestamp>,
    /// That it is the word of a child's guardian, and how that was verified (Art. 8(2) GDPR). It
    /// comes from another person of the tenant, from an operator, or from the host itself
    /// ([`Actor::System`]), never from the child's own session.
    pub guardian: Option<GuardianCheck>,
}

/// How a person expressed a consent (Art. 7(1) GDPR asks for proof of it).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum How {
    /// It was recorded by an earlier system and taken over with the proof of what was shown. What
    /// comes without it is no consent until it is confirmed: [`crate::Ledger::import`].
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

/// How it was verified that somebody is the guardian of a child (Art. 8(2) GDPR: reasonable
/// efforts, taking into consideration available technology).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GuardianCheck {
    /// By an account of their own whose holder is known to be of age.
    Account,
    /// By a message to them with a second step of confirmation.
    Message,
    /// By an identity document, which was not kept.
    Document,
    /// By a payment with their own means.
    Payment,
    /// By a form that they signed.
    Signature,
    /// In a conversation with trained staff.
    Spoken,
    /// A way of a newer release. Serde wants it last.
    #[serde(other)]
    Unknown,
}

impl GuardianCheck {
    /// The word that records and the log use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Message => "message",
            Self::Document => "document",
            Self::Payment => "payment",
            Self::Signature => "signature",
            Self::Spoken => "spoken",
            Self::Unknown => "unknown",
        }
    }
}

impl Given {
    /// Refuses what is no consent of this person, or of their guardian.
    pub(crate) fn check(&self, subject: SubjectId, now: Timestamp) -> Result<()> {
        if self.purposes.is_empty() {
            return Err(invalid("a consent to no purpose"));
        }
        if self.until.is_some_and(|until| until <= now) {
            return Err(invalid("a consent whose end has passed"));
        }
        let recorded = match self.how {
            How::Imported => matches!(self.by, Actor::Operator { .. } | Actor::System),
            How::Spoken | How::Written => matches!(self.by, Actor::Operator { .. }),
            How::Page | How::Terminal => false,
        };
        let allowed = match self.guardian {
            None => recorded || is_of(&self.by, subject),
            Some(GuardianCheck::Unknown) => {
                return Err(invalid("it is not said how the guardian was verified"));
            }
            Some(_) => match &self.by {
                Actor::Member { subject: guardian } | Actor::Subject { subject: guardian } => {
                    *guardian != subject
                }
                Actor::System => matches!(self.how, How::Page | How::Terminal),
                _ => recorded,
            },
        };
        if allowed {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Denied)
            .with_detail("only the person whose data it is can give this consent"))
    }

    /// The choices that it makes, each purpose once.
    pub(crate) fn choices(&self) -> Vec<Choice> {
        self.each(|purpose| Choice::ConsentGiven {
            purpose,
            integration: self.integration.clone(),
            declaration: self.declaration,
            text: self.text,
            locale: self.locale.clone(),
            how: self.how,
            until: self.until,
            guardian: self.guardian,
        })
    }

    /// The choices that refusing it makes.
    pub(crate) fn refusals(&self) -> Vec<Choice> {
        self.each(|purpose| Choice::ConsentRefused {
            purpose,
            integration: self.integration.clone(),
            declaration: self.declaration,
            text: self.text,
            locale: self.locale.clone(),
            how: self.how,
        })
    }

    fn each(&self, choice: impl Fn(PurposeId) -> Choice) -> Vec<Choice> {
        let first = |n: &usize| !self.purposes[..*n].contains(&self.purposes[*n]);
        (0..self.purposes.len()).filter(first).map(|n| choice(self.purposes[n].clone())).collect()
    }
}

/// Whether it is the person themselves who acts.
pub(crate) fn is_of(by: &Actor, subject: SubjectId) -> bool {
    matches!(by, Actor::Subject { subject: by } if *by == subject)
}

fn invalid(detail: &'static str) -> Error {
    Error::new(ErrorKind::InvalidInput).with_detail(detail)
}

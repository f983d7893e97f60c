//! What a person was shown when they gave or refused a consent, and what became of it.

use std::collections::BTreeSet;

use bailee_core::{
    DataCategory, Error, ErrorKind, Id, Locale, ProviderId, Result, SubjectId, Timestamp,
};

use super::ReceiptGap;
use crate::{
    Category, Choice, ConsentRecord, Country, GuardianCheck, How, Policy, Purpose, Recipient,
    Texts, dpv::Subset,
};

/// A consent with what was shown for it.
pub(super) struct Shown<'h> {
    /// The record that the receipt is of.
    pub(super) record: &'h ConsentRecord,
    pub(super) subject: SubjectId,
    pub(super) state: State,
    /// When the person was asked and answered.
    pub(super) answered: Timestamp,
    pub(super) integration: Option<&'h ProviderId>,
    pub(super) declaration: [u8; 32],
    pub(super) text: [u8; 32],
    pub(super) locale: &'h Locale,
    pub(super) how: How,
    pub(super) until: Option<Timestamp>,
    pub(super) guardian: Option<GuardianCheck>,
    pub(super) texts: &'h Texts,
    pub(super) purpose: &'h Purpose,
}

/// What became of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Expired,
    Given,
    Refused,
    Withdrawn,
}

impl State {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Given => "given",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl<'h> Shown<'h> {
    /// Finds it in the history of a person. A withdrawal and an end name no text: they are of the
    /// consent that was given last before.
    pub(super) fn of(
        history: &'h [ConsentRecord],
        place: usize,
        subject: SubjectId,
        texts: &'h Texts,
    ) -> Result<Self> {
        let record = &history[place];
        let state = match &record.choice {
            Choice::ConsentExpired { .. } => State::Expired,
            Choice::ConsentGiven { .. } => State::Given,
            Choice::ConsentRefused { .. } => State::Refused,
            Choice::ConsentWithdrawn { .. } => State::Withdrawn,
            _ => return Err(invalid("the record is no consent")),
        };
        let on = record.choice.on();
        let answer = match state {
            State::Given | State::Refused => Some(record),
            State::Expired | State::Withdrawn => history[..place].iter().rev().find(|earlier| {
                matches!(earlier.choice, Choice::ConsentGiven { .. }) && earlier.choice.on() == on
            }),
        };
        let answer = answer.ok_or_else(|| invalid("nothing was shown for this consent"))?;
        let (declaration, text, locale, how, until, guardian) = match &answer.choice {
            Choice::ConsentGiven { declaration, text, locale, how, until, guardian, .. } => {
                (*declaration, *text, locale, *how, *until, *guardian)
            }
            Choice::ConsentRefused { declaration, text, locale, how, .. } => {
                (*declaration, *text, locale, *how, None, None)
            }
            _ => return Err(invalid("nothing was shown for this consent")),
        };
        if texts.declaration().version() != declaration {
            return Err(invalid("the texts are not of the declaration that was shown"));
        }
        let (purpose, integration) = on.ok_or_else(|| invalid("the record is no consent"))?;
        let purpose = texts.declaration().purpose(purpose);
        let purpose = purpose.ok_or_else(|| invalid("the purpose is not declared"))?;
        Ok(Self {
            record,
            subject,
            state,
            answered: answer.at,
            integration,
            declaration,
            text,
            locale,
            how,
            until,
            guardian,
            texts,
            purpose,
        })
    }

    /// An id of RFC 9562, version 4, out of the record's own: all but six of its bits are that.
    pub(super) fn uuid(&self) -> String {
        let mut bytes = *self.record.id.as_bytes();
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex = Id::from_bytes(bytes).to_string();
        let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
        parts.join("-")
    }

    pub(super) fn subset(&self) -> Subset<'h> {
        Subset::Through(self.integration)
    }

    /// What the purpose is part of: the provider's service, or the controller's own.
    pub(super) fn service(&self) -> String {
        match self.integration {
            Some(provider) => self.texts.title_of(provider),
            None => self.texts.declaration().controller().name.clone(),
        }
    }

    pub(super) fn recipients(&self) -> Vec<&'h Recipient> {
        self.texts.recipients_of(self.purpose, self.subset()).collect()
    }

    /// The categories of data that the purpose is about: what is kept for it, what its integration
    /// reads, and where neither is declared, what is passed on.
    pub(super) fn categories(&self) -> Result<Vec<&'h Category>, ReceiptGap> {
        let mut names: BTreeSet<&DataCategory> = BTreeSet::new();
        for integration in self.texts.integrations_of(self.subset()) {
            let items = integration.data.iter().filter(|item| item.purpose == self.purpose.id);
            names.extend(items.map(|item| &item.category));
            names.extend(&integration.reads);
        }
        if self.integration.is_none() {
            let items = self.texts.declaration().data_sets().flat_map(|set| &set.data);
            let items = items.filter(|item| item.purpose == self.purpose.id);
            names.extend(items.map(|item| &item.category));
        }
        if names.is_empty() {
            names.extend(self.recipients().into_iter().flat_map(|one| &one.categories));
        }
        let found: Vec<_> =
            names.into_iter().filter_map(|name| self.texts.declared_category(name)).collect();
        if found.is_empty() { Err(ReceiptGap::Data) } else { Ok(found) }
    }

    pub(super) fn country(&self) -> Result<Country, ReceiptGap> {
        self.texts.declaration().controller().country.ok_or(ReceiptGap::Country)
    }

    pub(super) fn address(&self) -> Result<&'h str, ReceiptGap> {
        let address = self.texts.declaration().controller().address.as_deref();
        address.ok_or(ReceiptGap::Address)
    }

    pub(super) fn policy(&self) -> Result<&'h Policy, ReceiptGap> {
        self.texts.declaration().policy().ok_or(ReceiptGap::Policy)
    }

    /// How the consent was obtained.
    pub(super) fn method(&self) -> &'static str {
        match self.how {
            How::Imported => "recorded by an earlier system and taken over with its proof",
            How::Page => "on a page of the service",
            How::Spoken => "in speech, to an operator",
            How::Terminal => "in a terminal",
            How::Written => "in writing, to an operator",
        }
    }
}

fn invalid(detail: &'static str) -> Error {
    Error::new(ErrorKind::InvalidInput).with_detail(detail)
}

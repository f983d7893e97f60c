//! The differences between two declarations, and what follows from them together.

use std::collections::BTreeSet;

use bailee_core::{ProviderId, PurposeId, Timestamp};
use time::{Date, Duration};

use crate::{Declaration, LegalBasis, Standing};

use super::{Audience, Changed, Difference, Presence, RecipientChange, Significance, Way, compare};

/// Everything that differs between two declarations.
///
/// It is empty for two declarations of one version, and only then.
#[derive(Clone, Debug)]
pub struct Diff {
    old: Declaration,
    new: Declaration,
    differences: Vec<Difference>,
}

impl Diff {
    /// Compares two declarations.
    pub fn between(old: &Declaration, new: &Declaration) -> Self {
        let differences = compare::differences(old.content(), new.content());
        Self { old: old.clone(), new: new.clone(), differences }
    }

    /// The declaration before.
    pub fn before(&self) -> &Declaration {
        &self.old
    }

    /// The declaration now.
    pub fn after(&self) -> &Declaration {
        &self.new
    }

    /// Every difference, in the order of what is declared.
    pub fn differences(&self) -> &[Difference] {
        &self.differences
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.differences.is_empty()
    }

    /// How much the weightiest difference means; none where nothing differs.
    pub fn significance(&self) -> Option<Significance> {
        self.differences.iter().map(|difference| difference.significance).max()
    }

    /// The consents that no longer suffice, each once: a purpose through an integration, or for the
    /// host's own processing. Every other consent stays what it is.
    ///
    /// A purpose or an integration that is new is among them, so that a consent from before it was
    /// last declared is not taken for one to what it is now.
    pub fn asks_anew(&self) -> impl Iterator<Item = (Option<&ProviderId>, &PurposeId)> {
        let asked: BTreeSet<_> = self.differences.iter().flat_map(|one| &one.asked).collect();
        asked.into_iter().map(|(through, purpose)| (through.as_ref(), purpose))
    }

    /// By which way a person is told, from what they chose; `None` where nothing concerns them.
    ///
    /// Where an integration also serves purposes that rest on no consent, a standing does not say
    /// whether the person has an account there, and they are told. Nobody is told whose data was
    /// erased, or is to be because they are too young. A restriction does not end the duty to inform.
    pub fn tells(&self, standing: &Standing) -> Option<Way> {
        if standing.erased().is_some() || standing.child_found().is_some() {
            return None;
        }
        let concerns =
            |one: &&Difference| one.told.iter().any(|audience| self.is_among(audience, standing));
        self.differences.iter().filter(concerns).map(|one| one.way).max()
    }

    /// What a person is asked anew: their consents that hold at a time and do not cover what
    /// changed.
    pub fn asks<'s>(
        &'s self,
        standing: &'s Standing,
        now: Timestamp,
    ) -> impl Iterator<Item = (Option<&'s ProviderId>, &'s PurposeId)> {
        let gone = standing.erased().is_some() || standing.child_found().is_some();
        self.asks_anew().filter(move |(through, purpose)| {
            let consent = standing.consent(purpose, *through);
            !gone && consent.is_some_and(|consent| consent.stands(now))
        })
    }

    /// From when the new declaration may hold, if it is published on a day: not before the day that
    /// its policy names, nor before the days have passed that recipients have as their notice (Art.
    /// 28(2) GDPR).
    pub fn effective(&self, published: Date) -> Date {
        let named = self.new.policy().map_or(published, |policy| policy.effective);
        let noticed = published.saturating_add(Duration::days(self.notice_days().into()));
        named.max(noticed).max(published)
    }

    /// How many days before it holds it has to be published: the longest notice of a recipient that
    /// is new, or that receives more or elsewhere than before. The longer one counts, of the two
    /// declarations.
    pub fn notice_days(&self) -> u16 {
        let days = |of: &Declaration, recipient| {
            of.recipient(recipient).and_then(|recipient| recipient.notice_days).unwrap_or(0)
        };
        let noticed = self.differences.iter().filter_map(|one| match &one.changed {
            Changed::Recipient { recipient, what } if is_replacement(what) => {
                Some(days(&self.old, recipient).max(days(&self.new, recipient)))
            }
            _ => None,
        });
        noticed.max().unwrap_or(0)
    }

    fn is_among(&self, audience: &Audience, standing: &Standing) -> bool {
        match audience {
            Audience::Everybody => true,
            Audience::Account(provider) => {
                let agreed = standing.consents().any(|(_, through, consent)| {
                    through == Some(provider) && consent.can_be_withdrawn()
                });
                agreed || !self.shows_accounts(provider)
            }
            Audience::Agreed(through, purpose) => standing
                .consent(purpose, through.as_ref())
                .is_some_and(|consent| consent.can_be_withdrawn()),
        }
    }

    /// Whether nobody can have an account at an integration without a consent: it served nothing
    /// that rests on something else.
    fn shows_accounts(&self, provider: &ProviderId) -> bool {
        let on_consent = |purpose: &&PurposeId| {
            let purpose = self.old.purpose(purpose);
            purpose.is_some_and(|purpose| purpose.basis == LegalBasis::Consent)
        };
        let integration = self.old.integration(provider);
        integration.is_none_or(|integration| integration.purposes().iter().all(on_consent))
    }
}

/// Whether it is what people or customers are told of beforehand: another recipient, or more for one
/// that there was.
fn is_replacement(what: &RecipientChange) -> bool {
    match what {
        RecipientChange::Added
        | RecipientChange::Country { .. }
        | RecipientChange::Name { .. }
        | RecipientChange::Role { .. } => true,
        RecipientChange::Category { now, .. }
        | RecipientChange::Field { now, .. }
        | RecipientChange::Purpose { now, .. } => *now == Presence::Added,
        RecipientChange::Contract { .. }
        | RecipientChange::NoticeDays { .. }
        | RecipientChange::Reference { .. }
        | RecipientChange::Removed
        | RecipientChange::Review { .. }
        | RecipientChange::Safeguard { .. }
        | RecipientChange::Service { .. }
        | RecipientChange::Since { .. }
        | RecipientChange::Supplementary { .. } => false,
    }
}

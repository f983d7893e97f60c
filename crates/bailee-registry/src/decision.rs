//! Decisions: what a person's choices say about a use.

use bailee_core::{Error, ErrorKind, ProviderId, Remedy, Result, Timestamp};

use crate::{AgeBand, Consent, Exemption, LegalBasis, Purpose, Standing, versions::AskedAnew};

/// One use of a person's data, as the gate asks about it.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Wanted<'a> {
    purpose: &'a Purpose,
    integration: Option<&'a ProviderId>,
    now: Timestamp,
    despite: Option<Exemption>,
    asked: Option<&'a AskedAnew>,
    all_ages: bool,
}

/// What a person's choices say about one use of their data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Decision {
    /// It may be done.
    Allowed,
    /// It may not, and nothing that the person is asked now would change that.
    Denied(Denial),
    /// It may be done once this has happened.
    Needs(Remedy),
}

/// Why a use is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Denial {
    /// Nobody knows whether the person is old enough to agree alone (Art. 8 GDPR).
    AgeUnknown,
    /// The person is too young for the service: their data is to be deleted, and nothing else.
    Child,
    /// The person's data was erased.
    Erased,
    /// The person is too young to agree alone, and no guardian has agreed (Art. 8 GDPR).
    GuardianMissing,
    /// The person objected (Art. 21 GDPR).
    Objected,
    /// Processing is restricted (Art. 18 GDPR).
    Restricted,
}

impl<'a> Wanted<'a> {
    /// A use for a purpose, through an integration or by the host itself (`None`), at a time.
    pub fn new(
        purpose: &'a Purpose,
        integration: impl Into<Option<&'a ProviderId>>,
        now: Timestamp,
    ) -> Self {
        let integration = integration.into();
        Self { purpose, integration, now, despite: None, asked: None, all_ages: false }
    }

    /// Says why it may be done although processing is restricted (Art. 18(2) GDPR).
    pub fn despite_restriction(mut self, exemption: Exemption) -> Self {
        self.despite = Some(exemption);
        self
    }

    /// Says that people are asked anew: what they were told has changed since, or the time for which
    /// such consents hold was made shorter.
    pub fn asked_anew(mut self, asked: &'a AskedAnew) -> Self {
        self.asked = Some(asked);
        self
    }

    /// Says that the service is for people of all ages: without a known age there is no consent.
    pub fn of_all_ages(mut self) -> Self {
        self.all_ages = true;
        self
    }
}

impl Standing {
    /// Decides whether data may be processed for a purpose through an integration; `None` is the
    /// host's own processing. As [`Standing::decide_on`], with nothing special said.
    pub fn decide<'a>(
        &self,
        purpose: &'a Purpose,
        integration: impl Into<Option<&'a ProviderId>>,
        now: Timestamp,
    ) -> Decision {
        self.decide_on(&Wanted::new(purpose, integration, now))
    }

    /// Decides on a use.
    ///
    /// Erasure comes first, then a child's protection, restriction, objection, and consent where
    /// that is the basis: given, not taken back, not over, and by a guardian where the person is
    /// too young to give it alone. Scopes, freezes and who acts are for others to look at.
    ///
    /// It reads memory alone and allocates nothing.
    pub fn decide_on(&self, wanted: &Wanted<'_>) -> Decision {
        let Wanted { purpose, integration, now, .. } = *wanted;
        if self.erased.is_some() {
            return Decision::Denied(Denial::Erased);
        }
        if self.child_found().is_some() {
            return Decision::Denied(Denial::Child);
        }
        let consent = || self.consent(&purpose.id, integration);
        let mut needs_consent = purpose.basis == LegalBasis::Consent;
        if self.restriction.is_some() {
            match wanted.despite {
                Some(Exemption::Consent) if consent().is_some_and(|c| c.while_restricted) => {
                    needs_consent = true;
                }
                None | Some(Exemption::Consent) => return Decision::Denied(Denial::Restricted),
                Some(_) => {}
            }
        }
        if self.objects_to(purpose, integration) {
            return Decision::Denied(Denial::Objected);
        }
        if !needs_consent {
            return Decision::Allowed;
        }
        let holds = |consent: &&Consent| {
            consent.stands(now) && wanted.asked.is_none_or(|asked| asked.is_met_by(consent))
        };
        let standing = consent().filter(holds);
        let guardian = standing.is_some_and(|consent| consent.guardian);
        match (self.age.as_ref().map(|age| age.band), standing) {
            (_, Some(_)) if guardian => Decision::Allowed,
            (Some(AgeBand::Adult), Some(_)) => Decision::Allowed,
            (None, Some(_)) if !wanted.all_ages => Decision::Allowed,
            (Some(AgeBand::Adult), None) => Decision::Needs(Remedy::AskConsent),
            (None, None) if !wanted.all_ages => Decision::Needs(Remedy::AskConsent),
            (Some(AgeBand::Minor), _) => Decision::Denied(Denial::GuardianMissing),
            _ => Decision::Denied(Denial::AgeUnknown),
        }
    }

    /// Whether the person's data may be kept at all. A restriction allows that, and an objection
    /// does until it is weighed; an erasure and a child's protection do not.
    pub fn may_keep(&self) -> Decision {
        if self.erased.is_some() {
            return Decision::Denied(Denial::Erased);
        }
        match self.child_found() {
            Some(_) => Decision::Denied(Denial::Child),
            None => Decision::Allowed,
        }
    }
}

impl Denial {
    /// Why, as a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AgeUnknown => "age_unknown",
            Self::Child => "child",
            Self::Erased => "erased",
            Self::GuardianMissing => "guardian_missing",
            Self::Objected => "objected",
            Self::Restricted => "restricted",
        }
    }

    /// Why, as a clause.
    pub fn plain(self) -> &'static str {
        match self {
            Self::AgeUnknown => "it is not known whether the person is old enough to agree alone",
            Self::Child => "the person is too young for this service, and their data is deleted",
            Self::Erased => "the person's data was erased",
            Self::GuardianMissing => "a guardian of the person has not agreed to this purpose",
            Self::Objected => "the person objected to this purpose",
            Self::Restricted => "the processing of this person's data is restricted",
        }
    }
}

impl Decision {
    /// Whether it may be done.
    pub fn is_allowed(self) -> bool {
        self == Self::Allowed
    }

    /// Nothing, if it may be done.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ConsentMissing`] or [`ErrorKind::Denied`], with the remedy.
    pub fn require(self) -> Result<()> {
        match self {
            Self::Allowed => Ok(()),
            Self::Denied(denial) => Err(Error::new(ErrorKind::Denied).with_detail(denial.plain())),
            Self::Needs(Remedy::AskConsent) => Err(ErrorKind::ConsentMissing.into()),
            Self::Needs(remedy) => Err(Error::new(ErrorKind::Denied).with_remedy(remedy)),
        }
    }
}

//! The fold: what each record of the ledger does to the standing.

use bailee_core::{ProviderId, PurposeId, Timestamp};

use crate::{
    Age, AgeBand, Choice, Consent, ConsentRecord, ConsentState, Outcome, Restriction,
    RestrictionGround, Standing,
    standing::{Against, Through},
};

impl Standing {
    /// Folds a ledger into the standing that it makes. The records may come in any order.
    pub fn fold<'r>(records: impl IntoIterator<Item = &'r ConsentRecord>) -> Self {
        let mut records: Vec<_> = records.into_iter().collect();
        records.sort_by_key(|record| (record.seq, record.n));
        let mut standing = Self::default();
        for record in records {
            standing.apply(record);
        }
        standing
    }

    /// Adds the next record of the ledger. It asks no clock: what ends by time is seen at the gate.
    pub(crate) fn apply(&mut self, record: &ConsentRecord) {
        let at = record.at;
        match &record.choice {
            Choice::AgeLearnt { band, method } => {
                self.learn_age(Age { band: *band, at, method: Some(*method) });
            }
            Choice::ConsentExpired { purpose, integration } => {
                self.end_consent(purpose, integration.as_ref(), ConsentState::Expired, at);
            }
            Choice::ConsentGiven { purpose, integration, declaration, until, guardian, .. } => {
                let consent = Consent {
                    state: match until {
                        Some(_) => ConsentState::GivenUntil,
                        None => ConsentState::Given,
                    },
                    at,
                    until: *until,
                    version: Some(*declaration),
                    guardian: guardian.is_some(),
                    while_restricted: self.restriction.is_some(),
                };
                self.give_consent(purpose, integration.as_ref(), consent);
            }
            // It never takes the place of the person's own word.
            Choice::ConsentImported { purpose, integration } => {
                if self.consent(purpose, integration.as_ref()).is_none() {
                    let state = ConsentState::Imported;
                    self.end_consent(purpose, integration.as_ref(), state, at);
                }
            }
            Choice::ConsentRefused { purpose, integration, .. } => {
                self.end_consent(purpose, integration.as_ref(), ConsentState::Refused, at);
            }
            Choice::ConsentWithdrawn { purpose, integration } => {
                self.end_consent(purpose, integration.as_ref(), ConsentState::Withdrawn, at);
            }
            Choice::GpcHonoured => {
                self.gpc.get_or_insert(at);
                self.object(None, Against::marketing());
            }
            Choice::MarketingObjectionEnded => self.end_objection(None, &Against::marketing()),
            Choice::MarketingObjectionMade => self.object(None, Against::marketing()),
            Choice::ObjectionEnded { purpose, integration } => {
                self.forget_outcome(purpose, integration.as_ref());
                self.end_objection(integration.as_ref(), &purpose.into());
            }
            Choice::ObjectionMade { purpose, integration } => {
                // Who objects again has it weighed again, unless it holds for good.
                if self.outcome(purpose, integration.as_ref()) != Some(Outcome::Upheld) {
                    self.forget_outcome(purpose, integration.as_ref());
                }
                self.object(integration.as_ref(), purpose.into());
            }
            Choice::ObjectionOverridden { purpose, integration } => {
                self.weigh(purpose, integration.as_ref(), Outcome::Overridden);
            }
            Choice::ObjectionUpheld { purpose, integration } => {
                self.weigh(purpose, integration.as_ref(), Outcome::Upheld);
            }
            Choice::RestrictionBegun { ground } => self.restrict(*ground, at),
            Choice::RestrictionEnded { ground, .. } => {
                Restriction::end(&mut self.restriction, *ground);
            }
        }
    }

    /// Whether there is an objection to exactly this, and what became of it.
    pub(crate) fn objection(
        &self,
        purpose: &PurposeId,
        integration: Option<&ProviderId>,
    ) -> Option<Option<Outcome>> {
        let objections = self.objections.get(&Through::new(integration))?;
        objections.contains(&Against::from(purpose)).then(|| self.outcome(purpose, integration))
    }

    fn give_consent(
        &mut self,
        purpose: &PurposeId,
        integration: Option<&ProviderId>,
        mut consent: Consent,
    ) {
        let young = self.age.as_ref().is_some_and(|age| age.band.needs_guardian());
        let known = self.consents.entry(Through::new(integration)).or_default();
        if young && !consent.guardian {
            // What a guardian agreed to under this very declaration is neither lost nor made longer
            // by what the child says again.
            let covered = known.get(purpose).is_some_and(|known| {
                known.guardian && known.stands(consent.at) && known.version == consent.version
            });
            if covered {
                return;
            }
            consent.state = ConsentState::AwaitsGuardian;
        }
        known.insert(purpose.clone(), consent);
    }

    /// Puts a state in place that is no consent. What was given before leaves its version.
    fn end_consent(
        &mut self,
        purpose: &PurposeId,
        integration: Option<&ProviderId>,
        state: ConsentState,
        at: Timestamp,
    ) {
        let known = self.consents.entry(Through::new(integration)).or_default();
        let version = known.get(purpose).and_then(|consent| consent.version);
        let ended =
            Consent { state, at, until: None, version, guardian: false, while_restricted: false };
        known.insert(purpose.clone(), ended);
    }

    fn learn_age(&mut self, age: Age) {
        if age.band.needs_guardian() {
            // In the states themselves, so that a release that knows of no ages denies too.
            for consent in self.consents.values_mut().flat_map(|known| known.values_mut()) {
                let given = matches!(consent.state, ConsentState::Given | ConsentState::GivenUntil);
                if given && !consent.guardian {
                    consent.state = ConsentState::AwaitsGuardian;
                }
            }
        }
        match age.band {
            AgeBand::Child => self.restrict(RestrictionGround::Child, age.at),
            _ => Restriction::end_for_age(&mut self.restriction),
        }
        self.age = Some(age);
    }

    /// Restricts. What was agreed to before is no consent to use what is restricted now.
    fn restrict(&mut self, ground: RestrictionGround, at: Timestamp) {
        for consent in self.consents.values_mut().flat_map(|known| known.values_mut()) {
            consent.while_restricted = false;
        }
        Restriction::begin(&mut self.restriction, ground, at);
    }

    fn object(&mut self, integration: Option<&ProviderId>, against: Against) {
        self.objections.entry(Through::new(integration)).or_default().insert(against);
    }

    fn end_objection(&mut self, integration: Option<&ProviderId>, against: &Against) {
        let through = Through::new(integration);
        if let Some(objections) = self.objections.get_mut(&through) {
            objections.remove(against);
            if objections.is_empty() {
                self.objections.remove(&through);
            }
        }
    }

    fn outcome(&self, purpose: &PurposeId, integration: Option<&ProviderId>) -> Option<Outcome> {
        self.outcomes.get(&Through::new(integration))?.get(purpose).copied()
    }

    /// Keeps what became of an objection that there is. One that holds for good is not overridden.
    fn weigh(&mut self, purpose: &PurposeId, integration: Option<&ProviderId>, outcome: Outcome) {
        let weighed = self.objection(purpose, integration);
        if weighed.is_some_and(|known| known != Some(Outcome::Upheld)) {
            let through = Through::new(integration);
            self.outcomes.entry(through).or_default().insert(purpose.clone(), outcome);
        }
    }

    fn forget_outcome(&mut self, purpose: &PurposeId, integration: Option<&ProviderId>) {
        let through = Through::new(integration);
        if let Some(known) = self.outcomes.get_mut(&through) {
            known.remove(purpose);
            if known.is_empty() {
                self.outcomes.remove(&through);
            }
        }
    }
}

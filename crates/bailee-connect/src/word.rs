//! A word on how a person's data may be used, from whoever brings it to the commit that makes it
//! hold: the ledger's records, the standing and the audit entries, and where the word leaves a
//! connection without anything to rest on, the beginning of that connection's end.

use std::{collections::BTreeSet, time::Duration};

use bailee_core::{
    Actor, ConnectionRef, ConnectionState, Error, ErrorKind, HostId, ProviderId, PurposeId, Result,
    SubjectId, TenantId, Timestamp,
};
use bailee_registry::{
    AgeBand, AgeMethod, Change, Choice, ConsentState, Declaration, Given, GlobalPrivacyControl,
    Grounds, LegalBasis, Objection, PromptErasure, Purpose, Standing,
};
use bailee_store::{Due, Key, Op};
use bailee_vault::{Holder, View};

use crate::{disconnect::DisconnectReceipt, engine::Engine, stored::Found};

/// So many connections end in the commit of the word itself. Nobody has more; who has, sees the
/// others end in commits of their own right after it.
const AT_ONCE: usize = 100;

/// What a person takes back of what they, or somebody for them, agreed to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Withdrawal {
    /// All of it.
    Everything,
    /// Whatever was agreed to through an integration.
    Integration(ProviderId),
    /// One purpose, through every integration and for the host's own processing.
    Purpose(PurposeId),
    /// Some purposes through one integration; `None` is the host's own processing.
    Uses {
        /// Through what.
        integration: Option<ProviderId>,
        /// Which purposes.
        purposes: Vec<PurposeId>,
    },
}

/// What a withdrawal ended. It holds from the next call on, whatever stands here.
#[derive(Debug)]
#[non_exhaustive]
pub struct Withdrawn {
    /// The connections that it ended: deleted here, and what their providers said.
    pub ended: Vec<DisconnectReceipt>,
    /// The connections that it ended and that are not deleted yet. Nothing uses them any more, and
    /// a worker does the rest within a minute.
    pub ending: Vec<ConnectionRef>,
}

/// What somebody says of one person.
pub(crate) enum Word<'w> {
    /// What somebody else knows of their age.
    Age(AgeBand, AgeMethod),
    Given(&'w Given),
    Marketing {
        objects: bool,
    },
    Objected {
        purpose: &'w PurposeId,
        integration: Option<&'w ProviderId>,
        grounds: Option<&'w Grounds>,
    },
    /// What they say of it themselves.
    OwnAge(AgeBand),
    Overridden {
        purpose: &'w Purpose,
        integration: Option<&'w ProviderId>,
        grounds: &'w Grounds,
    },
    Recorded(Choice),
    Refused(&'w Given),
    Signal(GlobalPrivacyControl),
    Upheld {
        purpose: &'w PurposeId,
        integration: Option<&'w ProviderId>,
    },
    Withdrawn(&'w Withdrawal),
}

/// What came of a word.
pub(crate) struct Said {
    /// The connections that it left without anything to rest on. They are unusable already.
    ends: Vec<ConnectionRef>,
    pub(crate) erase: Option<PromptErasure>,
}

impl Engine {
    /// Records a word on a person whom the host names, and ends what it leaves without a ground.
    ///
    /// A person of whom nothing is stored has nothing to take back or to end; what protects them is
    /// recorded all the same, and they are taken in for it.
    pub(crate) async fn say(
        &self,
        tenant: &TenantId,
        person: &HostId,
        by: Option<Actor>,
        word: &Word<'_>,
    ) -> Result<Said> {
        if tenant.is_system() {
            return Err(Error::new(ErrorKind::Denied));
        }
        let known = self.subject_of(tenant, person).await?;
        let subject = match known {
            Some(subject) => subject,
            None if word.only_ends() => return Ok(Said { ends: Vec::new(), erase: None }),
            None => self.0.vault.ensure_subject(tenant, person).await?,
        };
        let by = by.unwrap_or(Actor::Subject { subject });
        self.say_of(tenant, subject, &by, word).await
    }

    /// The same of a person by their pseudonym.
    pub(crate) async fn say_of(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        by: &Actor,
        word: &Word<'_>,
    ) -> Result<Said> {
        if tenant.is_system() {
            return Err(Error::new(ErrorKind::Denied));
        }
        for _ in 0..8 {
            match self.say_once(tenant, subject, by, word).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => return done,
            }
        }
        Err(Error::new(ErrorKind::Conflict))
    }

    async fn say_once(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        by: &Actor,
        word: &Word<'_>,
    ) -> Result<Said> {
        let vault = &self.0.vault;
        let view = vault.read(tenant, Holder::Subject(subject), &[]).await?;
        let force = self.admit_instance(view.control()).await?;
        if let Word::Given(_) = word {
            force.admits_consent()?;
        }
        let before = Standing::read(&view.standing()?)?;
        if word.is_said_by(&before)? {
            return Ok(Said { ends: Vec::new(), erase: None });
        }
        let (change, erase) = self.change(tenant, &view, by, word).await?;
        if change.ops.is_empty() {
            return Ok(Said { ends: Vec::new(), erase });
        }
        let ends = match word {
            Word::Refused(_) | Word::Withdrawn(_) => {
                self.left_without(tenant, subject, &before, &change.standing).await?
            }
            _ => Vec::new(),
        };
        let (now, later) = ends.split_at(ends.len().min(AT_ONCE));
        let mut batch = change.add_to(vault.batch()?);
        if erase.is_some() {
            batch = batch.ops(self.child_found(subject));
        }
        for found in now {
            batch = self.unusable(found, by, Some(CONSENT_WITHDRAWN), batch).await?;
        }
        vault.commit(tenant, batch).await?;
        for found in later {
            // It has no ground any more either way, and the gate says so.
            if let Err(error) = self.make_unusable(found, by).await {
                tracing::warn!(kind = ?error.kind(), "a connection without a purpose stays");
            }
        }
        let ends = ends.into_iter().map(|found| found.reference).collect();
        Ok(Said { ends, erase })
    }

    /// The work of others that begins where somebody is too young for the service.
    fn child_found(&self, subject: SubjectId) -> Option<Op> {
        let kind = self.0.duties.iter().find_map(|duties| duties.given.for_children())?;
        let (task, due) = (Key::new(kind, subject.id()), Due::After(Duration::ZERO));
        Some(Op::Schedule { task, subject: Some(subject), due })
    }

    /// What a word changes in the ledger.
    async fn change(
        &self,
        tenant: &TenantId,
        view: &View,
        by: &Actor,
        word: &Word<'_>,
    ) -> Result<(Change, Option<PromptErasure>)> {
        let ledger = &self.0.ledger;
        let change = match word {
            Word::Age(band, method) => {
                let learnt = ledger.learn_age(tenant, view, *band, *method, by).await?;
                return Ok((learnt.change, learnt.erase));
            }
            Word::OwnAge(band) => {
                let method = AgeMethod::Declared;
                let learnt = ledger.learn_age(tenant, view, *band, method, by).await?;
                return Ok((learnt.change, learnt.erase));
            }
            Word::Given(given) => ledger.give(tenant, view, given).await?,
            Word::Refused(asked) => ledger.refuse(tenant, view, asked).await?,
            Word::Signal(signal) => ledger.honour(tenant, view, *signal, by).await?,
            Word::Objected { purpose, integration, grounds } => {
                let objection = Objection {
                    purpose: (*purpose).clone(),
                    integration: integration.cloned(),
                    grounds: grounds.map(|grounds| grounds.expose(Grounds::new)),
                };
                ledger.object(tenant, view, objection, by).await?
            }
            Word::Overridden { purpose, integration, grounds } => {
                let grounds = grounds.expose(Grounds::new);
                ledger.override_objection(tenant, view, purpose, *integration, grounds, by).await?
            }
            Word::Upheld { purpose, integration } => {
                ledger.uphold(tenant, view, purpose, *integration, by).await?
            }
            Word::Withdrawn(Withdrawal::Everything) => {
                ledger.withdraw_everything(tenant, view, by).await?
            }
            Word::Withdrawn(Withdrawal::Integration(integration)) => {
                ledger.withdraw_all(tenant, view, integration, by).await?
            }
            Word::Withdrawn(Withdrawal::Purpose(purpose)) => {
                ledger.withdraw_everywhere(tenant, view, purpose, by).await?
            }
            Word::Withdrawn(Withdrawal::Uses { integration, purposes }) => {
                ledger.withdraw_purposes(tenant, view, purposes, integration.as_ref(), by).await?
            }
            Word::Marketing { objects: true } => {
                ledger.record(tenant, view, Choice::MarketingObjectionMade, by).await?
            }
            Word::Marketing { objects: false } => {
                ledger.record(tenant, view, Choice::MarketingObjectionEnded, by).await?
            }
            Word::Recorded(choice) => ledger.record(tenant, view, choice.clone(), by).await?,
        };
        Ok((change, None))
    }

    /// The person's own connections that a change leaves without a purpose that rests on anything:
    /// one of their purposes was carried by a consent before and is not after, and none is now.
    async fn left_without(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        before: &Standing,
        after: &Standing,
    ) -> Result<Vec<Found>> {
        let now = self.0.clock.now();
        let lost: BTreeSet<(&ProviderId, &PurposeId)> = before
            .consents()
            .filter_map(|(purpose, through, consent)| {
                let through = through?;
                let lost =
                    may_count(consent.state_at(now)) && !agrees(after, purpose, through, now);
                lost.then_some((through, purpose))
            })
            .collect();
        if lost.is_empty() {
            return Ok(Vec::new());
        }
        let declared = self.live_declarations().await?;
        let mut ends = self.held_by(tenant, subject).await?;
        ends.retain(|found| {
            let provider = &found.body.provider;
            let purposes = &found.body.purposes;
            let carried = |purpose: &PurposeId| {
                agrees(after, purpose, provider, now)
                    || declared.iter().any(|all| rests_elsewhere(all, provider, purpose))
            };
            found.state != ConnectionState::Disconnecting
                && purposes.iter().any(|purpose| lost.contains(&(provider, purpose)))
                && !purposes.iter().any(carried)
        });
        Ok(ends)
    }

    /// Brings the ends of connections that a word left without a ground to their end.
    pub(crate) async fn end_all(&self, said: Said) -> Withdrawn {
        let ends = said.ends.into_iter().map(async |connection| {
            let outcome = self.end(&connection).await;
            (connection, outcome)
        });
        let mut withdrawn = Withdrawn { ended: Vec::new(), ending: Vec::new() };
        for (connection, outcome) in futures_util::future::join_all(ends).await {
            match outcome {
                Ok(receipt) => withdrawn.ended.push(receipt),
                // The word stands; a worker does the rest.
                Err(error) => {
                    tracing::warn!(kind = ?error.kind(), "a worker finishes a disconnect");
                    withdrawn.ending.push(connection);
                }
            }
        }
        withdrawn
    }
}

impl Withdrawal {
    /// Refuses what names nothing.
    pub(crate) fn check(&self) -> Result<()> {
        match self {
            Self::Uses { purposes, .. } if purposes.is_empty() => {
                Err(Error::new(ErrorKind::InvalidInput).with_detail("no purpose was named"))
            }
            _ => Ok(()),
        }
    }
}

impl Word<'_> {
    /// Whether it says again what stands, so that there is nothing to record.
    fn is_said_by(&self, standing: &Standing) -> Result<bool> {
        match self {
            Self::Marketing { objects } => Ok(*objects == standing.objects_to_marketing()),
            Self::OwnAge(band) => match standing.age().map(|age| age.band) {
                Some(known) if known == *band => Ok(true),
                Some(known) if older(*band, known) => Err(Error::new(ErrorKind::Denied)
                    .with_detail("another age is known, and an operator corrects it")),
                _ => Ok(false),
            },
            Self::Recorded(choice) => Ok(stands_already(standing, choice)),
            _ => Ok(false),
        }
    }

    /// Whether it does nothing but take back or end something.
    fn only_ends(&self) -> bool {
        matches!(
            self,
            Self::Withdrawn(_)
                | Self::Marketing { objects: false }
                | Self::Recorded(Choice::ObjectionEnded { .. } | Choice::RestrictionEnded { .. })
        )
    }
}

/// Why a connection is ended, as the log says it.
const CONSENT_WITHDRAWN: &str = "consent_withdrawn";

/// Whether a person agreed, or may yet: what waits for a guardian or to be confirmed is nothing to
/// use a connection for, and no reason to end one.
fn agrees(standing: &Standing, purpose: &PurposeId, through: &ProviderId, now: Timestamp) -> bool {
    standing.consent(purpose, through).is_some_and(|consent| may_count(consent.state_at(now)))
}

fn may_count(state: ConsentState) -> bool {
    !matches!(state, ConsentState::Expired | ConsentState::Refused | ConsentState::Withdrawn)
}

/// Whether a purpose is declared at an integration with another basis than consent.
fn rests_elsewhere(declared: &Declaration, provider: &ProviderId, purpose: &PurposeId) -> bool {
    let other = declared.purpose(purpose).is_some_and(|known| known.basis != LegalBasis::Consent);
    other && declared.integration(provider).is_some_and(|at| at.purposes().contains(purpose))
}

/// Whether a band is of older people than the one that is known.
fn older(band: AgeBand, known: AgeBand) -> bool {
    match known {
        AgeBand::Child => band != AgeBand::Child,
        AgeBand::Minor => band == AgeBand::Adult,
        // There is nobody older; of an unknown age everything is news.
        _ => false,
    }
}

/// Whether recording a choice once more would change nothing.
fn stands_already(standing: &Standing, choice: &Choice) -> bool {
    let objection = |purpose: &PurposeId, integration: Option<&ProviderId>| {
        standing.objections().any(|(of, through, _)| of == *purpose && through == integration)
    };
    match choice {
        Choice::ObjectionEnded { purpose, integration } => {
            !objection(purpose, integration.as_ref())
        }
        Choice::RestrictionBegun { ground } => {
            standing.restriction().is_some_and(|restriction| restriction.grounds.contains(ground))
        }
        Choice::RestrictionEnded { ground, .. } => match (standing.restriction(), ground) {
            (None, _) => true,
            (Some(restriction), Some(ground)) => !restriction.grounds.contains(ground),
            (Some(_), None) => false,
        },
        _ => false,
    }
}

//! What people say about the use of their own data, as easily one way as the other.

use std::sync::Arc;

use bailee_core::{
    Actor, Error, ErrorKind, HostId, ProviderId, PurposeId, Remedy, Result, SubjectId, TenantId,
    Visitor,
};
use bailee_registry::{
    AgeBand, AgeLimits, Choice, ConsentRecord, Country, Decision, Declaration, Given,
    GlobalPrivacyControl, GuardianCheck, How, LegalBasis, Objection, PromptErasure, Purpose,
    RestrictionGround, Standing, Wanted,
};
use bailee_vault::Holder;
use http::HeaderMap;

use crate::{
    engine::Engine,
    overlay,
    word::{Withdrawal, Withdrawn, Word},
};

/// People's own words on the use of their data: agreeing, refusing, taking back, objecting,
/// restricting, and reading what they said.
///
/// Each is one commit with its audit entry, in every process from the next call on (a step that is
/// under way reads again within a second). A host calls what changes something only for an
/// authenticated request that changes state (a POST), after its own protection against forged
/// requests. After an error of the store a word is either recorded or not: say it again. To say
/// again what stands changes nothing.
///
/// A visitor speaks for themselves, in their own tenant, and no question is asked of the host's
/// [`bailee_core::Access`]: nobody has to be allowed to take back what is theirs. What comes by
/// letter, and what only whoever runs the service may decide, is for
/// [`OperatorChoices`](crate::OperatorChoices).
#[derive(Clone, Debug)]
pub struct Choices {
    engine: Engine,
}

/// What a host that asks for ages learnt.
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct LearntAge {
    /// The band. The age itself is not kept.
    pub band: AgeBand,
    /// Whose data has to go without delay, where they are a child.
    pub erase: Option<PromptErasure>,
}

impl Engine {
    /// What people say about the use of their own data.
    pub fn choices(&self) -> Choices {
        Choices { engine: self.clone() }
    }
}

impl Choices {
    /// Records that the visitor agrees to purposes of the host's own processing, after a text of
    /// the host's that said what for; `shown` is that text's SHA-256. Purposes that rest on another
    /// basis need no agreement, and none is recorded.
    ///
    /// What goes through an integration is agreed to where it is explained:
    /// [`Connections::begin`](crate::Connections::begin), [`Connections::enter`](crate::Connections::enter),
    /// [`Connections::agree`](crate::Connections::agree).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for no purpose; [`ErrorKind::Denied`] for one that is not
    /// declared, and for somebody who is too young for the service; [`ErrorKind::Configuration`]
    /// where the process's declaration is not in force; [`ErrorKind::Quarantined`], and what the
    /// vault says.
    pub async fn agree(
        &self,
        visitor: &Visitor,
        purposes: &[PurposeId],
        shown: [u8; 32],
    ) -> Result<()> {
        let engine = &self.engine;
        let asked = engine.rest_on_consent(visitor.tenant(), purposes).await?;
        if asked.is_empty() {
            return Ok(());
        }
        let subject = engine.0.vault.ensure_subject(visitor.tenant(), visitor.person()).await?;
        let given = self.given(visitor, subject, None, asked, shown);
        let by = given.by.clone();
        engine.say_of(visitor.tenant(), subject, &by, &Word::Given(&given)).await.map(drop)
    }

    /// Records that the visitor was asked for a consent and said no; `shown` is the hash of the
    /// text ([`bailee_registry::Disclosure::hash`]), `None` is the host's own processing. It ends
    /// one that they had given before, as [`Choices::withdraw`] does.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for no purpose, [`ErrorKind::Quarantined`], and what the vault
    /// says.
    pub async fn refuse(
        &self,
        visitor: &Visitor,
        integration: Option<&ProviderId>,
        purposes: &[PurposeId],
        shown: [u8; 32],
    ) -> Result<Withdrawn> {
        let engine = &self.engine;
        let tenant = visitor.tenant();
        if tenant.is_system() {
            return Err(Error::new(ErrorKind::Denied));
        }
        // Before somebody of whom nothing is known is taken in.
        let snapshot = engine.0.vault.store().read(tenant, &[]).await?;
        engine.admit_instance(&snapshot.control).await?;
        let subject = engine.0.vault.ensure_subject(tenant, visitor.person()).await?;
        let asked = self.given(visitor, subject, integration, purposes.to_vec(), shown);
        let said = engine.say_of(tenant, subject, &asked.by, &Word::Refused(&asked)).await?;
        Ok(engine.end_all(said).await)
    }

    /// Records that the visitor takes back what they agreed to. What they did not agree to is
    /// nothing to take back, and whether integration and purpose are still declared does not
    /// matter.
    ///
    /// A connection of their own ends with it, as by
    /// [`Connections::disconnect`](crate::Connections::disconnect), where nothing carries it any
    /// more: one of its purposes rested on what is taken back, and none of them is left that the
    /// person agrees to (or still may: what waits for a guardian, or to be confirmed) or that the
    /// declaration rests on another basis than consent at that integration. It is unusable with the
    /// same commit; then the provider is asked to revoke. Connections that a tenant or the instance
    /// owns are not this person's to end and stay; nothing is done for them there.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for uses without a purpose, [`ErrorKind::Quarantined`], and what
    /// the vault says. What a provider answers is no error.
    pub async fn withdraw(&self, visitor: &Visitor, what: &Withdrawal) -> Result<Withdrawn> {
        what.check()?;
        let said = self.say(visitor, &Word::Withdrawn(what)).await?;
        Ok(self.engine.end_all(said).await)
    }

    /// Records that the visitor objects to all marketing, also to what is declared later
    /// (Art. 21(2) GDPR). No grounds are needed, and nobody overrides it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Quarantined`], and what the vault says.
    pub async fn opt_out_of_marketing(&self, visitor: &Visitor) -> Result<()> {
        self.say(visitor, &Word::Marketing { objects: true }).await.map(drop)
    }

    /// Records that they no longer do; it goes before the signal of their browser, too. What rests
    /// on consent still needs one.
    ///
    /// # Errors
    ///
    /// As [`Choices::opt_out_of_marketing`].
    pub async fn end_marketing_opt_out(&self, visitor: &Visitor) -> Result<()> {
        self.say(visitor, &Word::Marketing { objects: false }).await.map(drop)
    }

    /// Honours Global Privacy Control, where the headers of a request of the visitor carry it, and
    /// says whether they do: from then on the person objects to all marketing. It is recorded once,
    /// however often it comes; without the signal nothing is asked of the store.
    ///
    /// # Errors
    ///
    /// As [`Choices::opt_out_of_marketing`].
    pub async fn honour_signal(&self, visitor: &Visitor, headers: &HeaderMap) -> Result<bool> {
        let fields = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let Some(signal) = GlobalPrivacyControl::read(fields) else { return Ok(false) };
        self.say(visitor, &Word::Signal(signal)).await.map(|_| true)
    }

    /// Records an objection (Art. 21 GDPR). It holds at once, until an operator has weighed it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for names that are none, [`ErrorKind::Quarantined`], and what
    /// the vault says.
    pub async fn object(&self, visitor: &Visitor, objection: Objection) -> Result<()> {
        let Objection { purpose, integration, grounds } = &objection;
        let (integration, grounds) = (integration.as_ref(), grounds.as_ref());
        self.say(visitor, &Word::Objected { purpose, integration, grounds }).await.map(drop)
    }

    /// Records that the visitor takes an objection back; `None` is the one to all integrations.
    ///
    /// # Errors
    ///
    /// As [`Choices::object`].
    pub async fn end_objection(
        &self,
        visitor: &Visitor,
        purpose: &PurposeId,
        integration: Option<&ProviderId>,
    ) -> Result<()> {
        let choice =
            Choice::ObjectionEnded { purpose: purpose.clone(), integration: integration.cloned() };
        self.say(visitor, &Word::Recorded(choice)).await.map(drop)
    }

    /// Records that the visitor wants the processing of their data restricted (Art. 18 GDPR): it is
    /// kept, and nothing else is done with it, until this ground is over.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Quarantined`], and what the vault says.
    pub async fn restrict(&self, visitor: &Visitor, ground: RestrictionGround) -> Result<()> {
        self.say(visitor, &Word::Recorded(Choice::RestrictionBegun { ground })).await.map(drop)
    }

    /// Records that the visitor wants their data used again; `None` is every ground. A child's
    /// protection is not theirs to end.
    ///
    /// # Errors
    ///
    /// As [`Choices::restrict`].
    pub async fn end_restriction(
        &self,
        visitor: &Visitor,
        ground: Option<RestrictionGround>,
    ) -> Result<()> {
        let choice = Choice::RestrictionEnded { ground, told: None };
        self.say(visitor, &Word::Recorded(choice)).await.map(drop)
    }

    /// Records how old the visitor says that they are, as the declaration's band of ages; without a
    /// country the strictest of its ages counts.
    ///
    /// What is known of an age is not undone by what its person says later: an older age than the
    /// known one is an operator's to record
    /// ([`OperatorChoices::learn_age`](crate::OperatorChoices::learn_age)).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] where the declaration has no ages; [`ErrorKind::Denied`] for an
    /// age above the known band; [`ErrorKind::Quarantined`], and what the vault says.
    pub async fn say_age(
        &self,
        visitor: &Visitor,
        years: u8,
        country: Option<&Country>,
    ) -> Result<LearntAge> {
        // A tenant may take nobody who is as young as the declaration allows.
        let (_, declared) = self.engine.declared_in(visitor.tenant()).await?;
        let limits = declared.age().ok_or_else(|| {
            Error::new(ErrorKind::Configuration).with_detail("the declaration has no ages")
        })?;
        let band = limits.band(years, country);
        let said = self.say(visitor, &Word::OwnAge(band)).await?;
        Ok(LearntAge { band, erase: said.erase })
    }

    /// Records the consent of a child's guardian, who is another person of the same tenant, as they
    /// were shown the text of this hash (Art. 8 GDPR). The host verified that they are the guardian,
    /// and says how; nothing here knows it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] for a child of whom nothing is stored; [`ErrorKind::Denied`] for the
    /// child themselves, where the child is too young for the service, and for a purpose that the
    /// integration is not declared for;
    /// [`ErrorKind::InvalidInput`] for no purpose or no check; [`ErrorKind::Configuration`] where
    /// the process's declaration is not in force; [`ErrorKind::Quarantined`], and what the vault
    /// says.
    pub async fn agree_as_guardian(
        &self,
        guardian: &Visitor,
        child: &HostId,
        integration: Option<&ProviderId>,
        purposes: &[PurposeId],
        shown: [u8; 32],
        check: GuardianCheck,
    ) -> Result<()> {
        let engine = &self.engine;
        let tenant = guardian.tenant();
        engine
            .declared_for_consent(tenant)
            .await
            .and_then(|declared| serves(&declared, integration, purposes))?;
        let missing = || Error::new(ErrorKind::NotFound);
        let child = engine.subject_of(tenant, child).await?.ok_or_else(missing)?;
        let subject = engine.0.vault.ensure_subject(tenant, guardian.person()).await?;
        let given = Given {
            by: Actor::Member { subject },
            guardian: Some(check),
            ..self.given(guardian, subject, integration, purposes.to_vec(), shown)
        };
        if subject == child {
            return Err(Error::new(ErrorKind::Denied).with_detail("nobody is their own guardian"));
        }
        engine.say_of(tenant, child, &given.by, &Word::Given(&given)).await.map(drop)
    }

    /// Everything that the visitor said, and what became of it, oldest first.
    ///
    /// # Errors
    ///
    /// What the vault says.
    pub async fn history(&self, visitor: &Visitor) -> Result<Vec<ConsentRecord>> {
        let tenant = visitor.tenant();
        match self.engine.subject_of(tenant, visitor.person()).await? {
            Some(subject) => self.engine.0.ledger.history(tenant, subject).await,
            None => Ok(Vec::new()),
        }
    }

    /// Where all of it leaves them now: what a page of their choices shows.
    ///
    /// # Errors
    ///
    /// What the vault says.
    pub async fn standing(&self, visitor: &Visitor) -> Result<Standing> {
        let tenant = visitor.tenant();
        let Some(subject) = self.engine.subject_of(tenant, visitor.person()).await? else {
            return Ok(Standing::default());
        };
        let view = self.engine.0.vault.read(tenant, Holder::Subject(subject), &[]).await?;
        Standing::read(&view.standing()?)
    }

    /// Whether the host may process the visitor's data for a purpose itself: to be asked before
    /// each use, a mail that it sends for one. Calls to a provider ask by themselves.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Denied`] for a purpose that is not declared; [`ErrorKind::Quarantined`], and
    /// what the vault says.
    pub async fn decide(&self, visitor: &Visitor, purpose: &PurposeId) -> Result<Decision> {
        let (tenant, person) = (visitor.tenant(), visitor.person());
        self.engine.decide_own(tenant, person, purpose).await.map(|own| own.decision)
    }

    async fn say(&self, visitor: &Visitor, word: &Word<'_>) -> Result<crate::word::Said> {
        self.engine.say(visitor.tenant(), visitor.person(), None, word).await
    }

    fn given(
        &self,
        visitor: &Visitor,
        subject: SubjectId,
        integration: Option<&ProviderId>,
        purposes: Vec<PurposeId>,
        shown: [u8; 32],
    ) -> Given {
        Given {
            purposes,
            integration: integration.cloned(),
            declaration: self.engine.0.declaration.version(),
            text: shown,
            locale: visitor.locale().clone(),
            how: How::Page,
            by: Actor::Subject { subject },
            until: None,
            guardian: None,
        }
    }
}

impl Engine {
    /// Those of some purposes that rest on consent, for somebody who is about to give one.
    async fn rest_on_consent(
        &self,
        tenant: &TenantId,
        purposes: &[PurposeId],
    ) -> Result<Vec<PurposeId>> {
        if purposes.is_empty() {
            return Err(Error::new(ErrorKind::InvalidInput).with_detail("no purpose was named"));
        }
        let declared = self.declared_for_consent(tenant).await?;
        let mut asked = Vec::new();
        for purpose in purposes {
            if declared_purpose(&declared, purpose)?.basis == LegalBasis::Consent {
                asked.push(purpose.clone());
            }
        }
        Ok(asked)
    }

    /// What a person's standing says about a use by the host itself.
    pub(crate) async fn decide_own(
        &self,
        tenant: &TenantId,
        person: &HostId,
        purpose: &PurposeId,
    ) -> Result<OwnUse> {
        declared_purpose(&self.0.declaration, purpose)?;
        let known = self.subject_of(tenant, person).await?;
        let (standing, force, declared) = match known {
            Some(subject) => {
                let (holder, key) = (Holder::Subject(subject), [overlay::key()]);
                let view = self.0.vault.read(tenant, holder, &key).await?;
                let force = self.admit_instance(view.control()).await?;
                let declared = self.declared_under(tenant, &force, view.record(0)).await?;
                (Standing::read(&view.standing()?)?, force, declared)
            }
            None => {
                let (force, declared) = self.declared_in(tenant).await?;
                (Standing::default(), force, declared)
            }
        };
        let purpose = declared_purpose(&declared, purpose)?;
        let mut wanted = Wanted::new(purpose, None, self.0.clock.now());
        if declared.age().is_some_and(AgeLimits::has_minors) {
            wanted = wanted.of_all_ages();
        }
        if let Some(anew) = force.asked(None, &purpose.id) {
            wanted = wanted.asked_anew(anew);
        }
        let decision = standing.decide_on(&wanted);
        Ok(OwnUse { decision, subject: known, declared })
    }
}

/// What is said of a use by the host itself.
pub(crate) struct OwnUse {
    pub(crate) decision: Decision,
    /// The person, if anything is stored of them.
    pub(crate) subject: Option<SubjectId>,
    /// What is declared for their tenant now.
    pub(crate) declared: Arc<Declaration>,
}

/// A purpose, where it is declared.
pub(crate) fn declared_purpose<'d>(
    declared: &'d Declaration,
    purpose: &PurposeId,
) -> Result<&'d Purpose> {
    declared.purpose(purpose).ok_or_else(|| {
        Error::new(ErrorKind::Denied)
            .with_remedy(Remedy::FixConfiguration)
            .with_detail("the purpose is not declared")
    })
}

/// Refuses purposes that are not declared, or that an integration is not declared for.
pub(crate) fn serves(
    declared: &Declaration,
    integration: Option<&ProviderId>,
    purposes: &[PurposeId],
) -> Result<()> {
    for purpose in purposes {
        declared_purpose(declared, purpose)?;
    }
    match integration {
        Some(provider) => declared.least_scopes(provider, purposes).map(drop),
        None => Ok(()),
    }
}

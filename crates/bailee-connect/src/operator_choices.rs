//! What an operator records of people: words that came by letter or telephone, and what only
//! whoever runs the service decides or finds out.

use bailee_core::{
    Actor, Error, ErrorKind, HostId, Id, Locale, ProviderId, PurposeId, Result, SubjectId,
    TenantId, Timestamp,
};
use bailee_registry::{
    AgeBand, AgeMethod, Choice, ConsentRecord, Given, Grounds, GuardianCheck, How, Objection,
    PromptErasure, RestrictionGround,
};

use crate::{
    choices::{declared_purpose, serves},
    engine::Engine,
    word::{Withdrawal, Withdrawn, Word},
};

/// Words on people's data as an operator brings them, whom the host authenticated as one. There is
/// no question to [`bailee_core::Access`] here: hand this to nobody else. The log names the operator
/// beside the person.
///
/// Each is one commit and holds from the next call on, as in [`Choices`](crate::Choices). To say
/// again what stands changes nothing.
#[derive(Clone, Debug)]
pub struct OperatorChoices {
    engine: Engine,
    operator: Id,
}

impl Engine {
    /// Words on people's data, as an operator brings them.
    pub fn operator_choices(&self, operator: Id) -> OperatorChoices {
        OperatorChoices { engine: self.clone(), operator }
    }
}

impl OperatorChoices {
    /// Records that a person takes back what they agreed to, as
    /// [`Choices::withdraw`](crate::Choices::withdraw).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn withdraw(
        &self,
        tenant: &TenantId,
        person: &HostId,
        what: &Withdrawal,
    ) -> Result<Withdrawn> {
        what.check()?;
        let said = self.say(tenant, person, &Word::Withdrawn(what)).await?;
        Ok(self.engine.end_all(said).await)
    }

    /// Records that a person objects to all marketing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Quarantined`], and what the vault says.
    pub async fn opt_out_of_marketing(&self, tenant: &TenantId, person: &HostId) -> Result<()> {
        self.say(tenant, person, &Word::Marketing { objects: true }).await.map(drop)
    }

    /// Records a person's objection. It holds at once, until it is weighed.
    ///
    /// # Errors
    ///
    /// As [`Choices::object`](crate::Choices::object).
    pub async fn object(
        &self,
        tenant: &TenantId,
        person: &HostId,
        objection: Objection,
    ) -> Result<()> {
        let Objection { purpose, integration, grounds } = &objection;
        let (integration, grounds) = (integration.as_ref(), grounds.as_ref());
        self.say(tenant, person, &Word::Objected { purpose, integration, grounds }).await.map(drop)
    }

    /// Records that an objection was weighed and holds for good.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] where there is no such objection, [`ErrorKind::Quarantined`], and
    /// what the vault says.
    pub async fn uphold(
        &self,
        tenant: &TenantId,
        person: &HostId,
        purpose: &PurposeId,
        integration: Option<&ProviderId>,
    ) -> Result<()> {
        let subject = self.known(tenant, person).await?;
        self.say_of(tenant, subject, &Word::Upheld { purpose, integration }).await
    }

    /// Records that an objection was weighed and is overridden on compelling legitimate grounds
    /// (Art. 21(1) GDPR), which are sealed beside the record.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Denied`] for a purpose that is not declared, or whose use is marketing, and for
    /// an objection that was upheld; [`ErrorKind::InvalidInput`] for no grounds; as
    /// [`OperatorChoices::uphold`].
    pub async fn override_objection(
        &self,
        tenant: &TenantId,
        person: &HostId,
        purpose: &PurposeId,
        integration: Option<&ProviderId>,
        grounds: &Grounds,
    ) -> Result<()> {
        let purpose = declared_purpose(&self.engine.0.declaration, purpose)?;
        let subject = self.known(tenant, person).await?;
        let word = Word::Overridden { purpose, integration, grounds };
        self.say_of(tenant, subject, &word).await
    }

    /// What was written about an objection: the id is that of a record in
    /// [`OperatorChoices::history`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] for no such record of this person, and what the vault says.
    pub async fn grounds(
        &self,
        tenant: &TenantId,
        person: &HostId,
        record: Id,
    ) -> Result<Option<Grounds>> {
        let subject = self.known(tenant, person).await?;
        self.engine.0.ledger.grounds(tenant, subject, record).await
    }

    /// Restricts the processing of a person's data to keeping it (Art. 18 GDPR).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Quarantined`], and what the vault says.
    pub async fn restrict(
        &self,
        tenant: &TenantId,
        person: &HostId,
        ground: RestrictionGround,
    ) -> Result<()> {
        let choice = Choice::RestrictionBegun { ground };
        self.say(tenant, person, &Word::Recorded(choice)).await.map(drop)
    }

    /// Ends a restriction, or all but a child's protection (`None`). `told` is when the person was
    /// told of it, which comes before (Art. 18(3) GDPR).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] where they are told only later; [`ErrorKind::Quarantined`], and
    /// what the vault says.
    pub async fn end_restriction(
        &self,
        tenant: &TenantId,
        person: &HostId,
        ground: Option<RestrictionGround>,
        told: Timestamp,
    ) -> Result<()> {
        let choice = Choice::RestrictionEnded { ground, told: Some(told) };
        self.say(tenant, person, &Word::Recorded(choice)).await.map(drop)
    }

    /// Records how old a person is, as a band, and how that was learnt. For a child it says whose
    /// data has to go without delay; until that is done nothing else is done with it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Quarantined`], and what the vault says.
    pub async fn learn_age(
        &self,
        tenant: &TenantId,
        person: &HostId,
        band: AgeBand,
        method: AgeMethod,
    ) -> Result<Option<PromptErasure>> {
        Ok(self.say(tenant, person, &Word::Age(band, method)).await?.erase)
    }

    /// Records the consent of a child's guardian that the operator has in writing, to the text of
    /// this hash.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] for a child of whom nothing is stored; else as
    /// [`Choices::agree_as_guardian`](crate::Choices::agree_as_guardian).
    #[expect(clippy::too_many_arguments, reason = "each is a part of the proof of a consent")]
    pub async fn agree_for_guardian(
        &self,
        tenant: &TenantId,
        child: &HostId,
        integration: Option<&ProviderId>,
        purposes: &[PurposeId],
        shown: [u8; 32],
        locale: &Locale,
        check: GuardianCheck,
    ) -> Result<()> {
        let declared = self.engine.declared_for_consent(tenant).await?;
        serves(&declared, integration, purposes)?;
        let child = self.known(tenant, child).await?;
        let given = Given {
            purposes: purposes.to_vec(),
            integration: integration.cloned(),
            declaration: self.engine.0.declaration.version(),
            text: shown,
            locale: locale.clone(),
            how: How::Written,
            by: self.actor(),
            until: None,
            guardian: Some(check),
        };
        self.say_of(tenant, child, &Word::Given(&given)).await
    }

    /// Everything that a person said, and what became of it, oldest first.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] for somebody of whom nothing is stored, and what the vault says.
    pub async fn history(&self, tenant: &TenantId, person: &HostId) -> Result<Vec<ConsentRecord>> {
        let subject = self.known(tenant, person).await?;
        self.engine.0.ledger.history(tenant, subject).await
    }

    async fn known(&self, tenant: &TenantId, person: &HostId) -> Result<SubjectId> {
        let known = self.engine.subject_of(tenant, person).await?;
        known.ok_or_else(|| Error::new(ErrorKind::NotFound))
    }

    async fn say(
        &self,
        tenant: &TenantId,
        person: &HostId,
        word: &Word<'_>,
    ) -> Result<crate::word::Said> {
        self.engine.say(tenant, person, Some(self.actor()), word).await
    }

    async fn say_of(&self, tenant: &TenantId, subject: SubjectId, word: &Word<'_>) -> Result<()> {
        self.engine.say_of(tenant, subject, &self.actor(), word).await.map(drop)
    }

    fn actor(&self) -> Actor {
        Actor::Operator { operator: self.operator }
    }
}

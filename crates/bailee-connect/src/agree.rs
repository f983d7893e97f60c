//! Agreeing to the use of what nobody owns: a person's own word on a connection of their tenant or
//! of the instance, and taking it back.
//!
//! The account is not theirs, what is done in it for them is. So the gate asks for their consent at
//! each use that rests on one (`gate.rs`), and here is how they give it.

use bailee_core::{
    Actor, ConnectionRef, ConnectionState, Error, ErrorKind, Locale, Origin, Owner, ProviderId,
    PurposeId, Result, SubjectId, TenantId, Visitor,
};
use bailee_registry::{
    Choice, ConsentRecord, Declaration, Disclosure, Given, How, SharedBy, Standing,
};
use bailee_vault::{Holder, View};
use subtle::ConstantTimeEq;

use crate::{
    connections::Connections, engine::Engine, stored::Found, told::told, word::Withdrawal,
};

impl Connections {
    /// What a person is told before they agree to the use of a connection of their tenant or of
    /// the instance: whose account it is, the purposes, what may be done in it, what is kept.
    ///
    /// Show it when a call says [`bailee_core::Remedy::AskConsent`]. Nothing is asked of the
    /// provider.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] for an unknown or a foreign connection and one that is being ended;
    /// [`ErrorKind::Denied`] where the host does not let the visitor use it, or for a purpose that
    /// the integration is not declared for; [`ErrorKind::InvalidInput`] for no purpose, and for a
    /// connection of a person, who agrees where they connect it; [`ErrorKind::Quarantined`].
    pub async fn explain_use(
        &self,
        visitor: &Visitor,
        connection: &ConnectionRef,
        purposes: &[PurposeId],
    ) -> Result<Disclosure> {
        let (found, by) = self.shared_with(visitor, connection).await?;
        let (_, declared) = self.engine.declared_in(visitor.tenant()).await?;
        self.engine.explain_shared(&declared, &found, by, purposes, visitor.locale())
    }

    /// Records that the visitor agrees to the use of a connection of their tenant or of the
    /// instance, after [`Connections::explain_use`] was shown to them; `shown` is the hash of that
    /// text ([`Disclosure::hash`]).
    ///
    /// It is their own word, in their own tenant, and nobody else's. It holds for the provider, as
    /// the text says: for every connection there that they may use. Purposes that rest on another
    /// basis need no agreement, and none is recorded. Saying again what stands changes nothing.
    ///
    /// The host calls this only for an authenticated request that changes state (a POST), and only
    /// after its own protection against forged requests.
    ///
    /// # Errors
    ///
    /// As [`Connections::explain_use`]; [`ErrorKind::ConsentMissing`] where another text was shown
    /// than would be now; [`ErrorKind::Configuration`] where this process's declaration is not in
    /// force; and what the vault says. Nothing is recorded then.
    pub async fn agree(
        &self,
        visitor: &Visitor,
        connection: &ConnectionRef,
        purposes: &[PurposeId],
        shown: [u8; 32],
    ) -> Result<()> {
        let (found, by) = self.shared_with(visitor, connection).await?;
        let engine = &self.engine;
        let declared = engine.declared_for_consent(visitor.tenant()).await?;
        let locale = visitor.locale();
        let disclosure = engine.explain_shared(&declared, &found, by, purposes, locale)?;
        if !bool::from(disclosure.hash().ct_eq(&shown)) {
            return Err(Error::new(ErrorKind::ConsentMissing)
                .with_detail("the text that was shown is not the one that is shown now")
                .with_connection(connection.connection()));
        }
        let tenant = visitor.tenant();
        let subject = engine.0.vault.ensure_subject(tenant, visitor.person()).await?;
        let asked = disclosure.purposes.iter().filter(|purpose| purpose.asks_consent);
        let given = Given {
            purposes: asked.map(|purpose| purpose.id.clone()).collect(),
            integration: Some(disclosure.provider.clone()),
            declaration: disclosure.declaration,
            text: shown,
            locale: disclosure.locale.clone(),
            how: How::Page,
            by: Actor::Subject { subject },
            until: None,
            guardian: None,
        };
        for _ in 0..8 {
            match engine.record_agreement(tenant, subject, given.clone()).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => return done,
            }
        }
        Err(Error::new(ErrorKind::Conflict).with_connection(connection.connection()))
    }

    /// Records that the visitor takes back what they agreed to at a provider, for these purposes.
    /// From the next call on nothing is done for them there that rests on it, through whichever
    /// connection. It is [`Choices::withdraw`](crate::Choices::withdraw) of these uses: connections
    /// that are not theirs stay, and their own end where nothing else carries them.
    ///
    /// It is as easy as agreeing: no text, no question to the host, and it does not matter whether
    /// the connection, the integration or the purpose is still there. What they did not agree to
    /// is nothing to take back. The host calls this as it calls [`Connections::agree`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for no purpose, [`ErrorKind::Quarantined`], and what the vault
    /// says. After an error of the store it is either recorded or not: do it again.
    pub async fn withdraw_use(
        &self,
        visitor: &Visitor,
        provider: &ProviderId,
        purposes: &[PurposeId],
    ) -> Result<()> {
        let (integration, purposes) = (Some(provider.clone()), purposes.to_vec());
        let what = Withdrawal::Uses { integration, purposes };
        self.engine.choices().withdraw(visitor, &what).await.map(drop)
    }

    /// A connection that a visitor may use and that is no person's.
    async fn shared_with(
        &self,
        visitor: &Visitor,
        connection: &ConnectionRef,
    ) -> Result<(Found, SharedBy)> {
        let found = self.seen_by(visitor, connection).await?;
        self.engine.admit_instance(found.view.control()).await?;
        if found.state == ConnectionState::Disconnecting {
            return Err(Error::new(ErrorKind::NotFound).with_connection(connection.connection()));
        }
        match connection.owner() {
            Owner::Instance => Ok((found, SharedBy::Instance)),
            Owner::Tenant => Ok((found, SharedBy::Tenant)),
            Owner::Subject(_) => Err(Error::new(ErrorKind::InvalidInput)
                .with_detail("whose connection it is agrees where they connect it")
                .with_connection(connection.connection())),
        }
    }
}

impl Engine {
    /// What a person is told of the use of an account that is not theirs.
    fn explain_shared(
        &self,
        declared: &Declaration,
        found: &Found,
        by: SharedBy,
        purposes: &[PurposeId],
        locale: &Locale,
    ) -> Result<Disclosure> {
        // What a person is told stands in the spec as it is written: no variable of an address and
        // nothing that discovery finds is in it.
        let spec = self.registered(&found.body.registration)?.provider.spec();
        let told = told(declared, spec, purposes, &self.words(locale))?;
        let told = if found.body.origin == Origin::Entered { told.for_entered_key() } else { told };
        Ok(told.for_shared_use(by))
    }

    /// One commit of what the person has not said in these words before.
    async fn record_agreement(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        mut given: Given,
    ) -> Result<()> {
        let vault = &self.0.vault;
        let view = vault.read(tenant, Holder::Subject(subject), &[]).await?;
        let force = self.admit_instance(view.control()).await?;
        force.admits_consent()?;
        self.leave_out_what_stands(tenant, subject, &view, &mut given).await?;
        if given.purposes.is_empty() {
            return Ok(());
        }
        let change = self.0.ledger.give(tenant, &view, &given).await?;
        vault.commit(tenant, change.add_to(vault.batch()?)).await.map(|_| ())
    }

    /// Leaves out the purposes whose last word is an agreement to this very text.
    async fn leave_out_what_stands(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        view: &View,
        given: &mut Given,
    ) -> Result<()> {
        let standing = Standing::read(&view.standing()?)?;
        let now = self.0.clock.now();
        let stands = |purpose: &PurposeId| {
            let consent = standing.consent(purpose, given.integration.as_ref());
            consent.is_some_and(|consent| consent.stands(now))
        };
        if !given.purposes.iter().any(stands) {
            return Ok(());
        }
        let history = self.0.ledger.history(tenant, subject).await?;
        let (through, text) = (given.integration.as_ref(), given.text);
        let said = |purpose: &PurposeId| last_text(&history, purpose, through) == Some(text);
        let left = given.purposes.iter().filter(|purpose| !(stands(purpose) && said(purpose)));
        given.purposes = left.cloned().collect();
        Ok(())
    }
}

/// The text that the last word on a purpose agreed to; none where it took an agreement back.
fn last_text(
    history: &[ConsentRecord],
    purpose: &PurposeId,
    through: Option<&ProviderId>,
) -> Option<[u8; 32]> {
    let last = history.iter().rev().find_map(|record| match &record.choice {
        Choice::ConsentGiven { purpose: of, integration, text, .. }
            if of == purpose && integration.as_ref() == through =>
        {
            Some(Some(*text))
        }
        Choice::ConsentWithdrawn { purpose: of, integration }
            if of == purpose && integration.as_ref() == through =>
        {
            Some(None)
        }
        _ => None,
    });
    last.flatten()
}

//! Objections with the person's grounds, and what became of them (Art. 21 GDPR).

use std::fmt;

use bailee_core::{
    Actor, Error, ErrorKind, Id, Plaintext, ProviderId, PurposeId, Result, SubjectId, TenantId,
};
use bailee_store::Key;
use bailee_vault::{Holder, View};

use crate::{
    Change, Choice, Ledger, Outcome, Purpose, Standing, Use, kind,
    ledger::{GROUNDS, invalid},
};

/// An objection as it is made.
#[derive(Debug)]
pub struct Objection {
    /// What the person objects to.
    pub purpose: PurposeId,
    /// Through which integration; none is all of them.
    pub integration: Option<ProviderId>,
    /// Their grounds relating to their particular situation (Art. 21(1) GDPR), in their words. They
    /// are sealed apart from the record and stand in no log. Against marketing none are needed.
    pub grounds: Option<Grounds>,
}

/// What somebody wrote about an objection: personal data, shown to a closure and printed nowhere.
pub struct Grounds(Plaintext);

impl Grounds {
    /// Copies a text into a buffer that is wiped. The caller answers for the original.
    pub fn new(text: &str) -> Self {
        Self(Plaintext::copy_from(text.as_bytes()))
    }

    /// Shows the text to a closure.
    pub fn expose<T>(&self, look: impl FnOnce(&str) -> T) -> T {
        // What is kept was text, and what is sealed comes back as it was or not at all.
        self.0.expose(|bytes| look(std::str::from_utf8(bytes).unwrap_or_default()))
    }

    pub(crate) fn into_plaintext(self) -> Plaintext {
        self.0
    }
}

impl fmt::Debug for Grounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Grounds([redacted])")
    }
}

impl Ledger {
    /// Records an objection. It holds at once, and until it is weighed: [`Ledger::uphold`] and
    /// [`Ledger::override_objection`]. Anybody may bring the word: it only takes rights away from
    /// us.
    ///
    /// # Errors
    ///
    /// As [`Ledger::withdraw`].
    pub async fn object(
        &self,
        tenant: &TenantId,
        view: &View,
        objection: Objection,
        by: &Actor,
    ) -> Result<Change> {
        let Objection { purpose, integration, grounds } = objection;
        let choice = Choice::ObjectionMade { purpose, integration };
        self.append_sealed(tenant, view, vec![(choice, grounds.map(Grounds::into_plaintext))], by)
            .await
    }

    /// Records that an objection was weighed and holds for good: it is not overridden any more.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Denied`] when it is not an operator who says so; [`ErrorKind::NotFound`] when
    /// there is no such objection; else as [`Ledger::withdraw`].
    pub async fn uphold(
        &self,
        tenant: &TenantId,
        view: &View,
        purpose: &PurposeId,
        integration: Option<&ProviderId>,
        by: &Actor,
    ) -> Result<Change> {
        operator(by)?;
        weighed(view, purpose, integration)?;
        let choice =
            Choice::ObjectionUpheld { purpose: purpose.clone(), integration: integration.cloned() };
        self.append_sealed(tenant, view, vec![(choice, None)], by).await
    }

    /// Records that an objection was weighed and is overridden on compelling legitimate grounds
    /// (Art. 21(1) GDPR), which are sealed beside the record. An objection to marketing is never
    /// overridden (Art. 21(3)), also not when its purpose turns to marketing later.
    ///
    /// It overrides the objection that names this purpose and this integration; another that covers
    /// the same use holds until it is weighed itself.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Denied`] when it is not an operator who says so, for a purpose whose use is
    /// marketing, and for an objection that was upheld; [`ErrorKind::InvalidInput`] for no grounds;
    /// [`ErrorKind::NotFound`] when there is no such objection; else as [`Ledger::withdraw`].
    pub async fn override_objection(
        &self,
        tenant: &TenantId,
        view: &View,
        purpose: &Purpose,
        integration: Option<&ProviderId>,
        grounds: Grounds,
        by: &Actor,
    ) -> Result<Change> {
        operator(by)?;
        if purpose.usage == Use::Marketing {
            return Err(denied("an objection to marketing is never overridden"));
        }
        if grounds.expose(|text| text.trim().is_empty()) {
            return Err(invalid("an objection is overridden on recorded grounds"));
        }
        if weighed(view, &purpose.id, integration)? == Some(Outcome::Upheld) {
            return Err(denied("the objection was upheld"));
        }
        let choice = Choice::ObjectionOverridden {
            purpose: purpose.id.clone(),
            integration: integration.cloned(),
        };
        self.append_sealed(tenant, view, vec![(choice, Some(grounds.into_plaintext()))], by).await
    }

    /// What was written about an objection: the person's grounds in the record of a
    /// [`Choice::ObjectionMade`], the compelling ones in that of a [`Choice::ObjectionOverridden`].
    /// None where nothing was.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] for no such record of this person; else as [`Ledger::history`].
    pub async fn grounds(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        record: Id,
    ) -> Result<Option<Grounds>> {
        let holder = Holder::Subject(subject);
        let key = Key::new(kind::CONSENT, record);
        let view = self.vault.read(tenant, holder, std::slice::from_ref(&key)).await?;
        let owned = view.record(0).is_some_and(|record| record.subject == Some(subject));
        if !owned {
            return Err(ErrorKind::NotFound.into());
        }
        match view.part(0, GROUNDS) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            part => part.map(|text| Some(Grounds(text))),
        }
    }
}

/// What became so far of an objection that there is.
fn weighed(
    view: &View,
    purpose: &PurposeId,
    integration: Option<&ProviderId>,
) -> Result<Option<Outcome>> {
    let standing = Standing::read(&view.standing()?)?;
    standing.objection(purpose, integration).ok_or_else(|| ErrorKind::NotFound.into())
}

fn operator(by: &Actor) -> Result<()> {
    match by {
        Actor::Operator { .. } => Ok(()),
        _ => Err(denied("an operator weighs objections")),
    }
}

fn denied(detail: &'static str) -> Error {
    Error::new(ErrorKind::Denied).with_detail(detail)
}

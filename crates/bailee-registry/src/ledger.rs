//! The ledger: choices appended, and the standing that they make, in one commit.

use bailee_core::{
    Actor, Error, ErrorKind, Id, Plaintext, ProviderId, PurposeId, Result, SubjectId, TenantId,
    audit::Entry,
};
use bailee_store::{BatchBuilder, Key, Op, Query, Record};
use bailee_vault::{Draft, Holder, Vault, View};

use crate::{
    AgeBand, AgeChange, AgeMethod, Choice, Consent, ConsentRecord, ConsentState, Denial, Given,
    GlobalPrivacyControl, PromptErasure, Standing, consent::is_of, kind,
};

/// The record of what people chose. Nothing in it is ever changed; an erasure destroys its keys.
///
/// Every change gives operations and audit entries for the caller's own batch, so that a consent
/// and the connection that it allows are one commit. The write of the `subject` record among them
/// takes the place of [`View::fence`], which must not stand in the same batch.
#[derive(Clone, Debug)]
pub struct Ledger {
    pub(crate) vault: Vault,
}

/// What a choice changes: to be committed as a whole.
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Change {
    /// The new records, and the `subject` record with the new standing. Empty when there was
    /// nothing to change.
    pub ops: Vec<Op>,
    /// What the log says of it: one entry for each new record.
    pub entries: Vec<Entry>,
    /// The standing that it makes.
    pub standing: Standing,
}

impl Change {
    /// Adds it to a batch.
    #[must_use]
    pub fn add_to(self, batch: BatchBuilder) -> BatchBuilder {
        self.entries.into_iter().fold(batch.ops(self.ops), BatchBuilder::audit)
    }
}

impl Ledger {
    /// Keeps a ledger in a vault.
    pub fn new(vault: Vault) -> Self {
        Self { vault }
    }

    /// Records a consent. One that a minor gives alone is recorded and waits for a guardian's
    /// ([`Given::guardian`]): until then it is none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Denied`] when somebody else than the person gives it, or for a child who is too
    /// young for the service; [`ErrorKind::InvalidInput`] for no purpose, an end that has passed,
    /// a guardian of whom it is not said how they were verified, or a view that is not of a person
    /// in this tenant; [`ErrorKind::UnknownSchema`] when a newer release wrote the standing; and as
    /// [`Vault::put`]. The commit fails with [`ErrorKind::Conflict`] when another writer came
    /// between: read again, give again.
    pub async fn give(&self, tenant: &TenantId, view: &View, given: &Given) -> Result<Change> {
        given.check(person(tenant, view)?, self.vault.clock().now())?;
        if Standing::read(&view.standing()?)?.child_found().is_some() {
            return Err(Error::new(ErrorKind::Denied).with_detail(Denial::Child.plain()));
        }
        self.append(tenant, view, given.choices(), &given.by).await
    }

    /// Records that the person was asked for a consent and said no. It ends one that they had given
    /// before: the last word counts.
    ///
    /// The end that [`Given::until`] names is left out.
    ///
    /// # Errors
    ///
    /// As [`Ledger::give`].
    pub async fn refuse(&self, tenant: &TenantId, view: &View, asked: &Given) -> Result<Change> {
        asked.check(person(tenant, view)?, self.vault.clock().now())?;
        self.append(tenant, view, asked.refusals(), &asked.by).await
    }

    /// Takes over consents that an earlier system knows of and cannot prove: nobody can say what
    /// the person was shown (Art. 7(1) GDPR). They are none until the person confirms them with
    /// [`Ledger::give`], and never take the place of the person's own word.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Denied`] when it is not an operator or the host itself who brings them; else as
    /// [`Ledger::withdraw`].
    pub async fn import(
        &self,
        tenant: &TenantId,
        view: &View,
        purposes: &[PurposeId],
        integration: Option<&ProviderId>,
        by: &Actor,
    ) -> Result<Change> {
        if !matches!(by, Actor::Operator { .. } | Actor::System) {
            return Err(Error::new(ErrorKind::Denied)
                .with_detail("only whoever runs the service takes consents over"));
        }
        let standing = Standing::read(&view.standing()?)?;
        let unknown =
            purposes.iter().filter(|purpose| standing.consent(purpose, integration).is_none());
        let choices = unknown.map(|purpose| Choice::ConsentImported {
            purpose: purpose.clone(),
            integration: integration.cloned(),
        });
        self.append(tenant, view, choices.collect(), by).await
    }

    /// Records that the person took a consent back. `None` is the host's own processing.
    ///
    /// Anybody may bring the word: it only takes rights away from us.
    ///
    /// # Errors
    ///
    /// As [`Ledger::give`], never [`ErrorKind::Denied`].
    pub async fn withdraw(
        &self,
        tenant: &TenantId,
        view: &View,
        purpose: &PurposeId,
        integration: Option<&ProviderId>,
        by: &Actor,
    ) -> Result<Change> {
        let choice = Choice::ConsentWithdrawn {
            purpose: purpose.clone(),
            integration: integration.cloned(),
        };
        self.append(tenant, view, vec![choice], by).await
    }

    /// Records that the person took back whatever they had agreed to through an integration.
    ///
    /// # Errors
    ///
    /// As [`Ledger::withdraw`].
    pub async fn withdraw_all(
        &self,
        tenant: &TenantId,
        view: &View,
        integration: &ProviderId,
        by: &Actor,
    ) -> Result<Change> {
        self.withdraw_where(tenant, view, by, |_, through| through == Some(integration)).await
    }

    /// Records that the person took back what they had agreed to through an integration, for some
    /// purposes; `None` is the host's own processing. What they did not agree to, or took back
    /// before, is nothing to record.
    ///
    /// # Errors
    ///
    /// As [`Ledger::withdraw`].
    pub async fn withdraw_purposes<'p>(
        &self,
        tenant: &TenantId,
        view: &View,
        purposes: &[PurposeId],
        integration: impl Into<Option<&'p ProviderId>>,
        by: &Actor,
    ) -> Result<Change> {
        let integration = integration.into();
        self.withdraw_where(tenant, view, by, |purpose, through| {
            through == integration && purposes.contains(purpose)
        })
        .await
    }

    /// Records that the person took back what they had agreed to for a purpose, through every
    /// integration and for the host's own processing.
    ///
    /// # Errors
    ///
    /// As [`Ledger::withdraw`].
    pub async fn withdraw_everywhere(
        &self,
        tenant: &TenantId,
        view: &View,
        purpose: &PurposeId,
        by: &Actor,
    ) -> Result<Change> {
        self.withdraw_where(tenant, view, by, |of, _| of == purpose).await
    }

    /// Records that the person took back everything that they had ever agreed to.
    ///
    /// # Errors
    ///
    /// As [`Ledger::withdraw`].
    pub async fn withdraw_everything(
        &self,
        tenant: &TenantId,
        view: &View,
        by: &Actor,
    ) -> Result<Change> {
        self.withdraw_where(tenant, view, by, |_, _| true).await
    }

    /// Records the consents whose time is over as expired. The gate needs no such record; histories
    /// and receipts are better with one.
    ///
    /// # Errors
    ///
    /// As [`Ledger::withdraw`].
    pub async fn expire(&self, tenant: &TenantId, view: &View, by: &Actor) -> Result<Change> {
        let now = self.vault.clock().now();
        self.expire_where(tenant, view, by, |_, _, consent| {
            consent.state == ConsentState::GivenUntil && !consent.stands(now)
        })
        .await
    }

    /// Ends consents for purposes of which something changed that the person was not told: they are
    /// asked anew. `None` is the host's own processing.
    ///
    /// # Errors
    ///
    /// As [`Ledger::withdraw`].
    pub async fn ask_anew(
        &self,
        tenant: &TenantId,
        view: &View,
        purposes: &[PurposeId],
        integration: Option<&ProviderId>,
        by: &Actor,
    ) -> Result<Change> {
        self.expire_where(tenant, view, by, |purpose, through, consent| {
            through == integration && purposes.contains(purpose) && consent.can_be_withdrawn()
        })
        .await
    }

    /// Records that a browser's Global Privacy Control was honoured: from now on the person objects
    /// to all marketing. Once is enough, and nobody is asked to repeat it; a later word of their own
    /// ([`Choice::MarketingObjectionEnded`]) goes before a signal that every request carries.
    ///
    /// Data is never sold here at all ([`crate::ProhibitedUse::SellData`]).
    ///
    /// # Errors
    ///
    /// As [`Ledger::withdraw`].
    pub async fn honour(
        &self,
        tenant: &TenantId,
        view: &View,
        _signal: GlobalPrivacyControl,
        by: &Actor,
    ) -> Result<Change> {
        let choices = match Standing::read(&view.standing()?)?.gpc_honoured() {
            Some(_) => Vec::new(),
            None => vec![Choice::GpcHonoured],
        };
        self.append(tenant, view, choices, by).await
    }

    /// Records how old the person is, as a band, and how that was learnt. The age itself and the date
    /// of birth are not kept.
    ///
    /// For a band below [`AgeBand::Adult`] what they agreed to alone is no consent any more. For a
    /// [`AgeBand::Child`] nothing may be done but delete their data promptly, and the answer says
    /// whose.
    ///
    /// # Errors
    ///
    /// As [`Ledger::withdraw`].
    pub async fn learn_age(
        &self,
        tenant: &TenantId,
        view: &View,
        band: AgeBand,
        method: AgeMethod,
        by: &Actor,
    ) -> Result<AgeChange> {
        let choice = Choice::AgeLearnt { band, method };
        let change = self.append(tenant, view, vec![choice], by).await?;
        let subject = person(tenant, view)?;
        let erase = change.standing.child_found().map(|since| PromptErasure {
            tenant: tenant.clone(),
            subject,
            since,
            integrations: change
                .standing
                .consents()
                .filter_map(|(_, integration, _)| integration.cloned())
                .collect(),
        });
        Ok(AgeChange { change, erase })
    }

    /// Records an objection, a restriction or the end of one, where nothing more has to be said.
    ///
    /// Anybody may bring what takes rights away from us. What gives them back is the word of the
    /// person, or of an operator who has it in writing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Denied`] when somebody else ends an objection or a restriction;
    /// [`ErrorKind::InvalidInput`] when an operator ends a restriction of which the person was not
    /// told before (Art. 18(3) GDPR), and for choices that have a way of their own: consents
    /// ([`Ledger::give`] and its neighbours), ages, signals and the outcomes of objections; else as
    /// [`Ledger::withdraw`].
    pub async fn record(
        &self,
        tenant: &TenantId,
        view: &View,
        choice: Choice,
        by: &Actor,
    ) -> Result<Change> {
        let own = is_of(by, person(tenant, view)?);
        let operator = matches!(by, Actor::Operator { .. });
        match &choice {
            Choice::MarketingObjectionMade
            | Choice::ObjectionMade { .. }
            | Choice::RestrictionBegun { .. } => {}
            Choice::MarketingObjectionEnded | Choice::ObjectionEnded { .. } if own || operator => {}
            Choice::RestrictionEnded { .. } if own => {}
            Choice::RestrictionEnded { told, .. } if operator => {
                if told.is_none_or(|told| told > self.vault.clock().now()) {
                    return Err(invalid("the person is told before a restriction ends"));
                }
            }
            Choice::MarketingObjectionEnded
            | Choice::ObjectionEnded { .. }
            | Choice::RestrictionEnded { .. } => {
                return Err(Error::new(ErrorKind::Denied)
                    .with_detail("only the person or an operator can say that it is over"));
            }
            _ => return Err(invalid("this choice is recorded in a way of its own")),
        }
        self.append(tenant, view, vec![choice], by).await
    }

    /// Everything that a person chose, oldest first.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`], [`ErrorKind::Shredded`] and as [`Vault::read`];
    /// [`ErrorKind::UnknownSchema`] for a record of a newer release.
    pub async fn history(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
    ) -> Result<Vec<ConsentRecord>> {
        let holder = Holder::Subject(subject);
        self.vault.read(tenant, holder, &[]).await?;
        let mut query = Query::of_kind(kind::CONSENT).subject(subject).limit(1000);
        let mut history = Vec::new();
        loop {
            let page = self.vault.store().find(tenant, &query).await?;
            for record in &page.records {
                history.push(self.open(tenant, holder, record).await?);
            }
            match page.next {
                Some(next) => query = query.after(next),
                None => break,
            }
        }
        history.sort_by_key(|record: &ConsentRecord| (record.seq, record.n));
        Ok(history)
    }

    async fn open(
        &self,
        tenant: &TenantId,
        holder: Holder,
        record: &Record,
    ) -> Result<ConsentRecord> {
        let facts = self.vault.open(tenant, holder, record).await?.facts()?;
        if facts.schema() > ConsentRecord::SCHEMA {
            return Err(ErrorKind::UnknownSchema.into());
        }
        let body: ConsentRecord = facts.json()?;
        Ok(ConsentRecord { id: record.key.id, ..body })
    }

    async fn withdraw_where(
        &self,
        tenant: &TenantId,
        view: &View,
        by: &Actor,
        named: impl Fn(&PurposeId, Option<&ProviderId>) -> bool,
    ) -> Result<Change> {
        let standing = Standing::read(&view.standing()?)?;
        // A state of a newer release may be an agreement.
        let given = standing.consents().filter(|(purpose, through, consent)| {
            named(purpose, *through) && consent.can_be_withdrawn()
        });
        let choices = given.map(|(purpose, through, _)| Choice::ConsentWithdrawn {
            purpose: purpose.clone(),
            integration: through.cloned(),
        });
        self.append(tenant, view, choices.collect(), by).await
    }

    async fn expire_where(
        &self,
        tenant: &TenantId,
        view: &View,
        by: &Actor,
        over: impl Fn(&PurposeId, Option<&ProviderId>, &Consent) -> bool,
    ) -> Result<Change> {
        let standing = Standing::read(&view.standing()?)?;
        let ended = standing
            .consents()
            .filter(|(purpose, through, consent)| over(purpose, *through, consent));
        let choices = ended.map(|(purpose, through, _)| Choice::ConsentExpired {
            purpose: purpose.clone(),
            integration: through.cloned(),
        });
        self.append(tenant, view, choices.collect(), by).await
    }

    async fn append(
        &self,
        tenant: &TenantId,
        view: &View,
        choices: Vec<Choice>,
        by: &Actor,
    ) -> Result<Change> {
        let choices = choices.into_iter().map(|choice| (choice, None)).collect();
        self.append_sealed(tenant, view, choices, by).await
    }

    /// Appends choices, each with what is sealed apart from it.
    pub(crate) async fn append_sealed(
        &self,
        tenant: &TenantId,
        view: &View,
        choices: Vec<(Choice, Option<Plaintext>)>,
        by: &Actor,
    ) -> Result<Change> {
        let subject = person(tenant, view)?;
        let holder = Holder::Subject(subject);
        let replaced = view.standing_record().ok_or(ErrorKind::NotFound)?;
        let mut standing = Standing::read(&view.standing()?)?;
        if choices.is_empty() {
            return Ok(Change { ops: Vec::new(), entries: Vec::new(), standing });
        }
        let at = self.vault.clock().now();
        let mut ops = Vec::with_capacity(choices.len() + 1);
        let mut entries = Vec::with_capacity(choices.len());
        for (n, (choice, grounds)) in choices.into_iter().enumerate() {
            check(&choice)?;
            let n = u16::try_from(n).map_err(|_| invalid("too many purposes at once"))?;
            let seq = replaced.version.next().0;
            let id = Id::generate(&**self.vault.random())?;
            let record = ConsentRecord { id, at, seq, n, by: by.clone(), choice };
            standing.apply(&record);
            entries.push(record.entry(subject));
            let key = Key::new(kind::CONSENT, id);
            let mut draft = Draft::new(key, holder).json(ConsentRecord::SCHEMA, &record)?;
            if let Some(grounds) = grounds {
                draft = draft.part(GROUNDS, grounds);
            }
            ops.push(self.vault.put(tenant, draft, None).await?);
        }
        let draft = Draft::new(replaced.key.clone(), holder)
            .facet(replaced.facet)
            .expires(replaced.expires)
            .facts(Standing::SCHEMA, standing.to_json()?)
            .keep(HOST);
        ops.push(self.vault.put(tenant, draft, Some(replaced)).await?);
        Ok(Change { ops, entries, standing })
    }
}

/// The part of a `subject` record that holds the host's id.
const HOST: &str = "host";

/// The part of a record that holds what somebody wrote about an objection.
pub(crate) const GROUNDS: &str = "grounds";

fn person(tenant: &TenantId, view: &View) -> Result<SubjectId> {
    match view.holder() {
        Holder::Subject(subject) if view.tenant() == tenant => Ok(subject),
        _ => Err(invalid("the view is not of a person in this tenant")),
    }
}

/// A constant of the host that is no name would make the standing unreadable.
fn check(choice: &Choice) -> Result<()> {
    if let Some((purpose, integration)) = choice.on() {
        PurposeId::new(purpose.as_str())?;
        integration.map(|provider| ProviderId::new(provider.as_str())).transpose()?;
    }
    Ok(())
}

pub(crate) fn invalid(detail: &'static str) -> Error {
    Error::new(ErrorKind::InvalidInput).with_detail(detail)
}

//! The ledger: choices appended, and the standing that they make, in one commit.

use bailee_core::{
    Actor, Error, ErrorKind, Id, ProviderId, PurposeId, Result, SubjectId, TenantId, audit::Entry,
};
use bailee_store::{BatchBuilder, Key, Op, Query, Record};
use bailee_vault::{Draft, Holder, Vault, View};

use crate::{Choice, ConsentRecord, ConsentState, Given, Standing, kind};

/// The record of what people chose. Nothing in it is ever changed; an erasure destroys its keys.
///
/// Every change gives operations and audit entries for the caller's own batch, so that a consent
/// and the connection that it allows are one commit. The write of the `subject` record among them
/// takes the place of [`View::fence`], which must not stand in the same batch.
#[derive(Clone, Debug)]
pub struct Ledger {
    vault: Vault,
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

    /// Records a consent.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Denied`] when somebody else than the person gives it;
    /// [`ErrorKind::InvalidInput`] for no purpose, or a view that is not of a person in this
    /// tenant; [`ErrorKind::UnknownSchema`] when a newer release wrote the standing; and as
    /// [`Vault::put`]. The commit fails with [`ErrorKind::Conflict`] when another writer came
    /// between: read again, give again.
    pub async fn give(&self, tenant: &TenantId, view: &View, given: &Given) -> Result<Change> {
        given.check(person(tenant, view)?)?;
        self.append(tenant, view, given.choices(), &given.by).await
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
        let standing = Standing::read(&view.standing()?)?;
        let given = standing.consents().filter(|(_, through, consent)| {
            *through == Some(integration) && consent.state == ConsentState::Given
        });
        let choices = given.map(|(purpose, ..)| Choice::ConsentWithdrawn {
            purpose: purpose.clone(),
            integration: Some(integration.clone()),
        });
        self.append(tenant, view, choices.collect(), by).await
    }

    /// Records that the person took back what they had agreed to through an integration, for some
    /// purposes. What they did not agree to, or took back before, is nothing to record.
    ///
    /// # Errors
    ///
    /// As [`Ledger::withdraw`].
    pub async fn withdraw_purposes(
        &self,
        tenant: &TenantId,
        view: &View,
        purposes: &[PurposeId],
        integration: &ProviderId,
        by: &Actor,
    ) -> Result<Change> {
        let standing = Standing::read(&view.standing()?)?;
        // A state of a newer release may be an agreement.
        let given = standing.consents().filter(|(purpose, through, consent)| {
            *through == Some(integration)
                && consent.state != ConsentState::Withdrawn
                && purposes.contains(purpose)
        });
        let choices = given.map(|(purpose, ..)| Choice::ConsentWithdrawn {
            purpose: purpose.clone(),
            integration: Some(integration.clone()),
        });
        self.append(tenant, view, choices.collect(), by).await
    }

    /// Records an objection, a restriction or the end of one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for a consent, which [`Ledger::give`] and [`Ledger::withdraw`]
    /// record; else as [`Ledger::withdraw`].
    pub async fn record(
        &self,
        tenant: &TenantId,
        view: &View,
        choice: Choice,
        by: &Actor,
    ) -> Result<Change> {
        if matches!(choice, Choice::ConsentGiven { .. } | Choice::ConsentWithdrawn { .. }) {
            return Err(invalid("a consent is given or withdrawn"));
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
        facts.json()
    }

    async fn append(
        &self,
        tenant: &TenantId,
        view: &View,
        choices: Vec<Choice>,
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
        for (n, choice) in choices.into_iter().enumerate() {
            let n = u16::try_from(n).map_err(|_| invalid("too many purposes at once"))?;
            let seq = replaced.version.next().0;
            let record = ConsentRecord { at, seq, n, by: by.clone(), choice };
            standing.apply(&record);
            entries.push(record.entry(subject));
            let key = Key::new(kind::CONSENT, Id::generate(&**self.vault.random())?);
            let draft = Draft::new(key, holder).json(ConsentRecord::SCHEMA, &record)?;
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

fn person(tenant: &TenantId, view: &View) -> Result<SubjectId> {
    match view.holder() {
        Holder::Subject(subject) if view.tenant() == tenant => Ok(subject),
        _ => Err(invalid("the view is not of a person in this tenant")),
    }
}

fn invalid(detail: &'static str) -> Error {
    Error::new(ErrorKind::InvalidInput).with_detail(detail)
}

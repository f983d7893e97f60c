//! Data that was handed over: to an authority that demanded it, or to whoever takes the service over.
//!
//! These are no uses for a declared purpose and pass no gate. They are acts of an operator, noted one by
//! one, with the law that they rest on, and with what the law lets the person be told of them.

use std::{collections::BTreeSet, fmt};

use bailee_core::{
    Actor, DataCategory, Error, ErrorKind, Id, Result, SubjectId, TenantId, Timestamp,
    audit::{Entry, Field},
};
use bailee_store::{Key, Query, Record};
use bailee_vault::{Draft, Holder, Vault};
use serde::{Deserialize, Serialize};

use crate::{kind, ledger::invalid};

/// What was handed over of a person, to whom, on which ground, and when they may be told. It is sealed
/// under the person's key, and goes when their data goes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HandoverRecord {
    /// Its id.
    #[serde(skip, default = "no_id")]
    pub id: Id,
    /// To whom.
    pub to: HandedTo,
    /// Which categories of data.
    pub categories: BTreeSet<DataCategory>,
    /// When.
    pub at: Timestamp,
    /// Who handed it over.
    pub by: Actor,
    /// What the person may know of it, and whether they do.
    pub telling: Telling,
}

/// To whom data was handed over.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "snake_case")]
#[non_exhaustive]
pub enum HandedTo {
    /// A court, the police, a supervisory authority.
    Authority {
        /// Which one.
        name: String,
        /// The law that demanded it (Art. 6(1)(c) GDPR).
        law: String,
        /// Its own number for the matter.
        reference: Option<String>,
    },
    /// Whoever takes the service or a part of it over.
    Successor {
        /// Which one.
        name: String,
        /// Where their privacy requests go.
        contact: String,
    },
}

/// What a person may know of a handover.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "telling", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Telling {
    /// They have to be told, and are not yet.
    Due,
    /// The law forbids it until a time, or until an operator says that it is over (`None`); they do not
    /// see it before (Art. 23 GDPR).
    Forbidden {
        /// Until when.
        until: Option<Timestamp>,
    },
    /// They were told.
    Told {
        /// When.
        at: Timestamp,
    },
}

/// What is to be noted of a handover.
#[derive(Clone)]
pub struct Handover {
    /// To whom.
    pub to: HandedTo,
    /// Which categories of data.
    pub categories: BTreeSet<DataCategory>,
    /// Whether the law forbids to tell the person, and until when.
    pub telling: Telling,
}

/// Who looks at handovers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reader {
    /// An operator, who sees them all.
    Operator,
    /// The person whose data it was, who sees what the law lets them see.
    Person,
}

/// Notes handovers and what people were told of them.
///
/// Whom to tell, by which way, is the host's to do; [`Handovers::of_subject`] and the tally of
/// [`kind::HANDOVER`] by facet say where it is due.
#[derive(Clone, Debug)]
pub struct Handovers {
    vault: Vault,
}

impl Handovers {
    /// Keeps handovers in a vault.
    pub fn new(vault: Vault) -> Self {
        Self { vault }
    }

    /// Notes that data of a person was handed over, before it is: nothing leaves that is not in the log.
    /// Answers with the record's id.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Denied`] where it is not an operator who does it; [`ErrorKind::InvalidInput`] for no
    /// category, an empty name, law or contact, one that is longer than 512 bytes or holds control
    /// characters, and for a person who was told already; [`ErrorKind::NotFound`] and
    /// [`ErrorKind::Shredded`] where there is nobody any more; and as [`Vault::commit`].
    pub async fn record(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        handover: Handover,
        by: &Actor,
    ) -> Result<Id> {
        operator(by)?;
        handover.check()?;
        let vault = &self.vault;
        let holder = Holder::Subject(subject);
        let id = Id::generate(&**vault.random())?;
        let record = HandoverRecord {
            id,
            to: handover.to,
            categories: handover.categories,
            at: vault.clock().now(),
            by: by.clone(),
            telling: handover.telling,
        };
        let view = vault.read(tenant, holder, &[]).await?;
        let batch = vault.batch()?.op(view.fence()?);
        let batch = batch.op(vault.put(tenant, record.draft(holder)?, None).await?);
        let entry = record.entry("handover.recorded", subject, record.at, by);
        vault.commit(tenant, batch.audit(entry)).await?;
        Ok(id)
    }

    /// Notes that the person was told of a handover, or that the law no longer forbids it
    /// ([`Telling::Due`]).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Denied`] where it is not an operator who says so, and while the law forbids what was
    /// done; [`ErrorKind::InvalidInput`] for [`Telling::Forbidden`] of one of which the person knows;
    /// [`ErrorKind::NotFound`] for one that is not there; [`ErrorKind::Conflict`] where somebody else
    /// wrote at the same time; and as [`Vault::commit`].
    pub async fn tell(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        id: Id,
        telling: Telling,
        by: &Actor,
    ) -> Result<()> {
        operator(by)?;
        let vault = &self.vault;
        let holder = Holder::Subject(subject);
        let view = vault.read(tenant, holder, &[Key::new(kind::HANDOVER, id)]).await?;
        let stored = view.record(0).filter(|record| record.subject == Some(subject));
        let stored = stored.ok_or(ErrorKind::NotFound)?;
        let record = HandoverRecord::read(id, &view.facts(0)?.ok_or(ErrorKind::NotFound)?)?;
        let now = vault.clock().now();
        match (record.telling, telling) {
            (before, after) if before == after => return Ok(()),
            (Telling::Told { .. }, _) => return Err(invalid("the person knows of it already")),
            (Telling::Forbidden { .. }, Telling::Told { .. }) if record.is_hidden(now) => {
                let detail = "the law forbids to tell them; say first that it no longer does";
                return Err(Error::new(ErrorKind::Denied).with_detail(detail));
            }
            (_, Telling::Told { at }) if at > now || at < record.at => {
                return Err(invalid("they are told after it happened and not later than now"));
            }
            _ => {}
        }
        let record = HandoverRecord { telling, ..record };
        let batch = vault.batch()?.op(view.fence()?);
        let batch = batch.op(vault.put(tenant, record.draft(holder)?, Some(stored)).await?);
        let entry = record.entry("handover.telling_changed", subject, now, by);
        vault.commit(tenant, batch.audit(entry)).await.map(|_| ())
    }

    /// What was handed over of a person, oldest first. The person's own answer leaves out what the law
    /// forbids to tell them now.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`], [`ErrorKind::Shredded`] and as [`Vault::read`];
    /// [`ErrorKind::UnknownSchema`] for a record of a newer release.
    pub async fn of_subject(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        reader: Reader,
    ) -> Result<Vec<HandoverRecord>> {
        let holder = Holder::Subject(subject);
        self.vault.read(tenant, holder, &[]).await?;
        let now = self.vault.clock().now();
        let mut all = Vec::new();
        let mut query = Query::of_kind(kind::HANDOVER).subject(subject).limit(1000);
        loop {
            let page = self.vault.store().find(tenant, &query).await?;
            for record in &page.records {
                all.push(self.open(tenant, holder, record).await?);
            }
            match page.next {
                Some(next) => query = query.after(next),
                None => break,
            }
        }
        all.retain(|record| reader == Reader::Operator || !record.is_hidden(now));
        all.sort_by_key(|record| (record.at, record.id));
        Ok(all)
    }

    async fn open(
        &self,
        tenant: &TenantId,
        holder: Holder,
        record: &Record,
    ) -> Result<HandoverRecord> {
        let facts = self.vault.open(tenant, holder, record).await?.facts()?;
        HandoverRecord::read(record.key.id, &facts)
    }
}

impl HandoverRecord {
    /// The schema that this release writes.
    pub const SCHEMA: u16 = 1;

    fn read(id: Id, facts: &bailee_vault::Facts) -> Result<Self> {
        if facts.schema() > Self::SCHEMA {
            return Err(ErrorKind::UnknownSchema.into());
        }
        Ok(Self { id, ..facts.json::<Self>()? })
    }

    fn draft(&self, holder: Holder) -> Result<Draft> {
        Draft::new(Key::new(kind::HANDOVER, self.id), holder)
            .facet(bailee_store::Facet(self.telling.facet()))
            .json(Self::SCHEMA, self)
    }

    /// Whether the law forbids to tell the person of it now.
    pub fn is_hidden(&self, now: Timestamp) -> bool {
        match self.telling {
            Telling::Forbidden { until } => until.is_none_or(|until| now < until),
            Telling::Due | Telling::Told { .. } => false,
        }
    }

    fn entry(&self, event: &'static str, subject: SubjectId, at: Timestamp, by: &Actor) -> Entry {
        let kind = match self.to {
            HandedTo::Authority { .. } => "authority",
            HandedTo::Successor { .. } => "successor",
        };
        Entry::new(event, at)
            .about(subject)
            .by(by)
            .with("handover", self.id)
            .with("kind", Field::Word(kind.into()))
            .with("count", i64::try_from(self.categories.len()).unwrap_or(i64::MAX))
            .with("outcome", Field::Word(self.telling.word().into()))
    }
}

impl Telling {
    /// The facet of its records: 1 due, 2 forbidden, 3 told.
    pub fn facet(self) -> i16 {
        match self {
            Self::Due => 1,
            Self::Forbidden { .. } => 2,
            Self::Told { .. } => 3,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Forbidden { .. } => "forbidden",
            Self::Told { .. } => "told",
        }
    }
}

impl Handover {
    fn check(&self) -> Result<()> {
        if self.categories.is_empty() {
            return Err(invalid("no category of data was named"));
        }
        if matches!(self.telling, Telling::Told { .. }) {
            return Err(invalid("the person is told after it was noted"));
        }
        let texts = match &self.to {
            HandedTo::Authority { name, law, reference } => {
                [Some(name), Some(law), reference.as_ref()]
            }
            HandedTo::Successor { name, contact } => [Some(name), Some(contact), None],
        };
        let good = |text: &String| {
            !text.trim().is_empty() && text.len() <= 512 && !text.chars().any(char::is_control)
        };
        if texts.into_iter().flatten().all(good) {
            Ok(())
        } else {
            Err(invalid("a name, law, reference or contact is empty, too long or no text"))
        }
    }
}

/// The texts may name a matter of the person's; they are not shown.
impl fmt::Debug for HandoverRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandoverRecord")
            .field("id", &self.id)
            .field("at", &self.at)
            .field("telling", &self.telling)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Handover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handover").field("telling", &self.telling).finish_non_exhaustive()
    }
}

impl fmt::Debug for HandedTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Authority { .. } => "Authority",
            Self::Successor { .. } => "Successor",
        })
    }
}

fn operator(by: &Actor) -> Result<()> {
    match by {
        Actor::Operator { .. } => Ok(()),
        _ => Err(Error::new(ErrorKind::Denied).with_detail("only an operator hands data over")),
    }
}

fn no_id() -> Id {
    Id::ZERO
}

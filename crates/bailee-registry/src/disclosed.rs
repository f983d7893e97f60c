//! What went to whom: uses of a person's data, folded.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bailee_core::{
    DataCategory, Error, ErrorKind, PurposeId, RecipientId, Result, SubjectId, TenantId, Timestamp,
    audit::Entry,
};
use bailee_store::{Key, Query};
use bailee_vault::{Draft, Facts, Holder, Vault};
use serde::{Deserialize, Serialize};

use crate::kind;

/// What a recipient received of a person for a purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DisclosureRecord {
    /// Who received it.
    pub recipient: RecipientId,
    /// For which purpose.
    pub purpose: PurposeId,
    /// When for the first time.
    pub first: Timestamp,
    /// When for the last time.
    pub last: Timestamp,
    /// How often.
    pub count: u64,
    /// Which categories of data.
    pub categories: BTreeSet<DataCategory>,
}

/// Folds the uses of people's data in memory and writes them now and then: one record for each
/// person, recipient and purpose.
///
/// A process that is killed loses the uses that it noted since its last flush; whoever drives the
/// work flushes every minute at least, so that is 60 seconds of them. After a flush that is dropped
/// half-way some uses are counted twice, none not at all. Effects (publications, exports) are not left to this: they commit their intent
/// before they happen.
///
/// Clones share what they note.
#[derive(Clone)]
pub struct Disclosures {
    vault: Vault,
    pending: Arc<Mutex<Pending>>,
}

#[derive(Debug, Default)]
struct Pending {
    people: HashMap<Person, Noted>,
    /// Whose uses a flush is writing now. Another one leaves them alone.
    busy: BTreeSet<Person>,
}

type Person = (TenantId, SubjectId);
type Noted = BTreeMap<(RecipientId, PurposeId), Uses>;

#[derive(Clone, Debug)]
struct Uses {
    first: Timestamp,
    last: Timestamp,
    count: u64,
    categories: BTreeSet<DataCategory>,
}

impl Disclosures {
    /// Keeps disclosures in a vault.
    pub fn new(vault: Vault) -> Self {
        Self { vault, pending: Arc::default() }
    }

    /// Notes that a recipient received, or was asked for, data of a person. It neither waits nor
    /// fails. What concerns nobody is not noted.
    pub fn note(
        &self,
        tenant: &TenantId,
        subject: impl Into<Option<SubjectId>>,
        recipient: &RecipientId,
        purpose: &PurposeId,
        categories: impl IntoIterator<Item: Into<DataCategory>>,
        at: Timestamp,
    ) {
        let Some(subject) = subject.into() else { return };
        let categories = categories.into_iter().map(Into::into);
        let mut pending = self.pending();
        let noted = pending.people.entry((tenant.clone(), subject)).or_default();
        // A person has few of them, and this is part of every call: looked for without a copy of
        // the names.
        let known =
            noted.iter_mut().find(|(place, _)| place.0 == *recipient && place.1 == *purpose);
        match known {
            Some((_, uses)) => uses.add(at, categories),
            None => {
                let uses = Uses { first: at, last: at, count: 1, categories: categories.collect() };
                noted.insert((recipient.clone(), purpose.clone()), uses);
            }
        }
    }

    /// How many people have uses that are not written yet.
    pub fn unwritten(&self) -> usize {
        self.pending().people.len()
    }

    /// Writes what was noted, and says how many records that made or changed.
    ///
    /// What was noted of a person who was erased meanwhile is dropped.
    ///
    /// # Errors
    ///
    /// The first error, after everything was tried. What could not be written is kept for the next
    /// flush.
    pub async fn flush(&self) -> Result<usize> {
        let people: Vec<Person> = self.pending().people.keys().cloned().collect();
        let mut written = 0;
        let mut failed = None;
        for (tenant, subject) in people {
            match self.flush_person(&tenant, subject).await {
                Ok(count) => written += count,
                Err(error) => {
                    failed.get_or_insert(error);
                }
            }
        }
        failed.map_or(Ok(written), Err)
    }

    /// What went to whom of a person, written and not, by recipient and purpose.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`], [`ErrorKind::Shredded`] and as [`Vault::read`];
    /// [`ErrorKind::UnknownSchema`] for a record of a newer release.
    pub async fn of_subject(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
    ) -> Result<Vec<DisclosureRecord>> {
        let holder = Holder::Subject(subject);
        self.vault.read(tenant, holder, &[]).await?;
        // Looked at first: what a flush writes meanwhile is seen twice rather than not at all.
        let noted = self.pending().people.get(&(tenant.clone(), subject)).cloned();
        let mut found: BTreeMap<_, DisclosureRecord> = BTreeMap::new();
        let mut query = Query::of_kind(kind::DISCLOSURE).subject(subject).limit(1000);
        loop {
            let page = self.vault.store().find(tenant, &query).await?;
            for record in &page.records {
                let opened = self.vault.open(tenant, holder, record).await?;
                let record = DisclosureRecord::read(&opened.facts()?)?;
                found.insert((record.recipient.clone(), record.purpose.clone()), record);
            }
            match page.next {
                Some(next) => query = query.after(next),
                None => break,
            }
        }
        for ((recipient, purpose), uses) in noted.unwrap_or_default() {
            let key = (recipient.clone(), purpose.clone());
            let stored = found.remove(&key);
            found.insert(key, DisclosureRecord::fold(stored, recipient, purpose, &uses));
        }
        Ok(found.into_values().collect())
    }

    async fn flush_person(&self, tenant: &TenantId, subject: SubjectId) -> Result<usize> {
        let Some((busy, noted)) = self.begin((tenant.clone(), subject)) else { return Ok(0) };
        let mut written = 0;
        let places: Vec<_> = noted.keys().cloned().collect();
        for part in places.chunks(MAX_RECORDS) {
            match self.write(tenant, subject, &noted, part).await {
                Ok(()) => {
                    written += part.len();
                    busy.settle(part, &noted);
                }
                // There is nobody left whose data it was.
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Shredded) => {
                    busy.settle(part, &noted);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(written)
    }

    /// A copy of what was noted of a person, unless another flush is at it.
    fn begin(&self, person: Person) -> Option<(Busy<'_>, Noted)> {
        let mut pending = self.pending();
        let noted = pending.people.get(&person)?.clone();
        if !pending.busy.insert(person.clone()) {
            return None;
        }
        drop(pending);
        Some((Busy { disclosures: self, person }, noted))
    }

    /// Folds some uses of one person into the stored records, in one commit.
    async fn write(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        noted: &Noted,
        part: &[(RecipientId, PurposeId)],
    ) -> Result<()> {
        let mut keys = Vec::with_capacity(part.len());
        for (recipient, purpose) in part {
            let person = subject.id();
            let place: [&[u8]; 3] =
                [person.as_bytes(), recipient.as_str().as_bytes(), purpose.as_str().as_bytes()];
            let id = self.vault.index(tenant, "disclosure", &place).await?;
            keys.push(Key::new(kind::DISCLOSURE, id));
        }
        let holder = Holder::Subject(subject);
        let mut tries = 0;
        loop {
            let view = self.vault.read(tenant, holder, &keys).await?;
            let mut batch = self.vault.batch()?.op(view.fence()?);
            let now = self.vault.clock().now();
            for (n, (place, key)) in part.iter().zip(&keys).enumerate() {
                let uses = &noted[place];
                let (recipient, purpose) = place;
                let stored =
                    view.facts(n)?.map(|facts| DisclosureRecord::read(&facts)).transpose()?;
                let record =
                    DisclosureRecord::fold(stored, recipient.clone(), purpose.clone(), uses);
                let draft =
                    Draft::new(key.clone(), holder).json(DisclosureRecord::SCHEMA, &record)?;
                batch = batch.op(self.vault.put(tenant, draft, view.record(n)).await?).audit(
                    Entry::new("disclosure.recorded", now)
                        .about(subject)
                        .with("recipient", recipient)
                        .with("purpose", purpose)
                        .with("count", i64::try_from(uses.count).unwrap_or(i64::MAX))
                        .with("until", uses.last),
                );
            }
            match self.vault.commit(tenant, batch).await {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Conflict && tries < MAX_TRIES => {
                    tries += 1
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        // Nothing under this lock panics half-way through a change.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DisclosureRecord {
    /// The schema that this release writes.
    pub const SCHEMA: u16 = 1;

    fn read(facts: &Facts) -> Result<Self> {
        if facts.schema() > Self::SCHEMA {
            return Err(Error::new(ErrorKind::UnknownSchema));
        }
        facts.json()
    }

    fn fold(stored: Option<Self>, recipient: RecipientId, purpose: PurposeId, uses: &Uses) -> Self {
        let Some(mut record) = stored else {
            let Uses { first, last, count, categories } = uses.clone();
            return Self { recipient, purpose, first, last, count, categories };
        };
        record.first = record.first.min(uses.first);
        record.last = record.last.max(uses.last);
        record.count = record.count.saturating_add(uses.count);
        record.categories.extend(uses.categories.iter().cloned());
        record
    }
}

impl fmt::Debug for Disclosures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disclosures").field("unwritten", &self.unwritten()).finish_non_exhaustive()
    }
}

/// A person whose uses are being written. What was noted stays where it is until then.
struct Busy<'d> {
    disclosures: &'d Disclosures,
    person: Person,
}

impl Busy<'_> {
    /// Takes away what was written; what was noted meanwhile stays.
    fn settle(&self, part: &[(RecipientId, PurposeId)], written: &Noted) {
        let mut pending = self.disclosures.pending();
        let Some(noted) = pending.people.get_mut(&self.person) else { return };
        for place in part {
            let settled = written.get(place).map_or(0, |uses| uses.count);
            if let Some(uses) = noted.get_mut(place) {
                uses.count = uses.count.saturating_sub(settled);
                if uses.count == 0 {
                    noted.remove(place);
                }
            }
        }
        if noted.is_empty() {
            pending.people.remove(&self.person);
        }
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.disclosures.pending().busy.remove(&self.person);
    }
}

impl Uses {
    fn add(&mut self, at: Timestamp, categories: impl Iterator<Item = DataCategory>) {
        self.first = self.first.min(at);
        self.last = self.last.max(at);
        self.count = self.count.saturating_add(1);
        self.categories.extend(categories);
    }
}

/// How many records one commit writes.
const MAX_RECORDS: usize = 100;

/// How often a commit is tried again after somebody else wrote the same records.
const MAX_TRIES: u32 = 8;

//! What one read saw, to be opened piece by piece.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use bailee_core::{ErrorKind, Plaintext, Result, TenantId, Timestamp};
use bailee_store::{Control, Expect, Key, Op, Record};

use crate::{
    Draft, Facts, Holder, Vault,
    cache::KeySet,
    draft,
    error::invalid,
    facts::Seqs,
    holder::Slot,
    kind,
    open::{Opener, first_key_id},
    tree::check_subject,
    vault::{Shared, broken_store},
};

/// Records of one holder and the record that is its fence and standing, all of one moment.
///
/// It opens what it is asked for and nothing else. The keys in it age as those in the cache do:
/// after a minute it opens nothing more ([`ErrorKind::Conflict`]: read again).
pub struct View {
    vault: Arc<Shared>,
    tenant: TenantId,
    holder: Holder,
    now: Timestamp,
    control: Control,
    records: Vec<Option<Record>>,
    seqs: Vec<OnceLock<Seqs>>,
    keys: Option<Arc<KeySet>>,
    standing: Option<Record>,
    standing_keys: Option<Arc<KeySet>>,
}

/// One record with the keys of its holder, to be opened piece by piece.
pub struct Opened<'a> {
    vault: Arc<Shared>,
    tenant: TenantId,
    record: &'a Record,
    keys: Option<Arc<KeySet>>,
    seqs: OnceLock<Seqs>,
}

impl Vault {
    /// Reads records of one holder, with its fence and standing, in one round trip to the store
    /// (where the keys lie apart: and one to theirs, when they are not cached).
    ///
    /// # Errors
    ///
    /// For a subject: [`ErrorKind::NotFound`] when there is none, [`ErrorKind::Shredded`] when it
    /// was erased, [`ErrorKind::KeyMissing`] when it lives and its key is gone. Else as
    /// [`bailee_store::Store::read`], and for keys as [`crate::KeySource::unwrap`].
    pub async fn read(&self, tenant: &TenantId, holder: Holder, keys: &[Key]) -> Result<View> {
        self.read_by(tenant, holder, keys, false).await
    }

    /// The same, in one round trip together with whoever reads the same at that time in this process:
    /// for what many look at at once. What was committed before this was called is in it.
    ///
    /// # Errors
    ///
    /// As [`Vault::read`].
    pub async fn read_joined(
        &self,
        tenant: &TenantId,
        holder: Holder,
        keys: &[Key],
    ) -> Result<View> {
        self.read_by(tenant, holder, keys, true).await
    }

    async fn read_by(
        &self,
        tenant: &TenantId,
        holder: Holder,
        keys: &[Key],
        joined: bool,
    ) -> Result<View> {
        let vault = &*self.0;
        let slot = Slot::from(holder);
        let evictions = vault.slots().evictions();
        let cached = vault.cached(tenant, slot);
        // The row comes along, so that a destroyed key is seen at once; but not from a store of
        // its own, and not the tenant's own, which no erasure destroys.
        let with_row = !vault.keys_apart() && (slot != Slot::Tenant || cached.is_none());

        let mut asked = Vec::with_capacity(keys.len() + 2);
        asked.extend_from_slice(keys);
        asked.push(holder.standing());
        if with_row {
            asked.push(slot.row());
        }
        let snapshot = match joined {
            true => vault.joined.read(&vault.store, tenant, &asked).await?,
            false => vault.store.read(tenant, &asked).await?,
        };
        let mut records = snapshot.records;
        if records.len() != asked.len() {
            return Err(broken_store());
        }
        let row = if with_row { records.pop().flatten() } else { None };
        let standing = records.pop().flatten();
        if let Holder::Subject(_) = holder {
            check_subject(standing.as_ref()).inspect_err(|_| vault.evict(tenant, slot))?;
        }

        let keys = match row {
            Some(row) => Some(vault.unwrap_row(tenant, slot, &row, evictions).await?),
            None if with_row => {
                if cached.is_none_or(|keys| !keys.is_pending()) {
                    vault.evict(tenant, slot);
                }
                None
            }
            None => match cached.filter(|keys| knows_all(keys, &records)) {
                Some(keys) => Some(keys),
                None => vault.load(tenant, slot).await?,
            },
        };
        if keys.is_none() && matches!(holder, Holder::Subject(_)) {
            return Err(ErrorKind::KeyMissing.into());
        }
        let standing_keys = match holder {
            Holder::Connection(_) if standing.is_some() => vault.keys(tenant, Slot::Tenant).await?,
            Holder::Connection(_) => None,
            Holder::Subject(_) | Holder::Tenant => keys.clone(),
        };
        Ok(View {
            vault: Arc::clone(&self.0),
            tenant: tenant.clone(),
            holder,
            now: snapshot.now,
            control: snapshot.control,
            seqs: records.iter().map(|_| OnceLock::new()).collect(),
            records,
            keys,
            standing,
            standing_keys,
        })
    }

    /// Gives a record that was found its holder's keys, to be opened. With cached keys it asks no
    /// store.
    ///
    /// # Errors
    ///
    /// As [`Vault::read`].
    pub async fn open<'a>(
        &self,
        tenant: &TenantId,
        holder: Holder,
        record: &'a Record,
    ) -> Result<Opened<'a>> {
        let vault = &*self.0;
        let slot = Slot::from(holder);
        let known = |keys: &Arc<KeySet>| {
            first_key_id(record.body.as_bytes()).is_none_or(|id| keys.contains(id))
        };
        let keys = match vault.cached(tenant, slot).filter(known) {
            Some(keys) => Some(keys),
            None => vault.load(tenant, slot).await?,
        };
        Ok(Opened {
            vault: Arc::clone(&self.0),
            tenant: tenant.clone(),
            record,
            keys,
            seqs: OnceLock::new(),
        })
    }
}

impl View {
    /// The store's clock at the read.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The tenant.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Whose records these are.
    pub fn holder(&self) -> Holder {
        self.holder
    }

    /// The control row, sealed. [`Vault::open_control`] opens it.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// The record of the n-th key that was asked, if there is one.
    pub fn record(&self, n: usize) -> Option<&Record> {
        self.records.get(n)?.as_ref()
    }

    /// The opened facts of the n-th record, if there is one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unopenable`] when the body is not what was sealed for this place and version;
    /// [`ErrorKind::KeyMissing`] when the holder has no such key; [`ErrorKind::Conflict`] when the
    /// view is too old; [`ErrorKind::UnknownSchema`] for another format.
    pub fn facts(&self, n: usize) -> Result<Option<Facts>> {
        let Some((opener, seqs)) = self.opener(n) else { return Ok(None) };
        opener.facts(seqs).map(Some)
    }

    /// An opened secret part of the n-th record.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] without such a record or part; else as [`View::facts`], also when
    /// the part is of another version than the facts name.
    pub fn part(&self, n: usize, name: &str) -> Result<Plaintext> {
        let (opener, seqs) = self.opener(n).ok_or(ErrorKind::NotFound)?;
        opener.part(seqs, name)
    }

    /// The record that is fence and standing: `subject` or `owner`.
    pub fn standing_record(&self) -> Option<&Record> {
        self.standing.as_ref()
    }

    /// The opened facts of the subject or owner record.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] when there is none; else as [`View::facts`].
    pub fn standing(&self) -> Result<Facts> {
        self.standing_opener()?.facts(&OnceLock::new())
    }

    /// An opened secret part of the subject or owner record.
    ///
    /// # Errors
    ///
    /// As [`View::part`].
    pub fn standing_part(&self, name: &str) -> Result<Plaintext> {
        self.standing_opener()?.part(&OnceLock::new(), name)
    }

    /// The operation that sees, with a lock, that the subject or owner is still as it was read.
    /// Every commit under a holder carries it, or writes that record itself.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] when there is no such record.
    pub fn fence(&self) -> Result<Op> {
        let record = self.standing.as_ref().ok_or(ErrorKind::NotFound)?;
        Ok(Op::Check { key: record.key.clone(), expect: Expect::Version(record.version) })
    }

    /// Seals a record that goes to no store, under the keys that this view has: nothing is asked of
    /// anybody. [`Vault::open`] opens it, also in another process.
    ///
    /// The draft's holder is the view's own or, where that is a connection, [`Holder::Tenant`].
    /// Whoever keeps the record destroys it with what it was made for.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for a draft of another holder, or one that cannot be;
    /// [`ErrorKind::KeyMissing`] when the holder has no key; [`ErrorKind::Conflict`] when the view
    /// is too old; [`ErrorKind::RandomnessFailed`].
    pub fn seal(&self, draft: Draft) -> Result<Record> {
        let keys = match draft.holder() {
            holder if holder == self.holder => self.keys.as_deref(),
            // A subject's standing is under the subject's own key.
            Holder::Tenant if matches!(self.holder, Holder::Connection(_)) => {
                self.standing_keys.as_deref()
            }
            _ => return Err(invalid("the draft is of another holder than the view")),
        };
        let keys = keys.ok_or(ErrorKind::KeyMissing)?;
        match draft::seal(&self.vault, &self.tenant, draft, keys, None, None)? {
            Op::Put { record, .. } => Ok(record),
            _ => Err(invalid("a sealed draft is a put")),
        }
    }

    fn opener(&self, n: usize) -> Option<(Opener<'_>, &OnceLock<Seqs>)> {
        let record = self.record(n)?;
        // A caller may ask for the standing by its key too.
        let keys = if record.key.kind == kind::OWNER { &self.standing_keys } else { &self.keys };
        let opener = Opener::of_record(&*self.vault.clock, &self.tenant, keys.as_deref(), record);
        Some((opener, &self.seqs[n]))
    }

    fn standing_opener(&self) -> Result<Opener<'_>> {
        let record = self.standing.as_ref().ok_or(ErrorKind::NotFound)?;
        let keys = self.standing_keys.as_deref();
        Ok(Opener::of_record(&*self.vault.clock, &self.tenant, keys, record))
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View")
            .field("tenant", &self.tenant)
            .field("holder", &self.holder)
            .field("now", &self.now)
            .field("records", &self.records)
            .finish_non_exhaustive()
    }
}

impl Opened<'_> {
    /// The record.
    pub fn record(&self) -> &Record {
        self.record
    }

    /// The opened facts.
    ///
    /// # Errors
    ///
    /// As [`View::facts`].
    pub fn facts(&self) -> Result<Facts> {
        self.opener().facts(&self.seqs)
    }

    /// An opened secret part.
    ///
    /// # Errors
    ///
    /// As [`View::part`].
    pub fn part(&self, name: &str) -> Result<Plaintext> {
        self.opener().part(&self.seqs, name)
    }

    fn opener(&self) -> Opener<'_> {
        Opener::of_record(&*self.vault.clock, &self.tenant, self.keys.as_deref(), self.record)
    }
}

impl fmt::Debug for Opened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("record", self.record).finish_non_exhaustive()
    }
}

/// Whether these keys open all of these records. A directory entry and an overlay are their
/// tenant's, whoever holds what they were read with.
fn knows_all(keys: &KeySet, records: &[Option<Record>]) -> bool {
    records
        .iter()
        .flatten()
        .filter(|record| ![kind::DIRECTORY, kind::OVERLAY].contains(&record.key.kind))
        .filter_map(|record| first_key_id(record.body.as_bytes()))
        .all(|id| keys.contains(id))
}

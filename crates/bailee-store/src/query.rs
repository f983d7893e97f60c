//! Finding records by the columns that lie in the clear.

use bailee_core::{Id, SubjectId};

use crate::{Facet, Key, Kind, Record};

/// The most records in one answer.
pub(crate) const MAX_PAGE: u32 = 1000;

/// Which records of a tenant to find. Answers come in the order of their keys.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Query {
    /// Records of this kind. `None`: of every kind, which needs a subject.
    pub kind: Option<Kind>,
    /// Records of this subject.
    pub subject: Option<SubjectId>,
    /// Records found under this hash. Needs a kind.
    pub lookup: Option<Id>,
    /// Records with this facet.
    pub facet: Option<Facet>,
    /// Only records after this key.
    pub after: Option<Key>,
    /// At most so many in one answer.
    pub limit: u32,
}

impl Query {
    /// All records of a kind.
    pub fn of_kind(kind: Kind) -> Self {
        Self { kind: Some(kind), subject: None, lookup: None, facet: None, after: None, limit: 100 }
    }

    /// All records of a subject, of every kind.
    pub fn of_subject(subject: SubjectId) -> Self {
        Self {
            kind: None,
            subject: Some(subject),
            lookup: None,
            facet: None,
            after: None,
            limit: 100,
        }
    }

    /// Only those of a subject.
    #[must_use]
    pub fn subject(mut self, subject: SubjectId) -> Self {
        self.subject = Some(subject);
        self
    }

    /// Only those found under a hash.
    #[must_use]
    pub fn lookup(mut self, hash: Id) -> Self {
        self.lookup = Some(hash);
        self
    }

    /// Only those with a facet.
    #[must_use]
    pub fn facet(mut self, facet: Facet) -> Self {
        self.facet = Some(facet);
        self
    }

    /// Only those after a key: [`Page::next`] of the answer before.
    #[must_use]
    pub fn after(mut self, key: Key) -> Self {
        self.after = Some(key);
        self
    }

    /// At most so many, 1 to 1,000.
    #[must_use]
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = limit.clamp(1, MAX_PAGE);
        self
    }

    /// Checks, on behalf of a store, that the question can be answered by an index.
    ///
    /// # Errors
    ///
    /// [`bailee_core::ErrorKind::InvalidInput`] for a question without a kind and a subject, and
    /// for a lookup without a kind.
    pub fn check(&self) -> bailee_core::Result<()> {
        if self.kind.is_none() && (self.subject.is_none() || self.lookup.is_some()) {
            return Err(bailee_core::Error::new(bailee_core::ErrorKind::InvalidInput)
                .with_detail("a question needs a kind, or a subject"));
        }
        Ok(())
    }
}

/// One answer of [`crate::Store::find`].
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The records.
    pub records: Vec<Record>,
    /// Where the next answer begins, if there may be more.
    pub next: Option<Key>,
}

/// How many records of a kind have a facet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// The facet.
    pub facet: Facet,
    /// How many.
    pub records: u64,
}

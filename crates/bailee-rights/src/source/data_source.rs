//! The seam itself.

use async_trait::async_trait;
use bailee_core::{ErrorKind, HostId, Result, TenantId, Timestamp};

use super::{Correction, Count, Remaining, RowSink, SourceFacts, Step, Supplement, Whose};

/// A place where a host keeps data of people, and all that a right may ask of it.
///
/// Every method is about one person in one tenant, and nothing of anybody else may come out of it or
/// be changed by it; the two about age are about one tenant. Errors say what kind of thing failed and hold nothing of the data. A method that
/// is dropped while it waits leaves a state from which it can be called again.
///
/// A source that cannot look (a database that is away, a table or a column that is missing) *must*
/// fail. Nothing found is an answer; not having looked is none.
#[async_trait]
pub trait DataSource: Send + Sync {
    /// What it is and what lies in it. Constant as long as it lives.
    fn facts(&self) -> &SourceFacts;

    /// Says what an erasure would touch.
    ///
    /// *Must* have a line for each table. *Must not* change anything.
    ///
    /// # Errors
    ///
    /// It could not look at every table.
    async fn count(&self, whose: &Whose) -> Result<Count>;

    /// Hands the person's rows to a sink, also those that the host calls deleted.
    ///
    /// *Must* go table after table, in the order of the facts, so that whoever writes them into files
    /// has one open at a time; hold no more than a batch in memory, keep the order of the fields, and
    /// mask or leave out what is another person's (Art. 15(4) GDPR). *Must not* hand over a row twice,
    /// nor come back to a table.
    ///
    /// # Errors
    ///
    /// It could not read to the end, or the sink refused. What was handed over is then a part.
    async fn collect(&self, whose: &Whose, sink: &mut dyn RowSink) -> Result<()>;

    /// Does a bounded step of the erasure and says whether there may be more.
    ///
    /// *Must* be whole or not at all, and begin where the last step ended, whoever did that and
    /// however it ended. *Must not* touch what a law keeps, nor say that there is no more without
    /// having looked at every table.
    ///
    /// # Errors
    ///
    /// The step did nothing, or what it did cannot be known; it is asked for again.
    async fn erase(&self, whose: &Whose) -> Result<Step>;

    /// Puts one value right.
    ///
    /// # Errors
    ///
    /// `NotFound` where the person has no such row, `Unsupported` for a field that cannot be changed
    /// here, `InvalidInput` for a value that does not fit.
    async fn correct(&self, whose: &Whose, correction: &Correction) -> Result<()>;

    /// Puts a statement of the person beside one of their rows (Art. 16 GDPR, second sentence).
    ///
    /// *Must* be repeatable: the same statement beside the same row is there once. *Must not* touch a
    /// row that is not theirs.
    ///
    /// # Errors
    ///
    /// `Unsupported` where there is no place for statements: then it is kept beside the request, given
    /// out with every copy and shown to operators. `NotFound` for a row that is not there or not theirs.
    async fn supplement(&self, whose: &Whose, supplement: &Supplement) -> Result<()> {
        let _ = (whose, supplement);
        Err(ErrorKind::Unsupported.into())
    }

    /// Does a bounded step of marking the person's rows as restricted, or of taking the marks away,
    /// in the tables whose facts say that they can be marked.
    ///
    /// *Must* be repeatable: a row that is marked as it should be is not touched.
    ///
    /// # Errors
    ///
    /// As [`DataSource::erase`].
    async fn restrict(&self, whose: &Whose, restricted: bool) -> Result<Step>;

    /// Looks again after an erasure: what is left that should not be, and what is kept.
    ///
    /// *Must* look at every table anew, and have a line for each.
    ///
    /// # Errors
    ///
    /// It could not look at every table.
    async fn remaining(&self, whose: &Whose) -> Result<Remaining>;

    /// Counts the rows of a table that are older than a time and to which
    /// [`erase_older`](Self::erase_older) has something to do.
    ///
    /// *Must not* count rows of the people in `except`, nor change anything. A row whose age nobody
    /// knows is not older.
    ///
    /// # Errors
    ///
    /// `Unsupported` where the facts do not say that the table knows how old its rows are
    /// ([`TableFacts::aged`](super::TableFacts::aged)), and where whose rows they are cannot be held
    /// against `except`. Otherwise it could not look.
    async fn count_older(
        &self,
        tenant: &TenantId,
        table: &str,
        before: Timestamp,
        except: &[HostId],
    ) -> Result<u64> {
        let _ = (tenant, table, before, except);
        Err(ErrorKind::Unsupported.into())
    }

    /// Does a bounded step of erasing what is older than a time, of whomever it is, in the way in
    /// which the table is erased, and says whether there may be more.
    ///
    /// *Must* be whole or not at all. *Must not* touch rows of the people in `except`, of another
    /// tenant, or rows whose age nobody knows. What hangs on a row that goes, goes with it as its own
    /// table is erased, and is told under that table's name.
    ///
    /// # Errors
    ///
    /// As [`count_older`](Self::count_older); the step did nothing, or what it did cannot be known.
    async fn erase_older(
        &self,
        tenant: &TenantId,
        table: &str,
        before: Timestamp,
        except: &[HostId],
    ) -> Result<Step> {
        let _ = (tenant, table, before, except);
        Err(ErrorKind::Unsupported.into())
    }
}

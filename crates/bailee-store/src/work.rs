//! Work: what is due later. A row without a body and without a secret.

use std::time::Duration;

use bailee_core::{Error, ErrorKind, Result, SubjectId, TenantId, Timestamp};

use crate::{Key, Kind};

/// The longest lease that a claim may ask for.
pub const MAX_LEASE: Duration = Duration::from_secs(3600);

/// When a piece of work is due, by the store's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// This long after the commit.
    After(Duration),
    /// At this time.
    At(Timestamp),
    /// Never: the row is removed.
    Never,
}

impl Due {
    /// The time that is meant, by the store's clock; `None` for [`Due::Never`].
    pub fn time(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::After(delay) => Some(now.plus(delay)),
            Self::At(time) => Some(time),
            Self::Never => None,
        }
    }
}

/// Which claim of a piece of work stands. Every claim makes a higher one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fence(pub i64);

impl Fence {
    /// The fence of work created at this time. No claim has it: the first claim's is one more.
    ///
    /// Like [`crate::Version::first`] it begins at the time of creation, so that work removed and
    /// planned anew never matches a holder of the old one.
    pub const fn first(now: Timestamp) -> Self {
        Self(now.as_micros())
    }

    /// The fence of the next claim.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// What to claim. A claim moves the work's due time to the end of its lease: what is not finished
/// by then is due again.
#[derive(Clone, Copy, Debug)]
pub enum Claim<'a> {
    /// Whatever is due among these tasks, the longest due first, fairly over the tasks.
    Due {
        /// The lanes to look in.
        tasks: &'a [Kind],
        /// How long the claim holds.
        lease: Duration,
        /// At most so many.
        limit: u32,
    },
    /// One piece of work, due or not, unless somebody holds it.
    One {
        /// Its tenant.
        tenant: &'a TenantId,
        /// Its key.
        task: &'a Key,
        /// How long the claim holds.
        lease: Duration,
    },
}

impl Claim<'_> {
    /// Checks, on behalf of a store, that the lease is longer than nothing and no longer than
    /// [`MAX_LEASE`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`].
    pub fn check(&self) -> Result<()> {
        let (Self::Due { lease, .. } | Self::One { lease, .. }) = self;
        // Stores count in microseconds: less than one is nothing.
        if lease.as_micros() == 0 || *lease > MAX_LEASE {
            return Err(Error::new(ErrorKind::InvalidInput).with_detail("not a possible lease"));
        }
        Ok(())
    }
}

/// A claimed piece of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Whose.
    pub tenant: TenantId,
    /// What.
    pub task: Key,
    /// About whom.
    pub subject: Option<SubjectId>,
    /// Under which fence the result commits.
    pub fence: Fence,
    /// How often it was claimed since it was last finished, this time included.
    pub tries: u32,
    /// The first claim since it was last finished: when this is earlier than `now`, an earlier
    /// holder did not finish, and nobody knows how far it came.
    pub since: Timestamp,
    /// The store's clock at the claim.
    pub now: Timestamp,
    /// When the claim ends, by the store's clock.
    pub until: Timestamp,
}

//! Work: what is due later. A row without a body and without a secret.

use std::time::Duration;

use bailee_core::{SubjectId, TenantId, Timestamp};

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

/// Which claim of a piece of work stands. Every claim makes a higher one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fence(pub i64);

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

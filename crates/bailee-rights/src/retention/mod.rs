//! Retention: what is declared to be kept for a time goes when the time is over.
//!
//! A declaration says of each row of a host's own data how long it is kept. For each table whose rows
//! know how old they are that becomes a cut-off: every day, in every tenant, what is older goes, in bounded
//! steps through the host's own sources, with evidence of what was found, what was done and what was
//! left.
//!
//! - **A row goes when all that is in it may go**: of the categories in a table the one that is kept
//!   longest counts. That others in it stay longer than declared is a [`Gap`].
//! - **Nobody whose data has to stay is touched**: people with a hold on some set of the source, and
//!   people whose data may only be kept (Art. 18 GDPR).
//! - **What cannot be done is said.** [`Retention::gaps`] names the sets for which nothing ends and the
//!   tables whose rows no source can tell the age of; a source that fails is shown in
//!   [`RetentionState`] and asked again.
//! - What is kept until the account is deleted ends with an erasure, and what is kept until a connection
//!   ends goes with the disconnect, which deletes its credentials and what was obtained is the host's to
//!   delete on that event; both are named in a [`Plan`] and have no time of their own.

mod body;
mod cut_off;
mod declared;
mod desk;
mod evidence;
mod kind;
mod left_out;
mod plan;
mod rules;
mod spread;
mod state;
mod sweep;

pub use cut_off::cut_off;
pub use declared::Declared;
pub use desk::{Retention, RetentionBuilder};
pub use evidence::Sweep;
pub use plan::{Plan, PlannedTable};
pub use rules::{Gap, TimedTable, Times, Untimed};
pub use state::{Failure, RetentionState};

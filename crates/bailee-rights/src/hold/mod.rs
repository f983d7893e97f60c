//! Holds: what may not be erased yet, because a law says so.
//!
//! A hold names a person, the sets of data that it keeps, the reason with its article, who looked at
//! it, and when it ends. It keeps those sets from an erasure and from retention and nothing else of
//! the person; whatever it does not name goes.
//!
//! - **It ends.** There is no hold without an end and none longer than ten years; a reviewer who looks
//!   again may let it go on ([`Holds::renew`]). Before it ends somebody is told, and when it ends the
//!   requests that wait for it go on in the same commit.
//! - **It names nobody.** Its record lies under the tenant's key and holds the pseudonym, closed words,
//!   a sentence and a file number. Addresses are refused in both; that no name is in them is for
//!   the reviewer to see.
//! - A hold that was placed while an erasure was under way keeps what is left from the next step on.

mod body;
mod desk;
mod due;
mod kind;
mod legal;

pub use desk::Holds;
pub use due::Passed;
pub use legal::{Covers, Ended, Hold, Placing};

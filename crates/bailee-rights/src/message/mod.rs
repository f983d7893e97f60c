//! Letters: what a person is told of their request, with evidence of it.
//!
//! A [`Letter`] is facts. [`Messages::queue`] gives what writes it down and sends it as work, for the
//! commit that changes the request: no state of a request is told to nobody, and none is told that it
//! has not. The text is made when it is sent, in the language that the person reads then, with the
//! controller's contact and where to complain in each (Art. 12(4), 13(2)(d) GDPR).
//!
//! What remains is sealed under the person's key and goes with it. The log keeps the hash of the text,
//! the way and the time. A code or a link lies in the record until the letter is sent, and is in no
//! hash.

mod desk;
mod kind;
mod letter;
mod reach;
mod render;
mod send;

pub(crate) use desk::Fate;
pub use desk::{Messages, MessagesBuilder, Posted};
pub use letter::{Act, Cause, Content, Done, Letter, LetterKind, Refusal, Told};

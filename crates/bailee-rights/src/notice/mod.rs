//! Telling people, with evidence of it.
//!
//! A changed declaration is announced once ([`Notices::announce`]). From then on it is work: tenant by
//! tenant and page by page, every person whom the change concerns gets one notice, whose id comes of
//! the change and the person, so that nobody is told twice; and every notice that is also a message is
//! sent, tried again, or given up with its reason. What remains is evidence: when, by which way, which
//! version, which text, with what outcome; never an address and never a name. It lies under the
//! person's own key and goes with it.
//!
//! - Who is told, and by which way, the difference itself says ([`Diff::tells`]).
//! - A restriction of processing (Art. 18 GDPR) does not end the duty to inform: restricted people are
//!   told. Whose data was erased, or has to be, is nobody any more who could be told.
//! - This crate keeps no addresses and sends nothing itself. A host says where a person can be reached
//!   ([`Contacts`]) and sends ([`Notify`]).
//!
//! [`Diff::tells`]: bailee_registry::versions::Diff::tells

mod about;
mod announcement;
pub(crate) mod body;
mod contacts;
pub(crate) mod desk;
pub(crate) mod kind;
mod message;
mod notify;
pub(crate) mod post;
mod record;
mod send;
pub(crate) mod spread;
#[cfg(feature = "testing")]
pub mod testing;

pub use about::About;
pub use announcement::{Announcement, Progress};
pub use contacts::{Address, ContactWay, Contacts, Reach};
pub use desk::{Notices, NoticesBuilder};
pub use message::Message;
pub(crate) use message::{PLACE, contact_and_complaint};
pub use notify::{Delivery, Evidence, Notify};
pub use record::{GivenUp, Notice, Sent, Shown};

//! HubSpot: OAuth of public apps and the CRM API (pages and date in `spec.toml`).
//!
//! A grant belongs to an app, a HubSpot account (a "portal") and the person who installed it, so
//! the account here is portal and person together.
//!
//! Where it differs from the RFCs:
//!
//! - Addresses have a dated version in them, which a registration can set (`oauth_version`,
//!   `crm_version`).
//! - `scopes` of a token answer is an array.
//! - Scopes that the account's plan or the person's rights may rule out go into `optional_scope`;
//!   [`HubSpot::optional`] says which. A flow that demands them ends on an error page instead.
//! - Whose account it is says introspection, whose answer repeats the token. Nothing but the numbers
//!   and the account's domain is read of it.
//! - Errors of OAuth have a `status` (`BAD_REFRESH_TOKEN`) that says more than their `error`, and
//!   any member of an error may be missing.
//! - Revocation takes the refresh token alone. Access that was given before runs out within half an
//!   hour, and the app stays installed: to uninstall it is something else, which ends it for
//!   everybody in the account, and is not done here.
//! - A 401 does not always mean that a token ran out, so tokens are renewed by the clock.
//! - 477 says that an account is being moved between data centres, and 423 that it is locked.
//!
//! Creating a contact is not idempotent. Where the e-mail address is there already, HubSpot says
//! which contact has it, and so does the outcome ([`CreatedContact::Existing`]).
//!
//! # What HubSpot tells of its own accord
//!
//! Two ways, both of which an operator sets up at HubSpot; nothing here does it for them.
//!
//! *Webhooks.* The target URL of the app is the registration's signal address; the subscriptions
//! are `contact.privacyDeletion` and, where conversations are read, `conversation.privacyDeletion`.
//! Deliveries are signed with the client's secret (version 3; older signatures count for nothing).
//! Somebody whom an account keeps as a contact asked for erasure: it becomes a request of the
//! portal, with the contact's id. `contact.deletion`, which comes beside it, says nothing new.
//!
//! *The journal.* [`HubSpot::reading_journal`] asks for what is new every five minutes, with a token
//! of the app's own. It is the only place that says that the app was uninstalled, which ends the
//! connections of the whole portal. With a token by `client_credentials` that has
//! `developer.webhooks_journal.subscriptions.write`, once:
//!
//! ```text
//! POST https://api.hubapi.com/webhooks-journal/subscriptions/2026-03
//! {"subscriptionType": "APP_LIFECYCLE_EVENT", "eventTypeId": "4-1916193"}
//! ```
//!
//! and, where webhooks are not used, for each portal `{"subscriptionType": "GDPR_PRIVACY_DELETION",
//! "actions": ["GDPR_DELETE"], "objectTypeId": "0-1", "portalId": …}`. One of the two ways is enough
//! for erasure: who sets up both has each request twice. The journal keeps three days; what it said
//! before is found out by the regular question to each connection.
//!
//! Entries of the journal lie in a file at a secret address in other people's storage. It has to be
//! on a host of the spec's `journal_hosts` ([`HubSpot::journal_hosts`] sets others), is fetched
//! without any credential, and no redirect is followed. How entries look is not documented in full:
//! those that are not understood say nothing.
//!
//! Not covered: uninstalling, other objects, search, batches, and erasure of contacts.

mod errors;
mod oauth;
mod operations;
mod signals;
mod wire;

pub use oauth::HubSpot;
pub use operations::{CreateContact, CreatedContact, ListOwners, Owner};

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
//! Not covered: uninstalling, webhooks and the journal, other objects, search, batches, and
//! erasure of contacts.

mod errors;
mod oauth;
mod operations;
mod wire;

pub use oauth::HubSpot;
pub use operations::{CreateContact, CreatedContact, ListOwners, Owner};

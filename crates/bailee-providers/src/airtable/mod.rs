//! Airtable: bases and their records (pages and date in `spec.toml`).
//!
//! Where it differs from the RFCs:
//!
//! - PKCE is demanded of every client, with `S256` alone.
//! - A refresh ends both former tokens at once, and a used refresh token that comes again ends the
//!   whole grant. Two refreshes at a time may be answered with 409, which says nothing about the
//!   grant.
//! - There is no revocation. Tokens are deleted here, and the person is told where to end the grant.
//! - The person picks bases beside scopes. A base that was not picked is a 403 that no refresh and
//!   no new scope mends: the flow has to be gone through again.
//! - Who the person is has no name: the e-mail address where it may be seen, else nothing.
//! - Errors of the API are objects with a type, or the type alone.
//! - A 429 has no `Retry-After`; it is over after 30 seconds. A quota of the month that is used up is
//!   one too, and does not pass.
//! - Whether OAuth lives at `airtable.com` or `www.airtable.com` is the registration's variable
//!   `site`.
//!
//! Not covered: changing and deleting records, comments, schemas, attachments, lists asked for by
//! POST where the query is too long for an address, webhooks.

mod errors;
mod oauth;
mod operations;
mod wire;

pub use oauth::Airtable;
pub use operations::{Base, CreateRecords, ListBases, ListRecords, RECORDS_LIMIT, Record};

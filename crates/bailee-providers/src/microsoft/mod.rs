//! Microsoft: sign-in with Entra ID, and mail, calendar and files by Graph (pages and date in
//! `spec.toml`).
//!
//! Where it differs from the RFCs:
//!
//! - Addresses have the directory in them: `common` unless the registration's variable `tenant` says
//!   another one. An ID token of `common` is issued by the directory of whoever signs in, so its
//!   `iss` is compared with the token's own `tid`; a registration for one directory takes accounts
//!   of that one alone.
//! - The account is known by `tid` and `oid`. `sub` is another one for each application, and
//!   addresses and user names are given to other people later.
//! - Purposes declare `openid` and, for a connection that lasts, `offline_access`. Token answers name
//!   neither, and may write Graph's scopes as addresses and in another case.
//! - Each refresh gives a new refresh token, and the old ones stay good.
//! - Refusals carry numbers that say more than their code (`AADSTS700082`).
//! - There is no revocation: the person, or their administrator, ends it in their account.
//!
//! Not covered: national clouds, certificates in place of secrets, consent of an administrator for
//! everyone, change notifications, large uploads.

mod errors;
mod oauth;
mod operations;
mod wire;

pub use oauth::Microsoft;
pub use operations::{CalendarEvent, ListEvents, SMALL_FILE, SendMail, StoredFile, UploadFile};

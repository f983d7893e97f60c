//! Google: sign-in with OpenID Connect, Gmail, Calendar and Drive (pages and date in `spec.toml`).
//!
//! Where it differs from the RFCs:
//!
//! - Each purpose declares the scope `openid`: the account is known by the `sub` of its ID token,
//!   and by no e-mail address.
//! - A refresh token comes with `access_type=offline` and only where the person is asked: at their
//!   first consent, or with `prompt=consent`. A flow that has to bring one asks anew; one that adds
//!   scopes to a connection that works does not, and the stored token stays.
//! - With more than one scope beside sign-in the person can untick each. The answer's `scope` says
//!   what is left, and `email` and `profile` come back under other names.
//! - Earlier consents of the same person to the same project come along
//!   (`include_granted_scopes`): tokens may have scopes that the flow did not ask for.
//! - A refresh token dies in many ways (a revocation, six months of rest, a hundred younger ones,
//!   a changed password, seven days in a project under test, a policy of session length), and all
//!   look the same: `invalid_grant`.
//! - Revoking any token ends all that the account allowed the project. A token that is dead
//!   already is refused with `invalid_token`, and that is as good.
//! - Errors of the APIs name a reason in two places, and a limit may come as 403.
//! - Uploads go to an address that is their own credential, and 308 there asks for more.
//!
//! Not covered: sign-in on devices without a browser, service accounts, drafts and reading of mail,
//! changes of calendars, shared drives, e-mail of more than
//! [`MESSAGE_LIMIT`], notices of cross-account protection.

mod errors;
mod oauth;
mod operations;
mod publication;
mod wire;

pub use oauth::Google;
pub use operations::{
    Attachment, DownloadFile, Event, EventStatus, EventTime, ExportDocument, ExportFormat,
    FileEntry, ListEvents, ListFiles, MESSAGE_LIMIT, Mailbox, MessageId, SendMail, SentMail,
    UploadFile,
};

//! Jira Cloud: Atlassian OAuth 2.0 (3LO) and the Jira REST API, version 3 (pages and date in
//! `spec.toml`).
//!
//! Where it differs from the RFCs:
//!
//! - The authorization request names an `audience` and asks for the consent page; token requests are
//!   JSON with the client's id and secret among the members.
//! - A refresh gives a new pair. The former one works for ten minutes, so that a lost answer can be
//!   asked for again; then both of its tokens die, whatever their own end.
//! - A grant that is over is `invalid_grant` or `unauthorized_client` with status 403. A wrong secret
//!   is `access_denied` with status 401, which is also the word for a person who refuses: at the
//!   token endpoint it is never the person.
//! - There is no revocation. A disconnect deletes the tokens here and says how the person removes the
//!   application; what was issued runs out there.
//! - A grant is for one or several sites. Operations name the site by its id; where there is one they
//!   need not. All of them go to the gateway, never to a site's own host.
//!
//! **Whose account it is.** Without `read:me` no account id is asked for and none is stored, which is
//! what Atlassian recommends: whoever stores account ids has to report them regularly. The connection
//! is then known by the first of its Jira sites in the order of their ids. Two Atlassian accounts that
//! one person has on the same site look alike in this way; with `read:me` the account id is asked for
//! and tells them apart. Adding `read:me` later makes another account of it.
//!
//! **Reports.** Who stores an account id has to ask regularly whether the account was closed or
//! changed. Where `read:me` and `report:personal-data` were granted, the regular question to a
//! connection does that ([`Provider::watch`](crate::Provider::watch)), as often as Atlassian's
//! `Cycle-Period` says and every fifteen days at the latest. Without the second scope nothing is
//! reported: a declaration that asks for `read:me` should ask for both. An account that was closed
//! ends its connection and becomes a request for erasure; one that changed is asked for again.
//!
//! **What comes out of an issue.** Everything about people is taken out before an operation gives
//! anything ([`without_people`] is the list). What people wrote stays, and may name others.
//!
//! Not covered: writing, webhooks, reports of accounts that a host stores elsewhere, granular scopes
//! of each operation (operations ask for the classic `read:jira-work`).

mod errors;
mod oauth;
mod operations;
mod signals;
mod wire;

pub use oauth::Jira;
pub use operations::{
    Attachment, CountIssues, DownloadAttachment, FieldName, GetIssue, Issue, JQL_LIMIT,
    ListAttachments, ListFields, ListSites, PAGE_LIMIT, SearchIssues, Site, without_people,
};

//! Asana: tasks, with OAuth of an application of one's own (pages and date in `spec.toml`).
//!
//! Where it differs from the RFCs:
//!
//! - An application has either granular scopes or full permissions, never both. For the second kind
//!   [`Asana::with_full_permissions`] sends no scope, which Asana takes for `default`, and the
//!   person is told that it is everything.
//! - Answers do not say which scopes were granted, so those that were asked for are taken to be.
//! - The refresh token comes with the code and never again. A refresh names the redirect URI.
//! - Revocation takes the refresh token alone and ends every access token with it. One that nobody
//!   knows is revoked too.
//! - The token answer says whose account it is; where it does not, `users/me` is asked. Ids have
//!   up to 19 digits and are text.
//! - Errors have messages and no codes: the status tells. A 401 is also an administrator who turned
//!   the application off, and a 403 also a scope that is missing.
//!
//! Not covered: sign-in with OpenID Connect, `default` by its name, webhooks and events, custom
//! fields, attachments, assignees by their e-mail address.

mod errors;
mod oauth;
mod operations;
mod wire;

pub use oauth::Asana;
pub use operations::{
    Assignee, Container, CreateTask, Due, ListProjects, ListWorkspaces, NAME_LIMIT, NOTES_LIMIT,
    Notes, Project, Task, Workspace,
};

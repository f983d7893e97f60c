//! ClickUp: OAuth without scopes, expiry, refresh and revocation, and tasks (pages and date in
//! `spec.toml`).
//!
//! Where it differs from the RFCs:
//!
//! - There are no scopes. Those of the catalogue are ours, none is sent, and each token may do all
//!   that they say in the workspaces that the person ticked. Which these are is kept as the
//!   account's places.
//! - Tokens do not run out, are not renewed and cannot be revoked: a disconnect deletes ours, and
//!   its receipt says how the person removes the application at ClickUp. What ends a token shows
//!   as a 401 with a code.
//! - The token request has a code, an id and a secret, and nothing else. The reference shows them
//!   in the query; they are sent in a form body. The answer is the token and may lack its type.
//! - Errors have their code in `ECODE`. A workspace that was not ticked is a 401 too and costs the
//!   connection nothing.
//! - The limit's reset is in Unix seconds in `X-RateLimit-Reset`; there is no `Retry-After`.
//! - "Team" in the API is what everything else calls a workspace.
//!
//! Not covered: webhooks, version 3 of the API (documents, chat), custom fields and custom task
//! ids, folders. Personal tokens (`pk_…`), which go without the word Bearer, are not taken.

mod errors;
mod oauth;
mod operations;
mod wire;

pub use oauth::ClickUp;
pub use operations::{
    CreateTask, DESCRIPTION_LIMIT, Description, List, ListLists, ListSpaces, ListWorkspaces,
    NAME_LIMIT, Priority, Space, Task, Workspace,
};

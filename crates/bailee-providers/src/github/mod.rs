//! GitHub: OAuth Apps, user tokens of GitHub Apps, and the REST API (pages and date in
//! `spec.toml`).
//!
//! There are two kinds of application, and a registration is of one of them. An OAuth App asks for
//! scopes. A GitHub App has permissions that are set at the application: a declaration names them
//! by GitHub's words (`issues:write`), they are told and agreed to, none is sent, and answers list
//! none. Which kind it is the registration's client id says (`Iv…`), never a token. Whether
//! tokens run out is not a matter of the kind: the answer says it (`expires_in`).
//!
//! Where it differs from the RFCs:
//!
//! - Answers of the token endpoint are form-encoded where nobody asked for JSON. JSON is asked for,
//!   and both are read.
//! - Errors of the token endpoint come with status 200.
//! - Scopes are asked for with spaces and answered with commas, and the widest one stands for those
//!   that it contains (`repo` for `public_repo`).
//! - A refresh ends the old refresh token and the old access token at once.
//! - An account is known by its number. The login can be renamed, and somebody else can have it
//!   later.
//! - Revocation is `DELETE` with a JSON body and the client's `Basic` at the API. It deletes the
//!   grant: every token that the person gave this application, which also disappears from their
//!   list. That is what somebody expects who disconnects, and as long as another connection holds
//!   the same account it is left out. [`GitHub::deleting_tokens_alone`] deletes the one access token
//!   instead, and its refresh token runs out by itself.
//! - Limits come with 403 as well as with 429, and a private thing that may not be seen with 404:
//!   where the headers say that a scope is missing, that is what the failure says.
//! - A request without `User-Agent` is refused.
//! - A GitHub App is told when somebody revokes their authorization, in JSON or in a form, as its
//!   webhook is configured. That an installation was removed or suspended is told as well; it is
//!   nobody's grant, and makes no more than a question. An OAuth App is told nothing.
//!
//! A connection that an organisation's single sign-on does not let through fails with the code
//! `sso_required`; its person authorizes the application for the organisation in GitHub's settings.
//!
//! Not covered: the device flow, GitHub Enterprise at other hosts, installations of GitHub Apps and
//! their own tokens, other webhooks, narrowing a token to repositories, and rights other than those of
//! the operations. An `offline_access` that was asked for counts as not granted where an answer does
//! not list it; whether answers do is not documented.

mod errors;
mod oauth;
mod operations;
mod signals;
mod wire;

pub use oauth::GitHub;
pub use operations::{
    Access, Affiliation, BODY_LIMIT, CreateIssue, Issue, ListRepositories, Repository, TITLE_LIMIT,
};

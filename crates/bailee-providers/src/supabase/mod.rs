//! Supabase: the Management API on behalf of a member of an organisation (pages and date in
//! `spec.toml`).
//!
//! Where it differs from the RFCs:
//!
//! - Token answers have status 201 and no `scope`: scopes are set at the application, and after a
//!   change there everybody has to authorize it again. They are told and agreed to, and not sent.
//! - Revocation takes a JSON body with the client's id, its secret and the refresh token, whatever
//!   the token endpoint takes. It ends everything that the person authorized the application for.
//!   An unknown token is answered with 404.
//! - Errors are `message`, and at the token endpoint perhaps `error`; both are read. Which messages
//!   say that a grant is over is not documented.
//! - There is no profile. The account is the organisation that the grant reaches, by its slug. Where
//!   there are several, the first one in the order of their slugs names the account, and all of
//!   them are its places.
//! - `X-RateLimit-Reset` is in seconds from now.
//!
//! Not covered: projects by organisation with filters, everything that creates or changes, keys of
//! projects, and dynamic registration. The hosts of projects are another zone of trust.

mod errors;
mod oauth;
mod operations;
mod wire;

pub use oauth::Supabase;
pub use operations::{ListOrganizations, ListProjects, Organization, Project};

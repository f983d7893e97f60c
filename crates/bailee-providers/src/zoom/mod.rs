//! Zoom: user-managed OAuth of a General App, and meetings (pages and date in `spec.toml`).
//!
//! Where it differs from the RFCs:
//!
//! - Errors of the OAuth endpoints explain themselves in `reason`, and what happened is a number in
//!   that text. A number that is in the table counts more than the code beside it.
//! - A missing scope is a 401 with the number 4700 or 4711 in the body, not a 403.
//! - Token answers name the region's API in `api_url`. The calls of a connection go there, after it
//!   was found among the hosts; who the person is is asked at `api.zoom.us`, which always works.
//! - Revocation takes the access token, so one that ran out is refreshed first. It removes the
//!   application from the account, and Zoom may tell a webhook so.
//! - Another authorization of the same person ends the tokens of the one before it.
//! - A limit of a day has a date and time in `Retry-After`; one of a second has none, and Unix
//!   seconds in `X-RateLimit-Reset`.
//! - Scopes are sent with spaces between, which is what answers have; the pages do not say what
//!   requests should have. [`Zoom::with_the_app_s_scopes`] sends none, for applications with classic
//!   scopes. Classic names in answers are read as the granular ones.
//! - Whoever removes the application has what was got of them erased, unless the signal says that it
//!   may be kept. Every few days Zoom asks whether the secret of its signals is known.
//!   [`Zoom::reporting_compliance`] tells the data compliance API of the erasure, which older terms
//!   ask for and newer ones do not mention.
//! - `user:read:token` is not in the catalogue: what it gives is a credential.
//!
//! Not covered: server-to-server OAuth, the device grant, `:admin` and `:master` scopes, other
//! webhooks, recordings, recurring meetings with fixed times, passcodes that the
//! caller sets. A meeting's `start_url` makes whoever has it the host; it is not read.

mod errors;
mod oauth;
mod operations;
mod signals;
mod wire;

pub use oauth::Zoom;
pub use operations::{
    AGENDA_LIMIT, CreateMeeting, ListMeetings, Meeting, MeetingStart, TOPIC_LIMIT,
};

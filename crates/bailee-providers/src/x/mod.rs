//! X: OAuth 2.0 with PKCE, posts (pages and date in `spec.toml`).
//!
//! Where it differs from the RFCs:
//!
//! - A code that is too old, and a refresh token that is dead, are `invalid_request`; that it is the
//!   token and not the request that is wrong stands in the description. The same for a revocation of
//!   what is dead already, which counts as done.
//! - A code is good for 30 seconds.
//! - Without the scope `offline.access` there is no refresh token, and the connection ends after
//!   two hours. A declaration that wants more names it.
//! - There is one living grant for an application and a person: another authorization ends the
//!   tokens of the one before it, also where two tenants connected one account.
//! - Errors of the API are problem documents, whose `type` says what happened; lists of them stand
//!   beside the data where a part of an answer is missing, and alone, with status 200, where all of
//!   it is. Gateways answer with numbers in `errors`.
//! - No answer has `Retry-After`. Limits of 15 minutes are told by `x-rate-limit-reset`, those of a
//!   day by headers of their own, for the person or the whole application.
//! - A post whose text was posted a short time ago is refused with 403. It was not made again.
//! - Signals are signed with the application's consumer secret, not with the client's. X asks every
//!   hour whether it is known.
//!
//! What a call costs is between the application and X; a budget that is used up is a fault of the
//! configuration, not of the person's connection.
//!
//! Not covered: media, polls, quotes (which self-serve applications may not post), scheduled and
//! promoted posts, edits, OAuth 1.0a, subscriptions at the Activity API, compliance jobs. The
//! console's permission "Read and write" is needed for posts beside the scope.

mod errors;
mod oauth;
mod operations;
mod signals;
mod wire;

pub use oauth::X;
pub use operations::{
    CreatePost, DeletePost, LENGTH_LIMIT, LONG_LENGTH_LIMIT, Post, Profile, ReadProfile,
    ReplySettings,
};

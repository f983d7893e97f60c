//! LinkedIn: who a member is, and posts as them (pages and date in `spec.toml`).
//!
//! Where it differs from the RFCs:
//!
//! - Id and secret stand in the form. The web flow knows no PKCE.
//! - Scopes of answers are separated by spaces or by commas. One scope that the application's
//!   products do not give fails the whole flow.
//! - A person who turns back is `user_cancelled_login` or `user_cancelled_authorize`.
//! - Most applications get no refresh token: a connection ends after 60 days, and the person goes
//!   through the flow again. The connection's status says when its token ends, so that a host can
//!   ask in time. Those that LinkedIn approved get one that stays for a year, which no refresh makes
//!   longer. `invalid_request` is a dead one too.
//! - Who the person is comes from userinfo, asked with the access token itself. The ID token is not
//!   read: whether LinkedIn repeats a nonce in it is not documented. Applications without OpenID
//!   Connect (`r_basicprofile`, `r_liteprofile`) are answered by `/v2/me` under the same id.
//! - No page describes the revocation endpoint. Introspection is asked after it, and a token that it
//!   still calls active is not confirmed to be dead.
//! - The API under `/rest` wants its version in a header and drops each version about a year after
//!   its month; the registration's variable `version` moves it on, and [`version_ends`] says when it
//!   is time. One that is not there any more is a fault of the configuration (426).
//! - A 429 has no header. Limits are those of a day, which ends at midnight UTC.
//! - A post is answered with its id in the header `x-restli-id` and no body. Its text is little
//!   text: what has a meaning in it is escaped, and `#word` becomes a hashtag.
//!
//! Not covered: images, videos, documents and polls, mentions, reposts, comments and reactions,
//! changing a post, posting as a page, the native PKCE flow, webhooks.

mod errors;
mod oauth;
mod operations;
mod wire;

pub use oauth::LinkedIn;
pub use operations::{
    Article, COMMENTARY_LIMIT, CreatePost, DeletePost, Profile, ReadProfile, Visibility,
    version_ends,
};

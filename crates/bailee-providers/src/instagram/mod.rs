//! Instagram: the Instagram API with Instagram Login (Business Login), for publishing (pages and
//! date in `spec.toml`).
//!
//! Where it differs from the RFCs:
//!
//! - A code gives a token of one hour, which is exchanged at once for one of sixty days. The exchange
//!   and each renewal are GET requests with the token, and once the client's secret, in the query;
//!   nothing else is documented. Those addresses are built where secrets are joined to requests and
//!   nowhere shown.
//! - There is no refresh token: the access token renews itself, from the age of 24 hours on.
//! - The answer to a code may stand in an array `data`; it names what was granted in `permissions`,
//!   which is a text or an array, and the account in `user_id`, which is a text or a number.
//! - `#_` stands behind the query of a callback.
//! - An account has two ids. The professional account's is the one that is kept; the one within the
//!   application is kept beside it, since a signal may name either.
//! - The endpoint that takes the code has errors of its own form; those of the Graph API are numbers,
//!   and throttling comes as one of them with status 400.
//! - There is no revocation for these tokens: a person removes the application at Instagram.
//! - Signals come to two addresses, behind the registration's one: `deauthorize` and
//!   `data-deletion`. They are forms with a signed text. Which of the account's two ids they name is
//!   not said.
//! - PKCE is not documented and not sent.
//!
//! Publishing takes several requests: containers are made and asked after until they are ready, and
//! then one of them is published. Instagram fetches the media itself, from public https addresses.
//! `media_publish` is sent once: where its answer is lost the container is asked what became of it.
//! A permalink is read with [`ReadPost`] when the post is out.
//!
//! Not covered: stories, resumable uploads (their host is for Facebook Login), product and people
//! tags, locations, collaborators. Left out on purpose: comments, messages, insights, followers.
//! Their scopes are not in the catalogue, so no declaration can name them and no flow can ask for
//! them; no operation reaches their endpoints, and ids that operations put into paths are digits.

mod errors;
mod oauth;
mod operations;
mod publication;
mod signals;
mod wire;

pub use oauth::Instagram;
pub use operations::{Allowance, Post, PostKind, PublishingLimit, ReadPost};
pub use publication::{
    ALT_TEXT_LIMIT, CAPTION_LIMIT, CAROUSEL_ITEMS, CarouselItem, HASHTAG_LIMIT, MENTION_LIMIT,
    PublishCarousel, PublishPhoto, PublishReel,
};

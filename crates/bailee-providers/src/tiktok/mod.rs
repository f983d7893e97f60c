//! TikTok: Login Kit and the Content Posting API, version 2 (pages and date in `spec.toml`).
//!
//! Where it differs from the RFCs:
//!
//! - The client's id is `client_key`, and it stands with the secret in the form.
//! - Scopes are separated by commas, and the callback names those granted in `scopes`.
//! - The desktop flow wants the code challenge in lower-case hexadecimal and calls it `S256`. The
//!   web flow does without; [`Registration::pkce`](crate::Registration::pkce) turns it on.
//! - The code arrives percent-encoded. It is decoded once, with the callback, and encoded once, with
//!   the form; twice gives `invalid_grant`.
//! - Errors may come with status 200, and a success with an empty `error` beside it.
//! - Revocation takes the access token, so one that ran out is refreshed first.
//! - Answers of the API stand in an envelope whose error code is `ok`.
//! - What it sends of its own accord says why an authorization was removed in a text that holds JSON.
//!   Our own revocation comes back as such a signal.
//! - Beginning a post is not idempotent: one whose answer was lost is never begun again.
//!
//! What the host owes TikTok's users when it posts for them (content sharing guidelines): ask
//! [`CreatorInfo`] anew for each post and show whose account it is; let the person choose the
//! privacy level without a preset; leave comments, duets and stitches off until they turn them on;
//! hold the duration to the creator's limit; show the terms that [`PublishVideo::terms`] names; add
//! no watermark; say that processing takes minutes.

mod errors;
mod oauth;
mod operations;
mod publication;
mod signals;
mod wire;

pub use oauth::TikTok;
pub use operations::{
    Creator, CreatorInfo, PostStatus, PrivacyLevel, PublishStatus, PublishVideo, TITLE_LIMIT,
    VideoSource,
};

//! Slack: OAuth v2 with bot and user tokens, and the Web API (pages and date in `spec.toml`).
//!
//! Where it differs from the RFCs:
//!
//! - One authorization gives up to two credentials, `bot` and `user`, each with its own scopes and,
//!   with token rotation, its own refresh token and end. Scopes of the person stand in the
//!   catalogue behind `user:`; they are sent without it, as `user_scope`.
//! - Scopes are separated by commas. They add up: asking again for fewer takes none back.
//! - An error has status 200 and `ok: false`, at the OAuth endpoints too.
//! - The tokens of the person stand in `authed_user`; a refresh answers with either kind at the top.
//!   Which it is stands in `token_type`.
//! - Without token rotation tokens do not run out and there is no refresh token. With it they live
//!   for 12 hours, and a refresh token is good once.
//! - The account is a workspace and a person in it; for an application that is installed in a whole
//!   organisation, the organisation and the person.
//! - Signals name people by their ids in a workspace, the bot by that of the bot, and a workspace by
//!   its own, so a connection is known under that too. Which of the bot's tokens ended they do not
//!   say; it is asked for each connection of the workspace.
//! - A token is revoked by presenting it. That does not uninstall the application.
//!
//! The scope `incoming-webhook` is left out of the catalogue: what it gives is an address that
//! whoever holds it can post to. Where an answer has one all the same, from an installation by other
//! means, it is not read and is wiped with the answer.
//!
//! Not covered: sign in with Slack (OpenID Connect), `oauth.v2.exchange` for tokens from before
//! rotation, uninstalling (`apps.uninstall`), blocks and attachments of messages, files, other events than those
//! that end tokens.

mod errors;
mod oauth;
mod operations;
mod signals;
mod wire;

pub use oauth::{BOT, Slack, USER};
pub use operations::{Channel, ListChannels, PAGE_LIMIT, PostMessage, PostedMessage, TEXT_LIMIT};

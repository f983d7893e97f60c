//! Shopify (pages and date in `spec.toml`).
//!
//! Where it differs from the RFCs:
//!
//! - Each shop is a server of its own: the person names theirs when they connect
//!   (`BeginOptions::variables`, `shop`).
//! - The callback is signed with the client's secret, names the shop and says when it was made; all
//!   three are checked before the code is used.
//! - Tokens run out only where the exchange asks for that, which it does.
//! - The access token stands in a header of its own.
//! - A disconnect uninstalls the application from the shop. It is left out while the shop is
//!   connected elsewhere in the service.
//! - GraphQL answers errors with status 200.
//!
//! Not covered: installation that begins in the shop, token exchange for embedded applications,
//! tokens of single persons (`grant_options[]=per-user`).

mod oauth;

pub use oauth::Shopify;

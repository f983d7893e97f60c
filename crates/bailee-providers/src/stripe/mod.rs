//! Stripe Connect for standard accounts (pages and date in `spec.toml`).
//!
//! Where it differs from the RFCs:
//!
//! - The client's secret is the platform's secret key.
//! - The account is named by the token answer, and a disconnect ends the access of that account: it
//!   presents no token.
//! - An access that was withdrawn is told with 403 and `account_invalid`.
//!
//! Not covered: Stripe Apps, Express accounts, calls with the platform's own key and a
//! `Stripe-Account` header.

mod oauth;

pub use oauth::Stripe;

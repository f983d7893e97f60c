#![doc = include_str!("../README.md")]
#![allow(dead_code, reason = "the shared parts stand before all providers that use them")]

mod call;
mod clock;
mod desk;
mod emulator;
mod endpoint;
mod error;
mod fault;
mod gate;
mod ledger;
mod limits;
mod log;
mod message;
mod mint;
pub mod oauth;
pub mod oidc;
mod page;
mod play;
mod registration;
mod server;
mod site;
pub mod tiktok;
mod tls;
mod token_answer;

pub mod airtable;
pub mod github;

pub mod linkedin;

pub mod x;

pub mod hubspot;

pub mod supabase;

pub mod zoom;

pub mod discord;
pub mod google;
pub mod instagram;
pub mod slack;

pub mod dropbox;

pub mod figma;

pub mod gitlab;

pub mod linear;

pub mod notion;

pub mod clickup;
pub mod jira;
pub mod salesforce;

pub mod shopify;

pub mod asana;
pub mod microsoft;
pub mod stripe;

pub use clock::Clock;
pub use desk::Written;
pub use emulator::{Back, Builder, Decision, Emulator, FormPost};
pub use endpoint::Endpoint;
pub use error::{ConsentError, Misuse, StartError};
pub use fault::{Fault, Planned};
pub use gate::Gate;
pub use ledger::{LiveToken, RefreshStyle, ReuseAlarm, TokenKind};
pub use log::Recorded;
pub use play::Played;
pub use registration::{Account, AssertionKey, Client, Platform};
pub use site::Site;
pub use tls::BadTls;

#![doc = include_str!("../README.md")]

mod clock;
mod emulator;
mod endpoint;
mod error;
mod fault;
mod gate;
mod ledger;
mod log;
mod message;
mod mint;
pub mod oidc;
mod page;
mod registration;
mod server;
mod site;
pub mod tiktok;
mod tls;
mod token_answer;

pub use clock::Clock;
pub use emulator::{Builder, Decision, Emulator};
pub use endpoint::Endpoint;
pub use error::{ConsentError, Misuse, StartError};
pub use fault::{Fault, Planned};
pub use gate::Gate;
pub use ledger::{LiveToken, RefreshStyle, ReuseAlarm, TokenKind};
pub use log::Recorded;
pub use registration::{Account, Client, Platform};
pub use site::Site;
pub use tls::BadTls;

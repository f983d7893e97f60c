#![doc = include_str!("../README.md")]

mod address;
mod check;
#[cfg(feature = "reqwest")]
mod client;
mod collect;
#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
mod hosts;
mod name;
mod opened;
#[cfg(feature = "reqwest")]
mod receive;
mod request;
#[cfg(feature = "reqwest")]
mod resolve;
mod response;
#[cfg(feature = "testing")]
mod scripted;
mod send;
#[cfg(feature = "reqwest")]
mod tls;

pub use address::is_globally_routable;
pub use check::{CheckedHost, HostRefusal, check};
#[cfg(feature = "reqwest")]
pub use client::Reqwest;
pub use error::{Category, SendError, Sent};
pub use hosts::Hosts;
pub use opened::{Chunks, Opened};
pub use request::{Body, Request, secret_header};
#[cfg(feature = "reqwest")]
pub use resolve::{Lookup, LookupFailed, SystemLookup};
pub use response::Response;
#[cfg(feature = "testing")]
pub use scripted::Scripted;
pub use send::HttpSend;
#[cfg(feature = "reqwest")]
pub use tls::Tls;

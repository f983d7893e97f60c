#![doc = include_str!("../README.md")]

mod advance;
mod agree;
mod answer;
mod assertion;
mod begin;
mod body;
mod call;
mod check;
mod complete;
mod connections;
mod control;
mod cookie;
mod disconnect;
mod download;
mod drive;
mod engine;
mod enter;
mod entered;
mod event;
mod fill;
mod flights;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod gate;
mod history;
mod holding;
mod inbox;
mod instance;
mod kind;
mod limiter;
#[cfg(feature = "loopback")]
mod loopback;
pub mod manual;
mod media;
mod mount;
mod needs;
mod orphan;
mod pages;
mod people;
mod poll;
mod posted;
mod publish;
mod refresh;
mod refusal;
mod registration;
mod request;
mod return_to;
mod route;
mod runtime;
mod service;
mod settle;
mod shared_limit;
mod signal;
mod signature;
mod start;
mod stored;
mod told;
mod turns;
mod unwanted;
mod usage;
mod wanted_address;
mod watch;
mod worker;

pub use answer::Answer;
pub use begin::{BeginOptions, Begun};
pub use call::Acting;
pub use complete::{CallbackRequest, Completed};
pub use connections::{ConnectionStatus, Connections};
pub use control::Freeze;
pub use cookie::CookiePolicy;
pub use disconnect::DisconnectReceipt;
pub use download::{DownloadOptions, IncomingFile, ResumePoint};
pub use engine::{Engine, EngineBuilder, Seams};
pub use enter::{EnterOptions, Entered};
pub use event::EventSink;
pub use gate::Who;
pub use instance::InstanceConnections;
#[cfg(feature = "loopback")]
pub use loopback::Loopback;
#[cfg(feature = "tokio")]
pub use media::FileMedia;
pub use media::{BytesMedia, MediaSource};
pub use mount::Mount;
pub use pages::{CursorRepeats, Pages};
pub use publish::{IdempotencyKey, Publication, PublicationState};
pub use refusal::{Refusal, RefusalReason};
pub use registration::Registration;
pub use request::{ProviderRequest, RequestOutcome, Requests};
#[cfg(feature = "tokio")]
pub use runtime::Tokio;
pub use runtime::{BoxFuture, Runtime};
pub use service::ApiService;
pub use signal::{SignalOutcome, SignalRequest, TakenSignal};
pub use worker::Worker;

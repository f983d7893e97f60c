#![doc = include_str!("../README.md")]

mod accounts;
mod barrier;
mod builder;
mod facade;
mod notice_duties;
mod providers_ask;
mod retention_duties;
mod rights_setup;
#[cfg(feature = "smtp")]
pub mod smtp;

#[doc = include_str!("../PROMISES.md")]
pub mod promises {}

pub use bailee_audit as audit;
#[cfg(feature = "loopback")]
pub use bailee_connect::Loopback;
pub use bailee_connect::provider_facts;
pub use bailee_connect::{
    Acting, Activated, Activation, Answer, ApiService, AskedUse, BeginOptions, Begun, BoxFuture,
    BrakeStatus, BytesMedia, CallbackRequest, Choices, Completed, ConnectionStatus, Connections,
    CookiePolicy, CursorRepeats, DeclarationStatus, Declarations, DisconnectReceipt,
    DownloadOptions, EnterOptions, Entered, EventSink, Freeze, IdempotencyKey, IncomingFile,
    InstanceConnections, LearntAge, MediaSource, Mount, OperatorChoices, Pages, ProviderRequest,
    Publication, PublicationState, Refusal, RefusalReason, Registration, RequestOutcome, Requests,
    ResumePoint, Runtime, Serving, SignalOutcome, SignalRequest, TakenSignal, Who, Withdrawal,
    Withdrawn, Worker,
};
#[cfg(feature = "tokio")]
pub use bailee_connect::{FileMedia, Tokio};
pub use bailee_core as core;
pub use bailee_core::{
    Access, Act, ApiKey, ClientKey, ClientSecret, ConnectionRef, ConnectionState, Error, ErrorKind,
    HostError, HostId, InstanceId, Locale, Origin, Owner, ProviderId, PurposeId, ReconnectReason,
    Remedy, Result, SigningSecret, SubjectId, TenantId, Visitor, WithdrawalReason, event::Event,
    event::Happened, event::RequestKind,
};
pub use bailee_http as http;
#[cfg(feature = "postgres")]
pub use bailee_postgres::PostgresStore;
pub use bailee_providers as providers;
pub use bailee_registry as registry;
pub use bailee_registry::{Catalogue, Declaration, Disclosure, Document, Texts};
pub use bailee_rights as rights;
pub use bailee_rights::notice::{Contacts, Notices, Notify};
pub use bailee_rights::request::{OperatorRights, Rights};
#[cfg(feature = "sqlite")]
pub use bailee_sqlite::SqliteStore;
pub use bailee_store as store;
pub use bailee_vault as vault;
pub use bailee_vault::RootKeys;
pub use builder::Builder;
pub use facade::Bailee;
pub use rights_setup::RightsSetup;

#![doc = include_str!("../README.md")]

pub mod actor;
pub mod audit;
mod clock;
pub mod connection;
mod digest;
mod error;
pub mod event;
pub mod hex;
mod id;
mod locale;
mod name;
mod random;
mod scope;
mod secret;

pub use actor::{Access, Act, Actor, HostId, Visitor};
pub use clock::{Clock, ManualClock, Monotonic, SystemClock, Timestamp};
pub use connection::{
    ConnectionRef, ConnectionState, Origin, Owner, ReconnectReason, WithdrawalReason,
};
pub use digest::{Sha256, sha256};
pub use error::{Error, ErrorKind, HostError, ProviderCode, Remedy, Result};
pub use id::{BatchId, ConnectionId, Id, SubjectId};
pub use locale::Locale;
pub use name::{
    CredentialName, InstanceId, InvalidName, ProviderId, PurposeId, RecipientId, RegistrationId,
    ScopeName, TenantId,
};
pub use random::{Random, SystemRandom};
pub use scope::{DataCategory, Effect, ScopeEntry};
pub use secret::{
    AccessToken, ApiKey, AuthorizationCode, BrowserSecret, ClientKey, ClientSecret, IdToken,
    Plaintext, RefreshToken, SecretText, SigningSecret, State, Verifier,
};

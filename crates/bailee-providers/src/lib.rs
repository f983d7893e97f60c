#![doc = include_str!("../README.md")]

#[cfg(feature = "airtable")]
pub mod airtable;
mod answer;
#[cfg(feature = "anthropic")]
pub mod anthropic;
#[cfg(feature = "asana")]
pub mod asana;
mod at_once;
mod callback;
#[cfg(feature = "clickup")]
pub mod clickup;
mod compiled_in;
#[cfg(feature = "conformance")]
pub mod conformance;
mod content_disposition;
mod context;
mod download;
mod failure;
mod file_name;
mod files;
mod followed;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "github")]
pub mod github;
#[cfg(feature = "google")]
pub mod google;
mod grant;
#[cfg(feature = "hubspot")]
pub mod hubspot;
#[cfg(feature = "instagram")]
pub mod instagram;
#[cfg(feature = "jira")]
pub mod jira;
mod json_call;
#[cfg(any(
    feature = "airtable",
    feature = "anthropic",
    feature = "asana",
    feature = "clickup",
    feature = "hubspot",
    feature = "linkedin",
    feature = "supabase",
    feature = "x",
    feature = "zoom"
))]
mod judged;
#[cfg(feature = "linkedin")]
pub mod linkedin;
#[cfg(feature = "microsoft")]
pub mod microsoft;
mod next_address;
mod once;
mod operation;
mod page;
mod proof;
mod provider;
mod publish;
mod request;
mod retry_after;
mod rfc;
mod scan;
#[cfg(feature = "shopify")]
pub mod shopify;
pub mod signal;
#[cfg(feature = "slack")]
pub mod slack;
pub mod spec;
mod step;
#[cfg(feature = "stripe")]
pub mod stripe;
#[cfg(feature = "supabase")]
pub mod supabase;
#[cfg(feature = "tiktok")]
pub mod tiktok;
#[cfg(feature = "x")]
pub mod x;
#[cfg(feature = "zoom")]
pub mod zoom;

pub use answer::Answer;
pub use callback::{Callback, CallbackRefusal, HostileText, Outcome, QUERY_LIMIT};
pub use compiled_in::compiled_in;
pub use context::{Context, Environment, Platform, Registration};
pub use download::{Download, FileFacts, Transfer};
pub use failure::{ErrorRow, Failure, FailureKind};
pub use file_name::SafeFileName;
pub use followed::Followed;
pub use grant::{
    Account, AccountFacts, AccountId, Alive, CredentialFacts, Grant, GrantFacts, Introspection,
    IssuedCredential, Place, RevokePlan, Revoked, ScopeComparison, TokenKind, TokenType,
};
pub use json_call::{Classify, JsonCall};
pub use next_address::next_link;
pub use once::once;
pub use operation::{FieldOperation, Fields, Operation, OperationFacts};
pub use page::{Cursor, Page, Paged};
pub use proof::CallbackProof;
pub use provider::{AuthorizationUrl, AuthorizeAsk, ExchangeAsk, Generic, Provider};
pub use publish::{MediaFacts, Progress, Publish, PublishNext};
pub use request::{
    ANSWER_LIMIT, Authorization, BasicEncoding, Endpoint, Issued, Json, Payload, Request,
    SecretRef, Target, Value,
};
pub use retry_after::{retry_after, used_up};
pub use rfc::{classify::answer as classify, discovery::discovery};
pub use spec::{Metadata, Spec};
pub use step::{Input, Next, PublicKey, SignatureScheme, Signed, Step};

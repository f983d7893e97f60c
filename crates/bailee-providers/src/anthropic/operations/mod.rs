//! The calls that a declaration may allow: have a caption suggested, list models.

mod caption;
mod models;

use bailee_core::{CredentialName, ProviderId};

pub use caption::{
    CAPTION_LIMIT, Caption, CaptionLength, DEFAULT_MODEL, NoCaption, Suggestion, Tone, WriteCaption,
};
pub use models::{ListModels, Model};

const PROVIDER: ProviderId = ProviderId::from_static("anthropic");
const KEY: CredentialName = CredentialName::from_static("key");

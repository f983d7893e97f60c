//! The bodies that Anthropic takes and gives, as far as they are used.

use serde::{Deserialize, Serialize};

#[derive(Serialize)]
pub(super) struct MessagesBody<'a> {
    pub(super) model: &'a str,
    pub(super) max_tokens: u32,
    pub(super) system: &'a str,
    pub(super) messages: [MessageBody<'a>; 1],
}

#[derive(Serialize)]
pub(super) struct MessageBody<'a> {
    pub(super) role: &'static str,
    pub(super) content: &'a str,
}

#[derive(Deserialize)]
pub(super) struct MessageWire {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) content: Vec<BlockWire>,
    pub(super) stop_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum BlockWire {
    Text {
        text: String,
    },
    /// Blocks of any other type are not for captions.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
pub(super) struct ModelsWire {
    pub(super) data: Vec<ModelWire>,
    #[serde(default)]
    pub(super) has_more: bool,
    pub(super) last_id: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct ModelWire {
    pub(super) id: String,
    pub(super) display_name: Option<String>,
}

//! The bodies that LinkedIn takes and gives, as far as they are used.

use serde::{Deserialize, Serialize};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PostBody<'a> {
    pub(super) author: &'a str,
    pub(super) commentary: &'a str,
    pub(super) visibility: &'static str,
    pub(super) distribution: Distribution,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<Content<'a>>,
    pub(super) lifecycle_state: &'static str,
    pub(super) is_reshare_disabled_by_author: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Distribution {
    pub(super) feed_distribution: &'static str,
    pub(super) target_entities: [&'static str; 0],
    pub(super) third_party_distribution_channels: [&'static str; 0],
}

#[derive(Serialize)]
pub(super) struct Content<'a> {
    pub(super) article: ArticleBody<'a>,
}

#[derive(Serialize)]
pub(super) struct ArticleBody<'a> {
    pub(super) source: &'a str,
    pub(super) title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<&'a str>,
}

#[derive(Deserialize)]
pub(super) struct UserInfo {
    pub(super) sub: String,
    pub(super) name: Option<String>,
    pub(super) given_name: Option<String>,
    pub(super) family_name: Option<String>,
    pub(super) picture: Option<String>,
    pub(super) locale: Option<LocaleWire>,
}

/// `en-US`, or an object of language and country.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum LocaleWire {
    Parts { language: String, country: Option<String> },
    Text(String),
}

impl LocaleWire {
    pub(super) fn tag(self) -> String {
        match self {
            Self::Parts { language, country: Some(country) } => format!("{language}-{country}"),
            Self::Parts { language, country: None } => language,
            Self::Text(text) => text.replace('_', "-"),
        }
    }
}

//! The calls that a declaration may allow beside publications: the publishing limit, and a post that
//! is out.

use std::{fmt, time::Duration};

use bailee_core::{CredentialName, Effect, ProviderId, ScopeName};
use http::Method;

use super::{
    errors,
    wire::{LimitData, List, PostData, is_id},
};
use crate::{
    at_once::AtOnce,
    context::Context,
    failure::Failure,
    json_call::JsonCall,
    operation::{Operation, OperationFacts},
    rfc::{malformed, misuse},
    step::Step,
};

const PROVIDER: ProviderId = ProviderId::from_static("instagram");
const USER: CredentialName = CredentialName::from_static("user");
const BASIC: &[ScopeName] = &[ScopeName::from_static("instagram_business_basic")];
const PUBLISH: &[ScopeName] = &[
    ScopeName::from_static("instagram_business_basic"),
    ScopeName::from_static("instagram_business_content_publish"),
];

pub(super) static PUBLISH_PHOTO: OperationFacts =
    part_of_publishing("instagram.publish_photo", Method::POST, MEDIA);
pub(super) static PUBLISH_REEL: OperationFacts =
    part_of_publishing("instagram.publish_reel", Method::POST, MEDIA);
pub(super) static PUBLISH_CAROUSEL: OperationFacts =
    part_of_publishing("instagram.publish_carousel", Method::POST, MEDIA);

// Two steps of every publication. Nobody can call them by themselves.
pub(super) static MEDIA_PUBLISH: OperationFacts =
    part_of_publishing("instagram.media_publish", Method::POST, "/{ig_id}/media_publish");
pub(super) static CONTAINER: OperationFacts =
    part_of_publishing("instagram.container", Method::GET, "/{container_id}");

const MEDIA: &str = "/{ig_id}/media";

const fn part_of_publishing(
    name: &'static str,
    method: Method,
    path: &'static str,
) -> OperationFacts {
    OperationFacts {
        name,
        provider: PROVIDER,
        scopes: PUBLISH,
        effect: Effect::Effect,
        method,
        path,
        sends: &["content"],
        reads: &[],
        credential: USER,
    }
}

pub(super) static PUBLISHING_LIMIT: OperationFacts = OperationFacts {
    name: "instagram.publishing_limit",
    provider: PROVIDER,
    scopes: PUBLISH,
    effect: Effect::Read,
    method: Method::GET,
    path: "/{ig_id}/content_publishing_limit",
    sends: &[],
    reads: &["settings"],
    credential: USER,
};

pub(super) static READ_POST: OperationFacts = OperationFacts {
    name: "instagram.read_post",
    provider: PROVIDER,
    scopes: BASIC,
    effect: Effect::Read,
    method: Method::GET,
    path: "/{media_id}",
    sends: &[],
    reads: &["content"],
    credential: USER,
};

/// Asks how many posts the account may still publish. A publication asks it by itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct PublishingLimit;

impl Operation for PublishingLimit {
    type Output = Allowance;

    fn facts(&self) -> &OperationFacts {
        &PUBLISHING_LIMIT
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Allowance>> {
        match limit_call(cx) {
            Ok(call) => call.read(|list: List<LimitData>| Allowance::read(&list)),
            Err(failure) => Box::new(AtOnce::new(Err(failure))),
        }
    }
}

/// The call for the publishing limit.
pub(super) fn limit_call(cx: &Context<'_>) -> Result<JsonCall, Failure> {
    Ok(of_the_account(cx, &PUBLISHING_LIMIT)?.query("fields", "quota_usage,config"))
}

/// A call with the account's id in its path.
pub(super) fn of_the_account(
    cx: &Context<'_>,
    facts: &OperationFacts,
) -> Result<JsonCall, Failure> {
    let account = cx.account.ok_or_else(misuse)?;
    Ok(JsonCall::new(cx, facts).part("ig_id", &account.id).classify(errors::classify))
}

/// What an account may publish by API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Allowance {
    /// How many posts it published in the window.
    pub used: u32,
    /// How many it may, where Instagram says so.
    pub total: Option<u32>,
    /// The window, which moves; a day where Instagram does not say.
    pub window: Duration,
}

impl Allowance {
    pub(super) fn read(list: &List<LimitData>) -> Result<Self, Failure> {
        let data = list.data.first().ok_or_else(malformed)?;
        let config = data.config.as_ref();
        Ok(Self {
            used: data.quota_usage,
            total: config.and_then(|config| config.quota_total),
            window: Duration::from_secs(
                config.and_then(|config| config.quota_duration).unwrap_or(86_400).into(),
            ),
        })
    }

    /// Whether there is nothing left of it.
    pub fn is_used_up(&self) -> bool {
        self.total.is_some_and(|total| self.used >= total)
    }
}

/// Reads where a post of the account's own stands.
#[derive(Clone, Debug)]
pub struct ReadPost {
    id: String,
}

impl ReadPost {
    /// The post of this id, as its publication gave it.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into() }
    }
}

impl Operation for ReadPost {
    type Output = Post;

    fn facts(&self) -> &OperationFacts {
        &READ_POST
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Post>> {
        JsonCall::new(cx, &READ_POST)
            .demand(is_id(&self.id))
            .part("media_id", &self.id)
            .query("fields", "id,permalink,media_type")
            .classify(errors::classify)
            .read(|data: PostData| {
                Ok(Post {
                    id: data.id.get().ok_or_else(malformed)?,
                    permalink: data.permalink.filter(|link| is_on_instagram(link)),
                    kind: data.media_type.as_deref().and_then(PostKind::from_word),
                })
            })
    }
}

/// Whether an address leads to Instagram and nowhere else. It is shown to people.
fn is_on_instagram(link: &str) -> bool {
    url::Url::parse(link).is_ok_and(|url| {
        url.scheme() == "https"
            && matches!(url.host_str(), Some("www.instagram.com" | "instagram.com"))
            && url.username().is_empty()
            && url.password().is_none()
            && url.port().is_none()
    })
}

/// A post that is out. `Debug` shows its kind alone.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Post {
    /// Its id.
    pub id: String,
    /// Where it stands, on Instagram's own site.
    pub permalink: Option<String>,
    /// What it is, where that is a known word.
    pub kind: Option<PostKind>,
}

impl fmt::Debug for Post {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Post").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// What a post is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PostKind {
    /// Several photos and videos.
    Carousel,
    /// A photo.
    Image,
    /// A video, a reel among them.
    Video,
}

impl PostKind {
    fn from_word(word: &str) -> Option<Self> {
        match word {
            "CAROUSEL_ALBUM" => Some(Self::Carousel),
            "IMAGE" => Some(Self::Image),
            "VIDEO" | "REELS" => Some(Self::Video),
            _ => None,
        }
    }
}

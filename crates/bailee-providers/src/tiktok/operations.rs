//! The calls that a declaration may allow: creator info, publish a video, publish status.

use std::{borrow::Cow, fmt, time::Duration};

use bailee_core::{
    CredentialName, Effect, Error, ErrorKind, ProviderId, Result, ScopeName, Sha256,
};
use http::Method;
use url::Url;

use super::{
    errors, publication,
    wire::{CreatorData, Envelope, InitBody, PostInfo, SourceInfo, StatusBody, StatusData},
};
use crate::{
    context::Context,
    failure::Failure,
    json_call::JsonCall,
    operation::{Operation, OperationFacts},
    publish::{MediaFacts, Progress, Publish, PublishNext},
    spec::Terms,
    step::{Input, Step},
};

/// The longest title, in UTF-16 code units.
pub const TITLE_LIMIT: usize = 2200;

const PROVIDER: ProviderId = ProviderId::from_static("tiktok");
const USER: CredentialName = CredentialName::from_static("user");
const PUBLISH: &[ScopeName] = &[ScopeName::from_static("video.publish")];

pub(super) static CREATOR_INFO: OperationFacts = OperationFacts {
    name: "tiktok.creator_info",
    provider: PROVIDER,
    scopes: PUBLISH,
    effect: Effect::Read,
    method: Method::POST,
    path: "/v2/post/publish/creator_info/query/",
    sends: &[],
    reads: &["profile", "settings"],
    credential: USER,
};

pub(super) static PUBLISH_VIDEO: OperationFacts = OperationFacts {
    name: "tiktok.publish_video",
    provider: PROVIDER,
    scopes: PUBLISH,
    effect: Effect::Effect,
    method: Method::POST,
    path: "/v2/post/publish/video/init/",
    sends: &["content"],
    reads: &[],
    credential: USER,
};

pub(super) static PUBLISH_STATUS: OperationFacts = OperationFacts {
    name: "tiktok.publish_status",
    provider: PROVIDER,
    scopes: PUBLISH,
    effect: Effect::Read,
    method: Method::POST,
    path: "/v2/post/publish/status/fetch/",
    sends: &[],
    reads: &["content"],
    credential: USER,
};

/// Asks whose account it is and what it may post. To be asked anew for each post.
#[derive(Clone, Copy, Debug, Default)]
pub struct CreatorInfo;

impl Operation for CreatorInfo {
    type Output = Creator;

    fn facts(&self) -> &OperationFacts {
        &CREATOR_INFO
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Creator>> {
        // The page asks for the type though there is no body.
        JsonCall::new(cx, &CREATOR_INFO)
            .header(http::header::CONTENT_TYPE, "application/json; charset=UTF-8")
            .classify(errors::classify)
            .read(|envelope: Envelope<CreatorData>| {
                let data = envelope.data;
                Ok(Creator {
                    username: data.creator_username,
                    nickname: data.creator_nickname,
                    avatar_url: data.creator_avatar_url,
                    privacy_levels: data
                        .privacy_level_options
                        .iter()
                        .filter_map(|word| PrivacyLevel::from_word(word))
                        .collect(),
                    comments_disabled: data.comment_disabled,
                    duets_disabled: data.duet_disabled,
                    stitches_disabled: data.stitch_disabled,
                    longest_video: data
                        .max_video_post_duration_sec
                        .map(|seconds| Duration::from_secs(seconds.into())),
                })
            })
    }
}

/// A creator, and what they may post. It is personal data: `Debug` shows the settings alone.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Creator {
    /// The handle.
    pub username: Option<String>,
    /// The display name.
    pub nickname: Option<String>,
    /// The avatar; the address runs out.
    pub avatar_url: Option<String>,
    /// The privacy levels to choose from.
    pub privacy_levels: Vec<PrivacyLevel>,
    /// Whether comments cannot be allowed.
    pub comments_disabled: bool,
    /// Whether duets cannot be allowed.
    pub duets_disabled: bool,
    /// Whether stitches cannot be allowed.
    pub stitches_disabled: bool,
    /// The longest video that this creator may post.
    pub longest_video: Option<Duration>,
}

impl fmt::Debug for Creator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Creator")
            .field("privacy_levels", &self.privacy_levels)
            .field("longest_video", &self.longest_video)
            .finish_non_exhaustive()
    }
}

/// Who may see a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PrivacyLevel {
    /// The creator's followers.
    FollowerOfCreator,
    /// Followers whom the creator follows.
    MutualFollowFriends,
    /// Everyone.
    PublicToEveryone,
    /// The creator alone.
    SelfOnly,
}

impl PrivacyLevel {
    /// TikTok's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::FollowerOfCreator => "FOLLOWER_OF_CREATOR",
            Self::MutualFollowFriends => "MUTUAL_FOLLOW_FRIENDS",
            Self::PublicToEveryone => "PUBLIC_TO_EVERYONE",
            Self::SelfOnly => "SELF_ONLY",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [Self::FollowerOfCreator, Self::MutualFollowFriends, Self::PublicToEveryone, Self::SelfOnly]
            .into_iter()
            .find(|level| level.word() == word)
    }
}

/// Where a video comes from.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum VideoSource {
    /// The driver uploads it.
    File {
        /// Its size in bytes.
        size: u64,
        /// `video/mp4`, `video/quicktime` or `video/webm`.
        content_type: Cow<'static, str>,
        /// The SHA-256 of its bytes, so that another video under the same idempotency key is seen.
        sha256: Option<[u8; 32]>,
    },
    /// TikTok fetches it: an https address under a domain or prefix that the developer verified,
    /// without redirects.
    Url(String),
}

impl fmt::Debug for VideoSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { size, .. } => write!(f, "File({size} bytes)"),
            Self::Url(_) => f.write_str("Url([redacted])"),
        }
    }
}

/// Posts a video to the person's profile. `Debug` does not show the title.
///
/// Comments, duets and stitches are off until they are turned on; the privacy level has no preset
/// and must be chosen. What is given is checked before the first request leaves.
#[derive(Clone)]
pub struct PublishVideo {
    pub(super) source: VideoSource,
    pub(super) chunk_size: Option<u64>,
    title: String,
    privacy: Option<PrivacyLevel>,
    comments: bool,
    duets: bool,
    stitches: bool,
    cover: Option<u32>,
    branded_content: bool,
    own_brand: bool,
    ai_generated: bool,
}

impl PublishVideo {
    /// A video that TikTok fetches.
    pub fn from_url(url: impl Into<String>) -> Self {
        Self::new(VideoSource::Url(url.into()))
    }

    /// A video that is uploaded, in chunks where it is large.
    pub fn from_file(size: u64, content_type: impl Into<Cow<'static, str>>) -> Self {
        Self::new(VideoSource::File { size, content_type: content_type.into(), sha256: None })
    }

    fn new(source: VideoSource) -> Self {
        Self {
            source,
            chunk_size: None,
            title: String::new(),
            privacy: None,
            comments: false,
            duets: false,
            stitches: false,
            cover: None,
            branded_content: false,
            own_brand: false,
            ai_generated: false,
        }
    }

    /// Says which bytes the file has, so that the digest covers them.
    #[must_use]
    pub fn file_digest(mut self, digest: [u8; 32]) -> Self {
        if let VideoSource::File { sha256, .. } = &mut self.source {
            *sha256 = Some(digest);
        }
        self
    }

    /// Sets the size of the chunks of a file, from 5 MiB to 64 MB; 10 MB where it is not set.
    #[must_use]
    pub fn chunk_size(mut self, bytes: u64) -> Self {
        self.chunk_size = Some(bytes);
        self
    }

    /// Sets the caption, with its hashtags and mentions.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Sets who may see it: one of the levels that [`CreatorInfo`] gives now.
    #[must_use]
    pub fn privacy(mut self, level: PrivacyLevel) -> Self {
        self.privacy = Some(level);
        self
    }

    /// Allows comments.
    #[must_use]
    pub fn allow_comments(mut self) -> Self {
        self.comments = true;
        self
    }

    /// Allows duets.
    #[must_use]
    pub fn allow_duets(mut self) -> Self {
        self.duets = true;
        self
    }

    /// Allows stitches.
    #[must_use]
    pub fn allow_stitches(mut self) -> Self {
        self.stitches = true;
        self
    }

    /// Takes the cover from this time of the video.
    #[must_use]
    pub fn cover_at(mut self, milliseconds: u32) -> Self {
        self.cover = Some(milliseconds);
        self
    }

    /// Says that it promotes somebody else's brand for pay. It cannot be for the creator alone.
    #[must_use]
    pub fn branded_content(mut self) -> Self {
        self.branded_content = true;
        self
    }

    /// Says that it promotes the creator's own business.
    #[must_use]
    pub fn own_brand(mut self) -> Self {
        self.own_brand = true;
        self
    }

    /// Says that it was made with AI.
    #[must_use]
    pub fn ai_generated(mut self) -> Self {
        self.ai_generated = true;
        self
    }

    /// The terms that the person agrees to by posting this: the Music Usage Confirmation always,
    /// the Branded Content Policy for branded content.
    pub fn terms<'a>(&self, cx: &Context<'a>) -> &'a [Terms] {
        let applicable = if self.branded_content { 2 } else { 1 };
        let terms = &cx.spec.terms;
        &terms[..applicable.min(terms.len())]
    }

    /// Checks what was given.
    ///
    /// # Errors
    ///
    /// Fails with `InvalidInput` and says what is not acceptable.
    pub fn check(&self) -> Result<()> {
        let invalid = |what: &'static str| {
            Err(Error::new(ErrorKind::InvalidInput).with_provider(PROVIDER).with_detail(what))
        };
        if self.title.encode_utf16().count() > TITLE_LIMIT {
            return invalid("the title is longer than 2200 UTF-16 code units");
        }
        let Some(privacy) = self.privacy else {
            return invalid("nobody chose a privacy level");
        };
        if self.branded_content && privacy == PrivacyLevel::SelfOnly {
            return invalid("branded content cannot be for the creator alone");
        }
        match &self.source {
            VideoSource::Url(url) => {
                let https = Url::parse(url).is_ok_and(|url| {
                    url.scheme() == "https" && url.fragment().is_none() && url.username().is_empty()
                });
                if !https {
                    return invalid("the address of the video is not https");
                }
                if self.chunk_size.is_some() {
                    return invalid("a video that is fetched has no chunks");
                }
            }
            VideoSource::File { content_type, .. } => {
                if !["video/mp4", "video/quicktime", "video/webm"].contains(&&**content_type) {
                    return invalid("the video is not MP4, QuickTime or WebM");
                }
                if self.chunks().is_none() {
                    return invalid("the size of the video or of its chunks is outside the limits");
                }
            }
        }
        Ok(())
    }

    /// How the file is cut, where it is a file that can be.
    pub(super) fn chunks(&self) -> Option<publication::Chunks> {
        match &self.source {
            VideoSource::File { size, .. } => publication::Chunks::cut(*size, self.chunk_size),
            VideoSource::Url(_) => None,
        }
    }

    /// The body of the request that begins the post. It was checked before.
    pub(super) fn body(&self) -> Option<InitBody<'_>> {
        let source_info = match &self.source {
            VideoSource::File { size, .. } => {
                let chunks = self.chunks()?;
                SourceInfo::File {
                    video_size: *size,
                    chunk_size: chunks.size,
                    total_chunk_count: chunks.count,
                }
            }
            VideoSource::Url(url) => SourceInfo::Url { video_url: url },
        };
        Some(InitBody {
            post_info: PostInfo {
                title: &self.title,
                privacy_level: self.privacy?.word(),
                disable_comment: !self.comments,
                disable_duet: !self.duets,
                disable_stitch: !self.stitches,
                video_cover_timestamp_ms: self.cover,
                brand_content_toggle: self.branded_content,
                brand_organic_toggle: self.own_brand,
                is_aigc: self.ai_generated,
            },
            source_info,
        })
    }
}

impl Publish for PublishVideo {
    fn facts(&self) -> &OperationFacts {
        &PUBLISH_VIDEO
    }

    /// It covers all that is posted; of a file its size, type and, where it was given, its digest.
    /// How it is cut into chunks does not count.
    fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::default();
        let mut part = |bytes: &[u8]| {
            digest.update(&(bytes.len() as u64).to_be_bytes());
            digest.update(bytes);
        };
        part(PUBLISH_VIDEO.name.as_bytes());
        part(self.title.as_bytes());
        part(self.privacy.map_or("", PrivacyLevel::word).as_bytes());
        part(&[
            u8::from(self.comments),
            u8::from(self.duets),
            u8::from(self.stitches),
            u8::from(self.branded_content),
            u8::from(self.own_brand),
            u8::from(self.ai_generated),
            u8::from(self.cover.is_some()),
        ]);
        part(&self.cover.unwrap_or(0).to_be_bytes());
        match &self.source {
            VideoSource::File { size, content_type, sha256 } => {
                part(b"file");
                part(&size.to_be_bytes());
                part(content_type.as_bytes());
                part(sha256.as_ref().map_or(&[], |digest| digest.as_slice()));
            }
            VideoSource::Url(url) => {
                part(b"url");
                part(url.as_bytes());
            }
        }
        digest.finish()
    }

    fn media(&self) -> Option<MediaFacts> {
        match &self.source {
            VideoSource::File { size, content_type, .. } => {
                Some(MediaFacts::new(*size, content_type.clone()))
            }
            VideoSource::Url(_) => None,
        }
    }

    fn progress_schema(&self) -> u16 {
        publication::SCHEMA
    }

    fn next(
        &self,
        cx: &Context<'_>,
        progress: &Progress,
        input: Input,
    ) -> std::result::Result<PublishNext, Failure> {
        publication::next(Some(self), cx, progress, input)
    }
}

impl fmt::Debug for PublishVideo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublishVideo")
            .field("source", &self.source)
            .field("privacy", &self.privacy)
            .finish_non_exhaustive()
    }
}

/// Asks how far a post is.
#[derive(Clone, Debug)]
pub struct PublishStatus {
    publish_id: String,
}

impl PublishStatus {
    /// About the post that TikTok gave this id at its beginning.
    pub fn new(publish_id: impl Into<String>) -> Self {
        Self { publish_id: publish_id.into() }
    }
}

impl Operation for PublishStatus {
    type Output = PostStatus;

    fn facts(&self) -> &OperationFacts {
        &PUBLISH_STATUS
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<PostStatus>> {
        JsonCall::new(cx, &PUBLISH_STATUS)
            .classify(errors::classify)
            .body(&StatusBody { publish_id: &self.publish_id })
            .read(|envelope: Envelope<StatusData>| Ok(PostStatus::read(&envelope.data)))
    }
}

/// How far a post is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PostStatus {
    /// It failed.
    Failed(Failure),
    /// It lies in the person's inbox for them to finish.
    InInbox,
    /// TikTok is fetching, receiving or examining it, or says a word that is not known.
    Processing,
    /// It is out. The id comes when it is public and moderated; a private post has none.
    Published {
        /// The id of the post.
        post: Option<String>,
    },
}

impl PostStatus {
    pub(super) fn read(data: &StatusData) -> Self {
        match data.status.as_str() {
            "FAILED" => Self::Failed(errors::failed_for(data.fail_reason.as_deref())),
            "PUBLISH_COMPLETE" => {
                Self::Published { post: data.post_ids.first().and_then(|id| id.digits()) }
            }
            "SEND_TO_USER_INBOX" => Self::InInbox,
            _ => Self::Processing,
        }
    }
}

use ring::digest::{Context, SHA256};

use super::{Processing, TikTok};
use crate::mint::hex;

/// A post that a client began.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Post {
    /// Whose account.
    pub account: String,
    /// When it was begun, by the emulator's clock.
    pub begun_at: i64,
    /// Which client.
    pub client: String,
    /// Direct post, draft or photos.
    pub kind: PostKind,
    /// The id of the public post, once there is one.
    pub post_id: Option<i64>,
    /// Who may see it; drafts have none.
    pub privacy_level: Option<String>,
    /// The id with which its status is asked for.
    pub publish_id: String,
    /// The bytes received so far.
    pub received: u64,
    /// SHA-256 of the bytes received so far, in hex.
    pub sha256: String,
    /// How far it is.
    pub status: PostStatus,
    /// The caption.
    pub title: String,
}

/// What kind of post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PostKind {
    /// A video sent to the person's inbox.
    Draft,
    /// Photos posted directly.
    Photo,
    /// Photos sent to the person's inbox.
    PhotoDraft,
    /// A video posted directly.
    Video,
}

impl PostKind {
    pub(super) fn is_direct(self) -> bool {
        matches!(self, Self::Photo | Self::Video)
    }
}

/// How far a post is (`content-posting-api-reference-get-video-status`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PostStatus {
    /// It failed, for this reason.
    Failed(String),
    /// TikTok fetches it.
    ProcessingDownload,
    /// Its bytes are being sent or processed.
    ProcessingUpload,
    /// It is posted.
    PublishComplete,
    /// It lies in the person's inbox.
    SendToUserInbox,
}

/// A post in the making.
#[derive(Clone)]
pub(super) struct Work {
    pub(super) account: String,
    pub(super) begun_at: i64,
    pub(super) client: String,
    pub(super) fail_reason: Option<String>,
    pub(super) kind: PostKind,
    pub(super) number: i64,
    pub(super) polls: u32,
    pub(super) privacy_level: Option<String>,
    pub(super) publish_id: String,
    pub(super) title: String,
    pub(super) transfer: Transfer,
}

/// How the bytes come.
#[derive(Clone)]
pub(super) enum Transfer {
    Pull,
    Upload(Box<Upload>),
}

#[derive(Clone)]
pub(super) struct Upload {
    pub(super) id: String,
    pub(super) token: String,
    pub(super) expires_at: i64,
    pub(super) size: u64,
    pub(super) chunk: u64,
    pub(super) chunks: u64,
    pub(super) received: u64,
    pub(super) completed_at: Option<i64>,
    pub(super) digest: Context,
}

impl Upload {
    pub(super) fn new(size: u64, chunk: u64, chunks: u64) -> Self {
        Self {
            id: String::new(),
            token: String::new(),
            expires_at: 0,
            size,
            chunk,
            chunks,
            received: 0,
            completed_at: None,
            digest: Context::new(&SHA256),
        }
    }

    /// How many bytes the next chunk has; the last one takes the remainder.
    pub(super) fn next_length(&self) -> u64 {
        let index = self.received / self.chunk.max(1);
        if index + 1 >= self.chunks { self.size - self.received } else { self.chunk }
    }
}

impl Work {
    pub(super) fn status(&self, switches: &TikTok, now: i64) -> PostStatus {
        let (ready_at, busy) = match &self.transfer {
            Transfer::Pull => (Some(self.begun_at), PostStatus::ProcessingDownload),
            Transfer::Upload(upload) => (upload.completed_at, PostStatus::ProcessingUpload),
        };
        let Some(ready_at) = ready_at else { return busy };
        let done = match switches.processing {
            Processing::Polls(polls) => self.polls >= polls,
            Processing::Seconds(seconds) => now - ready_at >= seconds,
        };
        match &self.fail_reason {
            _ if !done => busy,
            Some(reason) => PostStatus::Failed(reason.clone()),
            None if self.kind.is_direct() => PostStatus::PublishComplete,
            None => PostStatus::SendToUserInbox,
        }
    }

    /// The id of the post, which only exists where the post is public.
    pub(super) fn post_id(&self, switches: &TikTok, now: i64) -> Option<i64> {
        let public = self.privacy_level.as_deref() == Some("PUBLIC_TO_EVERYONE");
        let complete = self.status(switches, now) == PostStatus::PublishComplete;
        (public && complete && !switches.withhold_post_ids).then_some(FIRST_POST_ID + self.number)
    }

    pub(super) fn received(&self) -> u64 {
        match &self.transfer {
            Transfer::Pull => 0,
            Transfer::Upload(upload) => upload.received,
        }
    }

    pub(super) fn post(&self, switches: &TikTok, now: i64) -> Post {
        let digest = match &self.transfer {
            Transfer::Pull => Context::new(&SHA256),
            Transfer::Upload(upload) => upload.digest.clone(),
        };
        Post {
            account: self.account.clone(),
            begun_at: self.begun_at,
            client: self.client.clone(),
            kind: self.kind,
            post_id: self.post_id(switches, now),
            privacy_level: self.privacy_level.clone(),
            publish_id: self.publish_id.clone(),
            received: self.received(),
            sha256: hex(digest.finish().as_ref()),
            status: self.status(switches, now),
            title: self.title.clone(),
        }
    }
}

impl std::fmt::Debug for Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Work").field("publish_id", &self.publish_id).finish_non_exhaustive()
    }
}

/// Larger than what a floating-point number holds exactly, as the real ones are.
const FIRST_POST_ID: i64 = 7_400_000_000_000_000_001;

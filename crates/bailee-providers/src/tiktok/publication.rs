//! How a video is posted: begin, upload in chunks, follow until it is out.
//!
//! The state lies in the progress. What begins a post is sent once; everything after it may be
//! repeated.

use std::time::Duration;

use bailee_core::{Effect, SecretText, Timestamp};
use http::{Method, StatusCode, header};
use serde::{Deserialize, Serialize};

use super::{
    errors,
    operations::{PUBLISH_STATUS, PUBLISH_VIDEO, PostStatus, PublishVideo, VideoSource},
    wire::{Envelope, StatusBody, StatusData},
};
use crate::{
    answer::Answer,
    context::Context,
    failure::{Failure, FailureKind},
    followed::Followed,
    json_call::JsonCall,
    publish::{Progress, PublishNext},
    request::{Endpoint, Payload, Request, Target, Value},
    rfc::{malformed, misuse},
    scan::Object,
    step::Input,
};

pub(super) const SCHEMA: u16 = 1;

/// How a file is cut (media transfer guide). "MB" is read so that both a million bytes and a
/// mebibyte are within the limit.
const SMALLEST_CHUNK: u64 = 5 * 1024 * 1024;
const LARGEST_CHUNK: u64 = 64_000_000;
const LARGEST_LAST_CHUNK: u64 = 128_000_000;
const DEFAULT_CHUNK: u64 = 10_000_000;
const MOST_CHUNKS: u64 = 1000;

/// How long an upload address lives.
const UPLOAD_LIFE: Duration = Duration::from_secs(3600);

/// How long to wait before a chunk is sent again.
const CHUNK_RETRY: Duration = Duration::from_secs(5);

/// How long a post is followed before a person has to look.
const FOLLOW_LIMIT: Duration = Duration::from_secs(24 * 3600);

/// How a file is cut into chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Chunks {
    pub(super) total: u64,
    pub(super) size: u64,
    pub(super) count: u64,
}

impl Chunks {
    /// Cuts a file: `count` is the floor of the quotient, so that the last chunk takes the rest; a
    /// small file is one chunk of its own size.
    pub(super) fn cut(total: u64, wanted: Option<u64>) -> Option<Self> {
        if wanted.is_some_and(|size| !(SMALLEST_CHUNK..=LARGEST_CHUNK).contains(&size)) {
            return None;
        }
        let size = wanted.unwrap_or(DEFAULT_CHUNK.max(total.div_ceil(MOST_CHUNKS)));
        let chunks = if total < SMALLEST_CHUNK || total < size {
            Self { total, size: total, count: 1 }
        } else {
            Self { total, size, count: total / size }
        };
        let last = chunks.range(chunks.count - 1)?;
        let good = total > 0
            && chunks.size <= LARGEST_CHUNK
            && chunks.count <= MOST_CHUNKS
            && last.end - last.start <= LARGEST_LAST_CHUNK;
        good.then_some(chunks)
    }

    /// The bytes of a chunk.
    fn range(&self, chunk: u64) -> Option<std::ops::Range<u64>> {
        let start = chunk.checked_mul(self.size)?;
        let end =
            if chunk + 1 == self.count { self.total } else { start.checked_add(self.size)? };
        (chunk < self.count && start <= end && end <= self.total).then_some(start..end)
    }
}

/// How far a post is, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stage {
    publish_id: String,
    /// When TikTok accepted it.
    since: Timestamp,
    upload: Option<Upload>,
}

/// What is still to be uploaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Upload {
    chunks: Chunks,
    /// The chunk that comes next.
    next: u64,
    content_type: String,
    /// Whether TikTok is to be asked how much it has before the next chunk is sent.
    lost: bool,
}

impl Upload {
    /// The upload with another chunk to come; none where there is none left.
    fn advanced(&self, next: u64) -> Option<Self> {
        let upload = Self { next, lost: false, ..self.clone() };
        (next < self.chunks.count).then_some(upload)
    }
}

impl Stage {
    fn of(progress: &Progress) -> Result<Option<Self>, Failure> {
        if progress.is_beginning() {
            return Ok(None);
        }
        serde_json::from_slice(&progress.facts).map(Some).map_err(|_| misuse())
    }

    fn save(&self, secret: Option<&SecretText>) -> Result<PublishNext, Failure> {
        // The address goes with the upload: it is dropped when that is over.
        let secret = self.upload.as_ref().and(secret);
        Ok(PublishNext::Save(Progress::new(
            serde_json::to_vec(self).map_err(|_| misuse())?,
            secret.map(|secret| secret.expose(SecretText::copy_from)),
        )))
    }

    /// Asks TikTok how much it has before anything else is sent.
    fn doubt(mut self, secret: Option<&SecretText>) -> Result<PublishNext, Failure> {
        if let Some(upload) = &mut self.upload {
            upload.lost = true;
        }
        self.save(secret)
    }

    fn uploads_until(&self) -> Timestamp {
        self.since.plus(UPLOAD_LIFE)
    }
}

/// Says what comes next. Without the video, all that can be done is to follow.
pub(super) fn next(
    video: Option<&PublishVideo>,
    cx: &Context<'_>,
    progress: &Progress,
    input: Input,
) -> Result<PublishNext, Failure> {
    let secret = progress.secret.as_ref();
    match (Stage::of(progress)?, input) {
        (None, input) => match (video, input) {
            (Some(video), Input::Start) => begin(video, cx),
            (Some(video), Input::Answer(answer)) => begun(video, cx, &answer),
            // A post that was perhaps begun and of which nothing was kept.
            (None, Input::Start) => Ok(PublishNext::Unknown(FailureKind::Ambiguous.into())),
            _ => Err(misuse()),
        },
        (Some(stage), input) => {
            // Which request is out follows from the stage alone, so that an answer is never taken
            // for another one's.
            let uploading =
                video.is_some() && stage.upload.as_ref().is_some_and(|upload| !upload.lost);
            match (input, uploading) {
                (Input::Start | Input::Elapsed, true) => chunk(stage, cx, secret),
                (Input::Start | Input::Elapsed, false) => ask(&stage, cx),
                (Input::Answer(answer), true) => stored(stage, secret, &answer),
                (Input::Answer(answer), false) => told(stage, video.is_some(), cx, secret, &answer),
                _ => Err(misuse()),
            }
        }
    }
}

/// The request that begins a post. It is not idempotent: a second one is a second post.
fn begin(video: &PublishVideo, cx: &Context<'_>) -> Result<PublishNext, Failure> {
    if video.check().is_err() {
        return Ok(PublishNext::Failed(FailureKind::InvalidInput.into()));
    }
    let body = video.body().ok_or(FailureKind::InvalidInput)?;
    JsonCall::new(cx, &PUBLISH_VIDEO).body(&body).into_request().map(PublishNext::Send)
}

/// TikTok answered to the beginning. The address to upload to is a secret, so the body is not given
/// to a parser that copies.
fn begun(video: &PublishVideo, cx: &Context<'_>, answer: &Answer) -> Result<PublishNext, Failure> {
    if let Some(failure) = errors::classify(cx.spec, answer) {
        let limited = failure.kind == FailureKind::RateLimited
            && (answer.status == StatusCode::TOO_MANY_REQUESTS
                || failure
                    .code
                    .as_ref()
                    .is_some_and(|code| code.as_str() == "rate_limit_exceeded"));
        return match failure.kind {
            FailureKind::AccessRejected => Err(failure),
            _ if limited => Err(failure),
            // The request may have been carried out before the fault.
            FailureKind::Unavailable => Ok(PublishNext::unknown(failure)),
            FailureKind::Malformed if answer.status.is_success() => {
                Ok(PublishNext::unknown(failure))
            }
            _ => Ok(PublishNext::Failed(failure)),
        };
    }
    let secret = |pointer: &str| {
        let envelope = Object::parse(&answer.body).ok()?;
        envelope.pointer(pointer).ok().flatten()?.string()
    };
    let publish_id = secret("/data/publish_id")
        .filter(|id| (1..=128).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic))
        .and_then(|id| std::str::from_utf8(&id).ok().map(ToOwned::to_owned));
    let Some(publish_id) = publish_id else { return Ok(PublishNext::unknown(malformed())) };
    let mut stage = Stage { publish_id, since: answer.now, upload: None };
    let VideoSource::File { content_type, .. } = &video.source else { return stage.save(None) };
    let chunks = video.chunks().ok_or(FailureKind::InvalidInput)?;
    stage.upload =
        Some(Upload { chunks, next: 0, content_type: content_type.to_string(), lost: false });
    // Without a good address nothing can be uploaded, and nothing will be posted.
    let address = secret("/data/upload_url").filter(|address| {
        std::str::from_utf8(address)
            .is_ok_and(|address| cx.spec.check_upload_address(address).is_ok())
    });
    match address {
        Some(address) => stage.save(Some(&SecretText::copy_from(&address))),
        None => Ok(PublishNext::Failed(malformed())),
    }
}

/// The request that uploads the next chunk, to the address that is its own credential.
fn chunk(
    mut stage: Stage,
    cx: &Context<'_>,
    secret: Option<&SecretText>,
) -> Result<PublishNext, Failure> {
    if cx.now >= stage.uploads_until() {
        return stage.doubt(secret);
    }
    let upload = stage.upload.take().ok_or_else(misuse)?;
    // It was checked when it came; what was stored since is checked again.
    let good = secret.ok_or_else(misuse)?.expose(|address| {
        std::str::from_utf8(address).is_ok_and(|text| cx.spec.check_upload_address(text).is_ok())
    });
    if !good {
        return Err(misuse());
    }
    let range = upload.chunks.range(upload.next).ok_or_else(misuse)?;
    let content_range = format!("bytes {}-{}/{}", range.start, range.end - 1, upload.chunks.total);
    Ok(PublishNext::Send(
        Request::new(Method::PUT, Target::Progress, Endpoint::Upload, Effect::Idempotent)
            .with_header(header::CONTENT_RANGE, Value::Text(content_range))
            .with_payload(Payload::Media { range, content_type: upload.content_type.into() }),
    ))
}

/// The upload server answered: 206 for a part, 201 for the whole, and nothing but the status.
fn stored(
    mut stage: Stage,
    secret: Option<&SecretText>,
    answer: &Answer,
) -> Result<PublishNext, Failure> {
    match answer.status.as_u16() {
        201 => {
            stage.upload = None;
            stage.save(None)
        }
        200 | 206 => {
            stage.upload = stage.upload.and_then(|upload| upload.advanced(upload.next + 1));
            stage.save(secret)
        }
        // The same chunk again, while the address lives.
        408 | 425 | 429 | 500..=599 if answer.now < stage.uploads_until() => Ok(PublishNext::Wait(
            crate::retry_after(answer).unwrap_or(CHUNK_RETRY).max(Duration::from_secs(1)),
        )),
        // The chunk may have arrived before, with its answer lost, or the address has run out.
        403 | 404 | 408 | 410 | 416 | 425 | 429 | 500..=599 => stage.doubt(secret),
        400 | 411 | 413 | 415 => Ok(PublishNext::Failed(FailureKind::InvalidInput.into())),
        _ => Ok(PublishNext::Failed(malformed())),
    }
}

/// The request that asks how far it is.
fn ask(stage: &Stage, cx: &Context<'_>) -> Result<PublishNext, Failure> {
    if cx.now >= stage.since.plus(FOLLOW_LIMIT) {
        return Ok(PublishNext::unknown(FailureKind::Ambiguous.into()));
    }
    JsonCall::new(cx, &PUBLISH_STATUS)
        .body(&StatusBody { publish_id: &stage.publish_id })
        .into_request()
        .map(PublishNext::Send)
}

/// TikTok told how far it is.
fn told(
    stage: Stage,
    can_upload: bool,
    cx: &Context<'_>,
    secret: Option<&SecretText>,
    answer: &Answer,
) -> Result<PublishNext, Failure> {
    if let Some(failure) = errors::classify(cx.spec, answer) {
        return match failure.kind {
            FailureKind::AccessRejected | FailureKind::RateLimited | FailureKind::Unavailable => {
                Err(failure)
            }
            // The question failed, not the post: ask again later, until the limit.
            FailureKind::ClientConfiguration | FailureKind::Malformed => {
                Ok(PublishNext::Wait(pause(answer.now.since(stage.since))))
            }
            _ => Ok(PublishNext::unknown(failure)),
        };
    }
    // The parser's error repeats what it read, so it ends here.
    let Ok(envelope) = serde_json::from_slice::<Envelope<StatusData>>(&answer.body) else {
        return Ok(PublishNext::Wait(pause(answer.now.since(stage.since))));
    };
    match PostStatus::read(&envelope.data) {
        PostStatus::Failed(failure) => Ok(PublishNext::Failed(failure)),
        PostStatus::Published { post } => Ok(PublishNext::Published { post }),
        // A direct post does not go there.
        PostStatus::InInbox => Ok(PublishNext::unknown(FailureKind::Ambiguous.into())),
        PostStatus::Processing => {
            processing(stage, can_upload, secret, envelope.data.uploaded_bytes, answer.now)
        }
    }
}

/// It is not out yet: wait, or go on uploading after the chunk that TikTok has.
fn processing(
    mut stage: Stage,
    can_upload: bool,
    secret: Option<&SecretText>,
    uploaded: Option<u64>,
    now: Timestamp,
) -> Result<PublishNext, Failure> {
    let wait = PublishNext::Wait(pause(now.since(stage.since)));
    let Some(upload) = stage.upload.clone() else { return Ok(wait) };
    if uploaded == Some(upload.chunks.total) {
        stage.upload = None;
        return stage.save(None);
    }
    if now >= stage.uploads_until() {
        return Ok(PublishNext::Failed(FailureKind::Unavailable.into()));
    }
    if !can_upload {
        return Ok(wait);
    }
    // The chunk in doubt has arrived if TikTok has all up to its end. If it has less, the chunk was
    // refused, and sending it again gives the same.
    let next = upload.next + 1;
    let arrived = upload.chunks.range(next).is_some_and(|range| uploaded == Some(range.start));
    if arrived {
        stage.upload = upload.advanced(next);
        stage.save(secret)
    } else {
        Ok(PublishNext::Failed(FailureKind::Unavailable.into()))
    }
}

/// How long to wait between questions: within the limit of 30 a minute at first, rarely later.
fn pause(age: Duration) -> Duration {
    Duration::from_secs(match age.as_secs() {
        0..60 => 5,
        60..600 => 15,
        600..3600 => 60,
        _ => 600,
    })
}

/// A post that a former process began.
pub(super) fn followed() -> Followed {
    Followed::new(&PUBLISH_VIDEO, SCHEMA, |cx, progress, input| next(None, cx, progress, input))
}

//! A resumable upload, as a conversation whose state lies outside it.
//!
//! A session is opened, whose address is its own credential. Before each part the session is asked
//! how much it has, so that after any interruption, here or there, the upload goes on where it is:
//! 308 says that more is wanted, and from where; 200 or 201 that the file is there. Until the last
//! part was sent there is no file, and an upload may begin anew; from then on nothing is sent twice
//! unless the session itself says that it does not have it.

use std::time::Duration;

use bailee_core::{Effect, SecretText, Timestamp};
use http::{HeaderName, Method, header};
use serde::{Deserialize, Serialize};

use super::{
    errors,
    operations::{UPLOAD_FILE, UploadFile},
    wire::{CreateBody, CreatedBody},
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
    step::Input,
};

pub(super) const SCHEMA: u16 = 1;

/// Parts are multiples of this, but for the last one.
const STEP: u64 = 256 * 1024;
const LARGEST_PART: u64 = 64 * 1024 * 1024;
pub(super) const DEFAULT_PART: u64 = 8 * 1024 * 1024;

/// How long a session lives.
const SESSION: Duration = Duration::from_secs(7 * 24 * 3600);
/// How often a session is asked by somebody who does not have the bytes.
const LOOK: Duration = Duration::from_secs(3600);
/// How old a session has to be before another one is opened in its place.
const FRESH: Duration = Duration::from_secs(60);
/// How long to wait after a fault that passes.
const RETRY: Duration = Duration::from_secs(5);

/// Whether parts may be of a size.
pub(super) fn is_part_size(bytes: u64) -> bool {
    (STEP..=LARGEST_PART).contains(&bytes) && bytes.is_multiple_of(STEP)
}

/// How far an upload is, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stage {
    /// When the session was opened.
    since: Timestamp,
    total: u64,
    /// How many bytes the session is known to have.
    received: u64,
    /// Whether the part that completes the file may have been sent.
    last: bool,
}

impl Stage {
    fn of(progress: &Progress) -> Result<Option<Self>, Failure> {
        if progress.is_beginning() {
            return Ok(None);
        }
        serde_json::from_slice(&progress.facts).map(Some).map_err(|_| misuse())
    }

    fn save(&self, secret: &SecretText) -> Result<PublishNext, Failure> {
        let facts = serde_json::to_vec(self).map_err(|_| misuse())?;
        let secret = secret.expose(SecretText::copy_from);
        Ok(PublishNext::Save(Progress::new(facts, Some(secret))))
    }
}

/// Says what comes next. Without the file, all that can be done is to look.
pub(super) fn next(
    file: Option<&UploadFile>,
    cx: &Context<'_>,
    progress: &Progress,
    input: Input,
) -> Result<PublishNext, Failure> {
    match (Stage::of(progress)?, file, input) {
        (None, Some(file), Input::Start | Input::Elapsed) => open(file, cx),
        (None, Some(file), Input::Answer(answer)) => opened(file, cx, &answer),
        // No session is known, and without one there is no file.
        (None, None, Input::Start) => Ok(PublishNext::Failed(FailureKind::Unavailable.into())),
        (Some(stage), file, input) => {
            let secret = progress.secret.as_ref().ok_or_else(misuse)?;
            match input {
                Input::Start | Input::Elapsed => ask(&stage, cx, secret),
                Input::Answer(answer) => told(stage, file, cx, secret, &answer),
                Input::Verified(_) => Err(misuse()),
            }
        }
        _ => Err(misuse()),
    }
}

/// The request that opens a session. Two sessions are no two files.
fn open(file: &UploadFile, cx: &Context<'_>) -> Result<PublishNext, Failure> {
    if file.check().is_err() {
        return Ok(PublishNext::Failed(FailureKind::InvalidInput.into()));
    }
    let of = |name| HeaderName::from_static(name);
    let mut request = JsonCall::new(cx, &UPLOAD_FILE)
        .query("uploadType", "resumable")
        .query("fields", "id")
        .header(of("x-upload-content-type"), file.content_type.clone())
        .header(of("x-upload-content-length"), file.size.to_string())
        .body(&CreateBody {
            name: &file.name,
            mime_type: &file.content_type,
            parents: file.folder.as_deref().map(|folder| [folder]),
        })
        .into_request()?;
    request.effect = Effect::Idempotent;
    Ok(PublishNext::Send(request))
}

/// Drive answered with the address of the session, which is a secret.
fn opened(file: &UploadFile, cx: &Context<'_>, answer: &Answer) -> Result<PublishNext, Failure> {
    if let Some(failure) = errors::classify(cx.spec, answer) {
        return match failure.kind {
            FailureKind::AccessRejected | FailureKind::RateLimited | FailureKind::Unavailable => {
                Err(failure)
            }
            _ => Ok(PublishNext::Failed(failure)),
        };
    }
    let address = answer.headers.get(header::LOCATION).map(|value| value.as_bytes());
    let good = |address: &&[u8]| {
        std::str::from_utf8(address).is_ok_and(|text| cx.spec.check_upload_address(text).is_ok())
    };
    match address.filter(good) {
        Some(address) => {
            let stage = Stage { since: answer.now, total: file.size, received: 0, last: false };
            stage.save(&SecretText::copy_from(address))
        }
        None => Ok(PublishNext::Failed(malformed())),
    }
}

/// The request that asks the session how much it has.
fn ask(stage: &Stage, cx: &Context<'_>, secret: &SecretText) -> Result<PublishNext, Failure> {
    let range = format!("bytes */{}", stage.total);
    put(cx, secret, range).map(PublishNext::Send)
}

/// A request to the session. Its address was checked when it came; what was stored since is checked
/// again.
fn put(cx: &Context<'_>, secret: &SecretText, range: String) -> Result<Request, Failure> {
    let good = secret.expose(|address| {
        std::str::from_utf8(address).is_ok_and(|text| cx.spec.check_upload_address(text).is_ok())
    });
    if !good {
        return Err(misuse());
    }
    Ok(Request::new(Method::PUT, Target::Progress, Endpoint::Upload, Effect::Idempotent)
        .with_header(header::CONTENT_RANGE, Value::Text(range)))
}

/// The session answered: to the question and to a part in the same words.
fn told(
    stage: Stage,
    file: Option<&UploadFile>,
    cx: &Context<'_>,
    secret: &SecretText,
    answer: &Answer,
) -> Result<PublishNext, Failure> {
    match answer.status.as_u16() {
        200 | 201 => Ok(complete(answer)),
        308 => more(stage, file, cx, secret, answer),
        // The session is gone.
        404 | 410 => gone(&stage, file.is_some(), answer.now),
        408 | 425 | 429 | 500..=599 => Ok(PublishNext::Wait(
            crate::retry_after(answer).unwrap_or(RETRY).max(Duration::from_secs(1)),
        )),
        _ => {
            // No token was sent, so none was refused.
            let failure = errors::classify(cx.spec, answer)
                .filter(|failure| failure.kind != FailureKind::AccessRejected)
                .unwrap_or_else(malformed);
            match failure.kind {
                FailureKind::RateLimited | FailureKind::Unavailable => {
                    Ok(PublishNext::Wait(failure.retry_after.unwrap_or(RETRY)))
                }
                _ if stage.last => Ok(PublishNext::unknown(failure)),
                _ => Ok(PublishNext::Failed(failure)),
            }
        }
    }
}

/// The file is there. Its id is missing where the answer cannot be read.
fn complete(answer: &Answer) -> PublishNext {
    let body = answer
        .is_json()
        // The parser's error repeats what it read, so it ends here.
        .then(|| serde_json::from_slice::<CreatedBody>(&answer.body).ok())
        .flatten();
    PublishNext::Published { post: body.map(|body| body.id) }
}

/// More is wanted: keep what is new, and send what comes next.
fn more(
    mut stage: Stage,
    file: Option<&UploadFile>,
    cx: &Context<'_>,
    secret: &SecretText,
    answer: &Answer,
) -> Result<PublishNext, Failure> {
    let Some(received) = received(answer) else {
        return Ok(PublishNext::Failed(malformed()));
    };
    let Some(file) = file else {
        // Whoever has the bytes may go on, for as long as the session lives.
        let over = answer.now >= stage.since.plus(SESSION);
        return Ok(if over {
            PublishNext::Failed(FailureKind::Unavailable.into())
        } else {
            PublishNext::Wait(LOOK)
        });
    };
    let next = part(&stage, file.part_size);
    // It has at most what was sent, and does not lose what it had.
    if received < stage.received || received > next.end || received >= stage.total {
        return Ok(PublishNext::Failed(malformed()));
    }
    if received > stage.received {
        stage.received = received;
        return stage.save(secret);
    }
    if next.end == stage.total && !stage.last {
        stage.last = true;
        return stage.save(secret);
    }
    let range = format!("bytes {}-{}/{}", next.start, next.end - 1, stage.total);
    let content_type = file.content_type.clone();
    let request = put(cx, secret, range)?;
    Ok(PublishNext::Send(request.with_payload(Payload::Media { range: next, content_type })))
}

/// The part that comes next.
fn part(stage: &Stage, size: u64) -> std::ops::Range<u64> {
    stage.received..stage.received.saturating_add(size).min(stage.total)
}

/// How many bytes an answer says are there: none where it does not say. None at all where it cannot
/// be read.
fn received(answer: &Answer) -> Option<u64> {
    match answer.headers.get(header::RANGE) {
        None => Some(0),
        Some(value) => {
            let range = value.to_str().ok()?;
            // The documentation writes `0-42` as well as `bytes=0-42`.
            let range = range.strip_prefix("bytes=").unwrap_or(range);
            range.strip_prefix("0-")?.parse::<u64>().ok()?.checked_add(1)
        }
    }
}

/// A session that is gone before its last part was sent left no file; after that nobody can tell.
fn gone(stage: &Stage, can_upload: bool, now: Timestamp) -> Result<PublishNext, Failure> {
    if stage.last {
        Ok(PublishNext::unknown(FailureKind::Ambiguous.into()))
    } else if !can_upload {
        Ok(PublishNext::Failed(FailureKind::Unavailable.into()))
    } else if now < stage.since.plus(FRESH) {
        // It was only just opened: another one would fare no better.
        Err(FailureKind::Unavailable.into())
    } else {
        Ok(PublishNext::Save(Progress::default()))
    }
}

/// An upload that a former process began. Whether it came to its end is seen.
pub(super) fn followed() -> Followed {
    Followed::new(&UPLOAD_FILE, SCHEMA, |cx, progress, input| next(None, cx, progress, input))
}

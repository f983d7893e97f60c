//! How something is published: the limit is asked for, containers are made and asked after until
//! they are ready, and one of them is published.
//!
//! The state lies in the progress, and what is to be published beside it as its secret, so that
//! another process can go on with all of it. Which request is out follows from the state alone.
//! Containers are seen by nobody and may be made twice. What publishes one is sent once; where its
//! answer is lost the container is asked, and nothing is published after that.

mod content;

use std::time::Duration;

use bailee_core::{Effect, SecretText, Timestamp};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use self::content::{Item, Kind, Plan};
use super::{
    errors,
    operations::{
        Allowance, CONTAINER, MEDIA_PUBLISH, PUBLISH_CAROUSEL, PUBLISH_PHOTO, PUBLISH_REEL,
        limit_call, of_the_account,
    },
    wire::{ContainerBody, ContainerStatus, LimitData, List, Made, PublishBody, is_id},
};
use crate::{
    answer::Answer,
    context::Context,
    failure::{ErrorRow, Failure, FailureKind},
    followed::Followed,
    json_call::JsonCall,
    publish::{Progress, PublishNext},
    rfc::misuse,
    step::Input,
};

pub use content::{
    ALT_TEXT_LIMIT, CAPTION_LIMIT, CAROUSEL_ITEMS, CarouselItem, HASHTAG_LIMIT, MENTION_LIMIT,
    PublishCarousel, PublishPhoto, PublishReel,
};

const SCHEMA: u16 = 1;

/// How long a container lives: what was not published by then never is.
const CONTAINER_LIFE: Duration = Duration::from_secs(24 * 3600);

/// How long the container is asked what became of it, before a person has to look.
const DOUBT_LIMIT: Duration = Duration::from_secs(900);

/// How long to wait before a container is made again.
const MAKE_AGAIN: Duration = Duration::from_secs(60);

/// So often containers are made again, all of a publication's together.
const MOST_AGAIN: u8 = 2;

/// How far a publication is, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stage {
    /// When it began.
    since: Timestamp,
    /// The containers of a carousel's items, where they are made.
    children: Vec<Option<String>>,
    /// How many of those are ready, from the first one on.
    ready: usize,
    /// The container that is published.
    container: Option<String>,
    /// How often a container was made again.
    again: u8,
    /// When to go on.
    not_before: Option<Timestamp>,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Phase {
    /// Containers are made.
    Making,
    /// The container is ready; what publishes it has not left, or was refused.
    Publishing,
    /// What publishes it may have left, at this time.
    Doubt(Timestamp),
}

/// The request that a stage is at.
enum At<'a> {
    /// A container is made: that of an item of the carousel, or the one that is published.
    Make(Option<usize>),
    /// A container is asked after.
    Poll(&'a str),
    /// The container is published.
    Publish(&'a str),
}

impl Stage {
    fn new(plan: &Plan, now: Timestamp) -> Self {
        let children = if plan.carousel { plan.items.len() } else { 0 };
        Self {
            since: now,
            children: vec![None; children],
            ready: 0,
            container: None,
            again: 0,
            not_before: None,
            phase: Phase::Making,
        }
    }

    fn of(progress: &Progress) -> Result<Self, Failure> {
        serde_json::from_slice(&progress.facts).map_err(|_| misuse())
    }

    fn at(&self) -> Result<At<'_>, Failure> {
        let container = || self.container.as_deref().ok_or_else(misuse);
        match self.phase {
            Phase::Publishing => Ok(At::Publish(container()?)),
            Phase::Doubt(_) => Ok(At::Poll(container()?)),
            Phase::Making => {
                if let Some(missing) = self.children.iter().position(Option::is_none) {
                    return Ok(At::Make(Some(missing)));
                }
                if let Some(child) = self.children.get(self.ready) {
                    return child.as_deref().map(At::Poll).ok_or_else(misuse);
                }
                Ok(self.container.as_deref().map_or(At::Make(None), At::Poll))
            }
        }
    }

    fn progress(&self, secret: Option<&SecretText>) -> Result<Progress, Failure> {
        let facts = serde_json::to_vec(self).map_err(|_| misuse())?;
        Ok(Progress::new(facts, secret.map(|secret| secret.expose(SecretText::copy_from))))
    }

    /// Keeps it, with what is still to be told Instagram while anything is.
    fn save(&self, secret: Option<&SecretText>) -> Result<PublishNext, Failure> {
        let secret = secret.filter(|_| self.phase == Phase::Making);
        self.progress(secret).map(PublishNext::Save)
    }

    /// Another container is made in the place of the one that failed, unless that was tried often
    /// enough or nobody knows any more what is in it.
    fn make_again(
        mut self,
        failure: Failure,
        secret: Option<&SecretText>,
        now: Timestamp,
    ) -> Result<PublishNext, Failure> {
        if self.again >= MOST_AGAIN || secret.is_none() {
            return Ok(PublishNext::Failed(failure));
        }
        self.again += 1;
        self.not_before = Some(now.plus(MAKE_AGAIN));
        self.save(secret)
    }
}

/// Says what comes next. Without the content, what is stored of it is all there is.
fn next(
    content: Option<&Plan>,
    cx: &Context<'_>,
    progress: &Progress,
    input: Input,
) -> Result<PublishNext, Failure> {
    if progress.is_beginning() {
        return match (content, input) {
            (Some(plan), Input::Start) => begin(plan, cx),
            (Some(plan), Input::Answer(answer)) => begun(plan, cx, &answer),
            // Something that was perhaps begun and of which nothing was kept: nothing is out.
            (None, Input::Start) => Ok(PublishNext::Failed(FailureKind::Unavailable.into())),
            _ => Err(misuse()),
        };
    }
    let stage = Stage::of(progress)?;
    let secret = progress.secret.as_ref();
    match input {
        Input::Start | Input::Elapsed => ask(&stage, cx, secret),
        Input::Answer(answer) => told(stage, cx, secret, &answer),
        _ => Err(misuse()),
    }
}

/// What to go on with where the request that publishes may have left: only with asking.
fn recover(progress: &Progress, now: Timestamp) -> Option<Progress> {
    let mut stage = Stage::of(progress).ok()?;
    if stage.phase != Phase::Publishing {
        return None;
    }
    stage.phase = Phase::Doubt(now);
    stage.progress(None).ok()
}

/// Asks first whether the account may publish anything now.
fn begin(plan: &Plan, cx: &Context<'_>) -> Result<PublishNext, Failure> {
    if plan.check().is_err() {
        return Ok(PublishNext::Failed(FailureKind::InvalidInput.into()));
    }
    limit_call(cx)?.into_request().map(PublishNext::Send)
}

/// Instagram told how much the account may still publish. Where it did not, it says so when the
/// time comes.
fn begun(plan: &Plan, cx: &Context<'_>, answer: &Answer) -> Result<PublishNext, Failure> {
    match errors::classify(cx.spec, answer) {
        Some(failure)
            if !matches!(failure.kind, FailureKind::InvalidInput | FailureKind::Malformed) =>
        {
            return Err(failure);
        }
        Some(_) => {}
        None => {
            // The parser's error repeats what it read, so it ends here.
            let allowance = serde_json::from_slice::<List<LimitData>>(&answer.body)
                .ok()
                .and_then(|list| Allowance::read(&list).ok());
            if allowance.is_some_and(|allowance| allowance.is_used_up()) {
                return Err(errors::limit_reached(cx.spec));
            }
        }
    }
    let text = Zeroizing::new(serde_json::to_vec(plan).map_err(|_| misuse())?);
    Stage::new(plan, answer.now).save(Some(&SecretText::copy_from(&text)))
}

/// The request that the stage is at.
fn ask(
    stage: &Stage,
    cx: &Context<'_>,
    secret: Option<&SecretText>,
) -> Result<PublishNext, Failure> {
    match stage.phase {
        Phase::Doubt(since) if cx.now >= since.plus(DOUBT_LIMIT) => {
            return Ok(PublishNext::Unknown(FailureKind::Ambiguous.into()));
        }
        Phase::Making | Phase::Publishing if cx.now >= stage.since.plus(CONTAINER_LIFE) => {
            return Ok(PublishNext::Failed(FailureKind::Unavailable.into()));
        }
        _ => {}
    }
    if let Some(until) = stage.not_before
        && cx.now < until
    {
        return Ok(PublishNext::Wait(until.since(cx.now)));
    }
    let request = match stage.at()? {
        At::Make(item) => {
            let plan = plan(secret).ok_or_else(misuse)?;
            let facts = if plan.carousel { &PUBLISH_CAROUSEL } else { &PUBLISH_PHOTO };
            let call = of_the_account(cx, facts)?;
            let mut request = match item {
                Some(n) => call.body(&child(plan.items.get(n).ok_or_else(misuse)?)),
                None if plan.carousel => call.body(&parent(&plan, &stage.children)),
                None => call.body(&single(&plan, plan.items.first().ok_or_else(misuse)?)),
            }
            .into_request()?;
            // Nobody sees a container, and one too many runs out by itself.
            request.effect = Effect::Idempotent;
            request
        }
        At::Poll(container) => {
            let mut request = JsonCall::new(cx, &CONTAINER)
                .part("container_id", container)
                .query("fields", "status_code,status")
                .into_request()?;
            request.effect = Effect::Read;
            request
        }
        At::Publish(container) => of_the_account(cx, &MEDIA_PUBLISH)?
            .body(&PublishBody { creation_id: container })
            .into_request()?,
    };
    Ok(PublishNext::Send(request))
}

fn plan(secret: Option<&SecretText>) -> Option<Plan> {
    secret?.expose(|text| serde_json::from_slice(text).ok())
}

/// The answer to the request that the stage is at.
fn told(
    stage: Stage,
    cx: &Context<'_>,
    secret: Option<&SecretText>,
    answer: &Answer,
) -> Result<PublishNext, Failure> {
    match stage.at()? {
        At::Make(item) => made(stage.clone(), item, cx, secret, answer),
        At::Poll(_) => polled(stage.clone(), cx, secret, answer),
        At::Publish(_) => published(stage.clone(), cx, answer),
    }
}

/// The id that an answer gives, where it is one.
fn id_of(answer: &Answer) -> Option<String> {
    let made: Made = serde_json::from_slice(&answer.body).ok()?;
    made.id.get().filter(|id| is_id(id))
}

/// A container was made, or not.
fn made(
    mut stage: Stage,
    item: Option<usize>,
    cx: &Context<'_>,
    secret: Option<&SecretText>,
    answer: &Answer,
) -> Result<PublishNext, Failure> {
    if let Some(failure) = errors::classify(cx.spec, answer) {
        return match failure.kind {
            _ if errors::may_be_made_again(&failure) => {
                stage.make_again(failure, secret, answer.now)
            }
            FailureKind::AccessRejected | FailureKind::RateLimited | FailureKind::Unavailable => {
                Err(failure)
            }
            _ => Ok(PublishNext::Failed(failure)),
        };
    }
    let Some(id) = id_of(answer) else {
        return stage.make_again(FailureKind::Malformed.into(), secret, answer.now);
    };
    match item {
        Some(n) => stage.children[n] = Some(id),
        None => stage.container = Some(id),
    }
    stage.not_before = None;
    stage.save(secret)
}

/// Instagram told how far a container is.
fn polled(
    mut stage: Stage,
    cx: &Context<'_>,
    secret: Option<&SecretText>,
    answer: &Answer,
) -> Result<PublishNext, Failure> {
    let doubt = matches!(stage.phase, Phase::Doubt(_));
    let is_child = !doubt && stage.ready < stage.children.len();
    let wait = PublishNext::Wait(pause(answer.now.since(stage.since)));
    if let Some(failure) = errors::classify(cx.spec, answer) {
        return match failure.kind {
            FailureKind::AccessRejected | FailureKind::RateLimited | FailureKind::Unavailable => {
                Err(failure)
            }
            // The question failed, not the container: ask again later, until the limit.
            FailureKind::ClientConfiguration | FailureKind::Malformed => Ok(wait),
            _ if doubt => Ok(PublishNext::unknown(failure)),
            _ => Ok(PublishNext::Failed(failure)),
        };
    }
    // The parser's error repeats what it read, so it ends here.
    let Ok(status) = serde_json::from_slice::<ContainerStatus>(&answer.body) else {
        return Ok(wait);
    };
    match status.status_code.as_str() {
        "FINISHED" | "PUBLISHED" if is_child => {
            stage.ready += 1;
            stage.save(secret)
        }
        // There is nobody else who would have published it.
        "PUBLISHED" => Ok(PublishNext::Published { post: None }),
        "FINISHED" if !doubt => {
            stage.phase = Phase::Publishing;
            stage.save(None)
        }
        "ERROR" => {
            let failure = errors::failed_for(cx.spec, status.status.as_deref());
            if doubt || !errors::may_be_made_again(&failure) {
                return Ok(PublishNext::Failed(failure));
            }
            match stage.children.get_mut(stage.ready) {
                Some(child) => *child = None,
                None => stage.container = None,
            }
            stage.make_again(failure, secret, answer.now)
        }
        // It was not published within a day, and now it never is.
        "EXPIRED" => {
            let row = ErrorRow::find(&cx.spec.errors, b"2207020").map(ErrorRow::failure);
            Ok(PublishNext::Failed(row.unwrap_or_else(|| FailureKind::InvalidInput.into())))
        }
        _ => Ok(wait),
    }
}

/// Instagram answered to what publishes.
fn published(mut stage: Stage, cx: &Context<'_>, answer: &Answer) -> Result<PublishNext, Failure> {
    let doubt = |mut stage: Stage| {
        stage.phase = Phase::Doubt(answer.now);
        stage.save(None)
    };
    let Some(failure) = errors::classify(cx.spec, answer) else {
        return match id_of(answer) {
            Some(id) => Ok(PublishNext::Published { post: Some(id) }),
            None => doubt(stage),
        };
    };
    match failure.kind {
        _ if errors::is_not_ready(&failure) => {
            stage.phase = Phase::Making;
            stage.not_before = Some(answer.now.plus(pause(answer.now.since(stage.since))));
            stage.save(None)
        }
        FailureKind::AccessRejected | FailureKind::RateLimited => Err(failure),
        // It may have been carried out before the fault, or in spite of an answer like this.
        FailureKind::Unavailable | FailureKind::Malformed => doubt(stage),
        _ => Ok(PublishNext::Failed(failure)),
    }
}

/// How long to wait between questions: a minute for the first five, as the page asks, and longer
/// then.
fn pause(age: Duration) -> Duration {
    Duration::from_secs(match age.as_secs() {
        0..300 => 60,
        300..3600 => 300,
        _ => 900,
    })
}

const EMPTY: ContainerBody<'_> = ContainerBody {
    media_type: None,
    image_url: None,
    video_url: None,
    is_carousel_item: None,
    children: None,
    caption: None,
    alt_text: None,
    cover_url: None,
    thumb_offset: None,
    share_to_feed: None,
};

/// The container of an item. An image by itself has no type.
fn item(item: &Item) -> ContainerBody<'_> {
    let (image, video, media_type) = match item.kind {
        Kind::Photo => (Some(item.url.as_str()), None, None),
        Kind::Reel => (None, Some(item.url.as_str()), Some("REELS")),
        Kind::Video => (None, Some(item.url.as_str()), Some("VIDEO")),
    };
    ContainerBody {
        media_type,
        image_url: image,
        video_url: video,
        alt_text: item.alt_text.as_deref(),
        cover_url: item.cover_url.as_deref(),
        thumb_offset: item.thumb_offset,
        share_to_feed: item.share_to_feed,
        ..EMPTY
    }
}

fn single<'a>(plan: &'a Plan, only: &'a Item) -> ContainerBody<'a> {
    ContainerBody { caption: plan.caption.as_deref(), ..item(only) }
}

fn child(one: &Item) -> ContainerBody<'_> {
    ContainerBody { is_carousel_item: Some(true), ..item(one) }
}

fn parent<'a>(plan: &'a Plan, children: &[Option<String>]) -> ContainerBody<'a> {
    let ids: Vec<&str> = children.iter().flatten().map(String::as_str).collect();
    ContainerBody {
        media_type: Some("CAROUSEL"),
        children: Some(ids.join(",")),
        caption: plan.caption.as_deref(),
        ..EMPTY
    }
}

/// A publication that a former process began, where its operation is one of ours. Everything that it
/// needs is stored.
pub(super) fn followed(operation: &str) -> Option<Followed> {
    let ours = [&PUBLISH_CAROUSEL, &PUBLISH_PHOTO, &PUBLISH_REEL];
    let facts = ours.into_iter().find(|facts| facts.name == operation)?;
    let followed =
        Followed::new(facts, SCHEMA, |cx, progress, input| next(None, cx, progress, input));
    Some(followed.recovering(recover))
}

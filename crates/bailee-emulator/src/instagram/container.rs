use serde_json::{Value, json};
use url::Url;

use super::{Instagram, PUBLISH, member, refused};
use crate::call::Call;
use crate::desk::Desk;
use crate::message::{Answer, Incoming};
use crate::oauth::{Caller, Problem};

/// What waits to be published.
#[derive(Clone, Debug)]
pub(super) struct Container {
    pub(super) id: u64,
    pub(super) account: String,
    pub(super) made_at: i64,
    /// What it will be: `IMAGE`, `REELS`, `VIDEO`, `CAROUSEL` or `STORIES`.
    pub(super) kind: String,
    /// Whether it is a part of a carousel, which is not published by itself.
    pub(super) is_item: bool,
    /// The subcode with which it broke.
    pub(super) broken: Option<u32>,
    polls: u32,
    pub(super) published: bool,
}

impl Container {
    pub(super) fn status(&self, play: &Instagram, now: i64) -> &'static str {
        if self.published {
            "PUBLISHED"
        } else if now >= self.made_at + 86_400 {
            "EXPIRED"
        } else if self.polls < play.polls {
            "IN_PROGRESS"
        } else if self.broken.is_some() {
            "ERROR"
        } else {
            "FINISHED"
        }
    }
}

/// Makes a container (`POST /{ig_id}/media`).
pub(super) fn create(
    play: &mut Instagram,
    desk: &mut Desk,
    call: &Call<'_>,
    caller: &Caller,
) -> Result<Answer, Problem> {
    caller.needs(PUBLISH)?;
    let request = call.request;
    let text = |name: &'static str| match member(request, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Problem::Value(name)),
    };
    let is_item = member(request, "is_carousel_item").is_some_and(|value| is_true(&value));
    let (image, video) = (text("image_url")?, text("video_url")?);
    let kind = text("media_type")?;
    if text("caption")?.is_some_and(|caption| caption.chars().count() > 2200) {
        return Err(refused(2_207_010));
    }
    if let Some(subcode) = play.refused_containers.pop_front() {
        return Err(refused(subcode));
    }
    let (kind, address) = match (kind.as_deref(), &image, &video) {
        (None, Some(image), None) => ("IMAGE", Some(image)),
        (Some("REELS"), None, Some(video)) if !is_item => ("REELS", Some(video)),
        (Some("VIDEO"), None, Some(video)) if is_item => ("VIDEO", Some(video)),
        (Some("STORIES"), Some(media), None) | (Some("STORIES"), None, Some(media)) => {
            ("STORIES", Some(media))
        }
        (Some("CAROUSEL"), None, None) if !is_item => ("CAROUSEL", None),
        (Some("REELS" | "VIDEO" | "STORIES" | "CAROUSEL") | None, ..) => {
            return Err(Problem::Value("media_type"));
        }
        (Some(_), ..) => return Err(refused(2_207_023)),
    };
    if text("alt_text")?.is_some_and(|text| kind != "IMAGE" || text.chars().count() > 1000) {
        return Err(Problem::Value("alt_text"));
    }
    let reel_only = ["cover_url", "thumb_offset", "share_to_feed"];
    if kind != "REELS"
        && let Some(name) = reel_only.into_iter().find(|name| member(request, name).is_some())
    {
        return Err(Problem::Value(name));
    }
    let mut broken = None;
    if let Some(address) = address {
        broken = fetch(play, kind, address)?;
    }
    if kind == "CAROUSEL" {
        check_children(play, call, caller)?;
    }
    // A broken one of the switches comes first.
    broken = play.broken_containers.pop_front().or(broken);
    let id = 18_000_000_000_000_000 + desk.written.len() as u64;
    let account = caller.account.id.clone();
    play.containers.push(Container {
        id,
        account,
        made_at: call.now,
        kind: kind.to_owned(),
        is_item,
        broken,
        polls: 0,
        published: false,
    });
    desk.write(caller, "container", sent(request, id));
    Ok(Answer::json(200, &json!({"id": id.to_string()})))
}

/// What a request said, with the id that it got.
fn sent(request: &Incoming, id: u64) -> Value {
    let mut kept = match request.json() {
        Some(Value::Object(members)) => members,
        _ => {
            let form = request.form();
            let pairs = form.pairs().iter();
            pairs.map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect()
        }
    };
    kept.remove("access_token");
    kept.insert("id".into(), json!(id.to_string()));
    Value::Object(kept)
}

/// Pretends to fetch: an image when its container is made, a video afterwards.
fn fetch(play: &Instagram, kind: &str, address: &str) -> Result<Option<u32>, Problem> {
    let url = Url::parse(address).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let Some(url) = url else { return Err(refused(2_207_052)) };
    let host = url.host_str().unwrap_or_default();
    let lost = play.unreachable.iter().any(|unreachable| unreachable == host);
    let path = url.path().to_ascii_lowercase();
    let of = |endings: &[&str]| endings.iter().any(|ending| path.ends_with(ending));
    let found = match kind {
        _ if lost => Some(2_207_052),
        "IMAGE" if of(&[".png", ".gif", ".webp", ".heic"]) => Some(2_207_005),
        "REELS" | "VIDEO" if of(&[".avi", ".webm", ".mkv"]) => Some(2_207_026),
        _ => None,
    };
    match found {
        Some(subcode) if kind == "IMAGE" => Err(refused(subcode)),
        later => Ok(later),
    }
}

/// A carousel has 2 to 10 containers of the same account, all of them ready.
fn check_children(play: &Instagram, call: &Call<'_>, caller: &Caller) -> Result<(), Problem> {
    let children: Vec<String> = match member(call.request, "children") {
        Some(Value::String(list)) => list.split(',').map(|id| id.trim().to_owned()).collect(),
        Some(Value::Array(ids)) => {
            ids.iter().map(|id| id.as_str().unwrap_or_default().to_owned()).collect()
        }
        _ => return Err(refused(2_207_028)),
    };
    if !(2..=10).contains(&children.len()) {
        return Err(refused(2_207_028));
    }
    for child in children {
        let found = find(play, caller, &child).filter(|found| found.is_item);
        match found.map(|found| found.status(play, call.now)) {
            Some("FINISHED") => {}
            Some("IN_PROGRESS") => return Err(refused(2_207_027)),
            _ => return Err(refused(2_207_006)),
        }
    }
    Ok(())
}

pub(super) fn find<'a>(play: &'a Instagram, caller: &Caller, id: &str) -> Option<&'a Container> {
    let id: u64 = id.parse().ok()?;
    play.containers.iter().find(|known| known.id == id && known.account == caller.account.id)
}

/// How far a container is (`GET /{container_id}`); none where the id is no container's.
pub(super) fn status(
    play: &mut Instagram,
    call: &Call<'_>,
    caller: &Caller,
    id: &str,
) -> Option<Result<Answer, Problem>> {
    let found = find(play, caller, id)?.id;
    if let Err(problem) = caller.needs(PUBLISH) {
        return Some(Err(problem));
    }
    let place = play.containers.iter().position(|known| known.id == found)?;
    let container = play.containers[place].clone();
    let word = container.status(play, call.now);
    play.containers[place].polls += 1;
    let query = call.request.query();
    let mut body = json!({"id": id});
    for field in query.one("fields").unwrap_or_default().split(',').filter(|name| !name.is_empty())
    {
        match field {
            "id" => {}
            "status_code" => body["status_code"] = json!(word),
            "status" => {
                body["status"] = match container.broken.filter(|_| word == "ERROR") {
                    Some(subcode) => {
                        json!(format!("Error: Media upload has failed with error code {subcode}"))
                    }
                    None => json!(format!("{word}: as the code says")),
                };
            }
            _ => return Some(Err(Problem::Value("fields"))),
        }
    }
    Some(Ok(Answer::json(200, &body)))
}

fn is_true(value: &Value) -> bool {
    value == &json!(true) || value == "true"
}

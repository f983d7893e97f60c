use serde_json::{Value, json};

use super::{BASIC, Instagram, PUBLISH, container, member, refused};
use crate::call::Call;
use crate::clock::iso;
use crate::desk::Desk;
use crate::message::{Answer, Incoming};
use crate::oauth::{Caller, Problem};

/// Publishes a container (`POST /{ig_id}/media_publish`). It is not idempotent.
pub(super) fn publish(
    play: &mut Instagram,
    desk: &mut Desk,
    call: &Call<'_>,
    caller: &Caller,
) -> Result<Answer, Problem> {
    caller.needs(PUBLISH)?;
    let id = match member(call.request, "creation_id") {
        Some(Value::String(id)) => id,
        Some(Value::Number(id)) => id.to_string(),
        _ => return Err(Problem::Missing("creation_id")),
    };
    if let Some(subcode) = play.refused_publishes.pop_front() {
        return Err(refused(subcode));
    }
    let found = container::find(play, caller, &id).filter(|found| !found.is_item);
    let found = found.ok_or_else(|| refused(2_207_006))?.clone();
    match found.status(play, call.now) {
        "FINISHED" => {}
        "PUBLISHED" if play.republishes => {}
        "IN_PROGRESS" => return Err(refused(2_207_027)),
        "EXPIRED" => return Err(refused(2_207_020)),
        _ => return Err(refused(2_207_006)),
    }
    if usage(desk, caller, call.now) >= play.quota {
        return Err(refused(2_207_042));
    }
    for known in &mut play.containers {
        known.published |= known.id == found.id;
    }
    let post = 17_900_000_000_000_000 + desk.written.len() as u64;
    let kind = match found.kind.as_str() {
        "CAROUSEL" => "CAROUSEL_ALBUM",
        "IMAGE" => "IMAGE",
        _ => "VIDEO",
    };
    let value = json!({
        "id": post.to_string(),
        "container": id,
        "media_type": kind,
        "permalink": format!("https://www.instagram.com/p/C{post}/"),
        "timestamp": iso(call.now),
        "at": call.now,
    });
    desk.write(caller, "post", value);
    if play.lost_publishes > 0 {
        play.lost_publishes -= 1;
        return Ok(Answer::dropped());
    }
    Ok(Answer::json(200, &json!({"id": post.to_string()})))
}

/// How many posts the account published in the last day.
fn usage(desk: &Desk, caller: &Caller, now: i64) -> usize {
    let own = desk.written.iter().filter(|written| {
        written.kind == "post"
            && written.account == caller.account.id
            && written.value["at"].as_i64().is_some_and(|at| now - at < 86_400)
    });
    own.count()
}

/// How much of its limit the account used (`GET /{ig_id}/content_publishing_limit`).
pub(super) fn limit(
    play: &Instagram,
    desk: &Desk,
    call: &Call<'_>,
    caller: &Caller,
) -> Result<Answer, Problem> {
    caller.needs(PUBLISH)?;
    let mut entry = json!({"quota_usage": usage(desk, caller, call.now)});
    let query = call.request.query();
    for field in query.one("fields").unwrap_or("quota_usage").split(',') {
        match field {
            "quota_usage" => {}
            "config" => {
                entry["config"] = json!({"quota_total": play.quota, "quota_duration": 86_400});
            }
            _ => return Err(Problem::Value("fields")),
        }
    }
    Ok(Answer::json(200, &json!({"data": [entry]})))
}

/// A post (`GET /{media_id}`); none where the id is no post's of this account.
pub(super) fn read(
    desk: &Desk,
    request: &Incoming,
    caller: &Caller,
    id: &str,
) -> Option<Result<Answer, Problem>> {
    let post = desk.written.iter().find(|written| {
        written.kind == "post" && written.account == caller.account.id && written.value["id"] == id
    })?;
    if let Err(problem) = caller.needs(BASIC) {
        return Some(Err(problem));
    }
    let query = request.query();
    let mut body = json!({"id": id});
    for field in query.one("fields").unwrap_or("id").split(',') {
        match field {
            "id" | "media_type" | "permalink" | "timestamp" => {
                body[field] = post.value[field].clone();
            }
            _ => return Some(Err(Problem::Value("fields"))),
        }
    }
    Some(Ok(Answer::json(200, &body)))
}

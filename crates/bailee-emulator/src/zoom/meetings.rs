use serde_json::{Value, json};

use super::user;
use crate::call::Call;
use crate::clock::iso;
use crate::desk::{Desk, Written};
use crate::message::Answer;
use crate::mint::{base64url, sha256};
use crate::oauth::{Caller, Problem};

/// Creates a meeting (`POST /users/me/meetings`).
pub(super) fn create(desk: &mut Desk, call: &Call<'_>, caller: &Caller) -> Result<Answer, Problem> {
    if !caller.may("meeting:write") {
        caller.needs("meeting:write:meeting")?;
    }
    // A hundred meetings a person and day, from midnight UTC.
    let day = call.now / 86_400;
    let who = format!("meetings of {} on day {day}", caller.account.id);
    desk.limits.hit(who, 100, 86_400, call.now).map_err(Problem::TooMany)?;
    let Some(Value::Object(asked)) = call.request.json() else { return Err(Problem::BodyType) };
    let text = |name: &'static str| match asked.get(name) {
        None => Ok(""),
        Some(value) => value.as_str().ok_or(Problem::Value(name)),
    };
    let kind = asked.get("type").map_or(Some(2), Value::as_u64);
    let kind = kind.filter(|kind| [1, 2, 3, 8].contains(kind)).ok_or(Problem::Value("type"))?;
    let topic = Some(text("topic")?).filter(|topic| !topic.is_empty()).unwrap_or("Zoom Meeting");
    if topic.chars().count() > 200 {
        return Err(Problem::Value("topic"));
    }
    let number = desk.written.len() as u64;
    let uuid = base64url(&sha256(format!("meeting {number}").as_bytes())[..16]);
    // Ids have more than 32 bits.
    let id = 85_000_000_000 + number;
    let mut meeting = json!({
        "id": id,
        "uuid": format!("{uuid}=="),
        "host_id": user::id(&caller.account),
        "host_email": caller.account.email,
        "topic": topic,
        "type": kind,
        "status": "waiting",
        "start_time": text("start_time")?,
        "duration": asked.get("duration").cloned().unwrap_or(json!(60)),
        "timezone": text("timezone")?,
        "agenda": text("agenda")?,
        "created_at": iso(call.now),
        "join_url": format!("https://zoom.us/j/{id}"),
        "settings": asked.get("settings").cloned().unwrap_or(json!({})),
    });
    desk.write(caller, "meeting", meeting.clone());
    // Whoever has this address is the host.
    let host = desk.issue("zak-");
    meeting["start_url"] = json!(format!("https://zoom.us/s/{id}?zak={host}"));
    Ok(Answer::json(201, &meeting))
}

/// Lists the person's meetings (`GET /users/me/meetings`).
pub(super) fn list(desk: &mut Desk, call: &Call<'_>, caller: &Caller) -> Result<Answer, Problem> {
    if !caller.may("meeting:read") {
        caller.needs("meeting:read:list_meetings")?;
    }
    let query = call.request.query();
    let kinds = ["scheduled", "live", "upcoming", "upcoming_meetings", "previous_meetings"];
    if query.one("type").is_some_and(|kind| !kinds.contains(&kind)) {
        return Err(Problem::Value("type"));
    }
    let size = query.one("page_size").map_or(Some(30), |size| size.parse().ok());
    let size = size.filter(|size| (1..=300).contains(size)).ok_or(Problem::Value("page_size"))?;
    let token = query.one("next_page_token").filter(|token| !token.is_empty());
    let start = token.map_or(Some(0), |token| token.strip_prefix("page-")?.parse().ok());
    let start: usize = start.ok_or(Problem::Value("next_page_token"))?;
    let own =
        |written: &&Written| written.kind == "meeting" && written.account == caller.account.id;
    let all: Vec<&Written> = desk.written.iter().filter(own).collect();
    let meetings: Vec<Value> =
        all.iter().skip(start).take(size).map(|written| written.value.clone()).collect();
    let next = start + meetings.len();
    let next = if next < all.len() { format!("page-{next}") } else { String::new() };
    Ok(Answer::json(
        200,
        &json!({
            "page_size": size,
            "total_records": all.len(),
            "next_page_token": next,
            "meetings": meetings,
        }),
    ))
}

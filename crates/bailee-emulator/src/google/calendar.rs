use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{CALENDAR, refused};
use crate::call::Call;
use crate::message::Answer;
use crate::oauth::{Caller, Problem};

/// `events.list` of the main calendar: the account's fact `events`, in the order in which they
/// begin.
pub(super) fn events(call: &Call<'_>, caller: &Caller) -> Result<Answer, Problem> {
    if !CALENDAR.iter().any(|scope| caller.may(scope)) {
        caller.needs(CALENDAR[2])?;
    }
    let query = call.request.query();
    let bad = || refused(400, "badRequest");
    let moment = |name: &str| query.one(name).map(|text| instant(text).ok_or_else(bad)).transpose();
    let (from, until) = (moment("timeMin")?, moment("timeMax")?);
    // With a sync token nothing else may be asked for; an old one is gone.
    if query.one("syncToken").is_some() {
        let mixed = from.is_some() || until.is_some() || query.one("orderBy").is_some();
        return Err(if mixed { bad() } else { refused(410, "fullSyncRequired") });
    }
    let single = query.one("singleEvents") == Some("true");
    if query.one("orderBy") == Some("startTime") && !single {
        return Err(bad());
    }
    let size: usize = query.one("maxResults").unwrap_or("250").parse().map_err(|_| bad())?;
    if size == 0 {
        return Err(bad());
    }
    let start = match query.one("pageToken") {
        None => 0,
        Some(token) => token.strip_prefix("page ").and_then(|n| n.parse().ok()).ok_or_else(bad)?,
    };
    let all = caller.account.facts.get("events").and_then(Value::as_array);
    let mut found: Vec<Value> = all
        .into_iter()
        .flatten()
        .filter(|event| {
            let ends = at(&event["end"]).is_none_or(|end| from.is_none_or(|from| end > from));
            let begins =
                at(&event["start"]).is_none_or(|begin| until.is_none_or(|until| begin < until));
            ends && begins
        })
        .cloned()
        .collect();
    found.sort_by_key(|event| at(&event["start"]));
    // Fields that were not asked for do not come.
    if query.one("fields").is_some_and(|fields| !fields.contains("attendees")) {
        for event in found.iter_mut().filter_map(Value::as_object_mut) {
            event.remove("attendees");
        }
    }
    let total = found.len();
    let items: Vec<Value> = found.into_iter().skip(start).take(size.min(2500)).collect();
    let next = start + items.len();
    let mut page = json!({"kind": "calendar#events", "timeZone": "UTC", "items": items});
    if next < total {
        page["nextPageToken"] = json!(format!("page {next}"));
    } else {
        page["nextSyncToken"] = json!("sync-token-1");
    }
    Ok(Answer::json(200, &page))
}

/// RFC 3339 with its offset, which is demanded.
fn instant(text: &str) -> Option<i64> {
    OffsetDateTime::parse(text, &Rfc3339).ok().map(OffsetDateTime::unix_timestamp)
}

/// When an event begins or ends; a whole day begins at midnight.
fn at(time: &Value) -> Option<i64> {
    match (time["dateTime"].as_str(), time["date"].as_str()) {
        (Some(text), _) => instant(text),
        (None, Some(day)) => instant(&format!("{day}T00:00:00Z")),
        (None, None) => None,
    }
}

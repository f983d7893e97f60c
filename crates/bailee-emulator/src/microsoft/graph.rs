use serde_json::{Value, json};

use crate::call::Call;
use crate::desk::Desk;
use crate::message::Answer;
use crate::mint::random;
use crate::oauth::{Caller, Problem};

/// `sendMail`: 202 and no body. Tests see it as `message`.
pub(super) fn send(desk: &mut Desk, call: &Call<'_>, caller: &Caller) -> Result<Answer, Problem> {
    caller.needs("Mail.Send")?;
    let body = call.request.json().ok_or(Problem::BodyType)?;
    let message = &body["message"];
    let recipients = message["toRecipients"].as_array().ok_or(Problem::Missing("toRecipients"))?;
    let address = |recipient: &Value| recipient["emailAddress"]["address"].is_string();
    if recipients.is_empty() || !recipients.iter().all(address) || !message["subject"].is_string() {
        return Err(Problem::Value("message"));
    }
    desk.write(caller, "message", message.clone());
    Ok(Answer::empty(202))
}

/// `calendarView`: the account's fact `events`, page by page.
pub(super) fn calendar(base: &str, call: &Call<'_>, caller: &Caller) -> Result<Answer, Problem> {
    caller.needs("Calendars.Read")?;
    let query = call.request.query();
    let from = query.one("startDateTime").ok_or(Problem::Missing("startDateTime"))?;
    let until = query.one("endDateTime").ok_or(Problem::Missing("endDateTime"))?;
    let number = |name: &'static str, default: usize| match query.one(name) {
        Some(text) => text.parse().map_err(|_| Problem::Value(name)),
        None => Ok(default),
    };
    let (top, skip): (usize, usize) = (number("$top", 10)?, number("$skip", 0)?);
    if !(1..=1000).contains(&top) {
        return Err(Problem::Value("$top"));
    }
    // Times in UTC, written alike: their order is that of their texts.
    let at =
        |event: &Value, name: &str| event[name]["dateTime"].as_str().unwrap_or_default().to_owned();
    let all = caller.account.facts.get("events").and_then(Value::as_array);
    let mut found: Vec<Value> = all
        .into_iter()
        .flatten()
        .filter(|event| at(event, "end").as_str() > from && at(event, "start").as_str() < until)
        .cloned()
        .collect();
    found.sort_by_key(|event| at(event, "start"));
    let total = found.len();
    let page: Vec<Value> = found.into_iter().skip(skip).take(top).collect();
    let next = skip + page.len();
    let mut body = json!({"value": page});
    if next < total {
        let mut pairs = url::form_urlencoded::Serializer::new(String::new());
        let kept = query.pairs().iter().filter(|(name, _)| name != "$skip");
        pairs.extend_pairs(kept).append_pair("$skip", &next.to_string());
        let link = format!("{base}/me/calendarView?{}", pairs.finish());
        body["@odata.nextLink"] = json!(link);
    }
    Ok(Answer::json(200, &body))
}

/// `PUT …/root:/{name}:/content`. Tests see it as `file`.
pub(super) fn put(
    desk: &mut Desk,
    call: &Call<'_>,
    caller: &Caller,
    name: &str,
) -> Result<Answer, Problem> {
    if !caller.may("Files.ReadWrite.AppFolder") {
        caller.needs("Files.ReadWrite")?;
    }
    let name = decoded(name.strip_suffix(':').ok_or(Problem::NotFound)?);
    let query = call.request.query();
    let there = desk.written.iter().any(|written| {
        written.kind == "file"
            && written.account == caller.account.id
            && written.value["name"] == json!(name)
    });
    if there && query.one("@microsoft.graph.conflictBehavior") == Some("fail") {
        let error = json!({"code": "nameAlreadyExists", "message": "it is there already"});
        return Err(Problem::Said(Answer::json(409, &json!({"error": error}))));
    }
    let id = format!("01{}", random::<12>().to_ascii_uppercase());
    let body = String::from_utf8_lossy(&call.request.body).into_owned();
    let size = call.request.body.len();
    let made = json!({"id": id, "name": name, "size": size, "content": body});
    desk.write(caller, "file", made);
    let answer = json!({"id": id, "name": name, "size": size});
    Ok(Answer::json(if there { 200 } else { 201 }, &answer))
}

/// A segment of a path without its percent signs.
fn decoded(segment: &str) -> String {
    let pair = format!("s={}", segment.replace('+', "%2B"));
    let mut pairs = url::form_urlencoded::parse(pair.as_bytes());
    pairs.next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

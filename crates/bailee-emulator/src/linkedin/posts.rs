use serde_json::{Value, json};

use super::member;
use crate::call::Call;
use crate::desk::{Desk, Written};
use crate::message::Answer;
use crate::oauth::{Caller, Problem, decode};

/// Posts (`POST /rest/posts`): no body comes back, the id stands in a header.
pub(super) fn create(desk: &mut Desk, call: &Call<'_>, caller: &Caller) -> Result<Answer, Problem> {
    caller.needs("w_member_social")?;
    // About 150 requests of a member in a day that begins at midnight UTC.
    let day = call.now / 86_400;
    let who = format!("posts of {} on day {day}", caller.account.id);
    desk.limits.hit(who, 150, 86_400, call.now).map_err(Problem::TooMany)?;
    let Some(Value::Object(asked)) = call.request.json() else { return Err(Problem::BodyType) };
    let word = |name: &str| asked.get(name).and_then(Value::as_str).unwrap_or_default();
    let member = format!("urn:li:person:{}", member::id(&caller.account, &caller.client));
    if word("author") != member {
        return Err(Problem::Uncovered("w_organization_social".into()));
    }
    if !["CONNECTIONS", "LOGGED_IN", "PUBLIC"].contains(&word("visibility")) {
        return Err(Problem::Value("visibility"));
    }
    if word("lifecycleState") != "PUBLISHED" {
        return Err(Problem::Value("lifecycleState"));
    }
    let feed = asked.get("distribution").map(|way| &way["feedDistribution"]);
    if feed.is_none_or(|feed| feed != "MAIN_FEED" && feed != "NONE") {
        return Err(Problem::Value("distribution"));
    }
    let article = asked.get("content").map(|content| &content["article"]);
    if article
        .is_some_and(|article| !article["source"].is_string() || !article["title"].is_string())
    {
        return Err(Problem::Value("content"));
    }
    let length = read(word("commentary")).ok_or(Problem::Value("commentary"))?;
    if length > 3000 || (length == 0 && article.is_none()) {
        return Err(Problem::Value("commentary"));
    }
    let own = |written: &&Written| written.kind == "post" && written.account == caller.account.id;
    if let Some(last) = desk.written.iter().rev().find(own)
        && last.value["commentary"] == word("commentary")
    {
        let urn = last.value["id"].as_str().unwrap_or_default();
        let text = format!("Content is a duplicate of {urn}");
        let body = json!({
            "message": text, "serviceErrorCode": 0, "status": 422, "code": "DUPLICATE_POST",
        });
        return Err(Problem::Said(Answer::json(422, &body)));
    }
    let urn = format!("urn:li:share:{}", 7_300_000_000_000_000_000 + desk.written.len() as u64);
    let mut post = Value::Object(asked.clone());
    post["id"] = json!(urn);
    desk.write(caller, "post", post);
    Ok(Answer::empty(201).with("x-restli-id", &urn))
}

/// Deletes a post (`DELETE /rest/posts/{urn}`), which is done already where there is none.
pub(super) fn delete(desk: &mut Desk, caller: &Caller, urn: &str) -> Result<Answer, Problem> {
    caller.needs("w_member_social")?;
    let urn = decode(urn);
    let number = urn.strip_prefix("urn:li:share:").or_else(|| urn.strip_prefix("urn:li:ugcPost:"));
    if number.is_none_or(|number| number.parse::<u64>().is_err()) {
        return Err(Problem::Value("id"));
    }
    let found = desk.written.iter().find(|w| w.kind == "post" && w.value["id"] == urn);
    if found.is_some_and(|post| post.account != caller.account.id) {
        return Err(Problem::Uncovered("w_member_social".into()));
    }
    desk.written.retain(|w| w.kind != "post" || w.value["id"] != urn);
    Ok(Answer::empty(204))
}

/// The length of a little text as people see it; none where a character that has a meaning is
/// neither escaped nor part of a hashtag or a mention.
fn read(text: &str) -> Option<usize> {
    let mut length = 0;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix(r"{hashtag|\#|") {
            let (tag, after) = after.split_once('}')?;
            length += 1 + tag.chars().count();
            rest = after;
        } else if let Some(after) = rest.strip_prefix("@[") {
            let (name, after) = after.split_once("](urn:li:")?;
            length += name.chars().count();
            rest = after.split_once(')')?.1;
        } else if c == '\\' {
            let escaped = rest[1..].chars().next().filter(|c| MEANING.contains(*c))?;
            length += 1;
            rest = &rest[1 + escaped.len_utf8()..];
        } else if c == '#' {
            // A plain hashtag.
            length += 1;
            rest = &rest[1..];
            rest.chars().next().filter(|c| c.is_alphanumeric())?;
        } else if MEANING.contains(c) {
            return None;
        } else {
            length += 1;
            rest = &rest[c.len_utf8()..];
        }
    }
    Some(length)
}

const MEANING: &str = r"\|{}@[]()<>#*_~";

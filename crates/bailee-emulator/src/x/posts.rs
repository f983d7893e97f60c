use serde_json::{Value, json};

use super::{WINDOW, X, problem};
use crate::call::Call;
use crate::desk::{Desk, Written};
use crate::message::Answer;
use crate::oauth::{Caller, Problem};

/// Posts (`POST /2/tweets`).
pub(super) fn create(
    x: &X,
    desk: &mut Desk,
    call: &Call<'_>,
    caller: &Caller,
) -> Result<Answer, Problem> {
    for scope in ["tweet.read", "tweet.write", "users.read"] {
        caller.needs(scope)?;
    }
    let account = &caller.account;
    if x.daily_cap {
        let answer = problem(429, "rate-limit-exceeded", "Too Many Requests", None)
            .with("x-rate-limit-remaining", "99")
            .with("x-rate-limit-reset", &(call.now + WINDOW).to_string())
            .with("x-app-limit-24hour-remaining", "0")
            .with("x-app-limit-24hour-reset", &(call.now + 3000).to_string());
        return Err(Problem::Said(answer));
    }
    let who = format!("posts of {}", account.id);
    desk.limits.hit(who, 100, WINDOW, call.now).map_err(Problem::TooMany)?;
    let is = |name: &str| account.facts.get(name).and_then(|fact| fact.as_bool()).unwrap_or(false);
    if is("locked") {
        let text = "To protect our users from spam and other malicious activity, this account is \
                    temporarily locked.";
        let body = json!({"errors": [{"code": 326, "message": text}]});
        return Err(Problem::Said(Answer::json(403, &body)));
    }
    let Some(Value::Object(asked)) = call.request.json() else { return Err(Problem::BodyType) };
    if let Some(unknown) = asked.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        let text = format!("the member {unknown} is unknown");
        return Err(Problem::Said(problem(400, "invalid-request", "Invalid Request", Some(&text))));
    }
    let text = asked.get("text").and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let text = text.ok_or(Problem::Missing("text"))?;
    // The long limit is for those who pay. Letters that count two are for those who count them.
    let most = if is("premium") { 25_000 } else { 280 };
    if text.split_whitespace().map(length).sum::<usize>() > most + 1 {
        let detail = "Your post text is too long.";
        return Err(Problem::Said(problem(
            400,
            "invalid-request",
            "Invalid Request",
            Some(detail),
        )));
    }
    let settings = asked.get("reply_settings").map(|word| word.as_str().unwrap_or_default());
    if settings.is_some_and(|word| !REPLY_SETTINGS.contains(&word)) {
        return Err(Problem::Value("reply_settings"));
    }
    let parent = asked.get("reply").map(|reply| reply["in_reply_to_tweet_id"].as_str());
    if parent.is_some_and(|id| id.is_none_or(|id| id.parse::<u64>().is_err())) {
        return Err(Problem::Value("in_reply_to_tweet_id"));
    }
    let own = |w: &&Written| w.kind == "post" && w.account == account.id && w.value["text"] == text;
    let last = desk.written.iter().rev().find(own).and_then(|w| w.value["at"].as_i64());
    // How long a text is remembered is not said.
    let again = last.is_some_and(|at| call.now - at < 3600);
    if again {
        let detail = "You are not allowed to create a Tweet with duplicate content.";
        return Err(Problem::Said(problem(403, "about:blank", "Forbidden", Some(detail))));
    }
    let id = (1_900_000_000_000_000_000 + desk.written.len() as u64).to_string();
    let mut post = Value::Object(asked.clone());
    post["id"] = json!(id);
    post["at"] = json!(call.now);
    desk.write(caller, "post", post);
    let data = json!({"id": id, "text": text, "edit_history_post_ids": [id]});
    Ok(Answer::json(201, &json!({"data": data})))
}

/// Deletes a post (`DELETE /2/tweets/{id}`), which is done already where there is none.
pub(super) fn delete(
    desk: &mut Desk,
    call: &Call<'_>,
    caller: &Caller,
    id: &str,
) -> Result<Answer, Problem> {
    for scope in ["tweet.read", "tweet.write", "users.read"] {
        caller.needs(scope)?;
    }
    let who = format!("deletions of {}", caller.account.id);
    desk.limits.hit(who, 50, WINDOW, call.now).map_err(Problem::TooMany)?;
    if id.parse::<u64>().is_err() {
        return Err(Problem::Value("id"));
    }
    let found = desk.written.iter().find(|w| w.kind == "post" && w.value["id"] == id);
    if found.is_some_and(|post| post.account != caller.account.id) {
        return Err(Problem::Uncovered("tweet.write".into()));
    }
    desk.written.retain(|w| w.kind != "post" || w.value["id"] != id);
    Ok(Answer::json(200, &json!({"data": {"deleted": true}})))
}

/// What a word counts with the space behind it, where every letter counts one.
fn length(word: &str) -> usize {
    let link = word.starts_with("https://") || word.starts_with("http://");
    1 + if link { 23 } else { word.chars().count() }
}

const REPLY_SETTINGS: [&str; 4] = ["following", "mentionedUsers", "subscribers", "verified"];
const MEMBERS: [&str; 16] = [
    "card_uri",
    "community_id",
    "direct_message_deep_link",
    "edit_options",
    "for_super_followers_only",
    "geo",
    "made_with_ai",
    "media",
    "nullcast",
    "paid_partnership",
    "poll",
    "quote_tweet_id",
    "reply",
    "reply_settings",
    "share_with_followers",
    "text",
];

use serde_json::{Map, Value, json};

use super::{BOT_USER, Slack, USER_SCOPE, failed, home, user_id};
use crate::call::Call;
use crate::desk::Desk;
use crate::message::{Answer, Incoming};
use crate::oauth::{Caller, Problem};

/// A channel of the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Channel {
    /// Whether it is archived.
    pub archived: bool,
    /// Its id.
    pub id: String,
    /// Whether the bot and the people are in it.
    pub joined: bool,
    /// Its name.
    pub name: String,
    /// Whether it is private.
    pub private: bool,
}

impl Channel {
    /// A public channel that nobody is in.
    #[must_use]
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self { archived: false, id: id.into(), joined: false, name: name.into(), private: false }
    }

    /// Archives it.
    #[must_use]
    pub fn archived(mut self) -> Self {
        self.archived = true;
        self
    }

    /// Lets the bot and the people join it.
    #[must_use]
    pub fn joined(mut self) -> Self {
        self.joined = true;
        self
    }

    /// Makes it private.
    #[must_use]
    pub fn private(mut self) -> Self {
        self.private = true;
        self
    }
}

impl Slack {
    /// `auth.test`: whose token it is, for tokens of either kind.
    pub(super) fn test(&self, caller: &Caller, now: i64) -> Answer {
        let (home, person) = (home(&caller.account), caller.kind == USER_SCOPE);
        let mut body = json!({
            "ok": true,
            "url": "https://example-workspace.slack.com/",
            "team": home.team["name"],
            "team_id": home.team["id"],
            "user": if person { caller.account.username.as_str() } else { "example_bot" },
            "user_id": if person { user_id(&caller.account) } else { BOT_USER.to_owned() },
            "is_enterprise_install": home.org_wide,
        });
        if !person {
            body["bot_id"] = json!("B0EXAMPLE");
        }
        if let Some(until) = caller.expires_at {
            body["expires_in"] = json!(until - now);
        }
        Answer::json(200, &body)
    }

    /// `chat.postMessage`.
    pub(super) fn post(
        &self,
        desk: &mut Desk,
        call: &Call<'_>,
        caller: &Caller,
    ) -> Result<Answer, Problem> {
        caller.needs("chat:write")?;
        if !call.request.is("POST") {
            return Err(said("invalid_post_type"));
        }
        let arguments = arguments(call.request).ok_or_else(|| said("invalid_json"))?;
        let text = |name: &str| arguments.get(name).and_then(Value::as_str).unwrap_or_default();
        let id = text("channel");
        let channel = self.channels.iter().find(|channel| channel.id == id);
        let direct = id.starts_with(['U', 'D']);
        match channel {
            _ if direct => {}
            Some(channel) if channel.archived => return Err(said("is_archived")),
            Some(channel) if !channel.joined => {
                let anywhere = caller.may("chat:write.public") && !channel.private;
                if !anywhere {
                    return Err(said("not_in_channel"));
                }
            }
            Some(_) => {}
            None => return Err(said("channel_not_found")),
        }
        if text("text").is_empty() {
            return Err(said("no_text"));
        }
        if text("text").chars().count() > 40_000 {
            return Err(said("msg_too_long"));
        }
        if self.rate_limits {
            let who = format!("messages to {id}");
            desk.limits.hit(who, 1, 1, call.now).map_err(Problem::TooMany)?;
        }
        let ts = format!("{}.{:06}", call.now, desk.written.len() + 100);
        let author =
            if caller.kind == USER_SCOPE { user_id(&caller.account) } else { BOT_USER.to_owned() };
        let mut message = json!({
            "type": "message", "channel": id, "user": author, "text": text("text"), "ts": ts,
        });
        for name in ["thread_ts", "reply_broadcast", "mrkdwn", "unfurl_links", "unfurl_media"] {
            if let Some(value) = arguments.get(name) {
                message[name] = value.clone();
            }
        }
        desk.write(caller, "message", message.clone());
        Ok(Answer::json(200, &json!({"ok": true, "channel": id, "ts": ts, "message": message})))
    }

    /// `conversations.list`, which takes its arguments in the query or a form.
    pub(super) fn list(&self, call: &Call<'_>, caller: &Caller) -> Result<Answer, Problem> {
        let form = call.request.form();
        let query = call.request.query();
        let argument = |name: &str| query.one(name).or(form.one(name)).map(str::to_owned);
        let types = argument("types").unwrap_or_else(|| "public_channel".to_owned());
        let types: Vec<&str> = types.split(',').collect();
        for kind in &types {
            let scope = match *kind {
                "public_channel" => "channels:read",
                "private_channel" => "groups:read",
                "im" => "im:read",
                "mpim" => "mpim:read",
                _ => return Err(said("invalid_types")),
            };
            caller.needs(scope)?;
        }
        let limit = argument("limit").map_or(Some(100), |limit| limit.parse().ok());
        let limit: usize =
            limit.filter(|n| (1..=1000).contains(n)).ok_or_else(|| said("invalid_limit"))?;
        let start: usize = match argument("cursor") {
            None => 0,
            Some(cursor) => cursor
                .strip_prefix("dGVhbTpD")
                .and_then(|at| at.parse().ok())
                .ok_or_else(|| said("invalid_cursor"))?,
        };
        let without_archived = argument("exclude_archived").as_deref() == Some("true");
        let wanted = |channel: &&Channel| {
            let kind = if channel.private { "private_channel" } else { "public_channel" };
            // A private channel is seen by its members alone.
            types.contains(&kind)
                && !(without_archived && channel.archived)
                && (channel.joined || !channel.private)
        };
        let all: Vec<Value> = self
            .channels
            .iter()
            .filter(wanted)
            .map(|channel| {
                json!({
                    "id": channel.id,
                    "name": channel.name,
                    "is_channel": !channel.private,
                    "is_private": channel.private,
                    "is_archived": channel.archived,
                    "is_member": channel.joined,
                    "creator": "U0EXAMPLEBOSS",
                    "topic": {"value": "", "creator": "", "last_set": 0},
                    "num_members": 3,
                })
            })
            .collect();
        let end = start.saturating_add(limit).min(all.len());
        let next = if end < all.len() { format!("dGVhbTpD{end}") } else { String::new() };
        let page = all.get(start..end).unwrap_or_default();
        Ok(Answer::json(
            200,
            &json!({"ok": true, "channels": page, "response_metadata": {"next_cursor": next}}),
        ))
    }
}

/// The arguments of a method that writes: JSON or a form.
fn arguments(request: &Incoming) -> Option<Map<String, Value>> {
    if request.is_form() {
        let pairs = request.form().pairs().to_vec();
        return Some(pairs.into_iter().map(|(name, value)| (name, json!(value))).collect());
    }
    match request.json() {
        Some(Value::Object(members)) => Some(members),
        _ => None,
    }
}

fn said(code: &str) -> Problem {
    Problem::Said(failed(200, code))
}

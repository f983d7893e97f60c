//! Discord as its documentation describes it: numbers as error codes, rate limits in headers, one
//! revocation for everything of an authorization, and a `User-Agent` that has to be there.
//!
//! From the pages (November 2026) <https://docs.discord.com/developers/topics/oauth2>,
//! <https://docs.discord.com/developers/topics/rate-limits> and
//! <https://docs.discord.com/developers/events/webhook-events>.

mod webhook;

use serde_json::json;

pub use self::webhook::public_key;

use crate::announcement::{Announcement, News};
use crate::call::Call;
use crate::desk::Desk;
use crate::ledger::RefreshStyle;
use crate::message::{Answer, Incoming};
use crate::mint::sha256;
use crate::oauth::{Dialect, Ends, Facts, Place, Problem, Revocation, caller, revoke};
use crate::play::Played;
use crate::registration::Account;
use crate::{Endpoint, Misuse};

/// The switches of the emulated Discord; what [`Discord::new`] says is what the documentation says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Discord {
    /// Seconds for which an access token is good: 604800.
    pub access_lifetime: i64,
    /// Whether the times of events have an offset. The page's example has none.
    pub event_offsets: bool,
    /// What becomes of a used refresh token, which is not said: dead at once.
    pub refresh_style: RefreshStyle,
    /// Whether the next events are signed wrongly, as Discord does to try an address.
    pub tries_bad_signature: bool,
}

impl Discord {
    /// Discord as documented.
    #[must_use]
    pub fn new() -> Self {
        Self {
            access_lifetime: 604_800,
            event_offsets: false,
            refresh_style: RefreshStyle::Strict { kills_family: false },
            tries_bad_signature: false,
        }
    }
}

impl Default for Discord {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Discord> for Played {
    /// The site `discord`.
    fn from(discord: Discord) -> Self {
        Self::oauth("discord", discord)
    }
}

impl Dialect for Discord {
    fn hosts(&self) -> Vec<String> {
        vec!["discord.com".into()]
    }

    fn facts(&self) -> Facts {
        Facts {
            known_scopes: SCOPES,
            access_lifetime: Some(self.access_lifetime),
            refresh_style: self.refresh_style,
            ..Facts::rfc6749("Discord")
        }
    }

    fn classify(&self, request: &Incoming) -> Endpoint {
        match request.path.as_str() {
            "/oauth2/authorize" => Endpoint::Authorize,
            "/api/oauth2/token" => Endpoint::of_token(request, "refresh_token"),
            "/api/oauth2/token/revoke" => Endpoint::Revoke,
            "/api/v10/users/@me" => Endpoint::Identity,
            path if path.starts_with("/api/v10/") => Endpoint::Api,
            _ => Endpoint::Unknown,
        }
    }

    fn api(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        let request = call.request;
        if !request.header("user-agent").is_some_and(|agent| agent.starts_with("DiscordBot (")) {
            // Cloudflare in front of the API turns such clients away.
            return Ok(Answer::html(403, "<h1>error code: 1010</h1>".into()));
        }
        let caller = caller(desk, call, &[Place::Bearer])?;
        match (request.method.as_str(), request.segments().as_slice()) {
            ("GET", ["api", "v10", "users", "@me"]) => {
                caller.needs("identify")?;
                let account = &caller.account;
                let body = json!({
                    "id": snowflake(account),
                    "username": account.username,
                    "global_name": account.display_name,
                    "discriminator": "0",
                    "avatar": null,
                    "locale": "de",
                    "mfa_enabled": true,
                });
                Ok(limits(Answer::json(200, &body)))
            }
            ("GET", ["api", "v10", "users", "@me", "guilds"]) => {
                caller.needs("guilds")?;
                let guilds =
                    json!([{"id": "80351110224678912", "name": "Fake guild", "owner": true}]);
                Ok(limits(Answer::json(200, &guilds)))
            }
            _ => Err(Problem::NotFound),
        }
    }

    fn revoke(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        let how = Revocation { access_ends: Ends::Grant, ..Revocation::rfc7009() };
        revoke(self, desk, call, &how)?;
        Ok(Answer::json(200, &json!({})))
    }

    fn announce(&mut self, desk: &mut Desk, news: &News<'_>) -> Result<Announcement, Misuse> {
        webhook::announce(self, desk, news)
    }

    fn error(&self, call: &Call<'_>, status: u16, code: &str, text: &str) -> Answer {
        if is_oauth(call.endpoint) {
            Answer::json(status, &json!({"error": code, "error_description": text}))
        } else {
            let number = code.parse().unwrap_or(0_u32);
            Answer::json(status, &json!({"message": text, "code": number}))
        }
    }

    fn problem(&self, call: &Call<'_>, problem: &Problem) -> Answer {
        if is_oauth(call.endpoint) {
            let (status, code, text) = problem.rfc6749();
            return self.error(call, status, code, &text);
        }
        match problem {
            Problem::Token(_) => self.error(call, 401, "50025", "Invalid OAuth2 access token"),
            Problem::TokenMissing => self.error(call, 401, "40001", "Unauthorized"),
            Problem::Uncovered(_) => self.error(call, 403, "50001", "Missing Access"),
            Problem::TooMany(seconds) => self.rate_limited(call, Some(&seconds.to_string())),
            Problem::NotFound => self.error(call, 404, "0", "404: Not Found"),
            _ => self.error(call, 400, "50035", "Invalid Form Body"),
        }
    }

    fn rate_limited(&self, _: &Call<'_>, retry_after: Option<&str>) -> Answer {
        let wait = retry_after.unwrap_or("1");
        let seconds: f64 = wait.parse().unwrap_or(1.0);
        let body = json!({
            "message": "You are being rate limited.",
            "retry_after": seconds,
            "global": false,
        });
        Answer::json(429, &body)
            .with("retry-after", wait)
            .with("x-ratelimit-remaining", "0")
            .with("x-ratelimit-reset-after", &format!("{seconds:.3}"))
            .with("x-ratelimit-scope", "user")
    }
}

fn is_oauth(endpoint: Endpoint) -> bool {
    matches!(endpoint, Endpoint::Exchange | Endpoint::Refresh | Endpoint::Revoke)
}

fn limits(answer: Answer) -> Answer {
    answer
        .with("x-ratelimit-limit", "5")
        .with("x-ratelimit-remaining", "4")
        .with("x-ratelimit-reset-after", "1.000")
        .with("x-ratelimit-bucket", "abcd1234")
}

/// An id as text, larger than what a floating-point number holds exactly.
fn snowflake(account: &Account) -> String {
    let digest = sha256(format!("discord:{}", account.id).as_bytes());
    let mut eight = [0; 8];
    eight.copy_from_slice(&digest[..8]);
    (u64::from_be_bytes(eight) >> 2).to_string()
}

const SCOPES: &[&str] = &[
    "connections",
    "email",
    "guilds",
    "guilds.join",
    "guilds.members.read",
    "identify",
    "openid",
    "role_connections.write",
];

//! Zoom as its documentation describes it: user-managed OAuth of a General App, the profile, the
//! creation and the list of meetings.
//!
//! From the pages (November 2026) <https://developers.zoom.us/docs/integrations/oauth/>,
//! <https://developers.zoom.us/docs/api/rate-limits/>,
//! <https://developers.zoom.us/docs/api/using-zoom-apis/>,
//! <https://developers.zoom.us/docs/api/meetings/> and
//! <https://developers.zoom.us/docs/api/webhooks/>. What the pages leave open is a switch of
//! [`Zoom`]. Facts of an account: `account_id`, and `licensed` (a boolean).

mod compliance;
mod meetings;
mod user;
mod webhook;

use serde_json::json;

use crate::announcement::{Announcement, News};
use crate::call::Call;
use crate::clock::iso;
use crate::desk::Desk;
use crate::ledger::{RefreshStyle, Refused};
use crate::message::{Answer, Incoming};
use crate::oauth::{
    Carrier, ClientAuth, Dialect, Ends, Facts, Issued, Need, Pkce, Place, Problem, Revocation,
    Takes, caller, revoke,
};
use crate::play::Played;
use crate::token_answer::TokenAnswer;
use crate::{Endpoint, Misuse};

/// The switches of the emulated Zoom; what [`Zoom::new`] says is what the documentation says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Zoom {
    /// Seconds for which an access token is good: 3600.
    pub access_lifetime: i64,
    /// The `api_url` of token answers: `https://api.zoom.us`, or that of a region.
    pub api_url: String,
    /// Ways in which clients authenticate: Basic is documented, the form seen to work.
    pub client_auth: Vec<ClientAuth>,
    /// Seconds for which a code is good: 300.
    pub code_lifetime: i64,
    /// The code beside the reason for a dead refresh token, which is not said: `invalid_grant`.
    pub dead_refresh: &'static str,
    /// Whether another authorization of the same person ends the earlier one.
    pub ends_old_grants: bool,
    /// Whether PKCE is demanded; clients without a secret need it anyway.
    pub pkce: Pkce,
    /// Whether token answers name the region, which is not said of each.
    pub says_region: bool,
    /// The limit that the 429 of a fault speaks of.
    pub rate_limit: RateLimit,
    /// Seconds for which a refresh token is good: 90 days, which is said to be about right.
    pub refresh_lifetime: i64,
    /// What becomes of a used refresh token: dead at once. Tokens before version 8 had a short
    /// tolerance. Whether a reuse ends the grant is not said.
    pub refresh_style: RefreshStyle,
    /// Whether a refresh token can be revoked, which is not said.
    pub revokes_refresh: bool,
    /// What separates scopes in an authorization request, which is not said: a space.
    pub separators: &'static str,
    /// What a deauthorization says of the data: nothing, or in older payloads `true` or `false`.
    pub user_data_retention: Option<&'static str>,
}

/// A rate limit of Zoom's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RateLimit {
    /// Of a day: `Retry-After` is a date and time in ISO 8601.
    Daily,
    /// Of a second: `X-RateLimit-Reset` is in Unix seconds, and there is no `Retry-After`.
    PerSecond,
}

impl Zoom {
    /// Zoom as documented.
    #[must_use]
    pub fn new() -> Self {
        Self {
            access_lifetime: 3600,
            api_url: format!("https://{API_HOST}"),
            client_auth: vec![ClientAuth::Basic, ClientAuth::None],
            code_lifetime: 300,
            dead_refresh: "invalid_grant",
            ends_old_grants: true,
            pkce: Pkce::Optional,
            rate_limit: RateLimit::PerSecond,
            refresh_lifetime: 90 * DAY,
            refresh_style: RefreshStyle::Strict { kills_family: false },
            revokes_refresh: false,
            says_region: true,
            separators: " ",
            user_data_retention: None,
        }
    }
}

impl Default for Zoom {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Zoom> for Played {
    /// The site `zoom`.
    fn from(zoom: Zoom) -> Self {
        Self::oauth("zoom", zoom)
    }
}

impl Dialect for Zoom {
    fn hosts(&self) -> Vec<String> {
        let regional = REGIONS.iter().map(|region| format!("api-{region}.zoom.us"));
        [WEB_HOST.to_owned(), API_HOST.to_owned()].into_iter().chain(regional).collect()
    }

    fn facts(&self) -> Facts {
        Facts {
            shows_problems: true,
            pkce: self.pkce,
            pkce_methods: &["S256", "plain"],
            separators: self.separators,
            known_scopes: SCOPES,
            scopes: Need::Optional,
            code_lifetime: self.code_lifetime,
            ends_old_grants: self.ends_old_grants,
            carriers: vec![Carrier::Form, Carrier::Query],
            client_auth: self.client_auth.clone(),
            access_prefix: "eyJ.",
            access_length: 520,
            access_lifetime: Some(self.access_lifetime),
            refresh_lifetime: Some(self.refresh_lifetime),
            refresh_style: self.refresh_style,
            token_type: Some("bearer"),
            ..Facts::rfc6749("Zoom")
        }
    }

    fn classify(&self, request: &Incoming) -> Endpoint {
        match (request.host == WEB_HOST, request.path.as_str()) {
            (true, "/oauth/authorize") => Endpoint::Authorize,
            (true, "/oauth/token") => Endpoint::of_token(request, "refresh_token"),
            (true, "/oauth/revoke") => Endpoint::Revoke,
            (false, "/v2/users/me") => Endpoint::Identity,
            (false, "/oauth/data/compliance") => Endpoint::Api,
            (false, path) if path.starts_with("/v2/") => Endpoint::Api,
            _ => Endpoint::Unknown,
        }
    }

    fn api(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        if call.request.path == "/oauth/data/compliance" {
            return compliance::report(desk, call);
        }
        let caller = caller(desk, call, &[Place::Bearer])?;
        let request = call.request;
        match (request.method.as_str(), request.segments().as_slice()) {
            ("GET", ["v2", "users", "me"]) => user::profile(&caller),
            ("GET", ["v2", "users", "me", "meetings"]) => meetings::list(desk, call, &caller),
            ("POST", ["v2", "users", "me", "meetings"]) => meetings::create(desk, call, &caller),
            // A person's token may speak of its own person only, and only as `me`.
            (_, ["v2", "users", other, ..]) if *other != "me" => {
                Err(Problem::Uncovered("user:read:user:admin".into()))
            }
            _ => Err(Problem::NotFound),
        }
    }

    fn token_answer(&self, _: &mut Desk, issued: &Issued) -> TokenAnswer {
        let mut answer = issued.flat(&self.facts());
        if self.says_region {
            answer.add("api_url", self.api_url.as_str());
        }
        answer
    }

    fn revoke(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        let how = Revocation {
            place: Place::Parameter("token"),
            takes: if self.revokes_refresh { Takes::Either } else { Takes::Access },
            takes_expired: false,
            unknown_is_revoked: false,
            access_ends: Ends::Everything,
            refresh_ends: Ends::Everything,
            ..Revocation::rfc7009()
        };
        revoke(self, desk, call, &how)?;
        Ok(Answer::json(200, &json!({"status": "success"})))
    }

    fn error(&self, call: &Call<'_>, status: u16, code: &str, text: &str) -> Answer {
        if is_oauth(call.endpoint) {
            Answer::json(status, &json!({"reason": text, "error": code})).no_store()
        } else {
            let number = code.parse().unwrap_or(u32::from(status));
            Answer::json(status, &json!({"code": number, "message": text}))
        }
    }

    fn problem(&self, call: &Call<'_>, problem: &Problem) -> Answer {
        let (status, code, text) = problem.rfc6749();
        if is_oauth(call.endpoint) {
            let dead = matches!(problem, Problem::Refresh(_));
            let code = if dead { self.dead_refresh } else { code };
            return self.error(call, status, code, reason(problem).unwrap_or(&text));
        }
        match problem {
            Problem::NotFound => self.error(call, 404, "1001", "There is nothing here."),
            Problem::Token(_) | Problem::TokenMissing => {
                self.error(call, 401, "124", "Invalid access token.")
            }
            Problem::TooMany(_) => self.rate_limited(call, None),
            Problem::Uncovered(scope) => {
                let text = format!("Invalid access token, does not contain scopes:[{scope}].");
                self.error(call, 401, "4700", &text)
            }
            _ => self.error(call, 400, "300", &text),
        }
    }

    fn rate_limited(&self, call: &Call<'_>, retry_after: Option<&str>) -> Answer {
        let text = "You have reached the rate limit for this API.";
        let answer = self
            .error(call, 429, "429", text)
            .with("x-ratelimit-category", "Medium")
            .with("x-ratelimit-limit", "20")
            .with("x-ratelimit-remaining", "0");
        match (retry_after, self.rate_limit) {
            (Some(value), _) => answer.with("retry-after", value),
            (None, RateLimit::Daily) => answer
                .with("x-ratelimit-type", "Daily-limit")
                .with("retry-after", &iso(call.now - call.now % DAY + DAY)),
            (None, RateLimit::PerSecond) => answer
                .with("x-ratelimit-type", "QPS")
                .with("x-ratelimit-reset", &(call.now + 1).to_string()),
        }
    }

    fn announce(&mut self, desk: &mut Desk, news: &News<'_>) -> Result<Announcement, Misuse> {
        webhook::announce(self, desk, news)
    }
}

fn is_oauth(endpoint: Endpoint) -> bool {
    matches!(endpoint, Endpoint::Exchange | Endpoint::Refresh | Endpoint::Revoke)
}

/// What `reason` says at the OAuth addresses. The codes are documented, the texts around them are
/// not.
fn reason(problem: &Problem) -> Option<&'static str> {
    Some(match problem {
        Problem::Client | Problem::Secret => "Invalid client_id or client_secret (4702)",
        Problem::Code(Refused::Expired) => "Authorization code expired (4733)",
        Problem::Code(_) => "Invalid authorization code (4734)",
        Problem::GrantType => "Unsupported grant type (4705)",
        Problem::Missing(_) => "Client ID or client secret or grant is missing (4706)",
        Problem::Redirect => "Redirect URI mismatch (4709)",
        Problem::Refresh(Refused::Ended) => "The token has been revoked (4741)",
        Problem::Refresh(_) => "Invalid Token!",
        Problem::Token(_) => "Invalid token (4700)",
        _ => return None,
    })
}

const WEB_HOST: &str = "zoom.us";
const API_HOST: &str = "api.zoom.us";
const REGIONS: &[&str] = &["us", "eu", "uk", "in", "sg", "au", "ca", "sa"];
const DAY: i64 = 86_400;

/// The scopes that can be asked for here, granular and classic.
const SCOPES: &[&str] = &[
    "calendar:read:list_events",
    "calendar:write:event",
    "cloud_recording:read:list_recording_files",
    "cloud_recording:read:list_user_recordings",
    "cloud_recording:read:meeting_transcript",
    "meeting:delete:meeting",
    "meeting:read",
    "meeting:read:list_meetings",
    "meeting:read:list_past_participants",
    "meeting:read:list_registrants",
    "meeting:read:meeting",
    "meeting:read:summary",
    "meeting:update:meeting",
    "meeting:write",
    "meeting:write:meeting",
    "recording:read",
    "team_chat:write:user_message",
    "user:read",
    "user:read:email",
    "user:read:settings",
    "user:read:token",
    "user:read:user",
];

//! X as its documentation describes it: OAuth 2.0 with PKCE, the account, posts.
//!
//! From the pages (November 2026)
//! <https://docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code>,
//! <https://docs.x.com/fundamentals/developer-apps>,
//! <https://docs.x.com/x-api/fundamentals/response-codes-and-errors>,
//! <https://docs.x.com/x-api/fundamentals/rate-limits>,
//! <https://docs.x.com/x-api/webhooks/introduction>,
//! <https://docs.x.com/x-api/activity/introduction> and <https://api.x.com/2/openapi.json>. What the
//! pages leave open is a switch of [`X`]. Facts of an account: `username`, `premium` (long
//! posts), `protected` and `locked` (booleans).

mod posts;
mod user;
mod webhook;

use serde_json::json;

use crate::announcement::{Announcement, News};
use crate::call::Call;
use crate::desk::Desk;
use crate::ledger::{Grant, RefreshStyle};
use crate::message::{Answer, Incoming, Parameters};
use crate::oauth::{
    ClientAuth, Dialect, Ends, Facts, Pkce, Place, Problem, Revocation, caller, revoke,
};
use crate::play::Played;
use crate::{Endpoint, Misuse};

/// The switches of the emulated X; what [`X::new`] says is what the documentation says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct X {
    /// Ways in which clients authenticate: Basic, and the id alone without a secret. A secret in
    /// the form is reported to be refused.
    pub client_auth: Vec<ClientAuth>,
    /// Seconds for which a code is good: 30.
    pub code_lifetime: i64,
    /// The code for a dead code or refresh token: `invalid_request`.
    pub dead: &'static str,
    /// Whether the application has used up what it may post in a day.
    pub daily_cap: bool,
    /// Whether the application may be used with the API at all.
    pub enrolled: bool,
    /// Whether errors of the API are lists of numbers, as gateways write them.
    pub gateway_errors: bool,
    /// Whether the use of a replaced refresh token ends the grant, which is reported.
    pub reuse_ends_grant: bool,
    /// Whether the revocation of one token ends the other, which is not said.
    pub revokes_pair: bool,
    /// Whether the revocation of a token that is dead is an error, which is not said.
    pub refuses_dead: bool,
    /// Seconds for which a refresh token is good, which is not said: about six months.
    pub refresh_lifetime: i64,
    /// Whether the month's budget of the application is used up.
    pub usage_capped: bool,
}

impl X {
    /// X as documented.
    #[must_use]
    pub fn new() -> Self {
        Self {
            client_auth: vec![ClientAuth::Basic, ClientAuth::None],
            code_lifetime: 30,
            dead: "invalid_request",
            daily_cap: false,
            enrolled: true,
            gateway_errors: false,
            reuse_ends_grant: false,
            revokes_pair: false,
            refuses_dead: false,
            refresh_lifetime: 180 * 86_400,
            usage_capped: false,
        }
    }
}

impl Default for X {
    fn default() -> Self {
        Self::new()
    }
}

impl From<X> for Played {
    /// The site `x`.
    fn from(x: X) -> Self {
        Self::oauth("x", x)
    }
}

impl Dialect for X {
    fn hosts(&self) -> Vec<String> {
        [WEB_HOST, API_HOST].map(str::to_owned).to_vec()
    }

    fn facts(&self) -> Facts {
        Facts {
            pkce: Pkce::Required,
            pkce_methods: &["S256", "plain"],
            known_scopes: SCOPES,
            code_lifetime: self.code_lifetime,
            ends_old_grants: true,
            client_auth: self.client_auth.clone(),
            access_length: 91,
            access_lifetime: Some(7200),
            refresh_lifetime: Some(self.refresh_lifetime),
            refresh_style: RefreshStyle::Strict { kills_family: self.reuse_ends_grant },
            token_type: Some("bearer"),
            ..Facts::rfc6749("X")
        }
    }

    fn classify(&self, request: &Incoming) -> Endpoint {
        match (request.host.as_str(), request.path.as_str()) {
            (WEB_HOST, "/i/oauth2/authorize") => Endpoint::Authorize,
            (API_HOST, "/2/oauth2/token") => Endpoint::of_token(request, "refresh_token"),
            (API_HOST, "/2/oauth2/revoke") => Endpoint::Revoke,
            (API_HOST, "/2/users/me") => Endpoint::Identity,
            (API_HOST, path) if path.starts_with("/2/") => Endpoint::Api,
            _ => Endpoint::Unknown,
        }
    }

    /// The state has 500 characters at most.
    fn check_authorize(&self, _: &Call<'_>, query: &Parameters) -> Result<(), Problem> {
        let long = query.one("state").is_some_and(|state| state.chars().count() > 500);
        if long { Err(Problem::Value("state")) } else { Ok(()) }
    }

    fn gives_refresh(&self, grant: &Grant) -> bool {
        grant.scopes.iter().any(|scope| scope == "offline.access")
    }

    fn api(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        let caller = caller(desk, call, &[Place::Bearer])?;
        if !self.enrolled {
            return Err(Problem::Said(problem(403, "client-forbidden", "Client Forbidden", None)));
        }
        if self.usage_capped {
            return Err(Problem::Said(problem(429, "usage-capped", "UsageCapExceeded", None)));
        }
        let request = call.request;
        match (request.method.as_str(), request.segments().as_slice()) {
            ("GET", ["2", "users", "me"]) => user::me(desk, call, &caller),
            ("POST", ["2", "tweets"]) => posts::create(self, desk, call, &caller),
            ("DELETE", ["2", "tweets", id]) => posts::delete(desk, call, &caller, id),
            _ => Err(Problem::NotFound),
        }
    }

    fn revoke(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        let ends = if self.revokes_pair { Ends::Grant } else { Ends::Token };
        let how = Revocation {
            takes_expired: !self.refuses_dead,
            unknown_is_revoked: !self.refuses_dead,
            access_ends: ends,
            refresh_ends: ends,
            ..Revocation::rfc7009()
        };
        revoke(self, desk, call, &how)?;
        Ok(Answer::json(200, &json!({"revoked": true})))
    }

    fn announce(&mut self, desk: &mut Desk, news: &News<'_>) -> Result<Announcement, Misuse> {
        webhook::announce(desk, news)
    }

    fn error(&self, call: &Call<'_>, status: u16, code: &str, text: &str) -> Answer {
        if is_oauth(call.endpoint) {
            let body = json!({"error": code, "error_description": text});
            return Answer::json(status, &body).no_store();
        }
        if self.gateway_errors {
            let number: u32 = code.parse().unwrap_or(0);
            return Answer::json(status, &json!({"errors": [{"code": number, "message": text}]}));
        }
        if status == 200 {
            // Where nothing of what was asked for is there, the problems stand alone.
            let listed = json!({"title": code, "detail": text, "type": "about:blank"});
            return Answer::json(200, &json!({"errors": [listed]}));
        }
        problem(status, code, text, None)
    }

    fn problem(&self, call: &Call<'_>, problem: &Problem) -> Answer {
        let (status, code, text) = problem.rfc6749();
        if is_oauth(call.endpoint) {
            let of = |what: &str| format!("Value passed for the {what} was invalid.");
            return match problem {
                Problem::Client | Problem::Secret => self.error(
                    call,
                    401,
                    "unauthorized_client",
                    "Missing valid authorization header",
                ),
                Problem::Code(_) => self.error(call, 400, self.dead, &of("authorization code")),
                Problem::Refresh(_) | Problem::Token(_) => {
                    self.error(call, 400, self.dead, &of("token"))
                }
                Problem::Missing(name) => {
                    let text = format!("Missing required parameter [{name}].");
                    self.error(call, 400, "invalid_request", &text)
                }
                _ => self.error(call, status, code, &text),
            };
        }
        match problem {
            Problem::NotFound => self.error(call, 404, "resource-not-found", "Not Found Error"),
            Problem::Token(_) | Problem::TokenMissing => {
                self.error(call, 401, "about:blank", "Unauthorized")
            }
            Problem::TooMany(seconds) => self.rate_limited(call, Some(&seconds.to_string())),
            Problem::Uncovered(_) => {
                let text = "You are not permitted to perform this action.";
                self.error(call, 403, "about:blank", text)
            }
            _ => self.error(call, 400, "invalid-request", &text),
        }
    }

    /// There is no `Retry-After`: the window's end stands in a header.
    fn rate_limited(&self, call: &Call<'_>, retry_after: Option<&str>) -> Answer {
        let wait = retry_after.and_then(|wait| wait.parse().ok()).unwrap_or(WINDOW);
        self.error(call, 429, "rate-limit-exceeded", "Too Many Requests")
            .with("x-rate-limit-limit", "100")
            .with("x-rate-limit-remaining", "0")
            .with("x-rate-limit-reset", &(call.now + wait).to_string())
    }
}

/// A problem document.
fn problem(status: u16, kind: &str, title: &str, detail: Option<&str>) -> Answer {
    let address = match kind {
        "about:blank" => kind.to_owned(),
        kind => format!("https://api.x.com/2/problems/{kind}"),
    };
    let body = json!({
        "type": address,
        "title": title,
        "detail": detail.unwrap_or(title),
        "status": status,
    });
    Answer::new(status, "application/problem+json", body.to_string())
}

fn is_oauth(endpoint: Endpoint) -> bool {
    matches!(endpoint, Endpoint::Exchange | Endpoint::Refresh | Endpoint::Revoke)
}

const WEB_HOST: &str = "x.com";
const API_HOST: &str = "api.x.com";
/// Most limits are counted for a quarter of an hour.
const WINDOW: i64 = 900;

const SCOPES: &[&str] = &[
    "block.read",
    "block.write",
    "bookmark.read",
    "bookmark.write",
    "broadcast.read",
    "broadcast.write",
    "dm.read",
    "dm.write",
    "follows.read",
    "follows.write",
    "like.read",
    "like.write",
    "list.read",
    "list.write",
    "media.write",
    "mute.read",
    "mute.write",
    "offline.access",
    "space.read",
    "timeline.read",
    "tweet.moderate.write",
    "tweet.read",
    "tweet.write",
    "users.email",
    "users.read",
];

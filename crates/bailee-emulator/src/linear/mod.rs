//! Linear as its documentation describes it: GraphQL whose errors may come with any status, scopes
//! with commas, and a rate limit that may be a 400.
//!
//! From the pages (November 2026) <https://linear.app/developers/oauth-2-0-authentication>,
//! <https://linear.app/developers/rate-limiting> and <https://linear.app/developers/webhooks>. Facts
//! of an account: `organization_id`.

mod webhook;

use serde_json::json;

use crate::announcement::{Announcement, News};
use crate::call::Call;
use crate::desk::Desk;
use crate::ledger::RefreshStyle;
use crate::message::{Answer, Incoming};
use crate::mint::{hex, sha256};
use crate::oauth::{Dialect, Facts, Place, Problem, ScopeAnswer, caller};
use crate::play::Played;
use crate::registration::Account;
use crate::{Endpoint, Misuse};

/// The switches of the emulated Linear; what [`Linear::new`] says is what the documentation says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Linear {
    /// Seconds for which an access token is good: 86399.
    pub access_lifetime: i64,
    /// How many tokens a person who revokes one has left. With none, all that they allowed ends.
    pub active_tokens_left: u32,
    /// Whether the application is so old that token answers list scopes in an array.
    pub scopes_in_array: bool,
    /// The status of errors at the API, a limit that is reached among them: 400 or 200.
    pub error_status: u16,
    /// What becomes of a used refresh token, which is not said: dead at once.
    pub refresh_style: RefreshStyle,
}

impl Linear {
    /// Linear as documented.
    #[must_use]
    pub fn new() -> Self {
        Self {
            access_lifetime: 86_399,
            active_tokens_left: 0,
            scopes_in_array: false,
            error_status: 400,
            refresh_style: RefreshStyle::Strict { kills_family: false },
        }
    }
}

impl Default for Linear {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Linear> for Played {
    /// The site `linear`.
    fn from(linear: Linear) -> Self {
        Self::oauth("linear", linear)
    }
}

impl Dialect for Linear {
    fn hosts(&self) -> Vec<String> {
        vec!["linear.app".into(), "api.linear.app".into()]
    }

    fn facts(&self) -> Facts {
        let joined = ScopeAnswer::Joined(" ");
        Facts {
            separators: ",",
            known_scopes: SCOPES,
            access_lifetime: Some(self.access_lifetime),
            refresh_style: self.refresh_style,
            scope_answer: if self.scopes_in_array { ScopeAnswer::Array } else { joined },
            ..Facts::rfc6749("Linear")
        }
    }

    fn classify(&self, request: &Incoming) -> Endpoint {
        match (request.host.as_str(), request.path.as_str()) {
            ("linear.app", "/oauth/authorize") => Endpoint::Authorize,
            ("api.linear.app", "/oauth/token") => Endpoint::of_token(request, "refresh_token"),
            ("api.linear.app", "/oauth/revoke") => Endpoint::Revoke,
            ("api.linear.app", "/graphql") => {
                let query = query(request).unwrap_or_default();
                if query.contains("viewer") { Endpoint::Identity } else { Endpoint::Api }
            }
            _ => Endpoint::Unknown,
        }
    }

    fn api(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        let caller = caller(desk, call, &[Place::Bearer])?;
        if !call.request.is("POST") || call.request.path != "/graphql" {
            return Err(Problem::NotFound);
        }
        let query = query(call.request).ok_or(Problem::Missing("query"))?;
        caller.needs("read")?;
        let account = &caller.account;
        let data = if query.contains("viewer") {
            json!({
                "viewer": {"id": id("user", account), "name": account.display_name},
                "organization": {"id": id("organization", account), "name": "Fake Organization"},
            })
        } else if query.contains("issues") {
            json!({"issues": {
                "nodes": [{"id": id("issue", account), "title": "A fake issue"}],
                "pageInfo": {"hasNextPage": false, "endCursor": null},
            }})
        } else {
            return Err(Problem::Value("query"));
        };
        Ok(Answer::json(200, &json!({"data": data}))
            .with("x-ratelimit-requests-limit", "1500")
            .with("x-ratelimit-requests-remaining", "1499")
            .with("x-ratelimit-requests-reset", &((call.now + 3600) * 1000).to_string()))
    }

    fn announce(&mut self, desk: &mut Desk, news: &News<'_>) -> Result<Announcement, Misuse> {
        webhook::announce(self, desk, news)
    }

    fn error(&self, call: &Call<'_>, status: u16, code: &str, text: &str) -> Answer {
        if matches!(call.endpoint, Endpoint::Exchange | Endpoint::Refresh | Endpoint::Revoke) {
            return Answer::json(status, &json!({"error": code, "error_description": text}));
        }
        let body = json!({
            "errors": [{
                "message": text,
                "extensions": {"code": code, "type": code.to_lowercase(), "userError": true},
            }],
        });
        Answer::json(status, &body)
    }

    fn problem(&self, call: &Call<'_>, problem: &Problem) -> Answer {
        let (status, code, text) = problem.rfc6749();
        match problem {
            Problem::Token(_) | Problem::TokenMissing
                if !matches!(call.endpoint, Endpoint::Revoke) =>
            {
                self.error(call, 401, "AUTHENTICATION_ERROR", &text)
            }
            Problem::Uncovered(_) => self.error(call, self.error_status, "FORBIDDEN", &text),
            Problem::Missing("query") | Problem::Value("query") => {
                self.error(call, self.error_status, "INPUT_ERROR", &text)
            }
            Problem::TooMany(seconds) => self.rate_limited(call, Some(&seconds.to_string())),
            _ => self.error(call, status, code, &text),
        }
    }

    fn rate_limited(&self, call: &Call<'_>, retry_after: Option<&str>) -> Answer {
        let seconds: i64 = retry_after.and_then(|value| value.parse().ok()).unwrap_or(60);
        let answer = self
            .error(call, self.error_status, "RATELIMITED", "Rate limit exceeded.")
            .with("x-ratelimit-requests-remaining", "0")
            .with("x-ratelimit-requests-reset", &((call.now + seconds) * 1000).to_string());
        match retry_after {
            Some(value) => answer.with("retry-after", value),
            None => answer,
        }
    }
}

fn query(request: &Incoming) -> Option<String> {
    Some(request.json()?.get("query")?.as_str()?.to_owned())
}

fn id(what: &str, account: &Account) -> String {
    if let Some(known) = account.facts.get(&format!("{what}_id")).and_then(|fact| fact.as_str()) {
        return known.to_owned();
    }
    hex(&sha256(format!("linear:{what}:{}", account.id).as_bytes())[..16])
}

const SCOPES: &[&str] = &["admin", "comments:create", "issues:create", "read", "write"];

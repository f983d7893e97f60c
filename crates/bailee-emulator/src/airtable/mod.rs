//! Airtable as its documentation describes it: OAuth integrations, bases and records.
//!
//! From the pages (November 2026) <https://airtable.com/developers/web/api/oauth-reference>,
//! <https://airtable.com/developers/web/api/errors>,
//! <https://airtable.com/developers/web/api/rate-limits>,
//! <https://airtable.com/developers/web/api/list-records> and
//! <https://support.airtable.com/docs/troubleshooting-oauth-integrations-in-airtable>. What the
//! pages leave open is a switch of [`Airtable`]. The fact `bases` of an account lists those that it
//! picks at consent, as objects of `id`, `name` and `tables`: an object from a table's name to one
//! from a field's name to its kind, `text` or `number`.

mod bases;
mod records;

use std::collections::BTreeMap;

use serde_json::json;

use crate::Endpoint;
use crate::call::Call;
use crate::desk::Desk;
use crate::ledger::{Grant, RefreshStyle, TokenKind};
use crate::message::{Answer, Incoming, Parameters};
use crate::oauth::{ClientAuth, Dialect, Facts, Pkce, Place, Problem, caller};
use crate::play::Played;

/// The switches of the emulated Airtable; what [`Airtable::new`] says is what the documentation
/// says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Airtable {
    /// Whether a state has to have 16 to 1024 characters, which is hearsay.
    pub bounded_state: bool,
    /// Seconds for which a code is good, which is not said: 600.
    pub code_lifetime: i64,
    /// Seconds for which a list can be gone on with, which is not said: 300.
    pub iterator_lifetime: i64,
    /// Whether the month's calls of the person's plan are used up.
    pub quota_used: bool,
    /// Seconds for which a refresh token is good: 60 days.
    pub refresh_lifetime: i64,
    /// What a 429 says in `Retry-After`, which is not dependable: nothing.
    pub retry_after: Option<String>,
    /// Whether all errors of the API are the type alone, which some are.
    pub string_errors: bool,
    /// When a base that was asked too often answers again.
    penalties: BTreeMap<String, i64>,
}

impl Airtable {
    /// Airtable as documented.
    #[must_use]
    pub fn new() -> Self {
        Self {
            bounded_state: true,
            code_lifetime: 600,
            iterator_lifetime: 300,
            quota_used: false,
            refresh_lifetime: 60 * 86_400,
            retry_after: None,
            string_errors: false,
            penalties: BTreeMap::new(),
        }
    }
}

impl Default for Airtable {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Airtable> for Played {
    /// The site `airtable`.
    fn from(airtable: Airtable) -> Self {
        Self::oauth("airtable", airtable)
    }
}

impl Dialect for Airtable {
    fn hosts(&self) -> Vec<String> {
        ["airtable.com", "www.airtable.com", API_HOST].map(str::to_owned).to_vec()
    }

    fn facts(&self) -> Facts {
        Facts {
            pkce: Pkce::Required,
            known_scopes: SCOPES,
            code_lifetime: self.code_lifetime,
            client_auth: vec![ClientAuth::Basic, ClientAuth::None],
            access_prefix: "oaa",
            access_lifetime: Some(3600),
            refresh_prefix: "oar",
            refresh_lifetime: Some(self.refresh_lifetime),
            refresh_style: RefreshStyle::Strict { kills_family: true },
            refresh_expiry: Some("refresh_expires_in"),
            ends_old_access: true,
            ..Facts::rfc6749("Airtable")
        }
    }

    fn classify(&self, request: &Incoming) -> Endpoint {
        match (request.host == API_HOST, request.path.as_str()) {
            (false, "/oauth2/v1/authorize") => Endpoint::Authorize,
            (false, "/oauth2/v1/token") => Endpoint::of_token(request, "refresh_token"),
            (true, "/v0/meta/whoami") => Endpoint::Identity,
            (true, path) if path.starts_with("/v0/") => Endpoint::Api,
            _ => Endpoint::Unknown,
        }
    }

    fn check_authorize(&self, _: &Call<'_>, query: &Parameters) -> Result<(), Problem> {
        let state = query.one("state").map(|state| state.chars().count());
        let bounds = state.is_some_and(|length| !(16..=1024).contains(&length));
        if self.bounded_state && bounds { Err(Problem::Value("state")) } else { Ok(()) }
    }

    /// Refresh tokens have at least 64 characters.
    fn mint(&self, desk: &mut Desk, kind: TokenKind, _: &Grant) -> String {
        match kind {
            TokenKind::Access => desk.issue_long("oaa", 64),
            TokenKind::Refresh => desk.issue_long("oar", 72),
        }
    }

    fn api(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        let caller = caller(desk, call, &[Place::Bearer])?;
        let request = call.request;
        match (request.method.as_str(), request.segments().as_slice()) {
            ("GET", ["v0", "meta", "whoami"]) => Ok(bases::whoami(&caller)),
            ("GET", ["v0", "meta", "bases"]) => bases::list(call, &caller),
            (_, ["v0", "meta", ..]) => Err(Problem::NotFound),
            (method, ["v0", base, table]) => {
                if self.quota_used {
                    let text = "The API billing plan limit has been exceeded";
                    let body = json!({"errors": [{
                        "error": "PUBLIC_API_BILLING_LIMIT_EXCEEDED", "message": text,
                    }]});
                    return Err(Problem::Said(Answer::json(429, &body)));
                }
                self.count(desk, call, base)?;
                match method {
                    "GET" => records::list(self, desk, call, &caller, base, table),
                    "POST" => records::create(desk, call, &caller, base, table),
                    _ => Err(Problem::NotFound),
                }
            }
            _ => Err(Problem::NotFound),
        }
    }

    fn error(&self, call: &Call<'_>, status: u16, code: &str, text: &str) -> Answer {
        if is_oauth(call.endpoint) {
            let body = json!({"error": code, "error_description": text});
            return Answer::json(status, &body).no_store();
        }
        if self.string_errors || status == 404 {
            return Answer::json(status, &json!({"error": code}));
        }
        Answer::json(status, &json!({"error": {"type": code, "message": text}}))
    }

    fn problem(&self, call: &Call<'_>, problem: &Problem) -> Answer {
        let (status, code, text) = problem.rfc6749();
        if is_oauth(call.endpoint) {
            return self.error(call, status, code, &text);
        }
        let missing = "Invalid permissions, or the requested model was not found.";
        match problem {
            Problem::BodyType => self.error(call, 422, "INVALID_REQUEST_BODY", &text),
            Problem::NotFound => self.error(call, 404, "NOT_FOUND", &text),
            Problem::Token(_) | Problem::TokenMissing => {
                self.error(call, 401, "AUTHENTICATION_REQUIRED", "Authentication required")
            }
            Problem::TooMany(_) => self.rate_limited(call, None),
            Problem::Uncovered(_) => {
                self.error(call, 403, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND", missing)
            }
            _ => self.error(call, 422, "INVALID_REQUEST_UNKNOWN", &text),
        }
    }

    fn rate_limited(&self, call: &Call<'_>, retry_after: Option<&str>) -> Answer {
        let text = "Rate limit exceeded. Please try again later";
        let answer = self.error(call, 429, "RATE_LIMIT_REACHED", text);
        match retry_after.or(self.retry_after.as_deref()) {
            Some(value) => answer.with("retry-after", value),
            None => answer,
        }
    }
}

impl Airtable {
    /// Five requests a second for a base. Whoever sends one more waits for half a minute.
    fn count(&mut self, desk: &mut Desk, call: &Call<'_>, base: &str) -> Result<(), Problem> {
        if let Some(until) = self.penalties.get(base).filter(|until| **until > call.now) {
            return Err(Problem::TooMany(until - call.now));
        }
        desk.limits.hit(format!("base {base}"), 5, 1, call.now).map_err(|_| {
            self.penalties.insert(base.to_owned(), call.now + PENALTY);
            Problem::TooMany(PENALTY)
        })
    }
}

fn is_oauth(endpoint: Endpoint) -> bool {
    matches!(endpoint, Endpoint::Exchange | Endpoint::Refresh)
}

const API_HOST: &str = "api.airtable.com";
const PENALTY: i64 = 30;

const SCOPES: &[&str] = &[
    "block:manage",
    "data.recordComments:read",
    "data.recordComments:write",
    "data.records:read",
    "data.records:write",
    "schema.bases:read",
    "schema.bases:write",
    "user.email:read",
    "webhook:manage",
    "workspacesAndBases:read",
    "workspacesAndBases:write",
];

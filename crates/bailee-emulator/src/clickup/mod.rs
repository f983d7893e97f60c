//! ClickUp as its documentation describes it: an application's OAuth without scopes, refresh and
//! revocation, the person, the workspaces that they ticked, spaces, lists and tasks.
//!
//! From the pages (November 2026) <https://developer.clickup.com/docs/authentication>,
//! <https://developer.clickup.com/docs/common_errors>,
//! <https://developer.clickup.com/docs/rate-limits> and
//! <https://developer.clickup.com/reference/createtask>. What the pages leave open is a switch of
//! [`ClickUp`]. Facts of an account: `user_id` (a number), and `workspaces` (an array of ids).
//! The consent page lets the person tick workspaces by their ids. Every workspace has one space,
//! whose id is the workspace's and `01`, and that one list, whose id is the space's and `01`.

mod hierarchy;
mod tasks;
mod user;

use serde_json::json;

use crate::Endpoint;
use crate::call::Call;
use crate::desk::Desk;
use crate::ledger::RefreshStyle;
use crate::message::{Answer, Incoming};
use crate::oauth::{
    Caller, Carrier, ClientAuth, Dialect, Facts, Issued, Need, Pkce, Place, Problem, ScopeAnswer,
    caller,
};
use crate::play::Played;
use crate::token_answer::TokenAnswer;

/// The switches of the emulated ClickUp; what [`ClickUp::new`] says is what the documentation says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClickUp {
    /// What carries id, secret and code: the query is documented, forms and JSON are seen to work.
    pub carriers: Vec<Carrier>,
    /// Seconds for which a code is good, which is not said: 600.
    pub code_lifetime: i64,
    /// The code for one that was used or is wrong, whose number is not sure: `OAUTH_014`.
    pub dead_code: &'static str,
    /// Whether another authorization ends the token of the one before, which is not said.
    pub ends_old_grants: bool,
    /// Requests a minute and token: 100 in the smaller plans.
    pub per_minute: usize,
    /// What becomes of parameters of PKCE, which are not documented: nothing.
    pub pkce: Pkce,
    /// Whether a refusal by the person comes back as an error, which is not said.
    pub says_denial: bool,
    /// Whether the token answer names the token's type: some see it.
    pub says_type: bool,
}

impl ClickUp {
    /// ClickUp as documented.
    #[must_use]
    pub fn new() -> Self {
        Self {
            carriers: vec![Carrier::Query, Carrier::Form, Carrier::Json],
            code_lifetime: 600,
            dead_code: "OAUTH_014",
            ends_old_grants: false,
            per_minute: 100,
            pkce: Pkce::Ignored,
            says_denial: true,
            says_type: false,
        }
    }
}

impl Default for ClickUp {
    fn default() -> Self {
        Self::new()
    }
}

impl From<ClickUp> for Played {
    /// The site `clickup`.
    fn from(clickup: ClickUp) -> Self {
        Self::oauth("clickup", clickup)
    }
}

impl Dialect for ClickUp {
    fn hosts(&self) -> Vec<String> {
        [WEB_HOST, API_HOST].map(str::to_owned).to_vec()
    }

    fn facts(&self) -> Facts {
        Facts {
            response_type: Need::Ignored,
            pkce: self.pkce,
            shows_problems: true,
            scopes: Need::Ignored,
            granular: true,
            code_lifetime: self.code_lifetime,
            ends_old_grants: self.ends_old_grants,
            carriers: self.carriers.clone(),
            client_auth: vec![ClientAuth::Body],
            grant_type: Need::Optional,
            redirect_at_token: Need::Ignored,
            access_prefix: "",
            access_lifetime: None,
            refresh_style: RefreshStyle::None,
            token_type: self.says_type.then_some("Bearer"),
            says_expiry: false,
            scope_answer: ScopeAnswer::Absent,
            ..Facts::rfc6749("ClickUp")
        }
    }

    fn classify(&self, request: &Incoming) -> Endpoint {
        match (request.host.as_str(), request.segments().as_slice()) {
            (WEB_HOST, ["api"]) => Endpoint::Authorize,
            (API_HOST, ["api", "v2", "oauth", "token"]) => Endpoint::Exchange,
            (API_HOST, ["api", "v2", "user"]) => Endpoint::Identity,
            (API_HOST, ["api", "v2", ..]) => Endpoint::Api,
            _ => Endpoint::Unknown,
        }
    }

    fn offers(&self, desk: &Desk, _: Vec<String>) -> Vec<String> {
        let mut all: Vec<String> = desk.accounts.iter().flat_map(user::workspaces).collect();
        all.sort();
        all.dedup();
        all
    }

    fn api(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        let caller = token(desk, call)?;
        let who = format!("calls of {}", caller.token);
        desk.limits.hit(&who, self.per_minute, 60, call.now).map_err(Problem::TooMany)?;
        let (left, until) = desk.limits.room(&who, self.per_minute, 60, call.now);
        let request = call.request;
        let done = match (request.method.as_str(), request.segments().as_slice()) {
            ("GET", ["api", "v2", "user"]) => Ok(user::profile(&caller)),
            ("GET", ["api", "v2", "team"]) => Ok(user::teams(desk, &caller)),
            ("GET", ["api", "v2", "team", team, "space"]) => hierarchy::spaces(&caller, team),
            ("GET", ["api", "v2", "space", space, "list"]) => hierarchy::lists(&caller, space),
            ("GET", ["api", "v2", "space", space, "folder"]) => hierarchy::folders(&caller, space),
            ("POST", ["api", "v2", "list", list, "task"]) => {
                tasks::create(desk, call, &caller, list)
            }
            _ => Err(Problem::NotFound),
        };
        let limit = |answer: Answer| {
            answer
                .with("x-ratelimit-limit", &self.per_minute.to_string())
                .with("x-ratelimit-remaining", &left.to_string())
                .with("x-ratelimit-reset", &(call.now + until).to_string())
        };
        done.map(limit)
    }

    fn token_answer(&self, _: &mut Desk, issued: &Issued) -> TokenAnswer {
        issued.flat(&self.facts())
    }

    fn refusal(&self, problem: &Problem) -> Vec<(&'static str, String)> {
        if !self.says_denial {
            return Vec::new();
        }
        let (_, code, _) = problem.rfc6749();
        vec![("error", code.to_owned())]
    }

    fn error(&self, _: &Call<'_>, status: u16, code: &str, text: &str) -> Answer {
        Answer::json(status, &json!({"err": text, "ECODE": code}))
    }

    fn problem(&self, call: &Call<'_>, problem: &Problem) -> Answer {
        let (status, code, text) = match problem {
            Problem::Client | Problem::Secret => (401, "OAUTH_010", "Client not found"),
            Problem::Code(_) => (400, self.dead_code, "Code already used"),
            Problem::Missing(_) => (400, "OAUTH_017", "A parameter is missing"),
            Problem::NotFound => (404, "APP_001", "Route not found"),
            Problem::TokenMissing => (400, "OAUTH_017", "Authorization header required"),
            Problem::Token(_) => (401, "OAUTH_025", "Token invalid"),
            Problem::TooMany(seconds) => return self.limited(call, *seconds),
            Problem::Uncovered(_) => (401, "OAUTH_027", "Team not authorized"),
            Problem::Value("name") => (400, "INPUT_005", "Task name invalid"),
            Problem::Value("list") => (404, "ITEM_015", "List not found"),
            Problem::Value(_) => (400, "INPUT_001", "Input invalid"),
            _ => (400, "INPUT_000", "Input invalid"),
        };
        self.error(call, status, code, text)
    }

    fn rate_limited(&self, call: &Call<'_>, retry_after: Option<&str>) -> Answer {
        match retry_after.map(str::parse) {
            None => self.limited(call, 60),
            Some(Ok(seconds)) => self.limited(call, seconds),
            Some(Err(_)) => {
                self.limited(call, 60).with("retry-after", retry_after.unwrap_or_default())
            }
        }
    }
}

impl ClickUp {
    /// There is no `Retry-After`: the reset is a time.
    fn limited(&self, call: &Call<'_>, seconds: i64) -> Answer {
        self.error(call, 429, "APP_002", "Rate limit reached")
            .with("x-ratelimit-limit", &self.per_minute.to_string())
            .with("x-ratelimit-remaining", "0")
            .with("x-ratelimit-reset", &(call.now + seconds).to_string())
    }
}

/// Tokens of OAuth come with the word Bearer, personal ones (`pk_…`) without.
fn token(desk: &mut Desk, call: &Call<'_>) -> Result<Caller, Problem> {
    let bare = call.request.bearer().is_none();
    let place = if bare { Place::Header("authorization") } else { Place::Bearer };
    let personal = place.find(call.request).is_some_and(|token| token.starts_with("pk_"));
    let found = caller(desk, call, &[place])?;
    if personal == bare { Ok(found) } else { Err(Problem::TokenMissing) }
}

const WEB_HOST: &str = "app.clickup.com";
const API_HOST: &str = "api.clickup.com";

//! Asana as its documentation describes it: OAuth with a refresh token that stays, the person, the
//! lists of workspaces and projects, the creation of tasks.
//!
//! From the pages (November 2026) <https://developers.asana.com/docs/oauth>,
//! <https://developers.asana.com/docs/oauth-scopes>, <https://developers.asana.com/docs/errors>,
//! <https://developers.asana.com/docs/rate-limits> and
//! <https://developers.asana.com/reference/createtask>. What the pages leave open is a switch of
//! [`Asana`]. Facts of an account: `gid` (a text), and `workspaces` (an array of gids). Each
//! workspace has three projects, whose gids are the workspace's with 1 to 3 behind it.

mod places;
mod tasks;
mod user;

use serde_json::{Map, Value, json};

use crate::Endpoint;
use crate::call::Call;
use crate::desk::Desk;
use crate::ledger::RefreshStyle;
use crate::message::{Answer, Incoming, Parameters};
use crate::oauth::{
    Caller, ClientAuth, Dialect, Facts, Issued, Need, Place, Problem, Revocation, ScopeAnswer,
    Takes, caller, revoke,
};
use crate::play::Played;
use crate::token_answer::TokenAnswer;

/// The switches of the emulated Asana; what [`Asana::new`] says is what the documentation says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Asana {
    /// Seconds for which an access token is good: 3600.
    pub access_lifetime: i64,
    /// Seconds for which a code is good, which is not said: 600.
    pub code_lifetime: i64,
    /// Whether an administrator turned the application off: then every call is a 401.
    pub disabled: bool,
    /// Whether a refresh ends the earlier access tokens, which nothing says.
    pub ends_old_access: bool,
    /// Whether the application has granular scopes; otherwise it has full permissions.
    pub granular: bool,
    /// Whether token answers have the person's id as a number in `id`, as older ones had.
    pub old_ids: bool,
    /// Requests a minute and token: 150 in free domains. Refused ones count too.
    pub per_minute: usize,
    /// Whether token answers name the person, which the pages show.
    pub says_person: bool,
    /// Whether a refresh without the redirect address is refused, which is listed as a parameter.
    pub wants_redirect_at_refresh: bool,
}

impl Asana {
    /// Asana as documented, with an application of granular scopes.
    #[must_use]
    pub fn new() -> Self {
        Self {
            access_lifetime: 3600,
            code_lifetime: 600,
            disabled: false,
            ends_old_access: false,
            granular: true,
            old_ids: false,
            per_minute: 150,
            says_person: true,
            wants_redirect_at_refresh: true,
        }
    }
}

impl Default for Asana {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Asana> for Played {
    /// The site `asana`.
    fn from(asana: Asana) -> Self {
        Self::oauth("asana", asana)
    }
}

impl Dialect for Asana {
    fn hosts(&self) -> Vec<String> {
        vec![HOST.to_owned()]
    }

    fn facts(&self) -> Facts {
        Facts {
            state: Need::Required,
            known_scopes: if self.granular { SCOPES } else { FULL },
            scopes: if self.granular { Need::Required } else { Need::Optional },
            code_lifetime: self.code_lifetime,
            client_auth: vec![ClientAuth::Body, ClientAuth::None],
            access_lifetime: Some(self.access_lifetime),
            refresh_style: RefreshStyle::Stable { echoed: false },
            ends_old_access: self.ends_old_access,
            token_type: Some("bearer"),
            scope_answer: ScopeAnswer::Absent,
            ..Facts::rfc6749("Asana")
        }
    }

    fn classify(&self, request: &Incoming) -> Endpoint {
        match request.path.as_str() {
            "/-/oauth_authorize" => Endpoint::Authorize,
            "/-/oauth_token" => Endpoint::of_token(request, "refresh_token"),
            "/-/oauth_revoke" => Endpoint::Revoke,
            "/api/1.0/users/me" => Endpoint::Identity,
            path if path.starts_with("/api/1.0/") => Endpoint::Api,
            _ => Endpoint::Unknown,
        }
    }

    /// Without scopes an application with full permissions gets everything.
    fn offers(&self, _: &Desk, asked: Vec<String>) -> Vec<String> {
        if asked.is_empty() && !self.granular { vec!["default".to_owned()] } else { asked }
    }

    fn check_token(&self, call: &Call<'_>, parameters: &Parameters) -> Result<(), Problem> {
        let left_out = parameters.one("redirect_uri").is_none();
        if call.endpoint == Endpoint::Refresh && self.wants_redirect_at_refresh && left_out {
            return Err(Problem::Missing("redirect_uri"));
        }
        Ok(())
    }

    fn api(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        let caller = caller(desk, call, &[Place::Bearer])?;
        if self.disabled {
            return Err(Problem::TokenMissing);
        }
        let who = format!("calls of {}", caller.token);
        desk.limits.press(&who, self.per_minute, 60, call.now).map_err(Problem::TooMany)?;
        let request = call.request;
        match (request.method.as_str(), request.segments().as_slice()) {
            ("GET", ["api", _, "users", "me"]) => user::me(call, &caller),
            ("GET", ["api", _, "workspaces"]) => places::workspaces(call, &caller),
            ("GET", ["api", _, "projects"]) => places::projects(call, &caller),
            ("POST", ["api", _, "tasks"]) => tasks::create(desk, call, &caller),
            // What has no granular scope is closed to granular applications.
            ("GET", ["api", _, "projects", _, "sections"]) => {
                caller.needs("default")?;
                Ok(Answer::json(200, &json!({"data": []})))
            }
            _ => Err(Problem::NotFound),
        }
    }

    fn token_answer(&self, _: &mut Desk, issued: &Issued) -> TokenAnswer {
        let mut answer = issued.flat(&self.facts());
        if self.says_person {
            let gid = user::gid(&issued.account);
            let mut data = Map::new();
            if self.old_ids {
                data.insert("id".into(), json!(gid.parse::<u64>().unwrap_or_default()));
            } else {
                data.insert("id".into(), json!(gid));
                data.insert("gid".into(), json!(gid));
            }
            data.insert("name".into(), json!(issued.account.display_name));
            data.insert("email".into(), json!(issued.account.email));
            answer.add("data", Value::Object(data));
        }
        answer
    }

    fn revoke(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        let how = Revocation { takes: Takes::Refresh, ..Revocation::rfc7009() };
        revoke(self, desk, call, &how)?;
        Ok(Answer::json(200, &json!({})))
    }

    fn refusal(&self, problem: &Problem) -> Vec<(&'static str, String)> {
        let (_, code, text) = problem.rfc6749();
        let known = |scope: &String| self.knows_scope(scope);
        let forbidden = matches!(problem, Problem::Scope(scope) if known(scope));
        let code = if forbidden { "forbidden_scopes" } else { code };
        vec![("error", code.to_owned()), ("error_description", text)]
    }

    fn error(&self, call: &Call<'_>, status: u16, code: &str, text: &str) -> Answer {
        if matches!(call.endpoint, Endpoint::Exchange | Endpoint::Refresh | Endpoint::Revoke) {
            let body = json!({"error": code, "error_description": text});
            return Answer::json(status, &body).no_store();
        }
        let help = "For more information on API status codes, see the page on errors.";
        let mut error = json!({"message": text, "help": help});
        if status >= 500 {
            error["phrase"] = json!("6 sad squid snuggle softly");
        }
        Answer::json(status, &json!({"errors": [error]}))
    }

    fn problem(&self, call: &Call<'_>, problem: &Problem) -> Answer {
        if let Problem::TooMany(seconds) = problem {
            return self.rate_limited(call, Some(&seconds.to_string()));
        }
        let (status, code, text) = problem.rfc6749();
        match problem {
            Problem::Token(_) | Problem::TokenMissing => {
                self.error(call, status, code, "Not Authorized")
            }
            Problem::Uncovered(_) => self.error(call, 403, code, "Forbidden"),
            Problem::NotFound => self.error(call, 404, code, "Not Found"),
            _ => self.error(call, status, code, &text),
        }
    }

    fn rate_limited(&self, call: &Call<'_>, retry_after: Option<&str>) -> Answer {
        let text = "You have made too many requests recently. Please, be chill.";
        let answer = self.error(call, 429, "rate_limit_exceeded", text);
        match retry_after {
            Some(value) => answer.with("retry-after", value),
            None => answer,
        }
    }
}

/// Demands a granular scope, which full permissions contain.
fn needs(caller: &Caller, scope: &str) -> Result<(), Problem> {
    if caller.may("default") { Ok(()) } else { caller.needs(scope) }
}

/// The fields of an object that the call asked for; `gid` and `resource_type` always come.
fn chosen(call: &Call<'_>, compact: &[&str], mut whole: Value) -> Value {
    let query = call.request.query();
    let asked: Option<Vec<&str>> = query.one("opt_fields").map(|text| text.split(',').collect());
    if let Value::Object(members) = &mut whole {
        members.retain(|name, _| {
            let name = name.as_str();
            let wanted = match &asked {
                Some(asked) => asked.contains(&name),
                None => compact.is_empty() || compact.contains(&name),
            };
            wanted || ["gid", "resource_type"].contains(&name)
        });
    }
    whole
}

const HOST: &str = "app.asana.com";

/// The scopes of an application with full permissions.
const FULL: &[&str] = &["default", "email", "openid", "profile"];

/// The granular scopes that there are here.
const SCOPES: &[&str] = &[
    "attachments:delete",
    "attachments:read",
    "attachments:write",
    "custom_fields:read",
    "custom_fields:write",
    "email",
    "goals:read",
    "jobs:read",
    "ooo_entries:read",
    "openid",
    "portfolios:read",
    "portfolios:write",
    "profile",
    "project_templates:read",
    "projects:delete",
    "projects:read",
    "projects:write",
    "roles:read",
    "stories:read",
    "stories:write",
    "tags:read",
    "tags:write",
    "task_templates:read",
    "tasks:delete",
    "tasks:read",
    "tasks:write",
    "team_memberships:read",
    "teams:read",
    "time_tracking_entries:read",
    "users:read",
    "webhooks:delete",
    "webhooks:read",
    "webhooks:write",
    "workspace.typeahead:read",
    "workspaces:read",
];

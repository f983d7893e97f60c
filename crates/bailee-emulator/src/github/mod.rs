//! GitHub as its documentation describes it: OAuth Apps, user tokens of GitHub Apps, the
//! administration of tokens, the profile, repositories and issues.
//!
//! From the pages (November 2026)
//! <https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps>,
//! <https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-user-access-token-for-a-github-app>,
//! <https://docs.github.com/en/rest/apps/oauth-applications>,
//! <https://docs.github.com/en/rest/issues/issues> and
//! <https://docs.github.com/en/webhooks/webhook-events-and-payloads>. What the pages leave open is a switch of
//! [`GitHub`]. A client whose id begins with `Iv` is a GitHub App, and the scopes of its
//! registration are its permissions. Each account owns the repositories `hello` (public) and
//! `secret` (private). Redirect addresses are compared more strictly than GitHub compares them, and
//! a grant is not widened by an earlier one.

mod administration;
mod issues;
mod repositories;
mod user;
mod webhook;

use serde_json::json;

use crate::announcement::{Announcement, News};
use crate::call::Call;
use crate::desk::Desk;
use crate::ledger::{Grant, RefreshStyle, Refused, TokenKind};
use crate::message::{Answer, Incoming, Parameters};
use crate::oauth::{
    Caller, Carrier, ClientAuth, Dialect, Facts, Issued, Need, Place, Problem, ScopeAnswer, caller,
};
use crate::play::Played;
use crate::token_answer::{Encoding, TokenAnswer};
use crate::{Endpoint, Misuse};

/// The switches of the emulated GitHub; what [`GitHub::new`] says is what the documentation says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GitHub {
    /// Seconds for which an expiring access token is good: 8 hours.
    pub access_lifetime: i64,
    /// Whether user tokens of GitHub Apps expire, which an application may turn off.
    pub apps_expire: bool,
    /// Whether issues are turned off everywhere.
    pub issues_off: bool,
    /// The status of limits: 403 and 429 both occur.
    pub limit_status: u16,
    /// Whether tokens of OAuth Apps expire: by default those of new applications do, as is
    /// reported. With `offline_access` they do in any case.
    pub oauth_apps_expire: bool,
    /// Seconds for which a refresh token is good: 15897600.
    pub refresh_lifetime: i64,
    /// The owners whose repositories want a single sign-on that no token has.
    pub single_sign_on: Vec<String>,
    /// Whether webhooks come as forms, as an application may configure them.
    pub webhook_form: bool,
}

impl GitHub {
    /// GitHub as documented.
    #[must_use]
    pub fn new() -> Self {
        Self {
            access_lifetime: 28_800,
            apps_expire: true,
            issues_off: false,
            limit_status: 403,
            oauth_apps_expire: false,
            refresh_lifetime: 15_897_600,
            single_sign_on: Vec::new(),
            webhook_form: false,
        }
    }
}

impl Default for GitHub {
    fn default() -> Self {
        Self::new()
    }
}

impl From<GitHub> for Played {
    /// The site `github`.
    fn from(github: GitHub) -> Self {
        Self::oauth("github", github)
    }
}

impl Dialect for GitHub {
    fn hosts(&self) -> Vec<String> {
        vec![WEB_HOST.to_owned(), API_HOST.to_owned()]
    }

    fn facts(&self) -> Facts {
        Facts {
            response_type: Need::Ignored,
            redirect_uri: Need::Optional,
            known_scopes: SCOPES,
            scopes: Need::Optional,
            carriers: vec![Carrier::Form, Carrier::Json, Carrier::Query],
            client_auth: vec![ClientAuth::Body],
            grant_type: Need::Optional,
            redirect_at_token: Need::Optional,
            refresh_prefix: "ghr_",
            // Both old tokens stop working at once. That a reuse ends the grant is not said.
            refresh_style: RefreshStyle::Strict { kills_family: false },
            ends_old_access: true,
            token_type: Some("bearer"),
            refresh_expiry: Some("refresh_token_expires_in"),
            scope_answer: ScopeAnswer::Absent,
            ..Facts::rfc6749("GitHub")
        }
    }

    fn classify(&self, request: &Incoming) -> Endpoint {
        if request.host == WEB_HOST {
            return match request.path.as_str() {
                "/login/oauth/authorize" => Endpoint::Authorize,
                "/login/oauth/access_token" => Endpoint::of_token(request, "refresh_token"),
                _ => Endpoint::Unknown,
            };
        }
        match (request.method.as_str(), request.segments().as_slice()) {
            ("GET", ["user"]) => Endpoint::Identity,
            ("POST", ["applications", _, "token"]) => Endpoint::Introspect,
            ("DELETE", ["applications", _, "token" | "grant"]) => Endpoint::Revoke,
            _ => Endpoint::Api,
        }
    }

    fn methods(&self, endpoint: Endpoint) -> &'static [&'static str] {
        match endpoint {
            Endpoint::Authorize => &["GET"],
            Endpoint::Consent | Endpoint::Exchange | Endpoint::Refresh => &["POST"],
            _ => &[],
        }
    }

    fn client_auth(&self, endpoint: Endpoint) -> Vec<ClientAuth> {
        match endpoint {
            Endpoint::Introspect | Endpoint::Revoke => vec![ClientAuth::BasicRaw],
            _ => vec![ClientAuth::Body],
        }
    }

    fn api(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        self.greeting(call)?;
        if call.endpoint == Endpoint::Introspect {
            return administration::check(self, desk, call);
        }
        let caller = caller(desk, call, &[Place::Bearer])?;
        desk.limits
            .hit(format!("calls of {}", caller.account.id), 5000, 3600, call.now)
            .map_err(Problem::TooMany)?;
        let request = call.request;
        let answer = match (request.method.as_str(), request.segments().as_slice()) {
            ("GET", ["user"]) => user::profile(&caller),
            ("GET", ["user", "repos"]) => repositories::list(request, &caller)?,
            ("POST", ["repos", owner, name, "issues"]) => {
                issues::create(self, desk, call, &caller, (owner, name))?
            }
            _ => return Err(Problem::NotFound),
        };
        Ok(scoped(answer, &caller))
    }

    fn revoke(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        self.greeting(call)?;
        administration::delete(self, desk, call)
    }

    fn lifetime(&self, kind: TokenKind, grant: &Grant, _: bool) -> Option<i64> {
        let lifetime = match kind {
            TokenKind::Access => self.access_lifetime,
            TokenKind::Refresh => self.refresh_lifetime,
        };
        self.expires(grant).then_some(lifetime)
    }

    fn gives_refresh(&self, grant: &Grant) -> bool {
        self.expires(grant)
    }

    fn mint(&self, desk: &mut Desk, kind: TokenKind, grant: &Grant) -> String {
        match kind {
            TokenKind::Access if is_app(&grant.client) => desk.issue("ghu_"),
            TokenKind::Access => desk.issue("gho_"),
            TokenKind::Refresh => desk.issue("ghr_"),
        }
    }

    fn token_answer(&self, _: &mut Desk, issued: &Issued) -> TokenAnswer {
        let mut answer = issued.flat(&self.facts());
        let scopes = issued.credentials.first().map(|one| one.scopes.clone()).unwrap_or_default();
        let scopes = if is_app(&issued.client.id) { Vec::new() } else { normalised(scopes) };
        // Asked for with spaces, answered with commas.
        answer.add("scope", scopes.join(","));
        answer
    }

    fn encoding(&self, call: &Call<'_>) -> Encoding {
        let accept = call.request.header("accept").unwrap_or_default();
        if accept.contains("application/json") { Encoding::Json } else { Encoding::Form }
    }

    fn error(&self, call: &Call<'_>, status: u16, code: &str, text: &str) -> Answer {
        if matches!(call.endpoint, Endpoint::Exchange | Endpoint::Refresh) {
            let mut answer = TokenAnswer::default();
            answer.add("error", code);
            answer.add("error_description", text);
            answer.add("error_uri", "https://docs.github.com/apps");
            return answer.render_as(self.encoding(call), status, None);
        }
        let page = "https://docs.github.com/rest";
        let body =
            json!({"message": text, "documentation_url": page, "status": status.to_string()});
        Answer::json(status, &body).with("content-type", "application/json; charset=utf-8")
    }

    fn problem(&self, call: &Call<'_>, problem: &Problem) -> Answer {
        let (_, code, text) = problem.rfc6749();
        if matches!(call.endpoint, Endpoint::Exchange | Endpoint::Refresh) {
            // Status 200, whatever it is.
            let code = match problem {
                Problem::Client | Problem::Secret => "incorrect_client_credentials",
                Problem::Missing("client_id") => "incorrect_client_credentials",
                Problem::Missing("refresh_token") | Problem::Refresh(_) => "bad_refresh_token",
                Problem::Code(_) | Problem::Missing("code") | Problem::Verifier => {
                    "bad_verification_code"
                }
                Problem::Redirect => "redirect_uri_mismatch",
                _ => code,
            };
            return self.error(call, 200, code, &text);
        }
        match problem {
            Problem::Client | Problem::Secret | Problem::Token(_) => {
                self.error(call, 401, "", "Bad credentials")
            }
            Problem::TokenMissing => self.error(call, 401, "", "Requires authentication"),
            Problem::NotFound => self.error(call, 404, "", "Not Found"),
            Problem::BodyType => self.error(call, 400, "", "Problems parsing JSON"),
            Problem::TooMany(seconds) => self
                .error(call, self.limit_status, "", "API rate limit exceeded for user ID 1.")
                .with("x-ratelimit-limit", "5000")
                .with("x-ratelimit-remaining", "0")
                .with("x-ratelimit-reset", &(call.now + seconds).to_string()),
            Problem::Uncovered(_) => {
                self.error(call, 403, "", "Resource not accessible by integration")
            }
            _ => self.error(call, 422, "", "Validation Failed"),
        }
    }

    fn rate_limited(&self, call: &Call<'_>, retry_after: Option<&str>) -> Answer {
        let text = "You have exceeded a secondary rate limit.";
        let answer = self.error(call, self.limit_status, "slow_down", text);
        match retry_after {
            Some(value) => answer.with("retry-after", value),
            None => answer,
        }
    }

    fn check_authorize(&self, _: &Call<'_>, query: &Parameters) -> Result<(), Problem> {
        match query.one("prompt") {
            None | Some("select_account") => Ok(()),
            Some(_) => Err(Problem::Value("prompt")),
        }
    }

    fn announce(&mut self, desk: &mut Desk, news: &News<'_>) -> Result<Announcement, Misuse> {
        webhook::announce(self, desk, news)
    }
}

impl GitHub {
    /// What every request to the API must have.
    fn greeting(&self, call: &Call<'_>) -> Result<(), Problem> {
        if call.request.header("user-agent").is_none_or(str::is_empty) {
            let text = "Request forbidden by administrative rules. Please make sure your request \
                        has a User-Agent header";
            return Err(Problem::Said(Answer::new(403, "text/html", text)));
        }
        match call.request.header("x-github-api-version") {
            None | Some("2022-11-28" | "2026-03-10") => Ok(()),
            Some(_) => {
                let text = "Invalid API version";
                Err(Problem::Said(self.error(call, 400, "", text)))
            }
        }
    }

    fn expires(&self, grant: &Grant) -> bool {
        if is_app(&grant.client) {
            return self.apps_expire;
        }
        self.oauth_apps_expire || grant.scopes.iter().any(|scope| scope == "offline_access")
    }
}

fn is_app(client: &str) -> bool {
    client.starts_with("Iv")
}

/// Says which scopes the token has. Tokens of GitHub Apps have none.
fn scoped(answer: Answer, caller: &Caller) -> Answer {
    if is_app(&caller.client) {
        return answer;
    }
    answer.with("x-oauth-scopes", &normalised(caller.scopes.clone()).join(", "))
}

/// Leaves out what a wider scope contains.
fn normalised(scopes: Vec<String>) -> Vec<String> {
    let covered = |scope: &String| {
        COVERS.iter().any(|(wide, narrow)| {
            scopes.iter().any(|known| known == wide) && narrow.contains(&scope.as_str())
        })
    };
    scopes.iter().filter(|scope| !covered(scope)).cloned().collect()
}

/// Whether a token may do what a scope allows, itself or in a wider one.
fn may(caller: &Caller, scope: &str) -> bool {
    let wider = COVERS.iter().filter(|(_, narrow)| narrow.contains(&scope));
    caller.may(scope) || wider.into_iter().any(|(wide, _)| caller.may(wide))
}

/// What an unknown or dead token is to the administration.
fn refused(_: Refused) -> Problem {
    Problem::NotFound
}

const WEB_HOST: &str = "github.com";
const API_HOST: &str = "api.github.com";

const COVERS: &[(&str, &[&str])] = &[
    ("repo", &["public_repo", "repo:status", "repo_deployment", "repo:invite", "security_events"]),
    ("user", &["read:user", "user:email", "user:follow"]),
    ("write:org", &["read:org"]),
    ("admin:org", &["write:org", "read:org"]),
    ("project", &["read:project"]),
    ("write:packages", &["read:packages"]),
];

/// The scopes that can be asked for here.
const SCOPES: &[&str] = &[
    "admin:org",
    "admin:repo_hook",
    "audit_log",
    "delete:packages",
    "delete_repo",
    "gist",
    "notifications",
    "offline_access",
    "project",
    "public_repo",
    "read:org",
    "read:packages",
    "read:project",
    "read:user",
    "repo",
    "repo:invite",
    "repo:status",
    "repo_deployment",
    "security_events",
    "user",
    "user:email",
    "user:follow",
    "workflow",
    "write:org",
    "write:packages",
];

//! Jira Cloud as its documentation describes it: Atlassian OAuth 2.0 (3LO), the sites of a grant,
//! and the part of the REST API, version 3, that reads issues and attachments.
//!
//! From the pages (November 2026)
//! <https://developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps/>,
//! <https://developer.atlassian.com/cloud/oauth/getting-started/refresh-tokens/>,
//! <https://developer.atlassian.com/cloud/jira/platform/rate-limiting/> and those of the REST API
//! below <https://developer.atlassian.com/cloud/jira/platform/rest/v3/>. What the pages leave open is
//! a switch of [`Jira`]. Facts of an account: `account_id`, and `sites`, an array of objects with
//! `id` and `name`; without it the account has one site of its own, with `[]` none.
//!
//! Every user that stands in an issue has the name `Grace Canary` and an account id with `canary` in
//! it, so that a search shows whether people come out of an export.

mod attachments;
mod issues;
mod report;
mod search;
mod sites;

use std::time::Duration;

use serde_json::{Value, json};

use crate::Endpoint;
use crate::call::Call;
use crate::clock::iso;
use crate::desk::Desk;
use crate::ledger::{Grant, RefreshStyle, TokenKind};
use crate::message::{Answer, Incoming};
use crate::oauth::{Carrier, ClientAuth, Dialect, Facts, Need, Pkce, Place, Problem, caller};
use crate::play::Played;

/// The switches of the emulated Jira; what [`Jira::new`] says is what the documentation says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Jira {
    /// Seconds for which an access token is good: 3600.
    pub access_lifetime: i64,
    /// What carries token requests: JSON is documented, forms are seen to work.
    pub carriers: Vec<Carrier>,
    /// The `Cycle-Period` of a report: days are seen, and so are durations (`P7D`).
    pub cycle_period: Option<&'static str>,
    /// Seconds for which a code is good, of which the pages say nothing: 300.
    pub code_lifetime: i64,
    /// How many issues each site has: 5.
    pub issues: usize,
    /// Whether PKCE is looked at, which is not said.
    pub pkce: Pkce,
    /// What the 429 of a fault gives as its reason.
    pub rate_limit_reason: &'static str,
    /// What becomes of a used refresh token: it works for ten minutes more. A later use is taken for
    /// theft; whether that ends the grant is not said.
    pub refresh_style: RefreshStyle,
    /// For how many seconds reports are refused with 429.
    pub reports_wait: Option<u32>,
    /// Whether a refresh token that is not accepted is `unauthorized_client`, as some answers are.
    pub unauthorized_client: bool,
}

impl Jira {
    /// Jira as documented.
    #[must_use]
    pub fn new() -> Self {
        Self {
            access_lifetime: 3600,
            carriers: vec![Carrier::Json],
            cycle_period: Some("7"),
            code_lifetime: 300,
            issues: 5,
            pkce: Pkce::Optional,
            rate_limit_reason: "jira-burst-based",
            refresh_style: RefreshStyle::Grace(Duration::from_secs(WINDOW as u64)),
            reports_wait: None,
            unauthorized_client: false,
        }
    }
}

impl Default for Jira {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Jira> for Played {
    /// The site `jira`.
    fn from(jira: Jira) -> Self {
        Self::oauth("jira", jira)
    }
}

impl Dialect for Jira {
    fn hosts(&self) -> Vec<String> {
        [LOGIN, GATEWAY, MEDIA].map(str::to_owned).to_vec()
    }

    fn facts(&self) -> Facts {
        Facts {
            demanded: &[("audience", Some(GATEWAY)), ("prompt", Some("consent"))],
            state: Need::Required,
            pkce: self.pkce,
            known_scopes: SCOPES,
            code_lifetime: self.code_lifetime,
            carriers: self.carriers.clone(),
            client_auth: vec![ClientAuth::Body],
            access_lifetime: Some(self.access_lifetime),
            old_access_lives: Some(WINDOW),
            refresh_lifetime: Some(90 * 86_400),
            refresh_style: self.refresh_style,
            ..Facts::rfc6749("Atlassian")
        }
    }

    fn classify(&self, request: &Incoming) -> Endpoint {
        match (request.host.as_str(), request.path.as_str()) {
            (LOGIN, "/authorize") => Endpoint::Authorize,
            (LOGIN, "/oauth/token") => Endpoint::of_token(request, "refresh_token"),
            (GATEWAY, "/oauth/token/accessible-resources" | "/me") => Endpoint::Identity,
            (GATEWAY, path) if path.starts_with("/ex/jira/") => Endpoint::Api,
            (GATEWAY, "/app/report-accounts/") => Endpoint::Api,
            (MEDIA, path) if path.starts_with("/file/") => Endpoint::Api,
            _ => Endpoint::Unknown,
        }
    }

    fn api(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        let request = call.request;
        if request.host == MEDIA {
            return attachments::from_media(desk, request);
        }
        let caller = caller(desk, call, &[Place::Bearer])?;
        let segments = request.segments();
        match (request.method.as_str(), segments.as_slice()) {
            ("GET", ["oauth", "token", "accessible-resources"]) => Ok(sites::resources(&caller)),
            ("GET", ["me"]) => {
                caller.needs("read:me")?;
                Ok(sites::me(&caller))
            }
            ("POST", ["app", "report-accounts", ..]) => report::accounts(self, desk, call, &caller),
            (method, ["ex", "jira", cloud, "rest", "api", "3", rest @ ..]) => {
                if !sites::of(&caller.account).iter().any(|site| site.id == *cloud) {
                    return Err(Problem::NotFound);
                }
                caller.needs("read:jira-work")?;
                match (method, rest) {
                    ("GET" | "POST", ["search", "jql"]) => search::page(self, request),
                    ("POST", ["search", "approximate-count"]) => search::count(self, request),
                    // Removed in favour of the first.
                    (_, ["search"]) => Err(said(410, "The requested API has been removed.")),
                    ("GET", ["field"]) => Ok(issues::fields()),
                    ("GET", ["issue", name]) => issues::one(self, request, name),
                    ("GET", ["attachment", "content", id]) => {
                        attachments::content(self, desk, request, id)
                    }
                    _ => Err(Problem::NotFound),
                }
            }
            _ => Err(Problem::NotFound),
        }
    }

    fn gives_refresh(&self, grant: &Grant) -> bool {
        grant.scopes.iter().any(|scope| scope == "offline_access")
    }

    /// Tokens are JWTs of more than 2 kB.
    fn mint(&self, desk: &mut Desk, kind: TokenKind, _: &Grant) -> String {
        desk.issue_long(if kind == TokenKind::Access { "eyJraWQ." } else { "eyJhbGc." }, 2100)
    }

    fn error(&self, call: &Call<'_>, status: u16, code: &str, text: &str) -> Answer {
        match call.endpoint {
            Endpoint::Exchange | Endpoint::Refresh => {
                Answer::json(status, &json!({"error": code, "error_description": text})).no_store()
            }
            _ => Answer::json(status, &json!({"error": code, "message": text})),
        }
    }

    fn problem(&self, call: &Call<'_>, problem: &Problem) -> Answer {
        let (status, code, text) = problem.rfc6749();
        let gateway = |text: &str| {
            Answer::json(401, &json!({"code": 401, "message": text}))
                .with("www-authenticate", "OAuth realm=\"https%3A%2F%2Fapi.atlassian.com\"")
        };
        match problem {
            Problem::Client | Problem::Secret => {
                self.error(call, 401, "access_denied", "Unauthorized")
            }
            Problem::Code(_) | Problem::Redirect | Problem::Verifier => {
                self.error(call, 400, "invalid_request", &text)
            }
            Problem::Refresh(_) if self.unauthorized_client => {
                self.error(call, 403, "unauthorized_client", "refresh_token is invalid")
            }
            Problem::Refresh(_) => {
                self.error(call, 403, "invalid_grant", "Unknown or invalid refresh token.")
            }
            Problem::Token(_) | Problem::TokenMissing => gateway("Unauthorized"),
            Problem::Uncovered(_) => gateway("Unauthorized; scope does not match"),
            Problem::NotFound => {
                let text = "Issue does not exist or you do not have permission to see it.";
                refused(404, text)
            }
            _ => self.error(call, status, code, &text),
        }
    }

    fn rate_limited(&self, call: &Call<'_>, retry_after: Option<&str>) -> Answer {
        let answer = Answer::json(429, &json!({"errorMessages": ["Rate limit exceeded."]}))
            .with("x-ratelimit-limit", "350")
            .with("x-ratelimit-remaining", "0")
            .with("ratelimit-reason", self.rate_limit_reason);
        match retry_after {
            Some(value) => answer.with("retry-after", value),
            // To the minute.
            None => {
                let reset = iso(call.now + 30);
                let minute = reset.get(..16).unwrap_or_default();
                answer.with("x-ratelimit-reset", &format!("{minute}Z"))
            }
        }
    }
}

/// An error of Jira's own, behind the gateway.
fn refused(status: u16, text: &str) -> Answer {
    Answer::json(status, &json!({"errorMessages": [text], "errors": {}}))
}

fn said(status: u16, text: &str) -> Problem {
    Problem::Said(refused(status, text))
}

/// A colleague, who was never asked.
fn colleague(role: &str) -> Value {
    let id = format!("557058:canary-{role}");
    json!({
        "self": format!("https://{GATEWAY}/ex/jira/x/rest/api/3/user?accountId={id}"),
        "accountId": id,
        "accountType": "atlassian",
        "emailAddress": "grace@canary.example",
        "avatarUrls": {"48x48": "https://avatar-management.canary.example/48"},
        "displayName": "Grace Canary",
        "active": true,
        "timeZone": "Europe/Berlin",
    })
}

const LOGIN: &str = "auth.atlassian.com";
const GATEWAY: &str = "api.atlassian.com";
const MEDIA: &str = "api.media.atlassian.com";
/// How long the former pair works after a refresh.
const WINDOW: i64 = 600;

/// The scopes that can be asked for here.
const SCOPES: &[&str] = &[
    "manage:jira-configuration",
    "manage:jira-data-provider",
    "manage:jira-project",
    "manage:jira-webhook",
    "offline_access",
    "read:account",
    "read:attachment:jira",
    "read:comment:jira",
    "read:field:jira",
    "read:issue-details:jira",
    "read:issue:jira",
    "read:jira-user",
    "read:jira-work",
    "read:jql:jira",
    "read:me",
    "read:project:jira",
    "read:user:jira",
    "report:personal-data",
    "write:issue:jira",
    "write:jira-work",
];

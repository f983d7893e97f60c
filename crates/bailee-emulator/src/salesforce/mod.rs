//! Salesforce as its documentation describes it: an API on a host of each organisation, tokens
//! whose end nobody states, and errors in arrays.
//!
//! From the pages (November 2026) of the help site: OAuth endpoints, refresh token flow, revoke
//! tokens; and <https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/>. Facts
//! of an account: `organization_id`, `domain`.

use serde_json::json;

use crate::Endpoint;
use crate::call::Call;
use crate::desk::Desk;
use crate::ledger::{Grant, RefreshStyle};
use crate::message::{Answer, Incoming};
use crate::mint::{hex, sha256};
use crate::oauth::{
    Dialect, Ends, Facts, Issued, Need, Place, Problem, Revocation, caller, introspect, revoke,
};
use crate::play::Played;
use crate::registration::Account;
use crate::token_answer::TokenAnswer;

/// The switches of the emulated Salesforce; what [`Salesforce::new`] says is what the documentation
/// says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Salesforce {
    /// The host at which people log in: `login`.
    pub login: String,
    /// Seconds for which a session is good, which token answers do not say: 7200.
    pub session: i64,
    /// Whether the application's policy rotates refresh tokens.
    pub rotates: bool,
}

impl Salesforce {
    /// Salesforce as documented.
    #[must_use]
    pub fn new() -> Self {
        Self { login: "login".into(), session: 7200, rotates: false }
    }

    fn login_host(&self) -> String {
        format!("{}.salesforce.com", self.login)
    }
}

impl Default for Salesforce {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Salesforce> for Played {
    /// The site `salesforce`.
    fn from(salesforce: Salesforce) -> Self {
        Self::oauth("salesforce", salesforce)
    }
}

impl Dialect for Salesforce {
    fn hosts(&self) -> Vec<String> {
        vec![self.login_host(), "*.my.salesforce.com".into()]
    }

    fn facts(&self) -> Facts {
        let rotating = RefreshStyle::Strict { kills_family: false };
        let stays = RefreshStyle::Stable { echoed: false };
        Facts {
            known_scopes: SCOPES,
            scopes: Need::Optional,
            access_prefix: "00D!",
            access_lifetime: Some(self.session),
            refresh_prefix: "5Aep",
            refresh_style: if self.rotates { rotating } else { stays },
            says_expiry: false,
            ..Facts::rfc6749("Salesforce")
        }
    }

    fn classify(&self, request: &Incoming) -> Endpoint {
        let login = request.host == self.login_host();
        match (login, request.path.as_str()) {
            (true, "/services/oauth2/authorize") => Endpoint::Authorize,
            (true, "/services/oauth2/token") => Endpoint::of_token(request, "refresh_token"),
            (true, "/services/oauth2/revoke") => Endpoint::Revoke,
            (true, "/services/oauth2/introspect") => Endpoint::Introspect,
            (true, "/services/oauth2/userinfo") => Endpoint::Identity,
            (false, path) if path.starts_with("/services/data/") => Endpoint::Api,
            _ => Endpoint::Unknown,
        }
    }

    fn gives_refresh(&self, grant: &Grant) -> bool {
        let offline = ["refresh_token", "offline_access"];
        grant.scopes.iter().any(|scope| offline.contains(&scope.as_str()))
    }

    fn api(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        if call.endpoint == Endpoint::Introspect {
            return introspect(self, desk, call);
        }
        let caller = caller(desk, call, &[Place::Bearer])?;
        let account = &caller.account;
        match (call.request.method.as_str(), call.request.segments().as_slice()) {
            ("GET", ["services", "oauth2", "userinfo"]) => Ok(Answer::json(
                200,
                &json!({
                    "sub": format!("https://{}/id/{}/{}", self.login_host(), organization(account), user(account)),
                    "user_id": user(account),
                    "organization_id": organization(account),
                    "preferred_username": account.email,
                    "nickname": account.username,
                    "name": account.display_name,
                    "email": account.email,
                    "user_type": "STANDARD",
                    "active": true,
                }),
            )),
            // An organisation's host knows its own sessions.
            _ if call.request.host != domain(account) => {
                Err(Problem::Token(crate::ledger::Refused::Foreign))
            }
            ("GET", ["services", "data", version, "limits"]) if version.starts_with('v') => {
                caller.needs("api")?;
                let limits = json!({"DailyApiRequests": {"Max": 15000, "Remaining": 14999}});
                Ok(Answer::json(200, &limits).with("sforce-limit-info", "api-usage=1/15000"))
            }
            _ => Err(Problem::NotFound),
        }
    }

    fn token_answer(&self, _: &mut Desk, issued: &Issued) -> TokenAnswer {
        let account = &issued.account;
        let mut answer = issued.flat(&self.facts());
        answer.add("instance_url", format!("https://{}", domain(account)));
        answer.add(
            "id",
            format!("https://{}/id/{}/{}", self.login_host(), organization(account), user(account)),
        );
        answer.add("issued_at", (issued.now * 1000).to_string());
        answer.add("signature", "ZmFrZSBzaWduYXR1cmU=");
        answer
    }

    fn revoke(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        let how = Revocation {
            authenticates: false,
            takes_expired: false,
            unknown_is_revoked: false,
            access_ends: Ends::Token,
            refresh_ends: Ends::Grant,
            ..Revocation::rfc7009()
        };
        revoke(self, desk, call, &how)?;
        Ok(Answer::empty(200))
    }

    fn error(&self, call: &Call<'_>, status: u16, code: &str, text: &str) -> Answer {
        if is_oauth(call.endpoint) {
            return Answer::json(status, &json!({"error": code, "error_description": text}));
        }
        Answer::json(status, &json!([{"message": text, "errorCode": code}]))
    }

    fn problem(&self, call: &Call<'_>, problem: &Problem) -> Answer {
        let (status, code, text) = problem.rfc6749();
        match problem {
            Problem::Token(_) if call.endpoint == Endpoint::Revoke => {
                self.error(call, 400, "invalid_token", "invalid token")
            }
            Problem::Token(_) | Problem::TokenMissing => {
                self.error(call, 401, "INVALID_SESSION_ID", "Session expired or invalid")
            }
            Problem::Uncovered(_) => self.error(call, 403, "INSUFFICIENT_ACCESS", &text),
            Problem::NotFound => self.error(call, 404, "NOT_FOUND", &text),
            Problem::TooMany(_) => self.rate_limited(call, None),
            _ => self.error(call, status, code, &text),
        }
    }

    /// The allowance of a day, told with 403.
    fn rate_limited(&self, call: &Call<'_>, retry_after: Option<&str>) -> Answer {
        if is_oauth(call.endpoint) {
            return self.error(call, 400, "rate_limit_exceeded", "retry later");
        }
        let answer = self
            .error(call, 403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
            .with("sforce-limit-info", "api-usage=15000/15000");
        match retry_after {
            Some(value) => answer.with("retry-after", value),
            None => answer,
        }
    }
}

fn organization(account: &Account) -> String {
    let fact = account.facts.get("organization_id").and_then(|fact| fact.as_str());
    fact.map_or_else(|| id("00D", account), str::to_owned)
}

fn user(account: &Account) -> String {
    id("005", account)
}

/// The host of the organisation.
fn domain(account: &Account) -> String {
    let fact = account.facts.get("domain").and_then(|fact| fact.as_str());
    fact.map_or_else(|| format!("org-of-{}.my.salesforce.com", account.id), str::to_owned)
}

/// An id of 18 characters.
fn id(prefix: &str, account: &Account) -> String {
    let digest = hex(&sha256(format!("salesforce:{prefix}:{}", account.id).as_bytes()));
    format!("{prefix}{}", &digest[..15])
}

fn is_oauth(endpoint: Endpoint) -> bool {
    use Endpoint::{Exchange, Introspect, Refresh, Revoke};
    matches!(endpoint, Exchange | Introspect | Refresh | Revoke)
}

const SCOPES: &[&str] = &[
    "api",
    "chatter_api",
    "email",
    "full",
    "id",
    "offline_access",
    "openid",
    "profile",
    "refresh_token",
    "web",
];

//! GitLab as its documentation describes it: a refresh that names the redirect address and ends
//! both former tokens, and an API with numbers as ids.
//!
//! From the pages (November 2026) <https://docs.gitlab.com/api/oauth2/> and
//! <https://docs.gitlab.com/integration/oauth_provider/>.

use serde_json::json;

use crate::Endpoint;
use crate::call::Call;
use crate::desk::Desk;
use crate::ledger::RefreshStyle;
use crate::message::{Answer, Incoming, Parameters};
use crate::mint::sha256;
use crate::oauth::{
    Dialect, Facts, Issued, Place, Problem, Revocation, caller, introspect, revoke,
};
use crate::play::Played;
use crate::registration::Account;
use crate::token_answer::TokenAnswer;

/// The switches of the emulated GitLab; what [`GitLab::new`] says is what the documentation says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GitLab {
    /// The host: `gitlab.com`, or one of an operator's own.
    pub host: String,
    /// Seconds for which an access token is good: 7200.
    pub access_lifetime: i64,
    /// Whether a refresh has to name the redirect address.
    pub refresh_needs_redirect: bool,
}

impl GitLab {
    /// GitLab as documented.
    #[must_use]
    pub fn new() -> Self {
        Self { host: "gitlab.com".into(), access_lifetime: 7200, refresh_needs_redirect: true }
    }
}

impl Default for GitLab {
    fn default() -> Self {
        Self::new()
    }
}

impl From<GitLab> for Played {
    /// The site `gitlab`.
    fn from(gitlab: GitLab) -> Self {
        Self::oauth("gitlab", gitlab)
    }
}

impl Dialect for GitLab {
    fn hosts(&self) -> Vec<String> {
        vec![self.host.clone()]
    }

    fn facts(&self) -> Facts {
        Facts {
            known_scopes: SCOPES,
            access_lifetime: Some(self.access_lifetime),
            refresh_style: RefreshStyle::Strict { kills_family: true },
            ends_old_access: true,
            ..Facts::rfc6749("GitLab")
        }
    }

    fn classify(&self, request: &Incoming) -> Endpoint {
        match request.path.as_str() {
            "/oauth/authorize" => Endpoint::Authorize,
            "/oauth/token" => Endpoint::of_token(request, "refresh_token"),
            "/oauth/revoke" => Endpoint::Revoke,
            "/oauth/introspect" => Endpoint::Introspect,
            "/api/v4/user" => Endpoint::Identity,
            path if path.starts_with("/api/v4/") => Endpoint::Api,
            _ => Endpoint::Unknown,
        }
    }

    fn check_token(&self, call: &Call<'_>, parameters: &Parameters) -> Result<(), Problem> {
        let unnamed = parameters.one("redirect_uri").is_none();
        if call.endpoint == Endpoint::Refresh && self.refresh_needs_redirect && unnamed {
            return Err(Problem::Missing("redirect_uri"));
        }
        Ok(())
    }

    fn api(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        if call.endpoint == Endpoint::Introspect {
            return introspect(self, desk, call);
        }
        let caller = caller(desk, call, &[Place::Bearer])?;
        let reads = caller.may("read_api") || caller.may("api");
        match (call.request.method.as_str(), call.request.segments().as_slice()) {
            ("GET", ["api", "v4", "user"]) => {
                if !reads {
                    caller.needs("read_user")?;
                }
                let account = &caller.account;
                Ok(Answer::json(
                    200,
                    &json!({
                        "id": number(account),
                        "username": account.username,
                        "name": account.display_name,
                        "email": account.email,
                        "state": "active",
                        "two_factor_enabled": true,
                    }),
                ))
            }
            ("GET", ["api", "v4", "projects"]) => {
                if !reads {
                    caller.needs("read_api")?;
                }
                let projects = json!([{"id": 7, "path_with_namespace": "fake/project"}]);
                Ok(Answer::json(200, &projects).with("x-next-page", ""))
            }
            _ => Err(Problem::NotFound),
        }
    }

    fn token_answer(&self, _: &mut Desk, issued: &Issued) -> TokenAnswer {
        let mut answer = issued.flat(&self.facts());
        answer.add("created_at", issued.now);
        answer
    }

    fn revoke(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        revoke(self, desk, call, &Revocation::rfc7009())?;
        Ok(Answer::json(200, &json!({})))
    }

    fn error(&self, call: &Call<'_>, status: u16, code: &str, text: &str) -> Answer {
        use Endpoint::{Exchange, Introspect, Refresh, Revoke};
        let oauth = matches!(call.endpoint, Exchange | Introspect | Refresh | Revoke);
        let described = oauth || ["invalid_token", "insufficient_scope"].contains(&code);
        let body = if described {
            json!({"error": code, "error_description": text})
        } else {
            json!({"message": format!("{status} {text}")})
        };
        Answer::json(status, &body)
    }
}

fn number(account: &Account) -> u32 {
    let digest = sha256(format!("gitlab:{}", account.id).as_bytes());
    u32::from_be_bytes([0, digest[0], digest[1], digest[2]]) + 1
}

const SCOPES: &[&str] = &[
    "api",
    "email",
    "openid",
    "profile",
    "read_api",
    "read_repository",
    "read_user",
    "write_repository",
];

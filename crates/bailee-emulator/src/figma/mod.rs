//! Figma as its documentation describes it: a refresh at an address of its own, one living access
//! token for a person and application, and 403 for a token that is over.
//!
//! From the pages (November 2026)
//! <https://developers.figma.com/docs/rest-api/authentication/> and
//! <https://developers.figma.com/docs/rest-api/rate-limits/>.

use serde_json::json;

use crate::Endpoint;
use crate::call::Call;
use crate::desk::Desk;
use crate::ledger::{RefreshStyle, Refused};
use crate::message::{Answer, Incoming, Parameters};
use crate::mint::sha256;
use crate::oauth::{
    Carrier, Dialect, Ends, Facts, Issued, Need, Pkce, Place, Problem, Revocation, ScopeAnswer,
    caller, revoke,
};
use crate::play::Played;
use crate::registration::Account;
use crate::token_answer::TokenAnswer;

/// The switches of the emulated Figma; what [`Figma::new`] says is what the documentation says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Figma {
    /// Seconds for which an access token is good: 90 days, which is said to be about right.
    pub access_lifetime: i64,
    /// Whether tokens can be revoked, which others do and the pages do not say.
    pub revokes: bool,
    /// What separates scopes in an authorization request, on which sources differ.
    pub separators: &'static str,
}

impl Figma {
    /// Figma as documented.
    #[must_use]
    pub fn new() -> Self {
        Self { access_lifetime: 90 * 86_400, revokes: true, separators: " ," }
    }
}

impl Default for Figma {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Figma> for Played {
    /// The site `figma`.
    fn from(figma: Figma) -> Self {
        Self::oauth("figma", figma)
    }
}

impl Dialect for Figma {
    fn hosts(&self) -> Vec<String> {
        vec!["www.figma.com".into(), "api.figma.com".into()]
    }

    fn facts(&self) -> Facts {
        Facts {
            pkce: Pkce::Optional,
            state: Need::Required,
            separators: self.separators,
            known_scopes: SCOPES,
            code_lifetime: 30,
            ends_old_grants: true,
            carriers: vec![Carrier::Form],
            grant_type: Need::Optional,
            access_prefix: "figu_",
            access_lifetime: Some(self.access_lifetime),
            refresh_style: RefreshStyle::Stable { echoed: false },
            ends_old_access: true,
            token_type: Some("bearer"),
            scope_answer: ScopeAnswer::Absent,
            ..Facts::rfc6749("Figma")
        }
    }

    fn classify(&self, request: &Incoming) -> Endpoint {
        match (request.host.as_str(), request.path.as_str()) {
            ("www.figma.com", "/oauth") => Endpoint::Authorize,
            ("api.figma.com", "/v1/oauth/token") => Endpoint::Exchange,
            ("api.figma.com", "/v1/oauth/refresh") => Endpoint::Refresh,
            ("api.figma.com", "/v1/oauth/revoke") if self.revokes => Endpoint::Revoke,
            ("api.figma.com", "/v1/me") => Endpoint::Identity,
            ("api.figma.com", path) if path.starts_with("/v1/") => Endpoint::Api,
            _ => Endpoint::Unknown,
        }
    }

    fn check_token(&self, call: &Call<'_>, parameters: &Parameters) -> Result<(), Problem> {
        if call.endpoint == Endpoint::Refresh && parameters.one("grant_type").is_some() {
            return Err(Problem::Value("grant_type"));
        }
        Ok(())
    }

    fn api(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        let caller = caller(desk, call, &[Place::Bearer])?;
        match (call.request.method.as_str(), call.request.segments().as_slice()) {
            ("GET", ["v1", "me"]) => {
                caller.needs("current_user:read")?;
                let account = &caller.account;
                Ok(Answer::json(
                    200,
                    &json!({
                        "id": number(account),
                        "handle": account.username,
                        "email": account.email,
                        "img_url": "https://www.figma.com/fake.png",
                    }),
                ))
            }
            ("GET", ["v1", "files", key]) => {
                caller.needs("file_content:read")?;
                Ok(Answer::json(200, &json!({"name": format!("File {key}"), "version": "1"})))
            }
            _ => Err(Problem::NotFound),
        }
    }

    fn token_answer(&self, _: &mut Desk, issued: &Issued) -> TokenAnswer {
        let mut answer = issued.flat(&self.facts());
        if issued.first {
            let id = number(&issued.account);
            answer.add("user_id", id.parse::<u64>().unwrap_or_default());
            answer.add("user_id_string", id);
        }
        answer
    }

    fn revoke(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        let how = Revocation {
            access_ends: Ends::Grant,
            refresh_ends: Ends::Grant,
            ..Revocation::rfc7009()
        };
        revoke(self, desk, call, &how)?;
        Ok(Answer::json(200, &json!({})))
    }

    fn error(&self, call: &Call<'_>, status: u16, code: &str, text: &str) -> Answer {
        let oauth = matches!(call.endpoint, Endpoint::Exchange | Endpoint::Refresh);
        let body = if oauth {
            json!({"error": code, "error_description": text, "status": status})
        } else {
            json!({"status": status, "err": text})
        };
        Answer::json(status, &body)
    }

    fn problem(&self, call: &Call<'_>, problem: &Problem) -> Answer {
        match problem {
            Problem::Token(Refused::Expired) => self.error(call, 403, "", "Token expired"),
            Problem::Token(_) => self.error(call, 403, "", "Invalid token"),
            Problem::TooMany(seconds) => self.rate_limited(call, Some(&seconds.to_string())),
            problem => {
                let (status, code, text) = problem.rfc6749();
                self.error(call, status, code, &text)
            }
        }
    }
}

/// A number too large for a floating-point number, as text.
fn number(account: &Account) -> String {
    let digest = sha256(format!("figma:{}", account.id).as_bytes());
    let mut eight = [0; 8];
    eight.copy_from_slice(&digest[..8]);
    ((u64::from_be_bytes(eight) >> 4) | (1 << 59)).to_string()
}

const SCOPES: &[&str] = &[
    "current_user:read",
    "file_comments:read",
    "file_comments:write",
    "file_content:read",
    "file_metadata:read",
    "file_versions:read",
    "projects:read",
];

//! Dropbox as its documentation describes it: refresh tokens that stay, calls that are POSTs with
//! JSON, errors with status 409, and a revocation with no body.
//!
//! From the pages (November 2026) <https://developers.dropbox.com/oauth-guide>,
//! <https://developers.dropbox.com/error-handling-guide> and
//! <https://www.dropbox.com/developers/documentation/http/documentation>.

use serde_json::json;

use crate::Endpoint;
use crate::call::Call;
use crate::desk::Desk;
use crate::ledger::{Grant, RefreshStyle, Refused};
use crate::message::{Answer, Incoming};
use crate::mint::{base64url, sha256};
use crate::oauth::{
    Dialect, Ends, Facts, Issued, Need, Place, Problem, Revocation, Takes, caller, revoke,
};
use crate::play::Played;
use crate::registration::Account;
use crate::token_answer::TokenAnswer;

/// The switches of the emulated Dropbox; what [`Dropbox::new`] says is what the documentation says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Dropbox {
    /// Seconds for which an access token is good: 14400.
    pub access_lifetime: i64,
}

impl Dropbox {
    /// Dropbox as documented.
    #[must_use]
    pub fn new() -> Self {
        Self { access_lifetime: 14_400 }
    }
}

impl Default for Dropbox {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Dropbox> for Played {
    /// The site `dropbox`.
    fn from(dropbox: Dropbox) -> Self {
        Self::oauth("dropbox", dropbox)
    }
}

impl Dialect for Dropbox {
    fn hosts(&self) -> Vec<String> {
        ["www.dropbox.com", API, "content.dropboxapi.com"].map(String::from).to_vec()
    }

    fn facts(&self) -> Facts {
        Facts {
            known_scopes: SCOPES,
            scopes: Need::Optional,
            access_prefix: "sl.",
            access_length: 1100,
            access_lifetime: Some(self.access_lifetime),
            refresh_style: RefreshStyle::Stable { echoed: false },
            token_type: Some("bearer"),
            ..Facts::rfc6749("Dropbox")
        }
    }

    fn classify(&self, request: &Incoming) -> Endpoint {
        match (request.host.as_str(), request.path.as_str()) {
            ("www.dropbox.com", "/oauth2/authorize") => Endpoint::Authorize,
            (API, "/oauth2/token") => Endpoint::of_token(request, "refresh_token"),
            (API, "/2/auth/token/revoke") => Endpoint::Revoke,
            (API, "/2/users/get_current_account") => Endpoint::Identity,
            (API, path) if path.starts_with("/2/") => Endpoint::Api,
            _ => Endpoint::Unknown,
        }
    }

    fn gives_refresh(&self, grant: &Grant) -> bool {
        grant.extras.asked.get("token_access_type").is_some_and(|asked| asked == "offline")
    }

    fn api(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        let caller = caller(desk, call, &[Place::Bearer])?;
        let request = call.request;
        if !request.is("POST") {
            return Err(Problem::NotFound);
        }
        match request.segments().as_slice() {
            ["2", "users", "get_current_account"] => {
                // A body is `null` or nothing.
                if request.has_header("content-type") && request.body.as_slice() != b"null" {
                    return Err(Problem::Value("body"));
                }
                caller.needs("account_info.read")?;
                let account = &caller.account;
                Ok(Answer::json(
                    200,
                    &json!({
                        "account_id": account_id(account),
                        "name": {"given_name": account.display_name, "display_name": account.display_name},
                        "email": account.email,
                        "email_verified": true,
                        "country": "DE",
                        "locale": "de",
                        "account_type": {".tag": "basic"},
                    }),
                ))
            }
            ["2", "files", "list_folder"] => {
                caller.needs("files.metadata.read")?;
                let path =
                    request.json().and_then(|body| Some(body.get("path")?.as_str()?.to_owned()));
                let path = path.ok_or(Problem::Missing("path"))?;
                if path == "/missing" {
                    let body = json!({
                        "error_summary": "path/not_found/..",
                        "error": {".tag": "path", "path": {".tag": "not_found"}},
                    });
                    return Ok(Answer::json(409, &body));
                }
                Ok(Answer::json(
                    200,
                    &json!({
                        "entries": [{".tag": "file", "name": "notes.txt", "id": "id:fake1"}],
                        "cursor": "AAE-fake",
                        "has_more": false,
                    }),
                ))
            }
            _ => Err(Problem::NotFound),
        }
    }

    fn token_answer(&self, _: &mut Desk, issued: &Issued) -> TokenAnswer {
        let mut answer = issued.flat(&self.facts());
        answer.add("uid", "12345");
        answer.add("account_id", account_id(&issued.account));
        answer
    }

    fn revoke(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        if !call.request.body.is_empty() && call.request.body.as_slice() != b"null" {
            return Err(Problem::Value("body"));
        }
        let how = Revocation {
            place: Place::Bearer,
            authenticates: false,
            takes: Takes::Access,
            takes_expired: false,
            unknown_is_revoked: false,
            access_ends: Ends::Grant,
            ..Revocation::rfc7009()
        };
        revoke(self, desk, call, &how)?;
        Ok(Answer::json(200, &json!(null)))
    }

    fn error(&self, call: &Call<'_>, status: u16, code: &str, text: &str) -> Answer {
        if matches!(call.endpoint, Endpoint::Exchange | Endpoint::Refresh) {
            return Answer::json(status, &json!({"error": code, "error_description": text}));
        }
        let body = json!({"error_summary": format!("{code}/.."), "error": {".tag": code}});
        Answer::json(status, &body)
    }

    fn problem(&self, call: &Call<'_>, problem: &Problem) -> Answer {
        match problem {
            Problem::Token(Refused::Expired) => self.error(call, 401, "expired_access_token", ""),
            Problem::Token(_) | Problem::TokenMissing => {
                self.error(call, 401, "invalid_access_token", "")
            }
            Problem::Uncovered(scope) => {
                let error = json!({".tag": "missing_scope", "required_scope": scope});
                let body = json!({"error_summary": "missing_scope/..", "error": error});
                Answer::json(401, &body)
            }
            Problem::TooMany(seconds) => self.rate_limited(call, Some(&seconds.to_string())),
            // What is wrong with the request itself is told in plain text.
            Problem::Missing(name) | Problem::Value(name)
                if !matches!(call.endpoint, Endpoint::Exchange | Endpoint::Refresh) =>
            {
                Answer::new(400, "text/plain; charset=utf-8", format!("Error in call: {name}"))
            }
            problem => {
                let (status, code, text) = problem.rfc6749();
                self.error(call, status, code, &text)
            }
        }
    }

    fn rate_limited(&self, call: &Call<'_>, retry_after: Option<&str>) -> Answer {
        let answer = self.error(call, 429, "too_many_requests", "");
        match retry_after {
            Some(value) => answer.with("retry-after", value),
            None => answer,
        }
    }
}

fn account_id(account: &Account) -> String {
    let digest = sha256(format!("dropbox:{}", account.id).as_bytes());
    format!("dbid:{}", base64url(&digest[..24]))
}

const API: &str = "api.dropboxapi.com";

const SCOPES: &[&str] = &[
    "account_info.read",
    "account_info.write",
    "files.content.read",
    "files.content.write",
    "files.metadata.read",
    "files.metadata.write",
    "sharing.read",
    "sharing.write",
];

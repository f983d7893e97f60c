//! Notion as its documentation describes it: tokens by JSON and Basic, no scopes but capabilities,
//! no end that is stated, and a version that each request has to name.
//!
//! From the pages (November 2026) <https://developers.notion.com/docs/authorization> and
//! <https://developers.notion.com/reference/status-codes>. Facts of an account: `workspace_id`.

use serde_json::json;

use crate::Endpoint;
use crate::call::Call;
use crate::desk::Desk;
use crate::ledger::RefreshStyle;
use crate::message::{Answer, Incoming, Parameters};
use crate::mint::{hex, sha256};
use crate::oauth::{
    Carrier, ClientAuth, Dialect, Ends, Facts, Issued, Need, Pkce, Place, Problem, Revocation,
    ScopeAnswer, caller, revoke,
};
use crate::play::Played;
use crate::registration::Account;
use crate::token_answer::TokenAnswer;

/// The switches of the emulated Notion; what [`Notion::new`] says is what the documentation says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Notion {
    /// Whether the integration is a newer one, whose tokens are renewed; the older ones' never end.
    pub renews: bool,
    /// What PKCE parameters do, which is not said: nothing.
    pub pkce: Pkce,
}

impl Notion {
    /// Notion as documented.
    #[must_use]
    pub fn new() -> Self {
        Self { renews: true, pkce: Pkce::Ignored }
    }
}

impl Default for Notion {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Notion> for Played {
    /// The site `notion`.
    fn from(notion: Notion) -> Self {
        Self::oauth("notion", notion)
    }
}

impl Dialect for Notion {
    fn hosts(&self) -> Vec<String> {
        vec!["api.notion.com".into()]
    }

    fn facts(&self) -> Facts {
        let renewed = RefreshStyle::Strict { kills_family: false };
        Facts {
            demanded: &[("owner", Some("user"))],
            pkce: self.pkce,
            scopes: Need::Ignored,
            carriers: vec![Carrier::Json],
            client_auth: vec![ClientAuth::BasicRaw],
            access_prefix: "ntn_",
            // They end when they are renewed; when they end by themselves nobody says.
            access_lifetime: None,
            refresh_prefix: "nrt_",
            refresh_style: if self.renews { renewed } else { RefreshStyle::None },
            ends_old_access: true,
            token_type: Some("bearer"),
            says_expiry: false,
            scope_answer: ScopeAnswer::Absent,
            ..Facts::rfc6749("Notion")
        }
    }

    fn classify(&self, request: &Incoming) -> Endpoint {
        match request.path.as_str() {
            "/v1/oauth/authorize" => Endpoint::Authorize,
            "/v1/oauth/token" => Endpoint::of_token(request, "refresh_token"),
            "/v1/oauth/revoke" => Endpoint::Revoke,
            "/v1/users/me" => Endpoint::Identity,
            path if path.starts_with("/v1/") => Endpoint::Api,
            _ => Endpoint::Unknown,
        }
    }

    fn check_token(&self, call: &Call<'_>, _: &Parameters) -> Result<(), Problem> {
        versioned(self, call)
    }

    fn api(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        versioned(self, call)?;
        let caller = caller(desk, call, &[Place::Bearer])?;
        match (call.request.method.as_str(), call.request.segments().as_slice()) {
            ("GET", ["v1", "users", "me"]) => {
                let body = json!({
                    "object": "user",
                    "id": uuid("bot", &caller.account),
                    "type": "bot",
                    "bot": {"owner": {"type": "user"}, "workspace_name": workspace(&caller.account)},
                });
                Ok(Answer::json(200, &body))
            }
            ("POST", ["v1", "search"]) => {
                let body = json!({
                    "object": "list",
                    "results": [{"object": "page", "id": uuid("page", &caller.account)}],
                    "has_more": false,
                    "next_cursor": null,
                });
                Ok(Answer::json(200, &body))
            }
            // A page that was not shared is as unknown as one that never was.
            _ => Err(Problem::NotFound),
        }
    }

    fn token_answer(&self, _: &mut Desk, issued: &Issued) -> TokenAnswer {
        let account = &issued.account;
        let mut answer = issued.flat(&self.facts());
        if !self.renews {
            answer.add("refresh_token", serde_json::Value::Null);
        }
        answer.add("bot_id", uuid("bot", account));
        answer.add("workspace_id", uuid("workspace", account));
        answer.add("workspace_name", workspace(account));
        answer.add(
            "owner",
            json!({
                "type": "user",
                "user": {
                    "object": "user",
                    "id": uuid("user", account),
                    "name": account.display_name,
                    "person": {"email": account.email},
                },
            }),
        );
        answer.add("duplicated_template_id", serde_json::Value::Null);
        answer.add("request_id", uuid("request", account));
        answer
    }

    fn revoke(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        let how = Revocation { access_ends: Ends::Grant, ..Revocation::rfc7009() };
        revoke(self, desk, call, &how)?;
        Ok(Answer::json(200, &json!({"request_id": "00000000-0000-4000-8000-000000000000"})))
    }

    fn error(&self, call: &Call<'_>, status: u16, code: &str, text: &str) -> Answer {
        if matches!(call.endpoint, Endpoint::Exchange | Endpoint::Refresh | Endpoint::Revoke) {
            return Answer::json(status, &json!({"error": code, "error_description": text}));
        }
        let body = json!({
            "object": "error",
            "status": status,
            "code": code,
            "message": text,
            "request_id": "00000000-0000-4000-8000-000000000000",
        });
        Answer::json(status, &body)
    }

    fn problem(&self, call: &Call<'_>, problem: &Problem) -> Answer {
        let (status, code, text) = problem.rfc6749();
        match problem {
            Problem::Token(_) | Problem::TokenMissing => {
                self.error(call, 401, "unauthorized", "API token is invalid.")
            }
            Problem::Uncovered(_) => self.error(call, 403, "restricted_resource", &text),
            Problem::NotFound => self.error(call, 404, "object_not_found", &text),
            Problem::TooMany(seconds) => self.rate_limited(call, Some(&seconds.to_string())),
            _ => self.error(call, status, code, &text),
        }
    }

    fn rate_limited(&self, call: &Call<'_>, retry_after: Option<&str>) -> Answer {
        let answer = self.error(call, 429, "rate_limited", "slow down");
        match retry_after {
            Some(value) => answer.with("retry-after", value),
            None => answer,
        }
    }
}

/// Each request names the version of the API that it was written for.
fn versioned(notion: &Notion, call: &Call<'_>) -> Result<(), Problem> {
    let version = call.request.header("notion-version");
    if version.is_some_and(|version| version.starts_with("20")) {
        return Ok(());
    }
    let text = "Notion-Version header should be set";
    Err(Problem::Said(notion.error(call, 400, "missing_version", text)))
}

fn workspace(account: &Account) -> String {
    format!("Workspace of {}", account.display_name)
}

fn uuid(what: &str, account: &Account) -> String {
    if let Some(known) = account.facts.get(&format!("{what}_id")).and_then(|fact| fact.as_str()) {
        return known.to_owned();
    }
    let text = hex(&sha256(format!("notion:{what}:{}", account.id).as_bytes())[..16]);
    format!("{}-{}-4{}-8{}-{}", &text[..8], &text[8..12], &text[13..16], &text[17..20], &text[20..])
}

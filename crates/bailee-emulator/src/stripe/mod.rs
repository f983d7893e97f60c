//! Stripe Connect as its documentation describes it: the platform's secret key as the client's
//! secret, tokens that do not run out, and a deauthorization by the account.
//!
//! From the pages (November 2026) <https://docs.stripe.com/connect/oauth-reference>,
//! <https://docs.stripe.com/connect/oauth-standard-accounts> and <https://docs.stripe.com/webhooks>.

mod webhook;

use serde_json::json;

use crate::announcement::{Announcement, News};
use crate::call::Call;
use crate::desk::Desk;
use crate::ledger::RefreshStyle;
use crate::message::{Answer, Incoming};
use crate::mint::{base64url, sha256};
use crate::oauth::{Dialect, Facts, Issued, Need, Pkce, Place, Problem, caller, parameters};
use crate::play::Played;
use crate::registration::Account;
use crate::token_answer::TokenAnswer;
use crate::{Endpoint, Misuse};

/// The switches of the emulated Stripe; what [`Stripe::new`] says is what the documentation says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stripe {
    /// Whether the mode is the live one.
    pub livemode: bool,
    /// The former secret of an endpoint whose secret is being rolled: events are signed with both.
    pub rolled_secret: Option<String>,
}

impl Stripe {
    /// Stripe as documented.
    #[must_use]
    pub fn new() -> Self {
        Self { livemode: false, rolled_secret: None }
    }
}

impl Default for Stripe {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Stripe> for Played {
    /// The site `stripe`.
    fn from(stripe: Stripe) -> Self {
        Self::oauth("stripe", stripe)
    }
}

impl Dialect for Stripe {
    fn hosts(&self) -> Vec<String> {
        vec!["connect.stripe.com".into(), "api.stripe.com".into()]
    }

    fn facts(&self) -> Facts {
        Facts {
            pkce: Pkce::Ignored,
            known_scopes: &["read_only", "read_write"],
            scopes: Need::Optional,
            code_prefix: "ac_",
            code_lifetime: 300,
            secret_is_enough: true,
            redirect_at_token: Need::Ignored,
            access_prefix: "sk_acct_",
            access_lifetime: None,
            refresh_style: RefreshStyle::Stable { echoed: true },
            token_type: Some("bearer"),
            says_expiry: false,
            ..Facts::rfc6749("Stripe")
        }
    }

    fn classify(&self, request: &Incoming) -> Endpoint {
        match (request.host.as_str(), request.path.as_str()) {
            ("connect.stripe.com", "/oauth/authorize") => Endpoint::Authorize,
            ("connect.stripe.com", "/oauth/token") => Endpoint::of_token(request, "refresh_token"),
            ("connect.stripe.com", "/oauth/deauthorize") => Endpoint::Revoke,
            ("api.stripe.com", "/v1/account") => Endpoint::Identity,
            ("api.stripe.com", path) if path.starts_with("/v1/") => Endpoint::Api,
            _ => Endpoint::Unknown,
        }
    }

    fn api(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        let caller = caller(desk, call, &[Place::Bearer])?;
        match (call.request.method.as_str(), call.request.segments().as_slice()) {
            ("GET", ["v1", "account"]) => {
                let account = &caller.account;
                Ok(Answer::json(
                    200,
                    &json!({
                        "id": id(account),
                        "object": "account",
                        "business_profile": {"name": account.display_name},
                        "country": "DE",
                        "charges_enabled": true,
                    }),
                ))
            }
            ("GET", ["v1", "balance"]) => Ok(Answer::json(
                200,
                &json!({"object": "balance", "available": [{"amount": 0, "currency": "eur"}]}),
            )),
            _ => Err(Problem::NotFound),
        }
    }

    fn token_answer(&self, _: &mut Desk, issued: &Issued) -> TokenAnswer {
        let mut answer = issued.flat(&self.facts());
        answer.add("stripe_user_id", id(&issued.account));
        answer.add("stripe_publishable_key", "pk_test_fake");
        answer.add("livemode", self.livemode);
        answer
    }

    /// By the account, with the platform's key.
    fn revoke(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        let form = parameters(self, call)?;
        let client = form.one("client_id").and_then(|id| desk.clients.get(id)).cloned();
        let client = client.ok_or(Problem::Client)?;
        if !client.knows_secret(call.request.bearer()) {
            return Err(Problem::Secret);
        }
        let wanted = form.one("stripe_user_id").ok_or(Problem::Missing("stripe_user_id"))?;
        let account = desk.accounts.iter().find(|account| id(account) == wanted).cloned();
        let ended = account.map_or(0, |account| desk.ledger.end_all(&account.id, &client.id));
        if ended == 0 {
            // The account is not connected to this client.
            return Err(Problem::Client);
        }
        Ok(Answer::json(200, &json!({"stripe_user_id": wanted})))
    }

    fn announce(&mut self, desk: &mut Desk, news: &News<'_>) -> Result<Announcement, Misuse> {
        webhook::announce(self, desk, news)
    }

    fn error(&self, call: &Call<'_>, status: u16, code: &str, text: &str) -> Answer {
        if matches!(call.endpoint, Endpoint::Exchange | Endpoint::Refresh | Endpoint::Revoke) {
            return Answer::json(status, &json!({"error": code, "error_description": text}));
        }
        Answer::json(status, &json!({"error": {"type": code, "message": text}}))
    }

    fn problem(&self, call: &Call<'_>, problem: &Problem) -> Answer {
        let (status, code, text) = problem.rfc6749();
        match problem {
            // Access that was withdrawn.
            Problem::Token(crate::ledger::Refused::Ended) => {
                let error = json!({"code": "account_invalid", "type": "invalid_request_error"});
                Answer::json(403, &json!({"error": error}))
            }
            Problem::Token(_) | Problem::TokenMissing => {
                self.error(call, 401, "invalid_request_error", "Invalid API Key provided")
            }
            Problem::NotFound => self.error(call, 404, "invalid_request_error", &text),
            Problem::TooMany(seconds) => self.rate_limited(call, Some(&seconds.to_string())),
            _ => self.error(call, status, code, &text),
        }
    }

    fn rate_limited(&self, call: &Call<'_>, retry_after: Option<&str>) -> Answer {
        let answer = self
            .error(call, 429, "invalid_request_error", "Too many requests")
            .with("stripe-rate-limited-reason", "global-rate");
        match retry_after {
            Some(value) => answer.with("retry-after", value),
            None => answer,
        }
    }
}

fn id(account: &Account) -> String {
    let digest = sha256(format!("stripe:{}", account.id).as_bytes());
    format!("acct_{}", base64url(&digest[..12]).replace(['-', '_'], "0"))
}

//! Anthropic's API as its documentation describes it: keys out of the Console, the list of models,
//! messages without streaming.
//!
//! From the pages (November 2026) <https://platform.claude.com/docs/en/api/messages>,
//! <https://platform.claude.com/docs/en/api/errors> and
//! <https://platform.claude.com/docs/en/api/rate-limits>. Keys come in with
//! [`Site::add_key`](crate::Site::add_key). What the pages leave open is a switch of [`Anthropic`].
//!
//! A message is made of its prompt, so the same prompt gives the same text. Requests that hold
//! something that looks like personal data are refused and written down as `forbidden`; messages
//! that were made are written down as `message`.

mod messages;
mod models;
mod personal;

use serde_json::json;

use crate::Endpoint;
use crate::call::Call;
use crate::clock::iso;
use crate::desk::Desk;
use crate::message::{Answer, Incoming};
use crate::mint::{base64url, sha256};
use crate::oauth::{Caller, Dialect, Facts, Place, Problem, caller};
use crate::play::Played;

/// The switches of the emulated Anthropic; what [`Anthropic::new`] says is what the documentation
/// says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Anthropic {
    /// The largest body that is taken: 32 MB, of which this emulator reads one at most.
    pub largest: usize,
    /// The models that there are, the newest first.
    pub models: Vec<String>,
    /// How messages come out.
    pub outcome: Outcome,
    /// Whether the bill is paid; otherwise messages are a 402.
    pub paid: bool,
    /// Requests a minute and key: 50 to begin with.
    pub per_minute: usize,
    /// Whether an unpaid bill is told by a 400, as it is in some cases.
    pub poor_is_400: bool,
    /// Whether answers name the organisation, which is seen and not promised.
    pub says_organisation: bool,
    /// What errors say of trying again, where they say something.
    pub should_retry: Option<bool>,
}

/// How a message comes out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// As text that ended by itself.
    EndTurn,
    /// Without content.
    Empty,
    /// As text that was cut off.
    MaxTokens,
    /// As a refusal.
    Refusal,
    /// As this text.
    Text(String),
    /// As text with blocks of types that nobody knows around it.
    UnknownBlocks,
}

impl Anthropic {
    /// Anthropic as documented.
    #[must_use]
    pub fn new() -> Self {
        Self {
            largest: 32 * 1024 * 1024,
            models: ["claude-opus-5", "claude-sonnet-5", "claude-haiku-4-5"]
                .map(str::to_owned)
                .to_vec(),
            outcome: Outcome::EndTurn,
            paid: true,
            per_minute: 50,
            poor_is_400: false,
            says_organisation: true,
            should_retry: None,
        }
    }
}

impl Default for Anthropic {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Anthropic> for Played {
    /// The site `anthropic`.
    fn from(anthropic: Anthropic) -> Self {
        Self::oauth("anthropic", anthropic)
    }
}

impl Dialect for Anthropic {
    fn hosts(&self) -> Vec<String> {
        vec!["api.anthropic.com".to_owned()]
    }

    /// There is no OAuth: none of its addresses is classified.
    fn facts(&self) -> Facts {
        Facts::rfc6749("Anthropic")
    }

    fn classify(&self, request: &Incoming) -> Endpoint {
        match request.path.as_str() {
            "/v1/models" => Endpoint::Identity,
            path if path.starts_with("/v1/") => Endpoint::Api,
            _ => Endpoint::Unknown,
        }
    }

    fn api(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        let request = call.request;
        if request.has_header("authorization") {
            return Err(Problem::Secret);
        }
        let caller = caller(desk, call, &[Place::Header("x-api-key")])?;
        if request.header("anthropic-version") != Some("2023-06-01") {
            return Err(Problem::Missing("anthropic-version"));
        }
        if request.body.len() > self.largest {
            return Err(Problem::Said(self.fail(call, 413, "request_too_large", "too large")));
        }
        let who = format!("calls of {}", caller.token);
        desk.limits.hit(&who, self.per_minute, 60, call.now).map_err(Problem::TooMany)?;
        let (left, until) = desk.limits.room(&who, self.per_minute, 60, call.now);
        let answer = match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/v1/models") => models::list(self, call),
            ("POST", "/v1/messages") => messages::create(self, desk, call, &caller),
            _ => Err(Problem::NotFound),
        }?;
        let requests = "anthropic-ratelimit-requests";
        let answer = self
            .known(call, &caller, answer)
            .with(&format!("{requests}-limit"), &self.per_minute.to_string())
            .with(&format!("{requests}-remaining"), &left.to_string())
            .with(&format!("{requests}-reset"), &iso(call.now + until));
        Ok(answer)
    }

    fn error(&self, call: &Call<'_>, status: u16, code: &str, text: &str) -> Answer {
        let body = json!({
            "type": "error",
            "error": {"type": code, "message": text},
            "request_id": number(call),
        });
        Answer::json(status, &body)
    }

    fn problem(&self, call: &Call<'_>, problem: &Problem) -> Answer {
        let (_, _, text) = problem.rfc6749();
        match problem {
            Problem::TooMany(seconds) => self.rate_limited(call, Some(&seconds.to_string())),
            Problem::NotFound => self.fail(call, 404, "not_found_error", "Not found"),
            Problem::Secret | Problem::Token(_) | Problem::TokenMissing => {
                self.fail(call, 401, "authentication_error", "invalid x-api-key")
            }
            _ => self.fail(call, 400, "invalid_request_error", &text),
        }
    }

    fn rate_limited(&self, call: &Call<'_>, retry_after: Option<&str>) -> Answer {
        let text = "This request would exceed your organization's rate limit";
        let answer = self.fail(call, 429, "rate_limit_error", text);
        match retry_after {
            Some(value) => answer.with("retry-after", value),
            None => answer,
        }
    }
}

impl Anthropic {
    /// An error with what is said of trying again.
    fn fail(&self, call: &Call<'_>, status: u16, code: &str, text: &str) -> Answer {
        let answer = self.error(call, status, code, text).with("request-id", &number(call));
        match self.should_retry {
            Some(word) => answer.with("x-should-retry", &word.to_string()),
            None => answer,
        }
    }

    fn known(&self, call: &Call<'_>, caller: &Caller, answer: Answer) -> Answer {
        let answer = answer.with("request-id", &number(call));
        if self.says_organisation {
            let organisation = format!("org-of-{}", caller.account.id);
            return answer.with("anthropic-organization-id", &organisation);
        }
        answer
    }
}

fn number(call: &Call<'_>) -> String {
    let body = sha256(&call.request.body);
    format!("req_{}", base64url(&body[..12]))
}

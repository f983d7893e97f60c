//! Slack as its documentation describes it: OAuth v2 with bot and user tokens, and the part of the
//! Web API that posts messages and lists channels.
//!
//! From the pages (November 2026) <https://docs.slack.dev/authentication/installing-with-oauth>,
//! <https://docs.slack.dev/authentication/using-token-rotation>,
//! <https://docs.slack.dev/authentication/using-pkce>, <https://docs.slack.dev/reference/methods>,
//! <https://docs.slack.dev/apis/web-api/rate-limits> and <https://docs.slack.dev/apis/events-api/>. What the pages leave open is a switch of
//! [`Slack`]. Facts of an account: `user_id`, `team_id`, `team_name`, `enterprise_id`,
//! `enterprise_name`, and `org_wide` (a boolean), which makes its installations those of a whole
//! organisation.

mod api;
mod events;
mod token;

use serde_json::{Value, json};

use crate::announcement::{Announcement, News};
use crate::call::Call;
use crate::desk::Desk;
use crate::ledger::{Grant, RefreshStyle, Refused, TokenKind};
use crate::message::{Answer, Incoming};
use crate::mint::{hex, sha256};
use crate::oauth::{
    Carrier, ClientAuth, Dialect, Ends, Facts, Issued, Need, Pkce, Place, Problem, Revocation,
    ScopeAnswer, Takes, caller, revoke,
};
use crate::play::Played;
use crate::registration::Account;
use crate::token_answer::TokenAnswer;
use crate::{Endpoint, Misuse};

pub use self::api::Channel;
pub use self::events::Revoked;

/// The switches of the emulated Slack; what [`Slack::new`] says is what the documentation says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Slack {
    /// The channels of every workspace.
    pub channels: Vec<Channel>,
    /// Seconds for which a code is good: 600.
    pub code_lifetime: i64,
    /// Whether a refresh token that is not accepted is told as RFC 6749 has it, with status 400, as
    /// some report.
    pub invalid_grant: bool,
    /// Whether token answers hold the address of a webhook, as installations with
    /// `incoming-webhook` do.
    pub incoming_webhook: bool,
    /// Whether events name `authorizations`, which say whether the installation is that of a whole
    /// organisation.
    pub names_authorizations: bool,
    /// Whether the tokens of the person stand in `authed_user` after a refresh too.
    pub nested_refresh: bool,
    /// Whether the bot's tokens end for everybody in the workspace when one of them does, which is
    /// not said.
    pub one_bot: bool,
    /// Whether a message a second and channel is the most.
    pub rate_limits: bool,
    /// What becomes of a used refresh token: it is revoked. Whether a reuse ends more is not said.
    pub refresh_style: RefreshStyle,
    /// Whose tokens a `tokens_revoked` names.
    pub revoked: Revoked,
    /// Whether a refresh token can be revoked, which is not said.
    pub revokes_refresh: bool,
    /// Whether the application has token rotation: tokens of 12 hours with refresh tokens.
    pub rotation: bool,
}

impl Slack {
    /// Slack as documented, with token rotation.
    #[must_use]
    pub fn new() -> Self {
        Self {
            channels: vec![
                Channel::new("C0GENERAL", "general").joined(),
                Channel::new("C0RANDOM", "random"),
                Channel::new("C0SECRET", "secret").private().joined(),
                Channel::new("C0OLD", "old").joined().archived(),
            ],
            code_lifetime: 600,
            invalid_grant: false,
            incoming_webhook: false,
            names_authorizations: true,
            nested_refresh: false,
            one_bot: false,
            rate_limits: true,
            refresh_style: RefreshStyle::Strict { kills_family: false },
            revoked: Revoked::Both,
            revokes_refresh: false,
            rotation: true,
        }
    }
}

impl Default for Slack {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Slack> for Played {
    /// The site `slack`.
    fn from(slack: Slack) -> Self {
        Self::oauth("slack", slack)
    }
}

impl Dialect for Slack {
    fn hosts(&self) -> Vec<String> {
        vec![HOST.to_owned()]
    }

    fn facts(&self) -> Facts {
        Facts {
            // The parameter is not Slack's, and harmless.
            response_type: Need::Ignored,
            redirect_uri: Need::Optional,
            // An application without PKCE: what it does with a challenge is not said.
            pkce: Pkce::Ignored,
            scope_parameters: &["scope", USER_SCOPE],
            separators: ",",
            known_scopes: SCOPES,
            code_lifetime: self.code_lifetime,
            carriers: vec![Carrier::Form, Carrier::Json],
            client_auth: vec![ClientAuth::Basic, ClientAuth::BasicRaw, ClientAuth::Body],
            redirect_at_token: Need::Required,
            grant_type: Need::Optional,
            refresh_scope: Need::Ignored,
            access_lifetime: self.rotation.then_some(12 * 3600),
            refresh_prefix: "xoxe-1-",
            refresh_style: if self.rotation { self.refresh_style } else { RefreshStyle::None },
            token_type: None,
            scope_answer: ScopeAnswer::Joined(","),
            ..Facts::rfc6749("Slack")
        }
    }

    fn classify(&self, request: &Incoming) -> Endpoint {
        match request.path.as_str() {
            "/oauth/v2/authorize" => Endpoint::Authorize,
            "/api/oauth.v2.access" => Endpoint::of_token(request, "refresh_token"),
            "/api/auth.revoke" => Endpoint::Revoke,
            "/api/auth.test" => Endpoint::Identity,
            path if path.starts_with("/api/") => Endpoint::Api,
            _ => Endpoint::Unknown,
        }
    }

    fn api(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        let method = call.request.path.strip_prefix("/api/").unwrap_or_default();
        if !matches!(method, "auth.test" | "chat.postMessage" | "conversations.list") {
            return Err(Problem::Said(failed(200, "unknown_method")));
        }
        let caller = caller(desk, call, &[Place::Bearer])?;
        let answer = match method {
            "auth.test" => self.test(&caller, call.now),
            "chat.postMessage" => self.post(desk, call, &caller)?,
            _ => self.list(call, &caller)?,
        };
        Ok(answer.with("x-oauth-scopes", &caller.scopes.join(",")))
    }

    /// Which part of a token says whose it is: `xoxb` for a bot, `xoxp` for a person; `xoxe` before
    /// it where tokens rotate.
    fn mint(&self, desk: &mut Desk, kind: TokenKind, grant: &Grant) -> String {
        let prefix = match (kind, self.rotation, grant.kind == USER_SCOPE) {
            (TokenKind::Refresh, ..) => "xoxe-1-",
            (TokenKind::Access, false, false) => "xoxb-",
            (TokenKind::Access, false, true) => "xoxp-",
            (TokenKind::Access, true, false) => "xoxe.xoxb-1-",
            (TokenKind::Access, true, true) => "xoxe.xoxp-1-",
        };
        desk.issue(prefix)
    }

    fn token_answer(&self, desk: &mut Desk, issued: &Issued) -> TokenAnswer {
        token::answer(self, desk, issued)
    }

    fn revoke(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        let how = Revocation {
            place: Place::Bearer,
            authenticates: false,
            takes: if self.revokes_refresh { Takes::Either } else { Takes::Access },
            takes_expired: false,
            unknown_is_revoked: false,
            access_ends: Ends::Token,
            refresh_ends: Ends::Token,
        };
        // A token that was revoked before is told apart from one that ran out.
        if let Some(token) = call.request.bearer()
            && let Some((TokenKind::Access, _)) = desk.ledger.find(token)
        {
            let token = token.to_owned();
            desk.ledger.present_access(&token, call.now).map_err(Problem::Token)?;
        }
        revoke(self, desk, call, &how)?;
        Ok(Answer::json(200, &json!({"ok": true, "revoked": true})))
    }

    fn error(&self, _: &Call<'_>, status: u16, code: &str, text: &str) -> Answer {
        let body = json!({"ok": false, "error": code, "response_metadata": {"messages": [text]}});
        Answer::json(status, &body).no_store()
    }

    /// Errors have status 200, at the OAuth addresses too.
    fn problem(&self, call: &Call<'_>, problem: &Problem) -> Answer {
        let code = match problem {
            Problem::BodyType => "invalid_form_data",
            Problem::Client => "invalid_client_id",
            Problem::Code(Refused::Reused) => "code_already_used",
            Problem::Code(_) => "invalid_code",
            Problem::GrantType => "invalid_grant_type",
            Problem::Missing(_) | Problem::Repeated => "invalid_arguments",
            Problem::Redirect => "bad_redirect_uri",
            Problem::Refresh(_) if self.invalid_grant => {
                return Answer::json(400, &json!({"error": "invalid_grant"})).no_store();
            }
            Problem::Refresh(_) => "invalid_refresh_token",
            Problem::Secret => "bad_client_secret",
            Problem::Token(Refused::Ended) => "token_revoked",
            Problem::Token(Refused::Expired) => "token_expired",
            Problem::Token(_) => "invalid_auth",
            Problem::TokenMissing => "not_authed",
            Problem::TooMany(seconds) => {
                return self.rate_limited(call, Some(&seconds.to_string()));
            }
            Problem::Uncovered(scope) => {
                let body = json!({
                    "ok": false, "error": "missing_scope", "needed": scope, "provided": "",
                });
                return Answer::json(200, &body);
            }
            // A token of a kind that cannot be revoked.
            Problem::Value(_) => "not_allowed_token_type",
            _ => "invalid_arguments",
        };
        failed(200, code)
    }

    fn rate_limited(&self, _: &Call<'_>, retry_after: Option<&str>) -> Answer {
        let answer = failed(429, "ratelimited");
        match retry_after {
            Some(value) => answer.with("retry-after", value),
            None => answer,
        }
    }

    fn refusal(&self, problem: &Problem) -> Vec<(&'static str, String)> {
        let (_, code, _) = problem.rfc6749();
        vec![("error", code.to_owned())]
    }

    fn announce(&mut self, desk: &mut Desk, news: &News<'_>) -> Result<Announcement, Misuse> {
        events::announce(self, desk, news)
    }
}

fn failed(status: u16, code: &str) -> Answer {
    Answer::json(status, &json!({"ok": false, "error": code})).no_store()
}

/// The place that an account belongs to: a workspace and an organisation, either of which may be
/// missing.
struct Home {
    team: Value,
    enterprise: Value,
    org_wide: bool,
}

fn home(account: &Account) -> Home {
    let fact = |name: &str| fact(account, name);
    let org_wide = is_org_wide(account);
    let enterprise = match fact("enterprise_id").or(org_wide.then_some("E0EXAMPLE")) {
        Some(id) => json!({"id": id, "name": fact("enterprise_name").unwrap_or("Example Org")}),
        None => Value::Null,
    };
    let team = json!({
        "id": fact("team_id").unwrap_or("T0EXAMPLE"),
        "name": fact("team_name").unwrap_or("Example Workspace"),
    });
    Home { team: if org_wide { Value::Null } else { team }, enterprise, org_wide }
}

/// The id of the place that an installation is in.
fn place(account: &Account) -> Value {
    let home = home(account);
    if home.org_wide { home.enterprise["id"].clone() } else { home.team["id"].clone() }
}

fn is_org_wide(account: &Account) -> bool {
    account.facts.get("org_wide").and_then(Value::as_bool).unwrap_or(false)
}

fn fact<'a>(account: &'a Account, name: &str) -> Option<&'a str> {
    account.facts.get(name).and_then(Value::as_str)
}

/// The person's id in the workspace.
fn user_id(account: &Account) -> String {
    let fact = fact(account, "user_id");
    let derived = || hex(&sha256(format!("slack user {}", account.id).as_bytes())[..5]);
    fact.map_or_else(|| format!("U{}", derived().to_uppercase()), str::to_owned)
}

const HOST: &str = "slack.com";
const USER_SCOPE: &str = "user_scope";
/// The bot's own person.
const BOT_USER: &str = "U0EXAMPLEBOT";

/// The scopes that can be asked for here.
const SCOPES: &[&str] = &[
    "app_mentions:read",
    "channels:history",
    "channels:read",
    "chat:write",
    "chat:write.customize",
    "chat:write.public",
    "commands",
    "files:read",
    "files:write",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "incoming-webhook",
    "mpim:history",
    "mpim:read",
    "reactions:read",
    "reactions:write",
    "search:read",
    "team:read",
    "users.profile:read",
    "users:read",
    "users:read.email",
];

//! HubSpot as its documentation describes it: OAuth of public apps, introspection, revocation,
//! contacts and owners.
//!
//! From the pages (November 2026)
//! <https://developers.hubspot.com/docs/api-reference/latest/authentication/manage-oauth-tokens>,
//! <https://developers.hubspot.com/docs/api-reference/error-handling> and
//! <https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/guide>. What the
//! pages leave open is a switch of [`HubSpot`]. Facts of an account: `hub_id` (a number), and
//! `rules_out`, the optional scopes that its plan or the person's rights do not give. Uninstalling
//! is `DELETE /appinstalls/{version}/external-install`; subscriptions are not managed here.

mod crm;
mod journal;
mod webhook;

use serde_json::{Value, json};

use crate::announcement::{Announcement, News};
use crate::call::Call;
use crate::desk::Desk;
use crate::ledger::{Grant, RefreshStyle, Refused, TokenKind};
use crate::message::{Answer, Incoming, Parameters};
use crate::mint::sha256;
use crate::oauth::{
    Caller, ClientAuth, Dialect, Ends, Facts, Issued, Need, Place, Problem, Revocation,
    ScopeAnswer, Takes, authenticate, caller, revoke,
};
use crate::play::Played;
use crate::registration::{Account, Client};
use crate::token_answer::TokenAnswer;
use crate::{Endpoint, Misuse};

/// The switches of the emulated HubSpot; what [`HubSpot::new`] says is what the documentation says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HubSpot {
    /// Seconds for which an access token is good: 1800.
    pub access_lifetime: i64,
    /// Seconds for which a code is good, which is not said: 600.
    pub code_lifetime: i64,
    /// What `attemptNumber` of webhooks says.
    pub attempt: u32,
    /// Whether the message of a conflict names the contact that is there already.
    pub conflicts_name_the_contact: bool,
    /// Whether `contact.deletion` stands before the erasure that it belongs to: no order is promised.
    pub deletion_first: bool,
    /// What the journal answers where there is nothing newer, which is not said.
    pub journal_end: JournalEnd,
    /// The host on which its files lie, of which the guide shows `s3.amazonaws.com`.
    pub journal_host: String,
    /// Whether its entries are written like webhooks, which is not said.
    pub journal_in_words_of_webhooks: bool,
    /// Where a file redirects to.
    pub journal_redirects: Option<String>,
    journal: journal::Journal,
    /// Whether the account is locked: every call is answered with 423.
    pub locked: bool,
    /// Whether the account is being moved between data centres, and for how many seconds: every call
    /// is answered with 477.
    pub moving: Option<i64>,
    /// The `policyName` of limits: `TEN_SECONDLY_ROLLING`, `SECONDLY` or `DAILY`.
    pub policy: &'static str,
    /// Whether the limit of 110 requests in ten seconds holds.
    pub rate_limits: bool,
    /// What becomes of a used refresh token: it stays and is repeated. That it never changes is not
    /// said.
    pub refresh_style: RefreshStyle,
    /// Whether errors leave out all but their message.
    pub terse: bool,
    /// Whether the revocation of an unknown token is answered with 404, as the old one was.
    pub unknown_is_404: bool,
}

impl HubSpot {
    /// HubSpot as documented.
    #[must_use]
    pub fn new() -> Self {
        Self {
            access_lifetime: 1800,
            attempt: 0,
            code_lifetime: 600,
            conflicts_name_the_contact: true,
            deletion_first: false,
            journal_end: JournalEnd::NoContent,
            journal_host: "hubspot-journal.s3.amazonaws.com".to_owned(),
            journal_in_words_of_webhooks: false,
            journal_redirects: None,
            journal: journal::Journal::default(),
            locked: false,
            moving: None,
            policy: "TEN_SECONDLY_ROLLING",
            rate_limits: true,
            refresh_style: RefreshStyle::Stable { echoed: true },
            terse: false,
            unknown_is_404: false,
        }
    }
}

/// What the journal answers where there is nothing newer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JournalEnd {
    /// 204.
    NoContent,
    /// 404, as for an offset that is forgotten.
    NotFound,
    /// 200 without a body.
    Nothing,
}

impl Default for HubSpot {
    fn default() -> Self {
        Self::new()
    }
}

impl From<HubSpot> for Played {
    /// The site `hubspot`.
    fn from(hubspot: HubSpot) -> Self {
        Self::oauth("hubspot", hubspot)
    }
}

impl Dialect for HubSpot {
    fn hosts(&self) -> Vec<String> {
        vec![WEB_HOST.to_owned(), API_HOST.to_owned(), self.journal_host.clone()]
    }

    fn facts(&self) -> Facts {
        Facts {
            response_type: Need::Optional,
            known_scopes: SCOPES,
            code_lifetime: self.code_lifetime,
            client_auth: vec![ClientAuth::Body],
            // About 300 characters or more.
            access_length: 320,
            access_lifetime: Some(self.access_lifetime),
            refresh_style: self.refresh_style,
            token_type: Some("bearer"),
            scope_answer: ScopeAnswer::Absent,
            ..Facts::rfc6749("HubSpot")
        }
    }

    fn classify(&self, request: &Incoming) -> Endpoint {
        if request.host == WEB_HOST {
            return match request.segments().as_slice() {
                ["oauth", "authorize"] | ["oauth", _, "authorize"] => Endpoint::Authorize,
                _ => Endpoint::Unknown,
            };
        }
        if request.host == self.journal_host {
            return Endpoint::Api;
        }
        match request.segments().as_slice() {
            ["oauth", version, rest @ ..] if VERSIONS.contains(version) => match rest {
                ["token"] => Endpoint::of_token(request, "refresh_token"),
                ["token", "introspect"] => Endpoint::Introspect,
                ["token", "revoke"] => Endpoint::Revoke,
                _ => Endpoint::Unknown,
            },
            ["crm" | "appinstalls" | "webhooks-journal", ..] => Endpoint::Api,
            _ => Endpoint::Unknown,
        }
    }

    fn check_authorize(&self, _: &Call<'_>, query: &Parameters) -> Result<(), Problem> {
        let optional = query.one("optional_scope").unwrap_or_default().split(' ');
        match optional.into_iter().find(|scope| !scope.is_empty() && !SCOPES.contains(scope)) {
            Some(scope) => Err(Problem::Scope(scope.to_owned())),
            None => Ok(()),
        }
    }

    fn api(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        if call.endpoint == Endpoint::Introspect {
            return self.introspect(desk, call);
        }
        if call.request.host == self.journal_host {
            return Ok(journal::file(self, call));
        }
        if let ["webhooks-journal", "journal", "2026-03" | "2026-09", path @ ..] =
            call.request.segments().as_slice()
        {
            return journal::entry(self, call, path);
        }
        let caller = caller(desk, call, &[Place::Bearer])?;
        if self.locked {
            return Err(Problem::Said(self.failure(423, "LOCKED", "The account is locked")));
        }
        if let Some(seconds) = self.moving {
            let answer = self.failure(477, "MIGRATION", "The account is being migrated");
            return Err(Problem::Said(answer.with("retry-after", &seconds.to_string())));
        }
        if self.rate_limits {
            let who = format!("calls to {}", hub(&caller.account));
            desk.limits.hit(who, 110, 10, call.now).map_err(Problem::TooMany)?;
        }
        let scopes = granted(desk.ledger.grant(caller.grant), &caller.account);
        let needs = |scope: &str| {
            let has = scopes.iter().any(|granted| granted == scope);
            if has { Ok(()) } else { Err(Problem::Uncovered(scope.to_owned())) }
        };
        let request = call.request;
        match (request.method.as_str(), request.segments().as_slice()) {
            ("POST", ["crm", "objects", "2026-03" | "2026-09", "contacts"]) => {
                needs("crm.objects.contacts.write")?;
                crm::create(self, desk, call, &caller)
            }
            ("DELETE", ["appinstalls", "2026-03" | "2026-09", "external-install"]) => {
                needs("oauth")?;
                let portal = hub(&caller.account);
                let there = desk.accounts.iter().filter(|account| hub(account) == portal);
                let there: Vec<String> = there.map(|account| account.id.clone()).collect();
                for account in there {
                    desk.ledger.end_all(&account, &caller.client);
                }
                self.journal_uninstall(portal, call.now);
                Ok(Answer::empty(204))
            }
            ("GET", ["crm", "v3", "owners"]) => {
                needs("crm.objects.owners.read")?;
                crm::owners(call, &caller)
            }
            _ => Err(Problem::NotFound),
        }
    }

    fn other_grant(
        &mut self,
        desk: &mut Desk,
        call: &Call<'_>,
        client: &Client,
        parameters: &Parameters,
    ) -> Result<Answer, Problem> {
        journal::token(self, desk, call, client, parameters)
    }

    fn announce(&mut self, desk: &mut Desk, news: &News<'_>) -> Result<Announcement, Misuse> {
        webhook::announce(self, desk, news)
    }

    fn token_answer(&self, _: &mut Desk, issued: &Issued) -> TokenAnswer {
        let mut answer = issued.flat(&self.facts());
        let mut scopes =
            issued.credentials.first().map(|one| one.scopes.clone()).unwrap_or_default();
        scopes.extend(optional(&issued.extras.asked, &issued.account));
        // An array, under a name of its own.
        answer.add("scopes", scopes);
        answer.add("hub_id", hub(&issued.account));
        answer.add("user_id", user(&issued.account));
        answer.add("token_use", "access_token");
        answer
    }

    fn revoke(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        let how = Revocation {
            takes: Takes::Refresh,
            unknown_is_revoked: !self.unknown_is_404,
            // Access tokens live out their half hour.
            refresh_ends: Ends::Token,
            ..Revocation::rfc7009()
        };
        match revoke(self, desk, call, &how) {
            Err(Problem::Token(_)) => Err(Problem::NotFound),
            other => other.map(|_| Answer::empty(204)),
        }
    }

    fn error(&self, call: &Call<'_>, status: u16, code: &str, text: &str) -> Answer {
        if is_oauth(call.endpoint) {
            let body = json!({"error": code, "error_description": text, "message": text});
            return Answer::json(status, &body).no_store();
        }
        self.failure(status, code, text)
    }

    fn problem(&self, call: &Call<'_>, problem: &Problem) -> Answer {
        let (status, code, text) = problem.rfc6749();
        if is_oauth(call.endpoint) {
            let word = match problem {
                Problem::Client | Problem::Missing("client_id") => "BAD_CLIENT_ID",
                Problem::Code(Refused::Expired) => "EXPIRED_AUTH_CODE",
                Problem::Code(_) | Problem::Verifier => "BAD_AUTH_CODE",
                Problem::Redirect => "MISMATCH_REDIRECT_URI_AUTH_CODE",
                Problem::Refresh(_) => "BAD_REFRESH_TOKEN",
                Problem::Secret => "BAD_CLIENT_SECRET",
                _ => return self.error(call, status, code, &text),
            };
            // Also for clients the status is 400.
            let body = json!({
                "error": code, "error_description": text, "status": word, "message": text,
            });
            return Answer::json(400, &body).no_store();
        }
        match problem {
            Problem::Token(Refused::Expired) => {
                self.failure(401, "EXPIRED_AUTHENTICATION", "The OAuth token is expired")
            }
            Problem::Token(_) | Problem::TokenMissing => {
                self.failure(401, "INVALID_AUTHENTICATION", "Authentication credentials not found")
            }
            Problem::Uncovered(scope) => {
                self.failure(403, "MISSING_SCOPES", &format!("{scope} is required"))
            }
            Problem::NotFound => self.failure(404, "OBJECT_NOT_FOUND", "resource not found"),
            Problem::TooMany(_) => self.rate_limited(call, None),
            _ => self.failure(400, "VALIDATION_ERROR", &text),
        }
    }

    fn rate_limited(&self, call: &Call<'_>, retry_after: Option<&str>) -> Answer {
        let answer = if is_oauth(call.endpoint) {
            self.error(call, 429, "rate_limit", "slow down")
        } else {
            let body = json!({
                "status": "error",
                "message": "You have reached your limit.",
                "errorType": "RATE_LIMIT",
                "category": "RATE_LIMITS",
                "correlationId": CORRELATION,
                "policyName": self.policy,
            });
            Answer::json(429, &body)
        };
        match retry_after {
            Some(value) => answer.with("retry-after", value),
            None => answer,
        }
    }
}

impl HubSpot {
    /// An error of the API, of which every member may be missing.
    fn failure(&self, status: u16, category: &str, text: &str) -> Answer {
        if self.terse {
            return Answer::json(status, &json!({"message": text}));
        }
        let body = json!({
            "status": "error",
            "message": text,
            "correlationId": CORRELATION,
            "category": category,
        });
        Answer::json(status, &body)
    }

    /// Says whose token it is, and repeats it. One guide names the parameter after the token.
    fn introspect(&self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        let (client, parameters) = authenticate(self, desk, call)?;
        let named = |name| parameters.one(name).map(str::to_owned);
        let token = named("token").or(named("access_token")).or(named("refresh_token"));
        let token = token.ok_or(Problem::Missing("token"))?;
        let inactive = || Answer::json(200, &json!({"active": false}));
        let Some((kind, grant)) = desk.ledger.find(&token) else { return Ok(inactive()) };
        let Some(accepted) = desk.ledger.peek(&token, call.now) else { return Ok(inactive()) };
        let grant = desk.ledger.grant(grant);
        let Some(account) = desk.account(&grant.account) else { return Ok(inactive()) };
        if grant.client != client.id {
            return Ok(inactive());
        }
        let mut body = json!({
            "active": true,
            "token": token,
            "token_type": "bearer",
            "token_use": "access_token",
            "hub_id": hub(account),
            "hub_domain": format!("portal-{}.example", hub(account)),
            "user_id": user(account),
            "user": account.email,
            "app_id": 1,
            "client_id": client.id,
            "scopes": granted(grant, account),
        });
        if kind == TokenKind::Access {
            body["expires_in"] = json!(accepted.expires_at.map(|at| at - call.now));
            body["is_private_distribution"] = json!(false);
        } else {
            body["token_use"] = json!("refresh_token");
        }
        Ok(Answer::json(200, &body))
    }
}

/// The scopes of a grant, with the optional ones that the account gives.
fn granted(grant: &Grant, account: &Account) -> Vec<String> {
    let mut scopes = grant.scopes.clone();
    scopes.extend(optional(&grant.extras.asked, account));
    scopes
}

fn optional(asked: &std::collections::BTreeMap<String, String>, account: &Account) -> Vec<String> {
    let ruled_out = account.facts.get("rules_out").and_then(Value::as_array);
    let out = |scope: &&str| {
        ruled_out.is_some_and(|all| all.iter().any(|one| one.as_str() == Some(*scope)))
    };
    let list = asked.get("optional_scope").map(String::as_str).unwrap_or_default();
    let wanted = list.split(' ').filter(|scope| !scope.is_empty());
    wanted.filter(|scope| !out(scope)).map(str::to_owned).collect()
}

fn is_oauth(endpoint: Endpoint) -> bool {
    use Endpoint::{Exchange, Introspect, Refresh, Revoke};
    matches!(endpoint, Exchange | Introspect | Refresh | Revoke)
}

/// The portal.
fn hub(account: &Account) -> u64 {
    let stated = account.facts.get("hub_id").and_then(Value::as_u64);
    stated.unwrap_or_else(|| number(&format!("portal of {}", account.id)))
}

/// The person, whatever the portal.
fn user(account: &Account) -> u64 {
    number(&account.email)
}

fn number(text: &str) -> u64 {
    sha256(text.as_bytes()).iter().take(4).fold(1, |number, byte| number * 256 + u64::from(*byte))
}

/// The caller's portal, for what a call writes.
fn portal(caller: &Caller) -> u64 {
    hub(&caller.account)
}

const WEB_HOST: &str = "app.hubspot.com";
const API_HOST: &str = "api.hubapi.com";
const CORRELATION: &str = "00000000-0000-4000-8000-000000000000";
const VERSIONS: &[&str] = &["2026-03", "2026-09", "v3"];

/// The scopes that can be asked for here.
const SCOPES: &[&str] = &[
    "content",
    "conversations.read",
    "crm.lists.read",
    "crm.objects.companies.read",
    "crm.objects.companies.write",
    "crm.objects.contacts.highly_sensitive.read.v2",
    "crm.objects.contacts.read",
    "crm.objects.contacts.sensitive.read.v2",
    "crm.objects.contacts.write",
    "crm.objects.deals.read",
    "crm.objects.deals.write",
    "crm.objects.line_items.read",
    "crm.objects.owners.read",
    "crm.objects.quotes.read",
    "crm.schemas.contacts.read",
    "files",
    "oauth",
    "tickets",
];

//! Google as its documentation describes it: OAuth 2.0 for web servers, OpenID Connect, sending
//! mail, the events of a calendar, files in Drive, Cross-Account Protection.
//!
//! From the pages (November 2026) <https://developers.google.com/identity/protocols/oauth2>,
//! `…/oauth2/web-server` and `…/oauth2/resources/granular-permissions` beside it,
//! <https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages/send>,
//! <https://developers.google.com/workspace/calendar/api/v3/reference/events/list>,
//! <https://developers.google.com/workspace/drive/api/guides/manage-uploads> and
//! `…/manage-downloads`, <https://developers.google.com/identity/protocols/risc>. What the pages leave open is a switch of [`Google`]. Facts of an account:
//! `hd` (the domain of a Workspace), `events` (an array of event resources). Drive's files are
//! added with [`Google::add_file`].

mod calendar;
mod drive;
mod gmail;
mod risc;
mod upload;
mod user;

use serde_json::json;

pub use self::drive::File;

use self::upload::Session;
use crate::announcement::{Announcement, News};
use crate::call::Call;
use crate::desk::Desk;
use crate::ledger::{Grant, RefreshStyle, TokenKind};
use crate::message::{Answer, Incoming, Parameters};
use crate::mint::random;
use crate::oauth::{
    Carrier, ClientAuth, Dialect, Ends, Facts, Issued, Pkce, Place, Problem, Revocation,
    ScopeAnswer, Takes, caller, revoke,
};
use crate::oidc::{IdTokenFlaw, SigningAlgorithm};
use crate::play::Played;
use crate::token_answer::TokenAnswer;
use crate::{Endpoint, Misuse};

/// The switches of the emulated Google; what [`Google::new`] says is what the documentation says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Google {
    /// Seconds for which an access token is good: 3599.
    pub access_lifetime: i64,
    /// Whether an administrator forbids the client: authorization ends with
    /// `admin_policy_enforced`.
    pub admin_blocks: bool,
    /// Ways in which clients authenticate: the body is documented, Basic is seen to work.
    pub client_auth: Vec<ClientAuth>,
    /// Seconds for which a code is good, which is not said: 600.
    pub code_lifetime: i64,
    /// Why an account is disabled, as the event of it says: `hijacking`, `bulk-account` or nothing.
    pub disabled_reason: Option<&'static str>,
    /// What is wrong with ID tokens.
    pub id_token_flaw: Option<IdTokenFlaw>,
    /// The limit that the 403 and 429 of the APIs speak of: `rateLimitExceeded`,
    /// `userRateLimitExceeded`, `dailyLimitExceeded`.
    pub limit_reason: &'static str,
    /// Whether limits of the APIs come as 403, as older ones do, instead of 429.
    pub limits_as_403: bool,
    /// How many living refresh tokens an account has for a client: 100. One more ends the oldest.
    pub most_refresh_tokens: usize,
    /// Whether a session's policy asks for the person again: refreshes end with `invalid_grant` and
    /// the subtype `invalid_rapt`.
    pub reauthentication: bool,
    /// What becomes of a used refresh token: it stays, and is not repeated.
    pub refresh_style: RefreshStyle,
    /// Whether an event is for all clients of the project, in a list, instead of for one.
    pub risc_audiences: bool,
    /// What is wrong with the tokens of events.
    pub risc_flaw: Option<IdTokenFlaw>,
    /// How events spell that they are about a person: `iss-sub`, as the page's example has it,
    /// `iss_sub` or `id_token_claims`.
    pub risc_subject: &'static str,
    /// How an event names a refresh token: `hash_base64_sha512_sha512` or `prefix`.
    pub risc_token_identifier: &'static str,
    /// How long an upload session lives, in seconds: a week.
    pub session_lifetime: i64,
    /// The most bytes of a part that a session keeps, for parts that arrive half.
    pub session_keeps: Option<usize>,
    /// Whether `iss` of ID tokens lacks its scheme.
    pub short_issuer: bool,
    /// Whether the project is in testing, where refresh tokens live for seven days.
    pub testing: bool,
    /// For how many seconds people grant access, where they do so for a time.
    pub time_limited: Option<i64>,
    /// Host of upload sessions: `www.googleapis.com`.
    pub upload_host: String,
    files: Vec<File>,
    sessions: Vec<Session>,
}

impl Google {
    /// Google as documented.
    #[must_use]
    pub fn new() -> Self {
        Self {
            access_lifetime: 3599,
            admin_blocks: false,
            client_auth: vec![ClientAuth::Basic, ClientAuth::Body, ClientAuth::None],
            code_lifetime: 600,
            disabled_reason: Some("hijacking"),
            id_token_flaw: None,
            limit_reason: "rateLimitExceeded",
            limits_as_403: true,
            most_refresh_tokens: 100,
            reauthentication: false,
            refresh_style: RefreshStyle::Stable { echoed: false },
            risc_audiences: false,
            risc_flaw: None,
            risc_subject: "iss-sub",
            risc_token_identifier: "hash_base64_sha512_sha512",
            session_lifetime: 7 * DAY,
            session_keeps: None,
            short_issuer: false,
            testing: false,
            time_limited: None,
            upload_host: API_HOST.into(),
            files: Vec::new(),
            sessions: Vec::new(),
        }
    }

    /// Puts a file into somebody's Drive. Clients see it when it is theirs or was picked for them.
    pub fn add_file(&mut self, file: File) {
        self.files.push(file);
    }

    /// The files in everybody's Drive, in the order in which they came.
    #[must_use]
    pub fn files(&self) -> &[File] {
        &self.files
    }
}

impl Default for Google {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Google> for Played {
    /// The site `google`.
    fn from(google: Google) -> Self {
        Self::oauth("google", google)
    }
}

impl Dialect for Google {
    fn hosts(&self) -> Vec<String> {
        [WEB_HOST, TOKEN_HOST, USER_HOST, API_HOST, GMAIL_HOST].map(str::to_owned).to_vec()
    }

    fn facts(&self) -> Facts {
        Facts {
            pkce: Pkce::Optional,
            pkce_methods: &["S256", "plain"],
            known_scopes: SCOPES,
            granular: true,
            code_prefix: "4/0",
            code_lifetime: self.code_lifetime,
            carriers: vec![Carrier::Form],
            client_auth: self.client_auth.clone(),
            access_prefix: "ya29.",
            access_length: 200,
            refresh_prefix: "1//0",
            access_lifetime: Some(self.access_lifetime),
            refresh_lifetime_restarts: self.time_limited.is_none() && !self.testing,
            refresh_style: self.refresh_style,
            refresh_expiry: self.time_limited.map(|_| "refresh_token_expires_in"),
            scope_answer: ScopeAnswer::Absent,
            ..Facts::rfc6749("Google")
        }
    }

    fn classify(&self, request: &Incoming) -> Endpoint {
        match (request.host.as_str(), request.path.as_str()) {
            (WEB_HOST, "/o/oauth2/v2/auth") => Endpoint::Authorize,
            (WEB_HOST, "/.well-known/risc-configuration") => Endpoint::Discovery,
            (TOKEN_HOST, "/token") => Endpoint::of_token(request, "refresh_token"),
            (TOKEN_HOST, "/revoke") => Endpoint::Revoke,
            (USER_HOST, "/v1/userinfo") => Endpoint::Identity,
            (API_HOST, "/oauth2/v3/certs") => Endpoint::Jwks,
            (API_HOST, "/upload/drive/v3/files") if request.is("PUT") => Endpoint::Upload,
            (API_HOST, path)
                if ["/calendar/v3/", "/drive/v3/", "/upload/drive/v3/"]
                    .iter()
                    .any(|prefix| path.starts_with(prefix)) =>
            {
                Endpoint::Api
            }
            (GMAIL_HOST, path) if path.starts_with("/gmail/v1/") => Endpoint::Api,
            _ => Endpoint::Unknown,
        }
    }

    fn api(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        match call.endpoint {
            Endpoint::Jwks => {
                return Ok(Answer::json(200, &desk.keys.jwks(SigningAlgorithm::Rs256)));
            }
            Endpoint::Discovery => return Ok(risc::configuration()),
            Endpoint::Upload => return upload::part(self, desk, call),
            _ => {}
        }
        let caller = caller(desk, call, &[Place::Bearer])?;
        let request = call.request;
        match (request.method.as_str(), request.segments().as_slice()) {
            ("GET", ["v1", "userinfo"]) => user::info(&caller),
            ("POST", ["gmail", "v1", "users", "me", "messages", "send"]) => {
                gmail::send(desk, call, &caller)
            }
            ("GET", ["calendar", "v3", "calendars", "primary", "events"]) => {
                calendar::events(call, &caller)
            }
            ("GET", ["drive", "v3", "files"]) => drive::list(&self.files, call, &caller),
            ("GET", ["drive", "v3", "files", id]) => drive::get(&self.files, call, &caller, id),
            ("GET", ["drive", "v3", "files", id, "export"]) => {
                drive::export(&self.files, call, &caller, id)
            }
            ("POST", ["upload", "drive", "v3", "files"]) => upload::open(self, desk, call, &caller),
            _ => Err(Problem::NotFound),
        }
    }

    /// A refusal of an administrator comes back like one of the person's.
    fn check_authorize(&self, _: &Call<'_>, query: &Parameters) -> Result<(), Problem> {
        let prompt = query.one("prompt").unwrap_or_default();
        let known = ["none", "consent", "select_account"];
        if !prompt.split_whitespace().all(|word| known.contains(&word)) {
            return Err(Problem::Value("prompt"));
        }
        for (name, values) in [
            ("access_type", &["online", "offline"]),
            ("include_granted_scopes", &["true", "false"]),
        ] {
            if query.one(name).is_some_and(|value| !values.contains(&value)) {
                return Err(Problem::Value(name));
            }
        }
        if self.admin_blocks { Err(Problem::Denied) } else { Ok(()) }
    }

    fn refusal(&self, problem: &Problem) -> Vec<(&'static str, String)> {
        match problem {
            Problem::Denied if self.admin_blocks => {
                vec![("error", "admin_policy_enforced".to_owned())]
            }
            Problem::Denied => vec![("error", "access_denied".to_owned())],
            _ => {
                let (_, code, text) = problem.rfc6749();
                vec![("error", code.to_owned()), ("error_description", text)]
            }
        }
    }

    /// What a code is for is decided at its exchange: with what was allowed before, and with a
    /// refresh token only where the person was asked.
    fn own_token_request(
        &mut self,
        desk: &mut Desk,
        call: &Call<'_>,
    ) -> Option<Result<Answer, Problem>> {
        if call.endpoint == Endpoint::Refresh && self.reauthentication {
            let body = json!({
                "error": "invalid_grant",
                "error_description": "reauth related error (invalid_rapt)",
                "error_uri": "https://support.google.com/a/answer/9368756",
                "error_subtype": "invalid_rapt",
            });
            return Some(Ok(Answer::json(400, &body).no_store()));
        }
        let form = call.request.form();
        let value = form.one("code").filter(|_| call.endpoint == Endpoint::Exchange)?.to_owned();
        let code = desk.ledger.code_mut(&value)?.clone();
        let asked = |name: &str| code.extras.asked.get(name).map(String::as_str);
        let consent = asked("prompt").is_some_and(|prompt| prompt.contains("consent"));
        let incremental = asked("include_granted_scopes") == Some("true");
        let before = desk.ledger.allowed(&code.account, &code.client);
        let again = before.is_some() && !consent;
        let code = desk.ledger.code_mut(&value)?;
        if again {
            code.extras.asked.insert("access_type".to_owned(), "online".to_owned());
        }
        for scope in before.unwrap_or_default() {
            if incremental && !code.scopes.contains(&scope) {
                code.scopes.push(scope);
            }
        }
        None
    }

    fn gives_refresh(&self, grant: &Grant) -> bool {
        grant.extras.asked.get("access_type").is_some_and(|kind| kind == "offline")
    }

    fn lifetime(&self, kind: TokenKind, grant: &Grant, _: bool) -> Option<i64> {
        let signs_in = |scope: &String| ["openid", "email", "profile"].contains(&scope.as_str());
        match kind {
            TokenKind::Access => Some(self.access_lifetime),
            TokenKind::Refresh if self.testing && !grant.scopes.iter().all(signs_in) => {
                Some(7 * DAY)
            }
            TokenKind::Refresh => self.time_limited,
        }
    }

    /// No two refresh tokens begin alike, which is by what events name them.
    fn mint(&self, desk: &mut Desk, kind: TokenKind, _: &Grant) -> String {
        let facts = self.facts();
        match kind {
            TokenKind::Access => desk.issue_long(facts.access_prefix, facts.access_length),
            TokenKind::Refresh => desk.issue(&format!("{}{}", facts.refresh_prefix, random::<9>())),
        }
    }

    fn announce(&mut self, desk: &mut Desk, news: &News<'_>) -> Result<Announcement, Misuse> {
        risc::announce(self, desk, news)
    }

    fn token_answer(&self, desk: &mut Desk, issued: &Issued) -> TokenAnswer {
        let mut answer = issued.flat(&self.facts());
        let Some(credential) = issued.credentials.first() else { return answer };
        let scopes = &credential.scopes;
        let written: Vec<&str> = scopes.iter().rev().map(|scope| written(scope)).collect();
        answer.add("scope", written.join(" "));
        if scopes.iter().any(|scope| scope == "openid") {
            let token = user::id_token(self, desk, issued, credential);
            desk.issued(&token);
            answer.add("id_token", token);
        }
        let (account, client) = (&issued.account.id, &issued.client.id);
        let living = desk.ledger.refresh_tokens(account, client, issued.now);
        let surplus = living.len().saturating_sub(self.most_refresh_tokens);
        for old in &living[..surplus] {
            desk.ledger.end_token(old);
        }
        answer
    }

    fn revoke(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        let how = Revocation {
            authenticates: false,
            takes: Takes::Either,
            takes_expired: false,
            unknown_is_revoked: false,
            access_ends: Ends::Everything,
            refresh_ends: Ends::Everything,
            ..Revocation::rfc7009()
        };
        revoke(self, desk, call, &how)?;
        Ok(Answer::json(200, &json!({})))
    }

    fn error(&self, call: &Call<'_>, status: u16, code: &str, text: &str) -> Answer {
        if is_oauth(call.endpoint) {
            let body = json!({"error": code, "error_description": text});
            return Answer::json(status, &body).no_store();
        }
        let (reason, word) = match (status, code) {
            (401, _) => ("authError", "UNAUTHENTICATED"),
            (403, "insufficient_scope") => ("insufficientPermissions", "PERMISSION_DENIED"),
            (403, reason) => (reason, "PERMISSION_DENIED"),
            (404, _) => ("notFound", "NOT_FOUND"),
            (429, reason) => (reason, "RESOURCE_EXHAUSTED"),
            (_, reason) => (reason, "INVALID_ARGUMENT"),
        };
        let error = json!({
            "code": status,
            "message": text,
            "errors": [{"message": text, "domain": "global", "reason": reason}],
            "status": word,
        });
        Answer::json(status, &json!({"error": error}))
    }

    fn problem(&self, call: &Call<'_>, problem: &Problem) -> Answer {
        let (status, code, text) = problem.rfc6749();
        match problem {
            Problem::TooMany(seconds) => self.rate_limited(call, Some(&seconds.to_string())),
            // RFC 7009 has no such error; Google does.
            Problem::Token(_) if call.endpoint == Endpoint::Revoke => {
                self.error(call, 400, "invalid_token", "Token expired or revoked")
            }
            Problem::Redirect => self.error(call, 400, "redirect_uri_mismatch", "Bad Request"),
            Problem::Refresh(_) => {
                self.error(call, 400, code, "Token has been expired or revoked.")
            }
            Problem::Uncovered(_) => {
                let text = "Request had insufficient authentication scopes.";
                let challenge = "Bearer realm=\"https://accounts.google.com/\", \
                                 error=\"insufficient_scope\"";
                self.error(call, 403, code, text).with("www-authenticate", challenge)
            }
            _ => self.error(call, status, code, &text),
        }
    }

    fn rate_limited(&self, call: &Call<'_>, retry_after: Option<&str>) -> Answer {
        let of_the_api = matches!(call.endpoint, Endpoint::Api);
        let status = if of_the_api && self.limits_as_403 { 403 } else { 429 };
        let answer = self.error(call, status, self.limit_reason, "Quota exceeded");
        match retry_after {
            Some(value) => answer.with("retry-after", value),
            None => answer,
        }
    }
}

fn is_oauth(endpoint: Endpoint) -> bool {
    matches!(endpoint, Endpoint::Exchange | Endpoint::Refresh | Endpoint::Revoke)
}

/// How a scope is called in token answers.
fn written(scope: &str) -> &str {
    match scope {
        "email" => "https://www.googleapis.com/auth/userinfo.email",
        "profile" => "https://www.googleapis.com/auth/userinfo.profile",
        other => other,
    }
}

/// An error of an API with a reason of its own.
fn refused(status: u16, reason: &str) -> Problem {
    let error = json!({
        "code": status,
        "message": "refused",
        "errors": [{"message": "refused", "domain": "global", "reason": reason}],
    });
    Problem::Said(Answer::json(status, &json!({"error": error})))
}

const WEB_HOST: &str = "accounts.google.com";
const TOKEN_HOST: &str = "oauth2.googleapis.com";
const USER_HOST: &str = "openidconnect.googleapis.com";
const API_HOST: &str = "www.googleapis.com";
const GMAIL_HOST: &str = "gmail.googleapis.com";
const DAY: i64 = 86_400;

const GMAIL_SEND: &str = "https://www.googleapis.com/auth/gmail.send";
const CALENDAR: [&str; 4] = [
    "https://www.googleapis.com/auth/calendar",
    "https://www.googleapis.com/auth/calendar.events",
    "https://www.googleapis.com/auth/calendar.events.readonly",
    "https://www.googleapis.com/auth/calendar.readonly",
];
const DRIVE_FILE: &str = "https://www.googleapis.com/auth/drive.file";

/// The scopes that can be asked for here.
const SCOPES: &[&str] = &[
    "email",
    "https://mail.google.com/",
    "https://www.googleapis.com/auth/calendar",
    "https://www.googleapis.com/auth/calendar.events",
    "https://www.googleapis.com/auth/calendar.events.owned",
    "https://www.googleapis.com/auth/calendar.events.readonly",
    "https://www.googleapis.com/auth/calendar.freebusy",
    "https://www.googleapis.com/auth/calendar.readonly",
    "https://www.googleapis.com/auth/drive",
    "https://www.googleapis.com/auth/drive.appdata",
    "https://www.googleapis.com/auth/drive.file",
    "https://www.googleapis.com/auth/drive.metadata",
    "https://www.googleapis.com/auth/drive.metadata.readonly",
    "https://www.googleapis.com/auth/drive.readonly",
    "https://www.googleapis.com/auth/gmail.compose",
    "https://www.googleapis.com/auth/gmail.insert",
    "https://www.googleapis.com/auth/gmail.labels",
    "https://www.googleapis.com/auth/gmail.metadata",
    "https://www.googleapis.com/auth/gmail.modify",
    "https://www.googleapis.com/auth/gmail.readonly",
    "https://www.googleapis.com/auth/gmail.send",
    "https://www.googleapis.com/auth/userinfo.email",
    "https://www.googleapis.com/auth/userinfo.profile",
    "openid",
    "profile",
];

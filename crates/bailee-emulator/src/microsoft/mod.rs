//! Microsoft as its documentation describes it: Entra ID version 2.0, and of Graph user info,
//! sending mail, the calendar view and small uploads.
//!
//! From the pages (November 2026)
//! <https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow>,
//! `…/identity-platform/refresh-tokens`, `…/identity-platform/reference-error-codes`,
//! <https://learn.microsoft.com/en-us/graph/api/user-sendmail>,
//! <https://learn.microsoft.com/en-us/graph/api/user-list-calendarview> and
//! <https://learn.microsoft.com/en-us/graph/api/driveitem-put-content>. What the pages leave open
//! is a switch of [`Microsoft`]. Facts of an account: `tid` (its directory) and `events` (an array
//! of events with times in UTC).

mod graph;

use serde_json::{Value, json};

use crate::Endpoint;
use crate::call::Call;
use crate::clock::iso;
use crate::desk::Desk;
use crate::ledger::{Grant, RefreshStyle, Refused};
use crate::message::{Answer, Incoming};
use crate::mint::{base64url, hex, random, sha256};
use crate::oauth::{
    ClientAuth, Dialect, Facts, Issued, Need, Pkce, Place, Problem, ScopeAnswer, caller,
};
use crate::oidc::{IdTokenFlaw, SigningAlgorithm};
use crate::play::Played;
use crate::registration::Account;
use crate::token_answer::TokenAnswer;

/// The switches of the emulated Microsoft; what [`Microsoft::new`] says is what the documentation
/// says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Microsoft {
    /// Seconds for which an access token is good: 3599; they vary from 60 to 90 minutes.
    pub access_lifetime: i64,
    /// Whether Graph ends tokens before their time: 401 with a challenge of `claims`.
    pub evaluates_access: bool,
    /// Whether token answers write Graph's scopes as addresses in lower case.
    pub full_scopes: bool,
    /// What is wrong with ID tokens.
    pub id_token_flaw: Option<IdTokenFlaw>,
    /// The directory that `iss` of ID tokens names; that of the account where it is not set.
    pub issuing_directory: Option<String>,
    /// Whether a refresh asks for a second factor (AADSTS50076).
    pub multi_factor: bool,
    /// Whether token answers name `openid`, `email`, `profile` and `offline_access` too.
    pub names_sign_in: bool,
    /// The address that stands before `/me/calendarView` in the address of the next page.
    pub next_page_at: String,
    /// Seconds for which a refresh token is good: 90 days.
    pub refresh_lifetime: i64,
    /// Whether the client's secret has run out (AADSTS7000222).
    pub secret_expired: bool,
}

impl Microsoft {
    /// Microsoft as documented.
    #[must_use]
    pub fn new() -> Self {
        Self {
            access_lifetime: 3599,
            evaluates_access: false,
            full_scopes: false,
            id_token_flaw: None,
            issuing_directory: None,
            multi_factor: false,
            names_sign_in: false,
            next_page_at: format!("https://{GRAPH_HOST}/v1.0"),
            refresh_lifetime: 90 * 86_400,
            secret_expired: false,
        }
    }
}

impl Default for Microsoft {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Microsoft> for Played {
    /// The site `microsoft`.
    fn from(microsoft: Microsoft) -> Self {
        Self::oauth("microsoft", microsoft)
    }
}

impl Dialect for Microsoft {
    fn hosts(&self) -> Vec<String> {
        [LOGIN_HOST, GRAPH_HOST].map(str::to_owned).to_vec()
    }

    fn facts(&self) -> Facts {
        Facts {
            pkce: Pkce::Optional,
            pkce_methods: &["S256", "plain"],
            known_scopes: SCOPES,
            client_auth: vec![ClientAuth::Basic, ClientAuth::Body, ClientAuth::None],
            // A refresh may ask for another resource.
            refresh_scope: Need::Ignored,
            access_prefix: "EwB",
            access_length: 400,
            access_lifetime: Some(self.access_lifetime),
            refresh_prefix: "M.C5",
            refresh_lifetime: Some(self.refresh_lifetime),
            refresh_style: RefreshStyle::Overlapping,
            scope_answer: ScopeAnswer::Absent,
            ..Facts::rfc6749("Microsoft")
        }
    }

    fn classify(&self, request: &Incoming) -> Endpoint {
        match (request.host.as_str(), request.segments().as_slice()) {
            (LOGIN_HOST, [_, "oauth2", "v2.0", "authorize"]) => Endpoint::Authorize,
            (LOGIN_HOST, [_, "oauth2", "v2.0", "token"]) => {
                Endpoint::of_token(request, "refresh_token")
            }
            (LOGIN_HOST, [_, "discovery", "v2.0", "keys"]) => Endpoint::Jwks,
            (GRAPH_HOST, ["oidc", "userinfo"]) => Endpoint::Identity,
            (GRAPH_HOST, ["v1.0", ..]) => Endpoint::Api,
            _ => Endpoint::Unknown,
        }
    }

    fn api(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        if call.endpoint == Endpoint::Jwks {
            return Ok(Answer::json(200, &desk.keys.jwks(SigningAlgorithm::Rs256)));
        }
        let caller = caller(desk, call, &[Place::Bearer])?;
        if self.evaluates_access && call.endpoint == Endpoint::Api {
            let claims = base64url(br#"{"access_token":{}}"#);
            let challenge =
                format!("Bearer realm=\"\", error=\"insufficient_claims\", claims=\"{claims}\"");
            let answer = self.error(call, 401, "InvalidAuthenticationToken", "Continuous access");
            return Err(Problem::Said(answer.with("www-authenticate", &challenge)));
        }
        let request = call.request;
        match (request.method.as_str(), request.segments().as_slice()) {
            ("GET", ["oidc", "userinfo"]) => {
                caller.needs("openid")?;
                Ok(Answer::json(200, &claims(&caller.account, &caller.client, &caller.scopes)))
            }
            ("POST", ["v1.0", "me", "sendMail"]) => graph::send(desk, call, &caller),
            ("GET", ["v1.0", "me", "calendarView"]) => {
                graph::calendar(&self.next_page_at, call, &caller)
            }
            ("PUT", ["v1.0", "me", "drive", "root:", name, "content"]) => {
                graph::put(desk, call, &caller, name)
            }
            _ => Err(Problem::NotFound),
        }
    }

    fn own_token_request(
        &mut self,
        _: &mut Desk,
        call: &Call<'_>,
    ) -> Option<Result<Answer, Problem>> {
        if self.secret_expired {
            let text = "The provided client secret keys are expired.";
            return Some(Ok(refusal(call, 401, "invalid_client", 7_000_222, text)));
        }
        (self.multi_factor && call.endpoint == Endpoint::Refresh).then(|| {
            let text = "You must use multi-factor authentication to access it.";
            Ok(refusal(call, 400, "interaction_required", 50_076, text))
        })
    }

    fn gives_refresh(&self, grant: &Grant) -> bool {
        grant.scopes.iter().any(|scope| scope == "offline_access")
    }

    fn token_answer(&self, desk: &mut Desk, issued: &Issued) -> TokenAnswer {
        let mut answer = issued.flat(&self.facts());
        let Some(credential) = issued.credentials.first() else { return answer };
        let named = credential.scopes.iter().filter_map(|scope| {
            if SIGN_IN.contains(&scope.as_str()) {
                self.names_sign_in.then(|| scope.clone())
            } else if self.full_scopes {
                Some(format!("https://{GRAPH_HOST}/{}", scope.to_ascii_lowercase()))
            } else {
                Some(scope.clone())
            }
        });
        answer.add("scope", named.collect::<Vec<_>>().join(" "));
        answer.add("ext_expires_in", self.access_lifetime);
        if credential.scopes.iter().any(|scope| scope == "openid") {
            let mut said = claims(&issued.account, &issued.client.id, &credential.scopes);
            let directory = directory(&issued.account);
            let issuing = self.issuing_directory.as_deref().unwrap_or(&directory);
            said["iss"] = json!(format!("https://{LOGIN_HOST}/{issuing}/v2.0"));
            said["aud"] = json!(issued.client.id);
            said["iat"] = json!(issued.now);
            said["exp"] = json!(issued.now + 3600);
            said["ver"] = json!("2.0");
            if let Some(nonce) = issued.nonce.as_ref().filter(|_| issued.first) {
                said["nonce"] = json!(nonce);
            }
            let token = desk.keys.token(SigningAlgorithm::Rs256, self.id_token_flaw, said);
            desk.issued(&token);
            answer.add("id_token", token);
        }
        answer
    }

    fn error(&self, call: &Call<'_>, status: u16, code: &str, text: &str) -> Answer {
        if matches!(call.endpoint, Endpoint::Exchange | Endpoint::Refresh) {
            return refusal(call, status, code, 9_002_313, text);
        }
        let inner = json!({"date": iso(call.now), "request-id": random::<12>()});
        let error = json!({"code": code, "message": text, "innerError": inner});
        Answer::json(status, &json!({"error": error}))
    }

    fn problem(&self, call: &Call<'_>, problem: &Problem) -> Answer {
        let (status, code, text) = problem.rfc6749();
        let number = match problem {
            Problem::TooMany(seconds) => {
                return self.rate_limited(call, Some(&seconds.to_string()));
            }
            Problem::Token(_) | Problem::TokenMissing => {
                return self.error(call, 401, "InvalidAuthenticationToken", &text);
            }
            Problem::Uncovered(_) => return self.error(call, 403, "ErrorAccessDenied", &text),
            Problem::NotFound => return self.error(call, 404, "itemNotFound", &text),
            Problem::Refresh(Refused::Expired) => 700_082,
            Problem::Refresh(Refused::Ended) => 50_173,
            Problem::Refresh(_) => 70_000,
            Problem::Code(_) | Problem::Redirect | Problem::Verifier => 70_008,
            Problem::Secret => 7_000_215,
            Problem::Client => return refusal(call, 400, "unauthorized_client", 700_016, &text),
            _ => return self.error(call, status, code, &text),
        };
        refusal(call, status, code, number, &text)
    }
}

/// A refused token request, with its number.
fn refusal(call: &Call<'_>, status: u16, code: &str, number: u32, text: &str) -> Answer {
    let body = json!({
        "error": code,
        "error_description": format!("AADSTS{number}: {text}"),
        "error_codes": [number],
        "timestamp": iso(call.now),
        "trace_id": random::<12>(),
        "correlation_id": random::<12>(),
    });
    Answer::json(status, &body).no_store()
}

/// What is said of an account, to a client of these scopes.
fn claims(account: &Account, client: &str, scopes: &[String]) -> Value {
    let has = |wanted: &str| scopes.iter().any(|scope| scope == wanted);
    let mut claims = json!({
        "sub": guid(&format!("{client} {}", account.id)),
        "oid": guid(&account.id),
        "tid": directory(account),
    });
    if has("email") {
        claims["email"] = json!(account.email);
    }
    if has("profile") {
        claims["name"] = json!(account.display_name);
        claims["preferred_username"] = json!(format!("{}@contoso.example", account.username));
    }
    claims
}

/// The directory that an account is in.
fn directory(account: &Account) -> String {
    let fact = account.facts.get("tid").and_then(Value::as_str);
    fact.unwrap_or("72f988bf-0000-4000-8000-2d7cd011db47").to_owned()
}

fn guid(text: &str) -> String {
    let digits = hex(&sha256(text.as_bytes())[..16]);
    let (a, b, c, d, e) =
        (&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]);
    format!("{a}-{b}-{c}-{d}-{e}")
}

const LOGIN_HOST: &str = "login.microsoftonline.com";
const GRAPH_HOST: &str = "graph.microsoft.com";
const SIGN_IN: [&str; 4] = ["openid", "email", "profile", "offline_access"];

/// The scopes that can be asked for here.
const SCOPES: &[&str] = &[
    "Calendars.Read",
    "Calendars.ReadWrite",
    "ChannelMessage.Send",
    "Chat.Read",
    "Contacts.Read",
    "Files.Read",
    "Files.ReadWrite",
    "Files.ReadWrite.AppFolder",
    "Mail.Read",
    "Mail.ReadWrite",
    "Mail.Send",
    "Presence.Read",
    "Sites.Read.All",
    "Tasks.ReadWrite",
    "User.Read",
    "email",
    "offline_access",
    "openid",
    "profile",
];

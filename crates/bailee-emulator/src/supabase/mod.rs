//! Supabase as its documentation describes it: OAuth of the Management API on behalf of a member of
//! an organisation, organisations and projects.
//!
//! From the pages (November 2026)
//! <https://supabase.com/docs/guides/integrations/build-a-supabase-oauth-integration> and
//! <https://supabase.com/docs/reference/api/introduction>, and the published schema of the API.
//! What they leave open is a switch of [`Supabase`]. Fact of an account: `organizations`, a list of
//! slugs; without it the account has one. The scopes of a registration are those of the
//! application; one without scopes has all.

mod projects;

use serde_json::json;

use crate::Endpoint;
use crate::call::Call;
use crate::desk::Desk;
use crate::ledger::RefreshStyle;
use crate::message::{Answer, Incoming, Parameters};
use crate::oauth::{
    Caller, Carrier, ClientAuth, Dialect, Ends, Facts, Need, Place, Problem, Revocation,
    ScopeAnswer, Takes, caller, revoke,
};
use crate::play::Played;

/// The switches of the emulated Supabase; what [`Supabase::new`] says is what the documentation
/// says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Supabase {
    /// Seconds for which an access token is good, which is not published: 3600.
    pub access_lifetime: i64,
    /// Ways in which clients authenticate at the token address: the guide has Basic, the schema the
    /// body.
    pub client_auth: Vec<ClientAuth>,
    /// Whether errors of the token address have `error` and `error_description` instead of
    /// `message`, which is not said.
    pub oauth_errors: bool,
    /// Whether the limit of 120 requests a minute holds.
    pub rate_limits: bool,
    /// What becomes of a used refresh token, which is not said: dead at once.
    pub refresh_style: RefreshStyle,
    /// Whether the revocation of an unknown token is answered with 404, which is not said.
    pub unknown_is_404: bool,
}

impl Supabase {
    /// Supabase as documented.
    #[must_use]
    pub fn new() -> Self {
        Self {
            access_lifetime: 3600,
            client_auth: vec![ClientAuth::Basic, ClientAuth::BasicRaw, ClientAuth::Body],
            oauth_errors: false,
            rate_limits: true,
            refresh_style: RefreshStyle::Strict { kills_family: false },
            unknown_is_404: true,
        }
    }
}

impl Default for Supabase {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Supabase> for Played {
    /// The site `supabase`.
    fn from(supabase: Supabase) -> Self {
        Self::oauth("supabase", supabase)
    }
}

impl Dialect for Supabase {
    fn hosts(&self) -> Vec<String> {
        vec![HOST.to_owned()]
    }

    fn facts(&self) -> Facts {
        Facts {
            pkce_methods: &["S256", "sha256", "plain"],
            // Set at the application; what is sent has no effect.
            scopes: Need::Ignored,
            carriers: vec![Carrier::Form, Carrier::Json],
            client_auth: self.client_auth.clone(),
            access_prefix: "sbp_oauth_",
            access_lifetime: Some(self.access_lifetime),
            refresh_prefix: "sbr_",
            refresh_style: self.refresh_style,
            token_status: 201,
            scope_answer: ScopeAnswer::Absent,
            ..Facts::rfc6749("Supabase")
        }
    }

    fn classify(&self, request: &Incoming) -> Endpoint {
        match request.path.as_str() {
            "/v1/oauth/authorize" => Endpoint::Authorize,
            "/v1/oauth/token" => Endpoint::of_token(request, "refresh_token"),
            "/v1/oauth/revoke" => Endpoint::Revoke,
            "/v1/organizations" => Endpoint::Identity,
            path if path.starts_with("/v1/") => Endpoint::Api,
            _ => Endpoint::Unknown,
        }
    }

    fn client_auth(&self, endpoint: Endpoint) -> Vec<ClientAuth> {
        match endpoint {
            Endpoint::Revoke => vec![ClientAuth::Body],
            _ => self.client_auth.clone(),
        }
    }

    fn check_authorize(&self, _: &Call<'_>, query: &Parameters) -> Result<(), Problem> {
        let length = |name| query.one(name).map_or(0, str::len);
        if length("redirect_uri") + length("state") > 4096 {
            return Err(Problem::Value("state"));
        }
        Ok(())
    }

    fn check_token(&self, call: &Call<'_>, parameters: &Parameters) -> Result<(), Problem> {
        if !call.request.is_form() {
            return Err(Problem::BodyType);
        }
        known(parameters, TOKEN_MEMBERS)
    }

    fn api(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        let caller = caller(desk, call, &[Place::Bearer])?;
        if self.rate_limits {
            // Who went over it is blocked until the minute ends.
            let who = format!("{} in {}", caller.account.id, call.now / 60);
            let left = 60 - call.now.rem_euclid(60);
            desk.limits.hit(who, 120, 60, call.now).map_err(|_| Problem::TooMany(left))?;
        }
        let request = call.request;
        match (request.method.as_str(), request.segments().as_slice()) {
            ("GET", ["v1", "organizations"]) => {
                needs(&caller, "organizations:read")?;
                Ok(projects::organizations(&caller))
            }
            ("GET", ["v1", "projects"]) => {
                needs(&caller, "projects:read")?;
                Ok(projects::list(&caller))
            }
            _ => Err(Problem::NotFound),
        }
    }

    fn revoke(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        let Some(body) = call.request.json() else { return Err(Problem::BodyType) };
        let members = body.as_object().ok_or(Problem::BodyType)?;
        if members.keys().any(|name| !REVOKE_MEMBERS.contains(&name.as_str())) {
            return Err(Problem::Value("a member that is not known"));
        }
        let how = Revocation {
            place: Place::Parameter("refresh_token"),
            takes: Takes::Refresh,
            unknown_is_revoked: !self.unknown_is_404,
            refresh_ends: Ends::Everything,
            ..Revocation::rfc7009()
        };
        match revoke(self, desk, call, &how) {
            Err(Problem::Token(_)) => Err(Problem::NotFound),
            other => other.map(|_| Answer::empty(204)),
        }
    }

    fn error(&self, call: &Call<'_>, status: u16, code: &str, text: &str) -> Answer {
        let oauth = matches!(call.endpoint, Endpoint::Exchange | Endpoint::Refresh);
        if oauth && self.oauth_errors {
            return Answer::json(status, &json!({"error": code, "error_description": text}));
        }
        Answer::json(status, &json!({"message": text}))
    }

    fn problem(&self, call: &Call<'_>, problem: &Problem) -> Answer {
        let (status, code, text) = problem.rfc6749();
        match problem {
            Problem::TooMany(seconds) => {
                self.rate_limited(call, None).with("x-ratelimit-reset", &seconds.to_string())
            }
            Problem::Refresh(_) => self.error(call, 400, code, "Invalid refresh token"),
            Problem::Code(_) => self.error(call, 400, code, "Invalid authorization code"),
            Problem::Token(_) | Problem::TokenMissing => {
                self.error(call, 401, code, "Unauthorized")
            }
            Problem::Uncovered(_) => self.error(call, 403, code, "Forbidden"),
            _ => self.error(call, status, code, &text),
        }
    }

    fn rate_limited(&self, call: &Call<'_>, retry_after: Option<&str>) -> Answer {
        let answer = self
            .error(call, 429, "too_many_requests", "Too Many Requests")
            .with("x-ratelimit-limit", "120")
            .with("x-ratelimit-remaining", "0");
        // There is no Retry-After; the header is in seconds from now.
        match retry_after {
            Some(value) => answer.with("x-ratelimit-reset", value),
            None => answer,
        }
    }
}

/// A scope that the application had when the person authorized it.
fn needs(caller: &Caller, scope: &str) -> Result<(), Problem> {
    if caller.scopes.is_empty() { Ok(()) } else { caller.needs(scope) }
}

/// The schemas forbid properties that they do not name.
fn known(parameters: &Parameters, names: &[&str]) -> Result<(), Problem> {
    let unknown = |(name, _): &(String, String)| !names.contains(&name.as_str());
    if parameters.pairs().iter().any(unknown) {
        return Err(Problem::Value("a member that is not known"));
    }
    Ok(())
}

const HOST: &str = "api.supabase.com";
const TOKEN_MEMBERS: &[&str] = &[
    "client_id",
    "client_secret",
    "code",
    "code_verifier",
    "grant_type",
    "redirect_uri",
    "refresh_token",
    "resource",
    "scope",
];
const REVOKE_MEMBERS: &[&str] = &["client_id", "client_secret", "refresh_token"];

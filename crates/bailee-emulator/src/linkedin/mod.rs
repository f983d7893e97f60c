//! LinkedIn as its documentation describes it: sign-in with OpenID Connect, introspection, posts.
//!
//! From the pages (November 2026)
//! <https://learn.microsoft.com/en-us/linkedin/shared/authentication/authorization-code-flow>,
//! <https://learn.microsoft.com/en-us/linkedin/shared/authentication/programmatic-refresh-tokens>,
//! <https://learn.microsoft.com/en-us/linkedin/shared/authentication/token-introspection>,
//! <https://learn.microsoft.com/en-us/linkedin/marketing/versioning> and
//! <https://learn.microsoft.com/en-us/linkedin/marketing/community-management/shares/posts-api>.
//! What the pages leave open is a switch of [`LinkedIn`]. A client's scopes are those of the
//! products that its application has.

mod introspection;
mod member;
mod posts;

use serde_json::json;

use crate::Endpoint;
use crate::call::Call;
use crate::desk::Desk;
use crate::ledger::{Grant, RefreshStyle, Refused};
use crate::message::{Answer, Incoming};
use crate::oauth::{
    ClientAuth, Dialect, Ends, Facts, Issued, Pkce, Place, Problem, Revocation as How, ScopeAnswer,
    caller, revoke,
};
use crate::oidc::SigningAlgorithm;
use crate::play::Played;
use crate::token_answer::TokenAnswer;

/// The switches of the emulated LinkedIn; what [`LinkedIn::new`] says is what the documentation
/// says, and what is known from use where it is silent.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LinkedIn {
    /// Whether another authorization of the same person ends the earlier tokens: not unless it
    /// asks for other scopes, which is hearsay.
    pub ends_old_grants: bool,
    /// The code for a dead refresh token: `invalid_grant`, or `invalid_request`.
    pub dead_refresh: &'static str,
    /// Whether a limit of the day is the application's.
    pub limits_application: bool,
    /// Whether `locale` is an object of language and country.
    pub locale_object: bool,
    /// Whether a nonce comes back in the ID token, which is not said.
    pub repeats_nonce: bool,
    /// What PKCE parameters do in the web flow: a verifier is reported to break the exchange.
    pub pkce: Pkce,
    /// Whether LinkedIn approved the application for refresh tokens.
    pub programmatic_refresh: bool,
    /// What the revocation address does, which no page describes.
    pub revocation: Revocation,
    /// What stands between the scopes of token answers: a comma, or a space.
    pub scope_separator: &'static str,
    /// Whether token answers have a `token_type`.
    pub says_type: bool,
    /// The versions of the API that live.
    pub versions: Vec<String>,
}

/// What a revocation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Revocation {
    /// It says that it worked, and nothing happens.
    Idle,
    /// There is no such address.
    Missing,
    /// The grant ends.
    Works,
}

impl LinkedIn {
    /// LinkedIn as documented, for an application that was not approved for refresh tokens.
    #[must_use]
    pub fn new() -> Self {
        Self {
            ends_old_grants: false,
            dead_refresh: "invalid_grant",
            limits_application: false,
            locale_object: false,
            repeats_nonce: true,
            pkce: Pkce::Refused,
            programmatic_refresh: false,
            revocation: Revocation::Works,
            scope_separator: ",",
            says_type: true,
            versions: ["202601", "202603", "202607"].map(str::to_owned).to_vec(),
        }
    }
}

impl Default for LinkedIn {
    fn default() -> Self {
        Self::new()
    }
}

impl From<LinkedIn> for Played {
    /// The site `linkedin`.
    fn from(linkedin: LinkedIn) -> Self {
        Self::oauth("linkedin", linkedin)
    }
}

impl Dialect for LinkedIn {
    fn hosts(&self) -> Vec<String> {
        [WEB_HOST, API_HOST].map(str::to_owned).to_vec()
    }

    fn facts(&self) -> Facts {
        Facts {
            pkce: self.pkce,
            known_scopes: SCOPES,
            code_lifetime: 1800,
            ends_old_grants: self.ends_old_grants,
            client_auth: vec![ClientAuth::Body],
            access_length: 500,
            access_lifetime: Some(60 * DAY),
            refresh_lifetime: Some(365 * DAY),
            refresh_lifetime_restarts: false,
            refresh_style: RefreshStyle::Stable { echoed: true },
            refresh_expiry: Some("refresh_token_expires_in"),
            token_type: self.says_type.then_some("Bearer"),
            scope_answer: ScopeAnswer::Joined(self.scope_separator),
            ..Facts::rfc6749("LinkedIn")
        }
    }

    fn classify(&self, request: &Incoming) -> Endpoint {
        match (request.host.as_str(), request.path.as_str()) {
            (WEB_HOST, "/oauth/v2/authorization") => Endpoint::Authorize,
            (WEB_HOST, "/oauth/v2/accessToken") => Endpoint::of_token(request, "refresh_token"),
            (WEB_HOST, "/oauth/v2/introspectToken") => Endpoint::Introspect,
            (WEB_HOST, "/oauth/v2/revoke") if self.revocation != Revocation::Missing => {
                Endpoint::Revoke
            }
            (WEB_HOST, "/oauth/openid/jwks") => Endpoint::Jwks,
            (API_HOST, "/v2/userinfo" | "/v2/me") => Endpoint::Identity,
            (API_HOST, path) if path.starts_with("/rest/") => Endpoint::Api,
            _ => Endpoint::Unknown,
        }
    }

    fn gives_refresh(&self, _: &Grant) -> bool {
        self.programmatic_refresh
    }

    fn refusal(&self, problem: &Problem) -> Vec<(&'static str, String)> {
        let (_, code, text) = problem.rfc6749();
        let code = match problem {
            Problem::Denied => "user_cancelled_authorize",
            Problem::Scope(_) => "unauthorized_scope_error",
            _ => code,
        };
        vec![("error", code.to_owned()), ("error_description", text)]
    }

    fn token_answer(&self, desk: &mut Desk, issued: &Issued) -> TokenAnswer {
        let mut answer = issued.flat(&self.facts());
        let openid = |scope: &String| scope == "openid";
        if issued.first && issued.credentials.iter().any(|one| one.scopes.iter().any(openid)) {
            let mut claims = json!({
                "iss": "https://www.linkedin.com/oauth",
                "aud": issued.client.id,
                "iat": issued.now,
                "exp": issued.now + 3600,
                "sub": member::id(&issued.account, &issued.client.id),
                "name": issued.account.display_name,
            });
            if let Some(nonce) = issued.nonce.as_ref().filter(|_| self.repeats_nonce) {
                claims["nonce"] = json!(nonce);
            }
            let token = desk.keys.token(SigningAlgorithm::Rs256, None, claims);
            desk.issued(&token);
            answer.add("id_token", token);
        }
        answer
    }

    fn api(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        let request = call.request;
        match call.endpoint {
            Endpoint::Introspect => return introspection::answer(self, desk, call),
            Endpoint::Jwks => {
                return Ok(Answer::json(200, &desk.keys.jwks(SigningAlgorithm::Rs256)));
            }
            _ => {}
        }
        let caller = caller(desk, call, &[Place::Bearer])?;
        if request.path.starts_with("/rest/") {
            self.check_headers(call)?;
        }
        match (request.method.as_str(), request.segments().as_slice()) {
            ("GET", ["v2", "userinfo"]) => member::info(self, &caller),
            ("GET", ["v2", "me"]) => member::me(&caller),
            ("POST", ["rest", "posts"]) => posts::create(desk, call, &caller),
            ("DELETE", ["rest", "posts", urn]) => posts::delete(desk, &caller, urn),
            _ => Err(Problem::NotFound),
        }
    }

    fn revoke(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        if self.revocation == Revocation::Works {
            let how = How { access_ends: Ends::Grant, ..How::rfc7009() };
            revoke(self, desk, call, &how)?;
        }
        Ok(Answer::empty(200))
    }

    fn error(&self, call: &Call<'_>, status: u16, code: &str, text: &str) -> Answer {
        if is_oauth(call.endpoint) {
            let body = json!({"error": code, "error_description": text});
            return Answer::json(status, &body).no_store();
        }
        let number =
            NUMBERS.iter().find(|(word, _)| *word == code).map_or(0, |(_, number)| *number);
        let body =
            json!({"message": text, "serviceErrorCode": number, "status": status, "code": code});
        Answer::json(status, &body)
    }

    fn problem(&self, call: &Call<'_>, problem: &Problem) -> Answer {
        let (status, code, text) = problem.rfc6749();
        if is_oauth(call.endpoint) {
            let code = match problem {
                Problem::Redirect => "invalid_redirect_uri",
                Problem::Refresh(_) => self.dead_refresh,
                _ => code,
            };
            return self.error(call, status, code, &text);
        }
        match problem {
            Problem::NotFound => self.error(call, 404, "RESOURCE_NOT_FOUND", "No such resource"),
            Problem::Token(Refused::Expired) => {
                let text = "The token used in the request has expired";
                self.error(call, 401, "EXPIRED_ACCESS_TOKEN", text)
            }
            Problem::Token(Refused::Ended) => {
                let text = "The token used in the request has been revoked by the user";
                self.error(call, 401, "REVOKED_ACCESS_TOKEN", text)
            }
            Problem::Token(_) | Problem::TokenMissing => {
                self.error(call, 401, "INVALID_ACCESS_TOKEN", "Invalid access token")
            }
            Problem::TooMany(_) => self.rate_limited(call, None),
            Problem::Uncovered(_) => {
                let text = "Not enough permissions to access: this resource";
                self.error(call, 403, "ACCESS_DENIED", text)
            }
            _ => self.error(call, 400, "ILLEGAL_ARGUMENT", &text),
        }
    }

    /// There are no headers: the day ends at midnight.
    fn rate_limited(&self, call: &Call<'_>, retry_after: Option<&str>) -> Answer {
        let whose = if self.limits_application { "APPLICATION" } else { "MEMBER" };
        let text = format!(
            "Resource level throttle {whose} DAY limit for calls to this resource is reached."
        );
        let answer = self.error(call, 429, "TOO_MANY_REQUESTS", &text);
        match retry_after {
            Some(value) => answer.with("retry-after", value),
            None => answer,
        }
    }
}

impl LinkedIn {
    /// The headers of everything under `/rest`.
    fn check_headers(&self, call: &Call<'_>) -> Result<(), Problem> {
        let Some(version) = call.request.header("linkedin-version") else {
            let text = "A version must be present. Please specify a version by adding the \
                        LinkedIn-Version header.";
            return Err(Problem::Said(self.error(call, 400, "VERSION_MISSING", text)));
        };
        if !self.versions.iter().any(|known| known == version) {
            let text = format!("Requested version {version} is not active");
            return Err(Problem::Said(self.error(call, 426, "NONEXISTENT_VERSION", &text)));
        }
        match call.request.header("x-restli-protocol-version") {
            Some("2.0.0") => Ok(()),
            _ => Err(Problem::Value("X-Restli-Protocol-Version")),
        }
    }
}

fn is_oauth(endpoint: Endpoint) -> bool {
    matches!(
        endpoint,
        Endpoint::Exchange | Endpoint::Introspect | Endpoint::Refresh | Endpoint::Revoke
    )
}

const WEB_HOST: &str = "www.linkedin.com";
const API_HOST: &str = "api.linkedin.com";
const DAY: i64 = 86_400;

const NUMBERS: [(&str, u32); 5] = [
    ("ACCESS_DENIED", 100),
    ("EXPIRED_ACCESS_TOKEN", 65602),
    ("INVALID_ACCESS_TOKEN", 65600),
    ("REVOKED_ACCESS_TOKEN", 65601),
    ("TOO_MANY_REQUESTS", 101),
];

const SCOPES: &[&str] = &[
    "email",
    "openid",
    "profile",
    "r_ads",
    "r_ads_reporting",
    "r_basicprofile",
    "r_compliance",
    "r_dma_portability_3rd_party",
    "r_emailaddress",
    "r_events",
    "r_liteprofile",
    "r_member_social",
    "r_organization_admin",
    "r_organization_social",
    "rw_ads",
    "rw_organization_admin",
    "w_compliance",
    "w_member_social",
    "w_organization_social",
];

use crate::ledger::Refused;
use crate::message::Answer;

/// Why a request is refused. Providers give it their own names in
/// [`Dialect::problem`](super::Dialect::problem).
#[derive(Clone, Debug)]
pub(crate) enum Problem {
    /// The body is of a kind that is not taken here.
    BodyType,
    /// No such client, or it is not said which.
    Client,
    Code(Refused),
    /// The person refused.
    Denied,
    GrantType,
    /// A parameter is not there.
    Missing(&'static str),
    /// There is nothing at this address, or not for this account.
    NotFound,
    /// PKCE parameters are missing, wrong or unwanted at authorization.
    Pkce,
    /// The redirect address of the token request is not that of the authorization.
    Redirect,
    Refresh(Refused),
    /// A parameter came more than once.
    Repeated,
    ResponseType,
    /// Answered already, in the provider's words.
    Said(Answer),
    /// A scope is unknown, or was not granted before.
    Scope(String),
    /// The client's secret is wrong, missing, or sent in a way that is not taken here.
    Secret,
    /// The access token of a call.
    Token(Refused),
    /// A call without a token.
    TokenMissing,
    /// The token is too young to be exchanged.
    TooYoung,
    /// Too many requests; how many seconds to wait.
    TooMany(i64),
    /// The token lacks this scope.
    Uncovered(String),
    /// A parameter or member cannot have this value.
    Value(&'static str),
    /// The verifier is not that of the challenge.
    Verifier,
}

impl Problem {
    /// Status, code and text by RFC 6749 §4.1.2.1 and §5.2 and by RFC 6750 §3.1.
    pub(crate) fn rfc6749(&self) -> (u16, &'static str, String) {
        let (status, code, text) = match self {
            Self::BodyType => (400, "invalid_request", "the body is not of a kind that is taken"),
            Self::Client => (401, "invalid_client", "the client is unknown"),
            Self::Code(Refused::Expired) => (400, "invalid_grant", "the code has expired"),
            Self::Code(_) => (400, "invalid_grant", "the code is not valid"),
            Self::Denied => (403, "access_denied", "the person refused"),
            Self::GrantType => (400, "unsupported_grant_type", "there is no such grant type"),
            Self::Missing(name) => return (400, "invalid_request", format!("{name} is missing")),
            Self::NotFound => (404, "not_found", "there is nothing at this address"),
            Self::Pkce => (400, "invalid_request", "code_challenge is missing, wrong or unwanted"),
            Self::Redirect => (400, "invalid_grant", "redirect_uri is not the authorization's"),
            Self::Refresh(_) => (400, "invalid_grant", "the refresh token is not valid"),
            Self::Repeated => (400, "invalid_request", "a parameter is repeated"),
            Self::ResponseType => (400, "unsupported_response_type", "response_type must be code"),
            Self::Said(answer) => (answer.status, "invalid_request", "refused"),
            Self::Scope(_) => (400, "invalid_scope", "a scope is unknown or not allowed"),
            Self::Secret => (401, "invalid_client", "the client is not authenticated"),
            Self::Token(_) => (401, "invalid_token", "the access token is not valid"),
            Self::TokenMissing => (401, "invalid_token", "there is no access token"),
            Self::TooYoung => (400, "invalid_grant", "the token is too young"),
            Self::TooMany(_) => (429, "rate_limit_exceeded", "slow down"),
            Self::Uncovered(scope) => {
                return (403, "insufficient_scope", format!("{scope} was not granted"));
            }
            Self::Value(name) => return (400, "invalid_request", format!("{name} is wrong")),
            Self::Verifier => (400, "invalid_grant", "code_verifier is missing or wrong"),
        };
        (status, code, text.to_owned())
    }
}

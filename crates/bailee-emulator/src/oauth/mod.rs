//! The OAuth that most providers speak: RFC 6749 with a dialect.
//!
//! A provider states its `Facts`, answers its API calls and overrides the few methods of
//! `Dialect` in which it differs; everything else is done here, strictly: redirect addresses are
//! compared exactly, codes are good once, PKCE is checked, unknown scopes are refused.

mod authorize;
mod caller;
mod client;
mod exchange;
mod facts;
mod introspect;
mod issue;
mod problem;
mod refresh;
mod revoke;
mod server;
#[cfg(test)]
mod tests;

use std::fmt;

pub use self::facts::{Carrier, ClientAuth, Need, Pkce};

pub(crate) use self::caller::{Caller, Place, caller};
pub(crate) use self::client::{authenticate, basic, decode, parameters};
pub(crate) use self::facts::{Facts, ScopeAnswer};
pub(crate) use self::introspect::introspect;
pub(crate) use self::issue::Issued;
pub(crate) use self::issue::{Credential, Old, issue};
pub(crate) use self::problem::Problem;
pub(crate) use self::revoke::{Ends, Revocation, Takes, revoke};
pub(crate) use self::server::Server;

use crate::announcement::{Announcement, News};
use crate::call::Call;
use crate::desk::{Desk, Ticket};
use crate::ledger::{Grant, TokenKind};
use crate::message::{Answer, Incoming, Parameters};
use crate::registration::{Account, Client};
use crate::token_answer::{Encoding, TokenAnswer};
use crate::{Endpoint, Misuse};

/// A provider that speaks OAuth in its own way. Its public switches implement this.
///
/// The first five methods are what every provider writes; the others have the RFCs' answers.
pub(crate) trait Dialect: Clone + fmt::Debug + Send + Sync + 'static {
    /// The names that it answers for; `*.` at the front stands for every name below.
    fn hosts(&self) -> Vec<String>;

    /// How its OAuth is, by the switches of this moment.
    fn facts(&self) -> Facts;

    /// What a request wants. The consent form is known already; for a token address see
    /// [`Endpoint::of_token`].
    fn classify(&self, request: &Incoming) -> Endpoint;

    /// Everything but authorization, tokens and revocation: the API, user info, introspection.
    fn api(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem>;

    /// An error in the provider's own shape, which faults use too.
    fn error(&self, call: &Call<'_>, status: u16, code: &str, text: &str) -> Answer;

    /// What a problem is called here. The RFCs' names and statuses, in the provider's shape.
    fn problem(&self, call: &Call<'_>, problem: &Problem) -> Answer {
        if let Problem::TooMany(seconds) = problem {
            return self.rate_limited(call, Some(&seconds.to_string()));
        }
        let (status, code, text) = problem.rfc6749();
        self.error(call, status, code, &text)
    }

    /// The parameters with which a refused authorization goes back, beside `state`.
    fn refusal(&self, problem: &Problem) -> Vec<(&'static str, String)> {
        let (_, code, text) = problem.rfc6749();
        vec![("error", code.to_owned()), ("error_description", text)]
    }

    /// Whether there is such a scope.
    fn knows_scope(&self, scope: &str) -> bool {
        let known = self.facts().known_scopes;
        known.is_empty() || known.contains(&scope)
    }

    /// What an authorization request must be beyond the facts.
    fn check_authorize(&self, call: &Call<'_>, query: &Parameters) -> Result<(), Problem> {
        let _ = (call, query);
        Ok(())
    }

    /// What the person can tick, where it is other than the scopes that were asked for: places
    /// of their account.
    fn offers(&self, desk: &Desk, asked: Vec<String>) -> Vec<String> {
        let _ = desk;
        asked
    }

    /// What a token request must be beyond the facts.
    fn check_token(&self, call: &Call<'_>, parameters: &Parameters) -> Result<(), Problem> {
        let _ = (call, parameters);
        Ok(())
    }

    /// What may carry parameters at an address, where they are not all alike.
    fn carriers(&self, endpoint: Endpoint) -> Vec<Carrier> {
        let _ = endpoint;
        self.facts().carriers
    }

    /// How clients authenticate at an address, where they are not all alike.
    fn client_auth(&self, endpoint: Endpoint) -> Vec<ClientAuth> {
        let _ = endpoint;
        self.facts().client_auth
    }

    /// Changes what a successful authorization goes back with: `code` and `state`.
    fn callback(
        &self,
        pairs: &mut Vec<(String, String)>,
        ticket: &Ticket,
        client: &Client,
        account: &Account,
        now: i64,
    ) {
        let _ = (pairs, ticket, client, account, now);
    }

    /// Whether a grant comes with a refresh token, where the refresh style has them.
    fn gives_refresh(&self, grant: &Grant) -> bool {
        let _ = grant;
        true
    }

    /// For how many seconds a token is good, where grants are not all alike.
    fn lifetime(&self, kind: TokenKind, grant: &Grant, first: bool) -> Option<i64> {
        let _ = (grant, first);
        match kind {
            TokenKind::Access => self.facts().access_lifetime,
            TokenKind::Refresh => self.facts().refresh_lifetime,
        }
    }

    /// A new token.
    fn mint(&self, desk: &mut Desk, kind: TokenKind, grant: &Grant) -> String {
        let _ = grant;
        let facts = self.facts();
        match kind {
            TokenKind::Access => desk.issue_long(facts.access_prefix, facts.access_length),
            TokenKind::Refresh => desk.issue(facts.refresh_prefix),
        }
    }

    /// The token answer.
    fn token_answer(&self, desk: &mut Desk, issued: &Issued) -> TokenAnswer {
        let _ = desk;
        issued.flat(&self.facts())
    }

    /// How token answers are written.
    fn encoding(&self, call: &Call<'_>) -> Encoding {
        let _ = call;
        Encoding::Json
    }

    /// A token request that is none of RFC 6749's, before anything of it is looked at. Whoever
    /// answers it may end with [`issue`].
    fn own_token_request(
        &mut self,
        desk: &mut Desk,
        call: &Call<'_>,
    ) -> Option<Result<Answer, Problem>> {
        let _ = (desk, call);
        None
    }

    /// A grant type that is neither that of codes nor that of refreshes.
    fn other_grant(
        &mut self,
        desk: &mut Desk,
        call: &Call<'_>,
        client: &Client,
        parameters: &Parameters,
    ) -> Result<Answer, Problem> {
        let _ = (desk, call, client, parameters);
        Err(Problem::GrantType)
    }

    /// Revocation (RFC 7009).
    fn revoke(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        revoke(self, desk, call, &Revocation::rfc7009())?;
        Ok(Answer::empty(200))
    }

    /// The methods that an address takes; none means that `api` looks itself.
    fn methods(&self, endpoint: Endpoint) -> &'static [&'static str] {
        match endpoint {
            Endpoint::Authorize => &["GET"],
            Endpoint::Consent | Endpoint::Exchange | Endpoint::Refresh | Endpoint::Revoke => {
                &["POST"]
            }
            _ => &[],
        }
    }

    /// Too many requests.
    fn rate_limited(&self, call: &Call<'_>, retry_after: Option<&str>) -> Answer {
        let answer = self.error(call, 429, "rate_limit_exceeded", "slow down");
        match retry_after {
            Some(value) => answer.with("retry-after", value),
            None => answer,
        }
    }

    /// What the provider demands of a registration beyond the RFCs.
    fn registers(&self, client: &Client) -> Result<(), Misuse> {
        let _ = client;
        Ok(())
    }

    /// What the provider sends of its own accord. An event that ends tokens ends them in the ledger
    /// as well.
    fn announce(&mut self, desk: &mut Desk, news: &News<'_>) -> Result<Announcement, Misuse> {
        let _ = desk;
        Err(news.unknown())
    }
}

/// What becomes of a problem: an answer.
fn answer<D: Dialect>(dialect: &D, call: &Call<'_>, problem: Problem) -> Answer {
    match problem {
        Problem::Said(answer) => answer,
        problem => dialect.problem(call, &problem),
    }
}

impl Endpoint {
    /// What a request to a token address wants, by its grant type in whatever carries it.
    pub(crate) fn of_token(request: &Incoming, refresh: &str) -> Self {
        let json = request.json();
        let in_json = json.as_ref().and_then(|json| json.get("grant_type")?.as_str());
        let (form, query) = (request.form(), request.query());
        let grant = in_json.or(form.one("grant_type")).or(query.one("grant_type"));
        if grant == Some(refresh) { Self::Refresh } else { Self::Exchange }
    }
}

use serde_json::Value;

use super::{BASIC, GRAPH_HOST, Instagram, RENEWAL, UserId, user};
use crate::Endpoint;
use crate::call::Call;
use crate::desk::Desk;
use crate::ledger::Refused;
use crate::message::Answer;
use crate::oauth::{Issued, Old, Problem, issue};
use crate::token_answer::TokenAnswer;

/// How the two kinds of token begin here. Clients must not look.
pub(super) const LONG: &str = "IGLL";
pub(super) const SHORT: &str = "IGSL";

/// Looks at a token request first: a code is left to the shared core, and so is a renewal that may
/// be one; a short-lived token is exchanged here.
pub(super) fn begin(
    play: &mut Instagram,
    desk: &mut Desk,
    call: &Call<'_>,
) -> Option<Result<Answer, Problem>> {
    let (request, query) = (call.request, call.request.query());
    play.long = request.host == GRAPH_HOST;
    let method = if play.long { "GET" } else { "POST" };
    if !request.is(method) {
        return Some(Err(Problem::Said(Answer::empty(405).with("allow", method))));
    }
    if !play.long {
        return None;
    }
    let Some(token) = query.one("access_token") else { return Some(Err(Problem::TokenMissing)) };
    if call.endpoint == Endpoint::Refresh {
        return checked(desk, call, query.one("grant_type"), token).err().map(Err);
    }
    Some(exchange(play, desk, call, token))
}

/// Whether a renewal may begin.
fn checked(
    desk: &mut Desk,
    call: &Call<'_>,
    grant_type: Option<&str>,
    token: &str,
) -> Result<(), Problem> {
    if grant_type != Some(RENEWAL) {
        return Err(Problem::Value("grant_type"));
    }
    if !token.starts_with(LONG) {
        return Err(Problem::Refresh(Refused::Unknown));
    }
    let accepted = desk.ledger.present_access(token, call.now).map_err(Problem::Refresh)?;
    if accepted.scopes.iter().any(|scope| scope == BASIC) {
        Ok(())
    } else {
        Err(Problem::Uncovered(BASIC.into()))
    }
}

/// A short-lived token for a long-lived one. The secret has to be that of the token's client.
fn exchange(
    play: &mut Instagram,
    desk: &mut Desk,
    call: &Call<'_>,
    token: &str,
) -> Result<Answer, Problem> {
    let query = call.request.query();
    if query.one("grant_type") != Some("ig_exchange_token") {
        return Err(Problem::Value("grant_type"));
    }
    let secret = query.one("client_secret").ok_or(Problem::Missing("client_secret"))?;
    if !token.starts_with(SHORT) {
        return Err(Problem::Token(Refused::Unknown));
    }
    let accepted = desk.ledger.present_access(token, call.now).map_err(Problem::Token)?;
    let client = desk.ledger.grant(accepted.grant).client.clone();
    if !desk.clients.get(&client).is_some_and(|client| client.knows_secret(Some(secret))) {
        return Err(Problem::Secret);
    }
    if play.ends_short {
        desk.ledger.end_token(token);
    }
    let old = Old::Refreshed { value: String::new(), expires_at: None, narrowed: None };
    issue(play, desk, call, &[accepted.grant], &old)
}

/// The answer to a code, and the one with a long-lived token.
pub(super) fn answer(play: &Instagram, issued: &Issued) -> TokenAnswer {
    let mut answer = TokenAnswer::default();
    let Some(credential) = issued.credentials.first() else { return answer };
    answer.add("access_token", credential.access.as_str());
    if issued.first {
        answer.add("user_id", user_id(play, issued));
        answer.add("permissions", permissions(play, &credential.scopes));
        if !play.wrapped_tokens {
            return answer;
        }
        let mut whole = TokenAnswer::default();
        whole.add_array("data", vec![answer]);
        return whole;
    }
    answer.add("token_type", "bearer");
    if let Some(expires_in) = credential.expires_in {
        answer.add("expires_in", expires_in);
    }
    if play.renewal_names_permissions {
        answer.add("permissions", permissions(play, &credential.scopes));
    }
    answer
}

fn permissions(play: &Instagram, scopes: &[String]) -> Value {
    match play.permissions {
        super::Permissions::Array => scopes.to_vec().into(),
        super::Permissions::Text => scopes.join(",").into(),
    }
}

fn user_id(play: &Instagram, issued: &Issued) -> Value {
    let id = match play.token_user {
        UserId::AppScoped => user::app_scoped(&issued.account.id, &issued.client.id),
        UserId::Professional => user::professional(&issued.account.id),
    };
    if play.token_user_is_number { id.into() } else { id.to_string().into() }
}

use serde_json::json;

use super::{Dialect, Problem, authenticate};
use crate::call::Call;
use crate::desk::Desk;
use crate::message::Answer;

/// Introspection (RFC 7662), for a client that proves who it is. Of a token of another client no
/// more is said than of one that nobody knows.
pub(crate) fn introspect<D: Dialect>(
    dialect: &D,
    desk: &mut Desk,
    call: &Call<'_>,
) -> Result<Answer, Problem> {
    if !call.request.is("POST") {
        return Err(Problem::NotFound);
    }
    let (client, parameters) = authenticate(dialect, desk, call)?;
    let token = parameters.one("token").ok_or(Problem::Missing("token"))?;
    let inactive = Answer::json(200, &json!({"active": false}));
    let Some((_, grant)) = desk.ledger.find(token) else { return Ok(inactive) };
    let Some(accepted) = desk.ledger.peek(token, call.now) else { return Ok(inactive) };
    let grant = desk.ledger.grant(grant);
    if grant.client != client.id {
        return Ok(inactive);
    }
    let mut body = json!({
        "active": true,
        "client_id": client.id,
        "scope": grant.scopes.join(" "),
        "token_type": "Bearer",
    });
    if let Some(at) = accepted.expires_at {
        body["exp"] = json!(at);
    }
    Ok(Answer::json(200, &body))
}

use serde_json::json;

use super::LinkedIn;
use crate::call::Call;
use crate::desk::Desk;
use crate::message::Answer;
use crate::oauth::{Problem, authenticate};

/// What a token is (`POST /oauth/v2/introspectToken`). Those of other applications are not active.
pub(super) fn answer(
    linkedin: &LinkedIn,
    desk: &mut Desk,
    call: &Call<'_>,
) -> Result<Answer, Problem> {
    if !call.request.is("POST") {
        return Err(Problem::NotFound);
    }
    let (client, parameters) = authenticate(linkedin, desk, call)?;
    let token = parameters.one("token").ok_or(Problem::Missing("token"))?;
    let found = desk.ledger.find(token);
    let own = found.filter(|(_, grant)| desk.ledger.grant(*grant).client == client.id);
    let Some((_, grant)) = own else {
        return Ok(Answer::json(200, &json!({"active": false})));
    };
    let Some(accepted) = desk.ledger.peek(token, call.now) else {
        let status = if desk.ledger.is_ended(token) { "revoked" } else { "expired" };
        let body = json!({"active": false, "client_id": client.id, "status": status});
        return Ok(Answer::json(200, &body));
    };
    let granted = desk.ledger.grant(grant);
    Ok(Answer::json(
        200,
        &json!({
            "active": true,
            "client_id": client.id,
            "authorized_at": call.now,
            "created_at": call.now,
            "status": "active",
            "expires_at": accepted.expires_at,
            "scope": granted.scopes.join(","),
            "auth_type": "3L",
        }),
    ))
}

use serde_json::json;

use super::{GitHub, normalised, refused, user};
use crate::call::Call;
use crate::clock::iso;
use crate::desk::Desk;
use crate::ledger::{GrantId, Refused, TokenKind};
use crate::message::Answer;
use crate::oauth::{Problem, authenticate};

/// The token that an application asks about, alive and its own.
fn token(github: &GitHub, desk: &Desk, call: &Call<'_>) -> Result<(String, GrantId), Problem> {
    let (client, parameters) = authenticate(github, desk, call)?;
    // The application can administer its own tokens alone.
    if call.request.segments().get(1) != Some(&client.id.as_str()) {
        return Err(Problem::NotFound);
    }
    let token = parameters.one("access_token").ok_or(Problem::Missing("access_token"))?;
    let (kind, grant) = desk.ledger.find(token).ok_or(refused(Refused::Unknown))?;
    let own = desk.ledger.grant(grant).client == client.id;
    if kind != TokenKind::Access || !own || !desk.ledger.is_live(token, call.now) {
        return Err(refused(Refused::Ended));
    }
    Ok((token.to_owned(), grant))
}

/// Checks a token (`POST /applications/{client_id}/token`). The answer repeats it.
pub(super) fn check(github: &GitHub, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
    let (token, grant) = token(github, desk, call)?;
    let accepted = desk.ledger.peek(&token, call.now).ok_or(Problem::NotFound)?;
    let owner = desk.ledger.grant(grant);
    let account = desk.account(&owner.account).ok_or(Problem::NotFound)?;
    let body = json!({
        "id": 1,
        "url": "https://api.github.com/authorizations/1",
        "scopes": if super::is_app(&owner.client) { Vec::new() } else { normalised(owner.scopes.clone()) },
        "token": token,
        "token_last_eight": &token[token.len() - 8..],
        "app": {"client_id": owner.client, "name": "App", "url": "https://app.example"},
        "created_at": iso(owner.granted_at),
        "expires_at": accepted.expires_at.map(iso),
        "user": {"login": account.username, "id": user::id(account)},
    });
    Ok(Answer::json(200, &body))
}

/// Deletes a token, or the grant with everything that came from it.
pub(super) fn delete(github: &GitHub, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
    let (token, grant) = token(github, desk, call)?;
    if call.request.path.ends_with("/grant") {
        let owner = desk.ledger.grant(grant).clone();
        desk.ledger.end_all(&owner.account, &owner.client);
    } else {
        desk.ledger.end_token(&token);
    }
    Ok(Answer::empty(204))
}

use serde_json::json;

use super::{IssuerDesk, Revocation, oauth_error};
use crate::desk::Desk;
use crate::ledger::TokenKind;
use crate::message::{Answer, Incoming};

impl IssuerDesk {
    /// Revocation (RFC 7009). Tokens that are unknown count as revoked.
    pub(super) fn revoke(&self, desk: &mut Desk, request: &Incoming, now: i64) -> Answer {
        let cascades = match self.switches.revocation {
            Revocation::Absent | Revocation::NotFound => return Answer::empty(404),
            Revocation::RefreshOnly => true,
            Revocation::Rfc7009 { cascades } => cascades,
        };
        let (client, form) = match self.client(desk, request, now) {
            Ok(authenticated) => authenticated,
            Err(refused) => return refused,
        };
        let Some(token) = form.one("token") else {
            return oauth_error(400, "invalid_request", "token is missing");
        };
        let Some((kind, grant)) = desk.ledger.find(token) else { return Answer::empty(200) };
        if desk.ledger.grant(grant).client != client.id {
            return oauth_error(400, "invalid_grant", "the token is another client's");
        }
        match kind {
            TokenKind::Access if self.switches.revocation == Revocation::RefreshOnly => {
                let text = "access tokens cannot be revoked here";
                return oauth_error(400, "unsupported_token_type", text);
            }
            TokenKind::Refresh if cascades => desk.ledger.end(grant),
            TokenKind::Access | TokenKind::Refresh => desk.ledger.end_token(token),
        }
        Answer::empty(200)
    }

    /// Introspection (RFC 7662). Whatever is not good is `{"active": false}` and nothing more.
    pub(super) fn introspect(&self, desk: &Desk, request: &Incoming, now: i64) -> Answer {
        if !self.switches.introspection {
            return Answer::empty(404);
        }
        let (client, form) = match self.client(desk, request, now) {
            Ok(authenticated) => authenticated,
            Err(refused) => return refused,
        };
        if client.secrets.is_empty() && client.keys.is_empty() {
            return oauth_error(401, "invalid_client", "introspection needs a confidential client");
        }
        let Some(token) = form.one("token") else {
            return oauth_error(400, "invalid_request", "token is missing");
        };
        let inactive = Answer::json(200, &json!({"active": false})).no_store();
        let Some(found) = desk.ledger.peek(token, now) else { return inactive };
        let grant = desk.ledger.grant(found.grant);
        if grant.client != client.id {
            return inactive;
        }
        let mut body = json!({
            "active": true,
            "scope": found.scopes.join(" "),
            "client_id": grant.client,
            "sub": grant.account,
            "iss": self.switches.issuer,
            "token_type": "Bearer",
            "iat": grant.granted_at,
        });
        if let Some(at) = found.expires_at {
            body["exp"] = json!(at);
        }
        Answer::json(200, &body).no_store()
    }
}

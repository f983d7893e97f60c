use serde_json::{Value, json};

use super::IssuerDesk;
use crate::ledger::Grant;
use crate::message::{Answer, Incoming};
use crate::site::Desk;

impl IssuerDesk {
    /// User info (OpenID Connect Core §5.3).
    pub(super) fn user_info(&self, desk: &mut Desk, request: &Incoming, now: i64) -> Answer {
        let (grant, scopes) = match self.bearer(desk, request, "openid", now) {
            Ok(bearer) => bearer,
            Err(refused) => return refused,
        };
        let Some(account) = desk.account(&grant.account) else { return Answer::empty(500) };
        let wrong = self.switches.userinfo_wrong_sub;
        let sub = if wrong { format!("not-{}", account.id) } else { account.id.clone() };
        let mut claims = json!({"sub": sub});
        let may = |scope: &str| scopes.iter().any(|granted| granted == scope);
        if may("profile") {
            claims["name"] = json!(account.display_name);
            claims["preferred_username"] = json!(account.username);
        }
        if may("email") {
            claims["email"] = json!(account.email);
            claims["email_verified"] = json!(true);
        }
        Answer::json(200, &claims).no_store()
    }

    /// A small protected API: notes of the account, read with `notes.read` and written with
    /// `notes.write`.
    pub(super) fn api(&mut self, desk: &mut Desk, request: &Incoming, now: i64) -> Answer {
        let writes = request.is("POST");
        let scope = if writes { "notes.write" } else { "notes.read" };
        let (grant, _) = match self.bearer(desk, request, scope, now) {
            Ok(bearer) => bearer,
            Err(refused) => return refused,
        };
        if !writes {
            let own = self.notes.iter().enumerate().filter(|(_, note)| note.0 == grant.account);
            let notes: Vec<_> = own.map(|(id, note)| json!({"id": id, "text": note.1})).collect();
            return Answer::json(200, &json!({"notes": notes})).no_store();
        }
        let body: Option<Value> = serde_json::from_slice(&request.body).ok();
        let text = body.as_ref().and_then(|body| body.get("text")).and_then(Value::as_str);
        let Some(text) = text.filter(|_| request.media_type() == "application/json") else {
            let error = json!({"error": "invalid_request", "message": "text is missing"});
            return Answer::json(400, &error);
        };
        let note = json!({"id": self.notes.len(), "text": text});
        self.notes.push((grant.account, text.to_owned()));
        Answer::json(201, &note).no_store()
    }

    /// The grant behind a bearer token that has this scope (RFC 6750 §3.1).
    fn bearer(
        &self,
        desk: &mut Desk,
        request: &Incoming,
        scope: &str,
        now: i64,
    ) -> Result<(Grant, Vec<String>), Answer> {
        let Some(token) = request.bearer() else {
            // Without any authentication there is no error code.
            return Err(challenge(401, None, ""));
        };
        let accepted = desk
            .ledger
            .present_access(token, now)
            .map_err(|_| challenge(401, Some("invalid_token"), ""))?;
        if !accepted.scopes.iter().any(|granted| granted == scope) {
            return Err(challenge(403, Some("insufficient_scope"), scope));
        }
        Ok((desk.ledger.grant(accepted.grant).clone(), accepted.scopes))
    }
}

fn challenge(status: u16, error: Option<&str>, scope: &str) -> Answer {
    let mut value = String::from("Bearer realm=\"notes\"");
    if let Some(error) = error {
        value.push_str(&format!(", error=\"{error}\""));
    }
    if !scope.is_empty() {
        value.push_str(&format!(", scope=\"{scope}\""));
    }
    let body = error.map_or(json!({}), |error| json!({"error": error}));
    Answer::json(status, &body).with("www-authenticate", &value).no_store()
}

use serde_json::{Value, json};

use super::IssuerDesk;
use crate::desk::Desk;
use crate::ledger::Grant;
use crate::message::{Answer, Incoming, with_query};

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
    ///
    /// `GET /api/notes` gives all of them, or with `limit` a page: where it goes on stands in `next`
    /// for the parameter `cursor`, in `nextLink` and in a `Link` header. The cursor `again` leads
    /// to itself. `GET /api/notes/<id>` gives one, `GET /api/files/<size>` a file of so many bytes.
    pub(super) fn api(&mut self, desk: &mut Desk, request: &Incoming, now: i64) -> Answer {
        let writes = request.is("POST");
        let scope = if writes { "notes.write" } else { "notes.read" };
        let (grant, _) = match self.bearer(desk, request, scope, now) {
            Ok(bearer) => bearer,
            Err(refused) => return refused,
        };
        let path = request.path.strip_prefix(self.base.as_str()).unwrap_or_default();
        match path.strip_prefix("/api/").unwrap_or_default().split_once('/') {
            None if path == "/api/notes" && writes => self.write_note(grant.account, request),
            None if path == "/api/notes" => self.list_notes(&grant.account, request),
            Some(("notes", id)) if !writes => {
                let id = id.parse::<usize>().ok();
                match id.and_then(|id| Some((id, self.notes.get(id)?))) {
                    Some((id, note)) if note.0 == grant.account => {
                        Answer::json(200, &json!({"id": id, "text": note.1})).no_store()
                    }
                    _ => Answer::json(404, &json!({"error": "not_found"})),
                }
            }
            Some(("files", size)) if !writes => match size.parse() {
                Ok(size) if size <= LARGEST_FILE => file(size, request),
                _ => Answer::json(404, &json!({"error": "not_found"})),
            },
            _ => Answer::json(404, &json!({"error": "not_found"})),
        }
    }

    fn list_notes(&self, account: &str, request: &Incoming) -> Answer {
        let own = self.notes.iter().enumerate().filter(|(_, note)| note.0 == account);
        let notes: Vec<_> = own.map(|(id, note)| json!({"id": id, "text": note.1})).collect();
        let query = request.query();
        let Some(limit) = query.one("limit").and_then(|limit| limit.parse::<usize>().ok()) else {
            return Answer::json(200, &json!({"notes": notes})).no_store();
        };
        let cursor = query.one("cursor");
        let start = cursor.and_then(|cursor| cursor.parse::<usize>().ok()).unwrap_or(0);
        let end = start.saturating_add(limit.max(1)).min(notes.len());
        let page = notes.get(start..end).unwrap_or_default();
        let next = match cursor {
            Some("again") => Some("again".to_owned()),
            _ => (end < notes.len()).then(|| end.to_string()),
        };
        let Some(next) = next else {
            return Answer::json(200, &json!({"notes": page, "next": ""})).no_store();
        };
        let limit = limit.to_string();
        let address = self.address("/api/notes");
        let address = with_query(&address, &[("limit", &limit), ("cursor", &next)]);
        let page = json!({"notes": page, "next": next, "nextLink": address});
        Answer::json(200, &page).with("link", &format!("<{address}>; rel=\"next\"")).no_store()
    }

    fn write_note(&mut self, account: String, request: &Incoming) -> Answer {
        let body: Option<Value> = serde_json::from_slice(&request.body).ok();
        let text = body.as_ref().and_then(|body| body.get("text")).and_then(Value::as_str);
        let Some(text) = text.filter(|_| request.media_type() == "application/json") else {
            let error = json!({"error": "invalid_request", "message": "text is missing"});
            return Answer::json(400, &error);
        };
        let note = json!({"id": self.notes.len(), "text": text});
        self.notes.push((account, text.to_owned()));
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

/// A file of bytes that count up, whose name wants out of its folder and hides its ending. A part
/// of it is given for one range (RFC 9110 §14.2), unless `If-Range` names another file.
fn file(size: usize, request: &Incoming) -> Answer {
    const TAG: &str = "\"fake-file-1\"";
    let whole = |start: usize| (start..size).map(|n| (n % 251) as u8).collect::<Vec<u8>>();
    let same = request.header("if-range").is_none_or(|tag| tag == TAG);
    let start = request
        .header("range")
        .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok())
        .filter(|_| same);
    let answer = match start {
        Some(start) if start >= size => {
            return Answer::empty(416).with("content-range", &format!("bytes */{size}"));
        }
        Some(start) => Answer::new(206, "application/pdf", whole(start))
            .with("content-range", &format!("bytes {start}-{}/{size}", size - 1)),
        None => Answer::new(200, "application/pdf", whole(0)),
    };
    let name = "filename=\"../../etc/passwd\"; filename*=UTF-8''..%2F.Rechnung%E2%80%AEfdp.exe";
    answer
        .with("content-disposition", &format!("attachment; {name}"))
        .with("accept-ranges", "bytes")
        .with("etag", TAG)
        .no_store()
}

/// The largest file, in bytes.
const LARGEST_FILE: usize = 256 * 1024 * 1024;

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

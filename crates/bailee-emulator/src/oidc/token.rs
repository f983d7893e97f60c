use serde_json::Value;

use super::{ClientAuth, ExpiresIn, IssuerDesk, ScopeShape, oauth_error};
use crate::desk::Desk;
use crate::fault::Fault;
use crate::ledger::{GrantId, RefreshStyle, TokenKind};
use crate::message::{Answer, Incoming, Parameters};
use crate::mint::{base64url, sha256};
use crate::oauth::{basic, decode};
use crate::registration::Client;
use crate::token_answer::TokenAnswer;

impl IssuerDesk {
    /// A code for tokens (RFC 6749 §4.1.3).
    pub(super) fn exchange(
        &mut self,
        desk: &mut Desk,
        request: &Incoming,
        fault: Option<&Fault>,
        now: i64,
    ) -> Answer {
        self.try_exchange(desk, request, fault, now).unwrap_or_else(|refused| refused)
    }

    /// A refresh (RFC 6749 §6).
    pub(super) fn refresh(
        &mut self,
        desk: &mut Desk,
        request: &Incoming,
        fault: Option<&Fault>,
        now: i64,
    ) -> Answer {
        self.try_refresh(desk, request, fault, now).unwrap_or_else(|refused| refused)
    }

    fn try_exchange(
        &mut self,
        desk: &mut Desk,
        request: &Incoming,
        fault: Option<&Fault>,
        now: i64,
    ) -> Result<Answer, Answer> {
        let (client, form) = self.client(desk, request, now)?;
        match form.one("grant_type") {
            Some("authorization_code") => {}
            Some(_) => {
                let text = "there is no such grant type here";
                return Err(oauth_error(400, "unsupported_grant_type", text));
            }
            None => return Err(invalid_request("grant_type is missing")),
        }
        let value = form.one("code").ok_or_else(|| invalid_request("code is missing"))?;
        let mut code = desk
            .ledger
            .present_code(value, &client.id, now)
            .map_err(|_| invalid_grant("the code is not valid"))?;
        if form.one("redirect_uri") != Some(&code.redirect_uri) {
            return Err(invalid_grant("redirect_uri is not that of the authorization"));
        }
        match (&code.challenge, form.one("code_verifier")) {
            (None, _) => {}
            (Some(challenge), Some(verifier))
                if *challenge == base64url(&sha256(verifier.as_bytes())) => {}
            _ => return Err(invalid_grant("code_verifier is missing or wrong")),
        }
        change_scopes(&mut code.scopes, fault);
        let grant = desk.ledger.redeem(value, &code, now);
        let issued = Issued { old: None, scopes: code.scopes, first: true };
        Ok(self.issue(desk, grant, &issued, fault, now))
    }

    fn try_refresh(
        &mut self,
        desk: &mut Desk,
        request: &Incoming,
        fault: Option<&Fault>,
        now: i64,
    ) -> Result<Answer, Answer> {
        let (client, form) = self.client(desk, request, now)?;
        let presented =
            form.one("refresh_token").ok_or_else(|| invalid_request("refresh_token is missing"))?;
        let wanted: Option<Vec<String>> =
            form.one("scope").map(|scope| scope.split_whitespace().map(str::to_owned).collect());
        if let (Some(wanted), Some((_, grant))) = (&wanted, desk.ledger.find(presented)) {
            let granted = &desk.ledger.grant(grant).scopes;
            if !wanted.iter().all(|scope| granted.contains(scope)) {
                let text = "a refresh cannot widen what was granted";
                return Err(oauth_error(400, "invalid_scope", text));
            }
        }
        let accepted = desk
            .ledger
            .present_refresh(presented, &client.id, now)
            .map_err(|_| invalid_grant("the refresh token is not valid"))?;
        let mut scopes = desk.ledger.grant(accepted.grant).scopes.clone();
        change_scopes(&mut scopes, fault);
        desk.ledger.set_scopes(accepted.grant, scopes.clone());
        let issued = Issued {
            old: Some(presented.to_owned()),
            scopes: wanted.unwrap_or(scopes),
            first: false,
        };
        Ok(self.issue(desk, accepted.grant, &issued, fault, now))
    }

    fn issue(
        &mut self,
        desk: &mut Desk,
        grant: GrantId,
        issued: &Issued,
        fault: Option<&Fault>,
        now: i64,
    ) -> Answer {
        let style = self.switches.refresh_style;
        let withheld = matches!(fault, Some(Fault::NoRefreshToken))
            || (self.switches.refresh_needs_offline_access
                && !desk.ledger.grant(grant).scopes.iter().any(|scope| scope == "offline_access"));
        if let Some(old) = &issued.old
            && !withheld
        {
            desk.ledger.replace(old, style, now);
        }
        if self.switches.ends_old_access {
            desk.ledger.end_access_tokens(grant);
        }
        desk.ledger.next_generation(grant);
        let access = desk.issue("at-");
        let until = Some(now.saturating_add(self.switches.access_lifetime));
        let scopes = issued.scopes.clone();
        desk.ledger.keep_token(access.clone(), TokenKind::Access, grant, scopes.clone(), until);
        let refresh = match (style, &issued.old) {
            _ if withheld => None,
            (RefreshStyle::None | RefreshStyle::SelfExtending { .. }, _) => None,
            (RefreshStyle::Stable { echoed }, Some(old)) => echoed.then(|| old.clone()),
            _ => {
                let refresh = desk.issue("rt-");
                let until =
                    self.switches.refresh_lifetime.map(|lifetime| now.saturating_add(lifetime));
                let all = desk.ledger.grant(grant).scopes.clone();
                desk.ledger.keep_token(refresh.clone(), TokenKind::Refresh, grant, all, until);
                Some(refresh)
            }
        };
        let mut answer = TokenAnswer::default();
        answer.add("access_token", access.as_str());
        answer.add("token_type", "Bearer");
        match self.switches.expires_in {
            ExpiresIn::Absent => {}
            ExpiresIn::Number => answer.add("expires_in", self.switches.access_lifetime),
            ExpiresIn::Text => answer.add("expires_in", self.switches.access_lifetime.to_string()),
        }
        if let Some(refresh) = refresh {
            answer.add("refresh_token", refresh);
        }
        match self.switches.scope_shape {
            ScopeShape::Absent => {}
            ScopeShape::Array => answer.add("scope", Value::from(scopes.clone())),
            ScopeShape::Comma => answer.add("scope", scopes.join(",")),
            ScopeShape::Space => answer.add("scope", scopes.join(" ")),
        }
        if scopes.iter().any(|scope| scope == "openid") {
            let owner = desk.ledger.grant(grant).clone();
            let id_token = self.id_token(&owner, &access, issued.first, now);
            desk.issued(&id_token);
            answer.add("id_token", id_token);
        }
        answer.render(self.switches.token_status, fault)
    }

    /// The client of a form, authenticated in exactly one of the ways that are allowed here.
    pub(super) fn client(
        &self,
        desk: &Desk,
        request: &Incoming,
        now: i64,
    ) -> Result<(Client, Parameters), Answer> {
        if !request.is_form() {
            return Err(invalid_request("the body must be application/x-www-form-urlencoded"));
        }
        let form = request.form();
        if form.repeats() {
            return Err(invalid_request("a parameter is repeated"));
        }
        let in_header = request.has_header("authorization");
        let in_body = form.one("client_secret").is_some();
        let asserted = form.one("client_assertion").is_some();
        if usize::from(in_header) + usize::from(in_body) + usize::from(asserted) > 1 {
            return Err(invalid_request("there is more than one client authentication"));
        }
        let refused = || {
            let answer = oauth_error(401, "invalid_client", "the client is not authenticated");
            if in_header {
                answer.with("www-authenticate", "Basic realm=\"token\"")
            } else {
                answer
            }
        };
        let allowed = |way: ClientAuth| self.switches.client_auth.contains(&way);
        if asserted {
            let client = self.asserted(desk, &form, now);
            let client = client.filter(|_| allowed(ClientAuth::PrivateKeyJwt));
            let client = client.ok_or_else(refused)?;
            if form.one("client_id").is_some_and(|id| id != client.id) {
                return Err(invalid_request("client_id is not the authenticated client's"));
            }
            return Ok((client, form));
        }
        let candidates: Vec<(String, Option<String>)> = if in_header {
            let pair = request.header("authorization").and_then(basic).ok_or_else(refused)?;
            let decoded = allowed(ClientAuth::Basic).then(|| (decode(&pair.0), decode(&pair.1)));
            let raw = allowed(ClientAuth::BasicRaw).then_some(pair);
            [decoded, raw].into_iter().flatten().map(|(id, secret)| (id, Some(secret))).collect()
        } else {
            let way = if in_body { ClientAuth::Post } else { ClientAuth::None };
            let id = form.one("client_id").filter(|_| allowed(way)).ok_or_else(refused)?;
            vec![(id.to_owned(), form.one("client_secret").map(str::to_owned))]
        };
        let client = candidates.iter().find_map(|(id, secret)| {
            desk.clients.get(id).filter(|client| client.knows_secret(secret.as_deref()))
        });
        let client = client.ok_or_else(refused)?;
        if form.one("client_id").is_some_and(|id| id != client.id) {
            return Err(invalid_request("client_id is not the authenticated client's"));
        }
        Ok((client.clone(), form))
    }
}

/// What a token answer is made for.
struct Issued {
    old: Option<String>,
    scopes: Vec<String>,
    first: bool,
}

fn invalid_request(text: &str) -> Answer {
    oauth_error(400, "invalid_request", text)
}

fn invalid_grant(text: &str) -> Answer {
    oauth_error(400, "invalid_grant", text)
}

fn change_scopes(scopes: &mut Vec<String>, fault: Option<&Fault>) {
    match fault {
        Some(Fault::ScopeGrow(scope)) => scopes.push(scope.clone()),
        Some(Fault::ScopeLost(scope)) => scopes.retain(|granted| granted != scope),
        Some(Fault::ScopeShrink) => {
            scopes.pop();
        }
        _ => {}
    }
}

use super::{TikTokDesk, WebPkce, oauth_error, user};
use crate::desk::Desk;
use crate::fault::Fault;
use crate::ledger::{Code, GrantId, RefreshStyle, Refused, TokenKind};
use crate::message::{Answer, Incoming, Parameters};
use crate::mint::{base64url, hex, sha256};
use crate::registration::{Client, Platform};
use crate::token_answer::TokenAnswer;

impl TikTokDesk {
    /// A code for tokens (`oauth-get-a-user-access-token`).
    pub(super) fn exchange(
        &self,
        desk: &mut Desk,
        request: &Incoming,
        fault: Option<&Fault>,
        now: i64,
    ) -> Answer {
        self.try_exchange(desk, request, fault, now)
            .unwrap_or_else(|(code, text)| self.refuse(code, text))
    }

    /// A refresh (`oauth-refresh-a-user-access-token`).
    pub(super) fn refresh(
        &self,
        desk: &mut Desk,
        request: &Incoming,
        fault: Option<&Fault>,
        now: i64,
    ) -> Answer {
        self.try_refresh(desk, request, fault, now)
            .unwrap_or_else(|(code, text)| self.refuse(code, text))
    }

    /// A revocation, which takes the access token and disconnects the client
    /// (`oauth-revoke-a-user-access-token`).
    pub(super) fn revoke(&self, desk: &mut Desk, request: &Incoming, now: i64) -> Answer {
        match self.try_revoke(desk, request, now) {
            Ok(()) => Answer::new(200, "application/json", "{}"),
            Err((code, text)) => self.refuse(code, text),
        }
    }

    fn try_exchange(
        &self,
        desk: &mut Desk,
        request: &Incoming,
        fault: Option<&Fault>,
        now: i64,
    ) -> Result<Answer, Refusal> {
        let form = checked_form(request)?;
        let client = client(desk, &form)?;
        match form.one("grant_type") {
            Some("authorization_code") => {}
            Some(_) => return Err(("unsupported_grant_type", "The grant type is not supported.")),
            None => return Err(("invalid_request", "grant_type is missing.")),
        }
        let value = form.one("code").ok_or(("invalid_request", "code is missing."))?;
        let redirect_uri =
            form.one("redirect_uri").ok_or(("invalid_request", "redirect_uri is missing."))?;
        let code = desk.ledger.present_code(value, &client.id, now).map_err(|refused| {
            let text = match refused {
                Refused::Expired => "Authorization code is expired.",
                _ => "Authorization code is invalid.",
            };
            ("invalid_grant", text)
        })?;
        if code.redirect_uri != redirect_uri {
            return Err(("invalid_grant", "redirect_uri is not that of the authorization."));
        }
        self.check_verifier(&client, &code, form.one("code_verifier"))?;
        let mut code = code;
        change_scopes(&mut code.scopes, fault);
        let grant = desk.ledger.redeem(value, &code, now);
        Ok(self.issue(desk, grant, None, fault, now))
    }

    /// Desktop clients prove themselves with the hex of the digest, unlike RFC 7636.
    fn check_verifier(
        &self,
        client: &Client,
        code: &Code,
        verifier: Option<&str>,
    ) -> Result<(), Refusal> {
        let Some(challenge) = &code.challenge else { return Ok(()) };
        let wrong = ("invalid_request", "Code verifier or code challenge is invalid.");
        let verifier = verifier.filter(|verifier| is_verifier(verifier)).ok_or(wrong)?;
        let digest = sha256(verifier.as_bytes());
        let base64 =
            client.platform == Platform::Web && self.switches.web_pkce == WebPkce::Base64Url;
        let expected = if base64 { base64url(&digest) } else { hex(&digest) };
        if *challenge == expected { Ok(()) } else { Err(wrong) }
    }

    fn try_refresh(
        &self,
        desk: &mut Desk,
        request: &Incoming,
        fault: Option<&Fault>,
        now: i64,
    ) -> Result<Answer, Refusal> {
        let form = checked_form(request)?;
        let client = client(desk, &form)?;
        let presented =
            form.one("refresh_token").ok_or(("invalid_request", "refresh_token is missing."))?;
        let accepted = desk
            .ledger
            .present_refresh(presented, &client.id, now)
            .map_err(|_| ("invalid_grant", "Refresh token is invalid or expired."))?;
        let mut scopes = desk.ledger.grant(accepted.grant).scopes.clone();
        change_scopes(&mut scopes, fault);
        desk.ledger.set_scopes(accepted.grant, scopes);
        let old = Old { value: presented, expires_at: accepted.expires_at };
        Ok(self.issue(desk, accepted.grant, Some(&old), fault, now))
    }

    fn try_revoke(&self, desk: &mut Desk, request: &Incoming, now: i64) -> Result<(), Refusal> {
        let form = checked_form(request)?;
        let client = client(desk, &form)?;
        let token = form.one("token").ok_or(("invalid_request", "token is missing."))?;
        let invalid = ("invalid_grant", "The access token is invalid or expired.");
        let (kind, grant) = desk.ledger.find(token).ok_or(invalid)?;
        let owner = desk.ledger.grant(grant);
        if kind != TokenKind::Access || owner.client != client.id {
            return Err(invalid);
        }
        if !desk.ledger.is_live(token, now) && !self.switches.revoke_takes_expired {
            return Err(invalid);
        }
        let account = owner.account.clone();
        // The client disappears from the person's list, whatever else it had been granted.
        desk.ledger.end_all(&account, &client.id);
        Ok(())
    }

    fn issue(
        &self,
        desk: &mut Desk,
        grant: GrantId,
        old: Option<&Old<'_>>,
        fault: Option<&Fault>,
        now: i64,
    ) -> Answer {
        let switches = &self.switches;
        let withheld = matches!(fault, Some(Fault::NoRefreshToken));
        if let Some(old) = old
            && !withheld
        {
            desk.ledger.replace(old.value, switches.refresh_style, now);
        }
        if switches.ends_old_access {
            desk.ledger.end_access_tokens(grant);
        }
        desk.ledger.next_generation(grant);
        let scopes = desk.ledger.grant(grant).scopes.clone();
        let access = desk.issue("act.");
        let access_until = now.saturating_add(switches.access_lifetime);
        desk.ledger.keep_token(
            access.clone(),
            TokenKind::Access,
            grant,
            scopes.clone(),
            Some(access_until),
        );
        let kept =
            old.and_then(|old| old.expires_at).filter(|_| !switches.refresh_lifetime_restarts);
        let refresh_until = kept.unwrap_or(now.saturating_add(switches.refresh_lifetime));
        let refresh = match (switches.refresh_style, old) {
            _ if withheld => None,
            (RefreshStyle::None | RefreshStyle::SelfExtending { .. }, _) => None,
            (RefreshStyle::Stable { echoed }, Some(old)) => echoed.then(|| old.value.to_owned()),
            _ => {
                let refresh = desk.issue("rft.");
                desk.ledger.keep_token(
                    refresh.clone(),
                    TokenKind::Refresh,
                    grant,
                    scopes.clone(),
                    Some(refresh_until),
                );
                Some(refresh)
            }
        };
        let owner = desk.ledger.grant(grant);
        let mut answer = TokenAnswer::default();
        answer.add("access_token", access);
        answer.add("expires_in", switches.access_lifetime);
        answer.add("open_id", user::open_id(&owner.client, &owner.account));
        if let Some(refresh) = refresh {
            answer.add("refresh_expires_in", refresh_until - now);
            answer.add("refresh_token", refresh);
        }
        answer.add("scope", scopes.join(","));
        answer.add("token_type", "Bearer");
        if switches.empty_error_beside_success {
            answer.add("error", "");
            answer.add("error_description", "");
        }
        answer.render(200, fault)
    }

    fn refuse(&self, code: &str, text: &str) -> Answer {
        oauth_error(self.switches.oauth_error_status, code, text)
    }
}

/// The token that a refresh came with.
struct Old<'a> {
    value: &'a str,
    expires_at: Option<i64>,
}

/// An OAuth error code and its description.
type Refusal = (&'static str, &'static str);

fn checked_form(request: &Incoming) -> Result<Parameters, Refusal> {
    if !request.is_form() {
        return Err(("invalid_request", "The body must be application/x-www-form-urlencoded."));
    }
    let form = request.form();
    if form.repeats() {
        return Err(("invalid_request", "A parameter is repeated."));
    }
    Ok(form)
}

/// The client, by key and secret in the body; there is no other way.
fn client(desk: &Desk, form: &Parameters) -> Result<Client, Refusal> {
    let key = form.one("client_key").ok_or(("invalid_request", "client_key is missing."))?;
    let wrong = ("invalid_client", "Client key or secret is incorrect.");
    let client = desk.clients.get(key).ok_or(wrong)?;
    let secret =
        form.one("client_secret").ok_or(("invalid_request", "client_secret is missing."))?;
    if client.knows_secret(Some(secret)) { Ok(client.clone()) } else { Err(wrong) }
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

/// A verifier has 43 to 128 unreserved characters (RFC 7636 §4.1).
fn is_verifier(verifier: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (43..=128).contains(&verifier.len()) && verifier.bytes().all(unreserved)
}

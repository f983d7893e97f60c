use super::{IssParameter, IssuerDesk, Pkce, ResponseMode};
use crate::desk::{Desk, Ticket};
use crate::ledger::{Code, Extras};
use crate::message::{Answer, Incoming, Parameters, with_query};
use crate::mint::random;
use crate::page;
use crate::registration::Client;

impl IssuerDesk {
    /// The authorization page (RFC 6749 §4.1.1).
    pub(super) fn authorize(&self, desk: &mut Desk, request: &Incoming, now: i64) -> Answer {
        let query = request.query();
        if query.repeats() {
            return page::refusal(400, "invalid_request: a parameter is repeated");
        }
        let Some(client) = query.one("client_id").and_then(|id| desk.clients.get(id)).cloned()
        else {
            return page::refusal(400, "invalid_request: client_id is missing or unknown");
        };
        let Some(redirect_uri) = query.one("redirect_uri").filter(|uri| client.redirects_to(uri))
        else {
            return page::refusal(
                400,
                "invalid_request: redirect_uri is missing or not registered",
            );
        };
        let ticket = match self.check(&client, &query, redirect_uri, now) {
            Ok(ticket) => ticket,
            Err((error, text)) => {
                let pairs = [("error", error), ("error_description", text)];
                let posts = self.mode(&query) == Some(ResponseMode::FormPost);
                return self.go_back((redirect_uri, posts), &pairs, query.one("state"));
            }
        };
        let id = random::<16>();
        let action = format!("{}/authorize/decision", self.base);
        let page =
            page::consent(&self.host, &action, &id, &client, &desk.accounts, &ticket.scopes, true);
        desk.tickets.insert(id, ticket);
        page
    }

    /// Checks what may be told to the client.
    fn check(
        &self,
        client: &Client,
        query: &Parameters,
        redirect_uri: &str,
        now: i64,
    ) -> Result<Ticket, (&'static str, &'static str)> {
        if query.one("response_type") != Some("code") {
            return Err(("unsupported_response_type", "response_type must be code"));
        }
        if query.one("request").is_some() {
            return Err(("request_not_supported", "request objects are not supported"));
        }
        if query.one("request_uri").is_some() {
            return Err(("request_uri_not_supported", "request_uri is not supported"));
        }
        let Some(mode) = self.mode(query) else {
            return Err(("invalid_request", "response_mode is not supported"));
        };
        if query.one("prompt") == Some("none") {
            return Err(("interaction_required", "the person must decide"));
        }
        let scopes: Vec<String> =
            query.one("scope").unwrap_or_default().split_whitespace().map(str::to_owned).collect();
        let known = |scope: &String| self.switches.scopes.contains(scope) && client.may_ask(scope);
        if scopes.is_empty() || !scopes.iter().all(known) {
            return Err(("invalid_scope", "a scope is unknown or not allowed for this client"));
        }
        let challenge = match (
            self.switches.pkce,
            query.one("code_challenge"),
            query.one("code_challenge_method"),
        ) {
            (Pkce::Ignored, _, _) | (Pkce::Optional, None, None) => None,
            (_, Some(value), Some("S256")) if is_challenge(value) => Some(value.to_owned()),
            _ => return Err(("invalid_request", "code_challenge with S256 is needed")),
        };
        Ok(Ticket {
            client: client.id.clone(),
            redirect_uri: redirect_uri.to_owned(),
            scopes,
            state: query.one("state").map(str::to_owned),
            challenge,
            nonce: query.one("nonce").map(str::to_owned),
            posts: mode == ResponseMode::FormPost,
            expires_at: now.saturating_add(TICKET_LIFETIME),
            extras: Extras::default(),
        })
    }

    /// The person's decision.
    pub(super) fn decide(&self, desk: &mut Desk, request: &Incoming, now: i64) -> Answer {
        let form = request.form();
        let Some(ticket) = form.one("ticket").and_then(|ticket| desk.take_ticket(ticket, now))
        else {
            return page::refusal(400, "this authorization has ended");
        };
        let state = ticket.state.clone();
        let ticked = form.all("scope");
        let scopes: Vec<String> = ticket
            .scopes
            .iter()
            .filter(|scope| ticked.contains(&scope.as_str()))
            .cloned()
            .collect();
        if form.one("decision") != Some("allow") || scopes.is_empty() {
            let pairs = [("error", "access_denied"), ("error_description", "the person refused")];
            return self.go_back((&ticket.redirect_uri, ticket.posts), &pairs, state.as_deref());
        }
        let Some(account) = form.one("account").and_then(|id| desk.account(id)) else {
            return page::refusal(400, "there is no such account");
        };
        let account = account.id.clone();
        let (redirect_uri, posts) = (ticket.redirect_uri.clone(), ticket.posts);
        let kept = Code {
            account,
            client: ticket.client,
            scopes,
            redirect_uri: ticket.redirect_uri,
            challenge: ticket.challenge,
            nonce: ticket.nonce,
            expires_at: now.saturating_add(self.switches.code_lifetime),
            grants: Vec::new(),
            extras: Extras::default(),
        };
        let code = desk.issue("code-");
        desk.ledger.keep_code(code.clone(), kept);
        self.go_back((&redirect_uri, posts), &[("code", &code)], state.as_deref())
    }

    /// The mode in which the answer is to come back, if it is one of this issuer's.
    fn mode(&self, query: &Parameters) -> Option<ResponseMode> {
        let modes = &self.switches.response_modes;
        match query.one("response_mode") {
            Some(name) => modes.iter().copied().find(|mode| mode.name() == name),
            None => modes.first().copied(),
        }
    }

    /// Sends the browser back, with the state and the issuer (RFC 9207): by a redirect, or by a
    /// page that posts.
    fn go_back(
        &self,
        (redirect_uri, posts): (&str, bool),
        pairs: &[(&str, &str)],
        state: Option<&str>,
    ) -> Answer {
        let mut pairs = pairs.to_vec();
        pairs.extend(state.map(|state| ("state", state)));
        match self.switches.iss {
            IssParameter::Absent => {}
            IssParameter::Right => pairs.push(("iss", &self.switches.issuer)),
            IssParameter::Wrong => pairs.push(("iss", WRONG_ISSUER)),
        }
        if posts {
            return page::form_post(redirect_uri, &pairs);
        }
        Answer::redirect(302, &with_query(redirect_uri, &pairs))
    }
}

/// The S256 of a verifier has 43 characters (RFC 7636 §4.2).
fn is_challenge(value: &str) -> bool {
    let base64url = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    value.len() == 43 && value.bytes().all(base64url)
}

/// An issuer that is none of those played.
pub(super) const WRONG_ISSUER: &str = "https://another-issuer.invalid";
const TICKET_LIFETIME: i64 = 3600;

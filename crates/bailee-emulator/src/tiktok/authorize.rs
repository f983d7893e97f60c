use super::{SCOPES, TikTokDesk, WebPkce};
use crate::desk::{Desk, Ticket};
use crate::ledger::{Code, Extras};
use crate::message::{Answer, Incoming, with_query};
use crate::mint::random;
use crate::page;
use crate::registration::Platform;

impl TikTokDesk {
    /// The authorization page (`login-kit-web`, `login-kit-desktop`).
    pub(super) fn authorize(&self, desk: &mut Desk, request: &Incoming, now: i64) -> Answer {
        let query = request.query();
        if query.repeats() {
            return page::refusal(400, "invalid_request: a parameter is repeated");
        }
        let Some(client) = query.one("client_key").and_then(|key| desk.clients.get(key)).cloned()
        else {
            return page::refusal(400, "invalid_client: client_key is missing or unknown");
        };
        let Some(redirect_uri) = query.one("redirect_uri").filter(|uri| client.redirects_to(uri))
        else {
            return page::refusal(400, "redirect_uri is missing or not registered");
        };
        let Some(state) = query.one("state") else {
            return page::refusal(400, "invalid_request: state is missing");
        };
        let back = |error: &str, text: &str| go_back(redirect_uri, error, text, state);
        if query.one("response_type") != Some("code") {
            return back("unsupported_response_type", "response_type must be code");
        }
        let scopes: Vec<String> =
            query.one("scope").unwrap_or_default().split(',').map(str::to_owned).collect();
        let known = |scope: &String| SCOPES.contains(&scope.as_str()) && client.may_ask(scope);
        if !scopes.iter().all(known) {
            return back("invalid_scope", "a scope is unknown or not approved for this client");
        }
        let method = query.one("code_challenge_method");
        let challenge = query.one("code_challenge").map(str::to_owned);
        let challenge = match (client.platform, self.switches.web_pkce) {
            (Platform::Web, WebPkce::Ignored) => None,
            (Platform::Web, WebPkce::Refused) if challenge.is_some() || method.is_some() => {
                return back("invalid_request", "code_challenge is not supported for web");
            }
            (platform, _) => match (challenge, method) {
                (Some(value), Some("S256")) => Some(value),
                (None, None) if platform == Platform::Web => None,
                _ => {
                    let text = "code_challenge and code_challenge_method S256 are needed";
                    return back("invalid_request", text);
                }
            },
        };
        let ticket = random::<16>();
        let page = page::consent(
            "TikTok",
            "/v2/auth/authorize/decision",
            &ticket,
            &client,
            &desk.accounts,
            &scopes,
            true,
        );
        let ticket_kept = Ticket {
            client: client.id.clone(),
            redirect_uri: redirect_uri.to_owned(),
            scopes,
            state: Some(state.to_owned()),
            challenge,
            nonce: None,
            posts: false,
            expires_at: now.saturating_add(TICKET_LIFETIME),
            extras: Extras::default(),
        };
        desk.tickets.insert(ticket, ticket_kept);
        page
    }

    /// The person's decision.
    pub(super) fn decide(&self, desk: &mut Desk, request: &Incoming, now: i64) -> Answer {
        let form = request.form();
        let Some(ticket) = form.one("ticket").and_then(|ticket| desk.take_ticket(ticket, now))
        else {
            return page::refusal(400, "this authorization has ended");
        };
        let state = ticket.state.clone().unwrap_or_default();
        let ticked = form.all("scope");
        let scopes: Vec<String> = ticket
            .scopes
            .iter()
            .filter(|scope| ticked.contains(&scope.as_str()))
            .cloned()
            .collect();
        if form.one("decision") != Some("allow") || scopes.is_empty() {
            let text = "The user denied the authorization request";
            return go_back(&ticket.redirect_uri, "access_denied", text, &state);
        }
        let Some(account) = form.one("account").and_then(|id| desk.account(id)) else {
            return page::refusal(400, "there is no such account");
        };
        let account = account.id.clone();
        // The documentation's example has these characters, which must be decoded exactly once.
        let code = format!("{}*v!6021.e1", desk.mint.secret(""));
        desk.issued(&code);
        let granted = scopes.join(",");
        let kept = Code {
            account,
            client: ticket.client,
            scopes,
            redirect_uri: ticket.redirect_uri.clone(),
            challenge: ticket.challenge,
            nonce: None,
            expires_at: now.saturating_add(self.switches.code_lifetime),
            grants: Vec::new(),
            extras: Extras::default(),
        };
        desk.ledger.keep_code(code.clone(), kept);
        let pairs = [("code", code.as_str()), ("scopes", &granted), ("state", &state)];
        Answer::redirect(302, &with_query(&ticket.redirect_uri, &pairs))
    }
}

fn go_back(redirect_uri: &str, error: &str, text: &str, state: &str) -> Answer {
    let pairs = [("error", error), ("error_description", text), ("state", state)];
    Answer::redirect(302, &with_query(redirect_uri, &pairs))
}

const TICKET_LIFETIME: i64 = 3600;

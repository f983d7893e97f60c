use super::{Dialect, Facts, Need, Pkce, Problem};
use crate::call::Call;
use crate::desk::{Desk, Ticket};
use crate::ledger::{Code, Extras};
use crate::message::{Answer, Parameters, with_query};
use crate::mint::random;
use crate::page;
use crate::registration::Client;

/// The authorization page (RFC 6749 §4.1.1).
pub(super) fn ask<D: Dialect>(dialect: &D, desk: &mut Desk, call: &Call<'_>) -> Answer {
    let facts = dialect.facts();
    let query = call.request.query();
    if query.repeats() {
        return page::refusal(400, "a parameter is repeated");
    }
    let client = query.one(facts.client_id).and_then(|id| desk.clients.get(id)).cloned();
    let Some(client) = client else {
        return page::refusal(400, "the client is missing or unknown");
    };
    let sent = query.one("redirect_uri");
    let redirect_uri = match sent {
        Some(uri) if client.redirects_to(uri) => Some(uri),
        None if facts.redirect_uri == Need::Optional => {
            client.redirect_uris.first().map(String::as_str)
        }
        _ => None,
    };
    let Some(redirect_uri) = redirect_uri else {
        return page::refusal(400, "redirect_uri is missing or not registered");
    };
    let mut ticket = Ticket {
        client: client.id.clone(),
        redirect_uri: redirect_uri.to_owned(),
        scopes: Vec::new(),
        state: query.one("state").map(str::to_owned),
        challenge: None,
        nonce: query.one("nonce").map(str::to_owned),
        posts: false,
        expires_at: call.now.saturating_add(TICKET_LIFETIME),
        extras: Extras {
            asked: query.pairs().iter().cloned().collect(),
            redirect_sent: sent.is_some(),
            ..Extras::default()
        },
    };
    if let Err(problem) = check(dialect, call, &client, &query, &mut ticket) {
        if facts.shows_problems {
            let (status, code, text) = problem.rfc6749();
            return page::refusal(status, &format!("{code}: {text}"));
        }
        return refuse(dialect, &ticket, &problem);
    }
    ticket.scopes = dialect.offers(desk, ticket.scopes);
    let mut scopes = ticket.scopes.clone();
    for more in ticket.extras.more.values().flatten() {
        if !scopes.contains(more) {
            scopes.push(more.clone());
        }
    }
    let id = random::<16>();
    let (title, granular) = (facts.title, facts.granular);
    let page = page::consent(title, CONSENT, &id, &client, &desk.accounts, &scopes, granular);
    desk.tickets.insert(id, ticket);
    page
}

/// Checks what may be told to the client, and notes it on the ticket.
fn check<D: Dialect>(
    dialect: &D,
    call: &Call<'_>,
    client: &Client,
    query: &Parameters,
    ticket: &mut Ticket,
) -> Result<(), Problem> {
    let facts = dialect.facts();
    match (facts.response_type, query.one("response_type")) {
        (Need::Ignored, _) | (_, Some("code")) | (Need::Optional, None) => {}
        _ => return Err(Problem::ResponseType),
    }
    if facts.state == Need::Required && ticket.state.is_none() {
        return Err(Problem::Missing("state"));
    }
    for (name, only) in facts.demanded {
        match (query.one(name), only) {
            (None, _) => return Err(Problem::Missing(name)),
            (Some(value), Some(only)) if value != *only => return Err(Problem::Value(name)),
            _ => {}
        }
    }
    let mut asked = false;
    for (at, name) in facts.scope_parameters.iter().enumerate() {
        let scopes = match query.one(name) {
            Some(scopes) if facts.scopes != Need::Ignored => facts.split(scopes),
            _ => continue,
        };
        let unknown = |scope: &&String| !dialect.knows_scope(scope) || !client.may_ask(scope);
        if let Some(scope) = scopes.iter().find(unknown) {
            return Err(Problem::Scope(scope.clone()));
        }
        asked |= !scopes.is_empty();
        match at {
            0 => ticket.scopes = scopes,
            _ => drop(ticket.extras.more.insert(name, scopes)),
        }
    }
    if !asked {
        if facts.scopes == Need::Required {
            return Err(Problem::Scope(String::new()));
        }
        ticket.scopes = client.scopes.clone();
    }
    check_pkce(&facts, client, query, ticket)?;
    dialect.check_authorize(call, query)
}

fn check_pkce(
    facts: &Facts,
    client: &Client,
    query: &Parameters,
    ticket: &mut Ticket,
) -> Result<(), Problem> {
    // A method that is left out is plain (RFC 7636 §4.3).
    let method = query.one("code_challenge_method").unwrap_or("plain");
    match (facts.pkce, query.one("code_challenge")) {
        (Pkce::Ignored, _) | (Pkce::Refused, None) => {}
        (Pkce::Optional, None) if !client.secrets.is_empty() => {}
        (Pkce::Refused, Some(_)) | (Pkce::Optional | Pkce::Required, None) => {
            return Err(Problem::Pkce);
        }
        (Pkce::Optional | Pkce::Required, Some(challenge)) => {
            let plain = method == "plain";
            if !facts.pkce_methods.contains(&method) || !is_challenge(challenge, plain) {
                return Err(Problem::Pkce);
            }
            ticket.challenge = Some(challenge.to_owned());
            ticket.extras.plain = plain;
        }
    }
    Ok(())
}

/// The person's decision.
pub(super) fn decide<D: Dialect>(dialect: &D, desk: &mut Desk, call: &Call<'_>) -> Answer {
    let facts = dialect.facts();
    let form = call.request.form();
    let ticket = form.one("ticket").and_then(|ticket| desk.take_ticket(ticket, call.now));
    let Some(mut ticket) = ticket else {
        return page::refusal(400, "this authorization has ended");
    };
    let ticked = form.all("scope");
    let mut refused = form.one("decision") != Some("allow");
    if facts.granular {
        let keep = |scopes: &mut Vec<String>| {
            scopes.retain(|scope| ticked.contains(&scope.as_str()));
            scopes.is_empty()
        };
        let asked = !ticket.scopes.is_empty() || !ticket.extras.more.is_empty();
        let nothing = keep(&mut ticket.scopes);
        ticket.extras.more.retain(|_, scopes| !keep(scopes));
        refused |= asked && nothing && ticket.extras.more.is_empty();
    }
    if refused {
        return refuse(dialect, &ticket, &Problem::Denied);
    }
    let account = form.one("account").and_then(|id| desk.account(id)).cloned();
    let (Some(account), Some(client)) = (account, desk.clients.get(&ticket.client).cloned()) else {
        return page::refusal(400, "there is no such account");
    };
    let code = desk.issue(facts.code_prefix);
    let kept = Code {
        account: account.id.clone(),
        client: ticket.client.clone(),
        scopes: ticket.scopes.clone(),
        redirect_uri: ticket.redirect_uri.clone(),
        challenge: ticket.challenge.clone(),
        nonce: ticket.nonce.clone(),
        expires_at: call.now.saturating_add(facts.code_lifetime),
        grants: Vec::new(),
        extras: ticket.extras.clone(),
    };
    desk.ledger.keep_code(code.clone(), kept);
    let mut pairs = vec![("code".to_owned(), code)];
    pairs.extend(ticket.state.iter().map(|state| ("state".to_owned(), state.clone())));
    dialect.callback(&mut pairs, &ticket, &client, &account, call.now);
    let pairs: Vec<_> = pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let location = with_query(&ticket.redirect_uri, &pairs);
    Answer::redirect(302, &format!("{location}{}", facts.callback_tail))
}

/// Back to the client with an error (RFC 6749 §4.1.2.1).
fn refuse<D: Dialect>(dialect: &D, ticket: &Ticket, problem: &Problem) -> Answer {
    let pairs = dialect.refusal(problem);
    let mut pairs: Vec<_> = pairs.iter().map(|(key, value)| (*key, value.as_str())).collect();
    pairs.extend(ticket.state.as_deref().map(|state| ("state", state)));
    let location = with_query(&ticket.redirect_uri, &pairs);
    Answer::redirect(302, &format!("{location}{}", dialect.facts().callback_tail))
}

/// A SHA-256 in base64url has 43 characters; a plain one is a verifier (RFC 7636 §4.2).
fn is_challenge(challenge: &str, plain: bool) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let length = challenge.len();
    let fits = if plain { (43..=128).contains(&length) } else { length == 43 };
    fits && challenge.bytes().all(unreserved)
}

/// Where the consent form goes, at every host.
pub(super) const CONSENT: &str = "/emulator/consent";
const TICKET_LIFETIME: i64 = 3600;

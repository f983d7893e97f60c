//! The journal (webhooks journal guide): entries that lie as files on a second host.

use serde_json::{Value, json};

use super::{HubSpot, JournalEnd};
use crate::call::Call;
use crate::clock::iso;
use crate::desk::Desk;
use crate::message::{Answer, Parameters};
use crate::mint::{hex, sha256};
use crate::oauth::Problem;
use crate::registration::Client;

/// What is kept for the app.
#[derive(Clone, Debug, Default)]
pub(super) struct Journal {
    entries: Vec<Entry>,
    tokens: Vec<(String, i64)>,
    made: usize,
}

#[derive(Clone, Debug)]
struct Entry {
    offset: String,
    at: i64,
    event: Event,
}

#[derive(Clone, Debug)]
enum Event {
    Erased { portal: u64, contact: u64 },
    Installed(u64),
    Uninstalled(u64),
}

impl HubSpot {
    /// The app was installed in a portal, at this time.
    pub fn journal_install(&mut self, portal: u64, at: i64) {
        self.note(Event::Installed(portal), at);
    }

    /// The app was uninstalled from a portal, at this time.
    pub fn journal_uninstall(&mut self, portal: u64, at: i64) {
        self.note(Event::Uninstalled(portal), at);
    }

    /// A contact of a portal was erased, at this time.
    pub fn journal_erasure(&mut self, portal: u64, contact: u64, at: i64) {
        self.note(Event::Erased { portal, contact }, at);
    }

    fn note(&mut self, event: Event, at: i64) {
        self.journal.made += 1;
        let digest = hex(&sha256(format!("entry {}", self.journal.made).as_bytes()));
        let part = |from: usize, to: usize| digest.get(from..to).unwrap_or_default().to_owned();
        let offset = [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-");
        self.journal.entries.push(Entry { offset, at, event });
    }
}

/// A token of the app's own (`grant_type=client_credentials`).
pub(super) fn token(
    hubspot: &mut HubSpot,
    desk: &mut Desk,
    call: &Call<'_>,
    client: &Client,
    parameters: &Parameters,
) -> Result<Answer, Problem> {
    if client.secrets.is_empty() || parameters.one("grant_type") != Some("client_credentials") {
        return Err(Problem::GrantType);
    }
    let scopes = parameters.one("scope").unwrap_or_default();
    if let Some(other) = scopes.split(' ').find(|scope| !SCOPES.contains(scope)) {
        return Err(Problem::Scope(other.to_owned()));
    }
    let token = desk.issue("");
    hubspot.journal.tokens.push((token.clone(), call.now + 1800));
    let body = json!({"access_token": token, "token_type": "bearer", "expires_in": 1800});
    Ok(Answer::json(200, &body).no_store())
}

/// Where the next entry lies.
pub(super) fn entry(hubspot: &HubSpot, call: &Call<'_>, path: &[&str]) -> Result<Answer, Problem> {
    let bearer = call.request.bearer().ok_or(Problem::TokenMissing)?;
    let known = hubspot.journal.tokens.iter().any(|(own, end)| own == bearer && call.now < *end);
    if !known || !call.request.is("GET") {
        return Err(Problem::Token(crate::ledger::Refused::Foreign));
    }
    let kept: Vec<&Entry> =
        hubspot.journal.entries.iter().filter(|entry| call.now - entry.at < KEPT).collect();
    let found = match path {
        ["earliest"] => kept.first(),
        ["latest"] => kept.last(),
        ["offset", offset, "next"] => {
            let place = kept.iter().position(|entry| entry.offset == *offset);
            kept.get(place.ok_or(Problem::NotFound)? + 1)
        }
        _ => return Err(Problem::NotFound),
    };
    let Some(entry) = found else {
        return match hubspot.journal_end {
            JournalEnd::NoContent => Ok(Answer::empty(204)),
            JournalEnd::Nothing => Ok(Answer::empty(200)),
            JournalEnd::NotFound => Err(Problem::NotFound),
        };
    };
    let ends = call.now + FRESH;
    let url = format!(
        "https://{}/journal/{}.json?X-Amz-Expires={ends}&X-Amz-Signature={}",
        hubspot.journal_host,
        entry.offset,
        signature(&entry.offset, ends)
    );
    Ok(Answer::json(
        200,
        &json!({"url": url, "expiresAt": iso(ends), "currentOffset": entry.offset}),
    ))
}

/// A file in the storage. Whoever brings credentials along is refused: they are not for it.
pub(super) fn file(hubspot: &HubSpot, call: &Call<'_>) -> Answer {
    let refused = |status, code: &str| {
        let text = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code></Error>");
        Answer::new(status, "application/xml", text)
    };
    let request = call.request;
    if request.has_header("authorization") || request.has_header("cookie") {
        return refused(400, "InvalidArgument");
    }
    let query = request.query();
    let ends: i64 = query.one("X-Amz-Expires").and_then(|ends| ends.parse().ok()).unwrap_or(0);
    let name = match request.segments().as_slice() {
        ["journal", name] => name.trim_end_matches(".json").to_owned(),
        _ => return refused(404, "NoSuchKey"),
    };
    let signed = query.one("X-Amz-Signature") == Some(signature(&name, ends).as_str());
    if !signed || call.now >= ends || !request.is("GET") {
        return refused(403, "AccessDenied");
    }
    if let Some(elsewhere) = &hubspot.journal_redirects {
        return Answer::redirect(302, elsewhere);
    }
    let found = hubspot.journal.entries.iter().find(|entry| entry.offset == name);
    let Some(entry) = found else { return refused(404, "NoSuchKey") };
    let event = if hubspot.journal_in_words_of_webhooks {
        in_words_of_webhooks(entry)
    } else {
        in_words_of_the_subscription(entry)
    };
    let body = if hubspot.journal_in_words_of_webhooks {
        json!([event])
    } else {
        json!({"offset": entry.offset, "journalEvents": [event], "publishedAt": iso(entry.at)})
    };
    Answer::json(200, &body)
}

fn in_words_of_the_subscription(entry: &Entry) -> Value {
    let at = iso(entry.at);
    let lifecycle = |action: &str, portal: u64| {
        json!({"type": "app_lifecycle_event", "action": action, "portalId": portal,
               "occurredAt": at})
    };
    match entry.event {
        Event::Installed(portal) => lifecycle("APP_INSTALL", portal),
        Event::Uninstalled(portal) => lifecycle("APP_UNINSTALL", portal),
        Event::Erased { portal, contact } => json!({
            "type": "gdpr_privacy_deletion", "action": "GDPR_DELETE", "portalId": portal,
            "objectTypeId": "0-1", "objectId": contact, "occurredAt": at,
        }),
    }
}

fn in_words_of_webhooks(entry: &Entry) -> Value {
    let lifecycle = |kind: &str, portal: u64| {
        json!({"subscriptionType": "APP_LIFECYCLE_EVENT", "eventTypeId": kind, "portalId": portal,
               "occurredAt": entry.at * 1000})
    };
    match entry.event {
        Event::Installed(portal) => lifecycle("4-1909196", portal),
        Event::Uninstalled(portal) => lifecycle("4-1916193", portal),
        Event::Erased { portal, contact } => json!({
            "subscriptionType": "GDPR_PRIVACY_DELETION", "objectTypeId": "0-1",
            "objectId": contact, "portalId": portal, "occurredAt": entry.at * 1000,
        }),
    }
}

fn signature(offset: &str, ends: i64) -> String {
    hex(&sha256(format!("fake storage key {offset} {ends}").as_bytes()))
}

/// Three days.
const KEPT: i64 = 3 * 86_400;
/// For how long the address of a file is good. It is not said.
const FRESH: i64 = 300;
const SCOPES: &[&str] = &[
    "developer.webhooks_journal.read",
    "developer.webhooks_journal.subscriptions.read",
    "developer.webhooks_journal.subscriptions.write",
    "webhooks-journal-data-access",
    "webhooks-journal-subscription-management",
];

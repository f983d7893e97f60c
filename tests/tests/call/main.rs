//! The call: what the gate lets through, what a call does with effects, faults and limits, and how
//! a wrong configuration is refused.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

mod configuration;
mod effects;
mod faults;
mod gate;
mod limits;
mod outbound;
mod pass;
mod people;

use std::sync::Arc;

use bailee::{
    ConnectionRef, Error, PurposeId, TenantId,
    core::{Actor, CredentialName, Effect, ProviderId, ScopeName, SubjectId, audit::Entry},
    providers::{Context, Endpoint, JsonCall, Operation, OperationFacts, Request, Step},
    registry::{Change, Ledger},
    vault::{Holder, View},
};
use bailee_testkit::{
    World,
    emulator::{Endpoint as Address, Site},
};
use http::Method;

const ACME: TenantId = TenantId::from_static("acme");
const TIKTOK: ProviderId = ProviderId::from_static("tiktok");
const NOTES_PROVIDER: ProviderId = ProviderId::from_static("notes");
const USER: CredentialName = CredentialName::from_static("user");

/// Writes a note: an operation of a host's own.
struct WriteNote(&'static str);

static WRITE_NOTE: OperationFacts = OperationFacts {
    name: "notes.write",
    provider: NOTES_PROVIDER,
    scopes: &[ScopeName::from_static("notes.write")],
    effect: Effect::Effect,
    method: Method::POST,
    path: "/notes",
    sends: &["content"],
    reads: &[],
    credential: USER,
};

impl Operation for WriteNote {
    type Output = u64;

    fn facts(&self) -> &OperationFacts {
        &WRITE_NOTE
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<u64>> {
        #[derive(serde::Deserialize)]
        struct Written {
            id: u64,
        }
        JsonCall::new(cx, &WRITE_NOTE)
            .body(&serde_json::json!({"text": self.0}))
            .read(|note: Written| Ok(note.id))
    }
}

/// An operation with whatever facts a test wants; it sends what they say.
struct Probe(OperationFacts);

impl Operation for Probe {
    type Output = ();

    fn facts(&self) -> &OperationFacts {
        &self.0
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<()>> {
        JsonCall::new(cx, &self.0).read(|_: serde_json::Value| Ok(()))
    }
}

/// The issuer that plays the provider of notes.
fn notes(w: &World) -> &Site {
    w.site("id.example.test")
}

/// How many calls of their API all providers have seen.
fn api_calls(w: &World) -> u64 {
    w.emulator.sites().iter().map(|site| site.count(Address::Api)).sum()
}

/// Everything that all providers have seen.
fn requests(w: &World) -> usize {
    w.emulator.requests().len()
}

/// A request of a step to the API of a provider.
fn api_request(cx: &Context<'_>, path: &str, effect: Effect) -> Request {
    let url = cx.spec.api.as_ref().unwrap();
    let url = format!("{}{path}", url.as_str().trim_end_matches('/')).parse::<url::Url>().unwrap();
    Request::new(Method::GET, url, Endpoint::Api, effect).with_bearer()
}

fn subject(connection: &ConnectionRef) -> SubjectId {
    connection.owner().subject().unwrap()
}

/// Commits a change of what a person chose.
async fn choose<F, Fut>(w: &World, subject: SubjectId, change: F)
where
    F: FnOnce(Ledger, Arc<View>, Actor) -> Fut,
    Fut: Future<Output = bailee::Result<Change>>,
{
    let vault = w.bailee.vault();
    let view = vault.read(&ACME, Holder::Subject(subject), &[]).await.unwrap();
    let by = Actor::Subject { subject };
    let change = change(Ledger::new(vault.clone()), Arc::new(view), by).await.unwrap();
    vault.commit(&ACME, change.add_to(vault.batch().unwrap())).await.unwrap();
}

async fn withdraw(w: &World, subject: SubjectId, purpose: PurposeId, provider: ProviderId) {
    choose(w, subject, |ledger, view, by| async move {
        ledger.withdraw(&ACME, &view, &purpose, Some(&provider), &by).await
    })
    .await;
}

/// The entries of one event in a tenant's log.
async fn entries(w: &World, event: &str) -> Vec<Entry> {
    let all = w.audit("acme").await.into_iter().map(|logged| logged.entry);
    all.filter(|entry| entry.event() == event).collect()
}

/// Everything that an error says, but for the connection that it names.
fn said(error: &Error) -> (String, String) {
    let connection = error.connection().map(|id| id.to_string()).unwrap_or_default();
    let hide = |text: String| text.replace(&connection, "<connection>");
    (hide(error.to_string()), hide(format!("{error:?}")))
}

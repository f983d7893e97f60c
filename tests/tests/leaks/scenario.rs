//! A life of connections in which everything goes wrong once, and every word that is said of it.

use std::{error::Error as _, fmt::Debug, sync::Arc, time::Duration};

use bailee::{
    BeginOptions, BytesMedia, ConnectionRef, Error, IdempotencyKey, Refusal, Visitor,
    core::{CredentialName, Effect, ProviderId, ScopeName},
    providers::{
        Context, JsonCall, Operation, OperationFacts, Step,
        tiktok::{CreatorInfo, PrivacyLevel, PublishVideo},
    },
};
use bailee_testkit::{
    Browser, World,
    emulator::{Account, Decision, Endpoint, Fault},
};
use bailee_tests::{NOTES, PUBLISH};
use http::Method;

/// The host's own name for the person.
pub(crate) const PERSON: &str = "host-person-7f3a9c1e@example.test";
/// The name that the provider shows for the account.
pub(crate) const DISPLAY: &str = "Displayed Name Zx81-Canary";
/// The account at the provider.
pub(crate) const ACCOUNT: &str = "account-8b2d4f60-subject";
/// What the person writes.
pub(crate) const CONTENT: &str = "private words of the person 51c0";

/// Writes a note.
struct WriteNote;

static WRITE_NOTE: OperationFacts = OperationFacts {
    name: "notes.write",
    provider: ProviderId::from_static("notes"),
    scopes: &[ScopeName::from_static("notes.write")],
    effect: Effect::Effect,
    method: Method::POST,
    path: "/notes",
    sends: &["content"],
    reads: &[],
    credential: CredentialName::from_static("user"),
};

impl Operation for WriteNote {
    type Output = ();

    fn facts(&self) -> &OperationFacts {
        &WRITE_NOTE
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<()>> {
        JsonCall::new(cx, &WRITE_NOTE)
            .body(&serde_json::json!({"text": CONTENT}))
            .read(|_: serde_json::Value| Ok(()))
    }
}

/// Everything that was said: errors with their chains, refusals, answers, the debug output of
/// whatever a host holds in its hands.
#[derive(Default)]
pub(crate) struct Words {
    pub(crate) text: String,
    pub(crate) errors: usize,
    panics: bool,
}

impl Words {
    pub(crate) fn debug(&mut self, value: &impl Debug) {
        self.text.push_str(&format!("{value:?}\n{value:#?}\n"));
    }

    pub(crate) fn error(&mut self, error: &Error) {
        self.errors += 1;
        self.text.push_str(&format!("{error}\n"));
        self.debug(error);
        let mut cause = error.source();
        while let Some(source) = cause {
            self.text.push_str(&format!("{source}\n{source:?}\n{source:#?}\n"));
            cause = source.source();
        }
        if self.panics {
            // A panic with it: its words go to standard error.
            let said = format!("{error} {error:?}");
            let panicked = std::thread::spawn(move || panic!("a host gave up: {said}"));
            assert!(panicked.join().is_err());
        }
    }

    fn refusal(&mut self, refusal: &Refusal) {
        self.debug(refusal);
        self.debug(refusal.answer());
        self.text.push_str(refusal.answer().body());
        self.error(refusal.error());
    }

    fn outcome<T: Debug>(&mut self, outcome: Result<T, Error>) -> Option<T> {
        match outcome {
            Ok(value) => {
                self.debug(&value);
                Some(value)
            }
            Err(error) => {
                self.error(&error);
                None
            }
        }
    }
}

/// Faults whose answers hold secrets, or lose them.
fn faults() -> Vec<Fault> {
    vec![
        Fault::EchoSecrets,
        Fault::Malformed,
        Fault::DuplicateKeys,
        Fault::CutOff,
        Fault::DropAfterEffect,
        Fault::Html,
        Fault::Oversize,
        Fault::WrongContentType,
        Fault::TokenType("fake-unknown-type".into()),
        Fault::ExpiresIn("{\"fake\": \"nested\"}".into()),
        Fault::OkWithError("fake_error_code".into()),
        Fault::Redirect {
            status: 307,
            location: "https://evil.example/?code=fake-location".into(),
        },
        Fault::RateLimited { retry_after: Some("1".into()) },
        Fault::Status(500),
    ]
}

/// The breaker closes, limits end; tokens stay.
fn rest(w: &World) {
    w.advance(Duration::from_secs(61));
}

async fn connect(
    w: &World,
    words: &mut Words,
    who: &Visitor,
    registration: &str,
) -> Option<ConnectionRef> {
    let purposes = if registration == "tiktok" { [PUBLISH] } else { [NOTES] };
    let connections = w.bailee.connections();
    let begun = words.outcome_of_begin(
        connections.begin_with(who, registration, &purposes, BeginOptions::default()).await,
    )?;
    let browser = Browser::new();
    browser.take(begun.answer());
    let back = w.approve(&begun, Decision::Allow, ACCOUNT).await;
    let request = browser.callback(&back);
    words.debug(&request);
    match connections.complete(who, request).await {
        Ok(completed) => {
            words.debug(&completed);
            Some(completed.connection)
        }
        Err(refusal) => {
            words.refusal(&refusal);
            None
        }
    }
}

impl Words {
    fn outcome_of_begin(&mut self, begun: Result<bailee::Begun, Error>) -> Option<bailee::Begun> {
        match begun {
            Ok(begun) => {
                self.debug(&begun);
                self.debug(begun.answer());
                Some(begun)
            }
            Err(error) => {
                self.error(&error);
                None
            }
        }
    }
}

/// Lives through all of it; where wanted, with a panic for each error.
pub(crate) async fn live(w: &World, panics: bool) -> Words {
    let mut words = Words { panics, ..Words::default() };
    for site in w.emulator.sites() {
        let mut account = Account::new(ACCOUNT);
        account.display_name = DISPLAY.into();
        account.username = DISPLAY.to_lowercase().replace(' ', "_");
        account.email = "canary-mail-0d1f@person.example".into();
        site.add_account(account);
    }
    w.site("tiktok").change_tiktok(|tiktok| tiktok.access_lifetime = 600);
    let who = w.visitor(PERSON);
    words.debug(&who);
    words.debug(&w.bailee);
    words.debug(w);

    // Flows that fail wherever a provider is asked.
    for registration in ["tiktok", "notes"] {
        let name = if registration == "tiktok" { "tiktok" } else { "id.example.test" };
        let places: &[Endpoint] = match registration {
            "tiktok" => &[Endpoint::Exchange, Endpoint::Identity],
            _ => &[Endpoint::Exchange, Endpoint::Jwks, Endpoint::Discovery],
        };
        for place in places {
            for fault in faults() {
                w.site(name).fault(*place, fault.clone());
                if let Some(made) = connect(w, &mut words, &who, registration).await {
                    let ended = w.bailee.connections().disconnect(&who, &made).await;
                    words.outcome(ended);
                }
                w.site(name).clear_faults();
                rest(w);
            }
        }
    }
    w.settle().await;

    let tiktok = connect(w, &mut words, &who, "tiktok").await.unwrap();
    let notes = connect(w, &mut words, &who, "notes").await.unwrap();
    let connections = w.bailee.connections();
    words.outcome(connections.status(&who, &tiktok).await);
    words.outcome(connections.of_visitor(&who).await);
    let (publishing, noting) = (w.bailee.acting(&who, &PUBLISH), w.bailee.acting(&who, &NOTES));
    words.debug(&publishing);

    // Calls that fail.
    for fault in faults().into_iter().chain([Fault::Status(401)]) {
        w.site("tiktok").fault(Endpoint::Api, fault.clone().times(3));
        let called = publishing.call(&tiktok, &CreatorInfo).await;
        words.outcome(called);
        w.site("tiktok").clear_faults();
        w.site("id.example.test").fault(Endpoint::Api, fault);
        words.outcome(noting.call(&notes, &WriteNote).await);
        w.site("id.example.test").clear_faults();
        rest(w);
    }

    // Renewals that fail: what follows each is whatever it is.
    let mut tiktok = tiktok;
    for fault in faults() {
        w.advance(Duration::from_secs(700));
        w.site("tiktok").fault(Endpoint::Refresh, fault);
        words.outcome(publishing.call(&tiktok, &CreatorInfo).await);
        w.site("tiktok").clear_faults();
        rest(w);
        w.settle().await;
        words.outcome(publishing.call(&tiktok, &CreatorInfo).await);
        rest(w);
        if let Some(again) = connect(w, &mut words, &who, "tiktok").await {
            tiktok = again;
        }
    }

    // Uploads, and their addresses, which are secrets too.
    for (n, fault) in faults().into_iter().map(Some).chain([None]).enumerate() {
        let key = IdempotencyKey::new(format!("post-{n}")).unwrap();
        words.debug(&key);
        let bytes = CONTENT.as_bytes().repeat(40);
        let video = PublishVideo::from_file(bytes.len() as u64, "video/mp4")
            .title(CONTENT)
            .privacy(PrivacyLevel::SelfOnly);
        words.debug(&video);
        if let Some(fault) = fault {
            let place = if n % 2 == 0 { Endpoint::Upload } else { Endpoint::Api };
            w.site("tiktok").fault(place, fault.times(2));
        }
        let media = Arc::new(BytesMedia::new(bytes));
        words.outcome(publishing.publish_media(&tiktok, &key, video, media).await);
        w.site("tiktok").clear_faults();
        rest(w);
        w.settle().await;
        words.outcome(publishing.publication(&tiktok, &key).await);
    }
    for event in w.events.all() {
        words.debug(&event);
    }

    // The end, with and without the provider's word.
    w.site("id.example.test").fault(Endpoint::Revoke, Fault::EchoSecrets.always());
    words.outcome(connections.disconnect(&who, &notes).await);
    words.outcome(connections.disconnect(&who, &tiktok).await);
    words.outcome(connections.disconnect(&who, &tiktok).await);
    w.advance(Duration::from_secs(3600));
    w.settle().await;
    words
}

/// What no output may hold: tokens, codes, client secrets, and what the browser was given.
pub(crate) fn secrets(w: &World) -> Vec<String> {
    let mut secrets = w.secrets();
    secrets.sort();
    secrets.dedup();
    secrets
}

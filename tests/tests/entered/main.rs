//! Keys that people and operators enter, at a provider that has no flow: what is told, the check,
//! the one commit, replacing, ending, and who may use them.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

mod agreeing;
mod dropped;
mod ids;
mod server;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use bailee::{
    ApiKey, Bailee, ConnectionRef, ConnectionState, Declaration, EnterOptions, Entered, Error,
    ErrorKind, Freeze, Happened, Origin, Owner, PurposeId, ReconnectReason, Registration, Remedy,
    Result, TenantId, Visitor,
    core::{Clock, Id, ProviderId, audit::Field},
    providers::{Generic, Spec},
    store::{MemoryStore, Store},
};
use bailee_testkit::{World, WorldBuilder};
use bailee_tests::{Halt, NOTES, Stopping, Watched, Yielding, watched_over};

use server::{Caption, Keys};

const SPEC: &str = include_str!("keys.toml");
const CAPTIONS: PurposeId = PurposeId::from_static("captions.suggest");
const KEYS: ProviderId = ProviderId::from_static("keys");
const ACME: TenantId = TenantId::from_static("acme");
const GLOBEX: TenantId = TenantId::from_static("globex");
const OPERATOR: Id = Id::from_bytes([7; 16]);
const FIRST: &str = "fake-key-canary-0001";
const SECOND: &str = "fake-key-canary-0002";

fn declaration() -> Declaration {
    let text = concat!(include_str!("../../privacy.toml"), include_str!("declaration.toml"));
    Declaration::parse(text).unwrap()
}

fn spec(text: &str) -> Generic {
    Generic::new(Spec::parse(text).unwrap())
}

/// The spec of a provider that says whose a key is.
fn naming() -> String {
    let by = "\"endpoint\"\nid = \"/organisation\"\nid_kind = \"organisation\"";
    SPEC.replace("\"fingerprint\"", by)
}

fn world_of(keys: &Keys, text: &str) -> WorldBuilder {
    let (keys, text) = (keys.clone(), text.to_owned());
    World::builder(declaration()).change(move |builder| {
        builder
            .http(keys.client())
            .provider(spec(&text))
            .registration(Registration::entered("keys").unwrap())
    })
}

/// A watched world with a provider at which two keys were made.
async fn world_with(text: &str) -> (World, Arc<Watched>, Keys) {
    let keys = Keys::default();
    keys.make(FIRST, "fake-org-1");
    keys.make(SECOND, "fake-org-1");
    let builder = world_of(&keys, text);
    let clock: Arc<dyn Clock> = Arc::new(builder.clock().clone());
    let (w, watched) = watched_over(builder, Arc::new(MemoryStore::new(clock))).await;
    (w, watched, keys)
}

async fn world() -> (World, Arc<Watched>, Keys) {
    world_with(SPEC).await
}

fn key(text: &str) -> ApiKey {
    ApiKey::copy_from(text.as_bytes())
}

async fn shown(bailee: &Bailee, visitor: &Visitor) -> EnterOptions {
    let told = bailee.connections().explain(visitor, "keys", &[CAPTIONS]).await.unwrap();
    EnterOptions::shown(told.hash())
}

async fn enter_with(
    w: &World,
    visitor: &Visitor,
    text: &str,
    change: impl FnOnce(&mut EnterOptions),
) -> Result<Entered> {
    let mut options = shown(&w.bailee, visitor).await;
    change(&mut options);
    w.bailee.connections().enter(visitor, "keys", &[CAPTIONS], key(text), options).await
}

async fn enter(w: &World, visitor: &Visitor, text: &str) -> ConnectionRef {
    enter_with(w, visitor, text, |_| {}).await.unwrap().connection
}

/// A key of the service, entered by an operator.
async fn enter_for_all(w: &World, text: &str) -> ConnectionRef {
    let operator = w.bailee.instance_connections(OPERATOR);
    let told = operator.explain("keys", &[CAPTIONS]).await.unwrap();
    let options = EnterOptions::shown(told.hash());
    operator.enter("keys", &[CAPTIONS], key(text), options).await.unwrap().connection
}

async fn caption(w: &World, visitor: &Visitor, connection: &ConnectionRef) -> Result<String> {
    w.bailee.acting(visitor, &CAPTIONS).call(connection, &Caption).await
}

/// Agrees to the use of a key that is not the visitor's own, as a page of the host lets them.
async fn agree(w: &World, visitor: &Visitor, connection: &ConnectionRef) {
    let connections = w.bailee.connections();
    let told = connections.explain_use(visitor, connection, &[CAPTIONS]).await.unwrap();
    connections.agree(visitor, connection, &[CAPTIONS], told.hash()).await.unwrap();
}

fn told(w: &World, connection: &ConnectionRef) -> Vec<Happened> {
    let events = w.events.all().into_iter().filter(|event| event.connection == *connection);
    events.map(|event| event.what).collect()
}

/// Which records there are of a connection, wherever they lie.
async fn kinds(watched: &Watched) -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    for kind in ["connection", "credential", "consent", "reservation", "route", "grant", "flow"] {
        if !watched.of_kind(kind).await.is_empty() {
            found.insert(kind);
        }
    }
    found
}

/// That no key stands anywhere it should not.
async fn assert_no_key(w: &World, watched: &Watched) {
    let stored = watched.dump().await;
    assert!(!stored.records.is_empty());
    for text in [FIRST, SECOND] {
        let digest = bailee::core::sha256(text.as_bytes());
        for ((_, key), record) in &stored.records {
            let body = record.body.as_bytes();
            let holds = |part: &[u8]| body.windows(part.len()).any(|window| window == part);
            assert!(!holds(text.as_bytes()) && !holds(&digest), "{key} holds a key");
            assert_ne!(key.id, Id::from_digest(&digest), "a plain hash of a key names {key}");
        }
    }
    for tenant in ["acme", "globex", "~"] {
        for logged in w.audit(tenant).await {
            bailee::audit::check(&logged.entry).unwrap();
            let payload = String::from_utf8_lossy(&logged.entry.payload()).into_owned();
            assert!(!payload.contains("fake-key-canary"), "{payload}");
        }
    }
}

fn assert_silent(error: &Error) {
    let mut text = format!("{error} {error:?}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(&format!("{cause} {cause:?}"));
        source = cause.source();
    }
    assert!(!text.contains("fake-key-canary"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_enters_a_key_after_they_were_told_and_uses_it() {
    let (w, watched, keys) = world().await;
    let ada = w.visitor("ada");
    let connections = w.bailee.connections();
    let told_to_ada = connections.explain(&ada, "keys", &[CAPTIONS]).await.unwrap();
    let text = told_to_ada.to_text();
    for part in [
        "suggest a short text",
        "can do with it whatever Example Keys lets it do",
        "Remove the key",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(kinds(&watched).await.is_empty());

    // Pasted with what comes along.
    let mut options = EnterOptions::shown(told_to_ada.hash());
    options.label = Some("Marketing".into());
    let pasted = key(&format!("  {FIRST}\r\n"));
    let entered = connections.enter(&ada, "keys", &[CAPTIONS], pasted, options).await.unwrap();
    assert!(!entered.reconnected);
    let connection = entered.connection;
    assert!(matches!(connection.owner(), Owner::Subject(_)));
    let expected = ["connection", "consent", "credential", "reservation", "route"];
    assert_eq!(kinds(&watched).await, BTreeSet::from(expected));
    let status = connections.status(&ada, &connection).await.unwrap();
    assert_eq!((status.state, status.origin), (ConnectionState::Active, Origin::Entered));
    assert_eq!(status.display.as_deref(), Some("Marketing"));
    assert_eq!(status.purposes, [CAPTIONS]);
    assert_eq!(status.expires_at, None);

    assert_eq!(caption(&w, &ada, &connection).await.unwrap(), "A good day");
    let seen = keys.seen();
    assert!(seen.iter().all(|(.., key)| key.as_deref() == Some(FIRST)));
    let paths: Vec<_> = seen.iter().map(|(_, path, _)| path.as_str()).collect();
    assert_eq!(paths, ["/v1/models", "/v1/captions"]);

    w.settle().await;
    assert_eq!(told(&w, &connection), [Happened::Connected]);
    let log = w.audit("acme").await;
    let connected = log.iter().find(|l| l.entry.event() == "connection.connected").unwrap();
    assert_eq!(connected.entry.field("actor"), Some(&Field::Word("subject".into())));
    assert_eq!(connected.entry.field("digest"), Some(&Field::Digest(told_to_ada.hash())));
    assert_no_key(&w, &watched).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_bound_to_the_text_that_was_shown() {
    let (w, watched, keys) = world().await;
    let ada = w.visitor("ada");
    for hash in [[0; 32], [7; 32]] {
        let error = enter_with(&w, &ada, FIRST, |options| options.shown = hash).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConsentMissing);
        assert_silent(&error);
    }
    assert!(keys.seen().is_empty(), "the provider was not asked");
    assert!(kinds(&watched).await.is_empty());
    let log = w.audit("acme").await;
    let refused: Vec<_> = log
        .iter()
        .filter(|logged| logged.entry.event() == "entered_key.refused")
        .filter_map(|logged| logged.entry.field("reason"))
        .collect();
    assert_eq!(refused, [&Field::Word("disclosure".into()), &Field::Word("disclosure".into())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_key_or_may_do_too_much_is_refused_before_anybody_is_asked() {
    let (w, watched, keys) = world().await;
    let ada = w.visitor("ada");
    let long = "a".repeat(2000);
    for (text, says) in [
        ("", "not a key"),
        ("short", "not a key"),
        ("fake-key-canary with a space", "not a key"),
        ("fake-key-canary\nx-other: y", "not a key"),
        ("fake-key-canary-\u{fc}", "not a key"),
        (long.as_str(), "not a key"),
        ("fake-admin-fake-key-canary", "may do too much"),
    ] {
        let error = enter_with(&w, &ada, text, |_| {}).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(says), "{error}");
        assert_silent(&error);
    }
    assert!(keys.seen().is_empty());
    assert!(kinds(&watched).await.is_empty());
    assert_no_key(&w, &watched).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_stored_of_a_key_that_the_provider_does_not_take_or_does_not_answer_for() {
    let (w, watched, keys) = world().await;
    let ada = w.visitor("ada");
    let unknown = "fake-key-canary-unknown";
    let error = enter_with(&w, &ada, unknown, |_| {}).await.unwrap_err();
    assert_eq!((error.kind(), error.remedy()), (ErrorKind::Rejected, Remedy::None));
    assert_silent(&error);
    for (status, kind) in [
        (403, ErrorKind::ProviderRefused),
        (429, ErrorKind::RateLimited),
        (503, ErrorKind::ProviderUnavailable),
    ] {
        keys.fault(status);
        let error = enter_with(&w, &ada, FIRST, |_| {}).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{status}");
        assert_silent(&error);
        w.advance(Duration::from_secs(7200));
    }
    keys.fault(None);
    keys.cut(true);
    let error = enter_with(&w, &ada, FIRST, |_| {}).await.unwrap_err();
    assert_silent(&error);
    assert!(kinds(&watched).await.is_empty());
    keys.cut(false);
    w.advance(Duration::from_secs(7200));
    w.settle().await;
    assert!(kinds(&watched).await.is_empty());
    // The same person comes back, and all is well.
    let connection = enter(&w, &ada, FIRST).await;
    caption(&w, &ada, &connection).await.unwrap();
    assert_no_key(&w, &watched).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_stops_leaves_a_whole_connection_or_none() {
    for halt in [Halt::DiesBefore, Halt::DiesAfter, Halt::Fails] {
        let mut steps = 0;
        loop {
            let (w, watched, keys) = world().await;
            let ada = w.visitor("ada");
            w.bailee.vault().ensure_subject(&ACME, ada.person()).await.unwrap();
            let stopping = Stopping::before(w.store().clone());
            let store: Arc<dyn Store> = Arc::new(stopping.clone());
            let mortal = w.process(declaration(), store).unwrap().build().await.unwrap();
            let options = shown(&mortal, &ada).await;
            stopping.arm(steps, halt);
            let entering = {
                let ada = ada.clone();
                tokio::spawn(async move {
                    let connections = mortal.connections();
                    connections.enter(&ada, "keys", &[CAPTIONS], key(FIRST), options).await
                })
            };
            let outcome = tokio::select! {
                () = stopping.until_reached(), if halt != Halt::Fails => None,
                outcome = entering => Some(outcome.unwrap()),
            };
            if !stopping.reached() {
                outcome.unwrap().unwrap();
                break;
            }
            w.advance(Duration::from_secs(600));
            w.settle().await;
            let of = |kind| watched.of_kind(kind);
            let whole = of("connection").await.len();
            for kind in ["credential", "consent", "reservation"] {
                assert_eq!(of(kind).await.len(), whole, "{halt:?} {steps}: {kind}");
            }
            // Nothing was asked of the provider but whether the key is good.
            assert!(keys.seen().iter().all(|(_, path, _)| path == "/v1/models"));
            let entered = enter_with(&w, &ada, FIRST, |_| {}).await.unwrap();
            assert_eq!(entered.reconnected, whole == 1, "{halt:?} {steps}");
            caption(&w, &ada, &entered.connection).await.unwrap();
            steps += 1;
        }
        assert!(steps >= 2, "{halt:?}: {steps} commits make an entry");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_is_one_connection_and_another_key_a_second_one() {
    let (w, watched, _) = world().await;
    let ada = w.visitor("ada");
    let first = enter(&w, &ada, FIRST).await;
    let again = enter_with(&w, &ada, FIRST, |_| {}).await.unwrap();
    assert_eq!((&again.connection, again.reconnected), (&first, true));
    let second = enter(&w, &ada, SECOND).await;
    assert_ne!(first, second);
    assert_eq!(w.bailee.connections().of_visitor(&ada).await.unwrap().len(), 2);
    // Somebody else's same key is another connection, and nothing stored ties the two together.
    let far = w.visitor_in("globex", "hal");
    let theirs = enter(&w, &far, FIRST).await;
    assert_ne!(theirs.connection(), first.connection());
    assert_eq!(watched.of_kind("route").await.len(), 3);
    assert_no_key(&w, &watched).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_replaced_in_its_connection_and_the_old_one_is_gone() {
    let (w, watched, keys) = world().await;
    let ada = w.visitor("ada");
    let connection = enter(&w, &ada, FIRST).await;
    caption(&w, &ada, &connection).await.unwrap();
    let replace = |text: &'static str, wanted: &ConnectionRef| {
        let (wanted, w, ada) = (wanted.clone(), &w, &ada);
        async move { enter_with(w, ada, text, |options| options.reconnect = Some(wanted)).await }
    };
    let entered = replace(SECOND, &connection).await.unwrap();
    assert_eq!((&entered.connection, entered.reconnected), (&connection, true));
    keys.remove(FIRST);
    caption(&w, &ada, &connection).await.unwrap();
    assert_eq!(keys.seen().last().unwrap().2.as_deref(), Some(SECOND));
    for kind in ["connection", "credential", "reservation", "route"] {
        assert_eq!(watched.of_kind(kind).await.len(), 1, "{kind}");
    }
    w.settle().await;
    assert_eq!(told(&w, &connection), [Happened::Connected, Happened::Reconnected]);

    // A key that is another connection's cannot replace this one's.
    keys.make(FIRST, "fake-org-1");
    let other = enter(&w, &ada, FIRST).await;
    let error = replace(FIRST, &connection).await.unwrap_err();
    assert_eq!((error.kind(), error.remedy()), (ErrorKind::AccountMismatch, Remedy::Confirm));
    // Nor can a connection that is not there, or not theirs, be made to work.
    w.bailee.connections().disconnect(&ada, &other).await.unwrap();
    assert_eq!(replace(FIRST, &other).await.unwrap_err().kind(), ErrorKind::NotFound);
    let grace = w.visitor("grace");
    let foreign =
        enter_with(&w, &grace, FIRST, |options| options.reconnect = Some(connection.clone()));
    assert_eq!(foreign.await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_no_key(&w, &watched).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_provider_names_the_account_a_new_key_has_to_be_of_the_same_one() {
    let (w, watched, keys) = world_with(&naming()).await;
    let ada = w.visitor("ada");
    let connection = enter(&w, &ada, FIRST).await;
    // Another key of the same organisation is the same account, asked for or not.
    let entered = enter_with(&w, &ada, SECOND, |_| {}).await.unwrap();
    assert_eq!((&entered.connection, entered.reconnected), (&connection, true));
    let foreign = "fake-key-canary-0003";
    keys.make(foreign, "fake-org-2");
    let wanted = || Some(connection.clone());
    let error = enter_with(&w, &ada, foreign, |options| options.reconnect = wanted()).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::AccountMismatch);
    assert_eq!(watched.of_kind("connection").await.len(), 1);
    let entered = enter_with(&w, &ada, foreign, |options| {
        options.reconnect = wanted();
        options.other_account = true;
    });
    assert!(!entered.await.unwrap().reconnected);
    assert_eq!(watched.of_kind("connection").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_dies_makes_its_connection_wait_for_a_new_one() {
    let (w, _, keys) = world().await;
    let ada = w.visitor("ada");
    let connection = enter(&w, &ada, FIRST).await;
    keys.remove(FIRST);
    let error = caption(&w, &ada, &connection).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NeedsReconnect);
    assert_silent(&error);
    let calls = keys.seen().len();
    let state = ConnectionState::NeedsReconnect(ReconnectReason::Revoked);
    let connections = w.bailee.connections();
    assert_eq!(connections.status(&ada, &connection).await.unwrap().state, state);
    caption(&w, &ada, &connection).await.unwrap_err();
    assert_eq!(keys.seen().len(), calls, "a dead key is not sent again");
    let wanted = connection.clone();
    enter_with(&w, &ada, SECOND, |options| options.reconnect = Some(wanted)).await.unwrap();
    caption(&w, &ada, &connection).await.unwrap();

    // Asking finds out too.
    assert_eq!(connections.check(&ada, &connection).await.unwrap(), ConnectionState::Active);
    keys.remove(SECOND);
    assert_eq!(connections.check(&ada, &connection).await.unwrap(), state);
    w.settle().await;
    let reason = ReconnectReason::Revoked;
    let needs = Happened::NeedsReconnect { reason };
    let expected = [Happened::Connected, needs.clone(), Happened::Reconnected, needs];
    assert_eq!(told(&w, &connection), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disconnect_deletes_the_key_and_says_who_can_remove_it_at_the_provider() {
    let (w, watched, keys) = world().await;
    let ada = w.visitor("ada");
    let connection = enter(&w, &ada, FIRST).await;
    let asked = keys.seen().len();
    let receipt = w.bailee.connections().disconnect(&ada, &connection).await.unwrap();
    assert!(!receipt.confirmed);
    assert!(receipt.steps.iter().any(|step| step == "Remove the key"));
    assert!(receipt.remains.iter().any(|line| line.contains("until somebody removes it")));
    assert_eq!(keys.seen().len(), asked, "there is nothing to ask the provider");
    assert_eq!(kinds(&watched).await, BTreeSet::from(["consent"]), "the proof of consent stays");
    let error = caption(&w, &ada, &connection).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    w.settle().await;
    let ended = Happened::Disconnected { confirmed: false };
    assert_eq!(told(&w, &connection), [Happened::Connected, ended]);
    assert_no_key(&w, &watched).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenants_key_has_a_key_of_its_own_and_each_user_has_to_agree() {
    let (w, watched, _) = world().await;
    let (ada, grace) = (w.visitor("ada"), w.visitor("grace"));
    let entered = enter_with(&w, &ada, FIRST, |options| options.for_tenant = true).await.unwrap();
    let connection = entered.connection;
    assert_eq!(connection.owner(), Owner::Tenant);
    assert_eq!(watched.of_kind("key.connection").await.len(), 1);
    caption(&w, &ada, &connection).await.unwrap();
    let error = caption(&w, &grace, &connection).await.unwrap_err();
    assert_eq!((error.kind(), error.remedy()), (ErrorKind::ConsentMissing, Remedy::AskConsent));
    agree(&w, &grace, &connection).await;
    caption(&w, &grace, &connection).await.unwrap();
    let far = w.visitor_in("globex", "hal");
    let error = caption(&w, &far, &connection).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    // A member replaces it, and ends it.
    let replaced = enter_with(&w, &grace, SECOND, |options| {
        options.for_tenant = true;
        options.reconnect = Some(connection.clone());
    });
    assert_eq!(replaced.await.unwrap().connection, connection);
    caption(&w, &grace, &connection).await.unwrap();
    w.bailee.connections().disconnect(&grace, &connection).await.unwrap();
    assert!(watched.of_kind("key.connection").await.is_empty());
    assert_no_key(&w, &watched).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_the_service_serves_people_of_every_tenant_who_agreed() {
    let (w, watched, keys) = world().await;
    let connection = enter_for_all(&w, FIRST).await;
    assert_eq!(connection.owner(), Owner::Instance);
    assert!(connection.tenant().is_system());
    assert!(watched.of_kind("consent").await.is_empty(), "an operator agrees for nobody");
    assert_eq!(watched.of_kind("key.connection").await.len(), 1);
    let log = w.audit("~").await;
    let connected = log.iter().find(|l| l.entry.event() == "connection.connected").unwrap();
    assert_eq!(connected.entry.field("actor"), Some(&Field::Word("operator".into())));
    assert_eq!(connected.entry.field("operator"), Some(&Field::Id(OPERATOR)));
    assert_eq!(connected.entry.subject(), None);

    let people = [w.visitor("ada"), w.visitor_in("globex", "hal")];
    for person in &people {
        let error = caption(&w, person, &connection).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConsentMissing);
        agree(&w, person, &connection).await;
        caption(&w, person, &connection).await.unwrap();
        let status = w.bailee.connections().status(person, &connection).await.unwrap();
        assert_eq!(status.state, ConnectionState::Active);
    }
    // What left is about whoever used it, in their own tenant.
    w.settle().await;
    let recipients: Vec<_> = watched
        .of_kind("disclosure")
        .await
        .into_iter()
        .map(|(tenant, record)| (tenant, record.subject.is_some()))
        .collect();
    assert_eq!(recipients, [(ACME, true), (GLOBEX, true)]);
    // The host's word counts at each use.
    let hal = &people[1];
    w.access.remove(hal.person(), &GLOBEX);
    assert_eq!(caption(&w, hal, &connection).await.unwrap_err().kind(), ErrorKind::Denied);
    // Another purpose's operation is not for this one.
    let error = w.bailee.acting(&people[0], &NOTES).call(&connection, &Caption).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Denied);
    assert_eq!(keys.seen().iter().filter(|(_, path, _)| path == "/v1/captions").count(), 2);
    assert_no_key(&w, &watched).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_replaces_checks_and_ends_the_key_of_the_service() {
    let (w, watched, keys) = world().await;
    let operator = w.bailee.instance_connections(OPERATOR);
    let connection = enter_for_all(&w, FIRST).await;
    let ada = w.visitor("ada");
    agree(&w, &ada, &connection).await;
    let told_again = operator.explain("keys", &[CAPTIONS]).await.unwrap();
    let mut options = EnterOptions::shown(told_again.hash());
    options.reconnect = Some(connection.clone());
    let entered = operator.enter("keys", &[CAPTIONS], key(SECOND), options.clone()).await.unwrap();
    assert_eq!((&entered.connection, entered.reconnected), (&connection, true));
    caption(&w, &ada, &connection).await.unwrap();
    assert_eq!(keys.seen().last().unwrap().2.as_deref(), Some(SECOND));
    assert_eq!(operator.check(&connection).await.unwrap(), ConnectionState::Active);
    let all = operator.all().await.unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].connection, connection);

    // A key for a tenant is not the operator's to enter.
    options.for_tenant = true;
    let error = operator.enter("keys", &[CAPTIONS], key(FIRST), options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    // A connection of a person is none of the instance's.
    let own = enter(&w, &ada, FIRST).await;
    assert_eq!(operator.disconnect(&own).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(operator.check(&own).await.unwrap_err().kind(), ErrorKind::NotFound);

    let receipt = operator.disconnect(&connection).await.unwrap();
    assert!(!receipt.confirmed);
    assert!(watched.of_kind("key.connection").await.is_empty(), "its own key is destroyed");
    assert!(operator.all().await.unwrap().is_empty());
    let error = caption(&w, &ada, &connection).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    caption(&w, &ada, &own).await.unwrap();
    let log = w.audit("~").await;
    let ending = log.iter().find(|l| l.entry.event() == "connection.disconnecting").unwrap();
    assert_eq!(ending.entry.field("operator"), Some(&Field::Id(OPERATOR)));
    assert_no_key(&w, &watched).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_frozen_or_not_allowed_takes_no_key() {
    let (w, watched, keys) = world().await;
    let ada = w.visitor("ada");
    w.bailee.freeze(Freeze::Provider(KEYS)).await.unwrap();
    let error = enter_with(&w, &ada, FIRST, |_| {}).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Frozen);
    w.bailee.thaw(&Freeze::Provider(KEYS)).await.unwrap();
    w.access.remove(ada.person(), &ACME);
    let error = enter_with(&w, &ada, FIRST, |_| {}).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(keys.seen().is_empty());
    assert!(kinds(&watched).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_of_keys_has_no_flow_and_a_flow_takes_no_key() {
    let (w, _, _) = world().await;
    let ada = w.visitor("ada");
    let connections = w.bailee.connections();
    let error = connections.begin(&ada, "keys", &[CAPTIONS]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    let error = connections.explain(&ada, "tiktok", &[bailee_tests::PUBLISH]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    let error = connections.explain(&ada, "nowhere", &[CAPTIONS]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);

    // A client where keys are entered, and no client where there is a flow, fail when it is built.
    let secret = || bailee::ClientSecret::copy_from(b"fake-client-secret");
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(Arc::new(w.clock.clone())));
    for registration in [
        Registration::new("keys", "fake-client", secret()).unwrap().id("keys-2").unwrap(),
        Registration::entered("keys").unwrap().desktop().id("keys-2").unwrap(),
        Registration::entered("tiktok").unwrap().id("tiktok-2").unwrap(),
    ] {
        let builder = w.process(declaration(), store.clone()).unwrap();
        let error = builder.registration(registration).build().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_entries_of_one_key_make_one_connection() {
    let (w, watched, _) = world().await;
    let ada = w.visitor("ada");
    let options = shown(&w.bailee, &ada).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let (bailee, ada, options) = (w.bailee.clone(), ada.clone(), options.clone());
        tasks.spawn(async move {
            let connections = bailee.connections();
            connections.enter(&ada, "keys", &[CAPTIONS], key(FIRST), options).await
        });
    }
    let made: Vec<_> = tasks.join_all().await.into_iter().map(|entered| entered.unwrap()).collect();
    let names: std::collections::HashSet<_> =
        made.iter().map(|entered| entered.connection.to_string()).collect();
    assert_eq!(names.len(), 1);
    assert_eq!(made.iter().filter(|entered| !entered.reconnected).count(), 1);
    for kind in ["connection", "credential", "reservation"] {
        assert_eq!(watched.of_kind(kind).await.len(), 1, "{kind}");
    }
}

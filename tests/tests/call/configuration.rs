//! A wrong configuration is refused with its remedy, and nothing is changed by it.

use std::sync::Arc;

use bailee::{
    Bailee, Builder, ClientSecret, Declaration, ErrorKind, Registration, Remedy, RootKeys,
    http::{HttpSend, Opened, SendError},
    providers::{Generic, Spec},
};
use bailee_tests::{
    NOTES, NOTES_SPEC, PUBLISH, Watched, declaration, watched_over, watched_world, world,
};

use super::*;

/// Another key for tests alone: 32 bytes that count down.
const OTHER_KEY: &str = "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=";

fn refused(error: &Error, words: &str) {
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error:?}");
    assert_eq!(error.remedy(), Remedy::FixConfiguration, "{error:?}");
    let source = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    let said = format!("{error}: {source}");
    assert!(said.contains(words), "{words:?} in {said:?}");
}

/// Sees that a process is not built, why, and that it changed nothing.
async fn refuses(w: &World, store: &Watched, words: &str, change: impl FnOnce(Builder) -> Builder) {
    let before = (store.dump().await, store.asked().commits, requests(w));
    let process = w.process(declaration(), w.store().clone()).unwrap();
    let error = change(process).build().await.unwrap_err();
    refused(&error, words);
    let after = (store.dump().await, store.asked().commits, requests(w));
    assert_eq!(before.0.differences(&after.0), [""; 0], "{words}");
    assert_eq!((before.1, before.2), (after.1, after.2), "{words}: nothing was even tried");
}

fn secret() -> ClientSecret {
    ClientSecret::copy_from(b"fake-client-secret")
}

#[tokio::test(flavor = "multi_thread")]
async fn key_04_a_wrong_root_key_is_refused_before_anything_is_written() {
    let (w, store) = watched_world().await;
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    refuses(&w, &store, "root key that is not configured", |process| {
        process.keys(RootKeys::base64(OTHER_KEY).unwrap())
    })
    .await;
    // The right one beside it, to unwrap only, opens everything.
    let right = RootKeys::base64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap();
    let keys = RootKeys::base64(OTHER_KEY).unwrap().with_decrypt_only(right);
    let process = w.process(declaration(), w.store().clone()).unwrap().keys(keys);
    let process = process.build().await.unwrap();
    process.acting(&ada, &NOTES).call(&connection, &WriteNote("x")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn key_04_a_wrong_root_key_is_refused_where_the_keys_lie_apart() {
    let builder = world();
    let clock: Arc<dyn bailee::core::Clock> = Arc::new(builder.clock().clone());
    let keys = Watched::new(Arc::new(bailee::store::MemoryStore::new(clock.clone())));
    let apart = keys.clone();
    let builder = builder.change(move |process| process.keys_in(Shared(apart.clone())));
    let data = Arc::new(bailee::store::MemoryStore::new(clock));
    let (w, store) = watched_over(builder, data).await;
    w.connect(&w.visitor("ada"), "notes", &[NOTES]).await.unwrap();
    let before = keys.dump().await;
    refuses(&w, &store, "root key that is not configured", |process| {
        process.keys(RootKeys::base64(OTHER_KEY).unwrap())
    })
    .await;
    assert_eq!(before.differences(&keys.dump().await), [""; 0]);
    // No wrapped key lies among the data.
    let kinds = store.names().into_iter().map(|(_, key)| key.kind);
    assert!(kinds.clone().count() > 5);
    assert!(kinds.into_iter().all(|kind| !kind.as_str().starts_with("key.")));
}

/// A store that is shared, where one is to be given away.
struct Shared(Arc<Watched>);

#[async_trait::async_trait]
impl bailee::store::Store for Shared {
    async fn read(
        &self,
        tenant: &TenantId,
        keys: &[bailee::store::Key],
    ) -> bailee::Result<bailee::store::Snapshot> {
        self.0.read(tenant, keys).await
    }

    async fn find(
        &self,
        tenant: &TenantId,
        query: &bailee::store::Query,
    ) -> bailee::Result<bailee::store::Page> {
        self.0.find(tenant, query).await
    }

    async fn commit(
        &self,
        tenant: &TenantId,
        batch: &bailee::store::Batch,
    ) -> bailee::Result<bailee::store::Committed> {
        self.0.commit(tenant, batch).await
    }

    async fn claim(
        &self,
        claim: bailee::store::Claim<'_>,
    ) -> bailee::Result<Vec<bailee::store::Lease>> {
        self.0.claim(claim).await
    }

    async fn sweep(&self, limit: u32) -> bailee::Result<u64> {
        self.0.sweep(limit).await
    }

    async fn tally(
        &self,
        tenant: Option<&TenantId>,
        kind: &bailee::store::Kind,
    ) -> bailee::Result<Vec<bailee::store::Count>> {
        self.0.tally(tenant, kind).await
    }
}

#[async_trait::async_trait]
impl bailee::store::Log for Shared {
    async fn entries(
        &self,
        tenant: &TenantId,
        window: bailee::store::Window,
    ) -> bailee::Result<Vec<bailee::store::LoggedEntry>> {
        self.0.entries(tenant, window).await
    }

    async fn open(
        &self,
        limit: u32,
    ) -> bailee::Result<(bailee::store::Head, Vec<bailee::store::Leaf>)> {
        bailee::store::Log::open(&*self.0, limit).await
    }

    async fn numbered(
        &self,
        from: u64,
        limit: u32,
    ) -> bailee::Result<Vec<(u64, bailee::store::Leaf)>> {
        self.0.numbered(from, limit).await
    }

    async fn fold(
        &self,
        head: bailee::store::Head,
        leaves: &[bailee::store::Leaf],
    ) -> bailee::Result<bailee::store::Head> {
        self.0.fold(head, leaves).await
    }
}

#[test]
fn key_01_what_is_no_root_key_is_not_taken_and_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        RootKeys::file(path)
    };
    let equal = "KioqKioqKioqKioqKioqKioqKioqKioqKioqKioqKio=";
    let texts = [
        ("", "base64 of exactly 32 bytes"),
        ("ZmFrZS1zaG9ydA==", "base64 of exactly 32 bytes"),
        ("fake-passphrase-of-a-person", "base64 of exactly 32 bytes"),
        (&OTHER_KEY[..43], "base64 of exactly 32 bytes"),
        (&[OTHER_KEY, "AAAA"].concat(), "base64 of exactly 32 bytes"),
        (equal, "all bytes of the root key are equal"),
    ];
    for (n, (text, words)) in texts.into_iter().enumerate() {
        for result in [RootKeys::base64(text), file(&n.to_string(), text)] {
            let error = result.map(|_| ()).unwrap_err();
            refused(&error, words);
            assert!(text.is_empty() || !format!("{error:?} {error}").contains(text));
        }
    }
    let missing = RootKeys::file(folder.path().join("nowhere")).map(|_| ()).unwrap_err();
    refused(&missing, "could not be read");
    assert!(!format!("{missing:?}").contains("nowhere"));
    let unset = RootKeys::environment("BAILEE_TESTS_NOBODY_SETS_THIS").map(|_| ()).unwrap_err();
    refused(&unset, "is not set");
    file("good", &[OTHER_KEY, "\n"].concat()).unwrap();
}

#[test]
fn a_malformed_declaration_names_each_line_and_what_to_do() {
    let text = include_str!("../../privacy.toml");
    let one_off = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        Declaration::parse(&text.replacen(from, to, 1)).unwrap_err()
    };
    refused(&Declaration::parse("").unwrap_err(), "controller");
    refused(&Declaration::parse("role = [").unwrap_err(), "line 1");
    refused(&one_off("basis = \"consent\"", "basis = \"because\""), "because");
    refused(&one_off("use = \"service\"", "use = \"sell_data\""), "selling personal data");
    refused(&one_off("category = \"profile\"", "category = \"dreams\""), "dreams");
    refused(&one_off("[integrations.tiktok.scopes]", "[integrations.tiktok.scope]"), "scope");
    refused(&one_off("safeguard = \"standard_contractual_clauses\"\n", ""), "safeguard");
    let error = one_off("basis = \"consent\"", "basis = \"because\"");
    let place = text.lines().position(|line| line == "basis = \"consent\"").unwrap() + 1;
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains(&format!("line {place}")), "{source}");
}

/// Nothing may leave in these tests.
#[derive(Debug)]
struct Nowhere;

#[async_trait::async_trait]
impl HttpSend for Nowhere {
    async fn open(&self, _: bailee::http::Request) -> Result<Opened, SendError> {
        panic!("a request left")
    }
}

/// A builder with every piece that it needs but those that are left out.
fn bare(store: Arc<dyn bailee::store::Store>, without: &str) -> Builder {
    let mut builder = Bailee::builder(declaration());
    if without != "store" {
        builder = builder.shared_store(store);
    }
    if without != "keys" {
        // The key of every world.
        let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        builder = builder.keys(RootKeys::base64(key).unwrap());
    }
    if without != "http" {
        builder = builder.http(Nowhere);
    }
    if without != "runtime" {
        builder = builder.runtime(bailee::Tokio);
    }
    if without != "access" {
        builder = builder.access(bailee_testkit::Memberships::default());
    }
    if without != "instance" {
        builder = builder.instance("test");
    }
    if without != "mount" {
        builder = builder.mount("https://app.example.test/connect");
    }
    builder
}

#[tokio::test]
async fn a_builder_names_the_piece_that_it_was_not_given() {
    for missing in ["store", "keys", "http", "runtime", "access", "instance", "mount"] {
        let clock = bailee::core::ManualClock::default();
        let store = Watched::new(Arc::new(bailee::store::MemoryStore::new(Arc::new(clock))));
        let error = bare(store.clone(), missing).build().await.unwrap_err();
        refused(&error, &format!("the builder was given no {missing}"));
        assert_eq!(store.asked().commits, 0, "{missing}");
        assert!(store.names().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn flow_07_what_does_not_fit_together_is_refused_before_anything_is_written() {
    let (w, store) = watched_world().await;
    let registration = |provider: &str| Registration::new(provider, "fake-2", secret()).unwrap();
    refuses(&w, &store, "the registration tiktok is given twice", |process| {
        process.registration(registration("tiktok"))
    })
    .await;
    refuses(&w, &store, "there is no provider elsewhere", |process| {
        process.registration(registration("elsewhere"))
    })
    .await;
    refuses(&w, &store, "the provider notes is given twice", |process| {
        process.provider(Generic::new(Spec::parse(NOTES_SPEC).unwrap()))
    })
    .await;
    refuses(&w, &store, "purpose `profiles.build`", |process| {
        process.requires(&[PUBLISH, PurposeId::from_static("profiles.build")])
    })
    .await;
    refuses(&w, &store, "return", |process| process.return_to("evil", "https://evil.example/"))
        .await;
    for mount in ["http://app.example.test/connect", "https://127.0.0.1/", "/connect"] {
        refuses(&w, &store, "the mount", |process| process.mount(mount)).await;
    }
    refuses(&w, &store, "", |process| process.instance("no spaces here")).await;
    // An integration that is not declared, and a scope that the provider does not have.
    let diary = NOTES_SPEC.replace("id = \"notes\"", "id = \"diary\"");
    refuses(&w, &store, "the declaration has no integration diary", |process| {
        let provider = Generic::new(Spec::parse(&diary).unwrap());
        process.provider(provider).registration(registration("diary"))
    })
    .await;
    let before = store.dump().await;
    let spec = NOTES_SPEC.replace("name = \"notes.write\"", "name = \"notes.scribble\"");
    let process = bare(w.store().clone(), "test")
        .provider(Generic::new(Spec::parse(&spec).unwrap()))
        .registration(registration("notes"));
    refused(&process.build().await.unwrap_err(), "no scope `notes.write`");
    assert_eq!(before.differences(&store.dump().await), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_cannot_take_over_the_id_of_another_providers() {
    let (w, store) = watched_world().await;
    let before = store.dump().await;
    let notes = |id: &str| Registration::new("notes", "fake-3", secret()).unwrap().id(id).unwrap();
    let process = bare(w.store().clone(), "test")
        .provider(Generic::new(Spec::parse(NOTES_SPEC).unwrap()))
        .registration(notes("another"))
        .registration(notes("tiktok"));
    refused(&process.build().await.unwrap_err(), "belongs to another provider");
    assert_eq!(before.differences(&store.dump().await), [""; 0], "the good one is not written");
}
